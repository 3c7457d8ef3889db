#!/usr/bin/env bash
# What -l finds, on the machine of the golden tests; the kernel's types on this one.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"

export MEMQL_FAKE_TARGET=$SOURCE/tests/fake_target.txt
fake=$MEMQL_BUILD/tests/memql_fake

lists() { # LINES, ARGUMENTS...: these lines and no others
    local lines=$1
    shift
    run 0 "$fake" "$@"
    printf '%s\n' "$lines" >"$TMP/want"
    expect_same "$TMP/out" "$TMP/want"
}

switch=tracepoint:sched:sched_switch
lists "$switch" -l 'sched:*switch'
lists "$switch" -l 'tracepoint:*switch'
lists "$switch" -l 't:sched:sched_sw*'
lists uprobe:/usr/bin/memsqld:parse_query -l 'uprobe:memsqld:parse*'
lists uprobe:/usr/bin/memsqld:parse_query -l -p 100 'parse_*'
lists uprobe:/usr/bin/memsqld:parse_query -l -p 100 'uprobe:*parse_q*'
lists $'BEGIN\ntracepoint:sched:sched_wakeup' -l -e 'BEGIN { } t:sched:*wakeup { }'

# These are names in several kinds.
for pattern in 'sched_sw*' d_swit; do
    run 0 "$fake" -l "$pattern"
    expect "$TMP/out" "^$switch$"
done
run 0 "$fake" -l 'tracepoint:*'
expect "$TMP/out" '^tracepoint:syscalls:sys_enter_read$'
run 0 "$fake" -lv tracepoint:raw_syscalls:sys_exit
expect "$TMP/out" '^    ret  int64$'

refuses() { # WORDS OF THE MESSAGE, ARGUMENTS...
    local words=$1
    shift
    run 1 "$fake" "$@"
    expect "$TMP/err" "$words"
}

refuses "nothing matches 'tracepoint:nosuch\*'" -l 'tracepoint:nosuch*'
refuses "did you mean 'tracepoint'" -l 'tracpoint:sched:*'
refuses "no probe '\*nosuch\*'" -l -p 100 nosuch

if [ -r /sys/kernel/btf/vmlinux ]; then
    run 0 "$MEMQL" -l 'struct task_str*'
    expect "$TMP/out" '^struct task_struct$'
    run 0 "$MEMQL" -lv 'struct task_struct'
    expect "$TMP/out" '^    char comm\[16\];$'
    run 0 "$MEMQL" -lv 'enum pid_type'
    expect "$TMP/out" '^    PIDTYPE_TGID = 1,$'
    run 1 "$MEMQL" -l 'struct task_strcut'
    expect "$TMP/err" "did you mean 'struct task_struct'"
fi

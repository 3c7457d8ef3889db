#!/usr/bin/env bash
# -p of a process that forks its workers says that they are not traced.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
need_bpf

# The child reads from a pipe of its parent, and ends with it.
start parent bash -c 'coproc { read -r; }; echo ready; wait'
wait_for "$TMP/parent.out" ready
libc=$(awk '$6 ~ "/libc.so.6$" { print $6; exit }' "/proc/$started_pid/maps")
[ -n "$libc" ] || skip "bash does not use libc.so.6"

run 0 "$MEMQL" -p "$started_pid" --dry-run -e "uprobe:$libc:malloc { @ = count(); }"
expect "$TMP/err" "traces that process alone, not its 1 child process of the same program"
run 0 "$MEMQL" -p "$started_pid" --dry-run -e 'interval:s:1 { @ = count(); }'
! grep -q "child process" "$TMP/err" || fail "a clock is no matter of processes"

#!/usr/bin/env bash
# -v says what memql decided and users may see in the results.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
need_bpf
need_kernel sleepable

# Each value is kept until all behind it are there: more than registers hold.
deep=rand
for i in {1..14}; do
    deep="rand * $i - ($deep)"
done
program="uprobe:libc:puts { printf(\"%s %d\\n\", str(arg0), $deep); }"

run 0 "$MEMQL" -v --dry-run -e "$program"
expect "$TMP/err" "uprobe:libc:puts \(line 1\) needs too much stack"
run 0 "$MEMQL" --dry-run -e "$program"
! grep -q stack "$TMP/err" || fail "it says so without -v, too"

# What a hit costs is told before anybody pays: the first instruction decides, and one nearby may be cheap.
if command -v cc >/dev/null; then
    cat >"$TMP/dear.s" <<'END'
        .globl  main, dear
        .type   dear, @function
dear:   mov     %rdi, %rax
        push    %rax
        pop     %rax
        ret
        .size   dear, . - dear
main:   call    dear
        ret
        .section .note.GNU-stack,"",@progbits
END
    cc "$TMP/dear.s" -o "$TMP/dear"
    run 0 "$MEMQL" --dry-run -e "uprobe:$TMP/dear:dear { @ = count(); }"
    expect "$TMP/err" "at 1 of 1 places a hit costs microseconds.*; at dear\\+3 it would not"
    run 0 "$MEMQL" --dry-run -e "uprobe:$TMP/dear:dear+3 { @ = count(); }"
    ! grep -q microseconds "$TMP/err" || fail "a push is cheap"
    run 0 "$MEMQL" -lv "uprobe:$TMP/dear:dear"
    expect "$TMP/out" "at dear\\+3 it"
fi

#!/usr/bin/env bash
# memql's own process is left out of probes on code that it runs; elsewhere that costs
# nothing.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
need_bpf
need_kernel uprobe
need_command bash

libc=$(ldd "$MEMQL" | awk '$1 == "libc.so.6" { print $3 }')
[ -n "$libc" ] || skip "memql does not use libc.so.6"
checks() { # POINT: calls that ask whose process it is
    run 0 "$MEMQL" --dump=bpf -e "$1 { @ = count(); }"
    grep -c PID_TGID "$TMP/out" || true
}
[ "$(checks "uprobe:$libc:malloc")" = 1 ] || fail "memql calls malloc()"
[ "$(checks "uprobe:$(readlink -f "$MEMQL"):main")" = 1 ] || fail "memql runs its main()"
cp "$(command -v bash)" "$TMP/other"
[ "$(checks "uprobe:$TMP/other:main")" = 0 ] || fail "memql does not run bash"

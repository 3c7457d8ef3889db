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

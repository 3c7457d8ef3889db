#!/usr/bin/env bash
# Root runs memql in directories of others: no library is taken from there.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"

cd "$TMP"
for name in libc.so.6 libm.so.6 libz.so.1 libelf.so.1 libbpf.so.1; do
    echo "not a library" >"$name"
done
run 0 "$MEMQL" --version
expect "$TMP/out" '^memql '

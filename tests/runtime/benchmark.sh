#!/usr/bin/env bash
# bench/run runs, and has a number for memql and for C. What they are is not tested.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
need_bpf
need_command clang taskset python3
for header in bpf/libbpf.h gelf.h sys/sdt.h; do
    clang -fsyntax-only -include "$header" -x c /dev/null 2>/dev/null || skip "<$header> is not installed"
done

run 0 env PATH=/usr/sbin:/usr/bin:/sbin:/bin "$SOURCE/bench/run" --quick --only count \
    --build "$MEMQL_BUILD" --json "$TMP/all.json"
expect "$TMP/out" "cost of an event: count, ns"
python3 - "$TMP/all.json" <<'END'
import json, sys

line = json.load(open(sys.argv[1]))["lines"][0]
assert line["median"]["memql"] > 0 and line["median"]["C"] > 0, line
END

#!/usr/bin/env bash
# print(@x, N) of a large map shows the last N lines of print(@x), in every way to read it.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
need_bpf

# 4,000 keys, many of them with the same value; some maps have a cell for each CPU.
fill='config = { max_map_keys = 5000; print_maps_on_exit = false }
BEGIN {
	for ($i : 0..4000) {
		$n = ($i * 7919) % 1009;
		@plain[$i] = $n; @cells[$i] = sum($n); @text[$i] = $i % 3 ? "b" : "a"
	}'

# The last N entries, as print() shows them: with an empty line behind.
last() {
    tail -n "$(($1 + 1))" "$TMP/all"
}

for map in @plain @cells @text; do
    run 0 "$MEMQL" -q -e "$fill print($map); exit() }"
    [ "$(grep -c "^$map" "$TMP/out")" = 4000 ] || fail "all of $map are shown"
    mv "$TMP/out" "$TMP/all"
    run 0 "$MEMQL" -q -e "$fill print($map, 1); print($map, 600); print($map, 1500);
        print($map, 3999); print($map, 5000); exit() }"
    { last 1; last 600; last 1500; last 3999; cat "$TMP/all"; } | cmp -s - "$TMP/out" ||
        fail "the largest of $map"
    for then in clear zero; do
        run 0 "$MEMQL" -q -e "$fill print($map, 600); $then($map); exit() }"
        last 600 | cmp -s - "$TMP/out" || fail "the largest of $map, and $then()"
    done
done

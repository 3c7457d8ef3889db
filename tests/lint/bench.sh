#!/usr/bin/env bash
# docs/performance.md has the commands that bench/run measures.
#
# usage: tests/lint/bench.sh [TREE]
set -euo pipefail
cd "${1:-$(dirname "$0")/../..}"
page=docs/performance.md
[ -e "$page" ] || exit 0

commands=$(bench/run --commands)
written=$(sed -n '/^<!-- bench\/run: commands -->$/,/^<!-- bench\/run: end/{/^<!--/!p}' "$page")
if ! diff -u <(echo "$written") <(echo "$commands"); then
    echo "$page: bench/run --commands --update"
    exit 1
fi

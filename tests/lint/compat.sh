#!/usr/bin/env bash
# Every construct whose output differs from bpftrace's on purpose has its reason in
# docs/decisions.md; those that are unfinished exist.
#
# usage: tests/lint/compat.sh [TREE]
set -euo pipefail
cd "${1:-$(dirname "$0")/../..}"
constructs=tests/compat/constructs
status=0
shopt -s nullglob

for file in "$constructs"/*.memql.out; do
    name=$(basename "$file" .memql.out)
    if ! grep -qs "^|.*\b$name\b" docs/decisions.md; then
        echo "$file: docs/decisions.md does not say why"
        status=1
    fi
done
while read -r name _; do
    if [ ! -e "$constructs/$name.mq" ]; then
        echo "$constructs/unfinished: there is no $name.mq"
        status=1
    fi
done < <(grep -sv '^#' "$constructs/unfinished")
if [ -e docs/compatibility.md ] &&
    ! diff -u docs/compatibility.md <(python3 -B tests/compat/tools.py --page); then
    echo "docs/compatibility.md: tests/compat/tools.py --page prints another one"
    status=1
fi
exit $status

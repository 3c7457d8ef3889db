#!/usr/bin/env bash
# Every shell script parses, stops at errors and says on its second line what it is for.
set -euo pipefail
cd "${1:-$(dirname "$0")/../..}"

bad=0
complain() {
    echo "$1: $2"
    bad=1
}

while read -r script; do
    bash -n "$script" || complain "$script" "does not parse"
    grep -qE '^set -euo pipefail$|/lib\.sh"?$' "$script" ||
        complain "$script" "no 'set -euo pipefail', and tests/lib.sh is not sourced"
    [[ $(sed -n 2p "$script") == '# '* ]] || complain "$script" "no comment on line 2"
    [[ -x $script || $script == */lib.sh ]] || complain "$script" "not executable"
done < <(find . \( -name .git -o -path ./build \) -prune -o -type f -size -1000k \
    -exec awk 'FNR == 1 && /^#!.*bash/ { print FILENAME } { nextfile }' {} +)
exit $bad

#!/usr/bin/env bash
# No trailing blanks, no missing last newline, and no path of the author's machine.
set -euo pipefail
cd "${1:-$(dirname "$0")/../..}"

mapfile -d '' files < <(find . \( -name .git -o -path ./build -o -name __pycache__ \) \
    -prune -o -type f -not -name '*.tokens' -not -name '*.ast' -not -name '*.plan' \
    -not -name '*.err' -not -name '*.out' -not -path './tests/fuzz/*' -print0)

bad=0
report() { # WHAT: then grep's arguments
    local what=$1
    shift
    if grep -InE "$@" -- "${files[@]}"; then
        echo "^ $what"
        bad=1
    fi
}

report "trailing blanks" '[[:blank:]]+$'
report "a path of one machine" '(^|[^[:alnum:]._/$}-])/(work|home|Users|root)/[[:alnum:]_]'
for file in "${files[@]}"; do
    if grep -Iq . "$file" && [ -n "$(tail -c 1 "$file")" ]; then
        echo "$file: no newline at the end"
        bad=1
    fi
done
exit $bad

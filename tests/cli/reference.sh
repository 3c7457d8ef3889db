#!/usr/bin/env bash
# docs/reference.md, the manual pages and the completions are what memql says of its rows;
# tools/update-golden writes them anew.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"

cd "$(dirname "$0")/../.."
while read -r form file; do
    diff -u "$file" <("$MEMQL" --reference="$form") ||
        fail "$file is not what memql --reference=$form prints: run tools/update-golden"
done <docs/generated

# Nothing in the pages that readers of them complain about, but that they have no date.
for page in docs/memql.1 docs/memql.7; do
    if command -v mandoc >/dev/null; then
        said=$(mandoc -Tlint -Wwarning "$page" | grep -v 'missing date' || true)
        [ -z "$said" ] || fail "$said"
    fi
    if command -v man >/dev/null && command -v groff >/dev/null; then
        said=$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -l "$page" 2>&1 >/dev/null)
        [ -z "$said" ] || fail "$said"
    fi
done

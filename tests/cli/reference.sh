#!/usr/bin/env bash
# docs/reference.md is what memql says of its rows; tools/update-golden writes it anew.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"

diff -u "$(dirname "$0")/../../docs/reference.md" <("$MEMQL" --reference) ||
    fail "docs/reference.md is not what memql --reference prints: run tools/update-golden"

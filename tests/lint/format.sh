#!/usr/bin/env bash
# Our C is as clang-format leaves it.
set -euo pipefail
exec "$(dirname "$0")/../../tools/format" --check "$@"

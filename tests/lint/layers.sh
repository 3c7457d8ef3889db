#!/usr/bin/env bash
# The include rule of docs/architecture.md holds.
set -euo pipefail
exec "$(dirname "$0")/../../tools/check-layers" "$@"

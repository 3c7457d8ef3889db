#!/usr/bin/env bash
# Every kind of message has a program that causes it: tests/errors/TAG.mq.
set -euo pipefail
cd "${1:-$(dirname "$0")/../..}"

bad=0
while read -r tag; do
    grep -qs "\[$tag\]" "tests/errors/$tag.err" || {
        echo "tests/errors/$tag.mq does not cause [$tag]"
        bad=1
    }
done < <(sed -n 's/^DIAG(\([a-z_]*\),.*/\1/p' core/diag_tags.def)
exit $bad

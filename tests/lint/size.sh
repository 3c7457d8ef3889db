#!/usr/bin/env bash
# No file of ours outgrows 700 lines; over 600 is a warning.
set -euo pipefail
cd "${1:-$(dirname "$0")/../..}"

bad=0
while read -r lines file; do
    if ((lines > 700)); then
        echo "$file: $lines lines, at most 700"
        bad=1
    elif ((lines > 600)); then
        echo "warning: $file: $lines lines, better at most 600"
    fi
done < <(find . \( -name .git -o -path ./build \) -prune -o \
    -type f \( -name '*.[chly]' -o -name '*.def' -o -name '*.py' -o -name '*.sh' \
    -o -name '*.mq' -o -path './tools/*' \) -size -1000k -exec wc -l {} \;)
exit $bad

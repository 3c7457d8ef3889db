#!/usr/bin/env bash
# Each header compiles alone, and twice: it includes what it needs and is guarded. One that
# tells with #error what must be defined before it is not meant to be alone.
set -euo pipefail
cd "${1:-$(dirname "$0")/../..}"

llvm=${MEMQL_LLVM_INCLUDE:-$(llvm-config-19 --includedir 2>/dev/null || echo /usr/include)}
bad=0
for header in */*.h tests/*/*.h; do
    [[ -e $header && $header != build/* ]] || continue
    grep -q '^#error "define' "$header" && continue
    printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
        ${CC:-cc} -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only \
            -I. -isystem "$llvm" -x c - || {
        echo "$header does not compile alone"
        bad=1
    }
done
exit $bad

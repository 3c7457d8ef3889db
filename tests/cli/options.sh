#!/usr/bin/env bash
# The command line: --help fits a terminal of 80 columns, and mistakes are named.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"

wide=$("$MEMQL" --help | awk 'length($0) > 80')
[ -z "$wide" ] || fail "--help is wider than 80 columns: $wide"

refuses() { # WORDS OF THE MESSAGE, ARGUMENTS...
    local said words=$1
    shift
    said=$("$MEMQL" "$@" 2>&1 >/dev/null) && fail "memql $* is accepted"
    [[ $said == *"$words"* ]] || fail "memql $* says '$said', not '$words'"
}

refuses "unknown option '--formt'; did you mean --format?" --formt json
refuses "a script's own options follow its name" --min 10ms
refuses "follow after --" -e 'BEGIN { exit(); }' --min 10ms
refuses "-e was given twice" -e 'BEGIN { exit(); }' -e 'END { }'
refuses "does not take -e" -l -e 'BEGIN { exit(); }'
refuses "exclude each other" -p 1 -c true -e 'BEGIN { exit(); }'
refuses "one pattern" -l 'BEGIN' 'END'
refuses "it takes text, json" -f xml -e 'BEGIN { exit(); }'
refuses "a whole number" -p self -e 'BEGIN { exit(); }'

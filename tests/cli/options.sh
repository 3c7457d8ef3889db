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
refuses "exclude each other" -p 1 -c true -e 'BEGIN { exit(); }'
refuses "one pattern" -l 'BEGIN' 'END'
refuses "it takes text, json" -f xml -e 'BEGIN { exit(); }'
refuses "a whole number" -p self -e 'BEGIN { exit(); }'
refuses "did you mean plan?" --dump plna -e 'BEGIN { exit(); }'
refuses "did you mean --include?" --incldue x.h -e 'BEGIN { exit(); }'
refuses "it takes none, line, full" -B all -e 'BEGIN { exit(); }'

refuses "doctor takes --json" doctor --jsno

# What bpftrace takes changes nothing, and is not taken for the script's name.
for words in -k -kk --usdt-file-activation -I/usr/include "-I /usr/include" "--include linux/sched.h"; do
    run 0 "$MEMQL" $words --dump=ast -e 'BEGIN { exit(); }'
done
expect "$TMP/err" "--include has no effect: types come from"
run 0 "$MEMQL" -k --no-warnings --unsafe -B line -v -d ast -e 'BEGIN { 1; }'
[ ! -s "$TMP/err" ] || fail "memql -k --no-warnings says '$(cat "$TMP/err")'"

# Installed scripts are found by their names.
export MEMQL_SCRIPTS=$SOURCE/scripts
run 0 "$MEMQL" query_latency --help
run 0 "$MEMQL" query_latency.mq --help
run 0 "$MEMQL" query_latency -- --help
run 1 "$MEMQL" query_latency -- --mni 3
expect "$TMP/err" "did you mean '--min'"
run 1 "$MEMQL" query_latancy
expect "$TMP/err" "did you mean 'query_latency'"
[ "$("$MEMQL" --reference=scripts | grep -c '^query_latency.mq$')" = 1 ] || fail "no list of scripts"

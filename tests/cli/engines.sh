#!/usr/bin/env bash
# What is said when there is no engine: one message, about what was typed.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"

script=$SOURCE/scripts/query_latency.mq

says() { # WORDS OF THE ONE MESSAGE, COMMAND...
    local said words=$1
    shift
    said=$("$@" 2>&1 >/dev/null) && fail "$* is accepted"
    [[ $said == *"$words"* ]] || fail "$* says '$said', not '$words'"
    [ "$(grep -c 'error: ' <<<"$said")" = 1 ] || fail "$* says more than one thing: $said"
}

# A copy of the program by itself.
cp "$MEMQL" "$TMP/memql"
for what in "-l query:*" "-e query:done{}"; do
    (cd "$TMP" && MEMQL_SCRIPTS=$TMP/nowhere says "looked for $TMP/nowhere/engines" ./memql $what)
done
says "unknown kind of probe 'tracepiont'" "$MEMQL" -e 'tracepiont:a:b { }'

forbidden="Permission denied"
if [ "$(id -u)" = 0 ]; then
    says "'/bin/true' has none of the probes of an engine that memql knows" "$MEMQL" "$script" --exe /bin/true
    says "--exe: there is no program '$TMP/none'" "$MEMQL" "$script" --exe "$TMP/none"
    says "--exe $script: not an ELF file" "$MEMQL" "$script" --exe "$script"
    says "there is no pack for an engine 'postgres'" "$MEMQL" "$script" --engine postgres
    says "--pid 4194304: no such process" "$MEMQL" "$script" --pid 4194304
    says "-p 4194304: no such process" "$MEMQL" -p 4194304 "$script"
    says "process $$ is no engine" "$MEMQL" "$script" --pid $$
    says "process $$ is no engine" "$MEMQL" -p $$ "$script"
    command -v setpriv >/dev/null || exit 0
    chmod 755 "$TMP"
    cp -r "$SOURCE/scripts" "$TMP"
    nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups env "MEMQL_SCRIPTS=$TMP/scripts")
    says "$forbidden" "${nobody[@]}" "$TMP/memql" -l 'query:*'
    says "cannot look for engines" "${nobody[@]}" "$TMP/memql" "$TMP/scripts/query_latency.mq"
else
    says "$forbidden" "$MEMQL" -l 'query:*'
    says "cannot look for engines" "$MEMQL" "$script"
fi

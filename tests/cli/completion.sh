#!/usr/bin/env bash
# What bash offers after some words of a command line; zsh's script parses.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"

scripts=$SOURCE/docs/completion
bash -n "$scripts/memql.bash"
if command -v zsh >/dev/null; then
    zsh -n "$scripts/_memql"
fi
library=/usr/share/bash-completion/bash_completion
[ -r "$library" ] || skip "bash-completion is not installed"

# offers WORDS... (the last one is being typed): in $TMP/offered, one a line.
offers() {
    bash -c '
        library=$1 completion=$2
        shift 2
        . "$library"
        . "$completion"
        compopt() { :; } # works in completions only
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
        _memql
        printf "%s\n" "${COMPREPLY[@]}"
    ' - "$library" "$scripts/memql.bash" "$MEMQL" "$@" >"$TMP/offered" </dev/null
}

offers --f
expect "$TMP/offered" '^--format$'
offers -f ''
expect "$TMP/offered" '^json$'
offers -l trace
expect "$TMP/offered" '^tracepoint:$'
offers -e "'us"
expect "$TMP/offered" "^'usdt:$"
offers "$SOURCE/scripts/query_latency.mq" --his
expect "$TMP/offered" '^--histogram$'
offers doc
expect "$TMP/offered" '^doctor$'
offers doctor --
expect "$TMP/offered" '^--json$'
offers explain --prog
expect "$TMP/offered" '^--program$'
offers explain --line 3 --without nu
expect "$TMP/offered" '^null-check$'
offers explain --line 3 "$SOURCE/scripts/query_latency.mq" --his
expect "$TMP/offered" '^--histogram$'
offers lesson 1
expect "$TMP/offered" '^10$'
offers lesson 3 --c
expect "$TMP/offered" '^--check$'
cd "$SOURCE/scripts"
offers explain --full que
expect "$TMP/offered" '^query_latency.mq$'
offers -q que
expect "$TMP/offered" '^query_latency.mq$'

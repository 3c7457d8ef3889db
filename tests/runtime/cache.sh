#!/usr/bin/env bash
# A program that was compiled before is not compiled again, and does the same.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
need_bpf
export MEMQL_CACHE=$TMP/cache

trace() { # OPTION...
    run 0 "$MEMQL" -q "$@" -e 'BEGIN { @x[1] = 7; printf("%s\n", "one"); exit(); }'
    expect "$TMP/out" '^one$'
    expect "$TMP/out" '^@x\[1\]: 7$'
}
files() {
    find "$MEMQL_CACHE" -type f -printf '%p %s %i\n' 2>/dev/null | sort
}

trace --no-cache
[ -z "$(files)" ] || fail "--no-cache keeps nothing"
trace
[ "$(stat -c %a "$MEMQL_CACHE")" = 700 ] || fail "the directory is private"
first=$(files)
[ "$(wc -l <<<"$first")" = 1 ] || fail "one file: $first"
trace
[ "$(files)" = "$first" ] || fail "the file is used"

# So is one for which the kernel's types are asked while code is generated: it is the same code.
if [ -n "${LOAD_SPY-}" ]; then
    code() { # OPTION...
        rm -f "$TMP/loaded"
        LD_PRELOAD=$LOAD_SPY LOAD_SPY_OUT=$TMP/loaded run 0 "$MEMQL" --dry-run "$@" \
            -e 'BEGIN { print(curtask.real_parent.tgid); }'
        grep '"name":"clause' "$TMP/loaded"
    }
    rm -r "$MEMQL_CACHE"
    plain=$(code --no-cache)
    [ "$(code)" = "$plain" ] || fail "other code where answers are remembered than $plain"
    kept=$(files)
    [ "$(wc -l <<<"$kept")" = 1 ] || fail "it is kept: $kept"
    [ "$(code)" = "$plain" ] || fail "other code from the cache than $plain"
    [ "$(files)" = "$kept" ] || fail "it is found: $(files)"
    rm -r "$MEMQL_CACHE"
    trace
    first=$(files)
fi

# A program that is damaged is compiled anew, and replaced.
file=${first%% *}
printf x | dd of="$file" bs=1 seek=200 conv=notrunc status=none
trace
[ "$(files)" != "$first" ] || fail "a damaged file is replaced"
cmp -s "$file" <(head -c 200 "$file"; printf x; tail -c +202 "$file") && fail "it is repaired"

# Another memql compiles to other objects, though its file be as old and as large.
cp -p "$MEMQL" "$TMP/other"
touch -r "$TMP/other" "$TMP/age"
by_other() {
    run 0 "$TMP/other" -q --dry-run -e 'BEGIN { exit(); }'
    files | wc -l
}
before=$(by_other)
[ "$(by_other)" = "$before" ] || fail "the same memql finds what it kept"
head -c 1 "$MEMQL" | dd of="$TMP/other" bs=1 conv=notrunc status=none
touch -r "$TMP/age" "$TMP/other"
[ "$(by_other)" = "$((before + 1))" ] || fail "a memql that was written anew finds nothing"

# What others may write to is not trusted.
chmod 777 "$MEMQL_CACHE"
printf x | dd of="$file" bs=1 seek=200 conv=notrunc status=none
before=$(files)
trace
[ "$(files)" = "$before" ] || fail "an open directory is left alone"

# Where the file gives memql rights that its user has not, objects of the user are not loaded.
if ((EUID == 0)) && command -v setcap >/dev/null && setpriv --help 2>&1 | grep -q reuid; then
    cp "$MEMQL" "$TMP/memql"
    export MEMQL_CACHE=$TMP/of_user
    mkdir -m 700 "$MEMQL_CACHE"
    chown 65534 "$MEMQL_CACHE"
    chmod 755 "$TMP" "$TMP/memql"
    as_user() { # compiles; it may not load
        setpriv --reuid=65534 --clear-groups "$TMP/memql" -q --dry-run -e 'BEGIN { exit(); }' \
            >/dev/null 2>&1 || true
    }
    if setcap cap_bpf,cap_perfmon=ep "$TMP/memql" 2>/dev/null; then
        as_user
        [ -z "$(files)" ] || fail "memql with rights of its own keeps nothing: $(files)"
        setcap -r "$TMP/memql"
    fi
    as_user
    [ -n "$(files)" ] || fail "memql without keeps what it compiled"
fi

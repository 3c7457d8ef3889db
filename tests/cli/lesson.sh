#!/usr/bin/env bash
# memql lesson: what it shows, what it says no to, and where an installed memql finds it.
. "$(dirname "$0")/../lib.sh"

[ "$SOURCE/docs/lessons" -ef "$(dirname "$MEMQL")/../../docs/lessons" ] ||
    skip "the build is not in a directory of the tree"

run 0 "$MEMQL" lesson
expect "$TMP/out" '^  10  A thread-state analyser'
run 0 "$MEMQL" lesson --help
run 0 "$MEMQL" lesson 5
expect "$TMP/out" '^# 5. How long'
run 0 "$MEMQL" lesson 5 --start
expect "$TMP/out" '@began = nsecs;'
run 0 "$MEMQL" lesson 5 --solution
expect "$TMP/out" '@began\[tid\] = nsecs;'

run 1 "$MEMQL" lesson 11
expect "$TMP/err" "there is no lesson '11'"
run 1 "$MEMQL" lesson 5x
expect "$TMP/err" "there is no lesson '5x'"
run 1 "$MEMQL" lesson 5 --chek my.mq
expect "$TMP/err" 'did you mean --check'
run 1 "$MEMQL" lesson 5 --check
expect "$TMP/err" 'lesson N --check FILE is the form'
run 1 "$MEMQL" lesson 5 --start my.mq

# As installed, and as installed without them.
mkdir -p "$TMP/a/b/c/bin" "$TMP/share/scripts" "$TMP/share/lessons"
cp "$MEMQL" "$TMP/a/b/c/bin/memql"
cp "$SOURCE"/docs/lessons/01_* "$TMP/share/lessons"
run 0 env MEMQL_SCRIPTS="$TMP/share/scripts" "$TMP/a/b/c/bin/memql" lesson 1 --start
run 1 env MEMQL_SCRIPTS="$TMP/nowhere" "$TMP/a/b/c/bin/memql" lesson
expect "$TMP/err" 'the lessons are not installed'

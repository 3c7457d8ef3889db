#!/usr/bin/env bash
# What the shell tests share: . "$(dirname "$0")/../lib.sh"
#
# A test is a script that ends with status 0, calls fail, or calls skip. It has a directory
# of its own in $TMP, and what it starts in the background with start dies with it.
# Run by hand, it uses build/release; under ctest, the build that is tested.
set -euo pipefail

SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
: "${MEMQL_BUILD:=$SOURCE/build/release}"
: "${MEMQL:=$MEMQL_BUILD/memql}"
: "${MEMSQLD:=$MEMQL_BUILD/demo/memsqld}"
: "${KERNEL_CAN:=$MEMQL_BUILD/tests/kernel_can}"
export LC_ALL=C NO_COLOR=1

TMP=$(mktemp -d "${TMPDIR:-/tmp}/memql-test.XXXXXX")
started=()

# Runs whatever ends the test: nothing of it stays behind.
at_exit() {
    local status=$? pid
    trap - EXIT
    for pid in "${started[@]}"; do
        kill "$pid" 2>/dev/null || true
    done
    for pid in "${started[@]}"; do
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$TMP"
    exit "$status"
}
trap at_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
    echo "FAILED: $*"
    exit 1
}

# The last line of a skipped test is its reason.
skip() {
    echo "skipped: $*"
    exit 77
}

need_root() {
    ((EUID == 0)) || skip "needs root"
}

need_command() {
    local name
    for name; do
        command -v "$name" >/dev/null || skip "$name is not installed"
    done
}

# need_kernel bpf uprobe sleepable ...: see tests/kernel_can.c.
need_kernel() {
    local why
    why=$("$KERNEL_CAN" "$@") || skip "$why"
}

need_bpf() {
    need_root
    need_kernel bpf
}

# Starts the test again with a tracefs of its own where none is mounted; the machine's
# mounts stay as they are. Propagation is ended for /sys only: in a chroot, / may not be
# a mount.
need_tracefs() {
    need_root
    [ -d /sys/kernel/tracing/events ] && return
    [ -z "${MEMQL_TEST_UNSHARED-}" ] || skip "tracefs is not mounted and cannot be"
    local unshare=(unshare --mount --propagation unchanged)
    "${unshare[@]}" true 2>/dev/null || skip "tracefs is not mounted, and unshare fails"
    rm -rf "$TMP"
    trap - EXIT
    MEMQL_TEST_UNSHARED=1 exec "${unshare[@]}" bash -c '
        { mount --make-rprivate /sys && mount -t tracefs none /sys/kernel/tracing; } \
            2>/dev/null
        exec "$0"' "$(realpath "$0")"
}

# start NAME COMMAND...: in the background, output in $TMP/NAME.out and $TMP/NAME.err;
# its process id is in $started_pid.
start() {
    local name=$1
    shift
    "$@" >"$TMP/$name.out" 2>"$TMP/$name.err" &
    started_pid=$!
    started+=("$started_pid")
}

# stop PID [SIGNAL]: sets $stop_status to how it ended.
stop() {
    kill -s "${2:-TERM}" "$1" 2>/dev/null || true
    finish "$1"
}

# finish PID: waits for it; sets $stop_status.
finish() {
    local pid left=()
    stop_status=0
    wait "$1" || stop_status=$?
    for pid in "${started[@]}"; do
        [ "$pid" = "$1" ] || left+=("$pid")
    done
    started=("${left[@]}")
}

# wait_for FILE PATTERN [SECONDS]: until a line of the file matches.
wait_for() {
    local end=$((SECONDS + ${3:-10}))
    until grep -qE -- "$2" "$1" 2>/dev/null; do
        if ((SECONDS >= end)); then
            show "$1"
            fail "no /$2/ in ${1##*/} within ${3:-10} s"
        fi
        sleep 0.05
    done
}

show() {
    local file
    for file; do
        echo "--- ${file##*/}"
        cat -- "$file" 2>/dev/null || echo "(none)"
    done
}

# run STATUS COMMAND...: it must end with that status; output in $TMP/out and $TMP/err.
run() {
    local want=$1 got=0
    shift
    timeout -k 5 "${RUN_TIMEOUT:-30}" "$@" >"$TMP/out" 2>"$TMP/err" </dev/null || got=$?
    if ((got != want)); then
        show "$TMP/out" "$TMP/err"
        fail "status $got, not $want: $*"
    fi
}

# expect FILE PATTERN: some line matches.
expect() {
    grep -qE -- "$2" "$1" && return
    show "$1"
    fail "no /$2/ in ${1##*/}"
}

# expect_same GOT WANT: two files are equal.
expect_same() {
    diff -u -- "$2" "$1" || fail "${1##*/} is not as expected"
}

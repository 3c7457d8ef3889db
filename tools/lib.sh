#!/usr/bin/env bash
# What tools/demo and tools/test share; they set $tool and work in the top directory.
set -euo pipefail

jobs=${JOBS:-2}

say() {
    echo "$tool: $*" >&2
}

# The words at the top of the script, without the "# ".
usage() {
    sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"
}

# Under sudo, build as the one who owns the checkout: what root builds, the owner could
# not build again.
owner=$(stat -c %u build 2>/dev/null || stat -c %u .)
as_owner() {
    if ((EUID == 0 && owner != 0)) && [ "$owner" = "${SUDO_UID-}" ]; then
        setpriv --reuid="$owner" --regid="$SUDO_GID" --init-groups -- "$@"
    else
        "$@"
    fi
}

# The same for what tests that ran as root left there.
give_back() {
    if ((EUID == 0 && owner != 0)) && [ "$owner" = "${SUDO_UID-}" ]; then
        chown -R "$owner:$SUDO_GID" build
    fi
}

# build PRESET [TARGET...]: quiet unless it fails.
build() {
    local preset=$1 log=build/$1.log
    shift
    as_owner mkdir -p build 2>/dev/null || true
    if [ ! -w build ]; then
        say "build/ is not writable: it was built as root? Use sudo, or remove it"
        exit 1
    fi
    say "building build/$preset (the log is $log)"
    as_owner bash -c '
        preset=$1 jobs=$2
        exec >"$3" 2>&1
        shift 3
        cmake --preset "$preset" &&
            cmake --build --preset "$preset" --parallel "$jobs" ${1:+--target "$@"}
    ' _ "$preset" "$jobs" "$log" "$@" || {
        cat "$log"
        say "the build failed"
        exit 1
    }
}

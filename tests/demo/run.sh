#!/bin/sh
# Test the demo engine: run.sh [MEMSQLD_BINARY]; without it, $MEMSQLD as ctest sets it.
# Exit 0 passed, 1 failed, 77 skipped. (The tests are in a directory of their own
# because ctest runs every script in this one.)
memsqld=${1:-$MEMSQLD}
if [ ! -x "$memsqld" ]; then
	echo "usage: $0 MEMSQLD_BINARY (there is no '$memsqld')" >&2
	exit 1
fi
if ! command -v python3 >/dev/null; then
	echo "skipped: there is no python3" >&2
	exit 77
fi
exec python3 -B "$(dirname "$0")/memsqld/test_memsqld.py" "$memsqld"

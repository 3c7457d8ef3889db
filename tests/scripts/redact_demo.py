"""--redact: what clients wrote into their queries is in no output of any script."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines.demo import Demo
from engines.workloads import scripts
from tracing import Memql, check, in_directory

MODES = [[], ["--top", "20"], ["--histogram"]]
# Something for each script to tell of.
STATEMENT = "SELECT burn(50us), lock('t1', 300us), read(4kb, {1..3}), alloc({1..9}kb) FROM t"
# What the demo engine was told to do: burn(350us), lock('t1', 2ms)
LITERAL = re.compile(r"\b(?:burn|sleep|alloc|lock|read|write)\((?!\?)")


def literals_are_gone(directory):
    some = [path for path in scripts() if "partition" not in path]
    check(len(some) >= 6, f"{len(some)} scripts about queries")
    for at, path in enumerate(some):
        name = os.path.basename(path)
        # An emulated machine verifies each of these programs for ten seconds: one mode of each script.
        for mode in [MODES[at % len(MODES)]] if "MEMQL_TEST_GUEST" in os.environ else MODES:
            run = "-".join([name, *mode])
            engine = Demo(directory, run, "--threads", "4", "--queries", "300", "--statement", STATEMENT)
            memqls = [
                Memql(directory, f"{run}-{json}", [path, "--redact", *mode, "--pid", str(engine.pid)], json_output=json)
                for json in (False, True)
            ]
            engine.go()
            for memql in memqls:
                memql.stop()
                text = "\n".join(memql.lines())
                check(re.search(r"\w\(\?", text), f"{run}: the queries are there")
                check(not LITERAL.search(text), f"{run}: their literals are not")


in_directory(literals_are_gone)

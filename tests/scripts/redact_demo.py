"""--redact: what clients wrote into their queries is in no output of any script."""

import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines.demo import Demo
from engines.workloads import scripts
from tracing import Memql, check, need_root

MODES = [[], ["--top", "20"], ["--histogram"]]
# What the demo engine was told to do: burn(350us), lock('t1', 2ms)
LITERAL = re.compile(r"\b(?:burn|sleep|alloc|lock|read|write)\((?!\?)")


def main():
    need_root()
    some = [path for path in scripts() if "partition" not in path]
    check(len(some) >= 6, f"{len(some)} scripts about queries")
    for path in some:
        name = os.path.basename(path)
        with tempfile.TemporaryDirectory() as directory:
            for i, mode in enumerate(MODES):
                engine = Demo(directory, f"engine{i}", "--threads", "2", "--queries", "300")
                memqls = [
                    Memql(directory, f"{i}-{json}", [path, "--redact", *mode, "--pid", str(engine.pid)], json_output=json)
                    for json in (False, True)
                ]
                engine.go()
                for memql in memqls:
                    memql.stop()
                    text = "\n".join(memql.lines())
                    where = f"{name} {' '.join(mode)}"
                    check("burn(?)" in text, f"{where}: the queries are there")
                    check(not LITERAL.search(text), f"{where}: their literals are not")


main()

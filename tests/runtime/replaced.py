"""A traced program is replaced by another file: said once, and not before."""

import os
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import Load, Memql, check, need_root, skip


def replaced(memql):
    return [e["data"]["message"] for e in memql.events() if e["type"] == "replaced_file"]


def main():
    need_root()
    if "LOAD" not in os.environ:
        skip("the load was not built: <sys/sdt.h> is missing")
    with tempfile.TemporaryDirectory(prefix="memql-replaced-") as directory:
        program = shutil.copy(os.environ["LOAD"], os.path.join(directory, "program"))
        script = f"uprobe:{program}:work {{ @ = count(); }} usdt:{program}:* {{ @ = count(); }}"
        memql = Memql(directory, "replaced", ["-e", script])
        with Load(program):
            time.sleep(1.2)
            check(not replaced(memql), "nothing is said of a program that stays")
            os.unlink(program)
            time.sleep(1.2)
            check(not replaced(memql), "nor of one that is deleted: nobody can start it")
            shutil.copy(os.environ["LOAD"], program)
            time.sleep(2.2)
            check(len(replaced(memql)) == 1, "one that is replaced: " + " ".join(replaced(memql)))
        memql.stop()
        check(len(replaced(memql)) == 1, "and no second time")
        memql = Memql(directory, "quiet", ["-e", script])
        os.unlink(program)
        shutil.copy(os.environ["LOAD"], program)
        memql.stop()
        check(len(replaced(memql)) == 1, "also if that was right before the end")


main()

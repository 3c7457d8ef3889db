"""The demo engine is killed in the middle of a statement, started again, and replaced by
another file, under each script: it goes on and ends well, and memql says what it missed."""

import os
import shutil
import socket
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines.demo import Demo
from engines.workloads import scripts
from tracing import Memql, check, need_root, skip


def send(engine, statement):
    """Hands it to the engine, which answers when it is done."""
    to = socket.socket(socket.AF_UNIX)
    to.connect(engine.socket)
    to.sendall(statement.encode() + b"\n")
    return to


def ask(engine, statement):
    with send(engine, statement) as to:
        check(b'"status":0' in to.recv(4096), f"the engine did {statement}")


def kill(engine):
    engine.process.kill()
    engine.process.wait()
    os.unlink(engine.socket)


def main():
    need_root()
    built = os.environ.get("MEMSQLD") or skip("the demo engine was not built: <sys/sdt.h> is missing")
    directory = tempfile.mkdtemp(prefix="memql-endings-")
    try:
        own = os.environ["MEMSQLD"] = shutil.copy(built, directory)
        engine = Demo(directory, "first", "--threads", "0")
        tracers = {}
        for path in scripts():
            name = os.path.basename(path)
            tracers[name] = Memql(directory, name, [path, "--exe", own], json_output=False)
        ask(engine, "SELECT sleep(2ms) FROM before")
        with send(engine, "SELECT sleep(9s) FROM killed"):
            time.sleep(0.3)
            kill(engine)

        engine = Demo(directory, "second", "--threads", "0")
        ask(engine, "SELECT sleep(2ms) FROM restarted")
        kill(engine)

        shutil.copy(built, own + ".new")
        os.rename(own + ".new", own)
        engine = Demo(directory, "third", "--threads", "0")
        ask(engine, "SELECT sleep(2ms) FROM replaced")
        time.sleep(0.3)
        for name, memql in tracers.items():
            check(memql.process.poll() is None, f"{name} still runs")
            messages = memql.stop()  # checks its status
            check(f"{own} was replaced" in messages, f"{name} tells of the new program")
            if "query" in name:
                check("1 span of @query" in messages, f"{name} tells of the statement that was killed")
        lines = "\n".join(tracers["query_latency.mq"].lines())
        seen = [text for text in ("before", "killed", "restarted", "replaced") if f"FROM {text}" in lines]
        check(seen == ["before", "restarted"], f"the old program's statements were seen: {seen}")
        kill(engine)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


main()

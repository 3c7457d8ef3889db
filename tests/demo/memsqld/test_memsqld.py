"""Tests of demo/memsqld. Nothing here depends on how fast or busy the machine is."""

import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import unittest

BINARY = None
LIMIT = 120  # seconds; only a hang is that slow

UNITS = {"": 1, "ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "b": 1, "kb": 1 << 10, "mb": 1 << 20}
FIELDS = {
    "query", "plan_id", "conn_id", "db", "tid", "status", "start_ns", "latency_ns", "cpu_ns",
    "sleep_ns", "lock_wait_ns", "lock_waits", "mem_net", "mem_peak", "mem_events", "io_reads",
    "io_read_bytes", "io_writes", "io_write_bytes", "ddl_events",
}  # fmt: skip
WORKERS = [
    "async__create__table__start", "async__create__table__finish", "restore__start",
    "restore__finish", "repoint", "drop__partition", "drop__instance", "drop__table", "reforge",
    "failover", "create__or__copy",
]  # fmt: skip


class Engine:
    """A running memsqld."""

    def __init__(self, *args, wait=False):
        self.dir = tempfile.mkdtemp(prefix="memsqld-test-")
        self.log = os.path.join(self.dir, "log")
        env = dict(os.environ, XDG_RUNTIME_DIR=self.dir)
        command = [BINARY, "--log", self.log, *args] + (["--wait"] if wait else [])
        self.process = subprocess.Popen(
            command, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        ready = self.process.stdout.readline()
        match = re.fullmatch(r"memsqld: ready pid=(\d+) socket=(\S+) direct_io=(yes|no)\n", ready)
        assert match, f"no ready line but {ready!r}"
        self.pid, self.socket = int(match[1]), match[2]

    def signal(self, number):
        os.kill(self.pid, number)

    def connect(self):
        return Client(self.socket)

    def end(self, status=0):
        """Wait for the end; the summary."""
        out, err = self.process.communicate(timeout=LIMIT)
        assert self.process.returncode == status, f"exit {self.process.returncode}: {err}"
        return out

    def records(self):
        with open(self.log, encoding="utf-8", newline="\n") as f:
            text = f.read()
        assert not text or text.endswith("\n"), "the log's last line is not complete"
        return [json.loads(line) for line in text.split("\n")[:-1]]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()
        self.process.wait()
        shutil.rmtree(self.dir)


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(LIMIT)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")

    def send(self, data):
        self.socket.sendall(data)

    def receive(self):
        line = self.file.readline()
        return json.loads(line) if line else None

    def run(self, statement):
        self.send(statement.encode() + b"\n")
        return self.receive()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()


def load(*args):
    """Run a load to its end: records and summary."""
    with Engine(*args) as engine:
        summary = engine.end()
        return engine.records(), summary


def bad(*args):
    """What a command line that is refused prints to stderr, and its status."""
    done = subprocess.run([BINARY, *args], capture_output=True, text=True, timeout=LIMIT, check=False)
    return done.returncode, done.stderr


def value(text):
    number, unit = re.fullmatch(r"(\d+)([a-z]*)", text).groups()
    return int(number) * UNITS[unit]


def calls(query):
    """(name, [arguments]) of each work item in a statement of the mixes."""
    for name, args in re.findall(r"(\w+)\(([^)]*)\)", query):
        yield name, [a.strip() for a in args.split(",") if a.strip()]


def expected_cost(query):
    """What a statement must cost, from its own text: least times, exact sizes."""
    cost = dict(burn=0, sleep=0, peak=0, reads=0, read_bytes=0, writes=0, write_bytes=0)
    held = 0
    for name, args in calls(query):
        count = value(args[1]) if len(args) > 1 and name != "lock" else 1
        if name in ("burn", "sleep"):
            cost[name] += value(args[0])
        elif name == "lock" and len(args) > 1:
            cost["sleep"] += value(args[1])
        elif name == "alloc":
            held += value(args[0]) * count
            cost["peak"] = max(cost["peak"], held)
        elif name == "free":
            held = 0
        elif name in ("read", "write"):
            cost[name + "s"] += count
            cost[name + "_bytes"] += value(args[0]) * count
    return cost


class TestLog(unittest.TestCase):
    def check(self, r):
        text = json.dumps(r)
        self.assertEqual(set(r) - {"error"}, FIELDS, text)
        self.assertEqual("error" in r, r["status"] != 0, text)
        # Sleeps and waits are intervals within the statement that do not overlap.
        self.assertLessEqual(r["sleep_ns"] + r["lock_wait_ns"], r["latency_ns"], text)
        # Two clocks: the scheduler's may run a little differently.
        self.assertLessEqual(r["cpu_ns"], r["latency_ns"] * 1.01 + 20000, text)
        self.assertGreaterEqual(r["mem_peak"], max(r["mem_net"], 0), text)
        self.assertEqual(r["lock_wait_ns"] > 0, r["lock_waits"] > 0, text)

    def check_cost(self, r):
        text = json.dumps(r)
        cost = expected_cost(r["query"])
        self.assertGreaterEqual(r["cpu_ns"], cost["burn"], text)
        self.assertGreaterEqual(r["sleep_ns"], cost["sleep"], text)
        for kind in ("read", "write"):
            self.assertEqual(r[f"io_{kind}s"], cost[f"{kind}s"], text)
            self.assertEqual(r[f"io_{kind}_bytes"], cost[f"{kind}_bytes"], text)
        if "keep(" not in r["query"] and "evict(" not in r["query"]:
            self.assertEqual((r["mem_net"], r["mem_peak"]), (0, cost["peak"]), text)

    def check_mix(self, name, queries, threads="4"):
        records, summary = load("--mix", name, "--queries", str(queries), "--threads", threads, "--rate", "0")
        self.assertEqual(len(records), queries)
        self.assertIn(f"memsqld: {queries} statements in ", summary)
        for r in records:
            self.check(r)
            if r["status"] == 0:
                self.check_cost(r)
        net = int(re.search(r"net (-?\d+) bytes", summary)[1])
        self.assertEqual(sum(r["mem_net"] for r in records), net)
        self.assertGreaterEqual(net, 0, "the cache cannot hold less than nothing")
        return records

    def test_demo(self):
        records = self.check_mix("demo", 300)
        self.assertGreaterEqual(len({r["plan_id"] for r in records}), 5)
        self.assertEqual(len({r["db"] for r in records}), 3)

    def test_fast(self):
        self.check_mix("fast", 2000)

    def test_check(self):
        records = self.check_mix("check", 500)
        self.assertEqual(len({r["plan_id"] for r in records}), 7)

    def test_slow(self):
        self.check_mix("slow", 100)

    def test_lock(self):
        records = self.check_mix("lock", 400)
        self.assertGreater(sum(r["lock_waits"] for r in records), 0)

    def test_io(self):
        self.check_mix("io", 200)

    def test_memory(self):
        records = self.check_mix("memory", 500)
        self.assertTrue(any(r["mem_net"] < 0 for r in records), "nothing was evicted")
        self.assertTrue(any(r["mem_net"] > 0 for r in records), "nothing was kept")

    def test_error(self):
        records = self.check_mix("error", 500)
        statuses = {r["status"] for r in records}
        self.assertTrue({0, 1, 2, 3} <= statuses, statuses)
        for r in records:
            asked = re.search(r"fail\((\d+)\)", r["query"])
            if asked:
                self.assertEqual(r["status"], int(asked[1]), r)

    def test_ddl(self):
        for r in self.check_mix("ddl", 200):
            partitions = int((re.search(r"PARTITIONS (\d+)", r["query"]) or [0, 1])[1])
            each = 2 if re.match("CREATE TABLE|RESTORE", r["query"]) else 1
            self.assertEqual(r["ddl_events"], each * partitions, r["query"])

    def test_all_with_many_threads(self):
        records = self.check_mix("all", 4000, threads="16")
        self.assertEqual(len({r["tid"] for r in records}), len({r["conn_id"] for r in records}))
        self.assertIn(0, {r["plan_id"] for r in records})

    def test_one_thread_does_not_overlap_itself(self):
        records, _ = load("--mix", "fast", "--queries", "500", "--threads", "1")
        for a, b in zip(records, records[1:]):
            self.assertLessEqual(a["start_ns"] + a["latency_ns"], b["start_ns"])

    def test_log_that_cannot_be_written(self):
        status, err = bad("--log", "/dev/full", "--queries", "10", "--threads", "1")
        self.assertEqual(status, 1)
        self.assertIn("/dev/full: No space left on device", err)


class TestTexts(unittest.TestCase):
    def test_long(self):
        for size in (100, 4096, 70000):
            records, _ = load("--long-text", str(size), "--queries", "20", "--rate", "0", "--mix", "all")
            for r in records:
                self.assertEqual(len(r["query"]), size)
                self.assertTrue(r["query"].endswith("*/"))
                for mark in re.finditer(r"(?<=\.)\d+(?=\.)", r["query"].split("/*")[-1]):
                    at = mark.start() + len(r["query"]) - len(r["query"].split("/*")[-1])
                    self.assertEqual(int(mark[0]), at)

    def test_padding_keeps_the_plan(self):
        short, _ = load("--queries", "50", "--mix", "all", "--threads", "1")
        long, _ = load("--queries", "50", "--mix", "all", "--threads", "1", "--long-text", "5000")
        self.assertEqual([r["plan_id"] for r in short], [r["plan_id"] for r in long])

    def test_cold(self):
        args = ("--queries", "40", "--mix", "all", "--threads", "2", "--cold-text")
        for more in ((), ("--long-text", "20000")):
            records, summary = load(*args, *more)
            self.assertEqual(len(records), 40)
            self.assertTrue(all(r["status"] in (0, *range(3, 10)) or "fail" in r["query"] for r in records))
            self.assertIn("cold texts that stayed in the page cache", summary)

    def test_statement(self):
        records, _ = load("--statement", "SELECT burn(1us) WHERE id = {5..6}", "--queries", "50")
        self.assertEqual({r["query"][-1] for r in records}, {"5", "6"})


class TestSocket(unittest.TestCase):
    def setUp(self):
        self.engine = Engine("--threads", "0")
        self.client = self.engine.connect()

    def tearDown(self):
        self.client.__exit__()
        self.engine.__exit__()

    def finish(self):
        self.engine.signal(signal.SIGTERM)
        self.engine.end()
        return self.engine.records()

    def test_answers_are_the_log(self):
        statements = ["SELECT alloc(1mb), read(16kb, 2), misread(3) FROM t", "select fail(9)", "nonsense", "DROP TABLE t"]
        answers = [self.client.run(s) for s in statements]
        self.assertEqual([a["status"] for a in answers], [0, 9, 1, 0])
        self.assertEqual([a["query"] for a in answers], statements)
        self.assertEqual(answers[0]["mem_peak"], 1 << 20)
        self.assertEqual((answers[0]["io_reads"], answers[0]["io_read_bytes"]), (2, 32768))
        self.assertEqual(self.finish(), answers)

    def test_lines(self):
        self.client.send(b"SELECT 1\r\n\n  \nSELECT 2\nSEL")
        self.assertEqual([self.client.receive()["query"] for _ in range(2)], ["SELECT 1", "SELECT 2"])
        self.client.send(b"ECT 3")
        self.client.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(self.client.receive()["query"], "SELECT 3")
        self.assertIsNone(self.client.receive())
        self.assertEqual(len(self.finish()), 3)

    def test_odd_bytes(self):
        self.client.send(b"SELECT '\x1b[31m\xff\xc3\xa9\"\\'\n")
        self.assertEqual(self.client.receive()["query"], "SELECT '\x1b[31m\ufffd\xe9\"\\'")
        self.client.send(b"SELECT 1\0\n")
        self.assertEqual(set(self.client.receive()), {"error"})
        self.assertEqual(len(self.finish()), 1)

    def test_too_long(self):
        self.client.send(b"SELECT '" + b"x" * (1 << 20))
        self.assertEqual(self.client.receive(), {"error": "a statement is longer than a megabyte"})
        self.assertEqual(self.finish(), [])

    def test_longest(self):
        text = "SELECT '" + "x" * ((1 << 20) - 10) + "'"
        self.assertEqual(self.client.run(text)["query"], text)

    def test_use(self):
        self.assertEqual(self.client.run("USE shop;")["db"], "demo")
        self.assertEqual(self.client.run("SELECT 1")["db"], "shop")
        with self.engine.connect() as other:
            answer = other.run("SELECT 1")
        self.assertEqual((answer["db"], answer["conn_id"]), ("demo", 2))

    def test_plans(self):
        def plan(text):
            return self.client.run(text)["plan_id"]

        self.assertEqual(plan("SELECT burn(1us)"), 0)
        self.assertEqual(plan("select  burn ( 20ns ) ;"), 0)
        users = plan("SELECT burn(50us) FROM users WHERE id = 17")
        self.assertEqual(users, 137401634, "plan ids must never change")
        same = "select /* x */ BURN(9us)\tfrom Users -- y"
        self.assertNotEqual(plan(same), users)
        self.assertEqual(plan(same.replace(" -- y", " where id='a''b' -- y")), users)

    def test_bad_statements(self):
        for text, words in [
            ("SELECT burn()", "burn() needs 1 argument"),
            ("SELECT burn(1)", "burn() wants a time such as 250us"),
            ("SELECT burn(11s)", "up to 10s"),
            ("SELECT burn(1ms, 2)", "no more than 1 argument"),
            ("SELECT burn(1ms", "missing ')'"),
            ("SELECT read(1000b)", "multiple of 4kb"),
            ("SELECT alloc(99999999999999999999kb)", "alloc() wants a size"),
            ("SELECT lock(t1)", "a name in quotes"),
            ("SELECT nope(1)", "unknown function 'nope'"),
            ("SELECT 'x", "does not end"),
            ("SELECT /* x", "does not end"),
            ("SELECT " + "burn(1us)," * 33, "more than 32 work items"),
            ("DROP TABLE t PARTITIONS 33", "a number from 1 to 32"),
            ("DROP TABLE t extra", "unexpected 'extra'"),
            ("DROP TABLE", "expected a name"),
            ("USE " + "x" * 32, "expected a name of up to 31 bytes"),
            ("HELLO", "cannot start with 'HELLO'"),
        ]:
            answer = self.client.run(text)
            self.assertEqual(answer["status"], 1, text)
            self.assertIn(words, answer["error"], text)
            self.assertEqual(answer["query"], text)

    def test_deadlock_ends(self):
        self.assertEqual(self.client.run("SELECT lock('a'), lock('a', 1ms)")["status"], 2)
        self.assertEqual(self.client.run("SELECT lock('a')")["status"], 0)

    def test_many_connections(self):
        others = [self.engine.connect() for _ in range(63)]
        for c in others:
            self.assertEqual(c.run("SELECT 1")["status"], 0)
        with self.engine.connect() as extra:
            self.assertEqual(extra.receive(), {"error": "too many connections"})
        for c in others:
            c.__exit__()


class TestLife(unittest.TestCase):
    def test_signals_end_it(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with Engine("--mix", "fast", "--threads", "2") as engine:
                with engine.connect() as client:
                    client.run("SELECT 1")
                    mode = os.stat(engine.socket).st_mode
                    self.assertTrue(stat.S_ISSOCK(mode))
                    self.assertEqual(stat.S_IMODE(mode), 0o600)
                    self.assertEqual(stat.S_IMODE(os.stat(os.path.dirname(engine.socket)).st_mode), 0o700)
                    engine.signal(number)
                    summary = engine.end()
                records = engine.records()
                self.assertIn(f"memsqld: {len(records)} statements", summary)
                self.assertFalse(os.path.exists(os.path.dirname(engine.socket)))

    def check_wait(self, engine, go):
        with engine.connect() as client:
            # The load's sessions would have the first numbers.
            self.assertEqual(client.run("SELECT 1")["conn_id"], 1)
            go()
            self.assertIn("memsqld: 6 statements", engine.end())

    def test_wait_for_line(self):
        with Engine("--queries", "5", wait=True) as engine:

            def go():
                engine.process.stdin.write("go\n")
                engine.process.stdin.flush()

            self.check_wait(engine, go)

    def test_wait_for_signal(self):
        with Engine("--queries", "5", wait=True) as engine:
            engine.process.stdin.close()
            engine.process.stdin = open(os.devnull)
            self.check_wait(engine, lambda: engine.signal(signal.SIGUSR1))

    def test_waiting_can_end(self):
        with Engine(wait=True) as engine:
            engine.signal(signal.SIGTERM)
            self.assertIn("memsqld: 0 statements", engine.end())

    def test_seconds(self):
        with Engine("--seconds", "1", "--mix", "fast", "--rate", "50") as engine:
            engine.end()

    def test_socket_path(self):
        with tempfile.TemporaryDirectory() as d:
            path = os.path.join(d, "s")
            with Engine("--threads", "0", "--socket", path) as first:
                self.assertEqual(first.socket, path)
                status, err = bad("--socket", path)
                self.assertEqual(status, 1)
                self.assertIn("Address already in use", err)
                first.process.kill()
                first.process.wait()
            self.assertTrue(os.path.exists(path), "expected a stale socket")
            with Engine("--threads", "0", "--socket", path) as second, second.connect() as client:
                self.assertEqual(client.run("SELECT 1")["status"], 0)
            with open(os.path.join(d, "file"), "w", encoding="ascii") as f:
                f.write("precious")
            self.assertEqual(bad("--socket", f.name)[0], 1)
            with open(f.name, encoding="ascii") as f:
                self.assertEqual(f.read(), "precious")


class TestOptions(unittest.TestCase):
    def test_help(self):
        done = subprocess.run([BINARY, "--help"], capture_output=True, text=True, timeout=LIMIT, check=True)
        for word in ("--cold-text", "burn(TIME)", "drop partition", "Mixes:", "--long-text N"):
            self.assertIn(word, done.stdout)

    def test_bad(self):
        for args, words in [
            (["--nope"], "unrecognized option '--nope'"),
            (["--threads"], "requires an argument"),
            (["--threads", "many"], "--threads: 'many' is not a number from 0 to 256"),
            (["--threads", "257"], "not a number from 0 to 256"),
            (["--threads", ""], "not a number"),
            (["--queries", "-1"], "--queries: '-1' is not a number"),
            (["--seconds", "1s"], "--seconds: '1s'"),
            (["--rate", "99999999999999999999"], "--rate"),
            (["--long-text", "1048577"], "from 0 to 1048576"),
            (["--mix", "nope"], "there is no mix 'nope'; there are: demo"),
            (["--statement", "SELECT {1..}"], "--statement"),
            (["--threads", "0", "--queries", "5"], "--queries needs threads"),
            (["extra"], "unexpected argument 'extra'"),
            (["--data", "/nonexistent"], "/nonexistent: No such file"),
            (["--log", "/nonexistent/log"], "/nonexistent/log: No such file"),
            (["--socket", "/nonexistent/s"], "/nonexistent/s: No such file"),
            (["--socket", "/tmp/" + "x" * 200], "name too long"),
        ]:
            status, err = bad(*args)
            self.assertEqual(status, 1, args)
            self.assertIn(words, err, args)


class TestProbes(unittest.TestCase):
    def notes(self):
        if not shutil.which("readelf"):
            self.skipTest("there is no readelf")
        out = subprocess.run(["readelf", "-nW", BINARY], capture_output=True, text=True, check=True).stdout
        pattern = r"Provider: (\S+)\s+Name: (\S+)\s+Location: \S+ Base: \S+ Semaphore: (\S+)\s+Arguments:([^\n]*)"
        found = re.findall(pattern, out.replace(",", ""))
        self.assertTrue(found, out)
        return found

    def test_notes(self):
        sizes = {"query__start": [8, -4, 8, 4], "query__done": [8, -4], "execstats__addmemoryuse": [-8]}
        sizes.update({f"{w}__worker": [8, -4] for w in WORKERS})
        sizes.update(backgroundflusher=[], beginsnapshot=[8, 8])
        notes = self.notes()
        self.assertEqual({n[0] for n in notes}, {"memsqld"})
        self.assertEqual({n[1] for n in notes}, set(sizes))
        for _, name, semaphore, args in notes:
            got = [int(a.split("@")[0]) for a in args.split()]
            self.assertEqual(got, sizes[name], name)
            guarded = name.startswith("query__") or name == "execstats__addmemoryuse"
            self.assertEqual(int(semaphore, 16) != 0, guarded, f"{name}: semaphore {semaphore}")


if __name__ == "__main__":
    BINARY = os.path.abspath(sys.argv.pop(1))
    unittest.main()

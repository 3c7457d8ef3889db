"""Bad input of every kind: a clear message, exit status 1, nothing left behind."""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import check

MEMQL = os.environ["MEMQL"]
ROOT = os.geteuid() == 0


class Place:
    """Files that the cases need, in a private directory."""

    def __init__(self, directory):
        self.directory = directory
        self.plain_binary = os.path.join(directory, "true")
        shutil.copy("/bin/true", self.plain_binary)

    def file(self, name, content):
        path = os.path.join(self.directory, name)
        with open(path, "wb") as f:
            f.write(content)
        return path


def program(text):
    return ["-e", text]


def cases(place):
    """(name, arguments, words that the message must have). Longest name first is no rule."""
    binary = place.plain_binary
    big = place.file("big.mq", b"BEGIN { exit(); }\n" * (10 * 1024 * 1024 // 18))
    many = place.file("many.mq", b"BEGIN { $x = " + b"(" * 20000 + b"1" + b")" * 20000 + b"; }\n")
    long = place.file("long.mq", b"BEGIN { " + b'printf("%d", pid); ' * 1200 + b"}\n")
    junk = place.file("junk.mq", bytes(range(256)) * 64)
    nul = place.file("nul.mq", b"BEGIN { exit()\0; }")
    empty = place.file("empty.mq", b"")
    only_comment = place.file("comment.mq", b"// nothing here\n")
    option = place.file("option.mq", b'BEGIN { $n = getopt("count", 5, "how many"); exit(); }\n')
    broken_elf = place.file("broken.elf", b"\x7fELF" + b"\xff" * 200)
    text_file = place.file("text", b"not a program\n")
    fifo = os.path.join(place.directory, "fifo")
    os.mkfifo(fifo)
    return [
        ("no arguments", [], ["no program"]),
        ("unknown option", ["--frmat", "json", "-e", "BEGIN{}"], ["unknown option", "--format"]),
        ("option without value", ["-f"], ["needs a value"]),
        ("unknown format", ["-f", "xml", "-e", "BEGIN{}"], ["text, json"]),
        ("unknown stage", ["--dump=tree", "-e", "BEGIN{}"], ["tokens, ast"]),
        ("pid not a number", ["-p", "me", "-e", "BEGIN{}"], ["whole number", "me"]),
        ("-o and -l", ["-o", "/dev/null", "-l", "x"], ["standard output"]),
        ("-o and -d", ["-o", "/dev/null", "-d", "ast", "-e", "BEGIN{}"], ["standard output"]),
        ("pid and command", ["-p", "1", "-c", "true", "-e", "BEGIN{}"], ["exclude"]),
        ("string limit out of range", ["--max-strlen", "99999999", "-e", "BEGIN{}"], ["16384"]),
        ("missing script", ["/no/such/script.mq"], ["/no/such/script.mq", "No such file"]),
        ("script is a directory", [place.directory], ["a directory"]),
        ("script of 10 MB", [big], ["4 MB"]),
        ("binary junk", [junk], ["not a script"]),
        ("NUL byte", [nul], ["NUL"]),
        ("empty script", [empty], ["no probe"]),
        ("only a comment", [only_comment], ["no probe"]),
        ("empty program", program(""), ["no probe"]),
        ("deep nesting", [many], ["deep"]),
        ("deep operators", program("BEGIN { $x = " + "-(" * 501 + "pid" + ")" * 501 + "; }"), ["deep", "500"]),
        ("a probe of 1200 actions", [long], ["too large", "several probes"]),
        ("syntax error", program("BEGIN { $x = ; }"), ["expected", "^"]),
        ("unclosed string", program('BEGIN { printf("hi); }'), ["string", "^"]),
        ("unclosed block", program("BEGIN { exit();"), ["expected", "}"]),
        ("unclosed comment", program("BEGIN { } /* no end"), ["comment"]),
        ("number too large", program("BEGIN { $x = 99999999999999999999; }"), ["99999999999999999999"]),
        ("unknown probe kind", program("tracepiont:sched:sched_switch { exit(); }"), ["tracepiont", "tracepoint"]),
        ("probe of a later release", program("kprobe:vfs_read { exit(); }"), ["kprobe", "not"]),
        ("malformed probe", program("uprobe:/bin/true { exit(); }"), ["uprobe:"]),
        ("bad interval", program("interval:s:0 { exit(); }"), ["interval"]),
        ("missing binary", program("uprobe:/no/such/binary:main { exit(); }"), ["/no/such/binary"]),
        ("binary without the function", program(f"uprobe:{binary}:no_such_function {{ exit(); }}"), ["no_such_function"]),
        ("binary without probes", program(f"usdt:{binary}:* {{ exit(); }}"), [binary]),
        ("broken ELF file", program(f"uprobe:{broken_elf}:f {{ exit(); }}"), [broken_elf]),
        ("text file as a binary", program(f"uprobe:{text_file}:f {{ exit(); }}"), ["ELF"]),
        ("pipe as a binary", program(f"uprobe:{fifo}:f {{ exit(); }}"), [fifo, "ELF"]),
        ("list of a pipe", ["-l", fifo], [fifo, "ELF"]),
        ("list of a missing file", ["-l", "/no/such/file"], ["no file '/no/such/file'"]),
        ("list of a directory", ["-l", place.directory], ["directory"]),
        ("list of an unknown name", ["-l", "no_such_name_anywhere"], ["no_such_name_anywhere"]),
        ("no running engine", program("usdt:*:no_such_provider:no_such_probe { exit(); }"), ["no_such_provider"]),
        ("unknown builtin", program("BEGIN { $x = nsec; }"), ["nsec", "nsecs"]),
        ("unknown function", program("BEGIN { prinft(1); }"), ["prinft", "printf"]),
        ("unknown variable", program("BEGIN { $x = $y + 1; }"), ["$y"]),
        ("unknown map", program("BEGIN { $x = @never; }"), ["@never"]),
        ("too many arguments", program("BEGIN { exit(1, 2); }"), ["exit"]),
        ("wrong type", program('BEGIN { $x = "a" * 2; }'), ["string"]),
        ("map key mismatch", program('BEGIN { @x[1] = 1; @x["a"] = 2; }'), ["@x", "string"]),
        ("map value mismatch", program('BEGIN { @x = 1; @x = "a"; }'), ["@x", "string"]),
        ("format without argument", program('BEGIN { printf("%d\\n"); }'), ["%d"]),
        ("string for a number", program('BEGIN { printf("%d\\n", "a"); }'), ["%d", "string"]),
        ("division by zero", program("BEGIN { $x = 1 / 0; }"), ["zero"]),
        ("argument of BEGIN", program("BEGIN { $x = arg0; }"), ["arg0"]),
        ("unknown script option", [option, "--cuont", "3"], ["--cuont", "--count"]),
        ("bad script option value", [option, "--count", "many"], ["--count", "many"]),
        ("unknown config key", program("config = { max_strln = 3 } BEGIN { exit(); }"), ["max_strln", "max_strlen"]),
    ]


def root_cases(place):
    return [
        ("unknown tracepoint", program("tracepoint:sched:sched_swich { exit(); }"), ["sched_swich", "sched_switch"]),
        ("unknown field", program("tracepoint:sched:sched_switch { $x = args.prev_pidd; exit(); }"), ["prev_pidd", "prev_pid"]),
        ("process that is gone", ["-p", "4194303", "-e", "BEGIN { exit(); }"], ["4194303"]),
        ("output into a missing directory", ["-o", "/no/such/dir/x", "-e", "BEGIN { exit(); }"], ["/no/such/dir/x"]),
        ("command that does not exist", ["-c", "/no/such/command", "-e", "interval:s:60 { }"], ["/no/such/command"]),
    ]


def without_root(command):
    return ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", *command]


def run(command):
    return subprocess.run(command, capture_output=True, text=True, timeout=60, errors="replace", stdin=subprocess.DEVNULL)


def one(name, arguments, words, wrap=lambda c: c):
    done = run(wrap([MEMQL, *arguments]))
    problems = []
    if done.returncode != 1:
        problems.append(f"status {done.returncode}")
    if done.stdout:
        problems.append(f"output {done.stdout[:60]!r}")
    problems += [f"no {w!r}" for w in words if w not in done.stderr]
    first = done.stderr.strip().splitlines()[0][:110] if done.stderr.strip() else "(silent)"
    check(not problems, f"{name}: {first}" + "".join(f"\n        {p}" for p in problems)
          + (f"\n{done.stderr}" if problems else ""))


def loaded():
    """The ids of memql's programs in the kernel, also of other memqls at work meanwhile."""
    if not ROOT or not shutil.which("bpftool"):
        return set()
    shown = json.loads(run(["bpftool", "-j", "prog", "show"]).stdout)
    return {p["id"] for p in shown if p.get("name", "").startswith("clause")}


def left_behind(before):
    """What came since and stays: another memql ends, what we leave would not."""
    left = loaded() - before
    for _ in range(60):
        if not left:
            break
        time.sleep(0.5)
        left &= loaded()
    return left


def main():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    directory = tempfile.mkdtemp(prefix="memql-bad-")
    os.chmod(directory, 0o755)
    try:
        place = Place(directory)
        before = loaded()
        for case in cases(place):
            one(*case)
        if ROOT:
            for case in root_cases(place):
                one(*case)
            private = os.path.join(directory, "memql")
            shutil.copy(MEMQL, private)
            one("no root", [], ["root"], lambda c: without_root([private, "-e", "BEGIN { exit(); }"]))
            one("no root, tracepoint", [], ["root"],
                lambda c: without_root([private, "-e", "tracepoint:sched:sched_switch { exit(); }"]))
            one("no root, all programs", [], ["root"],
                lambda c: without_root([private, "-e", "usdt:*:a:b { exit(); }"]))
            one("no root, list", [], ["root"], lambda c: without_root([private, "-l", "tracepoint:sched:*"]))
        check(not left_behind(before), "nothing is left in the kernel")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


main()

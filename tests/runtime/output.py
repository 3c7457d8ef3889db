"""What reaches the user: JSON that parses, with typed values; no byte of a traced program
that acts on a terminal; nothing of memql itself."""

import json
import os
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import Load, Memql, check, map_of, need_root, run_memql

# Clears the screen, sets the title, forges a line, turns text round, is not UTF-8.
NASTY = b"\x1b[2J\x1b]0;t\x07\nAttached\r\t\x7f\xc2\x9b31m\xe2\x80\xae\xff\xc3\"\\}"
NASTY_NAME = b"\x1b[31m\n\xff\xc2\x9b\"\\"


def acts_on_terminal(data):
    """A control character other than the ends of lines."""
    text = data.decode("utf-8")  # must be valid
    return [c for c in text if (ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u2028"]


def escapes(directory, load):
    program = (
        f"uprobe:{load.program}:load_text {{ @[str(arg0), comm] = count(); @text = str(arg0);"
        ' print(str(arg0)); print((comm, 1)); printf("<%s> <%s>\\n", str(arg0), comm); }'
    ).replace("print((comm, 1)); ", "print(comm); ")
    load.do(f"name {NASTY_NAME.hex()}")
    for is_json in (False, True):
        memql = Memql(directory, f"escapes_{is_json}", ["-e", program], json_output=is_json)
        load.do(f"text {NASTY.hex()} 1")
        memql.stop()
        with open(memql.results, "rb") as f:
            raw = f.read()
        check(not acts_on_terminal(raw), "JSON: no control characters" if is_json else "text: no control characters")
        if not is_json:
            lines = raw.decode().splitlines()
            check(len(lines) == 6, f"{len(lines)} lines, none of them forged")
            check(lines[0].startswith("\\x1b[2J\\x1b]0;t\\x07\\nAttached\\x0d\\t\\x7f\\xc2\\x9b31m"), lines[0])
            continue
        events = [json.loads(line) for line in raw.decode().splitlines()]
        as_shown = NASTY.decode("latin-1")
        (text, name), = map_of(events, "@").keys()
        check(text.startswith("\x1b[2J\x1b]0;t\x07\nAttached\r\t\x7f\x9b31m\u202e\xff"), f"a key is the text itself: {text!r}")
        check(name.startswith("\x1b[31m\n\xff\x9b"), f"and the name of the thread: {name!r}")
        check(as_shown.count('"') == text.count('"') == 1, "with its quotes")
    load.do(f"name {b'memql_load'.hex()}")


def typed_json(directory, load):
    program = (
        'BEGIN { printf("%d %s\\n", 1, "two"); time("%H\\n"); @keyed["a,b", -1] = 1; @none[1] = 1; delete(@none[1]);'
        " @largest = (uint64)-1; @negative = -5; @text = \"t\"; }"
        f" uprobe:{load.program}:load_value {{ @hist = hist(arg0); @lhist = lhist(arg0, 0, 100, 10);"
        ' @stats = stats(arg0); @by[arg0 % 2] = hist(arg0); print(arg0); print(@by); printf("x\\n"); }'
    )
    memql = Memql(directory, "typed", ["-e", program])
    load.do("keys 150")
    memql.stop()
    events = memql.events()
    kinds = {"printf": str, "time": str, "value": int, "map": dict, "hist": dict, "stats": dict, "attached_probes": dict}
    for e in events:
        check_quietly(set(e) == {"type", "data"} and isinstance(e["data"], kinds[e["type"]]), f"typed: {e}")
    check({e["type"] for e in events} == set(kinds), "an event of each type, and each of its type")
    check(events[0] == {"type": "printf", "data": "1 two\n"}, "printf of BEGIN comes first")
    check([e["data"] for e in events if e["type"] == "value"] == list(range(150)), "values in order")
    check(map_of(events, "@keyed") == {("a,b", -1): 1}, "a key with a comma is one key")
    check(map_of(events, "@none") is None, "an empty map is left out at the end")
    check(map_of(events, "@largest") == 2**64 - 1 and map_of(events, "@negative") == -5, "numbers with all digits")
    lhist = map_of(events, "@lhist")
    check([b["count"] for b in lhist["buckets"]] == [10] * 10 + [50], "lhist: ten rows of ten, and what is above")
    check("max" not in lhist["buckets"][-1], "an open bound is absent")
    check(map_of(events, "@by")[1]["count"] == 75, "histograms by key")


def check_quietly(ok, message):
    if not ok:
        check(ok, message)


def options(directory):
    done = run_memql("-q", "-e", 'BEGIN { printf("x\\n"); } interval:ms:1 { exit(); }')
    check((done.stdout, done.stderr) == ("x\n", ""), "-q: results only")
    done = run_memql("-e", 'BEGIN { printf("x\\n"); } interval:ms:1 { exit(); }')
    check(done.stderr == "Attached 2 probes\n", "without it: how many probes, on standard error")
    done = run_memql("-q", "-f", "json", "-e", "interval:ms:1 { exit(); }")
    check(done.stdout == "", "-q -f json: no attached_probes")
    path = os.path.join(directory, "file")
    done = run_memql("-o", path, "-e", 'BEGIN { printf("x\\n"); } interval:ms:1 { @ = 1; exit(); }')
    with open(path) as f:
        check((f.read(), done.stdout) == ("x\n@: 1\n", ""), "-o: all results, nothing on standard output")


def not_itself(directory):
    """Each event makes output, but memql's own system calls make no events."""
    program = (
        "tracepoint:syscalls:sys_enter_write, tracepoint:raw_syscalls:sys_enter"
        ' /comm == "memql"/ { printf("%d\\n", pid); @[pid] = count(); } interval:ms:1 { printf("tick\\n"); }'
    )
    memql = Memql(directory, "itself", ["-e", program])
    until = time.time() + 60
    # Another memql on this machine may make lines, too.
    while sum("tick" in line for line in memql.lines()) < 500 and time.time() < until:
        time.sleep(0.2)
    memql.stop()
    events = memql.events()
    check(sum(e["data"] == "tick\n" for e in events) > 400, "memql wrote, many times")
    check(memql.process.pid not in (map_of(events, "@") or {}), "and saw none of its own system calls")


def imported(directory):
    """A message says in which file the call is."""
    for name, text in [("part.mq", '\n\nBEGIN { errorf("one"); cat("/no/such/%d", 1); }\n'), ("all.mq", 'import "part.mq"\nBEGIN { exit(); }\n')]:
        with open(os.path.join(directory, name), "w", encoding="utf-8") as out:
            out.write(text)
    done = run_memql("-q", os.path.join(directory, "all.mq"))
    lines = [line.removeprefix(directory + "/") for line in done.stderr.splitlines()]
    check(lines == ["part.mq:3: error: one", "part.mq:3: error: cannot read /no/such/1: No such file or directory"], f"{lines}")


def main():
    need_root()
    with tempfile.TemporaryDirectory(prefix="memql-output-") as directory, Load() as load:
        escapes(directory, load)
        typed_json(directory, load)
        options(directory)
        not_itself(directory)
        imported(directory)


main()

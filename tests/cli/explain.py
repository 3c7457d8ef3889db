#!/usr/bin/env python3
"""
memql explain without the kernel: every instruction is shown, once, and is what --dump=bpf
shows; whatever the generator gives as a reason is reached by its example; helpers are as the
system's headers have them; the text fits its terminal; mistakes are answered.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

MEMQL = os.environ["MEMQL"]
TREE = Path(__file__).resolve().parents[2]
HEADER = Path("/usr/include/bpf/bpf_helper_defs.h")
LATENCY = """tracepoint:syscalls:sys_enter_read { @start[tid] = nsecs; }
tracepoint:syscalls:sys_exit_read
/@start[tid]/ {
  @us[comm] = hist((nsecs - @start[tid]) / 1000);
  delete(@start, tid);
  printf("%s\\n", comm);
}
"""
failed = []


def check(ok, what):
    if not ok:
        failed.append(what)
        print("FAILED:", what)


def memql(*words):
    return subprocess.run([MEMQL, *words], capture_output=True, text=True,
                          env={**os.environ, "LC_ALL": "C", "NO_COLOR": "1"})


def explain(program, *words):
    done = memql("explain", "--no-kernel", "--json", *words, "-e", program)
    if done.returncode:
        print(done.stderr)
        return None
    return json.loads(done.stdout)["data"]


def c_strings(text):
    """The arguments of a row of a .def file: adjacent literals are one."""
    args = [""]
    for token in re.findall(r'"(?:[^"\\]|\\.)*"|NULL|,', text):
        if token == ",":
            args.append("")
        elif token != "NULL":
            args[-1] += token[1:-1].encode().decode("unicode_escape")
    return args


def whys():
    text = (TREE / "codegen/why.def").read_text()
    for match in re.finditer(r'WHY\((\w+), "([^"]+)", (true|false),\n(.*?)\)\n(?=WHY|/\*)',
                             text, re.S):
        why, remedy, example = c_strings(match[4])
        yield match[2], match[3] == "true", why, remedy, example


def lacks(feature):
    data = json.loads(memql("doctor", "--json").stdout)["data"]
    return all(f["state"] != "yes" for f in data["features"] if f["name"] == feature)


def test_whys():
    rows = list(whys())
    without_holding = lacks("hold_cpu")
    check(len(rows) >= 30, f"{len(rows)} reasons")
    check(len({row[0] for row in rows}) == len(rows), "names of reasons are not unique")
    listed = memql("explain", "--help").stdout.split()
    for name, breakable, why, remedy, example in rows:
        check(why and not why.endswith("."), f"{name}: the sentence")
        check(bool(remedy) == breakable, f"{name}: a remedy iff it can be left out")
        check((name in listed) == breakable, f"{name}: in --help")
        data = explain(example)
        if data is None:
            check(False, f"{name}: its example does not compile")
            continue
        given = {w["name"] for p in data["programs"] for q in p["parts"] for w in q["why"]}
        check(name in given or name == "hold-cpu" and without_holding, f"{name}: its example has only {given}")
        if breakable:
            done = memql("explain", "--no-kernel", "--without", name, "--json")
            check(done.returncode == 0, f"{name}: {done.stderr}")
            check(json.loads(done.stdout)["data"]["without"] == name, f"{name}: without")


def test_all_code():
    data = explain(LATENCY)
    dump = memql("--dump=bpf", "-e", LATENCY).stdout
    shown = re.findall(r"^(\w+) \(.*\), (\d+) instructions$", dump, re.M)
    texts = dict.fromkeys((name for name, _ in shown), ())
    for name, block in zip(texts, dump.split("\n\n")):
        texts[name] = [line[8:] for line in block.splitlines()
                       if re.match(r"\s+\d+: ", line)]
    for program in data["programs"]:
        insns = [i for part in program["parts"] for i in part["bpf"]]
        insns.sort(key=lambda i: i["index"])
        name = program["symbol"]
        check([i["text"] for i in insns] == texts[name], f"{name}: not what --dump shows")
        check(program["instructions"] == int(dict(shown)[name]), f"{name}: how many")
        check(program["stack"] <= 512, f"{name}: the stack")
    start = next(m for m in data["maps"] if m["name"] == "@start")
    check(start["written"] == [1] and start["read"] == [3, 4], f"uses of @start: {start}")
    check(start["others"] == "delete() on line 5, printed at the end", f"others of @start: {start}")
    where = {m["where"]: m["what"] for m in data["when"]}
    check("printf() of line 6" in where["in user space, a moment later"], f"when: {where}")
    check(where["in user space, at the end"] == "@start, @us printed", f"when: {where}")


def test_parts():
    data = explain(LATENCY)
    parts = {p["source"]: p for p in data["programs"][0]["parts"]}
    check("@start[tid] = nsecs" in parts, f"parts: {list(parts)}")
    check([h["number"] for h in parts["nsecs"]["helpers"]] == [125], "nsecs calls #125")
    check(parts["nsecs"]["depth"] == 1 and parts["nsecs"]["column"] == 52, "its place")
    check(any("bpf_ktime_get_boot_ns" in line for line in parts["nsecs"]["ir"]), "its IR")
    for program in data["programs"]:
        for part in program["parts"]:
            check(part["meaning"], f"no meaning: {part['source']}")
    data = explain(LATENCY, "--line", "5")
    sources = [p["source"] for q in data["programs"] for p in q["parts"] if p["depth"] == 0]
    check("delete(@start, tid)" in sources, f"--line 5: {sources}")
    check(not any(s.startswith("@us") for s in sources), f"--line 5 has 4: {sources}")


def test_ir():
    """Each line of the IR stands at its words, also behind a jump of several lines and in other programs."""
    many = "".join(f'printf("%d", {n});\n' for n in range(7001, 7041))
    data = explain(f"""BEGIN {{ $x = cpu;
if ($x == 1) {{ @a = 1; printf("1"); }} else if ($x == 7) {{ @a = 2; }} else if ($x == 9) {{ @a = 3; }}
{many}}}
END {{ printf("%d", 7041); }}
""")
    parts = [part for program in data["programs"] for part in program["parts"]]
    switch = [line for part in parts for line in part["ir"] if line.startswith("switch ")]
    check(len(switch) == 1 and switch[0].endswith("\n  ]") and switch[0].count("label") == 4, f"a switch: {switch}")
    for part in parts:
        number = re.search("70[0-9]{2}", part["source"])
        stored = re.findall(r"store i64 (70[0-9]{2}),", "\n".join(part["ir"]))
        check(not stored or number and stored == [number[0]], f"{part['source']}: stores {stored}")
        check(not any("!dbg" in line or line.startswith((" ", "#")) for line in part["ir"]), f"IR: {part['ir']}")
    stored = [n for part in parts for n in re.findall(r"store i64 (70[0-9]{2}),", "\n".join(part["ir"]))]
    check(stored == [str(n) for n in range(7001, 7042)], f"stored: {stored}")


def test_meanings():
    """Where the compiler puts other things in the place of words, their meaning stays."""
    data = explain("""let @q = span((id = 0));
rawtracepoint:sched_wakeup { start(@q[args.p->pid], (id = args.p->tgid)); @q[tid].id = 5; }
rawtracepoint:sched_switch /args.next->comm == "cat"/ { done(@q[args.next->pid]); }
q:done { @took[args.id] = sum(args.duration); }
""")
    meanings = {part["source"]: part["meaning"] for program in data["programs"] for part in program["parts"]}
    for words, start in [
        ("start(@q[args.p->pid], (id = args.p->tgid))", "opens a span"),
        ("done(@q[args.next->pid])", "closes a span"),
        ("@q[tid].id = 5", "the member id of the entry of @q"),
        ("args.p", "the probe's argument p: a word of the context"),
        ('args.next->comm == "cat"', "1 if both sides are equal, else 0; up to eight letters"),
        ("args.duration", "duration of this event"),
    ]:
        check(meanings.get(words, "").startswith(start), f"{words}: {meanings.get(words)}")


def test_text():
    for width in (60, 80, 119, 120, 200):
        done = memql("explain", "--no-kernel", "--width", str(width), "-e", LATENCY)
        longest = max(map(len, done.stdout.splitlines()))
        check(longest <= width, f"--width {width}: a line of {longest}")
        for word in ("PROGRAM 1", "PROGRAM 2", "MAP  @start", "WHEN", "why", "BPF_NOEXIST"):
            check(word in done.stdout, f"--width {width}: no {word}")
        side = any("%" in line and ": r" in line for line in done.stdout.splitlines())
        check(side == (width >= 120), f"--width {width}: side by side: {side}")


# More than a few lines, with a macro in an imported file.
LONG = """import "more.mq"
tracepoint:syscalls:sys_enter_read /pid == 1/ { @start[tid] = nsecs; }
tracepoint:syscalls:sys_exit_read
/has_key(@start, tid)/ {
  $took = nsecs - @start[tid];
  if ($took > 1ms) {
    @slow[comm, args.ret > 0] = hist($took);
    printf("%d %s %s\\n", tid, comm, strftime("%H:%M", nsecs));
  } else {
    add(@fast, $took);
  }
  for ($i : 0..args.ret) { @turns++; }
  delete(@start, tid);
}
"""


def test_overview():
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "long.mq")
        script.write_text(LONG)
        Path(folder, "more.mq").write_text("macro add(@m, x)\n{\n\t@m[comm] = sum(x);\n}\n")
        for width in (60, 80, 160):
            done = memql("explain", "--no-kernel", "--width", str(width), str(script))
            lines = done.stdout.splitlines()
            check(20 < len(lines) < 50, f"an overview of {len(lines)} lines")
            check(max(map(len, lines)) <= width, f"--width {width}: {max(map(len, lines))}")
            check(not re.search(r"^ +why", done.stdout, re.M), "an overview in full")
            for line in (r" 2 .*\+ ns  3: tracepoint:sys", r"^ +5 .*took = nsecs",
                         r"^  import .*more.mq", r"^  @slow +per-CPU hash|^  @slow +hash"):
                check(re.search(line, done.stdout, re.M), f"--width {width}: no {line}")
        full = memql("explain", "--no-kernel", "--full", str(script)).stdout
        check(len(full.splitlines()) > 200 and "WHEN" in full, "--full")
        one = memql("explain", "--no-kernel", "--program", "1", str(script)).stdout
        check("PROGRAM 1" in one and "PROGRAM 2" not in one, "--program 1")
        done = memql("explain", "--no-kernel", "--program", "3", str(script))
        check(done.returncode and "there is no program 3" in done.stderr, done.stderr)
        far = memql("explain", "--no-kernel", "--line", "more.mq:3", str(script)).stdout
        check("PROGRAM 2" in far and "sum" in far and "$took > 1ms" not in far, "--line FILE:N")


def price(program):
    data = explain(program)
    return data["programs"][0]["price"], data["programs"][0]["parts"]


def test_prices():
    """Not what they are, which nobody knows: how they compare, and what they are made of."""
    point = "rawtracepoint:sys_enter "
    nothing, _ = price(point + "{ }")
    lookup, parts = price(point + "{ @a[tid] = @b[tid]; } END { @b[(uint32)1] = (uint64)1; }")
    check(0 < nothing["least_ns"] <= nothing["most_ns"] < 30, f"nothing: {nothing}")
    check(lookup["least_ns"] < lookup["most_ns"], f"ways differ: {lookup}")
    check(100 < lookup["most_ns"] - nothing["most_ns"] < 300, f"two maps: {lookup}")
    check(not lookup["turns"] and not lookup["unknown"], f"no loop: {lookup}")
    check(sum(p["price_ns"] for p in parts) >= lookup["most_ns"] - 1, "more than its parts")
    half, _ = price(point + "/pid == 1/ { @a[tid] = nsecs; }")
    check(half["least_ns"] < 30 and half["most_ns"] > 100, f"a predicate: {half}")
    loop, _ = price("BEGIN { for ($i : 0..nsecs) { @n++; } }")
    check(loop["turns"], f"a loop: {loop}")
    stack, _ = price("profile:hz:99 { @[kstack] = count(); }")
    check(stack["unknown"], f"a stack: {stack}")
    for point, says in [("profile:hz:99", "itself takes about"), ("software:faults:9", "itself was not measured"),
                        ("BEGIN", None)]:
        text = memql("explain", "--no-kernel", "--width", "200", "-e", point + " { @ = count(); }").stdout
        check(says in text if says else "itself" not in text, f"the probe of {point}")


def test_helpers():
    if not HEADER.exists():
        print("note: no", HEADER)
        return
    known = {}
    for match in re.finditer(r"static (.*?)\(\*bpf_(\w+)\)\((.*?)\) = \(void \*\) (\d+);",
                             HEADER.read_text()):
        returns = match[1] if match[1].endswith("*") else match[1].strip() + " "
        known[int(match[4])] = re.sub(r"__([us]\d)", r"\1",
                                      f"{returns}bpf_{match[2]}({match[3]})")
    rows = re.findall(r'HELPER\(\w+,\s*(\d+), \w+,\s*"([\d.]+)",\s*"([^"]+)"\)',
                      (TREE / "codegen/helpers.def").read_text())
    check(len(rows) > 30, f"{len(rows)} helpers")
    for number, since, prototype in rows:
        check(known.get(int(number), prototype) == prototype,
              f"#{number}: {prototype}, but here {known.get(int(number))}")
    # A helper of a later number came with the same kernel or a later one.
    order = sorted((int(n), tuple(map(int, s.split(".")))) for n, s, _ in rows)
    check([s for _, s in order] == sorted(s for _, s in order), "kernels are not in order")


def test_kernel_functions():
    """They are no helpers: their numbers are memql's own."""
    program = next(example for name, _, _, _, example in whys() if name == "hold-cpu")
    text = memql("explain", "--no-kernel", "--full", "--width", "200", "-e", program).stdout
    check(lacks("hold_cpu") or "call bpf_preempt_disable" in text and "no helper, but a function of" in text,
          "a function of the kernel")
    check("6553" not in text + memql("explain", "--no-kernel", "--json", "-e", program).stdout, "memql's own numbers")


def test_strange():
    """What a script holds, and the name of its file, drive neither a terminal nor a browser."""
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "a<b>&.mq").write_text("BEGIN { @lib = 1; }\n")
        script = Path(directory) / "script.mq"
        script.write_text('import "a<b>&.mq"\nBEGIN { printf("\x1b[31m<i>%d\x07\\n", 1); }\n')
        for words in (["--full"], []):
            done = memql("explain", "--no-kernel", *words, str(script))
            check(not done.returncode and not re.search(r"[\x00-\x09\x0b-\x1f]", done.stdout), f"control bytes: {words}")
        page = memql("explain", "--no-kernel", "--html", str(script)).stdout
        check("a&lt;b&gt;&amp;.mq" in page and "<b>&" not in page and "<i>" not in page, "names and texts in a page")
        script.write_text('import "other.mq"\nBEGIN { exit(); }\n')
        (Path(directory) / "other.mq").write_text('\nBEGIN { printf("1"); }\n')
        text = memql("explain", "--no-kernel", "--json", str(script)).stdout
        check(f"printf() of line {directory}/other.mq:2, exit() of line 2" in text, "where calls of imported files are")


def test_lists():
    """What begins as another one does is still named."""
    data = explain("BEGIN { @ab = 1; @a = 2; @b[12] = 1; }")
    end = [m["what"] for m in data["when"] if "at the end" in m["where"]]
    check(end == ["@ab, @a, @b printed"], f"maps at the end: {end}")


def test_mistakes():
    for words, says in [
            (["--lines", "-e", "BEGIN { }"], "did you mean --line?"),
            (["--without", "nul-check"], "did you mean null-check?"),
            (["--without", "per-cpu"], "has no 'per-cpu'"),
            (["--line", "x", "-e", "BEGIN { }"], "whole number"),
            (["--line", "-5", "-e", "BEGIN { }"], "from 1 to 1000000"),
            (["--max-strlen", "16385", "-e", "BEGIN { }"], "from 1 to 16384"),
            *((["--run", time, "-e", "BEGIN { }"], "--run wants a time such as 500ms, 5s or 2m")
              for time in ("5", "0s", "", "s", "nans", "infs", "1e400s", "100us", "5 s", "5weeks")),
            *((["--run", time, "-e", "BEGIN { }"], "from 1ms to 24h; to trace for longer, run the program")
              for time in ("0s", "-5m", "0.5ms", "25h", "999999m", "infs")),
            (["--as", "c", "--run", "1s", "-e", "BEGIN { }"], "--run does not go with --as"),
            (["--as", "c", "--line", "1", "-e", "BEGIN { }"], "--line does not go with --as"),
            (["--json", "--width", "99", "-e", "BEGIN { }"], "--width does not go with --json"),
            (["--as", "c", "--html", "-e", "BEGIN { }"], "exclude each other"),
            (["--line", "99", "-e", "BEGIN { }"], "line 99 has no part"),
            ([], "no program"),
            (["-e", "BEGIN { @x = }"], "error"),
            (["--no-kernel", "--without", "loop", "-e", "BEGIN { @a = 1; }"],
             "nothing in this program needs loop")]:
        done = memql("explain", *words)
        check(done.returncode != 0 and says in done.stderr, f"{words}: {done.stderr}")
    check(memql("explain", "--help").returncode == 0, "--help")
    short = memql("explain", "--no-kernel", "--max-strlen", "64", "-e", "BEGIN { @ = str(0); }").stdout
    check("string[67]" in short, "--max-strlen")


for test in (test_whys, test_all_code, test_parts, test_ir, test_meanings, test_text, test_overview, test_prices,
             test_helpers, test_kernel_functions, test_strange, test_lists, test_mistakes):
    test()
sys.exit(bool(failed))

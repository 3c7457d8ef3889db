#!/usr/bin/env python3
"""
memql explain with the kernel: for each builtin's example and each kind of probe the figures
are those of the kernel, as a library sees them that stands between memql and the system call;
and what is left out on purpose is refused, in the kernel's words, at the right line.
"""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MEMQL = os.environ["MEMQL"]
SPY = os.environ.get("LOAD_SPY")
CAN = os.environ["KERNEL_CAN"]
TREE = Path(__file__).resolve().parents[2]
LOOP, LOOP_WORDS = 181, 24  # what an inlined bpf_loop() takes of the stack
KERNEL = tuple(int(n) for n in re.findall(r"\d+", os.uname().release)[:2])
failed = []


def check(ok, what):
    if not ok:
        failed.append(what)
        print("FAILED:", what)


def explain(*words, spy=None):
    env = {**os.environ, "LC_ALL": "C", "NO_COLOR": "1"}
    if spy:
        env.update(LD_PRELOAD=SPY, LOAD_SPY_OUT=spy)
    return subprocess.run([MEMQL, "explain", "--json", *words], capture_output=True,
                          text=True, env=env, cwd="/")


def examples():
    text = (TREE / "docs/reference.md").read_text()
    for match in re.finditer(r"^### (.*?)\n(.*?)(?=^##|\Z)", text, re.M | re.S):
        for block in re.findall(r"^```\n(.*?)^```", match[2], re.M | re.S)[:1]:
            yield match[1], block


def with_loops(program):
    """What the kernel adds to the stack where it makes bpf_loop() a part of the program."""
    callers = {i["function"] for part in program["parts"] for i in part["bpf"]
               if i.get("helper") == LOOP}
    return LOOP_WORDS * len(callers) if KERNEL >= (5, 19) else 0


def gaps(program):
    """Instructions that stand nowhere. The second half of a load of 64 bits has no line."""
    lines = {}
    for part in program["parts"]:
        for i in part["bpf"]:
            lines.setdefault(i["function"], {})[i["index"]] = i["text"]
    for name, text in lines.items():
        for index in range(max(text)):
            if index not in text and not re.match(r"r\d = [^*r]", text.get(index - 1, "")):
                yield f"{name}:{index}"


def compare(name, program, seen):
    kernel = program["kernel"]
    check(not list(gaps(program)), f"{name}: not shown: {list(gaps(program))}")
    check(program["instructions"] == seen["insns"],
          f"{name}: {program['instructions']} instructions, the kernel got {seen['insns']}")
    check(kernel["instructions"] == seen["xlated"], f"{name}: rewritten: {kernel} {seen}")
    check(kernel["jit_bytes"] == seen["jited"], f"{name}: machine code: {kernel} {seen}")
    check(kernel["verified"] == seen["verified"], f"{name}: verified: {kernel} {seen}")
    depths = [int(n) for n in seen["stack"].split("+")]
    check(depths[0] <= kernel["stack"] <= sum(depths), f"{name}: stack: {kernel} {seen}")
    if len(depths) == 1:
        check(kernel["stack"] == depths[0], f"{name}: stack: {kernel} {seen}")
    own = program["stack"] + with_loops(program)
    check(own == kernel["stack"],
          f"{name}: we see {own} bytes of stack, the kernel {kernel['stack']}")


def test_figures():
    programs = instructions = refused = 0
    for name, program in examples():
        with tempfile.NamedTemporaryFile() as out:
            done = explain("--unsafe", "-e", program, spy=out.name)
            seen = [json.loads(line) for line in Path(out.name).read_text().splitlines()]
        if done.returncode:
            check("[" in done.stderr, f"{name}: {done.stderr}")  # a diagnostic with a tag
            refused += 1
            continue
        data = json.loads(done.stdout)["data"]
        for p in data["programs"]:
            mine = [s for s in seen if s["loaded"] and s["name"] == p["symbol"][:15]]
            if not p["kernel"]["loaded"]:
                # This kernel does not have it: then nobody could load it.
                check(not mine, f"{name}: loaded, but not for explain")
                refused += 1
                continue
            check(len(mine) >= 1, f"{name}: nobody saw {p['symbol']} being loaded")
            if mine:
                compare(name, p, mine[-1])
                programs += 1
                instructions += p["instructions"]
            states = [i.get("verifier") for part in p["parts"] for i in part["bpf"]]
            known = sum(state is not None for state in states)
            check(known > 0.5 * len(states), f"{name}: {known} of {len(states)} states")
    print(f"{programs} programs, {instructions} instructions; {refused} not for this kernel")
    check(programs > 100, "too few")


# What the verifier says, in one of its versions. Kernels take what root has not
# initialised (Linux 6.3, and 6.1 as Debian has it), and none of them has to refuse what happens to be right.
WORDS = {
    "null-check": "R0 invalid mem access 'map_value_or_null'",
    "key": "R2 type=",
    "init": "invalid (indirect )?read from stack",
    "bound": "unbounded m|invalid access to map value|invalid indirect|outside of the allowed|"
             "R2 min value is negative",
    "index": "unbounded m|invalid access to map value|outside of the allowed",
    "probe-read": "R1 invalid mem access '(scalar|inv)'",
    "stack": "invalid .*stack",
    "sleepable": "might sleep|not allowed in probe|cannot use helper|unknown func|"
                 "sleepable",
    "loop": "infinite loop|back-edge|too complex|too large",
    "context": "dereference of modified ctx ptr",
    "return": "R5 !read_ok",
    "license": "cannot call GPL",
    "pointer-check": "pointer arithmetic on (trusted_)?ptr_(or_null_)?|type=|"
                     "invalid mem access",
}


# What kernels have learned to take: unset stack for root (6.3), computed places of the context (7.x).
TAKEN = {"init"} | ({"context"} if int(os.uname().release.split(".")[0]) >= 7 else set())

# What is said where the kernel lacks what the fault is about.
MISSED = {"sleepable": "nothing in this program needs", "loop": "it lacks bpf_loop"}


def test_broken():
    names = re.findall(r'^WHY\(\w+, "([^"]+)", true', (TREE / "codegen/why.def").read_text(),
                       re.M)
    check(sorted(names) == sorted(WORDS), f"what can be left out: {names}")
    refused = 0
    for name in names:
        done = explain("--without", name)
        if done.returncode:
            # Where no program can wait for a page, none is marked; some have no loops.
            check(name in MISSED and MISSED[name] in done.stderr
                  and subprocess.run([CAN, name], capture_output=True).returncode,
                  f"{name}: {done.stderr}")
            continue
        for p in json.loads(done.stdout)["data"]["programs"]:
            said = p["kernel"]["complaint"]
            print(f"{name:14} {said}")
            if said is None:
                check(name in TAKEN, f"{name}: the kernel took it")
                continue
            check(re.search(WORDS[name], said), f"{name}: {said}")
            check(p["kernel"].get("line") == 1, f"{name}: where? {p['kernel']}")
            refused += 1
    check(refused >= 10, f"{refused} were refused")


def test_broken_script():
    """Of several programs each is judged: those before and behind one that is refused, too."""
    clauses = ["BEGIN { @one = 1; }", "interval:s:1 { printf(\"x\"); }",
               "tracepoint:syscalls:sys_enter_getppid { @two[tid]++; }", "END { printf(\"y\"); }"]
    done = explain("--without", "key", "-e", "\n".join(clauses))
    programs = json.loads(done.stdout)["data"]["programs"]
    check([p["kernel"]["loaded"] for p in programs] == [True, True, False, True],
          f"taken: {[p['kernel'] for p in programs]}")
    for line, p in enumerate(programs, 1):
        said, loaded = p["kernel"]["complaint"], p["kernel"]["loaded"]
        check(said is None if loaded else re.search(WORDS["key"], said), f"line {line}: {said}")
        check(loaded or p["kernel"]["line"] == line, f"about line {line}: {p['kernel']}")
        check(not loaded or p["kernel"]["instructions"], f"line {line}: {p['kernel']}")
    # A long one is shown as an overview, with the words.
    if "MEMSQLD" not in os.environ or subprocess.run([CAN, "loop"], capture_output=True).returncode:
        return
    script = TREE / "scripts/query_tsa.mq"
    done = subprocess.run([MEMQL, "explain", "--width", "90", "--without", "null-check", script, "--exe",
                           os.environ["MEMSQLD"]], capture_output=True, text=True)
    check(done.stdout.startswith("WITHOUT  null-check\n") and done.stdout.count("\n") < 300
          and re.search(r"REFUSED  memsqld.mq:4: .*\n +R\d invalid mem access 'map_value_or_null'\n"
                        r" +line memsqld.mq:6: start", done.stdout), f"{done.stdout[:2000]}{done.stderr}")


    # In a narrow terminal the verifier's sentence is all there, too.
    words = ["--without", "key", script, "--exe", os.environ["MEMSQLD"]]
    done = subprocess.run([MEMQL, "explain", "--width", "60", *words], capture_output=True, text=True)
    said = [p["kernel"]["complaint"] for p in json.loads(explain(*words).stdout)["data"]["programs"]]
    flat = " ".join(done.stdout.split())
    check(any(said) and all(" ".join(s.split()) in flat for s in said if s), f"cut: {done.stdout[:2000]}{said}")


def test_unattachable():
    """Nothing is attached: what could not be is explained, too."""
    done = explain("-e", "kprobe:vfs_read { @[tid] = count(); }")
    check(not done.returncode and json.loads(done.stdout)["data"]["programs"][0]["kernel"]["loaded"],
          f"kprobe: {done.stderr}")
    if subprocess.run([CAN, "kprobe"], capture_output=True).returncode:
        done = explain("--run", "1s", "-e", "kprobe:vfs_read { @[tid] = count(); }")
        check(done.returncode == 1 and "no_such_probe" in done.stderr, f"--run: {done.stderr}")


def test_run():
    """Some thousand calls while it runs: it counts them, and perhaps those of others."""
    words = [MEMQL, "explain", "--json", "--run", "2s", "-e",
             "tracepoint:syscalls:sys_enter_getppid { @[comm] = count(); printf(\"x\"); }"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd="/") as run:
        calls = 0
        while run.poll() is None:
            os.getppid()
            calls += 1
            if calls % 100 == 0:
                time.sleep(0.01)
        data = json.loads(run.stdout.read())["data"]
    program = data["programs"][0]
    check(0 < program["runs"] < 2 * calls, f"{program['runs']} events of {calls} calls")
    each = program["run_ns"] / max(program["runs"], 1)
    check(20 < each < 100_000, f"{each} ns each")
    shares = sum(part["share"] for part in program["parts"])
    check(0.99 < shares < 1.01, f"the shares of its parts are {shares} together")
    check(2 <= data["seconds"] < 20, f"it ran for {data['seconds']} s")
    print(f"--run: {program['runs']} events, {each:.0f} ns each")
    # SIGINT, twice as timeout(1) may send it, ends what is measured, and shows it.
    words = [MEMQL, "explain", "--json", "--run", "50s", "-e", "interval:ms:10 { @++; }"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd="/") as run:
        time.sleep(1)
        run.send_signal(signal.SIGINT)
        run.send_signal(signal.SIGINT)
        data = json.loads(run.stdout.read())["data"]
    check(run.returncode == 0 and 0.1 < data["seconds"] < 20 and data["programs"][0]["runs"],
          f"SIGINT: {data['seconds']} s, {data['programs'][0]['runs']} events")
    for words in (["--without", "loop"], ["--no-kernel", "-e", "BEGIN { }"]):
        done = explain("--run", "1s", *words)
        check(done.returncode == 1 and "--run " in done.stderr, words)


def test_names():
    """What the verifier says names no address, and is the same each time."""
    said = [explain("-e", 'BEGIN { printf("%d", 1); @a[comm] = 1; }').stdout for _ in range(2)]
    states = [re.findall(r'"verifier":"[^"]+"', text) for text in said]
    check(states[0] and states[0] == states[1], "states of the verifier differ between two runs")


if os.geteuid():
    print("only root may load programs")
    sys.exit(77)
if subprocess.run([CAN, "tracepoint"], capture_output=True).returncode:
    print("this kernel has no tracepoints for BPF")
    sys.exit(77)
test_broken()
test_broken_script()
test_unattachable()
test_names()
test_run()
if SPY:
    test_figures()
sys.exit(bool(failed))

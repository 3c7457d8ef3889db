#!/usr/bin/env python3
"""explain --as c: the C of examples compiles, and does what the script does.

usage: explain_as_c.py [all | EXAMPLE...]   examples of tests/builtins by name; without any, those that
                                    differ most from each other
"""

import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from as_c import as_c, compile_c
from examples import OFFSET, directives
from tracing import check, in_directory, need, run_memql

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent / "builtins"
# Aggregations, text, functions, iterators, stacks, structs, entries of threads.
USUAL = ["hist", "find", "normalize", "path", "kstack", "members", "tid"]

# Where C has another type than the script: expressions, with $zero, $forty and $five.
VALUES = {
    "5000 >> $forty": 0,
    "(($zero < 1) ? -1 : 1) >> 1": -1,
    "(($zero < 1) ? 18446744073709551614 : 1) >> 1": (1 << 63) - 1,
    "(($zero ? 18446744073709551614 : 1) >> ($five == 5)) << $forty": 0,
    "-(-$five)": 5,
    "-(-$five - 7)": 12,
    "!(!$five)": 1,
    "(!(!$five)) + (!(!($five & 4)))": 2,
    "$zero > -9223372036854775807 - 1": 1,
    "-9223372036854775807 - 1 < $zero - 1": 1,
    "$forty / ($five - 5) ? 1 : 2": 2,
    "$forty % ($five - 5) ? 1 : 2": 1,
}


def can(needs):
    tool = os.environ.get("KERNEL_CAN")
    return not tool or not subprocess.run([tool, *needs], stdout=subprocess.DEVNULL, check=False).returncode


def example(directory, name):
    case = EXAMPLES / (name + ".mq")
    before, behind, needs = directives(case)
    if not can(needs):
        print(f"        {name}: this kernel has not {' '.join(needs)}")
        return
    own = [w for w in before if w == "--unsafe"]
    target = as_c(directory, name, *own, case.name, *behind)
    done = run_memql(*before, "--object", target, case.name, *behind)
    want = case.with_suffix(".out")
    want = want.read_text(encoding="utf-8") if want.exists() else ""
    same = OFFSET.sub(r"\1+N", done.stdout) == OFFSET.sub(r"\1+N", want)
    check(same, f"{name} prints the same" + ("" if same else done.stdout + done.stderr))


def examples(directory):
    names = sys.argv[1:] or USUAL
    if names == ["all"]:
        names = sorted(f.stem for f in EXAMPLES.glob("*.mq"))
    os.chdir(EXAMPLES)
    for name in names:
        example(directory, name)


def values(directory):
    prints = " ".join(f'printf("%d\\n", {e});' for e in VALUES)
    program = ("BEGIN { $zero = (int64)pid * 0; $forty = (uint64)pid * 0 + 40; $five = (int64)pid * 0 + 5; "
               f"{prints} exit(); }}")
    target = as_c(directory, "values", "-e", program)
    done = run_memql("-q", "--object", target, "-e", program)
    want = "".join(f"{v}\n" for v in VALUES.values())
    check(done.stdout == want, f"{len(VALUES)} expressions" + ("" if done.stdout == want else done.stdout + done.stderr))
    plain = run_memql("-q", "-e", program)
    check(plain.stdout == want, "as in the script itself")


def comments(directory):
    """The script's words end no comment of C, nor do they begin one."""
    as_c(directory, "comments", "-e", 'BEGIN / *(int8 *)1 == 0/ { printf("*/ /* \\n"); }')


def depth(directory):
    """Compilers have limits for parentheses in each other."""
    as_c(directory, "deep", "-e", "BEGIN { $x = (int64)pid; @ = " + 300 * "($x - " + "$x" + 300 * ")" + "; exit(); }")


def names(directory):
    """Variables keep their names, also those that are words of C; maps have types."""
    program = ("BEGIN { $int = (uint64)pid; $ctx = $int + 1; $x1 = $ctx * 2; $x2 = $x1 + $int; "
               "@a[comm] = $x2; @b[pid, comm] = count(); @c = $x1; @d[1] = (pid, comm); exit(); }")
    target = as_c(directory, "names", "-e", program)
    with open(target.removesuffix(".o") + ".c", encoding="utf-8") as source:
        text = source.read()
    for want in ["v_int = ", "v_ctx = v_int + 1;", "v_x = ", "v_x_2 = ", "__type(key, char[16]);",
                 "struct mq_b_key {\n\tu64 key1;\n\tchar key2[16];\n};", "struct mq_c_value {\n\tu64 value;\n\tu64 is_set;\n};",
                 "__type(value, u64[3]);"]:
        check(want in text, f"the C has {want!r}")
    done = run_memql("-q", "--object", target, "-e", program)
    check(done.returncode == 0 and "@d[1]: (" in done.stdout, f"it runs {done.stderr}")


def constants(directory):
    """clang knows each constant's section when it says where they are, or the kernel takes no types of the file."""
    program = 'uprobe:libc:getenv { if (pton("fe80::2:1")[pid % 16] == 7) { @ = count(); } @b[str(arg0, 512)] = 1; }'
    target = as_c(directory, "constants", "-e", program)
    done = run_memql("--dry-run", "--object", target, "-e", program)
    check(done.returncode == 0, f"it loads {done.stderr}")


def wrong_files(directory):
    """Files that are not of this script are refused."""
    one = as_c(directory, "one", "-e", "BEGIN { @x = 1; exit(); }")
    for program, file, words in [
        ("BEGIN { @x = 1; exit(); }", "/etc/passwd", "no object file"),
        ("BEGIN { @x = 1; exit(); }", "/nowhere", "cannot be read: No such file"),
        ("BEGIN { @x = 1; exit(); }", "/tmp", "cannot be read: Is a directory"),
        ("BEGIN { @y = 1; exit(); }", one, "no map mq_y"),
        ("BEGIN { @x[1] = 1; exit(); }", one, "keys of"),
        ("BEGIN { @x = 1; } END { exit(); }", one, "no program clause2_"),
        ("interval:s:1 { @x = 1; exit(); }", one, "is of type raw_tracepoint"),
    ]:
        done = run_memql("--object", file, "-e", program)
        check(done.returncode != 0 and words in done.stderr, f"{words}: {done.stderr.strip()[:200]}")


def wrong_maps(directory):
    """How memql reads a map depends on its type."""
    program = "BEGIN { @x[1] = 1; @y = 1; exit(); }"
    source = os.path.join(directory, "maps.c")
    text = run_memql("explain", "--as", "c", "-e", program).stdout
    for old, new, words in [
        ("MAP_TYPE_HASH", "MAP_TYPE_PERCPU_HASH", "mq_x is of type percpu_hash, in the script of hash"),
        ("MAP_TYPE_ARRAY", "MAP_TYPE_PERCPU_ARRAY", "mq_y is of type percpu_array"),
        ("__uint(max_entries, 2)", "__uint(max_entries, 1)", "memql_loss has room for 1"),
    ]:
        check(old in text, f"the maps have {old}")
        with open(source, "w", encoding="utf-8") as out:
            out.write(text.replace(old, new))
        compile_c(source, source + ".o")
        done = run_memql("--object", source + ".o", "-e", program)
        check(done.returncode != 0 and words in done.stderr, f"{words}: {done.stderr.strip()[:200]}")


def changed(directory):
    """What a learner changes in the C is what runs."""
    program = "BEGIN { @x = pid ? 20 : 3; exit(); }"
    source = os.path.join(directory, "changed.c")
    done = run_memql("explain", "--as", "c", "-e", program)
    check("= 20;" in done.stdout, "the number is there")
    with open(source, "w", encoding="utf-8") as out:
        out.write(done.stdout.replace("= 20;", "= 21;"))
    compile_c(source, source + ".o")
    done = run_memql("--object", source + ".o", "-e", program)
    check("@x: 21" in done.stdout, done.stdout.strip())


def sections(directory):
    """Where libbpf can attach a program by its section it may; where not, a comment says to what."""
    for program, wants in [
        ("rawtracepoint:sched_switch { @ = count(); }", ['SEC("raw_tp/sched_switch")']),
        ("tracepoint:sched:sched_switch { @ = count(); }", ['SEC("tp/sched/sched_switch")']),
        ("uprobe:libc:getenv { @ = count(); }", ['SEC("uprobe//', ':getenv")']),
        ("uprobe:libc:getenv+4 { @ = count(); }", ["/* attach: /", '+0x', 'SEC("uprobe")']),
        ("tracepoint:sched:sched_wakeup* { @[probe] = count(); }",
         ["/* attach: tracepoint:sched:sched_wakeup, cookie 0x", 'SEC("tp")']),
        ("BEGIN { exit(); }", ['/* BEGIN */\nSEC("raw_tp")']),
        ("interval:s:1 { exit(); }", ['/* interval:s:1 */\nSEC("perf_event")']),
    ]:
        done = run_memql("explain", "--as", "c", "-e", program)
        check(all(want in done.stdout for want in wants), f"{program}: {wants} {done.stderr}")
        explained = json.loads(run_memql("explain", "--no-kernel", "--json", "-e", program).stdout)
        section = explained["data"]["programs"][0]["section"]
        check(f'SEC("{section}' in done.stdout, f"explain says {section}")


need("bpf")
in_directory(examples, values, comments, depth, names, constants, wrong_files, wrong_maps, changed, sections)

"""Probes in user space: which process, which sites, which version, with which arguments."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import Load, Memql, check, lacking, lost, map_of, need_root, run_memql

# What this kernel has is left out, as on one that has it not: see CONTRIBUTING.md.
KERNELS = ({}, {"MEMQL_WITHOUT": "uprobe_multi"}, {"MEMQL_WITHOUT": "uprobe_multi,sleepable_uprobe"})

LIBRARY = """
int old_name(void) { return 1; }
int new_name(void) { return 2; }
int plain_one(void) { return 3; }
int plain_two(void) { return 4; }
__asm__(".symver old_name, versioned@V1");
__asm__(".symver new_name, versioned@@V2");
"""
VERSIONS = "V1 { global: versioned; plain_*; local: *; }; V2 { global: versioned; } V1;"
USER = """
#include <stdio.h>
int versioned(void), plain_one(void), plain_two(void), old(void);
__asm__(".symver old, versioned@V1");
int main(void)
{
	int i, sum = 0;

	for (i = 0; i < 10; i++)
		sum += versioned();
	for (i = 0; i < 3; i++)
		sum += old();
	for (i = 0; i < 5; i++)
		sum += plain_one() + plain_two();
	return sum != 58;
}
"""


def one_process(directory, name, env):
    """Two processes of one program do the same; -p sees one of them."""
    with Load() as traced, Load() as other:
        program = (
            f"uprobe:{traced.program}:load_call {{ @calls[pid] = count(); }}"
            f" uretprobe:{traced.program}:load_value {{ @values[pid] = sum(retval); }}"
            f" usdt:{traced.program}:load:work {{ @work[pid] = count(); }}"
        )
        memql = Memql(directory, f"one{name}", ["-p", str(traced.pid), "-e", program], env=env)
        check(traced.do("enabled") == "2", "its semaphore is up")
        for load in (traced, other):
            for work in ("calls 30", "keys 5", "work 8"):
                load.do(work)
        memql.stop()
        check(traced.do("enabled") == "0", "and down again afterwards")
        events = memql.events()
        check(not lost(events), "nothing was lost")
        check(map_of(events, "@calls") == {traced.pid: 30}, "-p: 30 calls of one process")
        check(map_of(events, "@values") == {traced.pid: 10}, "-p: its results")
        check(map_of(events, "@work") == {traced.pid: 8}, "-p: its 8 USDT events")


def all_sites(directory, name, env):
    """Both sites of a USDT probe, each with operands of its own; every process has them."""
    with Load() as one, Load() as two:
        program = f"usdt:{one.program}:load:work {{ @[pid, arg0, str(arg1), arg2] = count(); }}"
        memql = Memql(directory, f"sites{name}", ["-e", program], env=env)
        for load in (one, two):
            load.do("work 6")
        memql.stop()
        events = memql.events()
        want = {}
        for load in (one, two):
            for i in range(6):
                key = (load.pid, -7, "constant", 200) if i % 4 == 3 else (load.pid, -i, "variable", i)
                want[key] = 1
        check(not lost(events) and map_of(events, "@") == want, "USDT: both sites, both processes, exact arguments")


def wildcards(directory, name, env):
    with Load() as load:
        program = f"uprobe:{load.program}:load_* /pid == {load.pid}/ {{ @[func] = count(); @probe[probe] = count(); }}"
        memql = Memql(directory, f"wild{name}", ["-e", program], env=env)
        for work in ("calls 4", "pair 6", "keys 5", "text 61 3"):
            load.do(work)
        memql.stop()
        want = {"load_call": 4, "load_pair_a": 6, "load_pair_b": 6, "load_value": 5, "load_text": 3}
        events = memql.events()
        check(map_of(events, "@") == want, "load_*: each function's count by func")
        by_probe = {f"uprobe:{load.program}:{f}": n for f, n in want.items()}
        check(map_of(events, "@probe") == by_probe, "and by probe")


def compiled(directory):
    """A library with two versions of a function, and its user; None without a compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        return None
    for name, text in (("lib.c", LIBRARY), ("map", VERSIONS), ("user.c", USER)):
        with open(os.path.join(directory, name), "w") as f:
            f.write(text)
    library, user = os.path.join(directory, "libmqversions.so.1"), os.path.join(directory, "user")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-Wl,--version-script,map", "-o", library, "lib.c"],
                   cwd=directory, check=True)
    subprocess.run([compiler, "-O1", "-o", user, "user.c", library, f"-Wl,-rpath,{directory}"], cwd=directory, check=True)
    return library, user


def versions(directory):
    built = compiled(directory)
    if not built:
        print("        no C compiler: versions of symbols were not tried")
        return
    library, user = built
    points = {"@default": "versioned", "@old": "versioned@V1", "@new": "versioned@V2", "@plain": "plain_*"}
    program = " ".join(f"uprobe:{library}:{f} {{ {name} = count(); }}" for name, f in points.items())
    done = run_memql("-q", "-c", f"exec {user}", "-e", program)
    want = ["@default: 10", "@new: 10", "@old: 3", "@plain: 10"]
    check(done.stdout.splitlines() == want, f"versions of a symbol: {done.stdout.split()}{done.stderr}")


def bare_names(directory):
    """A library by its bare name: in the process, and by that one only."""
    work = "import os, sys; input(); [os.getppid() for _ in range(321)]; input()"
    processes = [
        subprocess.Popen([sys.executable, "-S", "-c", work], stdin=subprocess.PIPE, text=True) for _ in range(2)
    ]
    traced, other = processes
    memql = Memql(directory, "bare", ["-p", str(traced.pid), "-e", "uprobe:libc:getppid { @[pid] = count(); }"])
    for p in processes:
        p.stdin.write("\n")
        p.stdin.flush()
    other.communicate("\n")
    traced.communicate("\n")
    memql.end()
    check(map_of(memql.events(), "@") == {traced.pid: 321}, "uprobe:libc:getppid of one process")


def fails_whole(directory):
    """If the last of the probes cannot be attached to, none stays."""
    with Load() as load:
        done = run_memql("-e", f"usdt:{load.program}:load:work {{ @ = count(); }} tracepoint:no:such {{ }}")
        check(done.returncode == 1 and load.do("enabled") == "0", f"nothing stays: {done.stderr.splitlines()[0]}")


def too_few_files(directory):
    """One link per site takes two files each; the message says what to do."""
    for env, limit in (KERNELS[0], 10), (KERNELS[1], 22):
        with Load() as load:
            done = subprocess.run(
                ["bash", "-c", 'ulimit -n "$0" && exec "$MEMQL" -e "$1"', str(limit),
                 f"uprobe:{load.program}:load_*, usdt:{load.program}:load:work {{ @ = count(); }}"],
                env={**os.environ, **env}, capture_output=True, text=True, timeout=60, check=False,
            )
            check(done.returncode == 1 and "ulimit -n" in done.stderr, f"{limit} files: {done.stderr.splitlines()}")
            check(load.do("enabled") == "0", "nothing stays")


def long_texts(directory):
    """More memory than some kernels keep for a thread: each thread has its own all the same."""
    texts = ["a" * 3000 + "x", "b" * 4000]
    twice = "unroll (2)" if lacking("loop") else "for ($i : 0..2)"
    for env in {}, {"MEMQL_WITHOUT": "thread_memory"}:
        with Load() as one, Load() as other:
            program = (
                f"config = {{ max_strlen = 4096 }} uprobe:{one.program}:load_text {{ $a = str(arg0); $b = str(arg0);"
                f" {twice} {{ @turns[$a] = count(); }} $c = str(arg0); if ($a == $b) {{ @same[$c] = count(); }} }}"
            )
            memql = Memql(directory, f"long{len(env)}", ["-e", program], env=env)
            works = [threading.Thread(target=load.do, args=(f"text {text.encode().hex()} 500",))
                     for load, text in zip((one, other), texts)]
            for work in works:
                work.start()
            for work in works:
                work.join()
            memql.stop()
        events = memql.events()
        check(not lost(events), f"nothing is lost, {env}")
        check(map_of(events, "@same") == {text: 500 for text in texts}, "each has what it called with")
        check(map_of(events, "@turns") == {text: 1000 for text in texts}, "in loops, too")


def main():
    need_root()
    with tempfile.TemporaryDirectory(prefix="memql-user-") as directory:
        for i, env in enumerate(KERNELS):
            print(f"--- without {env.get('MEMQL_WITHOUT', 'nothing')}")
            one_process(directory, i, env)
            all_sites(directory, i, env)
            wildcards(directory, i, env)
        versions(directory)
        bare_names(directory)
        fails_whole(directory)
        too_few_files(directory)
        long_texts(directory)


main()

"""Addresses to names: of libraries with and without debug files, of programs of every
kind of linking, deleted and replaced ones. What nm and readelf say is the measure."""

import bisect
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import check, fail, need_root, skip

PROGRAM = r"""
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <dlfcn.h>
#ifdef WHOLE
#define ADDRESS(function) (function)
#else
#define ADDRESS(function) dlsym(RTLD_DEFAULT, #function) /* not that of its entry in .plt */
#endif
int clock_gettime();
int from_library(int);
__attribute__((noinline)) static int hidden_function(int n) { return n * 3 + getppid(); }
__attribute__((noinline)) int public_function(int n) { return hidden_function(n) + 1; }
int main(int argc, char **argv)
{
	printf("public_function %lx\n", (unsigned long)(uintptr_t)public_function);
	printf("hidden_function %lx\n", (unsigned long)(uintptr_t)hidden_function);
	printf("main %lx\n", (unsigned long)(uintptr_t)main);
	printf("from_library %lx\n", (unsigned long)(uintptr_t)ADDRESS(from_library));
	printf("clock_gettime %lx\n", (unsigned long)(uintptr_t)ADDRESS(clock_gettime));
	printf("end %d\n", public_function(argc) + from_library(argc));
	fflush(stdout);
	getchar();
	return 0;
}
"""
LIBRARY = """
__attribute__((noinline, visibility("hidden"))) int within_library(int n) { return n * 7; }
int from_library(int n) { return within_library(n) + 1; }
"""


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


class Symbolizer:
    """tests/symbolize.c."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [os.environ["SYMBOLIZE"], *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def ask(self, question, answers):
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()
        return [self.process.stdout.readline().rstrip("\n") for _ in range(answers)]

    def user(self, pid, addresses):
        """(name, offset, file, offset in it) for each."""
        out = []
        for line in self.ask(f"user {pid} " + " ".join(f"{a:x}" for a in addresses), len(addresses)):
            name, offset, file, file_offset = line.split("\t")
            out.append((name, int(offset, 16), file, int(file_offset, 16)))
        return out

    def losses(self):
        out = []
        self.process.stdin.write("losses\n")
        self.process.stdin.flush()
        while line := self.process.stdout.readline().strip():
            out.append(line)
        return out

    def close(self):
        self.process.stdin.close()
        if self.process.wait(timeout=10):
            fail(f"the symbolizer ended with status {self.process.returncode}")

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()


class Program:
    """A process that prints where its functions are, and waits."""

    def __init__(self, *command, **options):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options)
        self.pid = self.process.pid
        self.addresses = {}
        while True:
            name, value = self.process.stdout.readline().split()
            if name == "end":
                break
            self.addresses[name] = int(value, 16)

    def end(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(timeout=10)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.end()


def compile_c(directory, name, text, *flags):
    source = os.path.join(directory, name + ".c")
    with open(source, "w") as f:
        f.write(text)
    out = os.path.join(directory, name)
    run("cc", "-O1", "-g0", "-o", out, source, *flags)
    return out


def build_id(path):
    notes = run("readelf", "-n", path)
    found = re.search(r"Build ID: ([0-9a-f]+)", notes)
    return found.group(1) if found else None


def code_symbols(path):
    """[(address, size, name)] of functions as nm sees them, with the debug file's."""
    files = [path]
    identity = build_id(path)
    if identity:
        debug = f"/usr/lib/debug/.build-id/{identity[:2]}/{identity[2:]}.debug"
        if os.path.exists(debug):
            files.append(debug)
    found = set()
    for file in files:
        for option in ("--defined-only", "-D"):
            text = subprocess.run(
                ["nm", "-S", option, file], capture_output=True, text=True, check=False
            ).stdout
            for line in text.splitlines():
                m = re.match(r"([0-9a-f]{16}) (?:([0-9a-f]{16}) )?([tTwWiuvV]) (\S+)$", line)
                if m:
                    found.add((int(m[1], 16), int(m[2] or "0", 16), m[4].split("@")[0]))
    return sorted(found)


def segments(path):
    """[(offset, size, address)] of executable segments."""
    out = []
    for line in run("readelf", "-lW", path).splitlines():
        fields = line.split()
        if fields[:1] == ["LOAD"] and "E" in fields[6:-1]:
            out.append((int(fields[1], 16), int(fields[4], 16), int(fields[2], 16)))
    return out


def code_mappings(pid):
    """[(start, end, offset, name)]"""
    out = []
    with open(f"/proc/{pid}/maps") as f:
        for line in f:
            fields = line.split(maxsplit=5)
            if "x" in fields[1] and len(fields) > 5:
                start, end = (int(x, 16) for x in fields[0].split("-"))
                out.append((start, end, int(fields[2], 16), fields[5].strip()))
    return out


def check_library(symbolizer, pid, mapping, count):
    """Random addresses of one mapping: what is said must be a symbol of nm's with that
    address in it, and nothing is said only if there is none."""
    start, end, offset, path = mapping
    symbols = code_symbols(path)
    starts = [s[0] for s in symbols]
    by_name = {}
    for address, size, name in symbols:
        by_name.setdefault(name, []).append((address, size))
    addresses = [random.randrange(start, end) for _ in range(count)]
    known = 0
    for address, (name, distance, file, file_offset) in zip(addresses, symbolizer.user(pid, addresses)):
        if file != path or file_offset != address - start + offset:
            fail(f"{address:x} is in {path}, not {file}+{file_offset:x}")
        virtual = next((file_offset - o + a for o, s, a in segments_of(path) if o <= file_offset < o + s), None)
        if name == "?":
            at = bisect.bisect_right(starts, virtual or 0)
            around = [s for s in symbols[max(0, at - 500):at] if virtual and virtual < s[0] + s[1]]
            if around:
                fail(f"{path} {virtual:x} is in {around[0]}, not unknown")
            continue
        known += 1
        if not any(virtual == a + distance and (distance < size or not size) for a, size in by_name.get(name, [])):
            fail(f"{path} {virtual:x} is not {name}+{distance:x}")
        exact = [s for s in symbols[bisect.bisect_left(starts, virtual - distance):bisect.bisect_right(starts, virtual)]
                 if s[0] > virtual - distance and virtual < s[0] + s[1]]
        if exact:
            fail(f"{path} {virtual:x} is in {exact[0]}, rather than {name}+{distance:x}")
    check(known > 0, f"{path}: {count} addresses as nm says, {known} of them in functions")


SEGMENTS = {}


def segments_of(path):
    if path not in SEGMENTS:
        SEGMENTS[path] = segments(path)
    return SEGMENTS[path]


def check_program(symbolizer, program, what, want_hidden=True, file=None):
    """Each address at its beginning and in its middle."""
    names = list(program.addresses)
    first = symbolizer.user(program.pid, [program.addresses[n] for n in names])
    second = symbolizer.user(program.pid, [program.addresses[n] + 3 for n in names])
    for name, at, within in zip(names, first, second):
        if name == "clock_gettime":  # "__clock_gettime" is the same place
            good = at[0].endswith(name) and at[1] == 0
        elif name in ("hidden_function", "main") and not want_hidden:
            good = at[0] in ("?", name)
        else:
            good = at[:2] == (name, 0) and within[:2] == (name, 3)
        if not good:
            fail(f"{what}: {name} at {program.addresses[name]:x} is said to be {at} and {within}")
        if file and name.endswith("_function") and at[2] != file:
            fail(f"{what}: {name} is in {file}, not {at[2]}")
    check(True, f"{what}: {', '.join(names)}")


def libraries(symbolizer):
    """This very process has some."""
    for mapping in code_mappings(os.getpid()):
        if mapping[3].startswith("/") and os.path.exists(mapping[3]):
            check_library(symbolizer, os.getpid(), mapping, 3000)


def linkings(symbolizer, directory):
    library = compile_c(directory, "libfrom.so", LIBRARY, "-shared", "-fPIC")
    linked = [library, f"-Wl,-rpath,{directory}", "-ldl"]
    for name, flags in (("pie", ["-fPIE", "-pie"]), ("no-pie", ["-fno-pie", "-no-pie"]),
                        ("one-segment", ["-Wl,-z,noseparate-code"])):
        path = compile_c(directory, name, PROGRAM, *flags, *linked)
        with Program(path) as program:
            check_program(symbolizer, program, name, file=path)
    path = compile_c(directory, "stripped", PROGRAM, "-s", "-rdynamic", *linked)
    with Program(path) as program:
        check_program(symbolizer, program, "stripped, with .dynsym", want_hidden=False)
    return linked


def replaced(symbolizer, directory, linked):
    """The file was deleted, then another one has its name."""
    path = compile_c(directory, "deleted", PROGRAM, *linked)
    with Program(path) as program:
        os.remove(path)
        check_program(symbolizer, program, "a deleted program", file=path)
        other = compile_c(directory, "deleted", "int x; " * 50 + PROGRAM.replace("main(", "fill(void) { return 1; } int main("),
                          *linked)
        with Program(other) as second:
            check_program(symbolizer, second, "another one of its name", file=path)
            check_program(symbolizer, program, "the first again", file=path)


def other_places(symbolizer, directory):
    """In another root directory, and in a mount namespace, where its name leads nowhere."""
    root = os.path.join(directory, "root")
    os.mkdir(root)
    path = compile_c(root, "program", LIBRARY + PROGRAM, "-static", "-DWHOLE")
    with Program("/program", preexec_fn=lambda: os.chroot(root)) as program:
        check_program(symbolizer, program, "static, in another root", file=path)
    # Where / is no mount of its own, as in a plain chroot, there is no private namespace.
    if subprocess.run(["unshare", "-m", "true"], stderr=subprocess.DEVNULL, check=False).returncode:
        print("        no program in another mount namespace: unshare -m fails here")
        return
    place = os.path.join(directory, "mounted")
    os.mkdir(place)
    script = f"mount -t tmpfs none {place} && cp {path} {place}/ && exec {place}/program"
    with Program("unshare", "-m", "sh", "-c", script) as program:
        check(not os.path.exists(f"{place}/program"), "a program that only its namespace has")
        check_program(symbolizer, program, "which is found", file=f"{place}/program")


def kernel(symbolizer):
    with open("/proc/kallsyms") as f:
        symbols = [line.split() for line in f]
    known = [(int(s[0], 16), s[2]) for s in symbols if s[1] in "tTwW"]
    if not any(a for a, _ in known):
        return
    names = {}
    for address, name in known:
        names.setdefault(address, set()).add(name)
    for address, name in random.sample(known, min(300, len(known))):
        said, offset, module, _ = symbolizer.ask(f"kernel {address:x}", 1)[0].split("\t")
        if said not in names[address] or int(offset, 16) or not module:
            fail(f"{address:x} is {name}, not {said}+{offset}")
    check(True, "kernel functions as in /proc/kallsyms")
    check(symbolizer.ask("kernel 1000", 1)[0].startswith("?"), "and an address that is none")


def texts(symbolizer, directory, linked):
    path = compile_c(directory, "texts", PROGRAM, *linked)
    with Program(path) as program:
        address = program.addresses["public_function"]
        check(symbolizer.ask(f"show {program.pid} {address + 2:x}", 1) == [f"public_function+2 ({path})"], "as text")
        check(symbolizer.ask(f"show {program.pid} 1234", 1) == ["0x1234 ([unknown])"], "and unknown")


def main():
    need_root()
    for tool in ("cc", "nm", "readelf", "objcopy"):
        if not shutil.which(tool):
            skip(f"{tool} is not installed")
    random.seed(1)
    with tempfile.TemporaryDirectory(prefix="memql-symbols-") as directory, Symbolizer() as symbolizer:
        os.chmod(directory, 0o755)
        libraries(symbolizer)
        linked = linkings(symbolizer, directory)
        replaced(symbolizer, directory, linked)
        other_places(symbolizer, directory)
        texts(symbolizer, directory, linked)
        kernel(symbolizer)
        check(symbolizer.losses() == [], "nothing was lost")


if __name__ == "__main__":
    main()

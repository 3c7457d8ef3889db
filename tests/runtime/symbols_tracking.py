"""Functions of programs that have ended by the time they are asked for: those that ran
before, began later, forked, ran other programs, loaded libraries, or were deleted."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from symbols import LIBRARY, PROGRAM, Program, Symbolizer, check_program, compile_c
from tracing import check, need_root, skip

# Forks a child that runs a function of its own copy, which then becomes another program.
FAMILY = """
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <dlfcn.h>
__attribute__((noinline)) int in_family(int n) { return n + getppid(); }
int main(int argc, char **argv)
{
	int child;

	printf("in_family %lx\\n", (unsigned long)(uintptr_t)in_family);
	fflush(stdout);
	if (argc > 2) {
		void *library = dlopen(argv[2], RTLD_NOW);

		printf("from_library %lx\\n", (unsigned long)(uintptr_t)dlsym(library, "from_library"));
		dlclose(library);
	}
	child = fork();
	if (!child) {
		if (argc > 1 && strcmp(argv[1], "-") != 0)
			execl(argv[1], argv[1], (char *)0);
		_exit(in_family(0) == -1);
	}
	printf("child %x\\n", (unsigned)child);
	waitpid(child, 0, 0);
	printf("end 0\\n");
	fflush(stdout);
	getchar();
	return 0;
}
"""
PRINTS = """
#include <stdint.h>
#include <stdio.h>
__attribute__((noinline)) int in_other(int n) { return n + 1; }
int main(int argc, char **argv)
{
	printf("in_other %lx\\n", (unsigned long)(uintptr_t)in_other);
	fflush(stdout);
	return in_other(argc) == 1;
}
"""


def names(symbolizer, pid, addresses):
    return [s[:2] for s in symbolizer.user(pid, addresses)]


def snapshot_done(symbolizer):
    for _ in range(300):  # each reads for 4 ms
        symbolizer.ask("poll", 1)


def lives(directory, linked):
    path = compile_c(directory, "program", PROGRAM, *linked)
    gone = compile_c(directory, "gone", PROGRAM, *linked)
    with Symbolizer() as symbolizer, Program(path) as before, Program(gone) as deleted:
        check(symbolizer.ask("track 0", 1) == ["0"], "the kernel tells about address spaces")
        snapshot_done(symbolizer)
        after = Program(path)
        os.remove(gone)
        for program in (before, after, deleted):
            program.end()
        check_program(symbolizer, before, "it ran before and has ended")
        check_program(symbolizer, after, "it began later and has ended")
        check_program(symbolizer, deleted, "it was deleted and has ended")
        check(symbolizer.losses() == [], "nothing was lost")


def families(directory, library):
    family = compile_c(directory, "family", FAMILY, "-ldl")
    other = compile_c(directory, "other", PRINTS)
    with Symbolizer() as symbolizer:
        symbolizer.ask("track 0", 1)
        with Program(family, "-", library) as program:
            at = program.addresses
        # The child never mapped anything itself.
        check(names(symbolizer, at["child"], [at["in_family"] + 1]) == [("in_family", 1)], "a child after a fork")
        check(names(symbolizer, program.pid, [at["from_library"] + 2]) == [("from_library", 2)],
              "a library that was unloaded again")
        with Program(family, other) as program:
            at = program.addresses
        check(names(symbolizer, at["child"], [at["in_other"], at["in_family"]]) == [("in_other", 0), ("in_family", 0)],
              "a child that became another program, and what it was before")
        check(names(symbolizer, program.pid, [at["in_other"]]) == [("?", 0)], "which is not its parent's")


def one_process(directory, linked):
    path = compile_c(directory, "one", PROGRAM, *linked)
    with Symbolizer() as symbolizer:
        one = Program(path)
        symbolizer.ask(f"track {one.pid}", 1)
        other = Program(path)
        one.end()
        other.end()
        check_program(symbolizer, one, "-p: the process")
        check(names(symbolizer, other.pid, [other.addresses["main"]]) == [("?", 0)], "-p: not another one")


def without_tracking(directory, linked):
    path = compile_c(directory, "untracked", PROGRAM, *linked)
    with Symbolizer() as symbolizer:
        program = Program(path)
        check_program(symbolizer, program, "without tracking, while it runs")
        program.end()
        check_program(symbolizer, program, "and afterwards, as it was asked for before")
        with open(path, "w"):
            pass
        check_program(symbolizer, program, "and after its file was emptied")


def overwritten(directory, linked):
    """Other code in the same file, before its symbols were read: nothing is known."""
    path = compile_c(directory, "first", PROGRAM, *linked)
    other = compile_c(directory, "second", PROGRAM.replace("main(", "fill(void) { return 1; } int main("), *linked)
    with Symbolizer() as symbolizer:
        symbolizer.ask("track 0", 1)
        program = Program(path)
        symbolizer.ask("poll", 1)
        program.end()
        with open(other, "rb") as source, open(path, "wb") as f:
            f.write(source.read())
        said = symbolizer.user(program.pid, [program.addresses["main"]])[0]
        check(said[0] == "?" and said[2] == path, "a file that was written over is not trusted")


def too_many(directory):
    """More than there is room for: said, not hidden."""
    other = compile_c(directory, "many", PRINTS)
    with Symbolizer() as symbolizer:
        symbolizer.ask("track 0", 1)
        # Nobody reads meanwhile; each run takes 1 KB of the 128 KB of its CPU.
        subprocess.run(["sh", "-c", f"i=0; while [ $i -lt {400 * os.cpu_count()} ]; do {other}; i=$((i+1)); done"],
                       stdout=subprocess.DEVNULL, check=True)
        symbolizer.ask("poll", 1)
        losses = symbolizer.losses()
        check(len(losses) == 1 and re.match(r"[1-9]\d*: messages of the kernel", losses[0]),
              f"a buffer that was full: {losses}")
        with Program(compile_c(directory, "next", FAMILY, "-ldl")) as program:
            check(names(symbolizer, program.pid, [program.addresses["in_family"]]) == [("in_family", 0)],
                  "and the next program is resolved again")


def main():
    need_root()
    if not shutil.which("cc"):
        skip("cc is not installed")
    with tempfile.TemporaryDirectory(prefix="memql-symbols-") as directory:
        library = compile_c(directory, "libfrom.so", LIBRARY, "-shared", "-fPIC")
        linked = [library, f"-Wl,-rpath,{directory}", "-ldl"]
        lives(directory, linked)
        families(directory, library)
        one_process(directory, linked)
        without_tracking(directory, linked)
        overwritten(directory, linked)
        too_many(directory)


main()

"""What tests of explain --as c share."""

import os
import platform
import shutil
import subprocess

from tracing import check, run_memql, skip


def compile_c(source, target):
    clang = shutil.which("clang")
    if not clang:
        skip("no clang: tools/setup --test")
    command = [clang, "-O2", "-g", "-target", "bpf", "-mcpu=v3", f"-I/usr/include/{platform.machine()}-linux-gnu",
               "-Wall", "-Werror", "-Wno-unused-variable", "-Wno-unused-but-set-variable", "-c", source, "-o", target]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    check(done.returncode == 0, f"{os.path.basename(source)} compiles" + done.stderr[:2000])


def as_c(directory, name, *arguments):
    """The object file that the C of this program becomes."""
    source, target = (os.path.join(directory, name + end) for end in (".bpf.c", ".bpf.o"))
    done = run_memql("explain", "--as", "c", *arguments)
    lines = done.stdout.count("\n")
    check(done.returncode == 0, f"{name} as C: {lines} lines" + done.stderr[:2000])
    with open(source, "w", encoding="utf-8") as out:
        out.write(done.stdout)
    compile_c(source, target)
    return target

"""Debug files, wherever they may be and only if they belong to the program; and names of
C++ and Rust, thousands of them against other demanglers."""

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from symbols import LIBRARY, PROGRAM, Program, Symbolizer, build_id, check_program, code_mappings, code_symbols, compile_c, run, segments
from tracing import check, fail, need_root, skip

CPP = """
#include <map>
#include <string>
#include <vector>
#include <cstdint>
#include <cstdio>
#include <iostream>
namespace engine {
template <typename T> struct pool {
	std::map<std::string, std::vector<T>> items;
	__attribute__((noinline)) int add(const std::string &name, T value)
	{
		items[name].push_back(value);
		return (int)items.size();
	}
};
__attribute__((noinline)) static int hidden(pool<double> &p, const char *name) { return p.add(name, 1.5); }
}
int main()
{
	engine::pool<double> p;
	std::cout << "end " << engine::hidden(p, "x") << std::endl;
	getchar();
}
"""
RUST = """
use std::fmt::Display;
struct S<T>(T);
trait Go { fn go(&self, n: u32) -> u32; }
impl<T: Display> Go for S<T> {
    #[inline(never)] fn go(&self, n: u32) -> u32 { let f = |x: u32| { eprint!("{}", self.0); x + n }; f(n) + inner::sum([1, n]) }
}
mod inner {
    #[inline(never)] pub fn sum<const N: usize>(a: [u32; N]) -> u32 { a.iter().sum() }
    #[inline(never)] pub fn gr\u00f6\u00dfe(f: &dyn Fn(u8) -> i64) -> i64 { f(3) }
}
fn main() {
    let mut line = String::new();
    println!("end {}", S("").go(2) as i64 + inner::gr\u00f6\u00dfe(&|x| x as i64));
    std::io::stdin().read_line(&mut line).unwrap();
}
"""


def split_off(path, debug, *link):
    """What is stripped goes to a debug file; returns the program."""
    os.makedirs(os.path.dirname(debug), exist_ok=True)
    run("objcopy", "--only-keep-debug", path, debug)
    run("strip", path)
    if link:
        run("objcopy", f"--add-gnu-debuglink={debug}", path)
    return path


def damage(file):
    """One byte more: neither its checksum nor anything else is affected."""
    with open(file, "ab") as f:
        f.write(b"x")


def debug_files(directory):
    root = os.path.join(directory, "debug-root")
    os.mkdir(root)
    where = {
        "beside it": "{0}/case.debug",
        "in .debug": "{0}/.debug/case.debug",
        "in the debug directory": root + "{0}/case.debug",
    }
    for i, (what, pattern) in enumerate(where.items()):
        place = os.path.join(directory, f"place{i}")
        os.mkdir(place)
        path = compile_c(place, "case", LIBRARY + PROGRAM, "-ldl", "-rdynamic", "-Wl,--build-id=none")
        debug = pattern.format(place)
        split_off(path, debug, "link")
        with Symbolizer(root) as symbolizer, Program(path) as program:
            check_program(symbolizer, program, f"a debug file {what}")
        damage(debug)
        with Symbolizer(root) as symbolizer, Program(path) as program:
            said = symbolizer.user(program.pid, [program.addresses["hidden_function"]])[0]
            check(said[0] == "?", "and one with another checksum is not used")


def build_ids(directory):
    root = os.path.join(directory, "id-root")
    path = compile_c(directory, "with-id", LIBRARY + PROGRAM, "-ldl", "-rdynamic", "-Wl,--build-id=sha1")
    identity = build_id(path)
    debug = f"{root}/.build-id/{identity[:2]}/{identity[2:]}.debug"
    split_off(path, debug)
    with Symbolizer(root) as symbolizer, Program(path) as program:
        check_program(symbolizer, program, "a debug file by its build-id")
    other = compile_c(directory, "other-id", "int y;" + LIBRARY + PROGRAM, "-ldl", "-rdynamic", "-Wl,--build-id=sha1")
    run("objcopy", "--only-keep-debug", other, debug)
    with Symbolizer(root) as symbolizer, Program(path) as program:
        said = symbolizer.user(program.pid, [program.addresses["hidden_function"]])[0]
        check(said[0] == "?", "and one with another build-id is not used")


def plain(name):
    """Demanglers differ in blanks and in what they call clones."""
    return re.sub(r"\s|\[clone.*\]|\(\.[a-z0-9.]*\)", "", name).replace("{{closure}}", "{closure}")


def start(path):
    process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    return process


def stop(process):
    process.stdin.close()
    process.wait(timeout=10)


def readable(symbolizer, pid, path, demangle, what, least):
    """The beginnings of all functions of a file, by nm and another demangler."""
    start_address, _, offset, _ = next(m for m in code_mappings(pid) if m[3] == path)
    functions = {}
    for address, size, name in code_symbols(path):
        if size:
            functions.setdefault(address, set()).add(name)
    code = segments(path)
    places = []
    for address, names in functions.items():
        o = next((address - a + o for o, s, a in code if a <= address < a + s), None)
        if o is not None:
            places.append((o - offset + start_address, names))
    if len(places) > 20000:
        places = random.sample(places, 20000)
    wanted = sorted({n for _, names in places for n in names})
    texts = dict(zip(wanted, demangle(wanted)))
    answers = symbolizer.user(pid, [p[0] for p in places])
    mangled = 0
    for (address, names), (name, distance, _, _) in zip(places, answers):
        if distance or plain(name) not in {plain(texts[n]) for n in names}:
            fail(f"{what}: {address:x} is one of {sorted(texts[n] for n in names)}, not {name}+{distance}")
        mangled += name != "?" and name in names and name.startswith(("_Z", "_R"))
    check(len(places) >= least and mangled <= len(places) // 50,
          f"{what}: {len(places)} functions of {os.path.basename(path)}, {mangled} of them not demangled")


def filtered(*tool):
    def demangle(names):
        out = subprocess.run(tool, input="\n".join(names) + "\n", capture_output=True, text=True, check=True).stdout
        return out.splitlines()
    return demangle


def cpp(symbolizer, directory):
    if not shutil.which("c++") or not shutil.which("c++filt"):
        print("no C++ compiler: no names of C++")
        return
    source = os.path.join(directory, "cpp.cc")
    path = os.path.join(directory, "cpp")
    with open(source, "w") as f:
        f.write(CPP)
    run("c++", "-O0", "-o", path, source)
    process = start(path)
    readable(symbolizer, process.pid, path, filtered("c++filt", "-i"), "C++", 30)
    for _, _, _, name in code_mappings(process.pid):
        if "libstdc++" in name:
            readable(symbolizer, process.pid, name, filtered("c++filt", "-i"), "C++", 1000)
    stop(process)


def rust(symbolizer, directory):
    compiler = shutil.which("rustc")
    if not compiler:
        print("no Rust compiler: no names of Rust")
        return
    source = os.path.join(directory, "rust.rs")
    with open(source, "w") as f:
        f.write(RUST)
    # The older scheme is what most compilers use unless they are told.
    for scheme, flags in (("v0", ["-C", "symbol-mangling-version=v0"]), ("default", [])):
        path = os.path.join(directory, f"rust-{scheme}")
        run(compiler, *flags, "-o", path, source)
        process = start(path)
        wanted = {"rust::inner::gr\u00f6\u00dfe", "rust::main"}
        names = [n for n in code_symbols(path) if n[1]]
        start_address, _, offset, _ = next(m for m in code_mappings(process.pid) if m[3] == path)
        code = segments(path)
        at = [a - c[2] + c[0] - offset + start_address for a, _, _ in names for c in code if c[2] <= a < c[2] + c[1]]
        said = {s[0] for s in symbolizer.user(process.pid, at)}
        check(wanted <= said and said & {"<rust::S<&str> as rust::Go>::go", "<rust::S<T> as rust::Go>::go"}, f"Rust, {scheme}: {len(said)} names, {', '.join(sorted(wanted))} among them")
        bad = [s for s in said if s.startswith("_R") or re.search(r"17h[0-9a-f]{16}E|\$[A-Z]", s)]
        check(not bad, f"Rust, {scheme}: no name is mangled {bad[:3]}")
        if scheme == "v0" and shutil.which("llvm-cxxfilt-19"):
            readable(symbolizer, process.pid, path, filtered("llvm-cxxfilt-19"), "Rust", 300)
        stop(process)


def main():
    need_root()
    for tool in ("cc", "nm", "readelf", "objcopy", "strip"):
        if not shutil.which(tool):
            skip(f"{tool} is not installed")
    random.seed(1)
    with tempfile.TemporaryDirectory(prefix="memql-symbols-") as directory:
        debug_files(directory)
        build_ids(directory)
        with Symbolizer() as symbolizer:
            cpp(symbolizer, directory)
            rust(symbolizer, directory)


main()

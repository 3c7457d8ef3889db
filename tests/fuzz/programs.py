#!/usr/bin/env python3
"""Loads random well-typed programs into this kernel: a refusal is a bug in memql.

Programs are numbered, and the same number is the same program. Those that are refused are
kept in --keep, with what memql said. That a string is too long for the kernel's memory is
an answer, too. Needs root; BINARY is a copy of the demo engine, nothing is attached to it.

    tests/fuzz/programs.py --memql build/dev/memql --binary build/dev/demo/memsqld 0 1000
"""

import argparse
import collections
import pathlib
import random
import re
import subprocess
import sys
import tempfile

TIMEOUT = 60  # seconds

AGGS = ["count()", "sum(%n)", "min(%n)", "max(%n)", "avg(%n)", "stats(%n)",
        "hist(%n)", "hist(%n, 3)", "hist(%n, 6)", "lhist(%n, 0, 1000, 10)",
        "lhist((int64)(%n), -100, 100, 1)"]
BINARY = ["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", "==", "!=",
          "<", "<=", ">", ">=", "&&", "||"]
VALUES = ["pid", "tid", "uid", "gid", "cpu", "nsecs", "elapsed", "rand"]
CASTS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
LENGTHS = [1, 2, 7, 8, 31, 63, 64, 100, 1024, 4096, 16384]


class Program:
    def __init__(self, rng, binary, max_strlen):
        self.rng = rng
        self.binary = binary
        self.max_strlen = max_strlen
        self.maps = {}       # name -> (key types, "n", "s" or aggregation)
        self.vars = []       # list of scopes: {name: type}
        self.nvars = 0
        self.kind = "BEGIN"
        self.budget = 0
        self.strings = 0

    def pick(self, *items):
        return self.rng.choice(items)

    # probes

    def probe(self):
        r = self.rng.random()
        b = self.binary
        kinds = ["BEGIN", "END", "tracepoint", "uprobe", "uretprobe", "usdt",
                 "profile", "interval", "uprobes"]
        self.kind = self.rng.choice(kinds)
        return {
            "BEGIN": "BEGIN", "END": "END",
            "tracepoint": self.pick(
                "tracepoint:syscalls:sys_enter_openat",
                "tracepoint:sched:sched_switch",
                "tracepoint:raw_syscalls:sys_enter"),
            "uprobe": f"uprobe:{b}:data_read",
            "uprobes": f"uprobe:{b}:cache_*, uprobe:{b}:data_read",
            "uretprobe": f"uretprobe:{b}:data_*",
            "usdt": f"usdt:{b}:memsqld:" + self.pick("query__start", "query__done"),
            "profile": "profile:hz:99",
            "interval": "interval:s:1",
        }[self.kind]

    def numbers(self):
        extra = {
            "uprobe": ["arg0", "arg1", "arg5"], "uprobes": ["arg0", "arg3"],
            "uretprobe": ["retval"], "usdt": ["arg0", "arg1"],
        }.get(self.kind, [])
        if self.kind == "tracepoint" and self.point.endswith("openat"):
            extra = ["args.dfd", "args.flags", "args.mode", "((uint64)args.filename)"]
        if self.kind == "tracepoint" and self.point.endswith("switch"):
            extra = ["args.prev_pid", "args.prev_state", "args.next_prio"]
        if self.kind == "tracepoint" and self.point.endswith("sys_enter"):
            extra = ["args.id"]
        return extra

    def visible(self, kind):
        return [n for scope in self.vars for n, t in scope.items() if t == kind]

    # numbers

    def literal(self):
        r = self.rng.random()
        if r < 0.5:
            return str(self.rng.randrange(1, 20))
        if r < 0.7:
            return hex(self.rng.getrandbits(self.rng.randrange(1, 64)) | 1)
        if r < 0.8:
            return self.pick("1ns", "5us", "2ms", "1s", "1e6", "1_000")
        return str(self.rng.getrandbits(62) + 1)

    def number(self, depth=0):
        self.budget -= 1
        r = self.rng.random()
        if depth > 5 or self.budget < 0 or r < 0.30:
            names = self.numbers() * 2 + VALUES + self.visible("n")
            return self.rng.choice(names) if r < 0.22 else self.literal()
        if r < 0.62:
            op = self.rng.choice(BINARY)
            left, right = self.number(depth + 1), self.number(depth + 1)
            if op in ("<", "<=", ">", ">=", "==", "!="):
                return f"((int64)({left}) {op} (int64)({right}))"
            if op in ("/", "%"):
                right = f"({right} | 1)"
            return f"({left} {op} {right})"
        if r < 0.68:
            return self.pick("-", "!", "~") + f"({self.number(depth + 1)})"
        if r < 0.74:
            return f"({self.rng.choice(CASTS)})({self.number(depth + 1)})"
        if r < 0.79:
            return (f"({self.number(depth + 1)} ? {self.number(depth + 1)} : "
                    f"{self.number(depth + 1)})")
        if r < 0.83:
            m = self.read_map("n", depth)
            return m or self.literal()
        if r < 0.86:
            m = self.any_map(depth)
            return f"has_key({m})" if m else self.literal()
        if r < 0.88:
            names = self.visible("n")
            return f"{self.rng.choice(names)}{self.pick('++', '--')}" if names else "7"
        if r < 0.90:
            m = self.read_map("n", depth)
            return f"{m}++" if m else "8"
        if r < 0.94 and self.strings < 6:
            return f"strlen({self.string(depth + 1)})"
        if r < 0.955 and self.strings < 6:
            return f"({self.string(depth + 1)} {self.pick('==', '!=')} {self.string(depth + 1)})"
        if r < 0.97 and self.strings < 6:
            return (f"strncmp({self.string(depth + 1)}, {self.string(depth + 1)}, "
                    f"{self.rng.choice([1, 3, 8, 16, 64, 100, 4096])})")
        if r < 0.98 and self.strings < 6:
            return f"strcontains({self.string(depth + 1)}, {self.text(1, 63)})"
        if r < 0.99 and self.kind != "BEGIN":
            return f"*({self.rng.choice(CASTS)} *)({self.number(depth + 1)})"
        return self.literal()

    # strings

    def text(self, low=0, high=150):
        n = self.rng.choice([low, 1, 5, 7, 8, 9, 15, 16, 63, 64, self.rng.randrange(low, high)])
        n = min(max(n, low), high)
        return '"' + "".join(self.rng.choice("abcxyz 01") for _ in range(n)) + '"'

    def address(self):
        return {"uprobe": "arg0", "uprobes": "arg1", "uretprobe": "retval",
                "usdt": "arg0"}.get(self.kind) or (
            "args.filename" if self.point.endswith("openat") else "12345")

    def string(self, depth=0):
        self.budget -= 1
        self.strings += 1
        r = self.rng.random()
        if r < 0.2 or depth > 5 or self.strings > 8:
            return self.pick("comm", self.text())
        if r < 0.45:
            return f"str({self.address()})"
        if r < 0.6:
            n = min(self.rng.choice(LENGTHS), self.max_strlen * 4, 16384)
            return f"str({self.address()}, {n})"
        if r < 0.65:
            return f"str({self.address()}, pid + {self.number(depth + 2)})"
        if r < 0.78:
            names = self.visible("s")
            return self.rng.choice(names) if names else "comm"
        if r < 0.86:
            m = self.read_map("s", depth)
            return m or "comm"
        if r < 0.95:
            return (f"({self.number(depth + 1)} ? {self.string(depth + 1)} : "
                    f"{self.string(depth + 1)})")
        if self.point.endswith("switch"):
            return "args.prev_comm"
        return "comm"

    # maps

    def keys(self, types, depth):
        if not types:
            return ""
        out = []
        for t in types:
            if t == "n":
                out.append(self.number(depth + 2))
            elif t == "s":
                out.append(self.string(depth + 2))
            else:
                out.append("probe")
        return "[" + ", ".join(out) + "]"

    def declared(self, want):
        return [n for n, (_, v) in self.maps.items() if want(v)]

    def read_map(self, kind, depth):
        names = self.declared(lambda v: v == kind)
        if not names or depth > 3:
            return None
        name = self.rng.choice(names)
        return name + self.keys(self.maps[name][0], depth)

    def any_map(self, depth):
        names = [n for n, (k, v) in self.maps.items() if k]
        if not names or depth > 3:
            return None
        name = self.rng.choice(names)
        return name + self.keys(self.maps[name][0], depth)

    def new_maps(self):
        for i in range(self.rng.randrange(1, 7)):
            keys = [self.pick("n", "n", "n", "s", "p") for _ in range(self.rng.choice([0, 0, 1, 1, 2, 3, 6]))]
            value = self.rng.choice(["n", "n", "s"] + AGGS)
            self.maps[f"@m{i}"] = (keys, value)

    def assign_map(self):
        name = self.rng.choice(list(self.maps))
        keys, value = self.maps[name]
        place = name + self.keys(keys, 1)
        if value == "n":
            if self.rng.random() < 0.4:
                op = self.pick("+=", "-=", "*=", "&=", "|=", "^=", "<<=", ">>=")
                return f"{place} {op} {self.number()};"
            return f"{place} = {self.number()};"
        if value == "s":
            return f"{place} = {self.string()};"
        return f"{place} = {value.replace('%n', self.number())};"

    # statements

    def block(self, depth):
        self.vars.append({})
        body = " ".join(self.statement(depth) for _ in range(self.rng.randrange(1, 6)))
        self.vars.pop()
        return "{ " + body + " }"

    def printf(self):
        fmt, args = "", []
        for _ in range(self.rng.randrange(0, 7)):
            if self.rng.random() < 0.35:
                fmt += "%s "
                args.append(self.string())
            elif self.rng.random() < 0.1:
                fmt += "%s "
                args.append("probe")
            else:
                fmt += self.pick("%d ", "%x ", "%llu ", "%-8d ", "%c ")
                args.append(self.number())
        return f'printf("{fmt}\\n"' + "".join(", " + a for a in args) + ");"

    def statement(self, depth=0):
        self.strings = 0
        self.budget = 40
        r = self.rng.random()
        if r < 0.35:
            return self.assign_map()
        if r < 0.55:
            kind = self.pick("n", "n", "s")
            value = self.number() if kind == "n" else self.string()
            names = self.visible(kind)
            if names and self.rng.random() < 0.5:
                name = self.rng.choice(names)
                if kind == "n" and self.rng.random() < 0.5:
                    return f"{name} {self.pick('+=', '-=', '*=', '^=')} {value};"
                return f"{name} = {value};"
            self.nvars += 1
            name = f"$v{self.nvars}"
            self.vars[-1][name] = kind
            return f"let {name} = {value};" if self.rng.random() < 0.5 else f"{name} = {value};"
        if r < 0.70:
            return self.printf()
        if r < 0.86 and depth < 4:
            out = f"if ({self.number()}) {self.block(depth + 1)}"
            if self.rng.random() < 0.5:
                out += f" else {self.block(depth + 1)}"
            return out
        if r < 0.90:
            m = self.any_map(1)
            return f"delete({m});" if m else "exit();"
        if r < 0.93:
            name = self.rng.choice(list(self.maps))
            keys, value = self.maps[name]
            return self.pick(f"print({name});", f"clear({name});", f"zero({name});")
        if r < 0.95:
            return f"print({self.pick(self.number, self.string)()});"
        if r < 0.96:
            return "exit();"
        return self.assign_map()

    def clause(self):
        point = self.probe()
        self.point = point
        self.vars = [{}]
        pred = ""
        if self.rng.random() < 0.3 and self.kind not in ("BEGIN", "END"):
            self.strings, self.budget = 0, 15
            pred = f"/({self.number(1)})/ "
        n = self.rng.choice([1, 2, 3, 5, 8, 15, 30])
        body = " ".join(self.statement() for _ in range(n))
        return f"{point} {pred}{{ {body} }}"

    def text_of(self):
        self.new_maps()
        clauses = [self.clause() for _ in range(self.rng.choice([1, 1, 1, 2, 3]))]
        # Every map gets its type, whatever the clauses left out.
        init = []
        self.point, self.kind = "BEGIN", "BEGIN"
        for name, (keys, value) in self.maps.items():
            place = name
            if keys:
                place += "[" + ", ".join({"n": "1", "s": "comm", "p": "probe"}[k] for k in keys) + "]"
            v = {"n": "1", "s": "comm"}.get(value) or value.replace("%n", "1")
            init.append(f"{place} = {v};")
        clauses.append("BEGIN { " + " ".join(init) + " }")
        return f"config = {{ max_strlen = {self.max_strlen}; max_map_keys = 64; }}\n" + "\n".join(clauses) + "\n"


def program(seed, binary):
    rng = random.Random(seed)
    max_strlen = rng.choice([1, 15, 64, 64, 200, 1024, 1024, 4096, 16384])
    return Program(rng, binary, max_strlen).text_of()


def load(memql, path):
    """(refused, tags of the diagnostics, what memql said)"""
    try:
        done = subprocess.run([memql, "--dry-run", str(path)], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, errors="replace",
                              timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return True, [], f"not done after {TIMEOUT} s"
    tags = sorted(set(re.findall(r"\[([a-z_]+)\]$", done.stderr, re.M)))
    return done.returncode != 0 and tags != ["string_limit"], tags, done.stderr


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--memql", required=True)
    options.add_argument("--binary", required=True)
    options.add_argument("--keep", type=pathlib.Path, help="a directory for what was refused")
    options.add_argument("first", type=int)
    options.add_argument("end", type=int)
    args = options.parse_args()
    binary = str(pathlib.Path(args.binary).resolve())
    keep = args.keep or pathlib.Path(tempfile.mkdtemp(prefix="memql-fuzz-"))
    keep.mkdir(parents=True, exist_ok=True)
    count = collections.Counter()
    for number in range(args.first, args.end):
        path = keep / f"{number}.mq"
        path.write_text(program(number, binary), encoding="utf-8")
        refused, tags, said = load(args.memql, path)
        count["refused" if refused else " ".join(tags) or "loaded"] += 1
        if not refused:
            path.unlink()
            continue
        print(f"{path}: {said.splitlines()[0] if said else 'no message'}", flush=True)
    print(", ".join(f"{n} {what}" for what, n in count.most_common()))
    return 1 if count["refused"] else 0


if __name__ == "__main__":
    sys.exit(main())

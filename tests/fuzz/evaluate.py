#!/usr/bin/env python3
"""Random programs with maps, texts, aggregations and control flow, run by the kernel, against
an evaluator of its own: what they print and all their maps must be the same.

    tests/fuzz/evaluate.py --drive build/dev/tests/fuzz_drive 0 1000
"""

import argparse
import json
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from arithmetic import PRECEDENCE, EDGES, Value, cast, compute, signed
from driver import Driver
from model import Leave, Machine, histogram, operate, to_type
from tracing import need

WORDS = ["", "a", "ab", "abc", "b", "select", "select 1", "xyz", "0123456789abcdef",
         "the quick brown fox jumps over the lazy dog, and then over sixty-four bytes"]
TYPES = ["int64", "int64", "uint64", "int8", "uint8", "int16", "uint32", "int32"]
COMPOUND = ["+", "-", "*", "&", "|", "^", "<<", ">>", "/", "%"]


class Expr:
    """text; type: a number's, "s" or ("t", types); run(machine) gives the value."""

    def __init__(self, text, t, run):
        self.text, self.type, self.run = text, t, run

    @property
    def is_signed(self):
        return not self.type.startswith("u")


class Generator:
    def __init__(self, number):
        self.rng = random.Random(number)
        self.vars = {}
        self.maps = {}
        self.loops = 0
        self.counters = 0
        self.readable = False  # maps: once each has a value that is none of another's

    def pick(self, *items):
        return items[self.rng.randrange(len(items))]

    # expressions

    def constant(self):
        bits = self.rng.choice(EDGES) if self.rng.random() < 0.3 else self.rng.randrange(300)
        t = "int64" if bits < 1 << 63 else "uint64"
        return Expr(str(bits), t, lambda m: Value(bits, t == "int64"))

    def known(self, t):
        return [name for name, kind in self.vars.items() if kind == t]

    def variable(self, name):
        return Expr(name, self.vars[name], lambda m: m.vars[name])

    def cast(self, t, e):
        return Expr(f"({t})({e.text})", t, lambda m: to_type(t, e.run(m)))

    def number(self, depth=3):
        r = self.rng.random()
        names = [n for n, t in self.vars.items() if "int" in t]
        if depth == 0 or r < 0.25:
            return self.variable(self.rng.choice(names)) if names and r < 0.2 else self.constant()
        if r < 0.33:
            return self.cast(self.rng.choice(TYPES), self.number(depth - 1))
        if r < 0.40:
            return self.unary(depth)
        if r < 0.46:
            return self.choose(depth)
        if r < 0.60:
            return self.of_text(depth)
        if r < 0.72:
            return self.of_map(depth) or self.constant()
        if r < 0.78:
            return self.of_tuple(depth)
        return self.binary(depth)

    def unary(self, depth):
        e = self.number(depth - 1)
        op = self.pick("-", "~", "!")
        if op == "!":
            return Expr(f"(int64)!({e.text})", "int64", lambda m: Value(e.run(m).bits == 0, True))
        t = "int64" if e.is_signed else "uint64"
        return Expr(f"{op}({e.text})", t, lambda m: Value(
            -e.run(m).bits if op == "-" else ~e.run(m).bits, e.is_signed))

    def binary(self, depth):
        op = self.rng.choice(list(PRECEDENCE))
        a, b = self.number(depth - 1), self.number(depth - 1)
        if op in ("/", "%"):
            b = Expr(f"({b.text} + $zero)", b.type, b.run)
        t = "int64" if a.is_signed and b.is_signed else "uint64"
        if PRECEDENCE[op] in (6, 7, 2, 1):
            return Expr(f"(int64)(({a.text}) {op} ({b.text}))", "int64",
                        lambda m: operate(op, a.run(m), b.run(m)))
        if op in ("<<", ">>"):
            t = "int64" if a.is_signed else "uint64"
        # The value's sign is the type's, whatever the operands were.
        return Expr(f"(({a.text}) {op} ({b.text}))", t, lambda m: Value(
            operate(op, a.run(m), b.run(m)).bits, t == "int64"))

    def choose(self, depth):
        cond, t = self.number(depth - 1), self.pick("int64", "uint64")
        a, b = self.cast(t, self.number(depth - 1)), self.cast(t, self.number(depth - 1))
        return Expr(f"(({cond.text}) ? {a.text} : {b.text})", t,
                    lambda m: a.run(m) if cond.run(m).bits else b.run(m))

    def of_text(self, depth):
        a, b = self.text(depth - 1), self.text(depth - 1)
        n = self.rng.randrange(1, 70)
        word = self.pick(b.text, json.dumps(self.rng.choice(WORDS)))
        needle = b if word == b.text else Expr(word, "s", lambda m: json.loads(word))
        text, run = self.pick(
            (f"strlen({a.text})", lambda m: len(a.run(m))),
            (f"({a.text} == {b.text})", lambda m: a.run(m) == b.run(m)),
            (f"({a.text} != {b.text})", lambda m: a.run(m) != b.run(m)),
            (f"strncmp({a.text}, {b.text}, {n})", lambda m: a.run(m)[:n] != b.run(m)[:n]),
            (f"strcontains({a.text}, {needle.text})", lambda m: needle.run(m) in a.run(m)),
            (f"strstr({a.text}, {needle.text})", lambda m: a.run(m).find(needle.run(m))))
        return Expr(f"(int64)({text})", "int64", lambda m: Value(int(run(m)), True))

    def of_tuple(self, depth):
        names = [n for n, t in self.vars.items() if t[0] == "t"]
        if not names:
            return self.constant()
        a, b = self.rng.choice(names), self.rng.choice(names)
        if self.rng.random() < 0.3 and self.vars[a] == self.vars[b]:
            return Expr(f"(int64)({a} == {b})", "int64", lambda m: Value(
                m.vars[a][0].number() == m.vars[b][0].number() and m.vars[a][1] == m.vars[b][1],
                True))
        del depth
        return Expr(f"{a}.0", self.vars[a][1][0], lambda m: m.vars[a][0])

    def text(self, depth=2):
        r = self.rng.random()
        names = self.known("s")
        if depth > 0 and r < 0.15:
            a, b = self.word(), self.word()
            return Expr(f"str_concat({a.text}, {b.text})", "s", lambda m: a.run(m) + b.run(m))
        if depth > 0 and r < 0.25:
            cond, a, b = self.number(1), self.text(depth - 1), self.text(depth - 1)
            return Expr(f"(({cond.text}) ? {a.text} : {b.text})", "s",
                        lambda m: a.run(m) if cond.run(m).bits else b.run(m))
        if depth > 0 and r < 0.40:
            e = self.entry(lambda kind: kind == "s", depth)
            if e:
                return e
        if r < 0.7 and names:
            return self.variable(self.rng.choice(names))
        tuples = [n for n, t in self.vars.items() if t[0] == "t"]
        if r < 0.8 and tuples:
            name = self.rng.choice(tuples)
            return Expr(f"{name}.1", "s", lambda m: m.vars[name][1])
        return self.word()

    def word(self):
        word = self.rng.choice(WORDS)
        return Expr(json.dumps(word), "s", lambda m: word)

    def of_type(self, t, depth=2):
        if t == "s":
            return self.text(depth)
        if t[0] == "t":
            parts = [self.of_type(p, depth - 1) for p in t[1]]
            return Expr("(" + ", ".join(p.text for p in parts) + ")", t,
                        lambda m: tuple(p.run(m) for p in parts))
        return self.cast(t, self.small() if self.rng.random() < 0.5 else self.number(depth))

    def small(self):
        """Few different values, so that keys meet."""
        e = self.number(1)
        return Expr(f"(({e.text}) & 7)", "int64" if e.is_signed else "uint64",
                    lambda m: Value(e.run(m).bits & 7, e.is_signed))

    # maps

    def place(self, name):
        """(text, run): the keys' values."""
        keys = [self.cast(k, self.small()) if k != "s" and k[0] != "t" else
                self.key_tuple(k) if k[0] == "t" else self.text(0) for k in self.maps[name][0]]
        text = name + ("[" + ", ".join(k.text for k in keys) + "]" if keys else "")
        return text, lambda m: tuple(k.run(m) for k in keys)

    def key_tuple(self, t):
        number, word = self.cast(t[1][0], self.small()), self.word()
        return Expr(f"({number.text}, {word.text})", t, lambda m: (number.run(m), word.run(m)))

    def entry(self, want, depth):
        del depth
        names = [n for n, (_, kind) in self.maps.items() if want(kind)]
        if not names or not self.readable:
            return None
        name = self.rng.choice(names)
        text, keys = self.place(name)
        return Expr(text, self.maps[name][1], lambda m: m.read(name, keys(m)))

    def of_map(self, depth):
        if self.readable and self.rng.random() < 0.25:
            names = [n for n, (keys, _) in self.maps.items() if keys]
            if names:
                name = self.rng.choice(names)
                text, keys = self.place(name)
                return Expr(f"(int64)has_key({text})", "int64",
                            lambda m: Value(m.key(keys(m)) in m.maps[name], True))
        e = self.entry(lambda kind: kind in ("int64", "uint64") or (
            kind[0] == "agg" and kind[1] in ("count", "sum", "min", "max", "avg")), depth)
        if not e:
            return None
        if e.type[0] == "agg":
            inner = e.run
            t = "int64" if e.type[2] else "uint64"
            return Expr(f"({t})({e.text})", t, lambda m: Value(inner(m).bits, t == "int64"))
        return e

    def new_maps(self):
        for i in range(self.rng.randrange(2, 7)):
            keys = tuple(self.pick("int64", "uint64", "uint8", "s", ("t", ("int32", "s")))
                         for _ in range(self.rng.choice([0, 1, 1, 2, 3])))
            is_signed = self.rng.random() < 0.6
            agg = self.pick(("count", ()), ("sum", ()), ("min", ()), ("max", ()), ("avg", ()),
                            ("stats", ()), ("hist", ()), ("hist", (3,)), ("lhist", (-20 if is_signed else 0, 80, 7)))
            kind = self.pick("int64", "uint64", "s", ("t", ("int64", "s")),
                             ("agg", agg[0], is_signed, agg[1]),
                             ("agg", agg[0], is_signed, agg[1]))
            self.maps[f"@m{i}"] = (keys, kind)

    # statements: (text, run)

    def assign(self, name):
        place, keys = self.place(name)
        kind = self.maps[name][1]
        if kind[0] == "agg":
            return self.aggregate(name, place, keys, kind)
        value = self.of_type(kind)
        if kind in ("int64", "uint64") and self.readable and self.rng.random() < 0.5:
            op = self.rng.choice(COMPOUND)
            if op in "/%":
                value = Expr(f"({value.text} + $zero)", value.type, value.run)

            def step(m):
                right, where = value.run(m), keys(m)
                m.write(name, where, Value(operate(op, m.read(name, where), right).bits,
                                           kind == "int64"))
            return f"{place} {op}= {value.text};", step
        return f"{place} = {value.text};", lambda m: m.write(name, keys(m), value.run(m))

    def aggregate(self, name, place, keys, kind):
        e = self.number(2)
        t = "int64" if kind[2] else "uint64"
        if kind[1] in ("hist", "lhist", "stats", "avg") or self.rng.random() < 0.5:
            # Their totals must not wrap around, or the mean has no meaning.
            e = Expr(f"(({e.text}) % 100000)", e.type,
                     lambda m, inner=e: Value(operate("%", inner.run(m),
                                                      Value(100000, True)).bits, inner.is_signed))
        e = self.cast(t, e) if t == "int64" else Expr(
            f"(uint64)(uint32)({e.text})", t, lambda m, inner=e: Value(
                inner.run(m).bits & 0xffffffff, False))
        args = ", ".join([e.text] + [str(a) for a in kind[3]])
        call = "count()" if kind[1] == "count" else f"{kind[1]}({args})"

        def step(m):
            where = keys(m)
            m.add(name, where, Value(1, True) if kind[1] == "count" else e.run(m))
        return f"{place} = {call};", step

    def set_variable(self):
        name = self.rng.choice(list(self.vars))
        t = self.vars[name]
        if name.startswith("$i"):
            return self.say()
        if "int" not in t or self.rng.random() < 0.5:
            value = self.of_type(t, 3) if "int" not in t else self.number(4)

            def step(m):
                v = value.run(m)
                m.vars[name] = to_type(t, v) if "int" in t else v
            return f"{name} = {value.text};", step
        op = self.rng.choice(COMPOUND)
        value = self.cast(t, self.number(3))
        if op in "/%":
            value = Expr(f"({value.text} + ({t})$zero)", value.type, value.run)
        return f"{name} {op}= {value.text};", lambda m: m.vars.update(
            {name: to_type(t, operate(op, m.vars[name], value.run(m)))})

    def say(self):
        """printf() or print()."""
        r = self.rng.random()
        if r < 0.3:
            value = self.of_type(self.pick("int64", "uint64", "s", ("t", ("int64", "s"))))
            if value.text.startswith("@"):  # that would be the map, at a later time
                value = Expr(f"({value.text}, 1)", ("t", ("s", "int64")),
                             lambda m, inner=value: (inner.run(m), Value(1, True)))
            return f"print({value.text});", lambda m: m.printed.append(value.run(m))
        formats, args = [], []
        for _ in range(self.rng.randrange(1, 4)):
            if self.rng.random() < 0.3:
                formats.append(self.pick("%s", "%-12s", "%12s", "%.3s"))
                args.append(self.text())
            else:
                formats.append(self.pick("%d", "%u", "%x", "%5d", "%-6d", "%07d", "%s"))
                args.append(self.cast(self.pick("int64", "uint64"), self.number()))

        def step(m):
            m.printed.append(" ".join(
                fmt % v if isinstance(v, str) else
                str(v.number()) if fmt == "%s" else
                (fmt.replace("u", "d") % (v.bits if fmt[-1] in "ux" else signed(v.bits)))
                for fmt, v in ((f, a.run(m)) for f, a in zip(formats, args))) + "\n")
        text = "".join(", " + a.text for a in args)
        return f'printf("{" ".join(formats)}\\n"{text});', step

    def block(self, depth):
        parts = [self.statement(depth) for _ in range(self.rng.randrange(1, 4))]

        def step(m):
            for _, run in parts:
                run(m)
        return "{ " + " ".join(text for text, _ in parts) + " }", step

    def branch(self, depth):
        cond, (then, do), (other, otherwise) = self.number(), self.block(depth), self.block(depth)
        return (f"if ({cond.text}) {then} else {other}",
                lambda m: do(m) if cond.run(m).bits else otherwise(m))

    def turns(self, run, count):
        """break and continue."""
        def step(m):
            for i in range(count(m)):
                try:
                    run(m, i)
                except Leave as leave:
                    if leave.what == "return":
                        raise
                    if leave.what == "break":
                        break
        return step

    def loop(self, depth):
        kind = self.pick("unroll", "range", "while", "each")
        if kind == "each":
            return self.each()
        self.counters += 1
        name = f"$i{self.counters}"
        n = self.rng.randrange(1, 5)
        self.loops += 1
        if kind == "unroll":
            text, run = self.block(depth)
            self.loops -= 1
            return f"unroll ({n}) {text}", self.turns(lambda m, i: run(m), lambda m: n)
        low, high = self.cast("int64", self.small()), self.cast("int64", self.small())
        self.vars[name] = "int64"
        text, run = self.block(depth)
        del self.vars[name]
        self.loops -= 1
        if kind == "range":
            def step(m):
                first, last = low.run(m).number(), high.run(m).number()

                def turn(m, i):
                    m.vars[name] = Value(first + i, True)
                    run(m)
                self.turns(turn, lambda m: max(last - first, 0))(m)
            return f"for ({name} : {low.text}..{high.text}) {text}", step

        def turn(m, i):
            m.vars[name] = Value(i + 1, True)
            run(m)
        return (f"{name} = (int64)0; while ({name} < {n}) {{ {name}++; {text} }}",
                self.turns(turn, lambda m: n))

    def each(self):
        """In no order: what it does must not depend on it."""
        names = [n for n, (keys, kind) in self.maps.items()
                 if keys == ("int64",) and kind in ("int64", "uint64")]
        if not names:
            return self.say()
        name = self.rng.choice(names)
        op = self.pick("+", "^", "|")

        def step(m):
            for (key,), value in m.maps[name].values():
                right = compute("*", key, compute("+", value, Value(3, True)))
                m.vars["$acc"] = to_type("uint64", operate(op, m.vars["$acc"], right))
        return (f"for ($kv : {name}) {{ $acc {op}= (uint64)($kv.0 * ($kv.1 + 3)); }} "
                f'printf("%d\\n", $acc);', lambda m: (step(m), m.printed.append(
                    f"{signed(m.vars['$acc'].bits)}\n")))

    def leave(self):
        what = self.pick("break", "continue") if self.loops else "return"
        if what == "return" and self.rng.random() < 0.8:
            return self.say()
        cond = self.number()

        def step(m):
            if cond.run(m).bits:
                raise Leave(what)
        return f"if ({cond.text}) {{ {what}; }}", step

    def delete(self):
        names = [n for n, (keys, _) in self.maps.items() if keys]
        if not names:
            return self.say()
        name = self.rng.choice(names)
        place, keys = self.place(name)
        return f"delete({place});", lambda m: m.maps[name].pop(m.key(keys(m)), None)

    def statement(self, depth=0):
        r = self.rng.random()
        if r < 0.40:
            return self.assign(self.rng.choice(list(self.maps)))
        if r < 0.58:
            return self.set_variable()
        if r < 0.70:
            return self.say()
        if r < 0.82 and depth < 3:
            return self.branch(depth + 1)
        if r < 0.91 and depth < 2:
            return self.loop(depth + 1)
        if r < 0.95:
            return self.delete()
        return self.leave()

    def program(self):
        """(text, steps)"""
        self.new_maps()
        steps = [("$zero = (int64)pid * 0;", lambda m: None),
                 ("let $acc : uint64 = 1;", lambda m: m.vars.update({"$acc": Value(1, False)}))]
        for i in range(self.rng.randrange(3, 8)):
            t = self.pick(*TYPES, "s", "s", ("t", ("int64", "s")))
            first, name = self.of_type(t), f"$v{i}"
            as_type = f" : {t}" if "int" in t else ""
            steps.append((f"let {name}{as_type} = {first.text};",
                          lambda m, name=name, first=first: m.vars.update({name: first.run(m)})))
            self.vars[name] = t
        steps += [self.assign(name) for name in self.maps]
        self.readable = True
        steps += [self.statement() for _ in range(self.rng.randrange(4, 20))]
        return "BEGIN {\n" + "\n".join(text for text, _ in steps) + "\n}\n", steps


def expected(maps, steps):
    machine = Machine(maps)
    try:
        for _, run in steps:
            run(machine)
    except Leave:
        pass
    return [list(p) if isinstance(p, list) else p for p in machine.printed], machine.results()


def read(out):
    """What memql has shown, in the same form."""
    printed, maps = [], {}
    for line in out.splitlines():
        answer = json.loads(line)
        if answer["type"] in ("printf", "value"):
            printed.append(answer["data"])
        elif answer["type"] in ("map", "hist", "stats"):
            convert = histogram if answer["type"] == "hist" else lambda v: v
            for name, data in answer["data"].items():
                keyed = isinstance(data, list) and all(
                    isinstance(e, dict) and "key" in e for e in data)
                entries = [(e["key"], e["value"]) for e in data] if keyed else [([], data)]
                maps[name] = {str(k): convert(v) for k, v in entries}
                numbers = [v for _, v in entries if isinstance(v, int)]
                if numbers != sorted(numbers):
                    maps[name]["order"] = "values do not ascend"
    return printed, maps


def check(number, driver):
    """What is wrong, or None; and the program."""
    generator = Generator(number)
    text, steps = generator.program()
    want_printed, want_maps = expected(generator.maps, steps)
    answer = driver.run(number, text)
    if answer.verdict == "refused" and (set(answer.tags) == {"string_limit"} or
                                        "at most 128 bytes are compared" in answer.said):
        return "too large", text
    if answer.verdict != "ran":
        return f"{answer.verdict}: {answer.said}", text
    printed, maps = read(answer.out)
    from_model = json.loads(json.dumps([p if isinstance(p, str) else shown_value(p)
                                        for p in want_printed]))
    for i, (want, got) in enumerate(zip(from_model, printed)):
        if want != got:
            return f"line {i} is {got!r}, not {want!r}", text
    if len(from_model) != len(printed):
        return f"{len(printed)} lines, not {len(from_model)}", text
    for name in sorted(set(maps) | set(want_maps)):
        want, got = want_maps.get(name, {}), maps.get(name, {})
        if want != got:
            keys = [k for k in {**want, **got} if want.get(k) != got.get(k)]
            return f"{name}[{keys[0]}] is {got.get(keys[0])}, not {want.get(keys[0])}", text
    return None, text


def shown_value(value):
    if isinstance(value, tuple):
        return [shown_value(v) for v in value]
    return value.number() if isinstance(value, Value) else value


def work(args, offset):
    """How many agree, do not, are too large."""
    driver = Driver(args.drive)
    agreed = large = wrong = 0
    for number in range(args.first + offset, args.end, args.jobs):
        why, text = check(number, driver)
        if not why:
            agreed += 1
        elif why == "too large":
            large += 1
        else:
            wrong += 1
            print(f"{number}: {why}", flush=True)
            if args.show:
                print(text, flush=True)
        if number % 1000 == 0 and number > args.first:
            print(f"at {number}", flush=True)
    driver.close()
    return agreed, wrong, large


def in_parallel(args):
    readers = []
    for i in range(args.jobs):
        read_end, write_end = os.pipe()
        if not os.fork():
            with os.fdopen(write_end, "w") as out:
                json.dump(work(args, i), out)
            os._exit(0)
        os.close(write_end)
        readers.append(os.fdopen(read_end))
    texts = [r.read() for r in readers]
    return [json.loads(text) for text in texts if text]


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--drive", default=os.environ.get("FUZZ_DRIVE"))
    options.add_argument("--show", action="store_true", help="the programs that are wrong")
    options.add_argument("-j", "--jobs", type=int, default=1)
    options.add_argument("first", type=int, nargs="?", default=0)
    options.add_argument("end", type=int, nargs="?", default=300)
    args = options.parse_args()
    if os.geteuid() != 0 or not args.drive:
        print("skipped: this needs root and fuzz_drive")
        return 77
    need("loop")
    results = in_parallel(args)
    agreed, wrong, large = (sum(r[i] for r in results) for i in range(3))
    print(f"{agreed} programs agree, {wrong} do not, {large} are too large")
    return 1 if wrong or len(results) < args.jobs else 0


if __name__ == "__main__":
    sys.exit(main())

"""Members of records in maps, changed in place: against a model of them in Python, against
what several processes did at the same time, and where there is no room."""

import os
import random
import re
import sys
import tempfile
import threading

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import Load, Memql, check, fail, load_values, lost, map_of, need, run_memql

MASK = (1 << 64) - 1
PROGRAMS, STATEMENTS, KEYS = 12, 24, 3
TEXTS = ["", "a", "seven x", "eight xx", "some longer text, which takes words"]


def signed(n):
    n &= MASK
    return n - (1 << 64) if n >> 63 else n


def divided(a, b):
    """As C does it."""
    return (abs(a) // abs(b)) * (1 if (a < 0) == (b < 0) else -1)


OPERATORS = {
    "=": lambda a, b: b,
    "+=": lambda a, b: a + b,
    "-=": lambda a, b: a - b,
    "*=": lambda a, b: a * b,
    "/=": divided,
    "%=": lambda a, b: a - divided(a, b) * b,
    "&=": lambda a, b: a & b,
    "|=": lambda a, b: a | b,
    "^=": lambda a, b: a ^ b,
    "<<=": lambda a, b: a << (b & 63),
    ">>=": lambda a, b: a >> (b & 63),
}


class Record:
    """(n, text, in (a, b)); what is not there is made of zeros."""

    def __init__(self):
        self.n, self.text, self.a, self.b = 0, "", 0, ""

    def shown(self):
        return f"{self.n}|{self.text}|{self.a}|{self.b}"


def number_statement(rng, place, old):
    """A change of a number: the statement, what is printed for it, the new value."""
    kind = rng.random()
    if kind < 0.3:
        step = rng.choice([1, -1])
        sign, new = "+-"[step < 0] * 2, signed(old + step)
        if rng.random() < 0.5:
            return f'printf("%d\\n", {place}{sign});', str(old), new
        return f'printf("%d\\n", {sign}{place});', str(new), new
    name, operator = rng.choice(list(OPERATORS.items()))
    operand = rng.choice([1, 3, 7, -5, 1000, 2**40, -(2**62), rng.randrange(1, 2**63)])
    if name in ("<<=", ">>="):
        operand &= 63
    return f"{place} {name} {operand};", None, signed(operator(old, operand))


def statement(rng, records):
    key = rng.randrange(KEYS)
    record = records.setdefault(key, Record())
    place = f"@m[{key}]"
    what = rng.randrange(6)
    if what == 5:
        other = rng.choice(sorted(records))
        record.a, record.b = records[other].a, records[other].b
        return f"{place}.in = @m[{other}].in;", None
    if what >= 3:
        text = rng.choice(TEXTS)
        other = records.get(rng.randrange(KEYS))
        value = f'"{text}"'
        if other and rng.random() < 0.3:
            number = next(k for k, r in records.items() if r is other)
            text, value = other.text, f"@m[{number}].text"
        if what == 3:
            record.text = text
            return f"{place}.text = {value};", None
        record.b = text
        return f"{place}.in.b = {value};", None
    if what == 2:
        text, shown, record.a = number_statement(rng, place + ".in.a", record.a)
    else:
        text, shown, record.n = number_statement(rng, place + ".n", record.n)
    return text, shown


def against_model(seed):
    rng, records, lines, want = random.Random(seed), {}, [], []
    for _ in range(STATEMENTS):
        text, shown = statement(rng, records)
        lines.append(text)
        if shown is not None:
            want.append(shown)
    for key, record in sorted(records.items()):
        lines.append(f'printf("%d|%s|%d|%s\\n", @m[{key}].n, @m[{key}].text, @m[{key}].in.a, @m[{key}].in.b);')
        want.append(record.shown())
    program = (
        "BEGIN { if (has_key(@m, 99)) { @m[99] = (n = 0, text = \"\", in = (a = 0, b = \"\")); } "
        + " ".join(lines) + " clear(@m); exit(); }"
    )
    done = run_memql("-q", "-e", program)
    got = done.stdout.splitlines()
    if done.returncode or done.stderr or got != want:
        fail(f"{program}\ngot  {got}\nwant {want}\n{done.stderr}")


def together(load, *works):
    """All at once, a process for each."""
    loads = [load] + [Load() for _ in works[1:]]
    threads = [threading.Thread(target=one.do, args=(work,)) for one, work in zip(loads, works)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for one in loads[1:]:
        one.close()


def counted_together(directory, load):
    """No update is lost, whoever else changes the record."""
    n, seeds = 20000, [3, 5, 7]
    memql = Memql(directory, "together", ["-e", (
        "BEGIN { @m = (n = 0, sum = (uint64)0, bits = 0, down = 0); }"
        f" uprobe:{load.program}:load_value"
        " { @m.n++; @m.sum += arg0; @m.bits ^= arg0; @m.down -= 3;"
        " @all[comm].n += 1; @all[comm].last = arg0; }"
        " END { @all[\"\"] = (n = 0, last = (uint64)0); }"
    )])
    together(load, *[f"values {n} {seed}" for seed in seeds])
    memql.stop()
    events = memql.events()
    check(not lost(events), "nothing was lost")
    values = [load_values(n, seed) for seed in seeds]
    bits = 0
    for v in sum(values, []):
        bits ^= v
    total = n * len(seeds)
    record = map_of(events, "@m")
    check(record["n"] == total, f"{record['n']} of {total} values")
    check(record["sum"] == sum(sum(v) for v in values), f"their sum: {record['sum']}")
    check(record["bits"] & MASK == bits, f"their bits: {record['bits']}")
    check(record["down"] == -3 * total, f"counted down: {record['down']}")
    entries = {k: v for k, v in map_of(events, "@all").items() if k}
    check(sum(e["n"] for e in entries.values()) == total, f"by name: {entries}")
    check(all(e["last"] in {v[-1] for v in values} for e in entries.values()), "the last value")


def texts(directory, load):
    """Text of the traced program, longer and shorter than what was there."""
    words = ["short", "x" * 300, "", "a longer text again", "y" * 1024]
    memql = Memql(directory, "texts", ["-e", (
        f"uprobe:{load.program}:load_text /pid == {load.pid}/ {{ @q[tid].before = @q[tid].text; @q[tid].text = str(arg0);"
        " @q[tid].n++; print((@q[tid].n, @q[tid].before, @q[tid].text)); @as_key[@q[tid].text] = @q[tid].n; }"
        " END { @q[(uint32)0] = (n = 0, text = \"\", before = \"\"); delete(@q, tid); delete(@q, (uint32)0); }"
    )])
    for word in words:
        load.do(f"text {word.encode().hex() or '00'} 1")
    memql.stop()
    events = memql.events()
    check(not lost(events), "nothing was lost")
    want = [[i + 1, words[i - 1] if i else "", word] for i, word in enumerate(words)]
    got = [e["data"] for e in events if e["type"] == "value"]
    check(got == want, f"{len(words)} texts in a record: {[len(t[2]) for t in got]} bytes")
    check(map_of(events, "@as_key") == {w: i + 1 for i, w in enumerate(words)}, "the same as keys")


def full():
    """What finds no room is counted, and changes nothing else."""
    done = run_memql("-q", "-e", (
        "let @m = hash(4); BEGIN { $i = 0; unroll (10) { @m[$i].n += $i; @m[$i].text = \"text\"; $i++; }"
        " @m[0] = (n = 1, text = \"\"); exit(); }"
    ))
    check(done.returncode == 0 and len(re.findall(r"@m\[\d\]", done.stdout)) == 4, done.stdout.strip())
    check("lost 12 " in done.stderr, done.stderr.strip())


def main():
    need("bpf", "uprobe")
    for seed in range(PROGRAMS):
        against_model(seed)
    check(True, f"{PROGRAMS} programs of {STATEMENTS} changes each")
    full()
    with tempfile.TemporaryDirectory(prefix="memql-members-") as directory, Load() as load:
        counted_together(directory, load)
        texts(directory, load)


main()

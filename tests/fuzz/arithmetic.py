#!/usr/bin/env python3
"""Integer expressions: what BEGIN programs print, against an evaluator of its own.

The rules are those of docs/language.md: 64 bits, signed if both sides are, a literal that is
not negative takes the other side's sign, x / 0 is 0 and x % 0 is x. Needs root.

    tests/fuzz/arithmetic.py --drive build/dev/tests/fuzz_drive 0 50
"""

import argparse
import json
import os
import random
import sys

from driver import Driver

MASK = (1 << 64) - 1
EXPRESSIONS = 40  # of one program
EDGES = [0, 1, 2, 3, 7, 63, 64, 65, 255, 256, 0x7fffffff, 0x80000000, 0xffffffff, 1 << 32,
         (1 << 63) - 1, 1 << 63, MASK, MASK - 1, (1 << 62) + 5]
PRECEDENCE = {"*": 10, "/": 10, "%": 10, "+": 9, "-": 9, "<<": 8, ">>": 8, "<": 7, "<=": 7,
              ">": 7, ">=": 7, "==": 6, "!=": 6, "&": 5, "^": 4, "|": 3, "&&": 2, "||": 1}
ATOM = 99
TYPES = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]


def signed(n):
    return n - (1 << 64) if n >> 63 else n


class Value:
    """bits; is_signed; constant: known when compiling; plain: takes the other's sign in ?:"""

    def __init__(self, bits, is_signed, constant=False, plain=False):
        self.bits = bits & MASK
        self.is_signed = is_signed
        self.constant = constant
        self.plain = plain or (constant and is_signed and self.bits < 1 << 63)

    def number(self):
        return signed(self.bits) if self.is_signed else self.bits


def divide(op, x, y):
    if y == 0:
        return 0 if op == "/" else x
    n = abs(x) // abs(y) if op == "/" else abs(x) % abs(y)
    return -n if (x < 0) != (y < 0 and op == "/") else n


def compute(op, a, b):
    is_signed = a.is_signed and b.is_signed
    x, y = (signed(a.bits), signed(b.bits)) if is_signed else (a.bits, b.bits)
    constant = a.constant and b.constant and not (op in "/%" and b.bits == 0)
    if op == "<<":
        return Value(a.bits << (b.bits & 63), a.is_signed, constant)
    if op == ">>":
        return Value(a.number() >> (b.bits & 63), a.is_signed, constant)
    if op in ("/", "%"):
        return Value(divide(op, x, y), is_signed, constant)
    if op in ("&&", "||"):
        constant |= a.constant and (a.bits == 0) == (op == "&&")
        truth = a.bits and b.bits if op == "&&" else a.bits or b.bits
        return Value(bool(truth), True, constant)
    if PRECEDENCE[op] in (6, 7):
        m, n = a.number(), b.number()  # as numbers, but for equality
        truth = {"<": m < n, "<=": m <= n, ">": m > n, ">=": m >= n, "==": x == y,
                 "!=": x != y}[op]
        return Value(truth, True, constant)
    result = {"+": x + y, "-": x - y, "*": x * y, "&": x & y, "|": x | y, "^": x ^ y}[op]
    return Value(result, is_signed, constant)


def cast(name, a):
    bits = int(name.lstrip("uint"))
    n = a.bits & ((1 << bits) - 1)
    if not name.startswith("u") and n >> (bits - 1):
        n -= 1 << bits
    return Value(n, not name.startswith("u"), a.constant)


class Generator:
    def __init__(self, number):
        self.rng = random.Random(number)
        self.variables = {}

    def any_bits(self):
        if self.rng.random() < 0.6:
            return self.rng.choice(EDGES)
        return self.rng.getrandbits(self.rng.randrange(1, 65))

    def assignments(self):
        """$zero and $one, which only the kernel knows, and more."""
        yield "$zero = 0 * (int64)pid; $one = (int64)pid / (int64)pid;"
        for i in range(8):
            bits, name = self.any_bits(), f"$v{i}"
            if self.rng.random() < 0.5:
                self.variables[name] = Value(bits, False)
                yield f"{name} = (uint64){bits};"
                continue
            n = signed(bits)
            self.variables[name] = Value(bits, True, plain=n >= 0)
            yield f"{name} = {n if n != -1 << 63 else '(-9223372036854775807 - 1)'};"

    def leaf(self, folded):
        if not folded and self.rng.random() < 0.7:
            name = self.rng.choice(list(self.variables))
            return name, self.variables[name], ATOM
        bits = self.any_bits()
        return str(bits), Value(bits, bits < 1 << 63, True), ATOM

    def unary(self, depth, folded):
        op = self.rng.choice("-~!")
        text, a, _ = self.expression(depth - 1, folded)
        if op == "!":
            return f"!({text})", Value(a.bits == 0, True, a.constant), 98
        bits = -a.bits if op == "-" else ~a.bits
        return f"{op}({text})", Value(bits, a.is_signed, a.constant), 98

    def ternary(self, depth, folded):
        cond, c, _ = self.expression(depth - 1, folded)
        left, a, _ = self.expression(depth - 1, folded)
        right, b, _ = self.expression(depth - 1, folded)
        chosen = a if c.bits else b
        if a.plain:
            is_signed = b.is_signed
        else:
            is_signed = a.is_signed if b.plain else a.is_signed or b.is_signed
        constant = c.constant and chosen.constant
        value = Value(chosen.bits, is_signed, constant, a.plain and b.plain)
        return f"(({cond}) ? ({left}) : ({right}))", value, ATOM

    def binary(self, depth, folded):
        op = self.rng.choice(list(PRECEDENCE))
        left, a, left_level = self.expression(depth - 1, folded)
        right, b, right_level = self.expression(depth - 1, folded)
        level = PRECEDENCE[op]
        if left_level < level or self.rng.random() < 0.3:
            left = f"({left})"
        if right_level <= level or self.rng.random() < 0.3:
            right = f"({right})"
        if level in (6, 7):  # not a comparison that always has the same answer
            left, right = f"({left}) * $one", f"({right}) * $one"
            a, b = compute("*", a, Value(1, True)), compute("*", b, Value(1, True))
        if op in ("/", "%"):  # no constant zero
            right, b = f"({right} + $zero)", compute("+", b, Value(0, True))
        return f"{left} {op} {right}", compute(op, a, b), level

    def expression(self, depth, folded):
        """(text, value, precedence)"""
        r = self.rng.random()
        if depth == 0 or r < 0.15:
            return self.leaf(folded)
        if r < 0.25:
            name = self.rng.choice(TYPES)
            text, a, _ = self.expression(depth - 1, folded)
            return f"({name})({text})", cast(name, a), 98
        if r < 0.35:
            return self.unary(depth, folded)
        if r < 0.42:
            return self.ternary(depth, folded)
        return self.binary(depth, folded)

    def program(self):
        """The text, and (expression, what is printed) for each line."""
        lines, wanted = list(self.assignments()), []
        for _ in range(EXPRESSIONS):
            text, v, _ = self.expression(self.rng.randrange(1, 5), self.rng.random() < 0.3)
            half = compute(">>", v, Value(1, True))
            lines.append(f'printf("%d %d\\n", {text}, ({text}) >> 1);')
            wanted.append((text, f"{signed(v.bits)} {signed(half.bits)}"))
        return "BEGIN { " + "\n".join(lines) + " exit(); }\n", wanted


def printed(answer):
    """The lines of printf()."""
    text = "".join(json.loads(line)["data"] for line in answer.out.splitlines()
                   if line.startswith('{"type":"printf"'))
    return text.splitlines()


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--drive", default=os.environ.get("FUZZ_DRIVE"))
    options.add_argument("first", type=int, nargs="?", default=0)
    options.add_argument("end", type=int, nargs="?", default=30)
    args = options.parse_args()
    if os.geteuid() != 0 or not args.drive:
        print("skipped: this needs root and fuzz_drive")
        return 77
    driver = Driver(args.drive)
    checked = wrong = 0
    for number in range(args.first, args.end):
        text, wanted = Generator(number).program()
        answer = driver.run(number, text)
        lines = printed(answer)
        if answer.verdict != "ran" or len(lines) != EXPRESSIONS:
            print(f"{number}: {answer.said or 'lines are missing'}")
            wrong += 1
            continue
        for line, (expression, want) in zip(lines, wanted):
            checked += 1
            if line != want:
                print(f"{number}: {expression} is {line}, not {want}")
                wrong += 1
    driver.close()
    print(f"{checked} checked, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

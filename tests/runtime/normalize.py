"""normalize() against regular expressions, on random statements."""

import os
import random
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import check, need_root

PIECES = ["SELECT", "t1", "_x9", "$1", "?3", "@v2", "17", "0x1F", "1.5e3", "'a'", "'it''s'", "'", '"', '"q 1"', " ", "\t ",
          "\n", "=", ",", "(", ")", "-", "/* 5 */", "é7", "\\", "'a\\'b'", '"say ""x"""', ";", "a.b", "x1.7"]
NUMBER = r"[0-9][A-Za-z0-9._]*"
WORD = r"[A-Za-z_$@?\u0080-\U0010ffff][A-Za-z_$@?0-9\u0080-\U0010ffff]*"
QUOTED = {
    "sql": r"'(?:[^']|'')*(?:'|$)",
    "mysql": r"""'(?:[^'\\]|''|\\.)*(?:'|\\?$)|"(?:[^"\\]|""|\\.)*(?:"|\\?$)""",
}
NAME = {"sql": r'"[^"]*(?:"|$)', "mysql": r"(?!)"}


def model(text, dialect):
    token = re.compile(f"({QUOTED[dialect]}|{NUMBER})|({NAME[dialect]}|{WORD})|([ \\t\\n]+)|(.)", re.S)
    return "".join(
        "?" if literal else " " if blank else name or other for literal, name, blank, other in token.findall(text)
    )


def statement(rng):
    return "".join(rng.choice(PIECES) for _ in range(rng.randrange(1, 40)))


def quoted(text):
    return '"' + "".join(f"\\x{byte:02x}" for byte in text.encode()) + '"'


def main():
    need_root()
    rng = random.Random(4)
    cases = [(statement(rng), dialect) for dialect in QUOTED for _ in range(150)]
    bad = 0
    with tempfile.TemporaryDirectory() as directory:
        program = os.path.join(directory, "program.mq")
        for first in range(0, len(cases), 30):
            part = cases[first : first + 30]
            with open(program, "w") as f:
                f.write("BEGIN {\n")
                for text, dialect in part:
                    f.write(f'\tprintf("%s\\x01", normalize({quoted(text)}, {dialect}));\n')
                f.write("\texit();\n}\n")
            done = subprocess.run([os.environ["MEMQL"], "-q", program], capture_output=True, text=True)
            check(done.returncode == 0, f"statements {first} to {first + len(part) - 1} {done.stderr}")
            for (text, dialect), got in zip(part, done.stdout.split("\x01")):
                # Text output keeps to its line.
                if got != model(text, dialect).replace("\n", "\\n").replace("\t", "\\t"):
                    print(f"{dialect}: {text!r}\n     is {got!r}\n wanted {model(text, dialect)!r}")
                    bad += 1
    check(bad == 0, f"{len(cases)} statements are what regular expressions make of them")


main()

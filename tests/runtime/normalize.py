"""normalize() against regular expressions on random text, and on statements with marked literals."""

import os
import random
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import check, need_root

PIECES = ["SELECT", "t1", "_x9", "$1", "?3", "@v2", "@5", ":5", "17", "0x1F", "0x1e-5", "1.5e3", "1e-5", "1e", ".5", "1.", "E",
          "'a'", "'it''s'", "'", '"', '"q 1"', " ", "\t ", "\n", "\r", "=", ",", "(", ")", "-", "--", "+", "-- it's 5\n",
          "/* 5 */", "/*", "*/", "*", "/", "é7", "\\", "'a\\'b'", "'\\'", "E'a\\'b'", "e'", '"say ""x"""', ";", "a.b",
          "x1.7", "x'1F'", "B", "N", "_utf8'x'", "$", "$$", "$$a'b$$", "$tag$", "$t", "#", "#'\n", "/*!40101", "/*M!",
          "`", "`a'b`", "[", "]", "[a'b]"]
SPACE = r"[ \t\n\r\f\v]"
LETTER = r"[A-Za-z_\x80-\xff]"
LETTERS = r"[A-Za-z_0-9$\x80-\xff]*"
BACKSLASH = r"(?:[^{q}\\]|{q}{q}|\\.)*(?:{q}|\\?$)"
SQL_TEXT = r"'(?:[^'\\]|''|\\[^'])*(?:'|\\?$|(?P<unclear>\\'))"
SQL_COMMENT = r"/\*(?:[^*/]|\*(?!/)|/(?!\*))*(?:\*/|$|(?P<nested>/\*))"
COMMENT = r"/\*.*?(?:\*/|$)"
DOLLARS = [("literal", r"\$\$.*?(?:\$\$|$)"), ("tag", rf"\${LETTER}[A-Za-z_0-9\x80-\xff]*\$"),
           ("name", rf"\$(?:\d+|{LETTER}[A-Za-z_0-9\x80-\xff]*)")]
NUMBER = [("literal", r"0[xX][A-Za-z0-9_.\x80-\xff]*"),
          ("literal", r"\.?\d(?:[eE][+-](?=\d)|[A-Za-z0-9_.\x80-\xff])*")]
RULES = {
    "sql": [("blank", rf"{SPACE}+|--[^\n\r]*"), ("comment", SQL_COMMENT), ("literal", rf"'\\'(?={SPACE}|[),;]|$)"),
            ("literal", "[eE]'" + BACKSLASH.format(q="'")), ("literal", f"[bBnNxX]?{SQL_TEXT}"), *DOLLARS, *NUMBER,
            ("word", LETTER + LETTERS), ("name", '"[^"]*(?:"|$)|`[^`]*(?:`|$)')],
    "mysql": [("blank", rf"{SPACE}+|#[^\n]*|/\*M?!\d*|\*/|{COMMENT}"), ("minus", "-+"),
              ("literal", "[bBnNxX]?'" + BACKSLASH.format(q="'")), ("literal", '"' + BACKSLASH.format(q='"')), *DOLLARS, *NUMBER,
              ("word", f"(?:@|{LETTER}){LETTERS}"), ("name", "`[^`]*(?:`|$)")],
    "sqlite": [("blank", rf"{SPACE}+|--[^\n]*|{COMMENT}"), ("literal", "[bBnNxX]?'(?:[^']|'')*(?:'|$)"), *NUMBER,
               ("word", f"(?:[$@:?]|{LETTER}){LETTERS}"), ("name", r'"[^"]*(?:"|$)|`[^`]*(?:`|$)|\[[^\]]*(?:\]|$)')],
}
RULES = {dialect: [(kind, re.compile(rule, re.S)) for kind, rule in rules] for dialect, rules in RULES.items()}


def token(text, at, dialect, before):
    """The kind of the token at this place, and its match; a name's point begins no number."""
    for kind, rule in RULES[dialect]:
        match = rule.match(text, at)
        if match and not (before == "word" and match[0][0] == "."):
            return kind, match
    return "other", re.compile(".", re.S).match(text, at)


def minuses(text, end, n):
    """What MySQL makes of n of them: the last two begin a comment if white space follows."""
    if n >= 2 and (end == len(text) or text[end] <= " "):
        stop = text.find("\n", end)
        return "-" * (n - 2), len(text) if stop < 0 else stop
    return "-" * max(n - 1, 1), None


def model(text, dialect):
    text = text.encode().decode("latin-1")
    out, at, before = "", 0, "blank"
    while at < len(text):
        kind, match = token(text, at, dialect, before)
        groups = match.groupdict()
        at = match.end()
        if kind == "minus":
            written, end = minuses(text, at, len(match[0]))
            out += written
            if end is not None:
                at, kind, before = end, "blank", "other" if written else before
        if kind in ("blank", "comment"):
            out += "" if before == "blank" else " "
            kind = "blank"
        elif kind == "literal":
            out += "?"
        elif kind != "minus":
            out += match[0]
        if kind == "tag" or groups.get("unclear") or groups.get("nested"):
            out += "..."[: len(text) - at]
            break
        before = kind
    out = out[:-1] if out.endswith(" ") else out
    return out.encode("latin-1").decode()


def statement(rng):
    return "".join(rng.choice(PIECES) for _ in range(rng.randrange(1, 40)))


# 7719 and zq are in literals and comments only, names are made to confuse.
NAMES = {
    "sql": ['"it\'s"', "e", "tab1e", "$1", "a$$b", "x", '"--"', "b.c", "u$t$"],
    "mysql": ["`it's`", "e", "tab1e", "@v1", "x", "`--`", "b.c", "`\"`", "`/*`"],
    "sqlite": ['"it\'s"', "[it's]", "`it's`", "e", "?1", ":v", "$v", "@v", '"--"'],
}
LITERALS = {
    "sql": ["7719", ".7719", "7719.5e-7719", "0x7719", "7719e+7719", "'zq'", "'it''s zq'", "E'it\\'s zq'", "e'\\\\'",
            "E'zq\\\\\\'zq'", "$$it's zq$$", "$$zq$zq $a$ zq$$", "x'7719'", "B'7719'", "N'zq'", "'zq\\\\'", "'\\zq'", "U&'zq'",
            "'zq -- zq'", "'/* zq'", "date '7719-01-01'", "'zq \" zq'", "E'it''s zq'", "'\n'", "$t$ zq ' zq $t$"],
    "mysql": ["7719", ".7719", "7719e-7719", "0x7719", "'zq'", "'it''s zq'", "'it\\'s zq'", '"it\'s zq"', '"say \\"zq\\""',
              '"say ""zq"""', "'\\\\'", '"\\\\"', "x'7719'", "N'it\\'s zq'", "_utf8'zq'", "'# zq'", '"-- zq"', "'/* zq'", "b'7719'"],
    "sqlite": ["7719", ".7719", "7719.5e-7719", "0x7719", "'zq'", "'it''s zq'", "'zq\\'", "'\\'", "X'7719'", "'-- zq'", "'/* zq'",
               "'zq \" zq'", "'zq ] zq'", "'zq ` zq'"],
}
COMMENTS = {
    "sql": ["-- it's zq\n", "/* it's zq */", "/* zq \" */", "/*zq*/", "--\n", "-- $$ zq\r"],
    "mysql": ["-- it's zq\n", "# it's zq\n", "/* it's zq */", "/* zq \" ` */", "/*! STRAIGHT_JOIN */", "/*!40101 e */", "--\t'zq\n"],
    "sqlite": ["-- it's zq\n", "/* it's zq */", "/* zq \" [ /* */", "--'zq\n"],
}


def client_statement(rng, dialect):
    parts = [rng.choice([" ", "\n", ""]), "SELECT "]
    for _ in range(rng.randrange(1, 8)):
        parts.append(rng.choice(NAMES[dialect]))
        parts.append(rng.choice(["=", " = ", "<", " LIKE ", "= -", " IN ("]))
        parts.append(rng.choice(LITERALS[dialect]))
        parts.append(rng.choice([" AND ", ", ", ") OR ", " AND " + rng.choice(COMMENTS[dialect])]))
    text = "".join(parts)
    return text if rng.randrange(2) else text[: rng.randrange(len(text))] + "..."


def quoted(text):
    return '"' + "".join(f"\\x{byte:02x}" for byte in text.encode()) + '"'


def normalized(directory, cases):
    """What memql makes of each; text output keeps to its line."""
    program = os.path.join(directory, "program.mq")
    out = []
    for first in range(0, len(cases), 30):
        part = cases[first : first + 30]
        with open(program, "w") as f:
            f.write("BEGIN {\n")
            for text, dialect in part:
                f.write(f'\tprintf("%s\\x01", normalize({quoted(text)}, {dialect}));\n')
            f.write("\texit();\n}\n")
        done = subprocess.run([os.environ["MEMQL"], "-q", program], capture_output=True, text=True)
        check(done.returncode == 0, f"statements {first} to {first + len(part) - 1} {done.stderr}")
        out += done.stdout.split("\x01")[: len(part)]
    return out


def show(text):
    for byte, name in ("\n", "\\n"), ("\t", "\\t"), ("\r", "\\x0d"):
        text = text.replace(byte, name)
    return text


def main():
    need_root()
    seed = int(os.environ.get("SEED", "4"))
    rng = random.Random(seed)
    count = int(os.environ.get("STATEMENTS", "150"))
    cases = [(statement(rng), dialect) for dialect in RULES for _ in range(count)]
    marked = [(client_statement(rng, dialect), dialect) for dialect in RULES for _ in range(count // 2)]
    bad = shown = 0
    with tempfile.TemporaryDirectory() as directory:
        for (text, dialect), got in zip(cases + marked, normalized(directory, cases + marked)):
            if got != show(model(text, dialect)):
                print(f"{dialect}: {text!r}\n     is {got!r}\n wanted {model(text, dialect)!r}")
                bad += 1
            if (text, dialect) in marked and ("zq" in got or "7719" in got):
                print(f"{dialect}: {text!r}\n  shows {got!r}")
                shown += 1
    check(bad == 0, f"{len(cases) + len(marked)} statements are what regular expressions make of them")
    check(shown == 0, f"{len(marked)} statements, half of them cut, show nothing of their literals")


main()

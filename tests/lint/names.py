#!/usr/bin/env python3
"""No stage knows a builtin or a kind of probe by name: what is special about one is in its
row. Takes the names from the rows and looks for comparisons with them elsewhere."""

import pathlib
import re
import sys

STAGES = ["lexer", "parser", "sema", "codegen", "runtime", "explain", "cli"]
ROWS = ["builtins", "probes"]
NAME = re.compile(r'\.(?:name|alias) = "([^"]+)"')
COMPARE = re.compile(r"\b(?:strn?cmp|strn?casecmp|strn?eq|str_n?eq|strpbrk|strstr|memcmp"
                     r"|intern\w*|builtin_find|builtin_lookup|probe_find)\s*\(")
KEYWORD = re.compile(r'^(?:<[^>]*>)?"([^"]+)"')


def call_text(text, start):
    """The call whose opening parenthesis ends at start, with its arguments."""
    depth = 1
    end = start
    while depth and end < len(text):
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        end += 1
    return text[start:end]


def main():
    here = pathlib.Path(__file__).resolve().parent
    tree = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here.parent.parent
    names = set()
    for rows in ROWS:
        for file in sorted((tree / rows).glob("*.c")):
            names.update(NAME.findall(file.read_text()))

    bad = 0
    for stage in STAGES:
        for file in sorted((tree / stage).glob("*.[chly]")):
            text = file.read_text()
            found = [(m.start(), word)
                     for m in COMPARE.finditer(text)
                     for word in re.findall(r'"([^"]*)"', call_text(text, m.end()))]
            if file.suffix == ".l":
                found += [(m.start(), m.group(1))
                          for m in re.finditer(KEYWORD.pattern, text, re.MULTILINE)]
            for start, word in found:
                if word in names:
                    line = text.count("\n", 0, start) + 1
                    print(f'{file.relative_to(tree)}:{line}: knows "{word}" by name')
                    bad = 1
    return bad


sys.exit(main())

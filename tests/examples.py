"""How the examples in builtins/ are run: the first lines of each say it."""

import re
import shlex

# Within a function of the kernel, in a stack: another compiler, another number.
OFFSET = re.compile(r"^(    \w+)\+\d+$", re.MULTILINE)


def directives(case):
    """Arguments before and behind the script's name, and what the kernel must have."""
    words, needs = [], ["bpf"]
    for line in case.read_text(encoding="utf-8").splitlines():
        found = re.match(r"// (RUN|NEEDS):\s*(.*)", line)
        if not found:
            break
        if found.group(1) == "RUN":
            words = shlex.split(found.group(2))
        else:
            needs += found.group(2).split()
    split = words.index("--") if "--" in words else len(words)
    return words[:split], words[split + 1:], needs

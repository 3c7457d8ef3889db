"""Makes a program small that still shows what is wrong with it: whole lines, statements and
what is in brackets are left out or replaced by something simple, as long as it lasts."""

import re

PAIRS = {"(": ")", "[": "]", "{": "}"}
SIMPLE = ["1", "comm", '""', "probe", "curtask"]
MAX_TRIES = 3000


def symptom(answer):
    """What two programs have in common that fail for the same reason; None: it does not."""
    if answer.verdict in ("loaded", "ran"):
        return None
    said = answer.said
    why = re.search(r"(?:verifier|error): (.*)", said) or re.search(r"(.*)", said)
    why = re.sub(r"'[^']*'", "X", why.group(1))
    return f"{answer.verdict}: " + re.sub(r"0x[0-9a-f]+|-?\b\d+", "N", why)


def closing(text, start):
    """Where the bracket at start is closed, or None; strings are skipped."""
    stack, i = [], start
    while i < len(text):
        c = text[i]
        if c == '"':
            i += 1
            while i < len(text) and text[i] != '"':
                i += 2 if text[i] == "\\" else 1
        elif c in PAIRS:
            stack.append(PAIRS[c])
        elif stack and c == stack[-1]:
            stack.pop()
            if not stack:
                return i
        i += 1
    return None


def statements(text, begin, end):
    """(begin, end) of each statement between two braces, the longest first."""
    found, start, i = [], begin, begin
    while i < end:
        c = text[i]
        if c == '"' or c in PAIRS:
            last = closing(text, i) if c in PAIRS else text.find('"', i + 1)
            if last is None or last < 0:
                break
            i = last
            if c == "{" and not re.match(r"\s*(else|[;,?)=+*/<>&|.-])", text[i + 1:end]):
                found.append((start, i + 1))
                start = i + 1
        elif c == ";":
            found.append((start, i + 1))
            start = i + 1
        i += 1
    return sorted(found, key=lambda span: span[0] - span[1])


def candidates(text):
    """Smaller texts, the smallest first as a rule; they need not be programs."""
    lines = text.splitlines(keepends=True)
    for n in (len(lines) // 2, len(lines) // 4, 1):
        for i in range(0, len(lines), max(n, 1)):
            yield "".join(lines[:i] + lines[i + max(n, 1):])
    groups = []
    for i, c in enumerate(text):
        if c in PAIRS:
            last = closing(text, i)
            if last:
                groups.append((i, last))
    for i, last in groups:
        if text[i] == "{":
            for a, b in statements(text, i + 1, last):
                yield text[:a] + text[b:]
    for i, last in sorted(groups, key=lambda g: g[0] - g[1]):
        if text[i] == "{":
            yield text[:i] + text[i + 1:last] + text[last + 1:]
            continue
        if text[i] == "(":
            for simple in SIMPLE:
                if last - i > len(simple) + 1:
                    yield text[:i] + "(" + simple + ")" + text[last + 1:]
                    yield text[:i] + simple + text[last + 1:]
        yield from drop_items(text, i, last)
        word = re.search(r"[\w$@.]+$", text[:i])
        if word and text[i] == "(":
            yield text[:word.start()] + "1" + text[last + 1:]
    for m in re.finditer(r'"[^"\n]{3,}"', text):
        yield text[:m.start()] + '"a"' + text[m.end():]


def drop_items(text, first, last):
    """Without one of what commas separate, or only one side of an operator."""
    cuts, i = [first], first + 1
    while i < last:
        if text[i] in PAIRS:
            end = closing(text, i)
            if end is None:
                return
            i = end
        elif text[i] == ",":
            cuts.append(i)
        i += 1
    cuts.append(last)
    for a, b in zip(cuts, cuts[1:]):
        if len(cuts) > 2:
            yield text[:a] + text[b:] if a > first else text[:a + 1] + text[b + 1:]
    inner = re.sub(r"^\(|\)$", "", text[first:last + 1])
    for m in re.finditer(r" (?:[-+*/%&|^<>=!?:]{1,2}) ", inner):
        for part in (inner[:m.start()], inner[m.end():]):
            yield text[:first] + "(" + part + ")" + text[last + 1:]


def shrink(text, still_wrong, tries=MAX_TRIES):
    """still_wrong(text) tells whether a text shows the same."""
    smaller = True
    while smaller and tries > 0:
        smaller = False
        for candidate in candidates(text):
            if len(candidate) >= len(text):
                continue
            tries -= 1
            if tries <= 0:
                break
            if still_wrong(candidate):
                text, smaller = candidate, True
                break
    return text

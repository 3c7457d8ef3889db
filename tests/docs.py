#!/usr/bin/env python3
"""Checks every code block of a page in Markdown, as its info string says how, and tells
of each what was checked: a block that is not is seen to be not.

```memql            compiled and loaded into this kernel, not attached
```c                compiled by cc; with "bpf" by clang, for the kernel
```console          a terminal: lines behind "$ " are run by bash in a directory that
                    the page's blocks share ("> " continues one), and what is shown below
                    one is compared with what it prints
```sh               a script: bash reads it; with "file=" it can be run by its name
```json             read
```text             not run: a drawing, or output that no command here makes

Words behind them:
file=NAME           the block is kept as a file for those after it
needs=WHAT          skipped without that feature (see kernel_can.c), command (cmd:NAME) or
                    file (/PATH). What needs kprobes is compiled and loaded in any case.
fails               the commands end with a status other than 0
unordered           the lines shown may come in another order, and others between them
free                the commands must do, what they print is not compared

What is shown and what is printed are compared without numbers, bars and blanks, equal
lines in a row as one; "..." is any lines, or any end of a line. "^C" below a command: it
gets SIGINT after two seconds. In a page where one block says how it is checked, all must.
"""

import dataclasses
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from tracing import SKIPPED, need, skip

TREE = pathlib.Path(__file__).resolve().parent.parent
SECONDS = 60  # for all commands of a block
MARK = "== memql docs: "
# What the commands of a block run in. sudo: the tests are root already. Loaded and not
# attached is what DRY asks for.
PRELUDE = r"""
sudo() { "$@"; }
memql() {
    local limit=()
    [ -z "$LIMIT" ] || limit=(timeout --foreground -s INT "$LIMIT")
    "${limit[@]}" "$MEMQL" $DRY "$@"
}
"""


@dataclasses.dataclass
class Block:
    line: int  # of its first line
    kind: str
    words: list
    text: str

    def values(self, key):
        return [w.split("=", 1)[1] for w in self.words if w.startswith(key + "=")]


def blocks_of(text):
    """All fenced blocks; a fence may be indented, as in a list."""
    found, block, indent = [], None, ""
    for number, line in enumerate(text.splitlines(), 1):
        fence = re.match(r"( *)```(.*)$", line)
        if block is None and fence:
            indent = fence.group(1)
            words = fence.group(2).split()
            block = Block(number + 1, words[0] if words else "", words[1:], "")
        elif block is not None and line == indent + "```":
            found.append(block)
            block = None
        elif block is not None:
            block.text += line.removeprefix(indent) + "\n"
    if block is not None:
        raise ValueError(f"line {block.line - 1}: this block has no end")
    return found


def commands_of(block):
    """(command, what is shown below it) of a terminal."""
    commands = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            commands.append([line[2:], []])
        elif not commands:
            raise ValueError("a terminal begins with '$ '")
        elif line.startswith("> ") and not commands[-1][1]:
            commands[-1][0] += "\n" + line[2:]
        else:
            commands[-1][1].append(line)
    return commands


NUMBER = re.compile(r"(?<![A-Za-z_])-?(0x[0-9a-fA-F]+|\d[\d.,:]*)"
                    r"( ?(ns|us|ms|s|m|h|KB|MB|GB|kb|mb|K|M|G|%))?(?![A-Za-z_])")


def shape(line):
    """A line without what differs from run to run."""
    line = re.sub(r"\|[@ ]*\|", "|", line)
    line = re.sub(r"\b[0-9a-f]{8,}\b", "N", line)
    line = NUMBER.sub("N", line)
    return " ".join(line.split())


def shapes(lines):
    """Of some lines, equal ones in a row as one, and no empty ones. What memql says of itself
    is left out: it goes to standard error, and comes earlier or later than results."""
    found = []
    for line in map(shape, lines):
        if line and not re.match("Attached N probes?$", line) and (not found or found[-1] != line):
            found.append(line)
    return found


def same(want, got):
    if want.endswith("..."):
        return got.startswith(want[:-3].rstrip())
    return want == got


def first_missing(shown, printed, unordered):
    """The first shown line that was not printed (where it should), or None."""
    printed = shapes(printed)
    at, gap = 0, unordered
    for want in shapes(shown):
        if want in ("...", "^C"):
            gap = gap or want == "..."
            continue
        where = 0 if unordered else at
        while where < len(printed) and not same(want, printed[where]) and gap:
            where += 1
        if where >= len(printed) or not same(want, printed[where]):
            return want
        at, gap = where + 1, unordered
    return None


class Page:
    def __init__(self, file, directory):
        self.file, self.directory = file, directory
        text = file.read_text(encoding="utf-8")
        self.blocks = blocks_of(text)
        self.strict = any(b.kind for b in self.blocks)
        self.counts, self.began = {}, time.monotonic()
        build = pathlib.Path(os.environ["MEMQL"]).parent
        self.env = dict(
            os.environ, LC_ALL="C", NO_COLOR="1", TZ="UTC", TMPDIR=str(directory),
            PATH=f"{build}:{build}/demo:{os.environ['PATH']}:/usr/sbin",
        )
        for name in ("scripts", "docs", "demo"):
            (directory / name).symlink_to(TREE / name)

    def tell(self, block, verdict, what):
        self.counts[verdict] = self.counts.get(verdict, 0) + 1
        took = time.monotonic() - self.began
        print(f"{verdict:8} {self.file.name}:{block.line}: {what}" + (f" ({took:.1f} s)" if took > 1 else ""))
        return verdict != "FAILED"

    def run(self, command, seconds=SECONDS, **options):
        return subprocess.run(
            command, cwd=self.directory, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="backslashreplace", timeout=seconds, check=False,
            **options,
        )

    def lacks(self, what):
        """Why this machine cannot run a block that needs it, or None."""
        if what.startswith("cmd:"):
            return None if shutil.which(what[4:], path=self.env["PATH"]) else f"{what[4:]} is not installed"
        if what.startswith("/"):
            return None if os.path.exists(what) else f"there is no {what}"
        tool = os.environ.get("KERNEL_CAN")
        done = subprocess.run([tool, what], capture_output=True, text=True, check=False) if tool else None
        return done.stdout.strip() if done and done.returncode else None

    def compiled(self, block, command, what):
        done = self.run(command)
        if (done.returncode != 0) != ("fails" in block.words):
            return self.tell(block, "FAILED", f"{what}: status {done.returncode}\n{done.stdout}")
        return self.tell(block, "ok", what)

    def check_memql(self, block):
        name = self.kept(block, "block.mq")
        return self.compiled(block, [os.environ["MEMQL"], "--dry-run", name], "compiled and loaded")

    def check_c(self, block):
        name = self.kept(block, "block.c")
        if "bpf" not in block.words:
            reason = self.lacks("cmd:cc")
            if reason:
                return self.tell(block, "skipped", f"not compiled: {reason}")
            return self.compiled(
                block, ["cc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-c", name, "-o", "block.o"], "compiled"
            )
        reason = self.lacks("cmd:clang")
        if reason:
            return self.tell(block, "skipped", f"not compiled: {reason}")
        machine = os.uname().machine
        return self.compiled(
            block, ["clang", "-target", "bpf", "-g", "-O2", "-Wall", f"-I/usr/include/{machine}-linux-gnu",
                    "-c", name, "-o", name.removesuffix(".c") + ".o"], "compiled for the kernel"
        )

    def check_sh(self, block):
        name = self.kept(block, "block.sh")
        (self.directory / name).chmod(0o755)
        return self.compiled(block, ["bash", "-n", name], "read")

    def check_json(self, block):
        decoder, text = json.JSONDecoder(), block.text.strip()
        while text:
            text = text[decoder.raw_decode(text)[1]:].strip()
        return self.tell(block, "ok", "read")

    def check_text(self, block):
        return self.tell(block, "text", "not checked, and says so")

    def kept(self, block, otherwise):
        name = (block.values("file") or [otherwise])[0]
        (self.directory / name).write_text(block.text, encoding="utf-8")
        return name

    def script(self, commands, dry):
        lines = [PRELUDE, f"DRY={'--dry-run' if dry else ''}"]
        for number, (command, shown) in enumerate(commands):
            lines += [f"LIMIT={2 if '^C' in shown else ''}", f"echo '{MARK}{number}'", command]
            # What runs on in the background is given time to be ready.
            lines.append("sleep 1; status=0" if command.endswith("&") else "status=$?")
            lines.append(f"echo; echo '{MARK}status' $status")
        return "\n".join(lines)

    def check_console(self, block, dry=None):
        commands = commands_of(block)
        process = subprocess.Popen(
            ["bash", "-c", self.script(commands, dry)], cwd=self.directory, env=self.env,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="backslashreplace", start_new_session=True,
        )
        # What a command left in the background keeps the pipe open: it ends with the block.
        output, late = self.output_of(process, len(commands))
        if late:
            return self.tell(block, "FAILED", f"did not end within {SECONDS} s:\n{output}")
        parts = re.split(re.escape(MARK) + r"\d+\n", output)[1:]
        for (command, shown), part in zip(commands, parts):
            printed, _, status = part.rpartition(MARK + "status ")
            wrong = self.difference(block, shown, printed, status.split()[0], dry)
            if wrong:
                return self.tell(block, "FAILED", f"$ {command}\n{wrong}\n--- printed\n{printed}")
        what = f"{len(commands)} command{'s' * (len(commands) > 1)} ran"
        if dry:
            return self.tell(block, "skipped", f"{what} up to loading only: {dry}")
        compared = not block.words or "free" not in block.words
        return self.tell(block, "ok", what + (", output as shown" if compared else ", output not compared"))

    def output_of(self, process, number):
        text, late, ends = "", False, 0

        def on_alarm(*_):
            raise TimeoutError

        signal.signal(signal.SIGALRM, on_alarm)
        signal.alarm(SECONDS)
        try:
            for line in process.stdout:
                text += line
                ends += line.startswith(MARK + "status ")
                if ends == number:
                    break
        except TimeoutError:
            late = True
        signal.alarm(0)
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        process.stdout.close()
        return text, late

    @staticmethod
    def difference(block, shown, printed, status, dry):
        interrupted = status == "124" and "^C" in shown  # timeout's own status
        if (status != "0" and not interrupted) != ("fails" in block.words):
            return f"ended with status {status}"
        if dry or "free" in block.words:
            return None
        missing = first_missing(shown, printed.splitlines(), "unordered" in block.words)
        return f"does not print (here):\n{missing}" if missing else None

    def check(self, block):
        self.began = time.monotonic()
        reasons = [(what, self.lacks(what)) for what in block.values("needs")]
        reasons = [(what, why) for what, why in reasons if why]
        check = getattr(self, "check_" + block.kind, None) if block.kind else None
        if not check:
            word = f"unknown word '{block.kind}'" if block.kind else "nothing says how"
            return self.tell(block, "FAILED" if self.strict else "text", f"not checked: {word}")
        if reasons and block.kind == "console" and all(what == "kprobe" for what, _ in reasons):
            return self.check_console(block, dry=reasons[0][1])
        if reasons and reasons[0][0] != "kprobe":
            return self.tell(block, "skipped", f"not checked: {reasons[0][1]}")
        return check(block)


def main():
    need("bpf")
    if not os.environ.get("MEMQL"):
        skip("MEMQL is not set")
    file = pathlib.Path(sys.argv[1])
    directory = pathlib.Path(tempfile.mkdtemp(prefix="memql-docs-"))
    try:
        page = Page(file, directory)
        good = [page.check(block) for block in page.blocks]
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    print(f"{file.name}: " + ", ".join(f"{n} {what}" for what, n in sorted(page.counts.items())))
    if page.counts and not page.counts.keys() - {"text", "skipped"}:
        print("skipped: no block of it could be checked")
        return SKIPPED
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())

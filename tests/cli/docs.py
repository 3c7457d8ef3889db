"""tests/docs.py finds what is wrong with a page: each of these blocks must fail."""

import os
import pathlib
import subprocess
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS))
from tracing import check, need

WRONG = {
    "a program that does not compile": ("memql", "BEGIN { nonsense }"),
    "C that does not compile": ("c", "int main(void) { return nothing; }"),
    "a command that fails": ("console", "$ false"),
    "a command that should fail": ("console fails", "$ true"),
    "other output": ("console", "$ echo one two\none three"),
    "output in another order": ("console", "$ printf 'a\\nb\\n'\nb\na"),
    "a word too many": ("console", "$ printf 'a\\nb\\nc\\n'\na\nc"),
    "a block that says nothing": ("", "BEGIN { exit(); }"),
    "an unknown word": ("perl", "print 1"),
    "JSON that is none": ("json", "{1}"),
}
RIGHT = {
    "other numbers": ("console", "$ echo 12 us 0x1f\n14 us 0x2a"),
    "lines left out": ("console", "$ printf 'a\\nb\\nc\\n'\na\n...\nc"),
    "the end of a line left out": ("console", "$ echo one two\none ..."),
    "any order": ("console unordered", "$ printf 'a\\nb\\nc\\n'\nc\na"),
    "a command in two lines": ("console", "$ echo 'a\n> b'\na\nb"),
    "no comparison": ("console free", "$ echo a\nb"),
    "an interrupt": ("console", "$ memql -e 'BEGIN { printf(\"hi\\n\"); }'\nAttached 1 probe\nhi\n^C"),
    "a file for later": ("c file=x.c", "int main(void) { return 0; }"),
    "a drawing": ("text", "a -> b"),
}


def result(directory, block):
    """Exit status and output for a page with this block, and one that says how it is checked."""
    page = os.path.join(directory, "page.md")
    with open(page, "w") as f:
        f.write(f"# A page\n\n```json\n1\n```\n\n```{block[0]}\n{block[1]}\n```\n")
    done = subprocess.run([sys.executable, TESTS / "docs.py", page], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def main():
    need("bpf")
    with tempfile.TemporaryDirectory(prefix="memql-docs-") as directory:
        for blocks, want in ((WRONG, 1), (RIGHT, 0)):
            for what, block in blocks.items():
                status, output = result(directory, block)
                if status != want:
                    print(output)
                check(status == want, f"{what}: {'refused' if want else 'fine'}")


main()

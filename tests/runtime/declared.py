#!/usr/bin/env python3
"""Variables of a declared type: what is assigned is cast to it, item by item."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from tracing import check, fail, need_root, run_memql  # noqa: E402

need_root()


def expect(body, *want):
    done = run_memql("-q", "-e", "BEGIN { %s exit(); }" % body)
    if done.returncode != 0:
        fail(f"{body}\n{done.stderr}")
    got = [line for line in done.stdout.splitlines() if line]
    check(got == list(want), body if got == list(want) else f"{body}: {got}")


expect("let $x: (int32, string[5]); print($x); $x = (1, \"abc\"); print($x); "
       "$x = (2, \"abcdefg\"); print($x);", "(0, )", "(1, abc)", "(2, abcde)")
expect("let $x: (uint8, (int8, bool)) = (300, (200, 5)); print($x);",
       "(44, (-56, true))")
expect("let $x: (a = uint8, b = string[4]) = (a = 256 + 7, b = \"abc\"); "
       "print(($x.a, $x.b, sizeof($x)));", "(7, abc, 16)")
expect("let $x: (a = uint8, b = uint64) = (1, 5ms); printf(\"%d %s\\n\", $x.a, $x.b); "
       "@m[1] = $x; $x = @m[1]; print($x.b);",
       "1 5ms", "5000000", "@m[1]: { .a = 1, .b = 5000000 }")
expect("let $x: (uint8, uint8) = (1, 2); $x = ($x.1, $x.0); print($x);", "(2, 1)")
expect("let $b: bool; $b++; print($b); $b--; print($b);", "true", "false")
expect("let $l: struct list_head; print($l.next == 0);",
       "true")

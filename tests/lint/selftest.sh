#!/usr/bin/env bash
# Every lint can fail: each gets a small tree with one fault that it must find.
set -euo pipefail
lint=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$lint/../.." && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree" "$tree.out"' EXIT
bad=0

put() { # FILE TEXT
    mkdir -p "$tree/$(dirname "$1")"
    printf '%b' "$2" >"$tree/$1"
}

fresh() { # a tree without faults
    rm -rf "${tree:?}"/*
    cp "$root/.clang-format" "$tree/"
    put core/good.h '#ifndef GOOD_H\n#define GOOD_H\n\nint good(void);\n\n#endif\n'
    put builtins/row.c 'const struct builtin rows[] = {\n\t{ .name = "nsecs" },\n};\n'
    put sema/pass.c '#include "core/good.h"\n'
    put tools/script '#!/usr/bin/env bash\n# Does nothing.\nset -euo pipefail\n'
    chmod +x "$tree/tools/script"
}

expect() { # LINT good|bad WHAT
    local status=0
    "$lint/$1" "$tree" >"$tree.out" 2>&1 || status=$?
    ((status == 77)) && return
    if [[ $2 == good && $status != 0 || $2 == bad && $status == 0 ]]; then
        echo "$1 took $3 for $([ "$2" = good ] && echo bad || echo good):"
        cat "$tree.out"
        bad=1
    fi
}

fault() { # LINT WHAT FILE TEXT
    fresh
    expect "$1" good "a good tree"
    put "$3" "$4"
    expect "$1" bad "$2"
}

fault layers.sh "a look at a later stage" core/x.c '#include "sema/plan.h"\n'
fault layers.sh "a stage's look at a row" sema/x.c '#include "builtins/time.h"\n'
fault layers.sh "LLVM outside codegen" sema/x.c '#include <llvm-c/Core.h>\n'
fault layers.sh "libbpf in a builtin" builtins/x.c '  #  include <bpf/libbpf.h>\n'
fault layers.sh "libelf in a probe kind" probes/x.c '#include <gelf.h>\n'
fault headers.sh "a header without its includes" core/x.h 'size_t f(void);\n'
fault headers.sh "a header without a guard" core/x.h 'struct s { int i; };\n'
fault format.sh "an unformatted file" core/x.c 'int x( void )\n{\n    return 1;}\n'
fault names.py "a comparison with a name" sema/x.c 'if (!strcmp(s,\n "nsecs"))\n'
fault names.py "a look-up by name" codegen/x.c 'b = builtin_find("nsecs");\n'
fault names.py "a builtin as a keyword" lexer/x.l '"nsecs"\treturn NSECS;\n'
fault size.sh "a file of 701 lines" core/x.c "$(printf '\\n%.0s' {1..701})"
fault shell.sh "a script that does not parse" tools/script '#!/bin/bash\n# X.\nif\n'
fault shell.sh "a script that ignores errors" tools/script '#!/bin/bash\n# X.\ntrue\n'
fault text.sh "a trailing blank" docs/x.md 'a \n'
fault text.sh "a missing newline" docs/x.md 'a'
fault text.sh "somebody's home" docs/x.md 'see /home/''someone/x\n'
fault bench.sh "a page without commands" docs/performance.md "x\n"
fault compat.sh "a difference without a reason" tests/compat/constructs/x.memql.out '1\n'
fault compat.sh "an unfinished nothing" tests/compat/constructs/unfinished 'x why\n'
exit $bad

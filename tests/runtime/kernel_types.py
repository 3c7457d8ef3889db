"""Values of every type through the whole path: from the traced program's memory through
keys, maps and records to text and JSON."""

import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import Load, Memql, check, map_of, need_root, run_memql, skip

# struct iphdr: bit fields, big-endian numbers shown as they lie there, and addresses in
# an anonymous union of an anonymous struct and a named one.
HEADER = bytes.fromhex("45 10 00 54  12 34 40 00  40 06 00 00  7f 00 00 01  7f 00 00 02")
HEADER_JSON = {
    "ihl": 5, "version": 4, "tos": 16, "tot_len": 0x5400, "id": 0x3412, "frag_off": 0x40, "ttl": 64, "protocol": 6,
    "check": 0, "saddr": 0x0100007F, "daddr": 0x0200007F, "addrs": {"saddr": 0x0100007F, "daddr": 0x0200007F},
}
HEADER_TEXT = (
    "{ .ihl = 5, .version = 4, .tos = 16, .tot_len = 21504, .id = 13330, .frag_off = 64, .ttl = 64, .protocol = 6, "
    ".check = 0, .saddr = 16777343, .daddr = 33554559, .addrs = { .saddr = 16777343, .daddr = 33554559 } }"
)
# struct sockaddr_un: a number, then text up to the first NUL.
SOCKET = b"\x01\x00/run/\x1b\x00rest"


def run(directory, load, name, program, data, is_json):
    """What the program says of one load_text() of these bytes."""
    memql = Memql(directory, f"{name}_{is_json}", ["-e", program], json_output=is_json)
    load.do(f"text {data.hex()} 1")
    memql.stop()
    return memql.events() if is_json else memql.lines()


def structs(directory, load):
    program = (
        f"uprobe:{load.program}:load_text {{ $h = (struct iphdr *)arg0; print(*$h);"
        ' printf("%s|%d|%x\\n", *$h, $h.version, $h.saddr);'
        " @copy = *$h; @key[*$h, 1] = count(); @tuple[1] = (7, *$h); $c = *$h; print($c.ttl); }"
    )
    lines = run(directory, load, "header", program, HEADER, False)
    check(lines[0] == HEADER_TEXT, f"a struct as text: {lines[0]}")
    check(lines[1] == HEADER_TEXT + "|4|100007f", "and with %s")
    check(lines[2] == "64", "a member of a copy")
    check(f"@copy: {HEADER_TEXT}" in lines, "as a map's value")
    check(f"@key[{HEADER_TEXT}, 1]: 1" in lines, "as a part of a key")
    check(f"@tuple[1]: (7, {HEADER_TEXT})" in lines, "in a tuple")

    events = run(directory, load, "header", program, HEADER, True)
    values = [e["data"] for e in events if e["type"] == "value"]
    check(values == [HEADER_JSON, 64], "as JSON")
    check(map_of(events, "@copy") == HEADER_JSON, "as a map's value")
    maps = {k: v for e in events if e["type"] == "map" for k, v in e["data"].items()}
    check(maps["@key"] == [{"key": [HEADER_JSON, 1], "value": 1}], "as a part of a key")
    check(maps["@tuple"] == [{"key": [1], "value": [7, HEADER_JSON]}], "in a tuple")


def texts(directory, load):
    program = (
        f"uprobe:{load.program}:load_text {{ $s = (struct sockaddr_un *)arg0; print(*$s);"
        ' printf("%s|%-12s|%r\\n", $s.sun_path, $s.sun_path, $s.sun_path); @[$s.sun_path] = 1; }'
    )
    lines = run(directory, load, "socket", program, SOCKET, False)
    check(lines[0] == "{ .sun_family = 1, .sun_path = /run/\\x1b }", f"an array of chars is text: {lines[0]}")
    check(lines[1] == "/run/\\x1b|/run/\\x1b   |/run/\\x1b", f"with %s, a width, %r: {lines[1]}")
    check(lines[2] == "@[/run/\\x1b]: 1", "as a key")
    events = run(directory, load, "socket", program, SOCKET, True)
    values = [e["data"] for e in events if e["type"] == "value"]
    check(values == [{"sun_family": 1, "sun_path": "/run/\x1b"}], "as JSON")
    check(map_of(events, "@") == {"/run/\x1b": 1}, "as a key in JSON")


def arrays(directory, load):
    program = (
        f"uprobe:{load.program}:load_text {{ $e = (struct ethhdr *)arg0; print($e.h_dest); @v = $e.h_dest;"
        ' @k[$e.h_dest, 1] = 1; print(*$e); print((int16[2])0xffff0001); printf("%r %rh\\n", $e.h_dest, $e.h_dest); }'
    )
    data = b"\x01\x02\xff\x04\x05A" + b"\x11" * 6 + b"\x08\x06"
    mac = "[1,2,255,4,5,65]"
    lines = run(directory, load, "array", program, data, False)
    check(lines[0] == mac, f"an array: {lines[0]}")
    check(lines[1] == f"{{ .h_dest = {mac}, .h_source = [17,17,17,17,17,17], .h_proto = 1544 }}", f"in a struct: {lines[1]}")
    check(lines[2] == "[1,-1]", f"a number's halves: {lines[2]}")
    check(lines[3] == r"\x01\x02\xff\x04\x05A 01 02 ff 04 05 41", f"as bytes: {lines[3]}")
    check(f"@v: {mac}" in lines and f"@k[{mac}, 1]: 1" in lines, "in maps")


# The last two bytes of a mapping, and nothing behind them.
AT_END = """
import ctypes, mmap
libc = ctypes.CDLL(None)
libc.mmap.restype, libc.mmap.argtypes = ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
page = mmap.PAGESIZE
at = libc.mmap(None, 2 * page, 3, 0x22, -1, 0)
libc.munmap(at + page, page)
ctypes.memmove(at + page - 2, b"\\x11\\xa5", 2)
libc.prctl(12345, at + page - 2, 0, 0, 0)
"""


def bits_at_end(directory):
    """Bit fields whose unit reaches over the end of a packed struct, and of memory."""
    with open(os.path.join(directory, "at_end.py"), "w", encoding="utf-8") as f:
        f.write(AT_END)
    program = (
        "struct at_end { uint8_t a; uint32_t b : 4; uint32_t c : 4; } __attribute__((packed));"
        " tracepoint:syscalls:sys_enter_prctl /pid == cpid && args.option == 12345/"
        ' { $p = (struct at_end *)args.arg2; $copy = *$p; printf("%x %x %x %x\\n", $p.a, $p.b, $p.c, $copy.c); }'
    )
    done = run_memql("-q", "-c", f"{sys.executable} {f.name}", "-e", program)
    check(done.stdout.split("\n")[0] == "11 5 a a" and "lost" not in done.stderr, f"bits at the end: {done.stdout}{done.stderr}")


def enums(directory, load):
    program = (
        'BEGIN { print(BPF_MAP_TYPE_HASH); printf("%s %d %d\\n", BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_ARRAY, 1 == 1);'
        " @[BPF_MAP_TYPE_HASH, true] = (enum bpf_map_type)999; print((1 == 2, BPF_MAP_TYPE_ARRAY)); }"
        f" uprobe:{load.program}:load_text {{ }}"
    )
    lines = run(directory, load, "enum", program, b"", False)
    check(lines[:4] == ["BPF_MAP_TYPE_HASH", "BPF_MAP_TYPE_ARRAY 2 1", "(false, BPF_MAP_TYPE_ARRAY)",
                        "@[BPF_MAP_TYPE_HASH, true]: 999"], f"enums by their names: {lines}")
    events = run(directory, load, "enum", program, b"", True)
    values = [e["data"] for e in events if e["type"] == "value"]
    check(values == ["BPF_MAP_TYPE_HASH", [False, "BPF_MAP_TYPE_ARRAY"]], "and in JSON")
    check(map_of(events, "@") == {("BPF_MAP_TYPE_HASH", True): 999}, "a number if there is none")


def arguments(directory, load):
    """args as a whole is a record."""
    program = (
        f"tracepoint:raw_syscalls:sys_exit /pid == {load.pid} && args.ret == {os.getpid()}/"
        ' { print(args); @[args, 1] = count(); $a = args; printf("%d %s\\n", $a.ret, (1, $a)); }'
        f" uprobe:{load.program}:load_text {{ }}"
    )
    memql = Memql(directory, "args", ["-e", program], json_output=False)
    load.do("syscalls 1")
    memql.stop()
    lines = memql.lines()
    want = lines[0]
    check(re.fullmatch(r"{ .id = \d+, .ret = %d }" % os.getpid(), want), f"args: {want}")
    check(lines == [want, f"{os.getpid()} (1, {want})", f"@[{want}, 1]: 1", ""], f"all arguments: {lines}")


def sorting(directory, load):
    """By value, then by key, whatever they are."""
    program = (
        "BEGIN { @t[1] = (2, \"b\"); @t[2] = (-1, \"z\"); @t[3] = (2, \"a\"); @k[(int64)-5, true] = 1; @k[3, false] = 1;"
        " @k[-5, false] = 1; @r[(a = 2, b = 1)] = 1; @n[(1, \"b\"), 2] = count(); @n[(1, \"a\"), 9] = count(); print(@t, 2); }"
        f" uprobe:{load.program}:load_text {{ }}"
    )
    lines = [line for line in run(directory, load, "sorted", program, b"", False) if line]
    check(lines == ["@t[3]: (2, a)", "@t[1]: (2, b)",
                    "@k[-5, false]: 1", "@k[-5, true]: 1", "@k[3, false]: 1",
                    "@n[(1, a), 9]: 1", "@n[(1, b), 2]: 1",
                    "@r[{ .a = 2, .b = 1 }]: 1",
                    "@t[2]: (-1, z)", "@t[3]: (2, a)", "@t[1]: (2, b)"], f"sorted: {lines}")


def main():
    need_root()
    if not os.path.exists("/sys/kernel/btf/vmlinux"):
        skip("this kernel has no BTF, which says what its structs are")
    with tempfile.TemporaryDirectory(prefix="memql-types-") as directory, Load() as load:
        structs(directory, load)
        texts(directory, load)
        arrays(directory, load)
        bits_at_end(directory)
        enums(directory, load)
        arguments(directory, load)
        sorting(directory, load)


main()

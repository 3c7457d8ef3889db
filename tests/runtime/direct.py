"""Members of the kernel's structs that are loaded without a helper: the same values as by
helpers, the same losses, and every way through struct task_struct is one that loads."""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import Load, Memql, check, fail, lost, map_of, need, run_memql

# Of this process nobody changes them meanwhile; some are 0, and some lead through 0.
STEADY = [
    "pid", "tgid", "real_parent.tgid", "group_leader.pid", "real_parent.real_parent.pid", "mm.exe_file.f_inode.i_ino",
    "signal.rlim[7].rlim_cur", "exit_code", "real_parent.exit_code", "cred.uid.val", "nsproxy.uts_ns.ns.inum",
    "files.next_fd", "fs.umask", "policy", "static_prio", "mm.task_size", "io_context.ioprio",
]
TEXTS = ["comm", "real_parent.comm", "group_leader.real_parent.comm", "nsproxy.uts_ns.name.nodename"]
PROGRAMS, WAYS = 4, 30
MODIFIERS = {"TYPEDEF", "CONST", "VOLATILE", "RESTRICT", "TYPE_TAG"}
NUMBERS = {"INT", "ENUM", "ENUM64"}
RECORDS = {"STRUCT", "UNION"}


def by_helper(way):
    """A number has no type that the verifier knows."""
    return f"kptr((struct task_struct *)(uint64)curtask).{way}"


def same_values(directory, load):
    tests = [f"if (curtask.{w} != {by_helper(w)}) {{ @other[\"{w}\"]++; }}" for w in STEADY]
    tests += [f"@texts[{i}] = (curtask.{w} == {by_helper(w)} ? 1 : 0);" for i, w in enumerate(TEXTS)]
    memql = Memql(directory, "same", ["-e", (
        f"uprobe:{load.program}:load_value /pid == {load.pid}/ {{ {' '.join(tests)} @n++;"
        " @ids[curtask.tgid, ppid, curtask.real_parent.tgid, curtask.comm] = 1; }"
        " END { @other[\"\"] = 1; }"
    )])
    load.do("values 3 1")
    memql.stop()
    events = memql.events()
    other = map_of(events, "@other")
    check(other == {"": 1}, f"{len(STEADY)} numbers, loaded and by helpers: {other}")
    texts = map_of(events, "@texts")
    check(texts == dict.fromkeys(range(len(TEXTS)), 1), f"texts behind pointers: {texts}")
    ids = map_of(events, "@ids")
    check(ids == {(load.pid, os.getpid(), os.getpid(), "memql_load"): 1}, f"what they are: {ids}")


def no_way(directory, load):
    """Where NULL is on the way it is 0, and as many reads are lost as by helpers."""
    told = []
    for way in "curtask.pi_blocked_on.task.pid", by_helper("pi_blocked_on.task.pid"):
        memql = Memql(directory, "none", ["-e", (
            f"uprobe:{load.program}:load_value /pid == {load.pid}/ {{ @n++; @value += {way}; }}"
        )])
        load.do("values 5 1")
        memql.stop()
        events = memql.events()
        check(map_of(events, "@n") == 5 and map_of(events, "@value") == 0, f"{way} is 0")
        told.append([(e["data"]["count"], e["data"]["what"]) for e in lost(events)])
    check(told[0] == told[1] and told[0], f"told by both: {told[0]}")


class Kernel:
    """The types of vmlinux, by bpftool."""

    def __init__(self):
        done = subprocess.run(["bpftool", "-j", "btf", "dump", "file", "/sys/kernel/btf/vmlinux"],
                              stdout=subprocess.PIPE, check=True)
        self.types = {r["id"]: r for r in json.loads(done.stdout)["types"]}
        self.task = next(r for r in self.types.values() if r["kind"] == "STRUCT" and r["name"] == "task_struct")

    def strip(self, number):
        while number and self.types[number]["kind"] in MODIFIERS:
            number = self.types[number]["type_id"]
        return self.types.get(number, {"kind": "VOID"})

    def members(self, record):
        """(name, type, bits); those of anonymous ones too."""
        found = []
        for m in record.get("members", []):
            of = self.strip(m["type_id"])
            if m["name"] in ("", "(anon)"):
                found += self.members(of) if of["kind"] in RECORDS else []
            elif not m.get("bitfield_size"):
                found.append((m["name"], of))
        return found

    def way(self, rng):
        """From the running thread to a number, or None."""
        text, record = "curtask", self.task
        for _ in range(9):
            members = self.members(record)
            if not members:
                return None
            name, of = rng.choice(members)
            text += "." + name
            if of["kind"] in NUMBERS:
                return text
            if of["kind"] == "PTR":
                of = self.strip(of["type_id"])
            if of["kind"] not in RECORDS:
                return None
            record = of
        return None


def all_load(seed):
    """What memql takes for loadable is that for this kernel's verifier."""
    if not shutil.which("bpftool"):
        return
    kernel, rng, tried = Kernel(), random.Random(seed), 0
    for _ in range(PROGRAMS):
        ways = []
        while len(ways) < WAYS:
            way = kernel.way(rng)
            if way:
                ways.append(f"@m{len(ways) % 8} = (uint64){way};")
        done = run_memql("--no-cache", "--dry-run", "-e", "BEGIN { " + " ".join(ways) + " }")
        strange = "[syntax]" in done.stderr  # a member that has a keyword's name
        if done.returncode and not strange:
            fail("\n".join([*ways, done.stderr]))
        tried += not strange
    check(tried > PROGRAMS // 2, f"{tried} programs of {WAYS} ways each load")


def main():
    need("bpf", "uprobe")
    with tempfile.TemporaryDirectory(prefix="memql-direct-") as directory, Load() as load:
        same_values(directory, load)
        no_way(directory, load)
    all_load(1)


main()

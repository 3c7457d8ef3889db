"""What the reader of BTF says of the kernel's types, and of its modules', is what bpftool
says: every struct, enum, constant and function; and the kernel takes its numbers."""

import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import SLOWNESS, check, fail, skip

DIRECTORY = sys.argv[1] if len(sys.argv) > 1 else "/sys/kernel/btf"
ENOENT = -2
MODIFIERS = {"TYPEDEF", "CONST", "VOLATILE", "RESTRICT", "TYPE_TAG"}
KINDS = {
    "struct": {"STRUCT"}, "union": {"UNION"}, "enum": {"ENUM", "ENUM64"},
    "type": {"TYPEDEF", "INT", "FLOAT"}, "function": {"FUNC"}, "fwd": {"FWD"},
}


def name_of(thing):
    return "" if thing["name"] == "(anon)" else thing["name"]


def signed(number, bits):
    number &= (1 << bits) - 1
    return number - (1 << bits) if number >> bits - 1 else number


class Kernel:
    """The types of vmlinux, then of the modules by name; a type is (file, record)."""

    def __init__(self, directory):
        names = sorted(set(os.listdir(directory)) - {"vmlinux"})
        self.files = [self.dump(directory, name) for name in ["vmlinux", *names]]
        self.first, self.constants = {}, {}
        # Kernels before 6.0 do not say.
        self.has_signs = any(r.get("encoding") == "SIGNED" for r in self.files[0].values() if "values" in r)
        for file, types in enumerate(self.files):
            for record in types.values():
                self.add(file, record)

    @staticmethod
    def dump(directory, name):
        base = [] if name == "vmlinux" else ["-B", f"{directory}/vmlinux"]
        done = subprocess.run(
            ["bpftool", *base, "-j", "btf", "dump", "file", f"{directory}/{name}"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
        )
        if done.returncode:
            skip(f"this bpftool cannot read {name}'s BTF")
        return {record["id"]: record for record in json.loads(done.stdout)["types"]}

    def add(self, file, record):
        name = name_of(record)
        for sort, kinds in KINDS.items():
            if name and record["kind"] in kinds:
                self.first.setdefault((sort, name), (file, record))
        for value in record.get("values", []):
            self.constants.setdefault(value["name"], (self.value_of(record, value), (file, record)))

    def is_signed(self, enum):
        if self.has_signs:
            return enum["encoding"] == "SIGNED"
        return any(-4096 < signed(v["val"], 32) < 0 for v in enum["values"])

    def value_of(self, enum, value):
        """bpftool extends by the sign even if there is none."""
        if enum["kind"] == "ENUM64":
            return signed(value["val"], 64)
        return signed(value["val"], 32) if self.is_signed(enum) else value["val"] & 0xffffffff

    def go(self, place, number):
        if number == 0:
            return None
        file = place[0] if number in self.files[place[0]] else 0
        return file, self.files[file][number]

    def strip(self, place):
        while place and place[1]["kind"] in MODIFIERS:
            place = self.go(place, place[1]["type_id"])
        if place and place[1]["kind"] == "FWD":
            return self.first.get((place[1]["fwd_kind"], place[1]["name"]), place)
        return place

    def is_user(self, pointer):
        place = self.go(pointer, pointer[1]["type_id"])
        while place and place[1]["kind"] in MODIFIERS:
            if place[1]["kind"] == "TYPE_TAG" and place[1]["name"] == "user":
                return True
            place = self.go(place, place[1]["type_id"])
        return False

    def size(self, place):
        place = self.strip(place)
        if place is None:
            return 0
        record = place[1]
        if record["kind"] == "ARRAY":
            return record["nr_elems"] * self.size(self.go(place, record["type_id"]))
        return 8 if record["kind"] == "PTR" else record.get("size", 0)

    def members(self, place):
        return "".join(
            f"{name_of(m)}@{m['bits_offset']}/{m.get('bitfield_size', 0)} "
            f"{self.text(self.go(place, m['type_id']))};"
            for m in place[1].get("members", [])
        )

    def text(self, place, inside=True):
        place = self.strip(place)
        if place is None:
            return "void"
        record, kind = place[1], place[1]["kind"]
        name = name_of(record)
        if kind == "INT":
            sign = "s" if record["encoding"] == "SIGNED" else "u"
            if record["encoding"] == "BOOL" or name == "_Bool":
                return f"bool{record['size']}"
            return "char" + sign if name == "char" else f"{sign}{record['size']}"
        if kind == "FLOAT":
            return f"f{record['size']}"
        if kind == "PTR":
            return "user*" if self.is_user(place) else "*"
        if kind == "ARRAY":
            item = self.go(place, record["type_id"])
            return f"[{record['nr_elems']}:{self.size(place)}]{self.text(item)}"
        if kind in ("STRUCT", "UNION", "FWD"):
            word = record.get("fwd_kind") or kind.lower()
            whole = f"{word} {name}:{self.size(place)}"
            if inside and name:
                return whole
            return whole + ("{error -2}" if kind == "FWD" else f"{{{self.members(place)}}}")
        if kind in ("ENUM", "ENUM64"):
            return f"enum {name}:{'s' if self.is_signed(record) else 'u'}{record['size']}"
        assert kind == "FUNC_PROTO", kind
        return "func"

    def pointer(self, place):
        target = self.strip(place)
        if target is None or target[1]["kind"] != "PTR":
            return self.text(place)
        return f"{self.text(place)} {self.text(self.go(target, target[1]['type_id']))}"

    def params(self, proto, names, skipped):
        def count(p):
            params = p[1]["params"]
            dots = params and name_of(params[-1]) == "" and params[-1]["type_id"] == 0
            return len(params) - bool(dots)

        if names is None or count(names) != count(proto):
            names = proto
        both = zip(proto[1]["params"], names[1]["params"])
        both = list(both)[skipped:count(proto)]
        return "".join(f"{name_of(n)} {self.pointer(self.go(proto, p['type_id']))};" for p, n in both)

    def function(self, name):
        place = self.first.get(("function", name))
        return place and self.go(place, place[1]["type_id"])

    def answer(self, sort, name):
        if sort == "constant":
            value, place = self.constants[name]
            return f"{value} {self.text(place)}"
        if sort == "function":
            proto = self.function(name)
            return self.params(proto, None, 0) + self.pointer(self.go(proto, proto[1]["ret_type_id"]))
        if sort == "raw_tracepoint":
            place = self.strip(self.first["type", "btf_trace_" + name])
            proto = self.go(place, place[1]["type_id"])
            return self.params(proto, self.function("__traceiter_" + name), 1)
        place = self.first.get((sort, name)) or self.first["fwd", name]
        if sort == "type":
            return self.pointer(place)
        values = "".join(f"{v['name']}={self.value_of(place[1], v)};" for v in place[1].get("values", []))
        return self.text(place, inside=False) + values


def ask(questions):
    done = subprocess.run(
        [os.environ["BTF_DUMP"], DIRECTORY], input="\n".join(questions), stdout=subprocess.PIPE,
        text=True, check=False,
    )
    if done.returncode:
        fail(f"btf_dump ended with status {done.returncode}")
    answers = done.stdout.splitlines()
    if len(answers) != len(questions):
        fail(f"{len(questions)} questions, {len(answers)} answers")
    return [answer.removeprefix(question + ": ") for question, answer in zip(questions, answers)]


def compare(kernel, sort, names):
    names = sorted(names)[:: 1 if SLOWNESS == 1 else 20]
    wrong = []
    for name, got in zip(names, ask([f"{sort} {name}" for name in names])):
        want = kernel.answer(sort, name)
        if got != want:
            wrong.append(f"{sort} {name}\n  got  {got}\n  want {want}")
    print("\n".join(wrong[:5]))
    check(not wrong, f"{sort}: {len(names)} are as bpftool has them")


def named(kernel, sort):
    return [name for s, name in kernel.first if s == sort]


def main():
    if not os.access(f"{DIRECTORY}/vmlinux", os.R_OK):
        skip(f"{DIRECTORY}/vmlinux cannot be read")
    if not shutil.which("bpftool"):
        skip("bpftool is not installed")
    kernel = Kernel(DIRECTORY)
    print(f"{len(kernel.files) - 1} modules, {sum(len(f) for f in kernel.files)} types")

    for sort in ("struct", "union", "enum", "type", "function"):
        compare(kernel, sort, named(kernel, sort))
    forward = [(place[1]["fwd_kind"], name) for (s, name), place in kernel.first.items() if s == "fwd"]
    for sort in ("struct", "union"):
        compare(kernel, sort, [name for s, name in forward if s == sort])
    compare(kernel, "constant", kernel.constants)
    events = [name.removeprefix("btf_trace_") for name in named(kernel, "type") if name.startswith("btf_trace_")]
    compare(kernel, "raw_tracepoint", events)

    for sort in ("struct", "union", "enum"):
        [listed] = ask([f"list {sort}"])
        check(listed.split() == named(kernel, sort), f"list {sort}: each once, in their order")
    absent = [f"{sort} no_such_name" for sort in ("struct", "type", "constant", "function", "raw_tracepoint")]
    check(ask(absent) == [f"error {ENOENT}"] * len(absent), "what there is not is not found")

    if os.geteuid() or DIRECTORY != "/sys/kernel/btf" or ("function", "bpf_iter_task") not in kernel.first:
        skip("the comparison passed; loading programs needs root and this kernel's BTF")
    loads = ["load_iter bpf_iter_task", "load_raw_tracepoint sched_switch"]
    check(ask(loads) == ["loaded"] * len(loads), "the kernel takes the numbers of functions and tracepoints")
    of_modules = [e for e in events if kernel.first["type", "btf_trace_" + e][0]][:3]
    if of_modules:
        got = ask([f"load_raw_tracepoint {e}" for e in of_modules])
        check(set(got) == {"loaded"}, f"and those of modules: {' '.join(of_modules)}")


main()

"""Random well-typed expressions over the whole language.

A type is a word, or ("t", types) for tuples and ("r", ((name, type), ...)) for records:

    n  number            s  text              b  bool             e  enum color
    P  int32 *           T  task_struct *     O  struct own *     o  struct own
    a8 uint8[8]          i4 uint8[4]          i6 uint8[16]        name  probe, func
    x:NAME  what the function NAME returns for user space to show
"""

BINARY = ["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", "==", "!=", "<", "<=", ">",
          ">=", "&&", "||"]
CASTS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool"]
LENGTHS = [1, 2, 3, 7, 8, 15, 16, 31, 63, 64, 65, 100, 200, 1024, 4096, 16384]
# Members of what every program defines: see HEADER of programs.
OWN = {"n": ["a", "b", "c", "d", "e", "f[1]", "f[$i]", "in.x", "u.whole", "u.half"],
       "s": ["name"], "O": ["next"], "T": ["task"], "a8": ["bytes"]}
TASK = {"n": ["pid", "tgid", "flags", "se.vruntime", "start_time", "prio", "mm.total_vm",
              "real_parent.pid", "group_leader.start_time"],
        "s": ["comm", "group_leader.comm"],
        "T": ["real_parent", "group_leader", "parent"]}
NUMBERS = ("n", "b", "e")
OPTIONAL, LITERAL, REST = 2, 1, 4
MAX_DEPTH = 5

# Functions and values that only some points have.
NEEDS = {"reg": "regs", "usermode": "regs", "uaddr": "uaddr", "func": "func",
         "path": "path", "socket_cookie": "socket", "override": "override",
         "signal": "process", "signal_thread": "process"}


class Expressions:
    """The text of expressions. What programs consist of besides is in language.py."""

    def __init__(self, rng, rows, point):
        self.rng = rng
        self.rows = {r["name"]: r for r in rows}
        self.point = point
        self.maps = {}      # name -> (key types, value type or None, aggregation)
        self.scopes = []    # of the clause: type -> texts that have it
        self.macros = []    # (name, parameters' types, type)
        self.budget = 0     # of nodes
        self.texts = 0      # of texts in one statement: each takes memory
        self.max_strlen = 64
        self.used = set()   # rows
        self.unique = 0
        self.shown = [r["name"] for r in rows if r["returns"] in ("shown", "time")]
        # How values are shown is part of their types: the same way in all of a program.
        self.shape = {"time": self.pick("%H:%M:%S", "%Y %f", "%%", ""),
                      "clock": self.pick("nsecs", "nsecs(monotonic)", "$n"),
                      "kstack": self.pick("bpftrace", "perf", "raw, 3", "127", "1"),
                      "ustack": self.pick("bpftrace", "perf, 16", "raw", "build_id", "2"),
                      "cgroup": self.pick("", ', "unified"')}
        self.plain = {}     # type -> rows that have it, by their signatures
        for r in rows:
            kind = {"int": "n", "str": "s"}.get(r["returns"])
            if kind and r["kind"] in ("value", "function"):
                self.plain.setdefault(kind, []).append(r["name"])

    # small things

    def pick(self, *items):
        return items[self.rng.randrange(len(items))]

    def chance(self, p):
        return self.rng.random() < p

    def fresh(self, prefix="$v"):
        self.unique += 1
        return f"{prefix}{self.unique}"

    def declare(self, text, t, depth=0):
        """An expression, and its parts, can be read from here on."""
        scope = self.scopes[-1]
        scope.setdefault(t, []).append(text)
        if depth > 2:
            return
        for suffix, part in self.parts(t):
            self.declare(text + suffix, part, depth + 1)

    def parts(self, t):
        if t[0] == "t":
            return [(f".{i}", p) for i, p in enumerate(t[1])]
        if t[0] == "r":
            return [(f".{name}", p) for name, p in t[1]]
        if t in ("a8", "i4", "i6"):
            return [("[1]", "n")]
        members, between = {"o": (OWN, "."), "O": (OWN, "->"),
                            "T": (TASK, self.pick(".", "->"))}.get(t, ({}, ""))
        return [(between + self.rng.choice(names).replace("$i", str(self.rng.randrange(3))), part)
                for part, names in members.items()]

    def visible(self, t):
        return [text for scope in self.scopes for text in scope.get(t, ())]

    def has(self, name):
        need = NEEDS.get(name)
        return name in self.rows and (not need or need in self.point.features)

    def random_type(self, depth=0):
        r = self.rng.random()
        if r < 0.40:
            return "n"
        if r < 0.58:
            return "s"
        if r < 0.66 and depth < 2:
            return ("t", tuple(self.random_type(depth + 1)
                               for _ in range(self.rng.choice([2, 2, 3, 4]))))
        if r < 0.74 and depth < 2:
            n = self.rng.choice([1, 2, 3])
            return ("r", tuple((f"m{i}", self.random_type(depth + 1)) for i in range(n)))
        if r < 0.84:
            return self.pick("b", "e", "P", "T", "O", "o", "a8", "i4", "i6", "name")
        return "x:" + self.rng.choice(self.shown)

    # any type

    def expr(self, t, depth=0):
        """An expression of type t."""
        self.budget -= 1
        if self.budget > 0 and depth < MAX_DEPTH:
            r = self.rng.random()
            if r < 0.25:
                known = self.visible(t)
                if known:
                    return self.rng.choice(known)
            elif r < 0.31:
                read = self.read_map(t, depth)
                if read:
                    return read
            elif r < 0.35 and t not in ("o",):
                return (f"({self.truth(depth + 1)} ? {self.expr(t, depth + 1)} : "
                        f"{self.expr(t, depth + 1)})")
            elif r < 0.36:
                return self.block_value(t, depth)
            elif r < 0.38:
                call = self.macro(t, depth)
                if call:
                    return call
        return self.make(t, depth)

    def make(self, t, depth):
        if t[0] == "t":
            return "(" + ", ".join(self.expr(p, depth + 1) for p in t[1]) + ")"
        if t[0] == "r":
            return "(" + ", ".join(f"{n} = {self.expr(p, depth + 1)}" for n, p in t[1]) + ")"
        if t.startswith("x:"):
            return self.call(t[2:], depth)
        return getattr(self, "make_" + t)(depth)

    def block_value(self, t, depth):
        name = self.fresh()
        kind = self.pick("n", "s")
        value = self.expr(kind, depth + 1)
        self.scopes.append({})
        self.declare(name, kind)
        text = f"({{ let {name} = {value}; {self.expr(t, depth + 1)} }})"
        self.scopes.pop()
        return text

    def macro(self, t, depth):
        known = [m for m in self.macros if m[2] == t]
        if not known:
            return None
        name, params, _ = self.rng.choice(known)
        args = [self.macro_argument(p, depth + 1) for p in params]
        return f"{name}({', '.join(args)})" if None not in args else None

    def macro_argument(self, param, depth):
        """$n and @n: a variable and a map, which the macro may change."""
        if param == "$n":
            names = self.variables("n")
        elif param == "@n":
            names = [m for m, (keys, value, aggregation) in self.maps.items()
                     if value == "n" and not keys and not aggregation]
        else:
            return self.expr(param, depth)
        return self.rng.choice(names) if names else None

    # maps

    def key(self, types, depth):
        if not types:
            return ""
        parts = [self.expr(t, depth + 2) for t in types]
        if len(parts) > 1 and self.chance(0.15):
            return "[(" + ", ".join(parts) + ")]"
        return "[" + ", ".join(parts) + "]"

    def place(self, name, depth):
        return name + self.key(self.maps[name][0], depth)

    def read_map(self, t, depth):
        if depth > 3:
            return None
        names = [n for n, (_, value, _) in self.maps.items() if value == t]
        if names:
            return self.place(self.rng.choice(names), depth)
        return None

    def keyed_map(self, depth, want=lambda value, aggregation: True):
        """(map, its key as text)"""
        names = [n for n, (k, value, agg) in self.maps.items() if k and want(value, agg)]
        if not names or depth > 3:
            return None, None
        name = self.rng.choice(names)
        return name, self.key(self.maps[name][0], depth)

    # numbers

    def literal(self):
        r = self.rng.random()
        if r < 0.5:
            return str(self.rng.randrange(1, 20))
        if r < 0.65:
            return hex(self.rng.getrandbits(self.rng.randrange(1, 64)) | 1)
        if r < 0.8:
            return self.pick("1ns", "5us", "2ms", "1s", "1m", "1h", "1d", "1e6", "1_000",
                             "052", "true", "LIMIT", "RED", "TCP_LISTEN")
        return str(self.rng.getrandbits(62) + 1)

    def truth(self, depth):
        r = self.rng.random()
        if r < 0.3:
            return self.expr("b", depth)
        return self.expr("n", depth)

    def make_b(self, depth):
        if depth >= MAX_DEPTH or self.budget <= 0:
            return self.pick("true", "false", "(pid > 5)")
        if self.chance(0.3):
            return f"(bool){self.expr('n', depth + 1)}"
        return self.compare(depth)

    def make_e(self, _depth):
        return self.pick("RED", "GREEN", "(enum color)5", "BLUE")

    def compare(self, depth):
        r = self.rng.random()
        if r < 0.6:
            op = self.pick("==", "!=", "<", "<=", ">", ">=")
            return f"({self.expr('n', depth + 1)} {op} {self.expr('n', depth + 1)})"
        op = self.pick("==", "!=")
        if r < 0.8 and self.texts < 6:
            return f"({self.expr('s', depth + 1)} {op} {self.expr('s', depth + 1)})"
        t = self.pick(("t", ("n", "n")), ("t", ("n", ("t", ("b", "n")))), "P", "T",
                      ("r", (("m0", "n"), ("m1", "n"))))
        return f"({self.expr(t, depth + 1)} {op} {self.expr(t, depth + 1)})"

    def make_n(self, depth):
        r = self.rng.random()
        if depth >= MAX_DEPTH or self.budget <= 0 or r < 0.12:
            return self.literal()
        if r < 0.25 and self.point.numbers:
            return self.rng.choice(self.point.numbers)
        if r < 0.40:
            return self.call(self.rng.choice(self.plain["n"]), depth)
        if r < 0.62:
            return self.binary(depth)
        if r < 0.68:
            return self.pick("-", "!", "~") + f"({self.expr('n', depth + 1)})"
        if r < 0.74:
            return f"({self.rng.choice(CASTS)})({self.expr('n', depth + 1)})"
        if r < 0.78:
            return self.compare(depth)
        if r < 0.81:
            return self.step(depth)
        if r < 0.84:
            return self.from_array(depth)
        if r < 0.87:
            return f"*({self.rng.choice(CASTS[:-1])} *)({self.expr('n', depth + 1)})"
        if r < 0.89:
            return f"({self.expr('P', depth + 1)})[{self.rng.randrange(4)}]"
        if r < 0.94:
            t = self.pick("T", "T", "O")
            members = (TASK if t == "T" else OWN)["n"]
            member = self.rng.choice(members).replace("$i", str(self.rng.randrange(3)))
            return f"{self.expr(t, depth + 1)}->{member}"
        if r < 0.96:
            return f"(uint64){self.expr(self.pick('P', 'T', 'O'), depth + 1)}"
        if r < 0.98:
            return f"({self.expr('P', depth + 1)} - {self.expr('P', depth + 1)})"
        return self.pick("$1", "$#", f"(int64){self.expr('b', depth + 1)}")

    def binary(self, depth):
        op = self.rng.choice(BINARY)
        left, right = self.expr("n", depth + 1), self.expr("n", depth + 1)
        if op in ("/", "%") and right.isdigit():
            right = f"({right} | 1)"  # others are 0 at times, and then a loss that is counted
        return f"({left} {op} {right})"

    def step(self, depth):
        op = self.pick("++", "--")
        names = [v for v in self.visible("n") if v.startswith("$v") and v[2:].isdigit()]
        if names and self.chance(0.5):
            name = self.rng.choice(names)
            return op + name if self.chance(0.3) else name + op
        names = [n for n, (_, value, agg) in self.maps.items() if value == "n" and not agg]
        if names and depth <= 3:
            return self.place(self.rng.choice(names), depth) + op
        return "8"

    def from_array(self, depth):
        kind = self.pick("a8", "i4", "i6", "s")
        r = self.rng.random()
        array = self.expr(kind, depth + 1)
        if kind == "s" or r < 0.5:
            index = self.rng.randrange({"s": 1}.get(kind, 4))
            return f"({array})[{index}]"
        if r < 0.7:
            return f"({array})[pid + {self.expr('n', depth + 2)}]"
        return f"(uint64)({array})" if kind == "a8" else f"(uint32)({self.expr('i4', depth + 1)})"

    # texts

    def quoted(self, low=0, high=150):
        n = self.pick(low, 1, 5, 7, 8, 9, 15, 16, 63, 64, 65, self.rng.randrange(low, high))
        n = min(max(n, low), high)
        if self.chance(0.01):
            n = self.rng.randrange(high, 1000) if high >= 150 else n
        return '"' + "".join(self.rng.choice("abcxyz 01'?.") for _ in range(n)) + '"'

    def address(self, depth):
        if self.point.addresses and self.chance(0.7):
            return self.rng.choice(self.point.addresses)
        return self.pick("12345", "(uint64)curtask", f"kptr({self.expr('n', depth + 2)})",
                         f"uptr({self.expr('n', depth + 2)})", f"{self.expr('P', depth + 2)}")

    def make_s(self, depth):
        self.texts += 1
        r = self.rng.random()
        if depth >= MAX_DEPTH or self.texts > 8 or r < 0.15:
            return self.pick("comm", self.quoted(), '""')
        if r < 0.45:
            return self.call("str", depth)
        if r < 0.60 and self.point.texts:
            return self.rng.choice(self.point.texts)
        if r < 0.70:
            t = self.pick("T", "T", "O")
            return f"{self.expr(t, depth + 1)}->{self.rng.choice((TASK if t == 'T' else OWN)['s'])}"
        if r < 0.73:
            return 'getopt("text", "abc", "a text")'
        return self.call(self.rng.choice(self.plain["s"]), depth)

    def make_name(self, _depth):
        return "func" if self.has("func") and self.chance(0.3) else "probe"

    # addresses, structs, arrays

    def make_P(self, depth):
        r = self.rng.random()
        if depth >= MAX_DEPTH or r < 0.5:
            return f"((int32 *)({self.expr('n', depth + 1)}))"
        if r < 0.8:
            return f"({self.expr('P', depth + 1)} {self.pick('+', '-')} {self.expr('n', depth + 2)})"
        return f"(&{self.expr('O', depth + 1)}->f[{self.rng.randrange(3)}])"

    def make_T(self, depth):
        r = self.rng.random()
        if r < 0.3 and self.point.tasks:
            return self.rng.choice(self.point.tasks)
        if r < 0.6 or depth >= MAX_DEPTH:
            return "curtask"
        if r < 0.7:
            return f"container_of(&{self.expr('T', depth + 1)}->se, struct task_struct, se)"
        if r < 0.85:
            return f"{self.expr('T', depth + 1)}->{self.rng.choice(TASK['T'])}"
        return f"((struct task_struct *)({self.expr('n', depth + 1)}))"

    def make_O(self, depth):
        if depth < MAX_DEPTH and self.chance(0.2):
            return f"{self.expr('O', depth + 1)}->next"
        return f"((struct own *)({self.address(depth + 1)}))"

    def make_o(self, depth):
        return f"*{self.expr('O', depth + 1)}"

    def make_a8(self, depth):
        if depth < MAX_DEPTH and self.chance(0.2):
            return f"{self.expr('O', depth + 1)}->bytes"
        return f"(uint8[8])({self.expr('n', depth + 1)})"

    def make_i4(self, depth):
        if self.chance(0.5) or depth >= MAX_DEPTH:
            return 'pton("127.0.0.1")'
        return f"(uint8[4])({self.expr('n', depth + 1)})"

    def make_i6(self, _depth):
        return self.pick('pton("::1")', 'pton("fe80::1:2")')

    # functions

    def call(self, name, depth):
        """A call of a row, by its own rules below or by what its signature says."""
        if not self.has(name):
            return {"n": "6", "s": "comm"}.get(
                {"int": "n", "str": "s"}.get(self.rows[name]["returns"]), "6")
        text = getattr(self, "call_" + name, lambda depth: self.by_signature(name, depth))(depth)
        if text is None:
            return self.literal()
        self.used.add(name)
        return text

    def by_signature(self, name, depth):
        row = self.rows[name]
        args = []
        for p in row["params"]:
            if p["flags"] & OPTIONAL and self.chance(0.5):
                break
            args.append(self.argument(p, depth))
            if p["flags"] & REST:
                break
        if not args and row["kind"] == "value":
            return name
        return f"{name}({', '.join(args)})"

    def argument(self, p, depth):
        if p["flags"] & LITERAL:
            if p["type"] == "int":
                low, high = (p["min"], p["max"]) if p["max"] else (1, 20)
                return str(self.rng.randrange(low, min(high, low + 100) + 1))
            return self.quoted(1, 16)
        kind = {"int": "n", "str": "s", "ptr": "T"}.get(p["type"])
        return self.expr(kind or self.pick("n", "s"), depth + 1)

    def call_pid(self, _depth):
        return self.pick("pid", "pid(init)", "pid(curr_ns)", "pid")

    def call_tid(self, _depth):
        return self.pick("tid", "tid(init)", "tid(curr_ns)", "tid")

    def call_nsecs(self, _depth):
        return "nsecs" + self.pick("", "", "(boot)", "(monotonic)", "(sw_tai)")

    def call_reg(self, _depth):
        return f'reg("{self.pick("ip", "sp", "di", "ax", "r12", "flags")}")'

    def call_bswap(self, depth):
        return f"bswap(({self.rng.choice(CASTS[:-1])})({self.expr('n', depth + 1)}))"

    def call_cgroupid(self, _depth):
        return f'cgroupid("{self.point.cgroup}")' if self.point.cgroup else None

    def call_cgroup_path(self, depth):
        return f"cgroup_path({self.expr('n', depth + 1)}{self.shape['cgroup']})"

    def call_ntop(self, depth):
        r = self.rng.random()
        if r < 0.4:
            return f"ntop({self.expr(self.pick('i4', 'i6'), depth + 1)})"
        if r < 0.6:
            return f"ntop(2, {self.expr('i4', depth + 1)})"
        if r < 0.8:
            return f"ntop((uint32)({self.expr('n', depth + 1)}))"
        return f"ntop({self.expr('n', depth + 1)}, {self.expr('i6', depth + 1)})"

    def call_macaddr(self, depth):
        return f"macaddr({self.pick('(uint8[6])', '(uint8 *)')}({self.expr('n', depth + 1)}))" \
            if self.chance(0.3) else f"macaddr((uint8 *)({self.expr('n', depth + 1)}))"

    def call_path(self, _depth):
        return f"path(ctx.file.f_path{self.pick('', ', 9', ', 1', ', 4096')})"

    def call_socket_cookie(self, _depth):
        return "socket_cookie(args.sk)"

    def stack(self, name):
        return f"{name}({self.shape[name]})"

    def call_kstack(self, _depth):
        return self.stack("kstack")

    def call_ustack(self, _depth):
        return self.stack("ustack")

    def call_len(self, depth):
        name, _ = self.keyed_map(depth)
        if name and self.chance(0.6):
            return f"len({name})"
        return f"len({self.expr('x:' + self.pick('kstack', 'ustack'), depth + 1)})"

    def call_ksym(self, depth):
        return f"ksym({self.expr(self.pick('n', 'T'), depth + 1)})"

    def call_usym(self, depth):
        return f"usym({self.expr(self.pick('n', 'P'), depth + 1)})"

    def call_kaddr(self, _depth):
        return 'kaddr("vfs_read")' if self.chance(0.03) else None  # reads all symbols

    def call_percpu_kaddr(self, depth):
        if not self.point.variables or self.chance(0.8):
            return None
        more = self.pick("", f", {self.expr('n', depth + 1)}")
        return f'(uint64)percpu_kaddr("runqueues"{more})'

    def call_uaddr(self, _depth):
        return '(uint64)uaddr("data_read")'

    def call_strftime(self, _depth):
        clock = self.shape["clock"].replace("$n", self.pick("(uint64)pid", "(uint64)5"))
        return f'strftime("{self.shape["time"]}", {clock})'

    def call_str(self, depth):
        r = self.rng.random()
        if r < 0.5:
            return f"str({self.address(depth)})"
        if r < 0.85:
            n = min(self.rng.choice(LENGTHS), max(self.max_strlen * 4, 64), 16384)
            return f"str({self.address(depth)}, {n})"
        if r < 0.9:
            return f"str({self.expr('O', depth + 1)}->name)"
        return f"str({self.address(depth)}, {self.length(depth)})"

    def length(self, depth):
        """Of bytes; a constant one would have to be in range."""
        return f"(({self.expr('n', depth + 1)} & 255) | 1)"

    def call_strcap(self, depth):
        return f"strcap({self.expr('s', depth + 1)})"

    def call_strncmp(self, depth):
        n = self.pick(1, 3, 8, 16, 64, 100, 4096, 16387)
        return f"strncmp({self.expr('s', depth + 1)}, {self.expr('s', depth + 1)}, {n})"

    def call_strcontains(self, depth):
        return self.search("strcontains", depth)

    def call_strstr(self, depth):
        return self.search("strstr", depth)

    def search(self, name, depth):
        needle = self.quoted(1, 63) if self.chance(0.7) else self.expr("s", depth + 1)
        return f"{name}({self.expr('s', depth + 1)}, {needle})"

    def call_getopt(self, _depth):
        return self.pick('getopt("flag")', 'getopt("n", 5)', 'getopt("time", 10ms, "how long")')

    def call_normalize(self, depth):
        return f"normalize({self.expr('s', depth + 1)}{self.pick('', ', sql', ', mysql')})"

    def call_buf(self, depth):
        r = self.rng.random()
        if r < 0.4:
            return f"buf({self.address(depth)}{self.pick('', ', 1', ', 64', ', 1000')})"
        if r < 0.7:
            return f"buf({self.expr(self.pick('a8', 'i4', 'i6'), depth + 1)}{self.pick('', ', 3')})"
        return f"buf({self.address(depth)}, {self.length(depth)})"

    def call_memcmp(self, depth):
        t, most = self.pick(("s", 4096), ("a8", 8), ("i4", 4), (("t", ("n", "n")), 16))
        n = self.rng.randrange(1, min(most, 64) + 1)
        if t == "s":
            return f"memcmp({self.expr(t, depth + 1)}, {self.expr(t, depth + 1)}, 1)"
        return f"memcmp({self.expr(t, depth + 1)}, {self.expr(t, depth + 1)}, {n})"

    def call_kptr(self, depth):
        return f"(uint64)kptr({self.expr(self.pick('n', 'P'), depth + 1)})"

    def call_uptr(self, depth):
        return f"(uint64)uptr({self.expr(self.pick('n', 'P'), depth + 1)})"

    def call_skboutput(self, depth):
        return (f'skboutput("/nowhere/x.pcap", (struct sk_buff *)({self.expr("n", depth + 1)}), '
                f'{self.pick("64", self.length(depth))}, {self.pick("0", "14")})')

    def call_delete(self, depth):
        return self.with_key("delete", depth)

    def call_has_key(self, depth):
        return self.with_key("has_key", depth)

    def with_key(self, name, depth):
        m, key = self.keyed_map(depth)
        if not m:
            return None
        return f"{name}({m}{key})" if self.chance(0.5) else f"{name}({m}, {key[1:-1]})"

    def call_find(self, depth):
        """The variable must be there: one of the map's type."""
        m, key = self.keyed_map(depth, lambda value, agg: not agg and self.variables(value))
        if not m:
            return None
        variable = self.rng.choice(self.variables(self.maps[m][1]))
        return f"find({m}{key}, {variable})"

    def variables(self, t):
        return [v for v in self.visible(t) if v.startswith("$v") and v[2:].isdigit()]

    def call_sizeof(self, depth):
        what = self.pick("struct own", "struct task_struct", "uint16", "enum color",
                         self.expr("n", depth + 2))
        return f"sizeof({what})"

    def call_offsetof(self, _depth):
        return self.pick("offsetof(struct own, f)", "offsetof(struct task_struct, se.vruntime)")

    def call_container_of(self, depth):
        return f"container_of(&{self.expr('T', depth + 1)}->se, struct task_struct, se)"

    def anything(self, depth):
        return self.expr(self.random_type(1), depth + 1)


def type_test(name):
    return lambda self, depth: f"{name}({self.anything(depth)})"


for row in ("is_str", "is_ptr", "is_array", "is_integer", "is_unsigned_integer", "is_literal"):
    setattr(Expressions, "call_" + row, type_test(row))

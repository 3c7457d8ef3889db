"""Random well-typed programs over the whole language. A program has a number, and the same
number is the same program, on machines that have the same attach points."""

import random
import re

from expressions import LITERAL, NEEDS, OPTIONAL, REST, Expressions
from points import Point

HEADER = """#define LIMIT (4 << 10)
enum color { RED, GREEN = 5, BLUE };
struct own { int8 a; uint16 b; unsigned c : 3; int d : 5; uint64 e; char name[12]; int f[3];
	uint8 bytes[8]; struct { int x; short y; } in; union { uint32 whole; uint16 half; } u;
	struct own *next; struct task_struct *task; };
"""
# Aggregations by the row's name; others by their signature.
AGGREGATIONS = {
    "hist": ["hist(%)", "hist(%, 3)", "hist(%, 6)"],
    "lhist": ["lhist(%, 0, 1000, 10)", "lhist((int64)(%), -100, 100, 1)"],
    "tseries": ["tseries(%, 1s, 5)", 'tseries(%, 100ms, 20, "sum")', 'tseries(%, 1s, 3, "avg")',
                'tseries(%, 1s, 4, "min")', 'tseries(%, 1s, 4, "max")'],
}
READABLE = ("count", "sum", "min", "max", "avg")  # in a program, as numbers
FORMATS = ["%d", "%x", "%llu", "%-8d", "%08x", "%c", "%u", "%o", "%hhd", "%+5d", "%#x", "%p",
           "%s", "%gr"]
COMPOUND = ["+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="]
STATEMENTS = ["assign_map"] * 14 + ["assign_var"] * 10 + ["printf"] * 7 + ["print"] * 4 + [
    "branch"] * 9 + ["loop"] * 5 + ["action"] * 6 + ["call"] * 2 + ["member"] * 2 + [
    "delete"] * 2 + ["block", "leave", "span", "span", "event", "typed", "find"]


class Program(Expressions):
    def __init__(self, number, rows, points, seeds=()):
        rng = random.Random(number)
        super().__init__(rng, rows, points[0])
        self.number = number
        self.points = points
        self.seeds = seeds
        self.max_strlen = rng.choice([1, 15, 64, 64, 64, 200, 200, 1024, 1024, 4096, 16384])
        self.loops = 0
        self.spans = []   # (name, key types, members)
        self.events = []  # (name, members)
        self.in_event = self.fired = False
        self.anywhere = Point("END")  # what is written elsewhere has nothing of its own

    def pick_point(self, features=None):
        while True:
            p = self.rng.choice(self.points)
            if features is None or features & p.features or p.text in ("BEGIN", "END"):
                return p

    # what there is before the clauses

    def config(self):
        lines = [f"max_strlen = {self.max_strlen};",
                 f"max_map_keys = {self.pick(1, 16, 64, 64, 500)};"]
        if self.chance(0.1):
            lines.append(f"stack_mode = {self.pick('perf', 'raw', 'build_id')};")
        if self.chance(0.1):
            lines.append(f'str_trunc_trailer = "{self.pick("", "~", "..", "abc")}";')
        if self.chance(0.1):
            lines.append("print_maps_on_exit = false;")
        return "config = { " + " ".join(lines) + " }\n"

    def new_maps(self):
        text = ""
        for i in range(self.rng.choice([1, 1, 2, 2, 3, 4, 7])):
            keys = tuple(self.random_type() for _ in
                         range(self.rng.choice([0, 0, 1, 1, 1, 2, 2, 3, 6])))
            value, aggregation = self.random_type(), None
            if self.chance(0.45):
                aggregation = self.rng.choice(self.aggregations())
                value = "n" if aggregation.split("(")[0] in READABLE else None
            self.maps[f"@m{i}"] = (keys, value, aggregation)
            if keys and self.chance(0.1):
                kind = self.pick("hash", "lruhash", "percpuhash", "percpulruhash")
                text += f"let @m{i} = {kind}({self.pick(1, 10, 100)});\n"
        return text

    def aggregations(self):
        known = []
        for row in self.rows.values():
            if row["kind"] == "aggregation":
                known += AGGREGATIONS.get(row["name"]) or [self.signature_of(row)]
        return known

    def signature_of(self, row):
        args = [str(max(p["min"], 1)) if p["flags"] & LITERAL else "%"
                for p in row["params"] if not p["flags"] & (OPTIONAL | REST)]
        return f"{row['name']}({', '.join(args)})"

    def aggregate(self, aggregation, value):
        self.used.add(aggregation.split("(")[0])
        return aggregation.replace("%", value)

    def new_macros(self):
        text = ""
        self.point = self.anywhere
        for _ in range(self.rng.choice([0, 0, 1, 2])):
            name, t = self.fresh("m"), self.pick("n", "n", "s")
            params = [self.pick("n", "s", "$n", "@n") for _ in range(self.rng.randrange(4))]
            names = [f"{p[0] if len(p) > 1 else ''}x{i}" for i, p in enumerate(params)]
            self.scopes = [{}]
            self.budget, self.texts, known = 10, 4, self.maps
            self.maps = {}  # macros see those only that they are given
            for x, p in zip(names, params):
                if p == "@n":
                    self.maps[x] = ((), "n", None)
                else:
                    self.declare(x, p[-1])
            body = " ".join(self.change(x) for x in names if x[0] in "$@") + " " + self.expr(t, 2)
            self.maps = known
            text += f"macro {name}({', '.join(names)}) {{ {body} }}\n"
            self.macros.append((name, params, t))
        return text

    def change(self, place):
        """A statement that changes a number: a variable or a map without keys."""
        return self.pick(f"{place}++;", f"{place} {self.rng.choice(COMPOUND)} {self.expr('n', 3)};",
                         f"if ({place} > 3) {{ {place} = {self.expr('n', 3)}; }}")

    def new_spans(self):
        text = ""
        if self.chance(0.2):
            name = self.fresh("span")
            members = [(f"s{i}", self.pick("n", "s", "b")) for i in range(self.rng.randrange(1, 4))]
            zero = {"n": "0", "s": '""', "b": "false"}
            values = ", ".join(f"{m} = {zero[t]}" for m, t in members)
            text += f"let @{name} = span(({values}));\n"
            self.spans.append((name, [self.pick("n", "s", "n")], members))
        if self.chance(0.15):
            self.events.append((self.fresh("ev") + ":slow",
                                [("e0", self.pick("n", "s")), ("e1", "n")]))
        return text

    # statements

    def block(self, depth, most=5):
        self.scopes.append({})
        body = " ".join(self.statement(depth) for _ in range(self.rng.randrange(1, most)))
        self.scopes.pop()
        return "{ " + body + " }"

    def statement(self, depth=0):
        self.texts = 0
        self.budget = self.pick(3, 5, 8, 12, 20)
        return getattr(self, "do_" + self.rng.choice(STATEMENTS))(depth)

    def do_assign_map(self, _depth):
        name = self.rng.choice(list(self.maps))
        _, value, aggregation = self.maps[name]
        place = self.place(name, 1)
        if aggregation:
            return f"{place} = {self.aggregate(aggregation, self.expr('n', 1))};"
        if value == "n" and self.chance(0.4):
            if self.chance(0.3):
                return f"{place}{self.pick('++', '--')};"
            return f"{place} {self.rng.choice(COMPOUND)} {self.expr('n')};"
        return f"{place} = {self.expr(value)};"

    def do_assign_var(self, _depth):
        t = self.random_type()
        known = self.variables(t)
        if known and self.chance(0.5):
            name = self.rng.choice(known)
            if t == "n" and self.chance(0.5):
                return f"{name} {self.rng.choice(COMPOUND)} {self.expr('n')};"
            return f"{name} = {self.expr(t)};"
        value, name = self.expr(t), self.fresh()
        self.declare(name, t)
        return f"{self.pick('let ', '')}{name} = {value};"

    def do_typed(self, _depth):
        word, t = self.pick(("uint8", "n"), ("int32", "n"), ("string[16]", "s"), ("bool", "b"),
                            ("(int32, string[16])", ("t", ("n", "s"))),
                            ("(m0 = uint32, m1 = string[7])", ("r", (("m0", "n"), ("m1", "s")))),
                            ("struct own", "o"), ("int32 *", "P"))
        value, name = self.expr(t, 1), self.fresh()
        self.scopes[-1].setdefault(t, []).append(name)
        return f"let {name} : {word} = {value};" if self.chance(0.6) else \
            f"let {name} : {word}; {name} = {value};"

    def formatted(self, most=6):
        """A format and its values, with a comma before each."""
        fmt, args = "", ""
        for _ in range(self.rng.randrange(0, most)):
            r = self.rng.random()
            if r < 0.35:
                fmt += self.pick("%s ", "%-10s ", "%.5s ") if r < 0.3 else "%s%% "
                args += ", " + self.expr("s", 1)
            elif r < 0.6:
                fmt += self.rng.choice(FORMATS) + " "
                args += ", " + self.expr("n", 1)
            elif r < 0.7:
                fmt += self.pick("%r ", "%rx ", "%rh ")
                args += ", " + self.expr(self.pick("x:buf", "a8", "s"), 1)
            else:
                fmt += "%s "
                t = self.random_type()
                args += ", " + self.expr(t, 1)
        return f'"{fmt}"{args}'

    def do_printf(self, _depth):
        name = self.pick("printf", "printf", "printf", "printf", "errorf", "warnf", "cat",
                         "system", "debugf")
        self.used.add(name)
        if name == "debugf":
            return f'debugf("%d %llx %s", {self.expr("n")}, {self.expr("n")}, {self.expr("s")});'
        return f"{name}({self.formatted()});"

    def do_print(self, _depth):
        self.used.add("print")
        r = self.rng.random()
        name = self.rng.choice(list(self.maps))
        more = self.pick("", "", ", 5", ", 3, 1000")
        if r < 0.3:
            return f"print({name}{more});"
        if r < 0.5 and self.maps[name][0]:
            return f"print({self.place(name, 1)});"
        return f"print({self.expr(self.random_type())});"

    def do_branch(self, depth):
        if depth >= 4:
            return self.do_assign_map(depth)
        out = f"if ({self.truth(1)}) {self.block(depth + 1)}"
        if self.chance(0.2):
            out += f" else if ({self.truth(2)}) {self.block(depth + 1)}"
        if self.chance(0.4):
            out += f" else {self.block(depth + 1)}"
        return out

    def do_loop(self, depth):
        if depth >= 3 or self.loops >= 3:
            return self.do_assign_var(depth)
        r = self.rng.random()
        if r < 0.3:
            self.loops += 1
            text = f"unroll ({self.rng.randrange(1, 6)}) {self.block(depth + 1, 3)}"
            self.loops -= 1
            return text
        self.loops += 1
        self.scopes.append({})
        name = self.fresh()
        if r < 0.55:
            low, high = self.expr("n", 3), self.expr("n", 3)
            self.declare(name, "n")
            text = f"for ({name} : ({low})..({high})) {self.block(depth + 1)}"
        elif r < 0.75:
            text = (f"{name} = 0; while ({name} < {self.rng.randrange(1, 9)}) "
                    f"{{ {name}++; {self.block(depth + 1)} }}")
        else:
            m, _ = self.keyed_map(0, lambda value, _: value)
            if m:
                keys, value, _ = self.maps[m]
                self.declare(name + ".1", value)
                self.declare(name + ".0", keys[0] if len(keys) == 1 else ("t", keys))
                text = f"for ({name} : {m}) {self.block(depth + 1)}"
            else:
                text = self.do_assign_map(depth)
        self.scopes.pop()
        self.loops -= 1
        return text

    def do_action(self, _depth):
        rows = [r for r in self.rows.values()
                if r["returns"] == "void" and r["kind"] in ("action", "function")]
        name = self.rng.choice(rows)["name"]
        if not self.has(name):
            return "_ = 1;"
        own = getattr(self, "act_" + name, None)
        text = own() if own else self.by_signature(name, 1)
        if not text:
            return "_ = rand;"
        self.used.add(name)
        return text + ";"

    def act_printf(self):
        return None

    act_print = act_errorf = act_warnf = act_debugf = act_cat = act_system = act_printf
    act_start = act_done = act_drop = act_fire = act_pton = act_printf

    def act_clear(self):
        return f"clear({self.rng.choice(list(self.maps))})"

    def act_zero(self):
        keys = [m for m, (_, value, agg) in self.maps.items() if agg or value == "n"]
        return f"zero({self.rng.choice(keys)})" if keys else None

    def act_time(self):
        return self.pick("time()", 'time("%H:%M:%S %f")')

    def act_exit(self):
        return self.pick("exit()", f"exit({self.expr('n', 2)})") if self.chance(0.2) else None

    def act_assert(self):
        return f'assert({self.truth(1)}, "message")'

    def act_join(self):
        delimiter = self.pick("", ', ", "', ', ""')
        if "argv" in self.point.features:
            return f"join(args.argv{delimiter})"
        return f"join({self.expr('n', 1)}{delimiter})"

    def act_signal(self):
        return "signal(" + self.pick('"SIGSTOP"', '"HUP"', "9", f"pid + {self.expr('n', 2)}") + ")"

    def act_signal_thread(self):
        return "signal_thread(" + self.pick('"TERM"', "10", f"pid + {self.expr('n', 2)}") + ")"

    def act_override(self):
        return f"override({self.expr('n', 1)})"

    def act_unwatch(self):
        return f"unwatch({self.pick('0x1000', self.expr('n', 1))})"

    def act_static_assert(self):
        return self.pick('static_assert(sizeof(struct own) > 10, "too small")',
                         'static_assert(LIMIT == 4096, "the limit")')

    def act_fail(self):
        return 'if (LIMIT != 4096) { fail("%d", LIMIT); }'

    def do_call(self, depth):
        name = self.rng.choice(self.plain["n"] + self.plain["s"])
        return f"_ = {self.call(name, depth)};"

    def do_member(self, depth):
        places = []
        for name, (_, value, _) in self.maps.items():
            if value and value[0] == "r":
                places += [(name, "." + m, t) for m, t in value[1]]
        if not places:
            return self.do_assign_var(depth)
        name, member, t = self.rng.choice(places)
        place = self.place(name, 1) + member
        if t == "n":
            return self.pick(f"{place}++;", f"{place} {self.rng.choice(COMPOUND)} {self.expr('n')};",
                             f"{place} = {self.expr('n')};")
        return f"{place} = {self.expr(t)};"

    def do_delete(self, _depth):
        return self.call("delete", 1) + ";" if self.keyed_map(1)[0] else "_ = 1;"

    def do_find(self, depth):
        self.used.add("find")
        m, key = self.keyed_map(1, lambda value, agg: value and not agg)
        if not m:
            self.used.discard("find")
            return self.do_assign_var(depth)
        name = self.fresh()
        value = self.maps[m][1]
        self.scopes.append({})
        self.declare(name, value)
        text = f"{{ let {name}; if (find({m}{key}, {name})) {self.block(depth + 1, 3)} }}"
        self.scopes.pop()
        return text

    def do_block(self, depth):
        return self.block(depth + 1, 4)

    def do_leave(self, depth):
        if self.loops and depth > 0 and (self.in_event or self.chance(0.7)):
            return f"if ({self.truth(1)}) {{ {self.pick('break', 'continue')}; }}"
        return f"if ({self.truth(1)}) {{ return; }}"

    def record(self, members):
        given = [m for m in members if self.chance(0.7)]
        return ", (" + ", ".join(f"{n} = {self.expr(t, 1)}" for n, t in given) + ")" if given else ""

    def do_span(self, depth):
        if not self.spans or self.in_event:
            return self.do_assign_map(depth)
        name, keys, members = self.rng.choice(self.spans)
        place = f"@{name}{self.key(keys, 1)}"
        what = self.pick("start", "start", "done", "done", "drop", "member")
        if what == "member":
            numbers = [n for n, t in members if t == "n"]
            return f"{place}.{numbers[0]} += {self.expr('n')};" if numbers else f"_ = has_key({place});"
        self.used.add(what)
        return f"{what}({place}{self.record(members) if what != 'drop' else ''});"

    def do_event(self, depth):
        if not self.events or self.in_event or self.loops:
            return self.do_assign_map(depth)
        self.used.add("fire")
        self.fired = True
        name, members = self.events[0]
        values = ", ".join(f"{n} = {self.expr(t, 1)}" for n, t in members)
        return f'fire("{name}", ({values}));'

    # clauses

    def predicate(self):
        self.texts, self.budget = 0, 12
        return f"/({self.truth(1)})/ " if self.chance(0.3) else ""

    def clause(self, point, statements, name=None):
        self.point = point
        self.scopes = [{}]
        self.loops = 0
        pred = self.predicate() if point.text not in ("BEGIN", "END") else ""
        body = self.use(name) if name else ""
        body += " ".join(self.statement() for _ in range(statements))
        return f"{point.text} {pred}{{ {body} }}\n"

    def event_clauses(self):
        """Of spans and events; they see what there is everywhere."""
        text = ""
        plain = [(f"{name}:{self.pick('done', 'start', '*')}", members)
                 for name, _, members in self.spans]
        plain += self.events if self.fired else []
        for name, members in plain:
            self.point = self.anywhere
            self.scopes, self.in_event = [{}], True
            for m, t in members:
                self.declare(f"args.{m}", t)
            pred = self.predicate()
            body = " ".join(self.statement(2) for _ in range(self.rng.randrange(1, 4)))
            text += f"{name} {pred}{{ {body} }}\n"
            self.in_event = False
        return text

    def first_values(self):
        """Every map gets its type, whatever the clauses left out."""
        self.point = next(p for p in self.points if p.text == "BEGIN")
        self.scopes, init = [{}], ""
        maps, self.maps = self.maps, {}
        for name, (keys, value, aggregation) in maps.items():
            self.texts, self.budget = 5, 3
            value = self.aggregate(aggregation, "1") if aggregation else self.expr(value, 3)
            init += f"{name}{self.key(keys, 3)} = {value}; "
        return f"BEGIN {{ {init}}}\n"

    def choose_points(self):
        if self.chance(0.004):  # many probes
            return [p for _ in range(100) for p in [self.rng.choice(self.points)]
                    if "alone" not in p.features]
        points = [self.rng.choice(self.points) for _ in range(self.rng.choice([1, 1, 1, 1, 2, 3]))]
        alone = [p for p in points if "alone" in p.features]
        return alone[:1] or points

    def splice(self):
        """Clauses of programs that are known to be right, with maps of their own."""
        out = ""
        for i in range(self.rng.choice([1, 2, 3])):
            text = self.rng.choice(self.seeds)
            if re.search(r"^(config|iter:|let|import|struct|macro|#)", text, re.M) and i:
                continue
            out += re.sub(r"@(?=\w*)", f"@x{i}_", text)
        return out

    def wanted(self):
        """The first programs have each of the rows in turn: (the row, a point for it)."""
        if self.number >= 2 * len(self.rows):
            return None, None
        name = list(self.rows)[self.number % len(self.rows)]
        need = NEEDS.get(name)
        points = [p for p in self.points if not need or need in p.features]
        return (name, self.rng.choice(points)) if points else (None, None)

    def use(self, name):
        """A statement with this row, if the maps that there are allow it."""
        row = self.rows[name]
        for _ in range(50):
            self.texts, self.budget = 0, 12
            if row["kind"] == "aggregation" or name in self.used:
                return ""
            if row["returns"] != "void":
                text = self.call(name, 1)
            elif hasattr(self, "act_" + name):
                text = getattr(self, "act_" + name)()
            else:
                text = self.by_signature(name, 1)
            if text and re.match(rf"\W*(\(.*\) *)?{name}\b", text):
                self.used.add(name)
                return text + "; " if row["returns"] == "void" else f"_ = {text}; "
        return ""

    def text(self):
        name, point = self.wanted()
        if self.seeds and not name and self.chance(0.03):
            return self.splice()
        text = self.config() + HEADER + self.new_maps() + self.new_spans() + self.new_macros()
        points = [point] if name else self.choose_points()
        for p in points:
            n = 1 if len(points) > 10 else self.rng.choice([1, 1, 1, 2, 2, 2, 3, 3, 4, 6])
            if len(points) == 1 and self.chance(0.01):
                n = 30
            text += self.clause(p, n, name)
        text += self.event_clauses()
        return text + self.first_values()

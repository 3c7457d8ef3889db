"""What the language says, in Python: integers of 64 bits, texts, maps, aggregations. Nothing
here is shared with the compiler; docs/language.md is where it comes from."""

from arithmetic import Value, cast, compute, signed

NUMBERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


class Leave(Exception):
    """break, continue or return: what is the word."""

    def __init__(self, what):
        super().__init__(what)
        self.what = what


def to_type(name, value):
    """Value as a variable of this type keeps it."""
    return cast(name, Value(value.bits, value.is_signed))


def truncated(total, count):
    """A mean, rounded towards zero."""
    n = abs(total) // count
    return -n if total < 0 else n


def zero_of(t):
    if t == "s":
        return ""
    if t[0] == "t":
        return tuple(zero_of(p) for p in t[1])
    return Value(0, not t.startswith("u"))


def shown(value):
    """As JSON has it."""
    if isinstance(value, tuple):
        return [shown(v) for v in value]
    if isinstance(value, Value):
        return value.number()
    return value


def shown_key(values):
    """@x[(1, 2)] is @x[1, 2]."""
    alone = len(values) == 1 and isinstance(values[0], tuple)
    return [shown(v) for v in (values[0] if alone else values)]


class Aggregation:
    """All numbers that one entry has seen."""

    def __init__(self, kind, is_signed, args):
        self.kind, self.is_signed, self.args = kind, is_signed, args
        self.seen = []

    def total(self):
        bits = sum(self.seen) & ((1 << 64) - 1)
        return signed(bits) if self.is_signed else bits

    def number(self):
        """For a program that reads it."""
        if not self.seen:
            return 0
        return {"count": lambda: len(self.seen), "sum": self.total,
                "min": lambda: min(self.seen), "max": lambda: max(self.seen),
                "avg": lambda: truncated(self.total(), len(self.seen))}[self.kind]()

    def row(self, n):
        """The (min, max) of the histogram's row; None: open."""
        if self.kind == "lhist":
            low, high, step = self.args
            if n < low:
                return (None, low - 1)
            if n >= high:
                return (high, None)
            first = low + (n - low) // step * step
            return (first, min(first + step, high) - 1)
        if n < 0:
            return (None, -1)
        k = self.args[0] if self.args else 0
        shift = max(n.bit_length() - 1 - k, 0)
        first = n >> shift << shift
        return (first, first + (1 << shift) - 1)

    def shown(self):
        if self.kind == "stats":
            return {"count": len(self.seen), "total": self.total(),
                    "average": truncated(self.total(), len(self.seen))}
        if self.kind not in ("hist", "lhist"):
            return self.number()
        rows = {}
        for n in self.seen:
            rows[self.row(n)] = rows.get(self.row(n), 0) + 1
        return {"count": len(self.seen), "sum": self.total(), "max": max(self.seen),
                "avg": truncated(self.total(), len(self.seen)),
                "rows": sorted(rows.items(), key=str)}


def histogram(data):
    """What memql shows of one, in the same form."""
    rows = {(b.get("min"), b.get("max")): b["count"] for b in data["buckets"] if b["count"]}
    return {"count": data["count"], "sum": data["sum"], "max": data["max"], "avg": data["avg"],
            "rows": sorted(rows.items(), key=str)}


class Machine:
    """A program that runs: its variables, maps, and what it has printed."""

    def __init__(self, maps):
        self.vars = {}
        self.kinds = maps  # name -> (types of keys, type or aggregation)
        self.maps = {name: {} for name in maps}
        self.printed = []

    def key(self, values):
        """Equal keys are equal; shown() of them is what memql shows."""
        return repr([shown(v) for v in values])

    def read(self, name, values):
        kind = self.kinds[name][1]
        entry = self.maps[name].get(self.key(values))
        if isinstance(kind, tuple) and kind[0] == "agg":
            return Value(entry[1].number() if entry else 0, kind[2])
        return entry[1] if entry else zero_of(kind)

    def write(self, name, values, value):
        self.maps[name][self.key(values)] = (values, value)

    def add(self, name, values, n):
        _, kind, is_signed, args = self.kinds[name][1]
        entry = self.maps[name].setdefault(
            self.key(values), (values, Aggregation(kind, is_signed, args)))
        entry[1].seen.append(n.number())

    def results(self):
        """name -> {key: value}, as JSON has them; an empty map is left out."""
        found = {}
        for name, entries in self.maps.items():
            if entries:
                found[name] = {str(shown_key(values)):
                               value.shown() if isinstance(value, Aggregation) else shown(value)
                               for values, value in entries.values()}
        return found





def operate(op, a, b):
    return compute(op, Value(a.bits, a.is_signed), Value(b.bits, b.is_signed))

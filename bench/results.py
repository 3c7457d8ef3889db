"""The tables: what was measured, and by which commands."""

import shlex
import statistics

import rows


def number(n):
    return f"{n:.1f}" if n < 100 else f"{n:,.0f}"


class Line:
    """One line of the table: the samples of each rival, by name."""

    def __init__(self, group, row, metric):
        self.row, self.limit = row, row.most.get(metric)
        self.metric = rows.METRICS[metric]
        self.beat = self.metric.beat and getattr(row, "beat", True)
        self.name = ": ".join(filter(None, (group, row.name, self.metric.label))) + ", " + self.metric.unit
        self.samples = {}

    def add(self, rival, value):
        if value is not None:
            self.samples.setdefault(rival.name, []).append(value)

    def median(self, rival):
        return statistics.median(self.samples[rival.name]) if rival.name in self.samples else None

    def cell(self, rival):
        """Median and half the distance of the quartiles."""
        values = sorted(self.samples.get(rival.name, []))
        n = len(values)
        if not n:
            return "-"
        spread = (values[min(n - 1, (3 * n) // 4)] - values[n // 4]) / 2
        return number(statistics.median(values)) + (f" ±{number(spread)}" if n > 2 else "")

    def ratio(self, ours, theirs):
        a, b = self.median(ours), self.median(theirs)
        return a / b if a is not None and b else None

    def misses(self, rivals):
        """Why it is not what it should be; empty if it is."""
        ours, *others = rivals
        value = self.median(ours)
        if value is None:
            return [] if self.metric.optional else ["not measured"]
        found = [f"more than {self.limit} {self.metric.unit}"] if self.limit and value > self.limit else []
        for r in others if self.beat else ():
            ratio = self.ratio(ours, r)
            if ratio is None:
                continue
            ratio = 1 / ratio if self.metric.more and ratio else ratio
            if r.kind == "C" and self.metric.unit == "ns" and ratio > 1.05:
                found.append(f"{ratio:.2f} x C")
            elif r.kind == "bpftrace" and ratio >= 1:
                found.append(f"not better than {r.name}")
        return found


def write(head, lines):
    return "".join("| " + " | ".join(cells) + " |\n" for cells in [head, ["---"] * len(head), *lines])


def measured(lines, rivals):
    """Those that miss the target come first."""
    ours, *others = rivals
    head = ["", f"{ours.name} {ours.version}", *(r.name for r in others), *(f"/ {r.name}" for r in others), "misses"]
    out = []
    for line in sorted(lines, key=lambda each: not each.misses(rivals)):
        ratios = [line.ratio(ours, r) for r in others]
        out.append([line.name, *(line.cell(r) for r in rivals),
                    *("-" if r is None else f"{r:.2f}" for r in ratios), "; ".join(line.misses(rivals))])
    return write(head, out)


def typed(program, arguments):
    """A command as it is typed; the shell writes a hundred clauses."""
    loop = f'"$(for i in {{0..{rows.MANY_CLAUSES - 1}}}; do echo "{rows.ONE_OF_MANY}"; done)"'
    text = shlex.join([program, *arguments]).replace(rows.HUNDRED, f"'{loop}'").replace("''\"", '"')
    return f"`{text}`".replace("|", "\\|")


def commands():
    """What each row runs, and what differs for the others."""
    out = []
    for _, row in rows.chosen(""):
        bpftrace = row.bpftrace and typed("bpftrace", row.bpftrace)
        if row.bpftrace and row.bpftrace[-1] == row.memql[-1]:
            bpftrace = "the same"
        c = f"[{row.c}](../bench/c/{row.c}.bpf.c)" if row.c else "-"
        out.append([row.name, typed("memql", row.memql), bpftrace or "-", c])
    return write(["", "memql", "bpftrace", "C"], out)

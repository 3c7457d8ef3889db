"""What is measured: one row for each script, and what is told of it.

In what is run, LOAD stands for the program that raises the events, load.c, and ENGINE for the demo engine's process.
"""

from dataclasses import dataclass, field, replace


@dataclass
class Metric:
    """What a row tells: one line of the table."""

    label: str
    unit: str
    more: bool = False  # is better
    beat: bool = True  # memql should be better than bpftrace
    optional: bool = False  # there may be nothing to measure


METRICS = {
    "first": Metric("first", "ms"),
    "whole": Metric("whole", "ms"),
    "end": Metric("end", "ms"),
    "CPU": Metric("CPU", "ms"),
    "memory": Metric("memory", "MB"),
    "cost": Metric("", "ns"),
    "rate": Metric("lines at full speed", "/s", more=True),
    "shown": Metric("of the events are shown then", "%", more=True, beat=False),
    "told": Metric("of the others are counted", "%", more=True, beat=False, optional=True),
    "share": Metric("of a CPU", "%", beat=False),
    "best": Metric("lines without a loss", "/s", more=True),
}


@dataclass
class Row:
    name: str
    memql: list  # arguments
    bpftrace: list | None = None
    c: str | None = None  # a program of c/
    since: tuple = ()  # the first bpftrace to be asked
    most: dict = field(default_factory=dict)  # metric -> what memql must stay below


@dataclass
class Whole(Row):
    """From exec to exit: time, CPU, memory, and the time to the first line of output."""

    metrics: tuple = ("first", "whole", "memory")
    rounds: int = 3  # as many as of other rows, times this: most are short


@dataclass
class Events(Row):
    """The others: load.c raises events for them."""

    rounds = 1
    load: str = "getppid"  # what it does, and at which rate, if not as fast as it can
    many: int = 200_000
    programs: int = 1  # that see each event


@dataclass
class Cost(Events):
    """What one event costs in the kernel, by its own accounting."""

    metrics: tuple = ("cost",)
    beat: bool = True  # memql should not cost more than others


@dataclass
class End(Events):
    """From SIGINT to the end of a tracer that has seen many events: what it prints."""

    metrics: tuple = ("end", "CPU", "memory")
    many: int = 1_000_000


@dataclass
class Output(Events):
    """As fast as events come, then at rates that double."""

    metrics: tuple = ("rate", "shown", "told", "share", "best")


def script(text, bpftrace=None):
    """Of memql, and of bpftrace, which may have to spell it differently."""
    return {"memql": ["-q", "-e", text], "bpftrace": ["-q", "-e", bpftrace or text]}


def dotted(text):
    """The dot of args.NAME is an arrow for bpftrace."""
    return script(text, text.replace("args.", "args->"))


def cold(row):
    return replace(row, memql=["-q", "--no-cache", *row.memql[1:]])


def twice(row, again):
    """Compiled, and as users meet it the second time."""
    return [cold(row), replace(row, name=row.name + ", again", most=again)]


TRACEPOINT = 'tracepoint:syscalls:sys_enter_getppid { printf("1 1\\n"); exit(); }'
LATENCY = (
    "uprobe:LOAD:bench_call { @start[tid] = nsecs; }"
    " uretprobe:LOAD:bench_call /@start[tid]/ { @ns = hist(nsecs - @start[tid]); delete(@start[tid]); }"
)
FIRST, FIRST_AGAIN = {"first": 20, "memory": 40}, {"first": 5, "memory": 10}
WHOLE, WHOLE_AGAIN = {"whole": 20, "memory": 40}, {"whole": 5, "memory": 10}


def shipped(name):
    """Of the scripts that come with memql: compiled and loaded, with the demo engine to look at."""
    arguments = ["-q", "--dry-run", f"scripts/{name}.mq", "--pid", "ENGINE"]
    row = Whole(f"{name}.mq, loaded", arguments, metrics=("whole", "memory"), most={"memory": 40}, rounds=1)
    return twice(row, WHOLE_AGAIN)


START = [
    *twice(Whole("BEGIN only", **script("BEGIN { exit(); }"), c="begin", metrics=("whole", "CPU", "memory"),
                 most=WHOLE), WHOLE_AGAIN),
    *twice(Whole("a tracepoint", **script(TRACEPOINT), c="first", most=FIRST), FIRST_AGAIN),
    *twice(Whole("a latency script", **script(LATENCY + " " + TRACEPOINT), c="latency", most=FIRST), FIRST_AGAIN),
    *(row for name in ("query_latency", "query_profile", "query_tsa", "query_bio", "query_memory", "futexes")
      for row in shipped(name)),
]

MANY = " { @ = count(); } " + TRACEPOINT
ATTACH = [
    # Older ones attach to each by itself, and take two minutes to end.
    cold(Whole("1,000 functions of a program", **script("uprobe:LOAD:many_*" + MANY), c="functions",
               metrics=("first", "end"), most={"first": 100, "end": 200}, since=(0, 20), rounds=1)),
    cold(Whole("10,000 places of a USDT probe", **script("config = { max_probes = 20000 } usdt:LOAD:bench:many" + MANY),
               c="places", metrics=("first", "end", "memory"), since=(0, 27), rounds=1)),
    cold(Whole("71 tracepoints", **script("tracepoint:syscalls:sys_enter_s*" + MANY), c="tracepoints",
               metrics=("first", "end"), since=(0, 20), rounds=1)),
]

ENTER, LEAVE = "tracepoint:syscalls:sys_enter_getppid", "tracepoint:syscalls:sys_exit_getppid"
SEEK = "tracepoint:syscalls:sys_enter_lseek"
ACCESS = "tracepoint:syscalls:sys_enter_faccessat"
PAIR = f"{ENTER} {{ @start[tid] = nsecs; }} {LEAVE} /@start[tid]/ {{ @ns = hist(nsecs - @start[tid]); delete(@start[tid]); }}"


# What grows with the machine and the script.
ONE_OF_MANY, MANY_CLAUSES = "uprobe:LOAD:many_$i { @[$i] = count(); }", 100
HUNDRED = " ".join(ONE_OF_MANY.replace("$i", str(i)) for i in range(MANY_CLAUSES))
KEYS = f"config = {{ max_map_keys = 1100000 }} {SEEK} {{ @[args.offset] = count(); }} END {{ print(@, 10); clear(@); }}"
SCALE = [
    *twice(Whole("a script with 100 probes", **script(HUNDRED + " " + TRACEPOINT), c="hundred", since=(0, 20), rounds=1),
           FIRST_AGAIN),
    End("a million keys, the ten largest printed", **script(KEYS), c="keys", load="lseek"),
]

COST = [
    Cost("nothing", **script(ENTER + " { $x = 1; }"), c="empty", beat=False),
    Cost("count", **script(ENTER + " { @ = count(); }"), c="count"),
    Cost("count by process", **script(ENTER + " { @[pid] = count(); }"), c="by_key"),
    Cost("count by process and name", **script(ENTER + " { @[pid, comm] = count(); }"), c="by_keys"),
    Cost("latency by thread", **script(PAIR), c="pair", programs=2),
    Cost("the same, C with a hash map", **script(PAIR), c="pair_hash", programs=2),
    Cost("histogram", **dotted(SEEK + " { @ = hist(args.offset); }"), c="hist", load="lseek"),
    Cost("linear histogram", **dotted(SEEK + " { @ = lhist(args.offset, 0, 200000, 10000); }"), c="lhist", load="lseek"),
    Cost("average by process", **dotted(SEEK + " { @[pid] = avg(args.offset); }"), c="average", load="lseek"),
    Cost("name and path as key", **dotted(ACCESS + " { @[comm, str(args.filename, 64)] = count(); }"), c="string",
         load="access"),
    Cost("a member of a kernel's struct",
         **script(ENTER + " { @[curtask.real_parent.tgid] = count(); }",
                  ENTER + " { @[((struct task_struct *)curtask)->real_parent->tgid] = count(); }"), c="member"),
    Cost("kernel stack", **script(ENTER + " { @[kstack] = count(); }"), c="kstack", many=50_000),
    Cost("user stack", **script(ENTER + " { @[ustack] = count(); }"), c="ustack", many=50_000),
    Cost("USDT argument", **script("usdt:LOAD:bench:work { @ = sum(arg0); }"), c="usdt", load="work"),
    Cost("function's latency", **script(LATENCY), c="uprobe_pair", load="call", programs=2),
    Cost("latency by thread, of 1,000 threads", **script(PAIR), c="pair", load="threads", programs=2),
    Cost("a line for each event", **dotted(SEEK + ' { printf("%d %d\\n", pid, args.offset); }'), c="printf",
         load="lseek 100000", many=50_000),
]

OUTPUT = [
    Output("two numbers", **dotted(SEEK + ' { printf("%d %d\\n", pid, args.offset); }'), c="printf", load="lseek"),
    Output("two numbers and a text", **dotted(SEEK + ' { printf("%d %d %s\\n", pid, args.offset, comm); }'),
           c="printf_text", load="lseek"),
]
RATES = [50_000 << i for i in range(7)]

GROUPS = {
    "start-up": START,
    "attach and detach": ATTACH,
    "scale": SCALE,
    "cost of an event": COST,
    "output": OUTPUT,
}


def chosen(word):
    """(group, row): the one of that name, or else those with the word in their name or group."""
    every = [(group, row) for group, rows in GROUPS.items() for row in rows]
    return [(g, r) for g, r in every if r.name == word] or [(g, r) for g, r in every if word in g or word in r.name]

"""What is measured: one row of a table for each. LOAD stands for the program that raises
the events, load.c; c names a program of c/, and bpftrace a script that differs."""

from dataclasses import dataclass

EXIT = "BEGIN { exit(); }"
TRACEPOINT = 'tracepoint:syscalls:sys_enter_getppid { printf("1 1\\n"); exit(); }'
LATENCY = (
    "uprobe:LOAD:bench_call { @start[tid] = nsecs; }"
    " uretprobe:LOAD:bench_call /@start[tid]/ { @ns = hist(nsecs - @start[tid]); delete(@start[tid]); }"
)


@dataclass
class Whole:
    """From exec to exit: time, CPU, memory, and the time to the first line of output."""

    name: str
    memql: list  # arguments
    bpftrace: list | None = None
    c: str | None = None
    metrics: tuple = ("whole", "CPU", "memory")
    most: tuple = ()  # what memql must stay below, in the order of metrics
    since: tuple = ()  # the first bpftrace to be asked
    rounds: float = 3  # times as many as of the other rows, as these are short


@dataclass
class Event:
    """What one event costs in the kernel, by its own accounting."""

    name: str
    load: str  # what load.c does
    memql: str
    c: str
    bpftrace: str | None = None
    programs: int = 1  # that see each event
    many: int = 200_000
    beat: bool = True  # memql should not cost more than others
    place: str | None = None  # what the C program is attached to: a function or a probe


@dataclass
class End:
    """From SIGINT to the end of a tracer that has seen many events: what it prints."""

    name: str
    load: str
    memql: str
    bpftrace: str | None = None
    c: str | None = None
    programs: int = 1
    many: int = 1_000_000
    metrics: tuple = ("end", "CPU", "memory")


def script(text, *options):
    return {"memql": ["-q", *options, "-e", text], "bpftrace": ["-q", "-e", text]}


COLD = "--no-cache"


STARTUP = [
    Whole("BEGIN only", **script(EXIT, COLD), most=(20, None, 40)),
    Whole("BEGIN only, again", script(EXIT)["memql"], most=(5, None, 10)),
    Whole("a tracepoint, to its first event", **script(TRACEPOINT, COLD), c="first", metrics=("first", "whole", "memory"),
          most=(20, None, 40)),
    Whole("a latency script, to its first event", **script(LATENCY + " " + TRACEPOINT, COLD),
          metrics=("first", "whole", "memory"), most=(20, None, 40)),
    Whole("a latency script, again", script(LATENCY + " " + TRACEPOINT)["memql"],
          metrics=("first", "whole", "memory"), most=(5, None, 10)),
]
# Compiled and loaded, with the demo engine to look at.
SHIPPED = ["query_latency", "query_profile", "query_tsa", "query_bio", "query_memory", "futexes"]

ENTER, LEAVE = "tracepoint:syscalls:sys_enter_getppid", "tracepoint:syscalls:sys_exit_getppid"
SEEK = "tracepoint:syscalls:sys_enter_lseek"
ACCESS = "tracepoint:syscalls:sys_enter_faccessat"
PAIR = (
    "{ @start[tid] = nsecs; } %s /@start[tid]/"
    " { @ns = hist(nsecs - @start[tid]); delete(@start[tid]); }"
)

COST = [
    Event("nothing", "getppid", ENTER + " { $x = 1; }", "empty", beat=False),
    Event("count", "getppid", ENTER + " { @ = count(); }", "count"),
    Event("count by process", "getppid", ENTER + " { @[pid] = count(); }", "by_key"),
    Event("latency by thread", "getppid", ENTER + PAIR % LEAVE, "pair", programs=2),
    Event("the same, C with a hash map", "getppid", ENTER + PAIR % LEAVE, "pair_hash", programs=2),
    Event("histogram", "lseek", SEEK + " { @ = hist(args.offset); }", "hist", SEEK + " { @ = hist(args->offset); }"),
    Event("name and path as key", "access", ACCESS + " { @[comm, str(args.filename, 64)] = count(); }", "string",
          ACCESS + " { @[comm, str(args->filename, 64)] = count(); }"),
    Event("a member of a kernel's struct", "getppid", ENTER + " { @[curtask.real_parent.tgid] = count(); }", "member",
          ENTER + " { @[((struct task_struct *)curtask)->real_parent->tgid] = count(); }"),
    Event("kernel stack", "getppid", ENTER + " { @[kstack] = count(); }", "kstack", many=50_000),
    Event("user stack", "getppid", ENTER + " { @[ustack] = count(); }", "ustack", many=50_000),
    Event("USDT argument", "work", "usdt:LOAD:bench:work { @ = sum(arg0); }", "usdt", place="probe"),
    Event("function's latency", "call", LATENCY, "uprobe_pair", programs=2, place="function"),
    Event("latency by thread, of 1,000 threads", "threads", ENTER + PAIR % LEAVE, "pair", programs=2),
    Event("a line for each event", "lseek 100000", SEEK + ' { printf("%d %d\\n", pid, args.offset); }', "printf",
          SEEK + ' { printf("%d %d\\n", pid, args->offset); }', many=50_000),
]

# What grows with the machine and the script.
HUNDRED = " ".join(f"uprobe:LOAD:many_{i} {{ @[{i}] = count(); }}" for i in range(100))
KEYS = f"config = {{ max_map_keys = 1100000 }} {SEEK} {{ @[args.offset] = count(); }} END {{ print(@, 10); clear(@); }}"
SCALE = [
    Whole("a script with 100 probes, to its first event", **script(HUNDRED + " " + TRACEPOINT, COLD),
          metrics=("first", "whole", "memory"), since=(0, 20), rounds=0.4),
    Whole("a script with 100 probes, again", script(HUNDRED + " " + TRACEPOINT)["memql"],
          metrics=("first", "whole", "memory"), most=(5, None, 10), rounds=1),
    End("a million keys, the ten largest printed", "lseek", KEYS, KEYS),
]

# As fast as events come, then at rates that double: the last row of COST again, and one with text.
TEXT = SEEK + ' { printf("%%d %%d %%s\\n", pid, args%soffset, comm); }'
OUTPUTS = {
    "output": COST[-1],
    "output with text": Event("a line with text", "lseek 100000", TEXT % ".", "printf_text", TEXT % "->"),
}
RATES = [50_000 << i for i in range(7)]

MANY = " { @ = count(); } " + TRACEPOINT
ATTACH = [
    # Older ones attach to each by itself, and take two minutes to end.
    Whole("1,000 functions of a program", **script("uprobe:LOAD:many_*" + MANY, COLD), metrics=("first", "end"),
          most=(100, 200), since=(0, 20), rounds=0.6),
    Whole("10,000 places of a USDT probe",
          script("config = { max_probes = 20000 } usdt:LOAD:bench:many" + MANY, COLD)["memql"],
          metrics=("first", "end", "memory"), rounds=0.6),
    Whole("40 tracepoints", **script("tracepoint:syscalls:sys_enter_s*" + MANY, COLD), metrics=("first", "end"),
          since=(0, 20), rounds=0.4),
]

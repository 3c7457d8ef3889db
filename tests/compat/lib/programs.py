"""The programs that tools.py tries: what makes each print, and what it then must print.

Of bpftrace's tools only the names are here: fetch brings the programs. The lines of its
one-liner tutorial are written anew, one for each lesson, with the same constructs.

In patterns {pid} {comm} {ppid} are those of workload.py and its parent, so that a line
shows that this event was seen, among those of the whole machine.
"""

import dataclasses
import os
import pathlib
import re

TIME = r"\d\d:\d\d:\d\d"
MARK = "memql-compat"
BUCKET = r"^[\[(].*[\])] +[1-9]\d* +\|"


def symbol(name):
    """Whether the kernel has that symbol."""
    with open("/proc/kallsyms", encoding="utf-8") as file:
        return any(re.split(r"\s", line)[2] == name for line in file)


def in_btf(*names):
    """Whether the kernel's types have all these names."""
    text = pathlib.Path("/sys/kernel/btf/vmlinux").read_bytes()
    return all(b"\0" + name.encode() + b"\0" in text for name in names)


@dataclasses.dataclass
class Program:
    name: str
    acts: tuple = ()  # of workload.py
    live: tuple = ()  # patterns of lines while it runs
    end: tuple = ()  # and after it was told to end
    text: str = ""  # of a line of the tutorial; a tool is a file
    listing: bool = False  # text is the argument of -l
    lacks: tuple = ()  # (function, what this kernel lacks if it is false)...
    remark: str = ""


def tracepoint(name):
    return (lambda: in_btf("btf_trace_" + name), f"no tracepoint {name}")


def traceable(name):
    """Whether the kernel has that function, and lets it be traced."""
    file = pathlib.Path("/sys/kernel/tracing/available_filter_functions")
    if not file.exists():
        return symbol(name)
    return any(line.split()[0] == name for line in file.read_text(encoding="utf-8").splitlines())


def function(*names):
    return (lambda: any(traceable(name) for name in names), f"{names[0]}() cannot be traced")


def many_calls():
    """Whether a kretprobe remembers more than one call a CPU until it returns."""
    release = [int(part) for part in os.uname().release.split(".")[:2]]
    return os.cpu_count() > 1 or "PREEMPT" in os.uname().version or release >= [6, 2]


KRETPROBES = (many_calls, "a kretprobe follows one call, of one who waits")
IO = ("direct",)
SOCKET = rf"^{TIME} {{pid}} +{{comm}} +127\.0\.0\.1 +\d+ +127\.0\.0\.1 +\d+"

TOOLS = [
    Program("bashreadline", ("readline",), (rf"^{TIME}  \d+ +: {MARK}$",)),
    Program("biolatency-kp", IO, (r"^Tracing block",), (r"^@usecs:", BUCKET),
            lacks=(function("blk_account_io_start", "__blk_account_io_start"),)),
    Program("biolatency", IO, (r"^Tracing block",), (r"^@usecs:", BUCKET)),
    Program("biosnoop", IO, (r"^\d+ +\d+ +\d+ +{comm} +{pid} +\d+$",),
            lacks=(tracepoint("block_io_start"),)),
    Program("biostacks", IO, (r"^Tracing block",), (r"^@usecs\[", r"submit_bio|blk_mq_", BUCKET),
            lacks=(tracepoint("block_io_start"),)),
    Program("bitesize", IO, (r"^Tracing block",), (r"^@\[({comm}|kworker/[^]]*)\]:", BUCKET),
            remark="6.1 and older: a kernel thread issues what the process writes"),
    Program("capable", ("write", "setuid", "kill"), (rf"^{TIME}  0 +{{pid}} +{{comm}} +\d+ +CAP_\w+ +\d+$",)),
    Program("cpuwalk", ("spin",), (r"^Sampling CPU",), (r"^@cpu:", BUCKET)),
    Program("dcsnoop", ("open",), (rf"{{pid}} +{{comm}} +[RM] {MARK}-absent",)),
    Program("execsnoop", ("execute",), (rf"^{TIME}\.\d{{{{6}}}} +\d+ +{{pid}} +/bin/true {MARK}$",)),
    Program("gethostlatency", ("resolve",), (rf"^{TIME}  {{pid}} +{{comm}} +\d+ localhost$",)),
    Program("killsnoop", ("kill",), (rf"^{TIME}\.\d{{{{6}}}} +{{pid}} {{comm}} +SIGCONT +{{pid}} +0$",)),
    Program("loads", (), (rf"^{TIME} load averages: \d+\.\d{{{{3}}}} \d+\.\d{{{{3}}}} \d+\.\d{{{{3}}}}$",),
            lacks=((lambda: symbol("avenrun"), "no symbol avenrun"),)),
    Program("mdflush", (), (r"^TIME +PID",), lacks=(function("md_flush_request"),),
            remark="without RAID the header only"),
    Program("naptime", ("nap",), (rf"^{TIME} {{ppid}} +\S+ +{{pid}} +{{comm}} +0\.0\d\d$",)),
    Program("oomkill", ("out_of_memory",), (rf"^{TIME} Triggered by PID \d+ .*OOM kill of PID \d+ .*\d/\d",),
            lacks=((lambda: "MEMQL_TEST_GUEST" in os.environ, "the test runs out of memory in guests only"),)),
    Program("opensnoop", ("open",), (rf"^{{pid}} +{{comm}} +-1 +2 +/{MARK}-absent$",
                                     rf"^{{pid}} +{{comm}} +-1 +2 +/var/tmp/\w+/{MARK}-absent$")),
    Program("pidpersec", ("execute",), (rf"^{TIME} PIDs/sec: @: [1-9]",)),
    Program("runqlat", ("nap",), (r"^Tracing CPU",), (r"^@usecs:", BUCKET)),
    Program("runqlen", ("spin",), (r"^Sampling run queue",), (r"^@runqlen:", BUCKET)),
    Program("setuids", ("setuid",), (rf"^{TIME} {{pid}} +{{comm}} +0 +setuid +uid=0 \(0\)$",
                                     rf"^{TIME} {{pid}} +{{comm}} +0 +setfsuid +uid=0 \(prevuid=0\)$",
                                     rf"^{TIME} {{pid}} +{{comm}} +0 +setresuid ruid=\S+ euid=\S+ suid=\S+ \(0\)$")),
    Program("ssllatency", ("tls",), (r"^Tracing SSL",),
            (r"^@hist\[SSL_do_handshake\]:", r"^@stat\[SSL_do_handshake\]: .*\d", BUCKET)),
    Program("sslsnoop", ("tls",), (r"^\d+ +{pid} +{comm} +\d+ +-?\d+ SSL_do_handshake$",)),
    Program("statsnoop", ("stat",), (rf"^{{pid}} +{{comm}} +2 /{MARK}-absent$", r"^{pid} +{comm} +0 /$")),
    Program("swapin", (), (rf"^{TIME}$",), remark="nothing is swapped in"),
    Program("syncsnoop", ("write",), (rf"^{TIME}  {{pid}} +{{comm}} +tracepoint:syscalls:sys_enter_fsync$",)),
    Program("syscount", ("read",), (r"^Counting syscalls",),
            (r"^@syscall\[\d+\]: \d+", r"^Top 10 processes:", r"^@process\[.*\]: \d+")),
    Program("tcpaccept", ("tcp",), (SOCKET,)),
    Program("tcpconnect", ("tcp",), (SOCKET,)),
    Program("tcpdrop", ("tcp",), (rf"^{TIME} \d+ +.* +127\.0\.0\.1:\d+ +127\.0\.0\.1:\d+ +\w+", r"tcp_"),
            lacks=((lambda: in_btf("SKB_DROP_REASON_QUEUE_PURGE"), "no reason for what a closed socket drops"),)),
    Program("tcplife", ("tcp",), (r"^{pid} +memql-comp(?:at)? +127\.0\.0\.1 +\d+ +127\.0\.0\.1 +\d+ +\d+ +\d+ \d+$",)),
    Program("tcpretrans", ("tcp_retransmit",), (rf"^{TIME} \d+ +127\.0\.0\.1:\d+ +127\.0\.0\.1:\d+ +SYN_SENT",)),
    Program("tcpsynbl", ("tcp",), (r"^Tracing SYN",), (r"^@backlog\[5\]:", BUCKET)),
    Program("threadsnoop", ("thread",), (rf"^{TIME}\.\d{{{{6}}}} +{{pid}} {{comm}} +\S+$",)),
    Program("undump", ("unix",), (rf"^{TIME} {{comm}} +{{pid}} +12 +{MARK}",)),
    Program("vfscount", ("read",), (r"^Tracing VFS",), (r"^@\[vfs_read\]: \d+",)),
    Program("vfsstat", ("read", "open"), (rf"^{TIME}$", r"^@\[vfs_read\]: \d+", r"^@\[vfs_open\]: \d+")),
    Program("writeback", ("sync",), (rf"^{TIME}  \S+ +\d+ +\w+ +\d+\.\d\d\d$",)),
    Program("xfsdist", (), (r"^Tracing XFS",), lacks=(function("xfs_file_open"),),
            remark="without XFS the header only"),
]

LINES = [
    Program("1 list probes", listing=True, text="tracepoint:syscalls:sys_enter_*",
            live=(r"^tracepoint:syscalls:sys_enter_openat$", r"^tracepoint:syscalls:sys_enter_read$")),
    Program("2 hello", live=("^hello$",), text=r'BEGIN { printf("hello\n"); }'),
    Program("3 file opens", ("open",), (rf"^{{comm}} /{MARK}-absent$",),
            text=r'tracepoint:syscalls:sys_enter_openat { printf("%s %s\n", comm, str(args.filename)); }'),
    Program("4 system calls by process", ("read",), end=(r"^@\[{comm}\]: \d+$",),
            text="tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }"),
    Program("5 distribution of read() sizes", ("read",), end=(r"^@bytes:", BUCKET),
            text="tracepoint:syscalls:sys_exit_read /pid > 1/ { @bytes = hist(args.ret); }"),
    Program("6 the same by a kernel function", ("read",), end=(r"^@bytes:", BUCKET),
            text="kretprobe:vfs_read { @bytes = lhist(retval, 0, 2000, 200); }",
            lacks=(KRETPROBES,)),
    Program("7 time of read()", ("read",), end=(r"^@ns\[{comm}\]:", BUCKET),
            text="kprobe:vfs_read { @start[tid] = nsecs; } kretprobe:vfs_read /@start[tid]/ "
                 "{ @ns[comm] = hist(nsecs - @start[tid]); delete(@start[tid]); }",
            lacks=(KRETPROBES,)),
    Program("8 scheduler events for a while", ("nap",), end=(r"^@\[tracepoint:sched:sched_switch\]: \d+$",),
            text="tracepoint:sched:sched* { @[probe] = count(); } interval:s:5 { exit(); }"),
    Program("9 profile of kernel stacks", ("read", "open", "stat"), end=(r"^@\[$", r"^\s*\w+\+\d+$", r"^\]: \d+$"),
            text="profile:hz:99 { @[kstack] = count(); }"),
    Program("10 stacks of context switches", ("nap",), end=(r"^@\[$", r"^\s*schedule\+\d+$", r"^\]: \d+$"),
            text="tracepoint:sched:sched_switch { @[kstack] = count(); }"),
    Program("11 sizes of block I/O", IO, end=(r"^@:", BUCKET),
            text="tracepoint:block:block_rq_issue { @ = hist(args.bytes); }"),
    Program("12 fields of kernel structures", ("read",), (r"^opened status$",),
            text="#ifndef BPFTRACE_HAVE_BTF\n#include <linux/path.h>\n#include <linux/dcache.h>\n#endif\n"
                 r'kprobe:vfs_open { printf("opened %s\n", str(((struct path *)arg0)->dentry->d_name.name)); }'),
]

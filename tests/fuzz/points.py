"""Attach points for the generator, and what programs find there.

A point has numbers, texts and addresses of text of its own, addresses of task_struct, and
features that some builtins need. The kernel decides which of them there are: see usable().
"""

SYSCALLS = ["openat", "write", "read", "close", "execve", "futex", "mmap", "sendto"]


class Point:
    """One attach point, or several with commas, as it is written."""

    cgroup = None    # a directory of cgroup version 2
    variables = False  # the kernel lists them among its symbols

    def __init__(self, text, numbers=(), texts=(), addresses=(), tasks=(), features=()):
        self.text = text
        self.numbers = list(numbers)
        self.texts = list(texts)
        self.addresses = list(addresses)
        self.tasks = list(tasks)
        special = text.split(":")[0] in ("BEGIN", "END", "self")
        self.features = frozenset([*features] + ([] if special else ["process"]))


USER = ("regs", "func", "uaddr")
BINARY = "$BINARY"


def arguments(low, high):
    return [f"arg{i}" for i in range(low, high)]


POINTS = [
    Point("BEGIN"),
    Point("END"),
    Point("self:signal:SIGUSR1"),
    Point("interval:s:1", features=["regs"]),
    Point("interval:10ms", features=["regs"]),
    Point("profile:hz:99", features=["regs"]),
    Point("profile:ms:7", features=["regs"]),
    Point("software:page-faults:100", features=["regs"]),
    Point("hardware:cache-misses:1e6", features=["regs"]),
    Point("watchpoint:0xffffffff82a05000:8:w", features=["regs"]),
    Point("tracepoint:syscalls:sys_enter_openat",
          ["args.dfd", "args.flags", "args.mode", "(uint64)args.filename"],
          addresses=["args.filename"]),
    Point("tracepoint:syscalls:sys_enter_write", ["args.fd", "args.count"],
          addresses=["args.buf"]),
    Point("tracepoint:syscalls:sys_enter_execve", addresses=["args.filename", "args.argv[0]"],
          features=["argv"]),
    Point("tracepoint:syscalls:sys_exit_read", ["args.ret"]),
    Point("tracepoint:sched:sched_switch",
          ["args.prev_pid", "args.prev_state", "args.next_prio"],
          ["args.prev_comm", "args.next_comm"]),
    Point("tracepoint:sched:sched_process_fork", ["args.parent_pid", "args.child_pid"]),
    Point("tracepoint:raw_syscalls:sys_enter", ["args.id", "args.args[0]", "args.args[5]"],
          addresses=["args.args[1]"]),
    Point("tracepoint:raw_syscalls:*", features=[]),
    Point("tracepoint:syscalls:sys_enter_*stat*"),
    Point("rawtracepoint:sched_switch",
          ["arg0", "args.preempt", "args.prev.pid", "args.next.se.vruntime"],
          ["args.prev.comm", "args.next.comm"], tasks=["args.prev", "args.next"]),
    Point("rawtracepoint:sys_enter", ["arg1", "args.id"]),
    Point("rawtracepoint:sched_wakeup", ["args.p.pid"], ["args.p.comm"], tasks=["args.p"]),
    Point("kprobe:vfs_read", arguments(0, 5), addresses=["arg1"], features=["regs", "func"]),
    Point("kprobe:wake_up_new_task", ["arg0"], tasks=["((struct task_struct *)arg0)"],
          features=["regs", "func"]),
    Point("kretprobe:vfs_read", ["retval"], features=["regs", "func"]),
    Point("fentry:vfs_read", ["args.count", "args.file.f_flags"], addresses=["args.buf"],
          features=["func"]),
    Point("fexit:vfs_read", ["args.count", "retval"], addresses=["args.buf"],
          features=["func"]),
    Point("fentry:tcp_connect", features=["func", "socket"]),
    Point("fentry:security_file_open", features=["func", "args_path"]),
    Point("iter:task", ["ctx.task.pid"], ["ctx.task.comm"], tasks=["ctx.task"],
          features=["alone"]),
    Point("iter:task_file", ["ctx.fd", "ctx.file.f_flags"], tasks=["ctx.task"],
          features=["alone", "path"]),
    Point("iter:task_vma", ["ctx.vma.vm_start"], tasks=["ctx.task"], features=["alone"]),
    Point(f"uprobe:{BINARY}:data_read", arguments(0, 10), addresses=["arg0", "arg1"],
          features=USER),
    Point(f"uprobe:{BINARY}:cache_*, uprobe:{BINARY}:data_read", ["arg0", "arg3"],
          addresses=["arg1"], features=USER),
    Point(f"uprobe:{BINARY}:data_*", ["arg0", "arg2"], addresses=["arg0"], features=USER),
    Point(f"uretprobe:{BINARY}:data_*", ["retval"], addresses=["retval"], features=USER),
    Point(f"usdt:{BINARY}:memsqld:query__start", ["arg0", "arg1"], addresses=["arg0"],
          features=["regs", "uaddr"]),
    Point(f"usdt:{BINARY}:memsqld:query__done", ["arg0", "arg1"], addresses=["arg0"],
          features=["regs", "uaddr"]),
    Point(f"usdt:{BINARY}:memsqld:*", [], features=["regs", "uaddr"]),
]
POINTS += [Point(f"tracepoint:syscalls:sys_enter_{name}", ["args.__syscall_nr"])
           for name in SYSCALLS]


def usable(driver, binary):
    """Those that load here with an empty body; and why the others do not."""
    found, missing = [], {}
    for path in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
        if driver.load(0, f'BEGIN {{ print(cgroupid("{path}")); }}').verdict == "loaded":
            Point.cgroup = path
    answer = driver.load(0, 'BEGIN { print((uint64)percpu_kaddr("runqueues")); }')
    Point.variables = answer.verdict == "loaded"
    for i, p in enumerate(POINTS):
        here = Point(p.text.replace(BINARY, binary), p.numbers, p.texts, p.addresses,
                     p.tasks, p.features)
        answer = driver.load(i, f"{here.text} {{ @ = count(); }}\n")
        if answer.verdict == "loaded":
            found.append(here)
        else:
            missing[p.text] = answer.said.splitlines()[0] if answer.said else answer.verdict
    return found, missing

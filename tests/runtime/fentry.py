"""fentry and fexit: what they count, arguments and returned values with their types."""

import os
import socket
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import Load, Memql, check, map_of, need, run_memql, until_none_is_missed

WRITES, BYTES = 300, 7
SO_COOKIE = 57


def trace(directory, name, program, env=None):
    return until_none_is_missed(lambda: trace_once(directory, name, program, env))


def trace_once(directory, name, program, env):
    """The events while this process writes 7 bytes 300 times, and the load does 500 getppid(2)."""
    with Load() as load, open(os.devnull, "wb", buffering=0) as sink:
        program = program.replace("LOAD", str(load.pid)).replace("SELF", str(os.getpid()))
        memql = Memql(directory, name, ["-e", program], env=env)
        load.do("syscalls 500")
        for _ in range(WRITES):
            sink.write(b"x" * BYTES)
        load.do("name 6f6e65")
        memql.stop()
        return memql.events()


def counts(directory):
    events = trace(
        directory, "counts",
        "fentry:vfs_write /pid == SELF && args.count == 7/ { @bytes = sum(args.count); @[probe, func] = count(); }"
        " fexit:vfs_write /pid == SELF && args.count == 7/ { @written = sum(retval); @sizes[args.count] = count(); }"
        " fr:vmlinux:vfs_write /pid == SELF && retval == 7/ { @mask = args.file.f_flags & 3; }",
    )
    check(map_of(events, "@bytes") == WRITES * BYTES, "args.count")
    check(map_of(events, "@written") == WRITES * BYTES, "retval")
    check(map_of(events, "@sizes") == {BYTES: WRITES}, "args where the function returns")
    check(map_of(events, "@") == {("fentry:vmlinux:vfs_write", "vfs_write"): WRITES}, "probe and func")
    check(map_of(events, "@mask") == os.O_WRONLY, "a field behind a pointer")


def texts(directory):
    """Pointers to text, and a pointer as a number: the verifier has its own idea of it."""
    events = trace(
        directory, "texts",
        "fentry:__set_task_comm /pid == LOAD/ { @name[str(args.buf)] = count(); @same = args.tsk.pid == tid;"
        " @low[((uint64)args.tsk & 7) * 2 == 0] = count(); }",
    )
    check(map_of(events, "@name") == {"one": 1}, "text behind a pointer")
    check(map_of(events, "@low") in ({1: 1}, {True: 1}), f"arithmetic with a pointer: {map_of(events, '@low')}")
    check(map_of(events, "@same") in (1, True), "a number behind a pointer")


def cookies(directory):
    """socket_cookie() is what getsockopt(2) says."""
    memql = Memql(directory, "cookies", ["-e", f"fentry:tcp_connect /pid == {os.getpid()}/ {{ @ = socket_cookie(args.sk); }}"])
    with socket.socket() as s:
        s.connect_ex(("127.0.0.1", 1))
        cookie = int.from_bytes(s.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8), sys.byteorder)
    memql.stop()
    check(map_of(memql.events(), "@") == cookie, f"socket_cookie() is {cookie}")


def paths(directory):
    name = os.path.join(directory, "opened")
    memql = Memql(directory, "paths", ["-e", f"fentry:security_file_open /pid == {os.getpid()}/"
                                             " { @[path(args.file.f_path)] = count(); }"])
    for _ in range(3):
        with open(name, "w"):
            pass
    memql.stop()
    check(map_of(memql.events(), "@").get(name) == 3, "path() of what is opened")


def patterns(directory):
    events = trace(
        directory, "patterns",
        "fentry:vfs_w*, fentry:vfs_wri*e /pid == SELF/ { @[func] = count(); }"
        " fexit:vfs_w* /pid == SELF && retval == 7/ { @r[probe] = count(); }",
    )
    check(map_of(events, "@")["vfs_write"] >= 2 * WRITES, "vfs_write among vfs_w*")
    check(map_of(events, "@r") == {"fexit:vmlinux:vfs_write": WRITES}, "returns of vfs_w*")


def refusals():
    done = run_memql("-e", "fentry:vfs_reed { exit(); }")
    check("did you mean 'vfs_read'?" in done.stderr, done.stderr.strip())
    done = run_memql("-e", "kfunc:vfs_read { exit(); } kretfunc:vfs_read { exit(); } BEGIN { exit(); }")
    check(done.returncode == 0, f"the old names: {done.stderr}")
    done = run_memql("-lv", "fexit:vfs_write")
    check("    count  uint64" in done.stdout and "retval  int64" in done.stdout, f"-lv: {done.stdout.strip()}")
    done = run_memql("-e", "fentry:vfs_read { exit(); }", env=dict(os.environ, MEMQL_WITHOUT="fentry"))
    check("this kernel lacks BPF trampolines" in done.stderr, done.stderr.strip())
    for point in ("fentry:migrate_disable", "fentry:__rcu_read_lock", "fexit:do_exit", "fexit:do_group_exit"):
        done = run_memql("-e", point + " { exit(); }")
        said = done.stderr.strip()
        check(done.returncode == 1 and "nothing on this machine matches" in said and "bug" not in said, said)


def main():
    need("bpf", "fentry")
    with tempfile.TemporaryDirectory(prefix="memql-fentry-") as directory:
        counts(directory)
        texts(directory)
        cookies(directory)
        paths(directory)
        patterns(directory)
    refusals()


main()

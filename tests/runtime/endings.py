"""Every way in which a trace ends: what is printed, the status, and that nothing is left."""

import fcntl
import json
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import Load, Memql, check, fail, map_of, need_root, run_memql

MEMQL = os.environ["MEMQL"]


def signals(directory, load):
    program = f"uprobe:{load.program}:load_call {{ @ = count(); }} END {{ printf(\"the end\\n\"); }}"
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        memql = Memql(directory, number.name, ["-e", program], json_output=False)
        load.do("calls 12")
        messages = memql.end(number)
        check(memql.lines() == ["the end", "@: 12"], f"{number.name}: END, the maps, status 0")
        check(messages == "Attached 2 probes\n", f"{number.name}: no other message")


def hangup_ignored(directory, load):
    """As under nohup(1): the terminal closes, the trace goes on."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # also in what is started
    memql = Memql(directory, "nohup", ["-e", f"uprobe:{load.program}:load_call {{ @ = count(); }}"])
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    memql.process.send_signal(signal.SIGHUP)
    load.do("calls 12")
    memql.stop()
    check(map_of(memql.events(), "@") == 12, "SIGHUP that is ignored ends nothing")


def wait_until_full(pipe):
    """Until nothing more has fitted into a pipe for half a second."""
    waiting, since, until = 0, time.time(), time.time() + 60
    while waiting < 4096 or time.time() - since < 0.5:
        if time.time() > until:
            fail(f"the pipe does not fill up: {waiting} bytes")
        time.sleep(0.05)
        now = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))[0]
        if now != waiting:
            waiting, since = now, time.time()


def second_signal(directory):
    """memql hangs in a write that nobody reads; a later signal ends it all the same."""
    reader, writer = os.pipe()
    memql = subprocess.Popen(
        [MEMQL, "-q", "-e", 'interval:us:100 { printf("%s\\n", "' + 100 * "x" + '"); }'],
        stdout=writer, stdin=subprocess.DEVNULL,
    )
    os.close(writer)
    wait_until_full(reader)
    memql.send_signal(signal.SIGINT)
    time.sleep(0.3)
    check(memql.poll() is None, "SIGINT waits for a reader who is slow")
    memql.send_signal(signal.SIGINT)
    time.sleep(0.3)
    check(memql.poll() is None, "a second one at once, as timeout(1) sends it, changes nothing")
    time.sleep(2)
    memql.send_signal(signal.SIGINT)
    check(memql.wait(timeout=10) == -signal.SIGINT, "one that comes later ends it")
    os.close(reader)


def while_attaching(directory):
    ran = os.path.join(directory, "ran")
    memql = subprocess.Popen([MEMQL, "-c", f"touch {ran}", "-e", "tracepoint:syscalls:sys_enter_* { @ = count(); }"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    caught = 0
    while not caught >> (signal.SIGINT - 1) & 1:
        with open(f"/proc/{memql.pid}/status") as f:
            caught = int(re.search(r"SigCgt:\s*(\w+)", f.read())[1], 16)
    memql.send_signal(signal.SIGINT)
    check("interrupted while probes were being attached" in memql.communicate(timeout=30)[1],
          "an interrupt while probes are attached is told")
    check(not os.path.exists(ran), "the command is not run any more")


def slow_reader():
    """An interrupted write loses nothing."""
    memql = subprocess.Popen(
        [MEMQL, "-q", "-e", 'interval:us:100 { @made = count(); printf("line of text\\n"); }'],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
    )
    wait_until_full(memql.stdout.fileno())
    memql.send_signal(signal.SIGINT)
    time.sleep(0.3)
    out, err = memql.communicate(timeout=30)
    check(memql.returncode == 0 and not err, f"status 0, no message: {err!r}")
    lines = out.splitlines()
    check(lines[-1] == f"@made: {len(lines) - 1}", f"all of {len(lines) - 1} lines arrived")


def exits():
    for code, status in ((0, 0), (1, 1), (3, 3), (255, 255)):
        done = run_memql("-q", "-e", f'interval:ms:200 {{ @ = count(); exit({code}); printf("after\\n"); }}')
        check(done.returncode == status and done.stdout == "@: 1\n", f"exit({code}): status {done.returncode}")
    done = run_memql("-c", "echo ran", "-e", 'BEGIN { printf("hi\\n"); exit(4); } interval:ms:1 { printf("no\\n"); }')
    check(
        (done.returncode, done.stdout, done.stderr) == (4, "hi\n", ""),
        f"exit() in BEGIN: nothing is attached, no command runs: {done.stdout!r} {done.stderr!r}",
    )


def commands(directory):
    """-c: its first system call is seen, its output is its own, its end is the end."""
    ppid = "import os; [os.getppid() for _ in range(777)]; print('out'); os.write(2, b'err')"
    command = f'exec {sys.executable} -S -c "{ppid}"'
    results = os.path.join(directory, "command")
    program = (
        "tracepoint:syscalls:sys_enter_getppid /comm == \"python3\" || comm == \"%s\"/ { @[pid] = count(); }"
        % os.path.basename(sys.executable)[:15]
    )
    done = run_memql("-q", "-o", results, "-c", command, "-e", program)
    check((done.stdout, done.stderr) == ("out\n", "err"), f"the command's output is its own: {done.stdout!r} {done.stderr!r}")
    with open(results) as f:
        lines = f.read().split("\n")
    check(sum(line.endswith(": 777") for line in lines) == 1, "its 777 calls, and the end is its end")

    done = run_memql("-c", "exit 5", "-e", "interval:s:60 { }")
    check(done.returncode == 0, "the command's status is not memql's")
    done = run_memql("-q", "-e", "interval:ms:50 { exit(); }", "-c", "exec sleep 1000")
    check(done.returncode == 0, "exit() ends memql before the command")
    done = run_memql("-c", "exec sleep 1000", "-e", "uprobe:/no/such:x { }")
    check(done.returncode == 1, "a program that does not compile runs no command")


def process_end(directory):
    with Load() as load:
        memql = Memql(directory, "process", ["-p", str(load.pid), "-e", f"uprobe:{load.program}:load_call {{ @ = count(); }}"])
        load.do("calls 3")
    memql.end()
    check(map_of(memql.events(), "@") == 3, "-p: the end of the process is the end")
    thread = subprocess.Popen(
        [sys.executable, "-c",
         "import threading, time; t = threading.Thread(target=time.sleep, args=(60,), daemon=True); t.start();"
         "print(t.native_id, flush=True); input()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )
    tid = thread.stdout.readline().strip()
    done = run_memql("-p", tid, "-e", "interval:ms:1 { exit(); }")
    thread.communicate("\n")
    check(done.returncode == 1 and "thread" in done.stderr, f"-p of a thread: {done.stderr.strip()}")


def pipes(directory):
    def shell(command, **options):
        return subprocess.run(
            ["bash", "-c", command + '; echo "${PIPESTATUS[@]}"'], capture_output=True, text=True, timeout=30,
            check=False, env=dict(os.environ, PROGRAM='interval:ms:5 { printf("x\\n"); } END { printf("y\\n"); }'),
            **options,
        )

    for form in ("text", "json"):
        done = shell(f'"$MEMQL" -q -f {form} -e "$PROGRAM" | head -1')
        check(done.stdout.splitlines()[1] == "0 0" and not done.stderr, f"{form} | head -1 ends quietly: {done.stderr!r}")
    done = shell('"$MEMQL" -l "tracepoint:*:*" | head -1')
    check(not done.stderr, f"-l | head -1 is quiet: {done.stderr!r}")
    done = shell('"$MEMQL" -q -e "$PROGRAM" >/dev/full')
    check(done.stdout == "1\n" and "No space left" in done.stderr, f"a full disk: {done.stderr.strip()}")
    done = shell('"$MEMQL" -q -e "$PROGRAM" >&-')
    check(done.stdout == "1\n" and "Bad file descriptor" in done.stderr, f"no standard output: {done.stderr.strip()}")
    done = shell('"$MEMQL" --help >/dev/full')
    check(done.stdout == "1\n" and "No space left" in done.stderr, f"--help too: {done.stderr.strip()}")
    out = os.path.join(directory, "out")
    done = shell(f'"$MEMQL" -e "BEGIN {{ printf(\\"x\\n\\"); exit(); }}" <&- 2>&- >{out}')
    with open(out) as f:
        check(f.read() == "x\n" and done.stdout == "0\n", "neither standard input nor error")


def ids(kind):
    """What BPF programs or links there are, as the kernel counts them."""
    done = subprocess.run(["bpftool", "-j", kind, "show"], capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    return {entry["id"] for entry in json.loads(done.stdout or "[]")}


def ids_of(pid, kind):
    """Those that a process holds by its files; others may trace meanwhile."""
    found = set()
    for fd in os.listdir(f"/proc/{pid}/fdinfo"):
        with open(f"/proc/{pid}/fdinfo/{fd}") as f:
            found.update(int(n) for n in re.findall(rf"^{kind}_id:\s*(\d+)", f.read(), re.M))
    return found


def settled(memql):
    """Whether its threads have ended that made the kernel ready for its probes."""
    until = time.time() + 10
    while time.time() < until and len(os.listdir(f"/proc/{memql.process.pid}/task")) > 1:
        time.sleep(0.05)
    return len(os.listdir(f"/proc/{memql.process.pid}/task")) == 1


def warmed_up(directory, load):
    """What the kernel was made ready with is gone while the trace runs: uprobe_warmup.h."""
    memql = Memql(directory, "warm", ["--no-cache", "-e", f"uprobe:{load.program}:load_call {{ @ = count(); }}"])
    pid = memql.process.pid
    check(settled(memql), "no thread is left")
    files = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
    check(not any("memfd" in name for name in files), "no file in memory")
    check(len(ids_of(pid, "prog")) == 1 and len(ids_of(pid, "link")) == 1, "one program, one link")
    load.do("calls 7")
    memql.stop()
    check(map_of(memql.events(), "@") == 7, "and the probe counts")


def nothing_left(directory, load):
    """Neither SIGKILL nor a failed attachment leaves anything behind."""
    if None in (ids("prog"), ids("link")):
        print("        bpftool is missing: what is left behind was not looked at")
        return
    program = (
        f"uprobe:{load.program}:load_call, usdt:{load.program}:load:work,"
        " tracepoint:sched:sched_process_exec, interval:s:1, profile:hz:1 { @ = count(); }"
    )
    memql = Memql(directory, "killed", ["-e", program])
    check(settled(memql), "no thread is left")
    programs, links = ids_of(memql.process.pid, "prog"), ids_of(memql.process.pid, "link")
    seen = programs <= ids("prog") and links <= ids("link")
    check(len(programs) >= 4 and len(links) >= 2 and seen, "bpftool sees memql's programs")
    check(load.do("enabled") == "2", "the semaphore counts two sites")
    memql.process.kill()
    memql.process.wait()
    until = time.time() + 5  # the kernel takes programs down in the background
    while time.time() < until and (programs & ids("prog") or links & ids("link")):
        time.sleep(0.1)
    check(not programs & ids("prog") and not links & ids("link"), "none after SIGKILL")
    check(load.do("enabled") == "0", "the semaphore is down")

    done = run_memql("--dry-run", "-e", program)
    check(done.returncode == 0 and "attached none" in done.stderr, f"--dry-run: {done.stderr.strip()}")
    check(load.do("enabled") == "0", "--dry-run left the semaphore alone")


def main():
    need_root()
    with tempfile.TemporaryDirectory(prefix="memql-endings-") as directory, Load() as load:
        signals(directory, load)
        hangup_ignored(directory, load)
        second_signal(directory)
        while_attaching(directory)
        slow_reader()
        exits()
        commands(directory)
        process_end(directory)
        pipes(directory)
        warmed_up(directory, load)
        nothing_left(directory, load)


main()

#!/usr/bin/env python3
"""
Who is not root is told so, whatever the kind of probe: not that the kernel lacks what it
has, and never with a bare error of the system.
"""
import json
import os
import shutil
import subprocess
import sys

MEMQL = os.environ["MEMQL"]
os.environ["MEMQL_SCRIPTS"] = os.path.join(os.path.dirname(__file__), "../../scripts")
NOBODY = 65534
# Those whose places need no list of the kernel, and those that do.
PROBES = ("BEGIN", "interval:s:1", "profile:hz:9", "software:cs:1", "hardware:cycles:1000", "iter:task",
          "uprobe:libc:getenv", "uretprobe:libc:getenv", "rawtracepoint:sched_switch",
          "watchpoint:0xffffffff81000000:8:w", "tracepoint:sched:sched_switch", "kprobe:vfs_read",
          "kretprobe:vfs_read", "fentry:vfs_read", "fexit:vfs_read", "query:done")
LISTS = ("tracepoint:sched:*", "kprobe:vfs_*", "fentry:vfs_*", "query:*", "sched_sw")
# What this kernel does not have is said to everybody.
LACKS = ("built without kprobes", "lacks BPF trampolines", "no BTF")


def run(*words):
    how = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    done = subprocess.run([MEMQL, *words], capture_output=True, text=True, cwd="/",
                          stdin=subprocess.DEVNULL, env=dict(os.environ, NO_COLOR="1"), **how)
    return done.returncode, done.stdout, done.stderr


def check_capabilities():
    """Who has the capabilities needs no root."""
    setpriv = shutil.which("setpriv")
    if os.geteuid() != 0 or not setpriv or "--reuid" not in subprocess.getoutput("setpriv --help"):
        return True
    caps = "+bpf,+perfmon,+dac_read_search"
    who = [setpriv, f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps", caps,
           "--ambient-caps", caps]
    done = True
    for probe in ("BEGIN", "tracepoint:sched:sched_switch", "uprobe:libc:getenv", "profile:hz:9"):
        text = subprocess.run([*who, MEMQL, "-q", "-e", f"{probe} {{ @++; }} interval:ms:50 {{ exit(); }}"], cwd="/",
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if text.returncode:
            print(f"FAILED: {probe} with {caps}: {text.stderr}")
            done = False
    told = subprocess.run([*who, MEMQL, "explain", "--json", "-e", "BEGIN { @ = 1; }"], cwd="/", capture_output=True,
                          text=True).stdout
    if not told or not json.loads(told)["data"]["programs"][0].get("kernel", {}).get("loaded"):
        print(f"FAILED: explain with {caps} does not ask the kernel")
        done = False
    # What doctor says it takes to see names of the kernel's functions is what it takes.
    with open("/proc/sys/kernel/kptr_restrict") as f:
        restricted = int(f.read())
    for words in (who, [w + ",+syslog" if w == caps else w for w in who]):
        shown = subprocess.run([*words, MEMQL, "-q", "-e", "BEGIN { @ = kstack(1); exit(); }"], cwd="/",
                               capture_output=True, text=True)
        named = shown.returncode == 0 and "0x" not in shown.stdout
        if named == ("CAP_SYSLOG" in shown.stderr) or (words is not who and not named and restricted < 2):
            print(f"FAILED: kstack by {words}: {shown.stdout}{shown.stderr}")
            done = False
    # What the kernel has is not said to be missing.
    mine, roots = (json.loads(subprocess.run([*words, MEMQL, "doctor", "--json"], cwd="/", capture_output=True,
                                             text=True).stdout)["data"]["features"] for words in (who, []))
    for one, other in zip(mine, roots):
        if one["state"] != other["state"] and "was built without" in one.get("why", ""):
            print(f"FAILED: {one['name']} with {caps}: {one['why']}")
            done = False
    return done


def main():
    try:
        if run("--version")[0]:
            raise PermissionError("another user cannot run memql where it is")
    except PermissionError as error:
        print("skipped:", error)
        return 77
    failed = False
    for words in [("-e", f"{p} {{ exit(); }}") for p in PROBES] + [("-l", p) for p in LISTS]:
        status, out, err = run(*words)
        told = "root" in err and ("sudo" in err)
        lacks = any(text in err for text in LACKS)
        if status != 1 or not (told or lacks):
            print(f"FAILED: {words}: status {status}\n{out[:300]}{err}")
            failed = True
    if subprocess.run([os.environ["KERNEL_CAN"], "bpf", "tracepoint", "uprobe"],
                      stdout=subprocess.DEVNULL).returncode == 0:
        failed |= not check_capabilities()
    return 1 if failed else 0


sys.exit(main())

#!/usr/bin/env python3
"""
memql doctor: its text and JSON say the same, fit a terminal, and agree with what is known
in other ways: kernel_can's system calls, /proc/kallsyms, bpftool's probes. It leaves no
program, map or link behind, and works without root.
"""
import json
import os
import re
import subprocess
import sys

MEMQL = os.environ["MEMQL"]
os.environ["MEMQL_SCRIPTS"] = os.path.join(os.path.dirname(__file__), "../../scripts")
CAN = os.environ["KERNEL_CAN"]
failed = []


def check(ok, what):
    if not ok:
        failed.append(what)
        print("FAILED:", what)


def ask(*words, user=None, env=None):
    """Text, exit status and features by name of memql doctor."""
    how = {"user": user, "group": user, "extra_groups": []} if user else {}
    done = subprocess.run([MEMQL, "doctor", *words], capture_output=True, text=True,
                          env={**os.environ, **(env or {})}, cwd="/", **how)
    check(not done.stderr, f"messages: {done.stderr}")
    return done.stdout, done.returncode


def features(user=None, env=None):
    text, status = ask("--json", user=user, env=env)
    data = json.loads(text)
    check(data["type"] == "doctor", "the type")
    data = data["data"]
    check(data["runs"] == (status == 0), "exit status and runs differ")
    return {f["name"]: f for f in data["features"]}, data


def check_text(found, **how):
    text, _ = ask(**how)
    marks = {"yes": "ok", "no": "no", "unknown": "?"}
    wide = [line for line in text.splitlines() if len(line) > 80 and "packs" not in line]
    check(not wide, f"wider than 80 columns: {wide}")
    for name, f in found.items():
        check(re.search(rf"^  {re.escape(marks[f['state']])} +{name} ", text, re.M),
              f"{name} is {f['state']} in JSON, not in text")
        check((f["state"] == "yes") == ("why" not in f), f"{name} has a why, or none")


def can(feature):
    return subprocess.run([CAN, feature], stdout=subprocess.DEVNULL).returncode == 0


def symbol(name):
    with open("/proc/kallsyms") as lines:
        return any(line.split()[2] == name for line in lines)


def check_evidence(found):
    """What others find out here, in other ways."""
    has = {name: f["state"] == "yes" for name, f in found.items()}
    for ours, theirs in (("bpf", "bpf"), ("uprobe", "uprobe"), ("kprobe", "kprobe"),
                         ("fentry", "fentry"), ("iter", "iter"),
                         ("watchpoint", "watchpoint"), ("ktime_tai", "ktime_tai"),
                         ("sleepable_uprobe", "sleepable"),
                         ("kallsyms_data", "data_symbols")):
        check(has[ours] == can(theirs), f"{ours} is {has[ours]}, kernel_can differs")
    # Helpers are functions of the kernel.
    for ours, function in (("loop", "bpf_loop"), ("map_loop", "bpf_for_each_map_elem"),
                           ("percpu_lookup", "bpf_map_lookup_percpu_elem"),
                           ("ktime_tai", "bpf_ktime_get_tai_ns"),
                           ("task_storage", "bpf_task_storage_get"),
                           ("cookie", "bpf_get_attach_cookie_trace"),
                           ("ring_buffer", "bpf_ringbuf_output"),
                           ("uprobe_nop5", "arch_uprobe_optimize")):
        check(has[ours] == symbol(function), f"{ours} is {has[ours]}, kallsyms differs")
    check(has["kprobe"] == symbol("register_kprobe"), "kprobe and kallsyms differ")
    if has["uprobe_multi"]:
        check(symbol("bpf_uprobe_multi_link_attach"), "uprobe_multi is not in kallsyms")
    check(has["btf"] == os.path.exists("/sys/kernel/btf/vmlinux"), "btf")


def check_bpftool(found):
    """Its probes of helpers find too many on new kernels: kinds of maps only."""
    try:
        text = subprocess.run(["bpftool", "-j", "feature", "probe", "kernel"],
                              capture_output=True, text=True).stdout
        told = json.loads(text)
    except (OSError, ValueError):
        print("bpftool cannot tell: not compared")
        return
    for ours, kind in (("ring_buffer", "have_ringbuf_map_type"),
                       ("task_storage", "have_task_storage_map_type")):
        if kind in told.get("map_types", {}):
            check((found[ours]["state"] == "yes") == told["map_types"][kind],
                  f"{ours} and bpftool differ")


def left_overs():
    """Programs and maps of ours in the kernel, by their names."""
    try:
        text = subprocess.run(["bpftool", "prog", "show"], capture_output=True,
                              text=True).stdout
    except OSError:
        return []
    return re.findall(r"name memql_try", text)


def without_root():
    """Nothing may be tried but what every user can look at."""
    found, data = features(user=65534)
    check(not data["runs"], "it runs without root")
    check(found["privileges"]["state"] == "no", "privileges without root")
    check(found["bpf"]["state"] == "unknown", "bpf is known without root")
    check(found["loop"]["state"] == "unknown", "loop is known without root")
    check(found["btf"]["state"] == "yes" or not os.path.exists("/sys/kernel/btf/vmlinux"),
          "BTF is readable by all")
    check_text(found, user=65534)
    text, _ = ask(user=65534)
    check("sudo memql doctor" in text, "no hint at sudo")


def told_what_is_required():
    """A program that is refused, where memql could not have worked anyway."""
    env = {**os.environ, "MEMQL_WITHOUT": "atomic", "MEMQL_BREAK": "null-check"}
    done = subprocess.run([MEMQL, "-e", "BEGIN { @x[pid]++; @y = @x[1]; exit(); }"], env=env,
                          capture_output=True, text=True, cwd="/")
    check(done.returncode == 1 and "lacks what memql needs: atomic" in done.stderr
          and "bug" not in done.stderr, f"what is required: {done.stderr}")


def told_what_is_missing(found):
    """Programs that this kernel does not load: what doctor says, not what EPERM may mean."""
    done = subprocess.run([MEMQL, "--dry-run", "-e", "fentry:vfs_read { @ = count(); }"],
                          capture_output=True, text=True, cwd="/")
    fentry = found["fentry"]
    if fentry["state"] == "yes":
        check(done.returncode == 0, f"fentry is there: {done.stderr}")
    elif found["btf"]["state"] == "yes":
        check(done.returncode == 1 and f"no fentry: {fentry['why']}" in done.stderr
              and fentry["fix"] in done.stderr and "container" not in done.stderr,
              f"fentry is not there: {done.stderr}")


def main():
    as_root = os.geteuid() == 0
    found, data = features()
    check_text(found)
    check(data["kernel"] == os.uname().release, "the kernel's version")
    check(data["llvm"] and data["libbpf"] and data["memql"], "versions")
    check(bool(data["packs"]), "packs were not found")
    check(subprocess.run([MEMQL, "-f", "json", "doctor"], stdout=subprocess.PIPE)
          .stdout.startswith(b'{"type":"doctor"'), "-f json doctor")
    if not as_root:
        print("not root: what root finds was not compared")
        return 1 if failed else 0

    less, _ = features(env={"MEMQL_WITHOUT": "loop,uprobe_multi"})
    check(less["loop"]["state"] == "no" and "MEMQL_WITHOUT" in less["loop"]["why"],
          "MEMQL_WITHOUT")
    if os.access(MEMQL, os.X_OK) and reachable():
        without_root()
    if can("bpf"):
        old = found["atomic"]["state"] == "no"
        check(data["runs"] != old, "it does not run, though BPF works")
        told_what_is_required()
        told_what_is_missing(found)
        check_evidence(found)
        check_bpftool(found)
        check(not left_overs(), "programs are left behind")
    return 1 if failed else 0


def reachable():
    """Whether another user can run memql where it is."""
    probe = subprocess.run([MEMQL, "--version"], user=65534, group=65534, extra_groups=[],
                           cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return probe.returncode == 0


try:
    sys.exit(main())
except PermissionError as error:  # of reachable()
    print("skipped:", error)
    sys.exit(1 if failed else 77)

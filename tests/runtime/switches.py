"""No event of the scheduler is missing, also where memql itself is what a CPU leaves: the
thread that a switch goes to is the one that the next switch on that CPU comes from."""

import os
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import Memql, check, lost, map_of, need_root

# A switch happens in the process that is left: its number is the builtin pid's.
PROGRAM = """
{probe}
{{
	@left[pid] = count();
	if (has_key(@runs, cpu)) {{
		if (@runs[cpu] == (uint32){prev}) {{ @right = count(); }} else {{ @wrong[@runs[cpu]] = count(); }}
	}}
	@runs[cpu] = (uint32){next};
}}
interval:ms:1 {{ printf("tick\\n"); }}
END {{ clear(@runs); }}
"""
PROBES = {
    "tracepoint": ("tracepoint:sched:sched_switch", "args.prev_pid", "args.next_pid"),
    "rawtracepoint": ("rawtracepoint:sched_switch", "args.prev->pid", "args.next->pid"),
}


def is_shielded(tid, left):
    """Some hosts run no program in their init's context, whatever it is made with."""
    return 1 not in left and os.path.exists(f"/proc/1/task/{tid}")


def main():
    need_root()
    with tempfile.TemporaryDirectory(prefix="memql-switches-") as directory:
        for kind, (probe, before, after) in PROBES.items():
            memql = Memql(directory, kind, ["-e", PROGRAM.format(probe=probe, prev=before, next=after)])
            time.sleep(2)
            memql.stop()
            events = memql.events()
            check(not lost(events), f"{kind}: nothing was lost")
            left, right = map_of(events, "@left"), map_of(events, "@right")
            wrong = [tid for tid in map_of(events, "@wrong") or {} if not is_shielded(tid, left)]
            check(right > 50, f"{kind}: {right} switches from the thread that ran there")
            check(not wrong, f"{kind}: none from another one: {wrong}")
            check(memql.process.pid in left, f"{kind}: memql was left, too")


main()

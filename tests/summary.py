#!/usr/bin/env python3
"""Reads what ctest --output-junit wrote; prints why tests were skipped, and the sums."""

import collections
import sys
import xml.etree.ElementTree


def reason(case):
    """The last line that the test printed."""
    lines = (case.findtext("system-out") or "").strip().splitlines()
    return lines[-1].removeprefix("skipped: ") if lines else "no reason given"


def main():
    count = collections.Counter()
    skipped = collections.defaultdict(list)
    for path in sys.argv[1:]:
        for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase"):
            status = {"run": "passed", "notrun": "skipped",
                      "disabled": "skipped"}.get(case.get("status"), "failed")
            # A test that could not be started did not run either, but is no skip.
            if status == "skipped" and "SKIP" not in (case.find("skipped").get("message")):
                status = "failed"
            count[status] += 1
            if status == "skipped":
                skipped[reason(case)].append(case.get("name"))
    if skipped:
        print("\nSkipped:")
        for why, names in sorted(skipped.items()):
            print(f"  {why}: {', '.join(sorted(set(names)))}")
    print(f"\nmemql: {count['passed']} passed, {count['failed']} failed, "
          f"{count['skipped']} skipped")


main()

"""Inside of a guest: what memql doctor says of the kernel's features, a line for each."""

import json
import os
import subprocess
import sys

done = subprocess.run([os.environ["MEMQL"], "doctor", "--json"], capture_output=True, text=True, check=False)
try:
    features = json.loads(done.stdout)["data"]["features"]
except (ValueError, KeyError):
    print(f"memql doctor ended with status {done.returncode}: {done.stderr.strip()}")
    sys.exit(1)
for feature in features:
    print("feature", feature["name"], feature["state"], feature.get("why", ""), sep="\t")

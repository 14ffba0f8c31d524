"""Writes the seccomp profile that a container needs in which the embedded sandbox, or a service that has it, runs.

python -m jurist.sandbox.seccomp > deploy/seccomp.json
docker run --security-opt seccomp=deploy/seccomp.json --security-opt systempaths=unconfined ...
"""

from __future__ import annotations

import json
import sys

from jurist.sandbox._containers import profile

if __name__ == "__main__":
    json.dump(profile(), sys.stdout, indent=2)
    sys.stdout.write("\n")

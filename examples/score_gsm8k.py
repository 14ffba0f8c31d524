"""Start a server, score sample groups through gRPC, print the rewards, stop the server."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
JURIST = Path(sys.executable).with_name("jurist")


def main() -> int:
    """Run the example; returns the exit status."""
    server = subprocess.Popen(  # our own command
        [JURIST, "serve", "--port", "0", "--log-format", "json"], stderr=subprocess.PIPE, text=True
    )
    assert server.stderr is not None  # it is a pipe
    for line in server.stderr:
        event = json.loads(line) if line.startswith("{") else {"event": sys.stderr.write(line)}
        if event["event"] == "serving":
            break
    else:
        return server.wait()
    try:
        target = event["target"]
        print(f"server up at {target}; scoring examples/gsm8k.jsonl with the recipe r1_reasoning\n", flush=True)
        command = [JURIST, "score", HERE / "gsm8k.jsonl", "--recipe", "r1_reasoning", "--target", target]
        return subprocess.run(command, check=False).returncode  # our own command
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate()
        print(f"server stopped, exit status {server.returncode}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

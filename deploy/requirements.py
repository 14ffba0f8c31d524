"""Prints what the project requires with the extras named, a line each: a layer of the image holds just that."""

import sys
import tomllib
from pathlib import Path

_, file, extras = sys.argv
project = tomllib.loads(Path(file).read_text(encoding="utf-8"))["project"]
required = set(project["dependencies"])
for extra in filter(None, extras.split(",")):
    if extra not in project["optional-dependencies"]:
        sys.exit(f"no such extra: {extra}")
    required.update(project["optional-dependencies"][extra])
print(*sorted(line for line in required if not line.startswith("jurist[")), sep="\n")

"""The languages of programs: how each is compiled and run, and whether its toolchain is on this host."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["LANGUAGES", "TAGS", "Language", "Toolchain", "named", "toolchain"]

MAIN: Final = "/tmp/main"  # noqa: S108  a run's own scratch space
TAGS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "python": ("python", "py", "pypy", "cpython"),
        "c": ("c", "gcc"),
        "cpp": ("cpp", "c++", "cc", "cxx", "g++"),
        "javascript": ("javascript", "js", "node", "nodejs", "node.js"),
        "bash": ("bash", "sh", "shell"),
        "java": ("java",),
        "rust": ("rust", "rs"),
        "go": ("go", "golang"),
    }
)
"""What each language is called, by people and by the tags of fenced blocks, in lower case and without a version."""

_NAMES: Final = {tag: name for name, tags in TAGS.items() for tag in tags}
_VERSION: Final = re.compile(r"[\d.]*(?:[:,;(].*)?")
_PUBLIC_CLASS: Final = re.compile(r"\bpublic\s+(?:final\s+|abstract\s+)*class\s+(\w+)")
_CLASS: Final = re.compile(r"\bclass\s+(\w+)")
_JAVA_MAIN: Final = re.compile(r"\bstatic\s+(?:final\s+)?(?:public\s+)?void\s+main\s*\(")


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """A language other than Python, which the fork server runs itself.

    `tools` must all be on the host's path; the first is the one that is named when it is missing. `compile` is empty
    for interpreted ones. In the commands `{tool}` is the first tool's path, `{source}`, `{main}` and `{mib}` the
    source file, the compiled program and the memory limit.
    """

    name: str
    tools: tuple[str, ...]
    file: str
    compile: tuple[str, ...] = ()
    run: tuple[str, ...] = ("{main}",)
    artifact: str = MAIN
    readable: tuple[str, ...] = ()
    proc: bool = False
    processes: int = 0
    package: str = ""
    version: str = ""


_ALL: Final = (
    Language(
        name="c",
        tools=("gcc",),
        file="/tmp/main.c",  # noqa: S108
        compile=("{tool}", "-O2", "-std=gnu17", "-pipe", "-o", "{main}", "{source}", "-lm"),
        package="gcc",
    ),
    Language(
        name="cpp",
        tools=("g++",),
        file="/tmp/main.cpp",  # noqa: S108
        compile=("{tool}", "-O2", "-std=gnu++20", "-pipe", "-o", "{main}", "{source}"),
        package="g++",
    ),
    Language(
        name="rust",
        tools=("rustc",),
        file="/tmp/main.rs",  # noqa: S108
        compile=("{tool}", "--edition=2021", "-O", "-o", "{main}", "{source}"),
        processes=128,
        proc=True,
        package="rustc",
    ),
    Language(
        name="go",
        tools=("go",),
        file="/tmp/main.go",  # noqa: S108
        compile=("{tool}", "build", "-o", "{main}", "{source}"),
        processes=256,
        proc=True,
        package="golang-go",
    ),
    Language(
        name="java",
        tools=("javac", "java"),
        file="/tmp/{class}.java",  # noqa: S108
        compile=("{tool}", "-J-Xmx512m", "-J-XX:+UseSerialGC", "-encoding", "UTF-8", "-d", "/tmp/out", "{source}"),  # noqa: S108
        artifact="/tmp/out",  # noqa: S108
        run=(
            "{tool2}", "-Xmx{mib}m", "-Xss64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
            "-cp", "{main}", "{class}",
        ),
        readable=("/etc/java-*",),
        processes=256,
        proc=True,
        package="default-jdk-headless",
    ),
    Language(
        name="javascript",
        tools=("node",),
        file="/tmp/main.js",  # noqa: S108
        run=("{tool}", "--max-old-space-size={mib}", "--stack-size=50000", "{source}"),
        proc=True,
        processes=128,
        package="nodejs",
    ),
    Language(
        name="bash", tools=("bash",), file="/tmp/main.sh", run=("{tool}", "{source}"), proc=True, package="bash"  # noqa: S108
    ),
)  # fmt: skip
LANGUAGES: Final[Mapping[str, Language]] = MappingProxyType({language.name: language for language in _ALL})
"""By the name that `Program.language` uses; "python" is not among them."""


@lru_cache(maxsize=256)  # a completion may have as many fences as it has lines
def named(told: str) -> str:
    """Find the language that is meant by a name in any case, with or without a version; "" where none is."""
    tag = "".join(told.lower().split())
    fit = (name for known, name in _NAMES.items() if tag.startswith(known) and _VERSION.fullmatch(tag, len(known)))
    return next(fit, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """A language's tools as this host has them; `readable` is what a box must see of it."""

    language: Language
    paths: tuple[str, ...]
    readable: tuple[str, ...]

    def command(self, template: tuple[str, ...], source: str, memory_bytes: int) -> list[str]:
        """Fill a command's places."""
        values = {
            "tool": self.paths[0],
            "tool2": self.paths[-1],
            "source": self.source_file(source),
            "main": MAIN,
            "mib": str(max(memory_bytes >> 20, 16)),
            "class": java_class(source),
        }
        return [part.format_map(values) for part in template]

    def source_file(self, source: str) -> str:
        """Name the source file, which for Java depends on what is in it."""
        return self.language.file.replace("{class}", java_class(source))


def java_class(source: str) -> str:
    """Name the class to be run: the public one, else the last one that begins before `main`."""
    public = _PUBLIC_CLASS.search(source)
    if public:
        return public[1]
    main = _JAVA_MAIN.search(source)
    classes = _CLASS.findall(source, 0, main.start() if main else len(source))
    return classes[-1] if classes else "Main"


def _behind_rustup(path: str) -> str | None:
    """Find the compiler behind rustup's stand-in, which needs a home of its own."""
    asked = subprocess.run([path, "--print", "sysroot"], capture_output=True, text=True, check=False)  # noqa: S603
    return asked.stdout.strip() if asked.returncode == 0 else None


def toolchain(name: str, which: Callable[[str], str | None] = shutil.which) -> Toolchain | None:
    """Find a language's tools on this host; None where one is missing."""
    language = LANGUAGES[name]
    found = [which(tool) for tool in language.tools]
    paths = [path for path in found if path is not None]
    if len(paths) < len(found):
        return None
    readable = [str(path) for pattern in language.readable for path in sorted(Path("/").glob(pattern.lstrip("/")))]
    if name == "rust":
        sysroot = _behind_rustup(paths[0])
        if sysroot is None:
            return None
        paths = [f"{sysroot}/bin/rustc"]
    for path in paths:
        real = Path(path).resolve()
        if not str(real).startswith("/usr/"):
            readable.append(str(real.parent.parent))
    return Toolchain(language=language, paths=tuple(paths), readable=tuple(readable))

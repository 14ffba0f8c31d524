"""Which languages the sandbox runs, and in which version: it is asked, by a program of each.

What stands where programs run is what counts, and that may be another host, or an image.
"""

from __future__ import annotations

import asyncio
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec

from jurist.sandbox import Limits
from jurist.sandbox.languages import TAGS
from jurist.services.facade.programs import NoToolchainError, SandboxAwayError, ran
from jurist.services.facade.versions import number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jurist.services.facade.programs import Asking

__all__ = ["Runtime", "Runtimes"]

_C: Final = "#include <stdio.h>\nint main(void) { puts(__VERSION__); return 0; }"
PROGRAMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "python": "import platform\nprint(platform.python_version())",
        "c": _C,
        "cpp": _C.replace("void", ""),
        "javascript": "console.log(process.versions.node)",
        "bash": 'echo "$BASH_VERSION"',
        "java": (
            "class Main { public static void main(String[] a) {\n"
            'System.out.println(System.getProperty("java.version")); } }'
        ),
        # rustc tells programs nothing of itself, but signs them.
        "rust": (
            'fn main() { let me = std::fs::read("/proc/self/exe").unwrap(); let sign = b"rustc version ";\n'
            "let at = me.windows(sign.len()).rposition(|w| w == sign).unwrap() + sign.len();\n"
            'println!("{}", String::from_utf8_lossy(&me[at..at + 20])); }'
        ),
        "go": 'package main\nimport ("fmt"; "runtime")\nfunc main() { fmt.Println(runtime.Version()) }',
    }
)
COMPILE_S: Final = 60.0  # Go's first compilation compiles its library
NAMED: Final[Mapping[str, str]] = MappingProxyType({"c": "gcc", "cpp": "gcc", "javascript": "node"})
WITH_VERSION: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({"python": ("python3", "py3")})


class Runtime(msgspec.Struct, omit_defaults=True):
    """A language that programs may be in; `aliases` are its further names."""

    language: str
    version: str
    aliases: list[str]
    runtime: str | None = None


class Runtimes:
    """Remembers what was found, never what was not: a toolchain may come."""

    def __init__(self, ask: Asking) -> None:
        self._ask = ask
        self._versions: dict[str, str] = {}

    async def version(self, name: str) -> str:
        """Return the version of a language's toolchain.

        Raises:
            NoToolchainError: it is not there.
            SandboxAwayError: nothing is known of it.
        """
        if name not in self._versions:
            limits = Limits(compile_s=COMPILE_S)
            run = await ran(self._ask, source=PROGRAMS[name], language=name, stdin="", limits=limits)
            told = number(run.cases[0].stdout.decode("utf-8", "replace"))
            if not told:
                raise SandboxAwayError(f"the {name} toolchain does not tell its version: {run.cases[0].reason}")
            self._versions[name] = told
        return self._versions[name]

    async def lacks(self, name: str) -> bool:
        """Tell whether it is the language alone that is not there: Python, which needs nothing, is."""
        try:
            await self.version("python")
        except SandboxAwayError:
            return False
        return name != "python"

    async def all(self) -> Sequence[Runtime]:
        """Return what there is.

        Raises:
            SandboxAwayError: nothing is known of one.
        """
        found = await asyncio.gather(*map(self._found, PROGRAMS))
        return [runtime for runtime in found if runtime is not None]

    async def _found(self, name: str) -> Runtime | None:
        try:
            version = await self.version(name)
        except NoToolchainError:
            return None
        aliases = [*(tag for tag in TAGS[name] if tag != name), *WITH_VERSION.get(name, ())]
        return Runtime(name, version, aliases, NAMED.get(name))

"""Finds the program in a completion: one pass over its lines, no backtracking."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from jurist.verifiers._thought import answer_of

__all__ = ["Missing", "submission"]

TAGS: Final = {
    "python": ("python", "py"),
    "c": ("c",),
    "cpp": ("cpp", "c++", "cc", "cxx"),
    "javascript": ("javascript", "js", "node", "nodejs"),
    "bash": ("bash", "sh", "shell"),
    "java": ("java",),
    "rust": ("rust", "rs"),
    "go": ("go", "golang"),
}
"""What fenced blocks of a language are tagged with, in lower case and without a version."""

_KNOWN: Final = frozenset(tag for tags in TAGS.values() for tag in tags)
# What stands before a fence, the fence, its tag; possessive, since a line may be long.
_FENCE: Final = re.compile(r"((?:[^`~]|~(?!~~))*+)(`{3,}+|~{3,}+)[ \t]*+\{?+\.?+([^\s`{}]*+)[^`]*+")
_MARKER: Final = re.compile(r"[ \t]*+(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?")
_VERSION: Final = re.compile(r"[\d.]*(?:[:,;(].*)?")
_ANSWER: Final = re.compile(r"</?answer>")
# How bare code begins, in any of the languages above.
_CODE_LINE: Final = re.compile(
    r"(?:[ \t]+\S|@\w|#!|#include\b|//|(?:async\s+)?def\s+\w+\s*\(|class\s+\w+|import\s+[\w.{*]"
    r"|from\s+[\w.]+\s+import\b|(?:for|while|if|with)\b.*[:{]\s*$|(?:try|else)\s*:|print\s*\("
    r"|(?:const|let|var|function|package|func|use|fn|pub|static|public|using|int|void|long|double)\s+\S"
    r"|\w[\w\[\], .]*\s*[-+*/|&]?=[^=]|\w+(?:\.\w+)*\(.*\)\s*;?\s*$)"
)


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no program; `reason` says why in a line."""

    reason: str


@dataclass(slots=True)
class _Block:
    fence: str
    column: int
    tag: str
    lines: list[str]
    closed: bool = False

    def closes_with(self, line: str) -> bool:
        """Tell whether a line is its closing fence: no shorter, hardly further in, and with nothing of code behind."""
        bare = line.lstrip()
        rest = bare.lstrip(self.fence[0])
        return (
            bare.startswith(self.fence)
            and len(line) - len(bare) <= self.column + 3
            and (not rest.strip() or rest.lstrip().startswith("</answer>"))
        )

    def close_late(self) -> None:
        """Close a block that nobody closed where the fence stands behind code."""
        for index, line in enumerate(self.lines):
            code = line.rstrip().removesuffix(self.fence)
            if code != line.rstrip() and not code.endswith(self.fence[0]):
                self.lines[index:] = [code]
                self.closed = True
                return

    def source(self) -> str:
        """Take what is inside, without what all of it is indented by, up to the fence's own column."""
        indents = [len(line) - len(line.lstrip()) for line in self.lines if line.strip()]
        indent = min([self.column, *indents])
        return (
            "\n".join(line[indent:] if line.strip() else "" for line in self.lines) if indent else "\n".join(self.lines)
        )


def _opened(line: str) -> _Block | None:
    """Read an opening fence; behind words it has to name a language."""
    found = _FENCE.fullmatch(line.rstrip())
    if found is None:
        return None
    before, fence, told = found.groups()
    tag = told.lower()
    known = next((name for name in _KNOWN if tag.startswith(name) and _VERSION.fullmatch(tag, len(name))), "")
    if not known and before.strip() not in {"", "<answer>"}:
        return None
    # What stands in an item of a list begins where the item does.
    column = len(before) if _MARKER.fullmatch(before) else len(before) - len(before.lstrip())
    return _Block(fence, column, known or tag, [])


def _blocks(text: str) -> list[_Block]:
    """Read the fenced blocks; a fence closes with as many of its characters as it opened with, and no tag."""
    blocks: list[_Block] = []
    inside = False
    for line in text.replace("\r\n", "\n").split("\n"):
        if not inside:
            if (block := _opened(line)) is not None:
                blocks.append(block)
                inside = True
        elif blocks[-1].closes_with(line):
            blocks[-1].closed = True
            inside = False
        else:
            blocks[-1].lines.append(line)
    if inside:
        blocks[-1].close_late()
    return blocks


def _chosen(blocks: list[_Block], language: str) -> _Block | None:
    """Take the last block of the language, else the last without a tag."""
    tags = TAGS.get(language, (language,))
    for wanted in (tags, ("",)):
        for block in reversed(blocks):
            if block.tag in wanted:
                return block
    return None


def _bare(text: str) -> str | Missing:
    """Take an answer that is nothing but code as it stands."""
    lines = [line for line in _ANSWER.sub("", text).split("\n") if line.strip()]
    if not lines:
        return Missing("the answer is empty")
    if _CODE_LINE.match(lines[0][:1_000]) is None and not lines[0].startswith("#"):
        return Missing("no fenced block, and the answer does not begin as code does")
    return _ANSWER.sub("", text)


def submission(completion: str, language: str, *, truncated: bool = False) -> str | Missing:
    """Find the program: the last fenced block of its language after the thought, or an answer that is bare code.

    A last block that nobody closed counts unless the completion was cut off (`truncated`).
    """
    answer = answer_of(completion)
    if answer is None:
        return Missing("the thought never ends")
    blocks = _blocks(answer)
    if not blocks:
        return _bare(answer)
    block = _chosen(blocks, language)
    if block is None:
        return Missing(f"no block of {language}, but of {', '.join(sorted({block.tag for block in blocks}))}"[:200])
    if not block.closed and truncated:
        return Missing("the completion was cut off inside the program")
    source = block.source()
    return source if source.strip() else Missing("the block is empty")

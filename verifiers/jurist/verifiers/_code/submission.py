"""Finds the program in a completion: one pass over its lines, no backtracking."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from jurist.verifiers._thought import answer_of

__all__ = ["Missing", "submission"]

TAGS: Final = {
    "python": ("python", "python3", "py", "py3", "python2"),
    "c": ("c",),
    "cpp": ("cpp", "c++", "cc", "cxx", "c++17", "c++20"),
    "javascript": ("javascript", "js", "node", "nodejs"),
    "bash": ("bash", "sh", "shell"),
    "java": ("java",),
    "rust": ("rust", "rs"),
    "go": ("go", "golang"),
}
"""What fenced blocks of a language are tagged with, in lower case."""

_FENCE: Final = re.compile(r"[ ]{0,3}(`{3,}|~{3,})[ \t]*\{?\.?([^\s`{}]*)[^`]*")
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
    tag: str
    lines: list[str]
    closed: bool = False


def _blocks(text: str) -> list[_Block]:
    """Read the fenced blocks; a fence closes with as many of its characters as it opened with, and no tag."""
    blocks: list[_Block] = []
    fence = ""
    for line in text.split("\n"):
        found = _FENCE.fullmatch(line.rstrip())
        if not fence:
            if found:
                fence = found[1]
                blocks.append(_Block(found[2].lower(), []))
        elif found and not found[2] and found[1].startswith(fence):
            blocks[-1].closed = True
            fence = ""
        else:
            blocks[-1].lines.append(line)
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
    source = "\n".join(block.lines)
    return source if source.strip() else Missing("the block is empty")

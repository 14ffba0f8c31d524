"""Finds the program in a completion: one pass over its lines, no backtracking."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import Final

from jurist.sandbox.languages import named
from jurist.verifiers._thought import answer_of

__all__ = ["Missing", "submission"]

# Possessive all over, since a line may be long. A fence as CommonMark has it, then one anywhere in a line: what stands
# before it, the fence, its tag, and what follows.
_FENCE: Final = re.compile(r"([ ]{0,3})(`{3,}+|~{3,}+)[ \t]*+\{?+\.?+([^\s`{}]*+)([^`]*+)")
_FENCE_ANYWHERE: Final = re.compile(r"((?:[^`~]|~(?!~~))*+)(`{3,}+|~{3,}+)[ \t]*+\{?+\.?+([^\s`{}]*+)([^`]*+)")
_MARKER: Final = re.compile(r"[ \t]*+(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?")
_COMMENT: Final = ("#", "//", "*", "--")
_QUOTES: Final = ('"""', "'''")
_ANSWER: Final = re.compile(r"</?answer>")
# What may stand behind a closing fence: the answer's tag, or the token that ends a turn.
_ENDED: Final = re.compile(r"</answer>|</s>|<\|\w+\|>")
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
    behind_words: bool = False
    closed: bool = False

    @property
    def plausible(self) -> bool:
        """Whether it holds a program: a fence behind words may be no more than one of them."""
        first = next((line for line in self.lines if line.strip()), "")
        return bool(first) and (not self.behind_words or _begins_as_code(first))

    @property
    def only_remarks(self) -> bool:
        """Whether it was closed with nothing but comments inside."""
        comment = "#" if self.tag in {"", "python", "bash"} else "//"
        return self.closed and all(line.lstrip().startswith(comment) for line in self.lines if line.strip())

    def close_late(self) -> None:
        """Close a block that nobody closed where the fence stands behind code, and in no comment or long string."""
        quoted = dict.fromkeys(_QUOTES, False)
        for index, line in enumerate(self.lines):
            bare = line.rstrip()
            code = bare.removesuffix(self.fence)
            for quotes in _QUOTES:
                quoted[quotes] ^= line.count(quotes) % 2 == 1
            behind_code = code.strip() and not code.endswith(self.fence[0]) and not code.lstrip().startswith(_COMMENT)
            if code != bare and behind_code and not any(quoted.values()):
                self.lines[index:] = [code]
                self.closed = True
                return

    def source(self) -> str:
        """Take what is inside, without what all of it is indented by, up to the fence's own column."""
        indents = [len(line) - len(line.lstrip()) for line in self.lines if line.strip()]
        indent = min([self.column, *indents])
        return "\n".join(line[indent:] if line.strip() or not indent else "" for line in self.lines)


def _language(told: str) -> str:
    """Take a tag as the language that it names, if it is a known one."""
    return named(told) or told.lower()


def _opened(line: str, *, anywhere: bool) -> _Block | None:
    """Read an opening fence; behind words it has to name a language, and to end the line."""
    found = (_FENCE_ANYWHERE if anywhere else _FENCE).fullmatch(line.rstrip())
    if found is None:
        return None
    before, fence, told, rest = found.groups()
    tag = _language(told)
    listed = _MARKER.fullmatch(before) is not None
    behind_words = not listed and before.strip() != "<answer>"
    if behind_words and (not named(told) or rest):
        return None
    # What stands in an item of a list begins where the item does.
    column = len(before) if listed else len(before) - len(before.lstrip())
    return _Block(fence, column, tag, [], behind_words)


def _closes(line: str, block: _Block, *, anywhere: bool) -> bool:
    """Tell whether a line is a block's closing fence: no shorter, hardly further in, with nothing of code behind."""
    bare = line.lstrip()
    if not bare.startswith(block.fence):
        return False
    rest = bare.lstrip(block.fence[0]).strip()
    depth = len(line.expandtabs(4)) - len(bare.expandtabs(4))
    return depth <= (block.column if anywhere else 0) + 3 and (not rest or _ENDED.match(rest) is not None)


def _blocks(text: str, *, anywhere: bool = False) -> list[_Block]:
    """Read the fenced blocks: those of CommonMark, or those that begin anywhere in a line."""
    blocks: list[_Block] = []
    inside = False
    for line in text.split("\n"):
        if not inside:
            if (block := _opened(line, anywhere=anywhere)) is not None:
                blocks.append(block)
                inside = True
        elif _closes(line, blocks[-1], anywhere=anywhere):
            blocks[-1].closed = True
            inside = False
        else:
            blocks[-1].lines.append(line)
    return blocks


def _last(blocks: list[_Block], tag: str, *, surely: bool = False) -> _Block | None:
    """Take the last block with the tag, of code if one is; with `surely` one that holds a program and was closed."""
    tagged = [block for block in reversed(blocks) if block.tag == tag]
    fit = [block for block in tagged if not surely or (block.plausible and block.closed)]
    return next((block for block in fit if not block.only_remarks), fit[0] if fit else None)


def _begins_as_code(line: str) -> bool:
    found = _CODE_LINE.match(line[:1_000]) is not None or line.startswith("#")
    return found and not line.lstrip().startswith(("```", "~~~"))


def _reads_as_python(text: str) -> bool:
    """Tell Python from words that happen to be a name, a constant or an expression (`Answer: 42`, `not sure`)."""
    try:
        body = ast.parse(text).body
    except (MemoryError, RecursionError, SyntaxError, ValueError):
        return False
    return any(
        any(isinstance(node, ast.Call) for node in ast.walk(statement))
        if isinstance(statement, ast.Expr | ast.Pass)
        else not isinstance(statement, ast.AnnAssign) or statement.value is not None
        for statement in body
    )


def _bare(text: str, language: str) -> str | Missing:
    """Take an answer that is nothing but code as it stands."""
    lines = [line for line in _ANSWER.sub("", text).split("\n") if line.strip()]
    if not lines:
        return Missing("the answer is empty")
    bare = _ANSWER.sub("", text)
    if not _begins_as_code(lines[0]) and not (language == "python" and _reads_as_python(bare)):
        return Missing("no fenced block, and the answer does not begin as code does")
    return bare


def submission(completion: str, language: str, *, truncated: bool = False) -> str | Missing:
    """Find the program: the last fenced block of its language after the thought, or an answer that is bare code.

    Where Markdown knows no such block, one that begins behind words, in a list or far in counts, and at last one
    without a tag. A last block that nobody closed counts unless the completion was cut off (`truncated`).
    """
    answer = answer_of(completion)
    if answer is None:
        return Missing("the thought never ends")
    answer = answer.replace("\r\n", "\n")
    strict = _blocks(answer)
    block = _last(strict, language)
    if block is None:
        bare = _bare(answer, language)
        if not strict and isinstance(bare, str):
            return bare
        loose = _blocks(answer, anywhere=True)
        block = (
            _last(loose, language, surely=True)
            or _last(strict, "", surely=True)
            or _last(loose, language)
            or _last(strict, "")
            or _last(loose, "")
        )
        if block is None and not loose:
            return bare
        if block is None:
            others = ", ".join(sorted({other.tag for other in strict or loose}))
            return Missing(f"no block of {language}, but of {others}"[:200])
    if not block.closed and truncated:
        return Missing("the completion was cut off inside the program")
    if not block.closed:
        block.close_late()
    source = block.source()
    return source if source.strip() else Missing("the block is empty")

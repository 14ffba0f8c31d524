"""Blanks out what is no prose: code, math, links, TeX commands; in time linear in the text."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Masked", "mask"]

# Every alternative starts with a literal, which keeps the search fast, and none looks past the next opening of its own
# kind, which keeps it linear. A code fence that is never closed runs to the end; other openings then are lone signs.
_SPAN = re.compile(
    r"```.*?(?:```|\Z)"
    r"|`[^`\n]*`"
    r"|\$\$[^$]*+(?:\$(?!\$)[^$]*+)*+\$\$"
    # Inline math has no blank inside its signs and no digit behind them: "$5 and $7" is money.
    r"|\$(?=[^\s$])[^$\n]*+(?:\n(?!\n)[^$\n]*+)*+(?<=\S)\$(?!\d)"
    # With blanks inside it must look like math: a TeX sign, or no word of three letters.
    r"|\$\s(?=[^$\n]{0,200}[\\^_={}<>+*/])[^$\n]{1,200}\s\$"
    r"|\$\s(?:[^$\n\w]|\w{1,2}(?!\w)){1,60}\s\$"
    r"|\\\([^\\]*+(?:(?:\\\\|\\(?![()]))[^\\]*+)*+\\\)"
    r"|\\\[[^\\]*+(?:(?:\\\\|\\(?![\[\]]))[^\\]*+)*+\\\]"
    r"|\\[A-Za-z]++\*?"
    r"|\\[$\\]",
    re.DOTALL,
)
_BEGIN = re.compile(r"\\begin\{([A-Za-z]{1,24}\*?)\}")
_LINK = re.compile(r"(?:https?|ftp)://[^\s<>\"`\u3000-\u303f\uff00-\uffef\u3040-\u30ff\u4e00-\u9fff]+")
# total_count is a name in a program. Possessive: no part of a word is tried twice.
_IDENTIFIER = re.compile(r"(?<![A-Za-z0-9_])[A-Za-z][A-Za-z0-9]*+(?:_++[A-Za-z0-9]++)++")
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+")


class Masked(NamedTuple):
    """A text without what is no prose, and the share of its characters that went, in [0, 1]."""

    text: str
    share: float


def mask(text: str) -> Masked:
    """Put a blank in the place of every piece of code, math, link or TeX command."""
    prose = _without_environments(text) if "\\begin{" in text else text
    if "://" in prose:
        prose = _LINK.sub(" ", prose)
    if "@" in prose:
        prose = _MAIL.sub(" ", prose)
    prose = _SPAN.sub(" ", prose)
    if "_" in prose:
        prose = _IDENTIFIER.sub(" ", prose)
    return Masked(prose, 1.0 - len(prose) / len(text) if text else 0.0)


def _without_environments(text: str) -> str:
    r"""Cut `\begin{x} .. \end{x}`; one that is never ended stays, and its end is looked for once."""
    kept: list[str] = []
    unended: set[str] = set()
    done = 0
    for begin in _BEGIN.finditer(text):
        end = f"\\end{{{begin[1]}}}"
        if begin.start() < done or end in unended:
            continue
        at = text.find(end, begin.end())
        if at < 0:
            unended.add(end)
            continue
        kept.append(text[done : begin.start()])
        done = at + len(end)
    return " ".join([*kept, text[done:]])

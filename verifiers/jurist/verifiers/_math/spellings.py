r"""Rewrites what is said in words, or in another notation, into the LaTeX that the parser reads.

One table: a word or sign that must be there, a pattern, and its LaTeX. A rule holds wherever its pattern stands; what
has another meaning in another place is no matter for this table.
"""

from __future__ import annotations

import re

__all__ = ["respelt"]


_PARTS = {
    "ATOM": r"(\d+(?:\.\d+)?|[A-Za-z]|\{[^{}]*\}|\([^()]*\))",
    "INDEX": r"_\s*\{?\s*(\w+)\s*\}?",
    "SAID": r"(?:\\(?:text\w*|mathrm|mbox)\s*\{\s*)?",
    "UNIT": r"TEXT([A-Za-z]+)\s*\}?((?:\s*\^\s*\{?\d\}?)?)\}?",
    "DEGREES": r"(?<![\d.-])(\d+)\s*\^\s*\{?\s*\\circ\s*\}?\s*",
    "PRIME": r"(?:'|\^\s*\{?\s*\\prime\s*\}?)",
    "TEXT": r"\\(?:text\w*|mathrm|mbox)\s*\{\s*",
}
"""What patterns name: one operand, an index, words that may stand in a text command, words that do."""

_RULES: tuple[tuple[str, str, str], ...] = (
    # Modulo, in a bracket or as a text.
    ("mod", r"\(\s*\\?(?:mod|bmod)\b\s*([^()]*?)\s*\)", r"\\pmod{\1}"),
    ("mod", r"\(?\s*TEXT\(?\s*mod\s*\}?\s*\}\s*([^(){}]+?)\s*\)", r"\\pmod{\1}"),
    ("mod", r"TEXT\(?\s*(?:mod|modulo)\s+(\w+)\s*\)?\s*\}", r"\\pmod{\1}"),
    # Signs in words.
    ("minus", r"^SAIDminus(?![A-Za-z])\s*\}?\s*(?=[\d\\(])", "-"),
    ("negative", r"^SAIDnegative(?![A-Za-z])\s*\}?\s*(?=[\d\\(])", "-"),
    ("positive", r"^SAIDpositive(?![A-Za-z])\s*\}?\s*(?=[\d\\(])", ""),
    ("square root", r"SAID(?:the\s+)?square\s+root\s+of\s*\}?\s*ATOM\}?", r"\\sqrt{\1}"),
    ("cube root", r"SAID(?:the\s+)?cube\s+root\s+of\s*\}?\s*ATOM\}?", r"\\sqrt[3]{\1}"),
    # Signs in other notations.
    ("{", r"^\{\s*\}(?=\s*\d)", ""),
    ("x", r"(?<=[\d)])\s*x\s*(?=10\s*(?:\^|\*\*))", r"\\times "),
    ("/", r"\+\s?/\s?-", r"\\pm "),
    ("o", r"(?<=\d)\^\{?\s*o\s*\}?(?![\w}])", r"^\\circ "),
    (
        "circ",
        r"DEGREES(\d+)\s*PRIME\s*(\d+(?:\.\d+)?)\s*PRIME\s*PRIME",
        r"(\1+\\frac{\2}{60}+\\frac{\3}{3600})^\\circ ",
    ),
    ("circ", r"DEGREES(\d+(?:\.\d+)?)\s*PRIME(?!\s*')", r"(\1+\\frac{\2}{60})^\\circ "),
    # Counting.
    ("C", r"(?:\{\s*\})?INDEX\s*\{?C\}?\s*INDEX", r"\\binom{\1}{\2}"),
    ("C", r"(?:\{\s*\}|^)\^\s*\{?(\w+?)\}?\s*\{?C\}?\s*INDEX", r"\\binom{\1}{\2}"),
    ("P", r"(?:\{\s*\})?INDEX\s*\{?P\}?\s*INDEX", r"\\frac{\1!}{(\1-\2)!}"),
    # Money and measures.
    ("S", r"(?<![A-Za-z])US\s*\\\$", r"\\$"),
    ("Rs", r"^SAIDRs\.?\s*\}?\s*(?=\d)", "\u20b9"),
    ("USD", r"^SAIDUSD\s*\}?\s*(?=\d)", r"\\$"),
    ("EUR", r"^SAIDEUR\s*\}?\s*(?=\d)", "\u20ac"),
    ("GBP", r"^SAIDGBP\s*\}?\s*(?=\d)", "\u00a3"),
    ("frac", r"(\d)(?:\s|\\[,;: ]|~)*\\[dt]?frac\s*\{\s*UNIT\s*\}\s*\{\s*UNIT\s*\}", r"\1\\text{ \2\3/\4\5}"),
    ("\\mu", r"(?<=[\d\s}])\\mu\s*(?:\\(?:text|mathrm)\s*\{\s*)?([mgsFCAVJWL])\}?(?![A-Za-z])", r"\\text{ μ\1}"),
    ("\\Omega", r"(?<=\d)\s*(?:\\[,;: ]|~)?\s*(?:TEXT|\s)?([kM]?)\}?\s*\\Omega\b", r"\\text{ \1ohm}"),
    ("\\permil", r"\\permil\b", r"\\cdot\\frac{1}{1000}"),
    ("\\in", r"\(\s*([a-z])\s*\\in\s*(\\mathbb\s*\{?[ZNRQ]\}?[^()]*)\)", r", \1\\in \2"),
    ("angle", r"(?<![A-Za-z])m\s*\\angle\b", r"\\angle"),
    ("oint", r"^SAID(?:[Tt]he\s+)?[Pp]oint\s*\}?\s*(?=\()", ""),
    # Sets in words.
    (
        "real",
        r"SAIDall\s+real(?:s|\s+numbers)?\s+(?:except|but|other\s+than)(?:\s+for)?\s*\}?\s*(?:x\s*=)?\s*([^{}]+?)\}?$",
        r"\\mathbb{R}\\setminus\\{\1\\}",
    ),
    ("mathbf", r"^\\mathbf\s*\{?([RZNQ])\}?$", r"\\mathbb{\1}"),
)


def _compiled(trigger: str, pattern: str, latex: str) -> tuple[str, re.Pattern[str], str]:
    for name, part in _PARTS.items():
        pattern = pattern.replace(name, part)
    return trigger, re.compile(pattern), latex


_COMPILED = tuple(_compiled(*rule) for rule in _RULES)


_NAMED = re.compile(
    r"^(?:\\(?:mathbb|mathrm|operatorname|text)\s*\{?\s*(?P<dressed>P|E|Var|Cov|Pr)\s*\}?|\\?(?P<bare>Pr|Var|Cov|E|P))\s*"
    r"(?:\\left)?[(\[](?P<inside>(?:[^()\[\]]|\([^()]*\))+?)(?:\\right)?[)\]]\s*(?=[=≈]|\\approx)"
)
"""A probability, an expected value, a variance: what stands in its brackets is part of its name."""


def _named(found: re.Match[str]) -> str:
    """Write such a name as one word; the probability of a single event is left to the parser."""
    name, inside = found["dressed"] or found["bare"], found["inside"]
    if found["bare"] == "P" and inside.strip().isalpha():
        return found[0]
    return f"\\text{{{'P' if name == 'Pr' else name}({_NO_LETTER.sub('.', inside)})}}"


_NO_LETTER = re.compile(r"[^A-Za-z0-9|,<> ]+")


def respelt(text: str) -> str:
    """Rewrite; linear in the text's length, which the caller bounds."""
    if "=" in text or "approx" in text:
        text = _NAMED.sub(_named, text)
    for trigger, pattern, latex in _COMPILED:
        if trigger in text:
            text = pattern.sub(latex, text)
    return text

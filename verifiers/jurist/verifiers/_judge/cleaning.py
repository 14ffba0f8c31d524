"""Takes the dress off what a judge wrote: markup, LaTeX, invisible characters; brings look-alikes of signs to one."""

from __future__ import annotations

import re
import unicodedata

from jurist.verifiers._judge.phrases import is_key

__all__ = ["CROSSED", "cleaned"]

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_SIGNS = str.maketrans(
    dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb\u300c\u300d\u300e\u300f", '"')
    | dict.fromkeys("\u2018\u2019", "'")
    | dict.fromkeys("\u3010\u3016", "[")
    | dict.fromkeys("\u3011\u3017", "]")
    | dict.fromkeys("\u2013\u2212", "-")
    | {"\u27e6": "[[", "\u27e7": "]]", "\u226b": ">>", "\u226a": "<<", "\u2014": " - ", "\u2192": "->", "\u21d2": "=>"}
    | {"\u3001": ","}
)
_ENTITIES = (("&gt;", ">"), ("&lt;", "<"), ("&quot;", '"'), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&"))
_STRUCK = re.compile(r"~~[^~\n]{0,400}~~|<(del|s|strike)>[^<]{0,400}</\1>", re.IGNORECASE)
_BREAK = re.compile(r"<br\s{0,4}/?>", re.IGNORECASE)
_LATEX = re.compile(r"\\(?:text(?:bf|it|rm|tt)?|mathbf|mathrm|mathit|mathsf|bf|rm)\s{0,4}\{([^{}\n]{0,80})\}")
_BOX = re.compile(r"\\f?box(?:ed)?\s{0,4}\{([^{}\n]{0,80})\}")
_TAGGED = re.compile(r"<([A-Za-z][\w-]{0,30})>((?:[^<]|<(?![/A-Za-z])){0,80})</\1>")
CROSSED = r"[\u274c\u2717\u2718\u2716]\s{0,4}\**(?:correct|right|yes|true|safe|valid|pass)\b"
"""A cross that denies the word after it; before any other word it only adorns."""
_TICK = re.compile(
    rf"[\u2705\u2714\u2611\u2713]|(?!{CROSSED})[\u274c\u2717\u2718\u2716]\s{{0,4}}(?=[\w*])", re.IGNORECASE
)
_ESCAPE = re.compile(r"\\(?=[()\[\]])")
_RESULT = re.compile(r"\[(?:RESULT|VERDICT|SCORE|GRADE|RATING|JUDGE?MENT|DECISION)\]\s{0,4}:?")
_MARKUP = re.compile(
    r"</?(?:b|strong|i|em|u|code|span|p|div|center|font)\b[^<>\n]{0,80}>|(?<!\w)[*_]{1,3}|[*_]{1,3}(?!\w)|(?<!`)`(?!`)",
    re.IGNORECASE,
)


def cleaned(text: str) -> str:
    """Leave the words and signs; a box becomes double brackets, a verdict's tag an announcement."""
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).translate(_SIGNS)
    for entity, sign in _ENTITIES:
        text = text.replace(entity, sign)
    text = _BREAK.sub("\n", _STRUCK.sub(" ", text))
    text = _ESCAPE.sub("", _BOX.sub(r"[[\1]]", _LATEX.sub(r"\1", text)))
    text = _RESULT.sub("verdict: ", _TAGGED.sub(_announced, text))
    return _MARKUP.sub("", _TICK.sub("", text))


def _announced(tag: re.Match[str]) -> str:
    return f"\n{tag[1]}: {tag[2].strip()}\n" if is_key(tag[1]) else tag[0]

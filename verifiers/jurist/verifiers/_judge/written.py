"""Reads the verdict in what a judge wrote: the last one that it states, in the form and the set that were offered.

Thoughts, quotations and struck words are left out. A verdict is stated by the JSON object that was asked for, in double
brackets, after a word that announces one ("Verdict:", "Score:"), or alone on the first or the last line. Announced
but not among the labels, denied, supposed or hedged, it is no verdict, and none that was mentioned earlier takes its
place: the text then has none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from jurist.verifiers._judge.cleaning import cleaned
from jurist.verifiers._judge.in_objects import verdicts_in_objects
from jurist.verifiers._judge.in_prose import verdicts_in_prose
from jurist.verifiers._judge.statements import head

if TYPE_CHECKING:
    from jurist.verifiers._judge.labels import Labels
    from jurist.verifiers._judge.statements import Statement

__all__ = ["Written", "read"]

MOST_CHARACTERS = 65_536
"""That are read, the last ones: what a judge writes after its thought is shorter."""
FEWEST_FOR_A_LIST = 3
"""Labels that, all stated one after the other, are the offer repeated."""

# How models mark their thoughts; written small, as the text is compared.
THOUGHTS = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<reflection>", "</reflection>"),
    ("[think]", "[/think]"),
    ("\u25c1think\u25b7", "\u25c1/think\u25b7"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|channel|>analysis", "<|channel|>final<|message|>"),
)


# What follows is another's turn, which a server without a stop string lets a model write, too.
_END_OF_TURN = re.compile(r"<\|(?:im_end|eot_id|end_of_text|endoftext|end|return)\|>|<end_of_turn>")


class Written(NamedTuple):
    """The label that was read, None where there is none, and then `why`."""

    label: str | None
    why: str = ""


def read(text: str, labels: Labels, key: str = "", *, cut: bool = False) -> Written:
    """Read a verdict; `key` is that of the JSON object that was asked for, `cut` says that the text was cut off."""
    spoken = _without_thought(text)
    if spoken is None:
        return Written(None, f"its thought never ends: {head(text)}")
    turn = _END_OF_TURN.split(spoken, maxsplit=1)[0]
    spoken = (turn if turn.strip() else spoken)[-MOST_CHARACTERS:]
    if not spoken.strip():
        return Written(None, "it wrote nothing")
    in_objects, prose = verdicts_in_objects(spoken, labels, key)
    statements = verdicts_in_prose(cleaned(prose), in_objects, labels, cut=cut)
    return _settled(statements, labels, spoken)


def _settled(statements: list[Statement], labels: Labels, spoken: str) -> Written:
    """Take the last statement, unless it is none, or takes back what was announced without announcing anything."""
    if not statements:
        return Written(None, f"no verdict in: {head(spoken)}")
    last = statements[-1]
    firm = [statement.label for statement in statements if statement.firm]
    if last.label is None:
        return Written(None, f"not one of the verdicts that were offered: {head(spoken)}")
    if firm and not last.firm and last.label != firm[-1]:
        return Written(None, f"two verdicts in: {head(spoken)}")
    if not labels.numeric and len(labels.texts) >= FEWEST_FOR_A_LIST and set(firm) >= set(labels.texts):
        return Written(None, f"every verdict in: {head(spoken)}")
    return Written(last.label)


def _without_thought(text: str) -> str | None:
    """Leave out the judge's own thought; None where it never ends."""
    for opening, closing in THOUGHTS:
        folded = text.translate(_SMALL)
        end = folded.rfind(closing)
        if end >= 0:
            text, folded = text[end + len(closing) :], folded[end + len(closing) :]
        if opening in folded:
            return None
    return text


_SMALL = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}  # casefold would change the length of some texts

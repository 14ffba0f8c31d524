"""From two texts to a finding: readings of both, compared until one pair is equal. Remembered, within bounds."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from jurist.verifiers._math.comparison import compare
from jurist.verifiers._math.evaluation import UndefinedError
from jurist.verifiers._math.extraction import extract
from jurist.verifiers._math.members import is_plural
from jurist.verifiers._math.printing import written
from jurist.verifiers._math.quantities import equal_scalars
from jurist.verifiers._math.rationals import rational
from jurist.verifiers._math.reading import MAX_REMEMBERED, Reading, read
from jurist.verifiers._math.rules import Finding, Rules
from jurist.verifiers._math.tokens import closing_brace
from jurist.verifiers._math.tree import Apply, Chain, Text, Tree

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Judgement", "Reference", "compiled", "judge", "same_answer", "usable"]


class Judgement(NamedTuple):
    """What was found for one answer and one reference, with both as they stand and as they were read."""

    equal: bool | None
    how: str
    reference: str
    answer: str
    reference_form: str
    answer_form: str


class Reference(NamedTuple):
    """A reference, read once; `form` is how, and `fault` says why it cannot be used."""

    text: str
    reading: Reading
    plural: bool
    relation: bool
    form: str = ""
    fault: str = ""


@lru_cache(maxsize=2_048)
def compiled(reference: str) -> Reference:
    """Read a reference: an answer, or a whole solution with a box or a cue in it."""
    text = reference
    if "\\boxed" in reference or "\\fbox" in reference:
        found = extract(_closed(reference))
        text = found.joined or found.text
        if found.fault:
            return Reference(reference, read(""), plural=False, relation=False, fault=found.fault)
    reading = read(text)
    if not reading.trees and len(text) > 80:  # noqa: PLR2004 - prose
        found = extract(reference)
        if found.text:
            text, reading = found.text, read(found.text)
    fault = "" if reading.trees or reading.words else reading.fault or "nothing in it"
    if reading.trees and _undefined(reading.trees[0]):
        fault = "a value that does not exist"
    elif not reading.trees and any(sign in reading.text for sign in "\\^_{}="):
        fault = reading.fault
    tree = reading.trees[0] if reading.trees else Text(reading.words)
    return Reference(text, reading, is_plural(tree), isinstance(tree, Chain), _form(reading), fault)


_BETWEEN_BOXES = re.compile(r"(?<=\})[\s+\-$]*(?=\\{1,2}(?:boxed|fbox))")


def _closed(reference: str) -> str:
    """Mend a reference's boxes: close the last one, and join those that nothing but signs stands between."""
    last = max(reference.rfind("\\boxed{"), reference.rfind("\\fbox{"))
    if last >= 0 and closing_brace(reference, reference.index("{", last)) < 0:
        reference += "}"
    return _BETWEEN_BOXES.sub(", ", reference)


def _undefined(tree: Tree) -> bool:
    try:
        if isinstance(tree, Apply):
            rational(tree)
    except UndefinedError:
        return True
    return False


def usable(reference: str) -> bool:
    """Tell whether a reference can be compared with at all."""
    return not compiled(reference).fault


def judge(reference: str, answer: str, joined: str, rules: Rules) -> Judgement:
    """Compare an answer with a reference; `joined` is the list that it ends, used if the reference is one.

    Judgements on short answers are remembered: the rollouts of a group repeat theirs.
    """
    short = len(answer) + len(joined) <= MAX_REMEMBERED and len(reference) <= MAX_REMEMBERED
    return (_remembered if short else _judge)(reference, answer, joined, rules)


@lru_cache(maxsize=65_536)
def _remembered(reference: str, answer: str, joined: str, rules: Rules) -> Judgement:
    return _judge(reference, answer, joined, rules)


def _judge(reference: str, answer: str, joined: str, rules: Rules) -> Judgement:
    wanted = compiled(reference)
    text = joined if joined and (wanted.plural or wanted.relation or joined == answer) else answer
    given = read(text)
    finding = _compared(wanted.reading, given, rules)
    return Judgement(finding.equal, finding.how, wanted.text, text, wanted.form, _form(given))


def _form(reading: Reading) -> str:
    """Write how a text was read: its likeliest meaning, or its words."""
    return written(reading.trees[0]) if reading.trees else reading.words


def same_answer(one: str, other: str, rules: Rules) -> bool:
    """Tell whether two answers are equal, where neither is the reference."""
    return judge(one, other, "", rules).equal is True or judge(other, one, "", rules).equal is True


def _compared(wanted: Reading, given: Reading, rules: Rules) -> Finding:  # noqa: PLR0911 - one case after the other
    if not given.trees and not given.words:
        return Finding(equal=False, how=f"unreadable: {given.fault}")
    alike = wanted.text == given.text and wanted.trees and _text_alike(wanted)
    if alike or (wanted.words and wanted.words == given.words and not (wanted.trees and given.trees)):
        return Finding(equal=True, how="same text")
    if wanted.marked and len(wanted.words) == 1 and wanted.words.casefold() == given.words.casefold():
        return Finding(equal=True, how="same text")
    if not given.trees or not wanted.trees:
        fault = f"unreadable: {given.fault}" if not given.trees else "different text"
        return Finding(equal=False, how=fault)
    if wanted.scalar and given.scalar and rules.variables == "named" and not rules.reduced:
        return equal_scalars(wanted.trees[0], given.trees[0], rules)
    finding = Finding(equal=False, how="")
    undecided: Finding | None = None
    for tree, other in _pairs(wanted, given):
        now = compare(tree, other, rules)
        if now.equal:
            return now
        if now.equal is None:
            undecided = undecided or now
        finding = finding if finding.how else now
    return undecided or finding


def _pairs(wanted: Reading, given: Reading) -> Iterator[tuple[Tree, Tree]]:
    """Pair the meanings of two texts: the usual one of either with all of the other, and those read in the same way.

    A reference of two numbers is a list, {1, 2} and not 1.2, unless its comma stands before several decimals.
    """
    for tree, kind in zip(wanted.trees, wanted.kinds, strict=True):
        if kind == "decimal comma" and _ONE_DECIMAL.search(wanted.text):
            continue
        for other, same in zip(given.trees, given.kinds, strict=True):
            alike = kind == same != "arithmetic"
            if alike or tree is wanted.trees[0] or other is given.trees[0]:
                yield tree, other


_ONE_DECIMAL = re.compile(r",\d(?!\d)")


def _text_alike(wanted: Reading) -> bool:
    """Tell whether the same text means the same: not where it has no value."""
    return not _undefined(wanted.trees[0])

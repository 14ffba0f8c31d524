"""What holds for every verifier that ships here."""

from __future__ import annotations

import dataclasses
import math
import pickle
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Annotated, get_args, get_origin, get_type_hints

import pytest
from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

from jurist.verifiers import (
    Abstain,
    Ask,
    Criterion,
    FinishReason,
    GroupVerifier,
    NoReply,
    Sample,
    Score,
    Task,
    Verifier,
    _registry,
    load,
    names,
)
from jurist.verifiers._values import Cause

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jurist.verifiers import Reply, Verdict

# The most CPU time for one hostile text, in seconds; what a rollout may cost at most.
MOST_CPU_S = 1.0

TASK = Task(
    prompt="What is 6 times 7? Answer in English.",
    answers=("42",),
    choices=("41", "42"),
    language="en",
    rubric=(Criterion("is a number"), Criterion("is long", -1.0)),
    extra={
        "baseline": "It is forty-two.",
        "schema": {"type": "object"},
        "instruction_id_list": [
            "length_constraints:number_sentences",
            "language:response_language",
            "detectable_format:number_bullet_lists",
            "detectable_format:number_highlighted_sections",
            "detectable_content:number_placeholders",
            "detectable_format:title",
            "change_case:capital_word_frequency",
        ],
        "kwargs": [
            {"num_sentences": 3, "relation": "at least"},
            {"language": "en"},
            {"num_bullets": 2},
            {"num_highlights": 2},
            {"num_placeholders": 2},
            {},
            {"capital_frequency": 2, "capital_relation": "at least"},
        ],
    },
)
HOSTILE = {
    "empty": "",
    "nul": "\x00" * 1_000,
    "lone surrogates": "\ud800 \udfff\ud800" * 1_000,
    "a million characters": "a" * 1_000_000,
    "a million words": "ab " * 333_333,
    "a million blanks": " " * 1_000_000,
    "ten thousand braces": "\\boxed{" + "{" * 10_000,
    "ten thousand closed braces": "\\boxed" + "{" * 10_000 + "}" * 10_000,
    "boxes in boxes": "\\boxed{" * 20_000 + "5" + "}" * 20_000,
    "forty thousand tags": "<think></think><answer></answer>" * 10_000,
    "300 kB of opening tags": "<think>" * 43_000,
    "300 kB of answer tags": "<answer>" * 37_500,
    "bidi marks": "\u202e\u2066abc\u2069\u200f" * 20_000,
    "invisible": "\u200b\ufeff\u2060" * 50_000,
    "combining marks": "a" + "\u0301" * 200_000,
    "dollars": "$" * 200_000,
    "dollars and blanks": "$ x" * 100_000,
    "opening brackets": "\\[" * 100_000 + "\\(" * 100_000,
    "environments": "\\begin{align}" * 20_000,
    "fences": "```\n" * 60_000,
    "backticks": "`" * 200_000,
    "a list in a box": "\\boxed{" + "A, " * 100_000 + "}",
    "a list in a tag": "<answer>" + "A or " * 60_000 + "</answer>",
    "a list in a line": "A " * 150_000,
    "cues": "the answer is " * 20_000,
    "answers": "Answer: A or B, not C. " * 10_000,
    "digits": "9" * 300_000,
    "powers": "9^{9^{9^9}} + 10^8! = (x+1)^{5000}",
    "brackets of JSON": "[" * 100_000,
    "newlines": "\n" * 300_000,
    "Chinese": "这个结果与我们的假设矛盾\uff0c" * 20_000,
    "one line each": "so\n" * 100_000,
    "links": "http://" * 40_000,
    "Greek": "\\alpha" * 50_000,
    "asterisks": "*a" * 100_000,
    "angles": "<<" * 100_000,
    "square brackets": "[" * 200_000 + "]",
    "full stops": "e.g. Dr. " * 30_000,
}


def options_of(verifier: type[Verifier | GroupVerifier]) -> list[dataclasses.Field[object]]:
    assert dataclasses.is_dataclass(verifier)
    return list(dataclasses.fields(verifier))


def samples(text: str) -> list[Sample]:
    known = Sample(task=TASK, completion=text, finish_reason=FinishReason.LENGTH, completion_tokens=len(text))
    return [known, Sample(task=Task(), completion=text)]


# Other tests install verifiers of their own, broken on purpose.
OURS = [name for name in names() if name not in _registry._foreign()]


@pytest.fixture(params=OURS)
def verifier(request: pytest.FixtureRequest) -> type[Verifier | GroupVerifier]:
    return load(str(request.param))


def test_its_module_says_in_one_line_what_it_measures(verifier: type[Verifier | GroupVerifier]) -> None:
    lines = (sys.modules[verifier.__module__].__doc__ or "").strip().splitlines()

    assert lines, f"{verifier.__module__} needs a docstring: its first line is the verifier's public description"
    assert lines[0].endswith("."), f"the public description is a sentence: {lines[0]!r}"
    assert len(lines) == 1 or not lines[1], "the public description is one line, with an empty line below"


def test_its_class_and_its_verdict_are_documented(verifier: type[Verifier | GroupVerifier]) -> None:
    assert not (verifier.__doc__ or "").startswith(f"{verifier.__name__}("), (
        "a dataclass's own signature is no docstring"
    )
    method = getattr(verifier, "verdict", None) or getattr(verifier, "verdicts", None)
    assert method is not None
    assert method.__doc__


def test_every_option_has_a_description_and_a_default(verifier: type[Verifier | GroupVerifier]) -> None:
    hints = get_type_hints(verifier, include_extras=True)
    for option in options_of(verifier):
        hint = hints[option.name]
        notes = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
        described = [note for note in notes if isinstance(note, FieldInfo) and note.description]
        assert described, f"{option.name}: annotate it with pydantic.Field(description=meaning and unit)"
        defaults = (option.default, option.default_factory)
        assert defaults != (dataclasses.MISSING, dataclasses.MISSING), f"{option.name} needs a default"


def test_its_defaults_keep_to_its_own_ranges(verifier: type[Verifier | GroupVerifier]) -> None:
    hints = get_type_hints(verifier, include_extras=True)
    default = verifier()
    for option in options_of(verifier):
        value = getattr(default, option.name)
        assert TypeAdapter(hints[option.name]).validate_python(value) == value


def test_it_is_a_frozen_slotted_hashable_value(verifier: type[Verifier | GroupVerifier]) -> None:
    one = verifier()
    options = options_of(verifier)

    assert one == verifier()
    assert hash(one) == hash(verifier())
    assert not hasattr(one, "__dict__"), "declare it with slots=True"
    assert all(option.kw_only for option in options), "declare it with kw_only=True"
    for option in options:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(one, option.name, getattr(one, option.name))


def test_it_can_be_sent_to_another_process(verifier: type[Verifier | GroupVerifier]) -> None:
    assert pickle.loads(pickle.dumps(verifier())) == verifier()  # noqa: S301 - our own bytes


def test_its_version_is_a_text(verifier: type[Verifier | GroupVerifier]) -> None:
    assert isinstance(verifier.version, str)
    assert verifier.version
    assert "version" not in {option.name for option in options_of(verifier)}, "annotate version as ClassVar[str]"


def test_its_name_shadows_no_module_of_the_standard_library(verifier: type[Verifier | GroupVerifier]) -> None:
    assert verifier.__module__.rpartition(".")[2] not in sys.stdlib_module_names


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_it_answers_any_text_alike_each_time_and_in_bounded_time(
    verifier: type[Verifier | GroupVerifier], text: str
) -> None:
    one = verifier()
    judged(one, Sample(task=TASK, completion="The answer is 42."))  # what is loaded once is not charged to the text
    for sample in samples(text):
        started = time.process_time()
        first = judged(one, sample)
        spent_s = time.process_time() - started

        assert first == judged(one, sample)
        assert spent_s < MOST_CPU_S
        if isinstance(first, Ask):
            assert first.questions
            first = judged(one, sample, [NoReply(Cause.LIMIT, "killed")] * len(first.questions))
        assert isinstance(first, list)
        for verdict in first:
            assert isinstance(verdict, Score | Abstain)
            assert not isinstance(verdict, Score) or math.isfinite(verdict.value)


def judged(verifier: object, sample: Sample, replies: Sequence[Reply] = ()) -> list[Verdict] | Ask:
    """Judge a sample; a verifier of groups judges it beside another."""
    if isinstance(verifier, GroupVerifier):
        together = verifier.verdicts([sample, Sample(task=sample.task, completion="It is 42.")], replies)
        return together if isinstance(together, Ask) else list(together)
    assert isinstance(verifier, Verifier)
    alone = verifier.verdict(sample, replies)
    return alone if isinstance(alone, Ask) else [alone]


def test_listing_the_names_imports_no_verifier() -> None:
    program = (
        "import sys; from jurist.verifiers import names; found = names(); "
        "print([n for n in found if f'jurist.verifiers.{n}' in sys.modules], len(found) > 5)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "[] True"

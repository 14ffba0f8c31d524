from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from jurist.verifiers import Abstain, Ask, Cause, Sample, Score, Task
from jurist.verifiers._instructions import CHECKS, Arguments
from jurist.verifiers.instruction_checks import MOST_INSTRUCTIONS, InstructionChecks

CASES = [
    json.loads(line) for line in (Path(__file__).parents[1] / "cases/instruction_checks.jsonl").read_text().splitlines()
]


def verdict(
    completion: str, ids: object, kwargs: object = (), verifier: InstructionChecks | None = None
) -> Score | Abstain:
    task = Task(extra={"instruction_id_list": ids, "kwargs": kwargs})
    found = (verifier or InstructionChecks()).verdict(Sample(task=task, completion=completion))
    assert not isinstance(found, Ask)
    return found


@pytest.mark.parametrize("case", CASES, ids=[f"{case['instruction']}-{case['score']:.0f}" for case in CASES])
def test_an_instruction_is_followed_or_not(case: dict[str, object]) -> None:
    found = verdict(str(case["completion"]), [case["instruction"]], [case["kwargs"]])

    assert isinstance(found, Score)
    assert found.value == case["score"]


def test_every_kind_has_a_case_of_each_outcome() -> None:
    assert {(case["instruction"], case["score"]) for case in CASES} == {
        (name, score) for name in CHECKS for score in (0, 1)
    }


def test_the_score_is_the_share_that_is_followed() -> None:
    ids = ["punctuation:no_comma", "startend:quotation", "change_case:english_lowercase", "detectable_format:title"]

    found = verdict("so it is. that is all there is to it.", ids)

    assert isinstance(found, Score)
    assert found.value == 0.5
    assert found.details["followed"] == [True, False, True, False]
    strict = verdict("so it is. that is all there is to it.", ids, verifier=InstructionChecks(threshold=1.0))
    assert isinstance(strict, Score)
    assert strict.value == 0.0


@pytest.mark.parametrize(
    ("answer", "instruction", "arguments"),
    [
        ('"so it is"', "startend:quotation", {}),
        ("bye now.", "startend:end_checker", {"end_phrase": "bye now."}),
        ('{"a": 1}', "detectable_format:json_format", {}),
        ("Say it. So it is.", "combination:repeat_prompt", {"prompt_to_repeat": "Say it."}),
        ("one two three four", "length_constraints:number_words", {"num_words": 5, "relation": "less than"}),
        ("THE ANSWER IS FORTY TWO", "change_case:english_capital", {}),
    ],
)
def test_the_templates_own_tags_are_no_text(answer: str, instruction: str, arguments: dict[str, object]) -> None:
    found = verdict(f"<think>so</think> <answer>{answer}</answer>", [instruction], [arguments])

    assert isinstance(found, Score)
    assert found.value == 1.0


def test_tags_that_the_answer_talks_about_are_text() -> None:
    text = "Between <answer> and </answer> goes what is sought."

    found = verdict(text, ["keywords:existence"], [{"keywords": ["between <answer>", "sought"]}])

    assert isinstance(found, Score)
    assert found.value == 1.0


def test_only_text_after_the_thought_counts_and_silence_follows_nothing() -> None:
    for completion, expected in (("<think>a, b</think>no pause", 1.0), ("<think>no pause", 0.0), ("", 0.0)):
        found = verdict(completion, ["punctuation:no_comma"])

        assert isinstance(found, Score)
        assert found.value == expected


def test_the_loose_reading_forgives_a_preface_and_asterisks() -> None:
    text = 'Sure, here it is:\n**"all of it"**'
    strict, loose = (
        verdict(text, ["startend:quotation"], verifier=InstructionChecks(loose=kind)) for kind in (False, True)
    )

    assert isinstance(strict, Score)
    assert isinstance(loose, Score)
    assert (strict.value, loose.value) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("ids", "kwargs"),
    [
        ([], []),
        (None, None),
        (["no:such"], [{}]),
        ([7], [{}]),
        (["keywords:existence"], [{}]),
        (["keywords:frequency"], [{"keyword": "a", "frequency": 1.5, "relation": "at least"}]),
        (["keywords:frequency"], [{"keyword": "a", "frequency": 1, "relation": "about"}]),
        (["keywords:existence"], [{"keywords": [1]}]),
    ],
)
def test_instructions_that_cannot_be_checked_are_no_basis(ids: object, kwargs: object) -> None:
    found = verdict("text", ids, kwargs)

    assert isinstance(found, Abstain)
    assert found.cause is Cause.INVALID_REFERENCE


def test_too_many_instructions_get_no_score() -> None:
    found = verdict("text", ["punctuation:no_comma"] * (MOST_INSTRUCTIONS + 1))

    assert isinstance(found, Abstain)
    assert found.cause is Cause.LIMIT


# Arguments for any of the checks.
ANY = {
    "keywords": ["ab"], "keyword": "a", "frequency": 3, "relation": "at least", "forbidden_words": ["zz"],
    "letter": "a", "let_frequency": 3, "let_relation": "at least", "language": "en", "num_sentences": 3,
    "num_paragraphs": 3, "num_words": 3, "nth_paragraph": 1, "first_word": "a", "num_placeholders": 2,
    "postscript_marker": "P.S.",
    "num_bullets": 2, "num_highlights": 2, "section_spliter": "SECTION", "num_sections": 2, "end_phrase": "a",
    "capital_frequency": 2, "capital_relation": "at least", "prompt_to_repeat": "a",
}  # fmt: skip


@pytest.mark.parametrize("name", CHECKS)
def test_signs_in_a_row_are_checked_in_a_moment(name: str) -> None:
    for piece in (".", "*", "[", "<<", "A. ", "\n ", "***", "SECTION "):
        text = piece * (100_000 // len(piece)) + "x"
        started = time.process_time()
        CHECKS[name](text, Arguments(ANY))

        assert time.process_time() - started < 2.0, piece

"""A group's responses against each other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from jurist.verifiers import Abstain, Ask, Cause, NoReply, Prompt, Reading, Sample, Score, Task
from jurist.verifiers.tournament import Tournament

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jurist.verifiers import Reply, Verdict

TASK = Task(prompt="Which number is large?", extra={"baseline": "number 5"})
DOWN = NoReply(Cause.UNAVAILABLE, "down")


def group(*numbers: int | str) -> list[Sample]:
    texts = (f"number {number}" if isinstance(number, int) else number for number in numbers)
    return [Sample(task=TASK, completion=text) for text in texts]


def by_number(prompt: Prompt) -> Reply:
    """Prefer the larger number, much where it is larger by more than 1."""
    first, second = map(int, re.findall(r"number (\d+)", prompt.messages[-1].content))
    place = (
        2
        if first == second
        else (0 if first - second > 1 else 1)
        if first > second
        else (4 if second - first > 1 else 3)
    )
    return Reading(probabilities=tuple(float(place == other) for other in range(5)))


def the_first(_: Prompt) -> Reply:
    return Reading(probabilities=(1.0, 0.0, 0.0, 0.0, 0.0))


def held(
    tournament: Tournament, samples: Sequence[Sample], judge: Callable[[Prompt], Reply] = by_number
) -> Sequence[Verdict]:
    outcome = tournament.verdicts(samples)
    if isinstance(outcome, Ask):
        outcome = tournament.verdicts(
            samples, [judge(question) for question in outcome.questions if isinstance(question, Prompt)]
        )
    assert not isinstance(outcome, Ask)
    assert len(outcome) == len(samples)
    return outcome


def values(verdicts: Sequence[Verdict]) -> list[float | None]:
    return [verdict.value if isinstance(verdict, Score) else None for verdict in verdicts]


@pytest.mark.parametrize(
    ("tournament", "players", "questions"),
    [
        (Tournament(schedule="all"), 4, 12),
        (Tournament(schedule="all"), 16, 240),
        (Tournament(), 16, 32),
        (Tournament(), 3, 6),
        (Tournament(), 2, 2),
        (Tournament(neighbours=2), 5, 20),
        (Tournament(neighbours=9), 4, 12),
        (Tournament(schedule="baseline"), 6, 10),
    ],
)
def test_a_schedule_has_as_many_duels_as_it_says_each_in_both_orders(
    tournament: Tournament, players: int, questions: int
) -> None:
    outcome = tournament.verdicts(group(*range(players)))

    assert isinstance(outcome, Ask)
    assert len(outcome.questions) == questions  # against the baseline number 5 itself has no duel
    assert len(set(outcome.questions)) == questions


def test_the_win_rate_of_all_pairs_is_the_mean_of_the_duels() -> None:
    assert values(held(Tournament(schedule="all"), group(1, 2, 3))) == pytest.approx([0.125, 0.5, 0.875])


def test_neighbours_in_a_circle_meet_once() -> None:
    assert values(held(Tournament(), group(1, 3, 5, 7))) == pytest.approx([0.0, 0.5, 0.5, 1.0])


def test_against_a_baseline_each_response_stands_for_itself() -> None:
    tournament = Tournament(schedule="baseline")

    assert values(held(tournament, group(3, 4, 5, 6, 9))) == pytest.approx([0.0, 0.25, 0.5, 0.75, 1.0])
    assert values(held(tournament, group(3))) == [0.0]


def test_bradley_and_terry_order_a_group_as_its_wins_do() -> None:
    for schedule in ("all", "circular", "baseline"):
        found = values(held(Tournament(schedule=schedule, score="bradley_terry"), group(1, 4, 8)))
        assert found == sorted(found, key=lambda value: value or 0.0)
        assert all(value is not None and 0.0 < value < 1.0 for value in found)


def test_a_judge_that_heeds_only_the_order_gives_everybody_a_tie_and_is_told() -> None:
    verdicts = held(Tournament(schedule="all"), group(1, 2, 3), the_first)

    assert values(verdicts) == [0.5, 0.5, 0.5]
    assert all(verdict.details["position_gap"] == pytest.approx(1.0) for verdict in verdicts)
    assert all(verdict.details["disagreements"] == 2 for verdict in verdicts)


def test_what_says_nothing_takes_no_part_and_scores_0() -> None:
    samples = group(1, "Let me think step by step.", 3, "", "<think>number 9")
    outcome = Tournament(schedule="all").verdicts(samples)

    assert isinstance(outcome, Ask)
    assert len(outcome.questions) == 2
    assert values(held(Tournament(schedule="all"), samples)) == [0.0, 0.0, 1.0, 0.0, 0.0]


def test_the_only_response_that_says_anything_wins_and_one_alone_has_nothing_to_win() -> None:
    alone = held(Tournament(), group(1))

    assert values(held(Tournament(), group("", 1))) == [0.0, 1.0]
    assert isinstance(alone[0], Abstain)
    assert alone[0].cause is Cause.NOT_APPLICABLE


def test_two_thoughts_with_one_summary_are_even_unasked() -> None:
    samples = group("<think>a</think>number 3", "<think>b</think>number 3")
    outcome = Tournament().verdicts(samples)

    assert not isinstance(outcome, Ask)
    assert values(outcome) == [0.5, 0.5]


def test_a_response_abstains_only_when_most_of_its_duels_have_no_verdict() -> None:
    def without_nine(prompt: Prompt) -> Reply:
        return DOWN if "number 9" in prompt.messages[-1].content else by_number(prompt)

    verdicts = held(Tournament(schedule="all"), group(1, 2, 3, 9), without_nine)

    assert values(verdicts) == [pytest.approx(0.125), pytest.approx(0.5), pytest.approx(0.875), None]
    assert isinstance(verdicts[3], Abstain)
    assert verdicts[3].cause is Cause.UNAVAILABLE
    assert verdicts[0].details["duels"] == 2


def test_a_judge_that_is_down_leaves_no_score_but_that_of_what_says_nothing() -> None:
    for score in ("win_rate", "bradley_terry"):
        verdicts = held(Tournament(score=score), group(1, 2, ""), lambda _: DOWN)
        assert values(verdicts) == [None, None, 0.0]
        assert all(verdict.cause is Cause.UNAVAILABLE for verdict in verdicts if isinstance(verdict, Abstain))


def test_a_taste_for_length_shows() -> None:
    def longer(prompt: Prompt) -> Reply:
        first, second = re.findall(r"word[ word]*", prompt.messages[-1].content)
        place = 0 if len(first) > len(second) else 4
        return Reading(probabilities=tuple(float(place == other) for other in range(5)))

    verdicts = held(Tournament(schedule="all"), group("word", "word word", "word word word"), longer)

    assert verdicts[0].details["length_correlation"] == pytest.approx(1.0)


def test_too_many_duels_are_refused_and_a_missing_baseline_is_the_tasks_fault() -> None:
    many = held(Tournament(schedule="all"), group(*range(100)))
    bare = Tournament(schedule="baseline").verdicts([Sample(task=Task(prompt="?"), completion="number 1")])

    assert isinstance(many[0], Abstain)
    assert many[0].cause is Cause.LIMIT
    assert not isinstance(bare, Ask)
    assert isinstance(bare[0], Abstain)
    assert bare[0].cause is Cause.INVALID_REFERENCE

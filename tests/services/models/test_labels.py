"""From the probabilities of tokens to those of labels."""

from __future__ import annotations

import pytest

from jurist.services.models.labels import Spelling, heads, reading, shares, spellings
from jurist.verifiers import Cause, NoReply, Reading


def encode(text: str) -> list[int]:
    """A token a letter."""
    return [ord(letter) for letter in text]


def test_a_label_may_follow_a_blank() -> None:
    assert set(spellings(["A", "B"], encode)) == {
        Spelling(0, (65,)),
        Spelling(0, (32, 65)),
        Spelling(1, (66,)),
        Spelling(1, (32, 66)),
    }


@pytest.mark.parametrize("labels", [[], [""], ["A", "A"], ["A", ""]])
def test_labels_that_cannot_be_told_apart_are_refused(labels: list[str]) -> None:
    with pytest.raises(ValueError, match="labels"):
        spellings(labels, encode)


def test_only_the_longest_heads_are_put_before_the_model() -> None:
    spelled = [Spelling(0, (1, 2, 3)), Spelling(1, (1, 2)), Spelling(2, (1, 4)), Spelling(3, (5, 6)), Spelling(4, (7,))]

    assert heads(spelled) == [(1, 2), (5,)]


def test_what_goes_on_to_a_longer_label_is_not_the_shorter_one() -> None:
    one, ten, hundred = Spelling(0, (1,)), Spelling(1, (1, 0)), Spelling(2, (1, 0, 0))

    assert shares(3, {one: 0.8, ten: 0.5, hundred: 0.1}) == pytest.approx([0.3, 0.4, 0.1])


def test_both_spellings_of_a_label_count() -> None:
    assert shares(2, {Spelling(0, (1,)): 0.2, Spelling(0, (2,)): 0.3, Spelling(1, (3,)): 0.1}) == pytest.approx(
        [0.5, 0.1]
    )


def test_probabilities_sum_to_one_and_the_mass_says_what_they_were_of() -> None:
    assert reading([0.3, 0.1], 0.4, "m") == Reading(probabilities=(0.75, 0.25), mass=0.4, model="m")


def test_no_mass_at_all_is_even_and_says_so() -> None:
    assert reading([0.0, 0.0], 0.0, "m") == Reading(probabilities=(0.5, 0.5), mass=0.0, model="m")


def test_a_model_that_computes_no_number_gives_no_reading() -> None:
    reply = reading([float("nan"), 0.1], 0.1, "m")

    assert isinstance(reply, NoReply)
    assert reply.cause is Cause.INTERNAL

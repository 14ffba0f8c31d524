"""Votes over samples: completions grouped by the value of their answers."""

from __future__ import annotations

from jurist.verifiers import cluster


def test_equal_answers_share_a_class_whatever_their_form() -> None:
    found = cluster(["\\boxed{\\frac12}", "The answer is 0.5.", "\\boxed{50\\%}", "\\boxed{2}", "I give up"])
    assert found.labels == (0, 0, 0, 1, -1)
    assert found.answers == ("\\frac12", "2")
    assert found.sizes == (3, 1)
    assert found.winners == (0,)


def test_a_tie_names_all_its_winners() -> None:
    found = cluster(["\\boxed{1}", "\\boxed{2}", "\\boxed{1.0}", "\\boxed{\\sqrt 4}"])
    assert found.winners == (0, 1)


def test_nothing_answered_has_no_winner() -> None:
    assert cluster(["", "who knows"]).winners == ()

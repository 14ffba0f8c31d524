"""Settings: where they come from, and what is wrong with those that cannot be used."""

from __future__ import annotations

import pickle

import pytest

from jurist.trainers import Settings
from jurist.trainers._settings import client


def test_the_environment_and_arguments_set_what_they_name() -> None:
    environment = {"JURIST_CLIENT_TARGET": "host:1", "JURIST_CLIENT_ON_ERROR": "0.5", "JURIST_WORKERS": "2"}

    settings = Settings().with_environment(environment).with_arguments(recipe="r1_zero", timeout_s="5")

    assert settings == Settings(target="host:1", recipe="r1_zero", on_error=0.5, timeout_s=5.0)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"adress": "x"}, "adress: no such setting"),
        ({"timeout_s": "soon"}, "timeout_s: 'soon' is no number"),
        ({"on_error": "ignore"}, "on_error: 'ignore' is no number"),
        ({"on_error": "nan"}, "on_error"),
        ({"on_error": "inf"}, "on_error"),
        ({"timeout_s": "nan"}, "timeout_s: must be seconds"),
        ({"timeout_s": float("inf")}, "timeout_s: must be seconds"),
        ({"timeout_s": -1}, "timeout_s: must be seconds"),
        ({"timeout_s": None}, "timeout_s: None is no value"),
        ({"patience_s": "-1"}, "patience_s: must be seconds"),
        ({"patience_s": "nan"}, "patience_s: must be seconds"),
        ({"recipe": None}, "recipe: None is no value"),
    ],
)
def test_what_cannot_be_used_is_named(given: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Settings().with_arguments(**given)


def test_a_time_that_is_no_number_is_named() -> None:
    with pytest.raises(ValueError, match="timeout_s: must be seconds"):
        Settings(timeout_s=None)  # type: ignore[arg-type]


def test_a_trainer_that_needs_numbers_refuses_none() -> None:
    with pytest.raises(ValueError, match="verl has no samples without a reward"):
        Settings(on_error="none").for_numbers("verl")


def test_settings_travel_and_share_a_client() -> None:
    settings = pickle.loads(pickle.dumps(Settings(recipe="math")))  # noqa: S301  # our own

    assert client(settings) is client(Settings(recipe="math"))

"""The circuit breaker, on a clock of the test's own."""

from __future__ import annotations

from jurist.services.models.circuit import FIRST_REST_S, LONGEST_REST_S, Circuit, State


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_it_opens_after_failures_in_a_row_and_tries_one_question_after_a_rest() -> None:
    clock = Clock()
    circuit = Circuit(failures=2, clock=clock)
    circuit.failed("first")

    assert circuit.admits()

    circuit.failed("second")

    assert (circuit.state, circuit.admits(), circuit.last_failure) == (State.OPEN, False, "second")

    clock.now = FIRST_REST_S

    assert (circuit.admits(), circuit.admits(), circuit.state) == (True, False, State.TRYING)

    circuit.succeeded()

    assert (circuit.admits(), circuit.admits(), circuit.state) == (True, True, State.CLOSED)


def test_a_success_between_failures_keeps_it_closed() -> None:
    circuit = Circuit(failures=2)
    for _ in range(5):
        circuit.failed("now and then")
        circuit.succeeded()

    assert circuit.state is State.CLOSED


def test_it_rests_longer_each_time_that_the_trial_fails_up_to_a_bound() -> None:
    clock = Clock()
    circuit = Circuit(failures=1, clock=clock)
    circuit.failed("down")
    rests = []
    for _ in range(8):
        began = clock.now
        while not circuit.admits():
            clock.now += 0.5
        rests.append(clock.now - began)
        circuit.failed("still down")

    assert rests[:3] == [FIRST_REST_S, 2 * FIRST_REST_S, 4 * FIRST_REST_S]
    assert rests[-1] == LONGEST_REST_S


def test_a_trial_that_nobody_waited_for_leaves_the_next_question_to_try() -> None:
    clock = Clock()
    circuit = Circuit(failures=1, clock=clock)
    circuit.failed("down")
    clock.now = FIRST_REST_S

    assert circuit.admits()

    circuit.given_up()

    assert circuit.admits()

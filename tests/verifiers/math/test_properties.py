"""What holds for all answers: equality is reflexive and symmetric, a dress changes nothing, a changed digit does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from jurist.verifiers import Sample, Score, Task
from jurist.verifiers.math_answer import MathAnswer

settings.register_profile("math", deadline=None, max_examples=150, derandomize=True)
settings.load_profile("math")


def outcome(gold: str, answer: str) -> float | None:
    verdict = MathAnswer().verdict(Sample(task=Task(answers=(gold,)), completion=answer))
    return verdict.value if isinstance(verdict, Score) else None


integers = st.integers(-10_000, 10_000).map(str)
decimals = st.decimals(-999, 999, places=3).map(lambda value: f"{value:f}")
fractions = st.tuples(st.integers(1, 99), st.integers(2, 99)).map(lambda pair: f"\\frac{{{pair[0]}}}{{{pair[1]}}}")
atoms = st.one_of(st.integers(1, 99).map(str), fractions, st.sampled_from(["x", "y", "\\pi", "a_1"]))


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(inner, inner)
    return st.one_of(
        pairs.map(lambda pair: f"{pair[0]}+\\left({pair[1]}\\right)"),
        pairs.map(lambda pair: f"\\left({pair[0]}\\right)\\left({pair[1]}\\right)"),
        pairs.map(lambda pair: f"\\frac{{{pair[0]}}}{{{pair[1]}}}"),
        inner.map(lambda one: f"\\sqrt{{{one}}}"),
        inner.map(lambda one: f"\\sin\\left({one}\\right)"),
        st.tuples(inner, st.integers(2, 5)).map(lambda pair: f"\\left({pair[0]}\\right)^{{{pair[1]}}}"),
    )


expressions = st.recursive(atoms, grown, max_leaves=6)
answers = st.one_of(
    integers,
    decimals,
    fractions,
    expressions,
    st.lists(fractions, min_size=2, max_size=4).map(", ".join),
    st.lists(integers, min_size=2, max_size=4).map(lambda items: f"({', '.join(items)})"),
    st.tuples(st.integers(-9, 0), st.integers(1, 9)).map(lambda pair: f"[{pair[0]}, {pair[1]})"),
)


@given(answers)
def test_an_answer_equals_itself(answer: str) -> None:
    assert outcome(answer, f"\\boxed{{{answer}}}") == 1.0


@given(answers, answers)
def test_equality_is_symmetric(one: str, other: str) -> None:
    there, back = outcome(one, f"\\boxed{{{other}}}"), outcome(other, f"\\boxed{{{one}}}")
    assume(None not in {there, back})
    assert there == back


@given(answers, st.sampled_from(["$%s$", "The answer is $%s$.", "\\boxed{ %s }", "**Answer:** $%s$", "\\[\n%s\n\\]"]))
def test_a_dress_changes_nothing(answer: str, dress: str) -> None:
    assert outcome(answer, dress % answer) == 1.0


@given(expressions, st.integers(1, 50))
def test_adding_and_taking_away_changes_nothing(answer: str, number: int) -> None:
    assert outcome(answer, f"\\boxed{{{answer}+{number}-{number}}}") in {1.0, None}


@given(expressions, st.integers(1, 50))
def test_adding_a_number_makes_another_answer(answer: str, number: int) -> None:
    assert outcome(answer, f"\\boxed{{{answer}+{number}}}") in {0.0, None}


@given(st.integers(-(10**30), 10**30), st.data())
def test_a_changed_digit_makes_another_number(number: int, data: st.DataObject) -> None:
    text = str(number)
    place = data.draw(st.sampled_from([index for index, sign in enumerate(text) if sign.isdecimal()]))
    digit = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != text[place]]))
    assert outcome(text, f"\\boxed{{{text[:place]}{digit}{text[place + 1 :]}}}") == 0.0


@given(st.integers(1, 10**12))
def test_a_changed_sign_makes_another_number(number: int) -> None:
    assert outcome(str(number), f"\\boxed{{-{number}}}") == 0.0


@given(
    st.integers(-9, 0),
    st.integers(1, 9),
    st.sampled_from(["[)", "(]", "()", "[]"]),
    st.sampled_from(["[)", "(]", "()", "[]"]),
)
def test_a_changed_bracket_makes_another_interval(low: int, high: int, one: str, other: str) -> None:
    first, second = (f"{ends[0]}{low}, {high}{ends[1]} \\cup (20, \\infty)" for ends in (one, other))
    assert outcome(first, f"\\boxed{{{second}}}") == float(one == other)


@given(st.text(max_size=300), st.text(max_size=60))
def test_any_text_has_a_verdict_and_the_same_one_again(completion: str, gold: str) -> None:
    given_sample = Sample(task=Task(answers=(gold,)), completion=completion)
    assert MathAnswer().verdict(given_sample) == MathAnswer().verdict(given_sample)


@given(st.text(alphabet="\\{}()[]|^_$&,;:=<>+-*/!%.0123456789xeipdfracsqtboxlmn ", max_size=120))
def test_any_scrap_of_mathematics_has_a_verdict(scrap: str) -> None:
    verdict = MathAnswer().verdict(Sample(task=Task(answers=("5",)), completion=f"\\boxed{{{scrap}}}"))
    assert verdict is not None


def test_a_verdict_is_the_same_in_any_thread() -> None:
    pairs = [(f"\\sqrt{{{n}}}+\\pi", f"\\boxed{{\\pi+{n}^{{1/2}}}}") for n in range(2, 60)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda pair: outcome(*pair), pairs * 4))
    assert found == [1.0] * len(found)

"""Cues: what announces an answer, in many languages, and what only looks like it."""

from __future__ import annotations

import pytest

from jurist.verifiers._cues import MOST_CUES, cues, denied_later


def announced(text: str) -> str | None:
    found = cues(text)
    return text[found[0].end :] if found and not found[0].denied and not found[0].asked else None


@pytest.mark.parametrize(
    "text",
    [
        "So the answer is 42", "The final answer to the problem is: 42", "**Answer:** 42", "### Final Answer\n\n42",
        "giving us the answer 42", "Final answer - 42", "Die endgültige Antwort lautet 42", "La réponse finale est 42",
        "La respuesta final es 42", "La risposta è 42", "A resposta é 42", "Het antwoord is 42", "Odpowiedź to 42",
        "Svaret är 42", "Răspunsul este 42", "Ответ — 42", "Відповідь: 42", "الإجابة النهائية هي 42", "תשובה: 42",
        "अंतिम उत्तर: 42", "উত্তর: 42", "Đáp án là 42", "Jawabannya adalah 42", "所以答案是42", "最终答案是42",
        "答えは42", "최종 답은 42", "คำตอบคือ 42", "Cevap: 42", "Απάντηση: 42", "Jibu: 42",
    ],
)  # fmt: skip
def test_an_answer_is_announced_in_any_of_these_ways(text: str) -> None:
    assert announced(text) == "42"


@pytest.mark.parametrize(
    "text",
    [
        "The answer is not 42", "The answer cannot be 42", "La réponse n'est pas 42", "La respuesta no es 42",
        "Die Antwort ist nicht 42", "A resposta não é 42", "La risposta non è 42", "Ответ не 42", "答案不是42",
    ],
)  # fmt: skip
def test_a_denied_answer_is_not_announced(text: str) -> None:
    assert cues(text)[0].denied


@pytest.mark.parametrize("text", ["答えは42ではない", "답은 42가 아닙니다", "उत्तर 42 नहीं है"])
def test_a_language_may_deny_at_the_end(text: str) -> None:
    assert denied_later(text)


def test_a_question_announces_nothing() -> None:
    assert cues("Could the answer be 42?")[0].asked


@pytest.mark.parametrize(
    "text",
    [
        "Suppose the answer is 42", "Many people think that the answer is 42", "I don't think the answer is 42",
        "A tempting answer is 42", "It is false that the answer is 42", "Nobody knows whether the answer is 42",
    ],
)  # fmt: skip
def test_an_answer_that_is_only_supposed_or_called_wrong_is_not_meant(text: str) -> None:
    assert cues(text)[0].unmeant


@pytest.mark.parametrize(
    "text", ["I think the answer is 42", "If we sum up, the answer is 42", "I'd say the answer is 42"]
)
def test_a_cautious_answer_is_meant(text: str) -> None:
    assert not cues(text)[0].unmeant


def test_the_spanish_no_is_an_answer_in_english() -> None:
    assert announced("The answer is no") == "no"


def test_the_last_cue_comes_first_and_only_the_last_few_are_found() -> None:
    text = "The answer is 1. " * 50 + "The answer is 2."
    assert text[cues(text)[0].end :] == "2."
    assert len(cues(text)) == MOST_CUES


@pytest.mark.parametrize("text", ["", "answering questions", "resultant force", "unanswered"])
def test_a_word_that_contains_a_cue_is_none(text: str) -> None:
    assert not cues(text)

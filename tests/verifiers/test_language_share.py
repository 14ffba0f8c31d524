# ruff: noqa: RUF001 - letters of other scripts look like Latin ones
from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jurist.verifiers import Abstain, Cause, Message, Sample, Score, Task
from jurist.verifiers._languages import CODES, _census_of_any, census
from jurist.verifiers._lexicon import MOST_WORDS, lexicon
from jurist.verifiers.language_share import LanguageShare


def rows(name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (Path(__file__).parents[1] / "cases" / name).read_text().splitlines()]


def text_of(case: dict[str, object]) -> str:
    completion = case["completion"]
    if isinstance(completion, list):  # a piece, how many times it stands, and what follows
        piece, times, rest = completion
        return str(piece) * int(times) + str(rest)
    return str(completion)


CASES = rows("language_share.jsonl")
OWN = rows("language_share_own.jsonl")
# What each kind of text may be off by, on average.
MOST_ERROR = {
    "all": 0.03,
    "pure+math+code": 0.005,
    "single": 0.005,
    "wrong-language": 0.005,
    "sentence-mix": 0.015,
    "relatives-mix": 0.03,
    "code-switch": 0.06,
    "attack": 0.005,
    "zh, en": 0.015,
}
# A Danish sentence that is Norwegian too, to the letter; a Japanese clause, whose words only a dictionary can count.
BEYOND_BOUNDS = {"lang-084", "lang-109"}

ENGLISH = "So the final answer is seven, because the sum of both numbers must be even. "
CHINESE = "所以最后的答案是七。"


def judged(completion: str, language: str = "en", verifier: LanguageShare | None = None, prompt: str = "") -> Score:
    sample = Sample(task=Task(language=language, prompt=prompt), completion=completion)
    verdict = (verifier or LanguageShare()).verdict(sample)
    assert isinstance(verdict, Score)
    return verdict


def flags(completion: str, language: str = "en") -> object:
    return judged(completion, language).details["flags"]


def error(case: dict[str, object]) -> float:
    share = case["share"]
    assert isinstance(share, float | int)
    return abs(judged(text_of(case), str(case["target"])).value - share)


@pytest.mark.parametrize("case", CASES + OWN, ids=[str(case["id"]) for case in CASES + OWN])
def test_the_share_lies_within_the_bounds_of_its_case(case: dict[str, object]) -> None:
    score = judged(text_of(case), str(case["target"]))

    if case["id"] in BEYOND_BOUNDS:
        assert error(case) < 0.15
    elif "beyond" not in case:
        assert float(str(case["low"])) <= score.value <= float(str(case["high"])), case["why"]
    if "flags" in case:
        assert score.details["flags"] == case["flags"]


@pytest.mark.parametrize(("kind", "most"), MOST_ERROR.items())
def test_the_mean_error_of_each_kind_of_text_is_small(kind: str, most: float) -> None:
    known = [case for case in CASES + OWN if case["share"] is not None]
    chosen = [case for case in known if kind == "all" or kind == case["category"] or case["target"] in kind.split(", ")]

    assert sum(map(error, chosen)) / len(chosen) <= most


def test_every_kind_of_text_is_written_in_thirty_languages() -> None:
    for kind in ("pure+math+code", "wrong-language", "sentence-mix", "single", "code-switch"):
        assert len({case["target"] for case in CASES + OWN if case["category"] == kind}) >= 30, kind


@pytest.mark.parametrize(
    "text",
    ["", "1 + 1 = 2", "$$x$$ \u200b", "<think></think>So it is seven.", "```\nso\n```", "NASA, 5 km, sin cos HTTP"],
)
def test_a_thought_without_words_gets_no_score(text: str) -> None:
    verdict = LanguageShare().verdict(Sample(task=Task(language="en"), completion=text))

    assert isinstance(verdict, Abstain)
    assert verdict.cause is Cause.NOT_APPLICABLE


@pytest.mark.parametrize("language", ["tlh", "xx-Latn", "qaa"])
def test_a_language_without_a_model_gets_no_score(language: str) -> None:
    verdict = LanguageShare().verdict(Sample(task=Task(language=language), completion=ENGLISH))

    assert isinstance(verdict, Abstain)
    assert verdict.cause is Cause.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("prompt", "target"),
    [
        ("What is six times seven?", "en"),
        ("六乘以七等于多少", "zh"),
        ("6 かける 7 はいくつですか", "ja"),
        ("¿Cuánto es seis por siete?", "es"),
    ],
)
def test_without_a_stated_language_the_prompts_is_wanted(prompt: str, target: str) -> None:
    assert judged(ENGLISH, "", prompt=prompt).details["target"] == target


@pytest.mark.parametrize(
    ("turns", "target"),
    [
        ([("system", ENGLISH), ("user", "六乘以七等于多少")], "zh"),
        ([("user", ENGLISH), ("assistant", ENGLISH), ("user", "¿Cuánto es seis por siete?")], "es"),
        ([("system", ENGLISH), ("user", "6 * 7")], "en"),
        ([("system", ENGLISH)], "en"),
    ],
)
def test_in_a_chat_the_last_user_decides(turns: list[tuple[str, str]], target: str) -> None:
    messages = tuple(Message(role, content) for role, content in turns)
    task = Task(messages=messages, prompt="\n\n".join(message.content for message in messages))

    verdict = LanguageShare().verdict(Sample(task=task, completion=ENGLISH))

    assert isinstance(verdict, Score)
    assert verdict.details["target"] == target


def test_without_any_hint_there_is_no_score() -> None:
    assert isinstance(LanguageShare().verdict(Sample(task=Task(prompt="6 * 7"), completion=ENGLISH)), Abstain)


def test_only_the_part_asked_for_is_read() -> None:
    text = f"<think>{CHINESE}</think>{ENGLISH}"

    assert judged(text, "zh").value == 1.0
    assert judged(text, "zh", LanguageShare(part="answer")).value == 0.0
    assert 0.0 < judged(text, "zh", LanguageShare(part="all")).value < 1.0


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (f"<think>{CHINESE}</think> <answer>{CHINESE}</answer>", "all"),
        (f"<think>{CHINESE}</think> <answer>{CHINESE}</answer>", "answer"),
        (f"<think>{CHINESE}</think><think>{CHINESE}</think>", "think"),
        ("<think>最后把答案写在<answer>里。</think>", "think"),
    ],
)
def test_the_names_of_tags_are_no_words(text: str, part: Literal["think", "answer", "all"]) -> None:
    assert judged(text, "zh", LanguageShare(part=part)).value == 1.0


def test_a_threshold_makes_it_a_filter() -> None:
    text = CHINESE + ENGLISH

    assert judged(text, "zh", LanguageShare(threshold=0.2)).value == 1.0
    assert judged(text, "zh", LanguageShare(threshold=0.9)).value == 0.0


def test_shares_by_language_sum_to_one() -> None:
    languages = judged(ENGLISH + "Par conséquent, la somme des deux nombres doit être paire. ", "fr").details[
        "languages"
    ]

    assert isinstance(languages, dict)
    assert set(languages) == {"en", "fr"}
    assert sum(languages.values()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("flag", "text"),
    [
        ("masked", f"```\n{ENGLISH * 5}\n```\nThe answer is seven indeed."),
        ("masked", f"${(ENGLISH * 5).strip()}$ The answer is seven indeed."),
        ("mixed_alphabets", "The \u0430nsw\u0435r is s\u0435v\u0435n bec\u0430use it is \u043edd."),
        ("invisible", "The answer\u200b\u200b is\u200b seven\u2066 indeed."),
        ("repetitive", "seven " * 10_000),
        ("few_words", "The answer."),
    ],
)
def test_a_text_made_to_deceive_is_flagged(flag: str, text: str) -> None:
    assert flags(text) == [flag]
    assert (
        judged(
            text, verifier=LanguageShare(refused=("masked", "mixed_alphabets", "invisible", "repetitive", "few_words"))
        ).value
        == 0.0
    )


@pytest.mark.parametrize("letter", ["a\u0301", "e\u0301\u0301", "\u1ea5", "\u0133"])
def test_a_letter_written_on_and_on_is_no_likelier_than_certain(letter: str) -> None:
    assert 0.0 <= judged(letter * 300).value <= 1.0


def test_honest_texts_are_not_flagged() -> None:
    assert flags(ENGLISH * 20) == []
    assert flags("قطار ظهر حرکت می\u200cکند و دو ساعت پیش می\u200cرود.", "fa") == []


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("zh", "设三角形ABC的面积为S，点D在BC上"),
        ("zh", "我们用HTTP协议和JSON格式传输数据。"),
        ("zh", "求AB"),
        ("ja", "三角形ABCの面積をSとし、点Dは辺BC上にある。"),
        ("ko", "삼각형 ABC의 넓이를 구하자. 점 D는 BC 위에 있다."),
        ("ru", "Мы используем HTTP и JSON."),
        ("uk", "Ми використовуємо протокол HTTP і формат JSON."),
        ("ar", "نستخدم بروتوكول HTTP وصيغة JSON لنقل البيانات."),
        ("hi", "हम HTTP प्रोटोकॉल और JSON का उपयोग करते हैं।"),
        ("el", "Χρησιμοποιούμε το πρωτόκολλο HTTP και JSON."),
        ("th", "เราใช้โปรโตคอล HTTP และ JSON"),
        ("he", "אנחנו משתמשים בפרוטוקול HTTP וב-JSON."),
        ("en", "We use HTTP and JSON here."),
    ],
)
def test_acronyms_and_names_of_points_are_no_words_in_any_script(language: str, text: str) -> None:
    assert judged(text, language).value == 1.0
    assert judged(text, "fi" if language == "en" else "en").value == 0.0


@pytest.mark.parametrize("text", [CHINESE * 4 + "THE ANSWER IS SEVEN. " + CHINESE, CHINESE + "WE ADD, SO IT IS TEN."])
def test_a_sentence_in_capitals_is_no_row_of_acronyms(text: str) -> None:
    capitals = text.strip("。" + CHINESE).split()

    score = judged(text, "zh")

    assert float(str(score.details["words"])) - float(str(score.details["target_words"])) == len(capitals)


def test_thirty_languages_and_more_are_told() -> None:
    assert len([code for code in CODES if not code.startswith("und")]) >= 50


@given(st.text(max_size=200), st.sampled_from(["en", "zh", "ja", "ru", "fa", "el", ""]))
def test_any_text_gets_a_share_or_none(text: str, language: str) -> None:
    verdict = LanguageShare().verdict(Sample(task=Task(language=language, prompt=text), completion=text))

    assert isinstance(verdict, Score | Abstain)


SPANISH = "Por lo tanto, la suma de los dos números debe ser par: l'aire, \u201csí\u201d. "
plain_texts = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *ENGLISH.split(),
                *SPANISH.split(),
                "NASA",
                "PhD",
                "sin",
                "5 km",
                "a",
                "y",
                "I",
                "HELLO",
                "THE ANSWER IS",
                "\n\n",
                " - ",
                "l'",
            ]
        ),
        st.text("abc\u00e9\u00f1XYZ'\u2019 .,;1+\u201c\n", max_size=12),
    ),
    max_size=40,
).map(" ".join)


@given(plain_texts, st.sampled_from(["en", "es", "fr", "ro", ""]))
def test_known_words_are_counted_as_unknown_ones_are(text: str, wanted: str) -> None:
    assert lexicon("Latn").read(text) is not None
    assert census(text, wanted) == _census_of_any(text, wanted)


@pytest.mark.parametrize("text", ["Ⱦ", "so ⱥ it is", "ß ẞ Ꜣ"])
def test_a_letter_from_far_beyond_ascii_is_counted_as_an_unknown_one_is(text: str) -> None:
    assert census(text, "en") == _census_of_any(text, "en")


@given(st.text("абв\u0456\u044f' .,;1\n", max_size=60), st.sampled_from(["ru", "uk", "bg"]))
def test_known_cyrillic_words_are_counted_as_unknown_ones_are(text: str, wanted: str) -> None:
    assert lexicon("Cyrl").read(text) is not None
    assert census(text, wanted) == _census_of_any(text, wanted)


@pytest.mark.parametrize("text", ["所以", "e\u0301a", "so\u200bit", "\u0430nd", "θ", "\x00", "so " * 20_000])
def test_a_lexicon_leaves_other_texts_alone(text: str) -> None:
    assert lexicon("Latn").read(text) is None


def test_a_full_lexicon_begins_anew() -> None:
    text = " ".join(
        f"w{'abcdefghij'[i % 10]}{'klmnopqrst'[i // 10 % 10]}{'uvwxyzabcd'[i // 100]}q" for i in range(1_000)
    )
    for i in range(MOST_WORDS // 1_000 + 2):
        changed = text.replace("q", "q" + chr(ord("a") + i % 26) * (1 + i // 26))
        assert census(changed, "en") == _census_of_any(changed, "en")

    assert judged(ENGLISH).value == 1.0


@given(
    st.lists(
        st.sampled_from([ENGLISH, CHINESE, "Therefore it is odd.\n", "因此这两个数的和必须是偶数。\n"]),
        min_size=1,
        max_size=6,
    )
)
def test_order_hardly_matters_where_the_script_decides(parts: list[str]) -> None:
    forth, back = "".join(parts), "".join(reversed(parts))

    assert judged(forth, "zh").value == pytest.approx(judged(back, "zh").value, abs=0.02)


@pytest.mark.parametrize(("language", "text", "most_s"), [("zh", CHINESE * 11_000, 0.1), ("en", ENGLISH * 4_000, 0.3)])
def test_a_long_thought_is_cheap(language: str, text: str, most_s: float) -> None:
    judged(text, language)
    started = time.process_time()
    judged(text, language)

    assert len(text.encode()) > 299_000
    assert time.process_time() - started < most_s

"""The verifiable instructions of IFEval (arXiv 2311.07911), by their ids in its data set, each a test of a text.

Written anew: the published checkers download a sentence splitter, guess languages at random (langdetect), hold patterns
that take the square of the text's length, and count an instruction as followed where they fail.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from jurist.verifiers._languages import census, code_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["CHECKS", "Arguments"]

# A text's language shows in its beginning.
LANGUAGE_CHARACTERS = 20_000

_WORD = re.compile(r"\w+")
_TOKEN = re.compile(r"\w+(?:[-'\u2019]\w+)*")
# A sentence ends in a full stop, question or exclamation mark before a blank or the end; in East Asia the mark will do.
# Marks in a row are tried once, from the first of them.
_SENTENCE_END = re.compile(r"(?<![.!?\u2026])[.!?\u2026]++[\"'\u201d\u2019)\]]*+(?=\s|$)|[\u3002\uff01\uff1f\u0964]+")
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|vs|etc|Inc|Ltd|Jr|Sr|Fig|No|e\.g|i\.e|a\.m|p\.m|U\.S)|\b[A-Z])$"
)
_LONGEST_ABBREVIATION = 6
_BULLET = re.compile(r"^[ \t]*(?:\*[^*\n]|-)", re.MULTILINE)
_PLACEHOLDER = re.compile(r"\[[^\[\]\n]*\]")
_HIGHLIGHT = re.compile(r"\*\*[^\n*]+\*\*|\*[^\n*]+\*")
_DIVIDER = re.compile(r"\s?\*\*\*\s?")
_ANSWERS = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
_POSTSCRIPTS = {"P.S.": r"p\.\s?s\.", "P.P.S": r"p\.\s?p\.\s?s"}


@dataclass(frozen=True, slots=True)
class Arguments:
    """An instruction's arguments, as they came over the wire.

    Raises, in every method:
        ValueError: the argument is missing or of another type.
    """

    values: Mapping[str, object]

    def text(self, name: str) -> str:
        """Read a text that is not empty."""
        value = self.values.get(name)
        if not isinstance(value, str) or not value:
            message = f"{name} must be a text"
            raise ValueError(message)
        return value

    def texts(self, name: str) -> list[str]:
        """Read a list of texts."""
        value = self.values.get(name)
        items = cast("list[object]", value) if isinstance(value, list | tuple) else []
        if not items or not all(isinstance(item, str) and item for item in items):
            message = f"{name} must be a list of texts"
            raise ValueError(message)
        return [str(item) for item in items]

    def number(self, name: str) -> int:
        """Read a whole number."""
        value = self.values.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
            message = f"{name} must be a whole number"
            raise ValueError(message)
        return int(value)

    def holds(self, count: int, threshold: str, relation: str = "relation") -> bool:
        """Compare a count with a number, "less than" or "at least"."""
        word = self.text(relation)
        if word not in ("less than", "at least"):
            message = f"{relation} must be 'less than' or 'at least'"
            raise ValueError(message)
        number = self.number(threshold)
        return count < number if word == "less than" else count >= number


def _occurrences(text: str, keyword: str) -> int:
    """Count a keyword wherever it stands, regardless of case."""
    return text.casefold().count(keyword.casefold())


def _has_word(text: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word.casefold())}(?!\w)", text.casefold()) is not None


def _language(text: str) -> str:
    words = census(text[:LANGUAGE_CHARACTERS]).words
    return max(words, key=lambda code: words[code], default="")


def _sentences(text: str) -> int:
    ends = 0
    last = 0
    for end in _SENTENCE_END.finditer(text):
        before = text[max(end.start() - _LONGEST_ABBREVIATION, 0) : end.start()]
        if end[0] == "." and _ABBREVIATION.search(before) and text[end.end() :].strip():
            continue
        ends += 1
        last = end.end()
    return ends + bool(text[last:].strip())


def _paragraphs(text: str, arguments: Arguments) -> bool:
    parts = _DIVIDER.split(text)
    inner = parts[1:-1]
    filled = sum(bool(part.strip()) for part in parts)
    return all(part.strip() for part in inner) and filled == arguments.number("num_paragraphs")


def _first_word(text: str, arguments: Arguments) -> bool:
    parts = text.split("\n\n")
    filled = [part for part in parts if part.strip()]
    nth = arguments.number("nth_paragraph")
    if len(filled) != arguments.number("num_paragraphs") or not 1 <= nth <= len(parts) or not parts[nth - 1].strip():
        return False
    word = parts[nth - 1].split()[0].lstrip("'\"")
    return re.split(r"[.,?!'\"]", word, maxsplit=1)[0].lower() == arguments.text("first_word").lower()


def _postscript(text: str, arguments: Arguments) -> bool:
    marker = arguments.text("postscript_marker")
    pattern = _POSTSCRIPTS.get(marker, re.escape(marker.lower()))
    return re.search(pattern, text.lower()) is not None


def _sections(text: str, arguments: Arguments) -> bool:
    heads = re.findall(re.escape(arguments.text("section_spliter")) + r"\s?\d", text)
    return len(heads) >= arguments.number("num_sections")


def _is_json(text: str) -> bool:
    body = text.strip()
    for fence in ("```json", "```Json", "```JSON", "```"):
        body = body.removeprefix(fence)
    try:
        json.loads(body.removesuffix("```").strip())
    except (ValueError, RecursionError):
        return False
    return True


def _has_title(text: str) -> bool:
    return any(
        line[line.find("<<") + 2 : line.rfind(">>")].strip("<> ")
        for line in text.splitlines()
        if "<<" in line and ">>" in line
    )


def _two_responses(text: str) -> bool:
    parts = [part.strip() for part in text.split("******")]
    filled = [part for part in parts if part]
    return all(parts[1:-1]) and len(filled) == 2 and filled[0] != filled[1]  # noqa: PLR2004 - two responses


def _ends_with(text: str, phrase: str) -> bool:
    return text.strip().strip('"').lower().endswith(phrase.strip().lower())


def _is_quoted(text: str) -> bool:
    text = text.strip()
    return len(text) > 1 and text[0] == text[-1] == '"'


CHECKS: dict[str, Callable[[str, Arguments], bool]] = {
    "keywords:existence": lambda text, args: all(_occurrences(text, word) for word in args.texts("keywords")),
    "keywords:frequency": lambda text, args: args.holds(_occurrences(text, args.text("keyword")), "frequency"),
    "keywords:forbidden_words": lambda text, args: (
        not any(_has_word(text, word) for word in args.texts("forbidden_words"))
    ),
    "keywords:letter_frequency": lambda text, args: args.holds(
        Counter(text.lower())[args.text("letter").lower()], "let_frequency", "let_relation"
    ),
    "language:response_language": lambda text, args: _language(text) == code_of(args.text("language")) != "",
    "length_constraints:number_sentences": lambda text, args: args.holds(_sentences(text), "num_sentences"),
    "length_constraints:number_paragraphs": _paragraphs,
    "length_constraints:number_words": lambda text, args: args.holds(len(_WORD.findall(text)), "num_words"),
    "length_constraints:nth_paragraph_first_word": _first_word,
    "detectable_content:number_placeholders": lambda text, args: (
        len(_PLACEHOLDER.findall(text)) >= args.number("num_placeholders")
    ),
    "detectable_content:postscript": _postscript,
    "detectable_format:number_bullet_lists": lambda text, args: (
        len(_BULLET.findall(text)) == args.number("num_bullets")
    ),
    "detectable_format:constrained_response": lambda text, _: any(answer in text for answer in _ANSWERS),
    "detectable_format:number_highlighted_sections": lambda text, args: (
        sum(bool(found.strip("* ")) for found in _HIGHLIGHT.findall(text)) >= args.number("num_highlights")
    ),
    "detectable_format:multiple_sections": _sections,
    "detectable_format:json_format": lambda text, _: _is_json(text),
    "detectable_format:title": lambda text, _: _has_title(text),
    "combination:two_responses": lambda text, _: _two_responses(text),
    "combination:repeat_prompt": lambda text, args: (
        text.strip().lower().startswith(args.text("prompt_to_repeat").strip().lower())
    ),
    "startend:end_checker": lambda text, args: _ends_with(text, args.text("end_phrase")),
    "startend:quotation": lambda text, _: _is_quoted(text),
    "change_case:capital_word_frequency": lambda text, args: args.holds(
        sum(word.isupper() for word in _TOKEN.findall(text)), "capital_frequency", "capital_relation"
    ),
    "change_case:english_capital": lambda text, _: text.isupper() and _language(text) == "en",
    "change_case:english_lowercase": lambda text, _: text.islower() and _language(text) == "en",
    "punctuation:no_comma": lambda text, _: "," not in text,
}

"""DeepSeek-R1's language reward: the share of the thought's words that are in the language wanted.

Math, code, links, names of functions, units, acronyms and letters that are no words count in neither sum; a word that
mixes alphabets counts in the total and is of no language. Where several languages share a script, each word's language
is told from the words around it.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from jurist.verifiers._languages import Census, census, code_of
from jurist.verifiers._masking import mask
from jurist.verifiers._thought import View, untagged, view
from jurist.verifiers._threshold import Threshold, filtered
from jurist.verifiers._values import Abstain, Cause, Score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jurist.verifiers._values import Ask, Reply, Sample, Task, Verdict

__all__ = ["LanguageShare"]

# Prose can be hidden in code and math, where it is not counted; past this share of the text that must be suspected.
MOST_MASKED = 0.5
# More than a few look-alike words or unseen characters are no slip of the pen.
MOST_MIXED, MOST_INVISIBLE = 0.05, 0.01
# One word for most of a text of this many words is no text.
MOST_COMMON, REPETITIVE_FROM = 0.4, 50
# Below this many words a share is coarse.
FEW_WORDS = 5
# A prompt's language shows in its beginning.
PROMPT_CHARACTERS = 4_000

Flag = Literal["masked", "mixed_alphabets", "invisible", "repetitive", "few_words"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageShare:
    """Scores words of the target language over all words; abstains where there are none.

    The target is the option, else the task's `language`, else the language of its prompt, which is the
    last turn of the user where the task is a chat. Norwegian has one code (nb);
    Serbian, Croatian and Bosnian are one language (sh).

    Details: `target`, its code; `share`; `words` and `target_words`, estimates from characters in scripts without
    blanks; `languages`, the share of words by language, und-SCRIPT for words whose language was not looked for because
    their script already tells that they are not in the target's; `masked`, the share of characters that are code, math
    or links; `flags`, signs of a text made to deceive: masked (above one half), mixed_alphabets (look-alike letters),
    invisible, repetitive (one word for most of the text), few_words.
    """

    version: ClassVar[str] = "1"

    target: Annotated[
        str,
        Field(
            pattern=r"^([A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*)?$",
            description="IETF tag of the language wanted; from the task when empty",
        ),
    ] = ""
    part: Annotated[View, Field(description="which part of the completion is read")] = "think"
    threshold: Threshold = None
    refused: Annotated[
        tuple[Flag, ...], Field(max_length=5, description="flags for which the score is 0.0 whatever the share")
    ] = ()

    def verdict(self, sample: Sample, replies: Sequence[Reply] = ()) -> Verdict | Ask:  # noqa: ARG002 - asks nothing
        """Count words by language."""
        tag = self.target or sample.task.language
        target = code_of(tag) if tag else _language_asked_in(sample.task)
        if not target:
            return Abstain(Cause.NOT_APPLICABLE, f"no model of {tag!r}" if tag else "no language was asked for")
        text = _normal(untagged(view(sample.completion, self.part)))
        masked = mask(text)
        count = census(masked.text, target)
        if not count.total:
            return Abstain(Cause.NOT_APPLICABLE, "no words")
        share = min(count.words.get(target, 0.0) / count.total, 1.0)
        flags = _flags(count, masked.share, len(text))
        by_size = sorted(count.words.items(), key=lambda item: (-item[1], item[0]))
        details = {
            "target": target,
            "share": share,
            "words": round(count.total, 1),
            "target_words": round(count.words.get(target, 0.0), 1),
            "languages": {language: round(words / count.total, 4) for language, words in by_size},
            "masked": round(masked.share, 4),
            "flags": flags,
        }
        score = filtered(share, self.threshold)
        refused = [flag for flag in flags if flag in self.refused]
        reason = f"{share:.1%} of {count.total:.0f} words are {target}" + (f"; {', '.join(flags)}" if flags else "")
        return Score(0.0 if refused else score, reason, details)


def _normal(text: str) -> str:
    """Put a text in NFKC; the punctuation of Chinese first, since a text without it is most often in NFKC already."""
    for wide, narrow in zip("\uff0c\uff1a\uff1b\uff01\uff1f\uff08\uff09", ",:;!?()", strict=True):
        text = text.replace(wide, narrow)
    return unicodedata.normalize("NFKC", text)


def _language_asked_in(task: Task) -> str:
    """Tell what language the user writes in; the instructions of a system are English in any language."""
    asked = [turn.content for turn in task.messages if turn.role == "user"]
    return _language_of(asked[-1] if asked else "") or _language_of(task.prompt)


def _language_of(prompt: str) -> str:
    words = census(mask(_normal(prompt[:PROMPT_CHARACTERS])).text).words
    language = max(words, key=lambda code: words[code], default="")
    return "" if language.startswith("und") else language


def _flags(count: Census, masked: float, characters: int) -> list[str]:
    signs = {
        "masked": masked > MOST_MASKED,
        "mixed_alphabets": count.mixed > MOST_MIXED * count.total,
        "invisible": count.invisible > MOST_INVISIBLE * characters,
        "repetitive": count.total >= REPETITIVE_FROM and count.commonest > MOST_COMMON * count.total,
        "few_words": count.total < FEW_WORDS,
    }
    return [flag for flag, found in signs.items() if found]

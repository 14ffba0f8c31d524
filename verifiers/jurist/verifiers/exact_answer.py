"""Whether the answer is a reference's text after normalisation, or how many words they share (SQuAD's EM and F1)."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from jurist.verifiers._commitment import commitments, plain
from jurist.verifiers._thought import answer_of
from jurist.verifiers._values import Abstain, Cause, Score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jurist.verifiers._values import Ask, Reply, Sample, Verdict

__all__ = ["ExactAnswer"]

# An answer longer than this is cut for comparison; a short answer is what this verifier is for.
LONGEST_ANSWER = 100_000

_SENTENCE_END = re.compile(r"[.!?](?:\s|$)|[\u3002\uff01\uff1f]")
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
# A word, or one character of a script without blanks, as the Chinese and multilingual successors of SQuAD count.
_TOKEN = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
    r"|[^\s\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactAnswer:
    """Scores the best match between the answer and any reference.

    Both are put in NFKC and lower case; Markdown, LaTeX text macros, punctuation, English articles and surplus blanks
    are dropped. A text of nothing else is compared with them. Details: `answer`, as it was compared.
    """

    version: ClassVar[str] = "1"

    measure: Annotated[
        Literal["exact", "f1"],
        Field(description="1.0 or 0.0 by equality, or the harmonic mean of word precision and recall"),
    ] = "exact"
    extraction: Annotated[
        Literal["commitment", "whole"],
        Field(description="read the box, <answer> tag, cue or last line, or all text after the thought"),
    ] = "commitment"
    articles: Annotated[bool, Field(description="articles count: `The Hague` is not `Hague`")] = False

    def verdict(self, sample: Sample, replies: Sequence[Reply] = ()) -> Verdict | Ask:  # noqa: ARG002 - asks nothing
        """Compare the answer with every reference."""
        references = [words for answer in sample.task.answers if (words := self._words(answer))]
        if not references:
            return Abstain(Cause.INVALID_REFERENCE, "the task has no reference answer")
        candidates = self._candidates(sample.completion)
        if not candidates:
            return Score(0.0, "no answer", {"answer": None})
        best = max(candidates, key=lambda words: max(self._likeness(words, reference) for reference in references))
        score = max(self._likeness(best, reference) for reference in references)
        said = " ".join(best)
        return Score(score, f"read {said[:100]!r}", {"answer": said[:LONGEST_ANSWER]})

    def _candidates(self, completion: str) -> list[list[str]]:
        """Read the answer; after a cue, its line with and without what follows the first full stop."""
        answer = answer_of(completion)
        if answer is None:
            return []
        if self.extraction == "whole":
            texts = [answer]
        else:
            texts = [place.text for place in commitments(completion)[:1]]
            texts += [_SENTENCE_END.split(texts[0], maxsplit=1)[0]] if texts else []
        return [words for text in texts if (words := self._words(text))]

    def _words(self, text: str) -> list[str]:
        bare = plain(text[:LONGEST_ANSWER]).casefold()
        kept = "".join(char for char in bare if unicodedata.category(char)[0] != "P")
        if not self.articles:
            kept = _ARTICLES.sub(" ", kept)
        return _TOKEN.findall(kept) or _TOKEN.findall(bare)

    def _likeness(self, answer: list[str], reference: list[str]) -> float:
        if self.measure == "exact" or answer == reference:
            return float(answer == reference)
        shared = sum((Counter(answer) & Counter(reference)).values())
        return 2.0 * shared / (len(answer) + len(reference))

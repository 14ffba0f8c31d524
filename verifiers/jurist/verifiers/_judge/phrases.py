"""What judges write around a verdict: words that announce one, and words that take an announcement back."""

from __future__ import annotations

import re

__all__ = ["ANNOUNCED", "ASSERTED", "CHOSEN", "DOUBTED", "KEYS", "QUOTING", "THEIRS", "is_key", "own"]

_STRONG = (
    r"verdict|judge?ments?|decision|grade|grading|rating|scores?|correctness|classification|label|preference|winner|safety"
    r"|criteria[_ ]met|criterion[_ ]met"
    r"|urteil|bewertung|entscheidung|punktzahl|jugement|d[ée]cision|veredicto|decisi[óo]n|calificaci[óo]n"
    r"|puntuaci[óo]n|veredito|decis[ãa]o|pontua[çc][ãa]o|giudizio|verdetto|voto|punteggio|oordeel|werdykt|ocena"
    r"|karar|puan|putusan|skor|nilai|phán quyết|điểm(?: số)?"
    r"|вердикт|оценка|решение|балл|вирок|оцінка"
    r"|判定(?:结果|結果)?|判断(?:结果|結果)?|评判|裁定|裁决|结论|評価|評定|判決|結論|评分|得分|分数|评级|打分|スコア|評点|点数"
    r"|판정|결론|점수|평가|평점"
    r"|الحكم|التقييم|النتيجة|الدرجة|निर्णय|अंक|फैसला"
)
# These announce other things, too: whatever else follows them is no attempt at a verdict.
_WEAK = (
    r"answer|conclusion|result|outcome|evaluation|assessment|choice|response|overall|correct|same\s+answer|match"
    r"|equivalent|not[ae]|total|final|correction|revision|punkte|结果|結果|答案|正解|итог"
)
_OF = (
    r"(?:\s+(?:for|of|on)\s+(?:the|this)\s+(?:candidate|student|model|assistant)?(?:'s)?\s*"
    r"(?:answer|response|candidate|submission|solution|completion|student)?)?(?:\s*[(\[][^()\[\]]{0,24}[)\]])?"
)
_IS = (
    r"(?:\s{0,4}(?:=>|->|[:=]|-(?=\s))|\s{1,4}(?:is|would\s+be|should\s+be|ist|lautet|est|es|[eèé]|são|jest|adalah|là)\b"
    r"(?:\s*:)?|\s{0,4}(?:是|为|為|は|은|는|이|:)|\s{0,4}(?=\[\[)|\s{0,4}\?(?=\s))"
)
ANNOUNCED = re.compile(
    rf"(?:(?<![A-Za-z\u00c0-\u024f])(?:(?P<strong>{_STRONG})|(?P<weak>(?:final\s+)?(?:{_WEAK})))"
    rf"[\"']?{_OF}[\"']?{_IS})",
    re.IGNORECASE,
)
"""A word that announces a verdict, and what joins it to one."""

_SUBJECT = (
    r"(?:(?:the|this|that|its|their|his|her|your)\s+)?(?:(?:candidate|student|model|assistant|respondent)(?:'s)?\s+)?"
    r"(?:(?:given|proposed|submitted|provided|final|whole|overall)\s+)?"
    r"(?:answer|response|reply|solution|candidate|student|submission|completion|conclusion|content|message|final\s+answer)"
    r"|it|this|that"
)
_ADVERB = (
    r"(?:\s+(?:therefore|thus|hence|clearly|indeed|also|entirely|completely|fully|simply|definitely|overall|to\s+be))"
)
_FOUND = (
    r"(?:\s+(?:(?:deemed|considered|judged|found|declared)(?:\s+to\s+be)?|(?:classified|rated|marked|graded)\s+as))?"
)
_LINK = (
    r"(?:^|[,;:]\s{1,3}|\b(?:on\s+reflection|in\s+(?:summary|conclusion|fact|short)|overall|finally|actually|so|therefore"
    r"|thus|hence|that|and|but|conclude|concluding|find|believe|think)\s{1,3})"
)
ASSERTED = re.compile(
    rf"{_LINK}(?:{_SUBJECT})(?:'s|\s+(?:is|as|to\s+be|(?:should|must|can|will)\s+be)){_ADVERB}{{0,2}}{_FOUND}\s+(?=\S)",
    re.IGNORECASE,
)
"""A statement about the answer: "so the answer is"."""

_JUDGED = r"(?:answer|response|candidate|submission|solution|student|completion)"
CHOSEN = re.compile(
    r"\b(?:(?:I|we)(?:'d|'ll|\s+would|\s+will|\s+therefore|\s+thus|\s+hereby|\s+finally){0,2}\s+"
    r"(?:rate|score|grade|mark|give|assign|award|choose|select|pick|prefer|vote(?:\s+for)?|go\s+with|settle\s+on|judge|deem"
    r"|conclude(?:\s+with)?|answer|find|consider|classify|label|say|call)"
    rf"|(?:it|this|(?:the|this)\s+(?:\w+(?:'s)?\s+)?{_JUDGED})\s+(?:deserves|merits|earns))\b"
    rf"(?:\s+(?:(?:the|this|that)\s+{_JUDGED}|it|this|that|them))?"
    r"(?:\s+(?:as|to\s+be|with|at|for|an?|the))*(?:\s+(?:score|rating|grade|mark|verdict)\s+(?:of|is))?\s*:?\s*(?=\S)",
    re.IGNORECASE,
)
"""A sentence in which the judge decides: "I rate it"."""

DOUBTED = re.compile(
    r"\b(?:not|never|cannot|neither|nor|no|without|hardly|doubt(?:s|ed|ful)?|if|unless|whether|when|could|might|may|had|previous|earlier|initial"
    r"|initially|preliminary|tentative|claim(?:s|ed|ing)?|say(?:s|ing)?|said|state[sd]?|stating|wr(?:ote|ites?|itten|iting)"
    r"|ask(?:s|ed|ing)?|instruct(?:s|ed|ing)?|tell(?:s|ing)?|told|demand(?:s|ed|ing)?|pretend(?:s|ed|ing)?|insist(?:s|ed)?"
    r"|ignor(?:e|es|ed|ing)|disregard(?:s|ed|ing)?|contain(?:s|ed|ing)?|include[sd]?|including|read[s]?|quot(?:es?|ed|ing)|output(?:s|ted|ting)?|print(?:s|ed)?"
    r"|end(?:s|ed)?\s+with|begin(?:s)?\s+with|append(?:s|ed)?|inject(?:s|ed|ing)?|repl(?:y|ies|ied)|example|format|e\.g"
    r"|boxed|answer(?:s|ed)|respond(?:s|ed)"
    r"|nicht|kein|nie|wenn|falls|behauptet|schreibt|sagt|pas|non|jamais|si|pr[ée]tend|[ée]crit|dit|nunca|afirma|escribe|dice|diz"
    r"|se|не|нет|если|утверждает|пишет|говорит)\b"
    r"|n't\b|不|没有|沒有|并非|並非|如果|若|假如|声称|聲稱|写道|說|说|ではない|もし|아니|만약",
    re.IGNORECASE,
)
"""Before a verdict: it is denied, supposed, somebody else's, or an example."""

_THEY = r"(?:candidate|student|response|model|assistant|respondent|author|submission|user|text)"
THEIRS = re.compile(
    rf"\b(?:verdict|judge?ment|decision|grading)\s+(?:of|by)\s+(?:the|this)\s+{_THEY}\s*(?:[:=]|is\b)"
    rf"|[(\[](?:claimed|quoted|injected|said|according|by\s+(?:the|this)\s+{_THEY})\b"
    rf"|\b(?:they|he|she|{_THEY})\s+(?:\w+ly\s+)?(?:believe|think|thought|assume|hope|want|argue|assert|conclude|consider|find)"
    r"(?:s|d|ed)?\b[^,;:]*$",
    re.IGNORECASE,
)
"""An announcement, or what leads to a verdict, that is somebody else's: "the candidate believes that it is"."""

QUOTING = re.compile(
    r"\b(?:wrote|writes|written|says?|said|states?|claims?|contains?|includes?|reads|outputs|quotes?|appends?|appended"
    r"|ends?\s+with|injects?|injected|candidate'?s?(?:\s+\w+){0,2}|student'?s?(?:\s+\w+){0,2}|(?:the|its)\s+response|example"
    r"|format)\s*:\s*$"
    r"|(?:写道|声称|回答|說|说)\s*:\s*$",
    re.IGNORECASE,
)
"""The end of a line that introduces what somebody else wrote."""

_OF_ONES_OWN = re.compile(
    r"(?:^|[^\w'-])(?:final|overall|total|my|our|the|this|that|its|your|an?|so|therefore|thus|hence|accordingly|and|then|is"
    r"|here|here's|hereby|judge's|grader's|new|revised|updated|corrected|definitive|ultimate|official|quality|correct|right"
    r"|proper|assign|give|issue|return|reach|with|finales?|definitiv[oa]|globale?|g[eé]n[eé]rale?|gesamt|le|la|el|il|o|das"
    r"|der|die|lo|мо[яй]|итогов(?:ая|ый)|общ(?:ая|ий)|окончательн(?:ая|ый))[\s_]*$"
    r"|(?:最终|最后|总体|综合|整体|总|我的|的|本|最終|総合|최종|총|종합|为|此|以)\s*$",
    re.IGNORECASE,
)
_WORD_BEFORE = re.compile(r"[^\W\d_][\w'-]*\s*$")


def own(before: str) -> bool:
    """Tell whether an announcement after these words is the verdict: no maximum, no part, nobody else's."""
    return _WORD_BEFORE.search(before) is None or _OF_ONES_OWN.search(before) is not None


KEYS = re.compile(rf"(?:final[_ -]?|overall[_ -]?)?(?:{_STRONG}|answer|result|conclusion)", re.IGNORECASE)
"""A key of a JSON object that holds a verdict, whatever the template asked for."""


def is_key(key: str) -> bool:
    """Tell whether a key is a verdict's."""
    return KEYS.fullmatch(key.strip().replace("_", " ")) is not None or KEYS.fullmatch(key.strip()) is not None

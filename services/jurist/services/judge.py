"""What runs in a worker: a chunk of groups in, what the verifiers said out. No sockets, no clock but for timing.

A cell is one verifier on one distinct completion of one group; a verifier that compares a group's completions judges
all its cells in one go, at the first one. Before each cell the worker notes where it is and winds a timer of CPU
seconds: when a cell takes the whole process down, whoever watches knows which one it was, and the other cells are
judged again without it.
"""

from __future__ import annotations

import pickle
import traceback
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import accumulate
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar, cast

from jurist.services import encode
from jurist.services.decode import samples
from jurist.services.values import Findings
from jurist.verifiers import Abstain, Ask, Cause, NoReply, Score, decide_equality

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from jurist.services.values import Group, Outcome, PlannedTerm
    from jurist.verifiers import Decision, Equality, GroupVerifier, Reply, Sample, Verdict, Verifier

__all__ = [
    "Cell",
    "Chunk",
    "Decide",
    "Found",
    "Judged",
    "Progress",
    "Work",
    "findings_of",
    "joined",
    "settled",
    "together",
]

V = TypeVar("V")

TAIL = 64  # characters of a completion's end by which it is told from others before it is read whole


class Cell(NamedTuple):
    """Where a verifier stands: term `term` on distinct completion `row` of group `group` of a chunk.

    `row` and `term` are -1 while the group is being decoded.
    """

    group: int
    row: int
    term: int


class Progress(Protocol):
    """Told of each step before it is taken."""

    def at(self, cell: Cell, cpu_s: float | None = None) -> None:
        """Note the cell that begins now, and end this process if it takes more CPU time than it may.

        `cpu_s` is a limit of its own, in seconds; the worker's when None.
        """
        ...


class Found(NamedTuple):
    """What one go found about a group: as `Findings`, but None and empty where a cell was not judged this time."""

    distinct: Sequence[int]
    outcomes: Sequence[Sequence[Outcome | None]]
    components: Sequence[Sequence[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a chunk gave, group by group, or why a group gave nothing.

    With it the tracebacks of stray errors, the seconds that judging took, and how many workers a replica has replaced
    since it last told.
    """

    groups: Sequence[Found | Abstain]
    faults: Sequence[str] = ()
    elapsed_s: float = 0.0
    replaced: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Groups to be judged by the same terms.

    `payloads` are the groups in wire form; `run` is given them again, since they travel to a worker on a way of their
    own. With `replies` only the cells named there are judged, with their replies. `settled` gives the verdict of cells
    that must not be tried (again).
    """

    terms: tuple[PlannedTerm, ...]
    payloads: tuple[bytes | memoryview, ...]
    replies: Mapping[Cell, tuple[Reply, ...]] | None = None
    settled: Mapping[Cell, Abstain] = field(default_factory=dict[Cell, Abstain])

    def run(self, progress: Progress, payloads: Sequence[bytes | memoryview]) -> Judged:
        """Judge every cell."""
        bench = _Bench(self, progress)
        start = perf_counter()
        groups = [bench.group(index, payload) for index, payload in enumerate(payloads)]
        return Judged(groups=groups, faults=bench.faults, elapsed_s=perf_counter() - start)

    def part(self, start: int, stop: int) -> Chunk:
        """Return some of its groups as a chunk of their own."""
        return replace(
            self,
            payloads=self.payloads[start:stop],
            replies=None if self.replies is None else _shifted(self.replies, start, stop),
            settled=_shifted(self.settled, start, stop),
        )


def joined(chunks: Sequence[Chunk]) -> Chunk:
    """Return chunks of the same terms, all of them with replies, as one."""
    starts = accumulate((len(chunk.payloads) for chunk in chunks), initial=0)
    placed = [(chunk, start) for chunk, start in zip(chunks, starts, strict=False)]
    return Chunk(
        terms=chunks[0].terms,
        payloads=tuple(payload for chunk in chunks for payload in chunk.payloads),
        replies={
            cell._replace(group=cell.group + start): replies
            for chunk, start in placed
            for cell, replies in (chunk.replies or {}).items()
        },
        settled={
            cell._replace(group=cell.group + start): verdict
            for chunk, start in placed
            for cell, verdict in chunk.settled.items()
        },
    )


def together(parts: Sequence[Judged]) -> Judged:
    """Return what the parts of a chunk gave as what all of it gave."""
    return Judged(
        groups=[group for part in parts for group in part.groups],
        faults=[fault for part in parts for fault in part.faults],
        elapsed_s=sum(part.elapsed_s for part in parts),
        replaced=sum(part.replaced for part in parts),
    )


def _shifted(cells: Mapping[Cell, V], start: int, stop: int) -> dict[Cell, V]:
    return {
        cell._replace(group=cell.group - start): value for cell, value in cells.items() if start <= cell.group < stop
    }


Told = tuple["Outcome | None", bytes]
"""What was found of a cell, and its component in wire form."""


class _Bench:
    """A chunk while it is being judged."""

    def __init__(self, chunk: Chunk, progress: Progress) -> None:
        self.faults: list[str] = []
        self._chunk = chunk
        self._progress = progress
        self._comparing = [term for term, planned in enumerate(chunk.terms) if not hasattr(planned.verifier, "verdict")]
        self._headings = [encode.heading(planned) for planned in chunk.terms]

    def group(self, index: int, payload: bytes | memoryview) -> Found | Abstain:
        decoding = Cell(index, -1, -1)
        if decoding in self._chunk.settled:
            return self._chunk.settled[decoding]
        self._progress.at(decoding)
        try:
            decoded = samples(payload)
        except Exception as error:  # noqa: BLE001  # the front checked it, so the fault is ours
            self.faults.append("".join(traceback.format_exception(error)))
            return Abstain(Cause.INTERNAL, f"the group cannot be decoded: {type(error).__name__}")
        distinct, firsts = _distinct(decoded)
        together = {term: self._together(Cell(index, 0, term), firsts) for term in self._comparing}
        rows = [
            [
                together[term][row] if term in together else self._cell(Cell(index, row, term), sample)
                for term in range(len(self._headings))
            ]
            for row, sample in enumerate(firsts)
        ]
        return Found(distinct, [[cell[0] for cell in row] for row in rows], [[cell[1] for cell in row] for row in rows])

    def _cell(self, cell: Cell, sample: Sample) -> Told:
        """Judge one completion."""
        verifier = cast("Verifier", self._chunk.terms[cell.term].verifier)
        return self._judged(cell, 1, lambda replies: [verifier.verdict(sample, replies)])[0]

    def _together(self, cell: Cell, samples: Sequence[Sample]) -> list[Told]:
        """Judge a group's completions by a verifier that compares them; the first one's cell stands for all."""
        verifier = cast("GroupVerifier", self._chunk.terms[cell.term].verifier)

        def judge(replies: Sequence[Reply]) -> Sequence[Verdict | Ask]:
            outcome = verifier.verdicts(samples, replies)
            if isinstance(outcome, Ask):
                return [outcome, *[WAITING] * (len(samples) - 1)]
            if len(outcome) != len(samples):
                raise ValueError(f"{len(outcome)} verdicts for {len(samples)} completions")
            return outcome

        return self._judged(cell, len(samples), judge)

    def _judged(
        self, cell: Cell, count: int, judge: Callable[[Sequence[Reply]], Sequence[Verdict | Ask]]
    ) -> list[Told]:
        """Give `count` outcomes, unless nothing is to be judged here, or something is known already."""
        chunk, planned = self._chunk, self._chunk.terms[cell.term]
        if chunk.replies is not None and cell not in chunk.replies:
            return [(None, b"")] * count
        if cell in chunk.settled:
            return [self._told(cell, chunk.settled[cell], 0.0)] * count
        if not planned.active:
            return [self._told(cell, NOT_YET, 0.0)] * count
        replies = chunk.replies[cell] if chunk.replies is not None else ()
        self._progress.at(cell)
        start = perf_counter()
        try:
            outcomes = judge(replies)
            elapsed_ms = (perf_counter() - start) * 1e3 / count
            return [self._told(cell, outcome, elapsed_ms) for outcome in outcomes]
        except BaseException as error:  # noqa: BLE001  # the one place; even sys.exit is the verifier's fault alone
            self.faults.extend(_fault(planned.verifier, error))
            return [self._told(cell, _abstention(error), (perf_counter() - start) * 1e3 / count)] * count

    def _told(self, cell: Cell, outcome: Verdict | Ask, elapsed_ms: float) -> Told:
        if isinstance(outcome, Score):
            return float(outcome.value), encode.component(self._headings[cell.term], outcome, elapsed_ms)
        if isinstance(outcome, Abstain):
            return outcome.cause, encode.component(self._headings[cell.term], outcome, elapsed_ms)
        if isinstance(outcome, Ask):  # pyright: ignore[reportUnnecessaryIsInstance]  # a plugin's may be anything
            hash(outcome.questions)  # what cannot be hashed or sent is this cell's fault, and must not become another's
            pickle.dumps(outcome)
            return outcome, b""
        raise TypeError(f"a verifier answers with Score, Abstain or Ask, not {type(outcome).__name__}")


def _distinct(decoded: Sequence[Sample]) -> tuple[list[int], list[Sample]]:
    """Return each sample's row among the distinct ones, and those.

    Texts are hashed whole only where length and ends are equal: hashing a long one costs as much as judging it may.
    """
    marks = [
        (
            len(sample.completion),
            sample.completion[:TAIL],
            sample.completion[-TAIL:],
            sample.finish_reason,
            sample.completion_tokens,
        )
        for sample in decoded
    ]
    counts = Counter(marks)
    firsts: list[Sample] = []
    rows: list[int] = []
    seen: dict[object, int] = {}
    for sample, mark in zip(decoded, marks, strict=True):
        row = seen.setdefault(mark if counts[mark] == 1 else (mark, sample.completion), len(firsts))
        if row == len(firsts):
            firsts.append(sample)
        rows.append(row)
    return rows, firsts


WAITING = Ask(())  # for the replies to what the first completion's cell asks
NOT_YET = Abstain(Cause.NOT_APPLICABLE, "the term starts at a later policy step")


def _abstention(error: BaseException) -> Abstain:
    match error:
        case MemoryError():
            return Abstain(Cause.LIMIT, "judging this completion needs more memory than a worker may use")
        case RecursionError():
            return Abstain(Cause.LIMIT, "judging this completion recurses deeper than a worker may")
        case _:
            return Abstain(Cause.INTERNAL, f"the verifier failed: {type(error).__name__}")


def _fault(verifier: Verifier | GroupVerifier, error: BaseException) -> Iterator[str]:
    if not isinstance(error, MemoryError | RecursionError):
        yield f"{type(verifier).__name__}: {''.join(traceback.format_exception(error))}"


def findings_of(found: Found | Abstain, group: Group, before: Findings | None = None) -> Findings:
    """Return what is known of a group now; cells that were not judged this time keep what was found `before`."""
    if isinstance(found, Abstain):
        return settled(before or _unjudged(group), group.terms, found)
    if before is None:
        every = cast("Sequence[Sequence[Outcome]]", found.outcomes)  # a first go leaves no cell out
        return Findings(found.distinct, every, found.components)
    return _over(before, found)


def settled(findings: Findings, terms: Sequence[PlannedTerm], verdict: Abstain) -> Findings:
    """Give a verdict to every cell that still asks."""
    told = [encode.component(encode.heading(planned), verdict, 0.0) for planned in terms]
    outcomes = [[verdict.cause if isinstance(outcome, Ask) else None for outcome in row] for row in findings.outcomes]
    return _over(findings, Found(findings.distinct, outcomes, [told] * len(outcomes)))


def _unjudged(group: Group) -> Findings:
    terms = len(group.terms)
    return Findings([0] * len(group.rollout_ids), [[Ask(())] * terms], [[b""] * terms])


def _over(before: Findings, found: Found) -> Findings:
    outcomes, components = [list(row) for row in before.outcomes], [list(row) for row in before.components]
    for row, cells in enumerate(found.outcomes):
        for term, outcome in enumerate(cells):
            if outcome is not None:
                outcomes[row][term] = outcome
                components[row][term] = found.components[row][term]
    return Findings(before.distinct, outcomes, components)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """An `Equality` to be decided."""

    question: Equality
    cpu_s: float

    def run(self, progress: Progress, _: Sequence[memoryview]) -> Decision | NoReply:
        """Decide it."""
        progress.at(Cell(0, 0, 0), self.cpu_s)
        try:
            return decide_equality(self.question)
        except (MemoryError, RecursionError) as error:
            return NoReply(Cause.LIMIT, f"deciding this needs more than a worker may use: {type(error).__name__}")


class Work(Protocol):
    """What a worker can do: picklable, and its result, too."""

    def run(self, progress: Progress, buffers: Sequence[memoryview], /) -> object:
        """Do it; `buffers` are what was handed over beside the pickle."""
        ...

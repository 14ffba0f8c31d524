"""What runs in a worker: a chunk of groups in, what the verifiers said out. No sockets, no clock but for timing.

A cell is one verifier on one distinct completion of one group. Before each cell the worker notes where it is and winds
a timer of CPU seconds: when a cell takes the whole process down, whoever watches knows which one it was, and the other
cells are judged again without it.
"""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple, Protocol

from jurist.services import wire
from jurist.services.codec import samples
from jurist.services.values import Finding, Findings
from jurist.verifiers import Abstain, Ask, Cause, NoReply, Score, decide_equality

if TYPE_CHECKING:
    from jurist.verifiers import Decision, Equality, Reply, Sample, Verdict, Verifier

__all__ = ["Cell", "Chunk", "Decide", "Judged", "Progress", "Work", "findings_of"]


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


# What a cell found, as it travels between processes: score, cause or question; reason; details in wire form;
# milliseconds. Tuples pickle several times faster than dataclasses, and a Struct is dear to build: here, not in the
# front's one thread.
Wired = tuple[float | Cause | Ask, str, bytes, float]


# A group's findings: the row of each rollout, and the rows, a row a distinct completion; or why there are none at all.
WiredGroup = tuple[Sequence[int], Sequence[Sequence["Wired | None"]]] | Abstain


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a chunk gave, group by group, and the tracebacks of stray errors."""

    groups: Sequence[WiredGroup]
    faults: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Groups to be judged by the same verifiers.

    `payloads` are the groups in wire form; `run` is given them again, since they travel to a worker on a way of their
    own. A verifier that is None is not active. With `replies` only the cells named there are judged, with their
    replies; all others come back as None. `settled` gives the verdict of cells that must not be tried (again).
    """

    verifiers: tuple[Verifier | None, ...]
    payloads: tuple[bytes | memoryview, ...]
    replies: Mapping[Cell, tuple[Reply, ...]] | None = None
    settled: Mapping[Cell, Abstain] = field(default_factory=dict[Cell, Abstain])

    def run(self, progress: Progress, payloads: Sequence[bytes | memoryview]) -> Judged:
        """Judge every cell."""
        faults: list[str] = []
        groups = [self._group(index, payload, progress, faults) for index, payload in enumerate(payloads)]
        return Judged(groups=groups, faults=faults)

    def _group(self, index: int, payload: bytes | memoryview, progress: Progress, faults: list[str]) -> WiredGroup:
        decoding = Cell(index, -1, -1)
        if decoding in self.settled:
            return self.settled[decoding]
        progress.at(decoding)
        try:
            decoded = samples(payload)
        except Exception as error:  # noqa: BLE001  # the front checked it, so the fault is ours
            faults.append("".join(traceback.format_exception(error)))
            return Abstain(Cause.INTERNAL, f"the group cannot be decoded: {type(error).__name__}")
        distinct: dict[tuple[object, ...], int] = {}
        firsts: list[Sample] = []
        rows: list[int] = []
        for sample in decoded:
            row = distinct.setdefault((sample.completion, sample.finish_reason, sample.completion_tokens), len(firsts))
            if row == len(firsts):
                firsts.append(sample)
            rows.append(row)
        found = [
            [self._cell(Cell(index, row, term), sample, progress, faults) for term in range(len(self.verifiers))]
            for row, sample in enumerate(firsts)
        ]
        return rows, found

    def _cell(self, cell: Cell, sample: Sample, progress: Progress, faults: list[str]) -> Wired | None:
        verifier = self.verifiers[cell.term]
        if self.replies is not None and cell not in self.replies:
            return None
        if cell in self.settled:
            return _wired(self.settled[cell], 0.0)
        if verifier is None:
            return _wired(NOT_YET, 0.0)
        replies = self.replies[cell] if self.replies is not None else ()
        progress.at(cell)
        start = perf_counter()
        try:
            outcome = verifier.verdict(sample, replies)
            return _wired(outcome, (perf_counter() - start) * 1e3)
        except BaseException as error:  # noqa: BLE001  # the one place; even sys.exit is the verifier's fault alone
            faults.extend(_fault(verifier, error))
            return _wired(_abstention(error), (perf_counter() - start) * 1e3)


NOT_YET = Abstain(Cause.NOT_APPLICABLE, "the term starts at a later policy step")


def _abstention(error: BaseException) -> Abstain:
    match error:
        case MemoryError():
            return Abstain(Cause.LIMIT, "judging this completion needs more memory than a worker may use")
        case RecursionError():
            return Abstain(Cause.LIMIT, "judging this completion recurses deeper than a worker may")
        case _:
            return Abstain(Cause.INTERNAL, f"the verifier failed: {type(error).__name__}")


def _fault(verifier: Verifier, error: BaseException) -> Iterator[str]:
    if not isinstance(error, MemoryError | RecursionError):
        yield f"{type(verifier).__name__}: {''.join(traceback.format_exception(error))}"


def _wired(outcome: Verdict | Ask, elapsed_ms: float) -> Wired:
    match outcome:
        case Score(value, reason, details):
            return value, _utf8(reason), wire.struct(details), elapsed_ms
        case Abstain(cause, reason, details):
            return cause, _utf8(reason), wire.struct(details), elapsed_ms
        case Ask(questions):
            hash(questions)  # what cannot be hashed or sent is this cell's fault, and must not become another's
            pickle.dumps(outcome)
            return outcome, "", b"", elapsed_ms
    raise TypeError(f"a verifier answers with Score, Abstain or Ask, not {type(outcome).__name__}")


def _utf8(text: str) -> str:
    """Replace what the wire cannot carry: a reason may quote a lone surrogate."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _finding(wired: Wired) -> Finding:
    what, reason, details, elapsed_ms = wired
    if isinstance(what, Ask):
        return Finding(what, elapsed_ms)
    # `Cause` is text, so what is left is a number.
    verdict = Abstain(what, reason) if isinstance(what, Cause) else Score(what, reason)
    return Finding(verdict, elapsed_ms, details)


def findings_of(wired: WiredGroup, rollouts: int, terms: int, before: Findings | None = None) -> Findings:
    """Unpack what was found about a group; cells that were not judged this time keep what was found `before`."""
    if isinstance(wired, Abstain):
        lost = Finding(wired, 0.0)
        if before is None:
            return Findings([0] * rollouts, [[lost] * terms])
        kept = [[lost if isinstance(cell.outcome, Ask) else cell for cell in cells] for cells in before.rows]
        return Findings(before.distinct, kept)
    distinct, rows = wired
    if before is None:
        return Findings(distinct, [[_finding(cell) for cell in cells if cell is not None] for cells in rows])
    return Findings(
        distinct,
        [
            [old if cell is None else _finding(cell) for cell, old in zip(cells, olds, strict=True)]
            for cells, olds in zip(rows, before.rows, strict=True)
        ],
    )


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

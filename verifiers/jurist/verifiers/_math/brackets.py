"""Reads brackets and what they hold: groups, tuples, intervals, sets, matrices, cases.

Heads made here: brackets by their own signs (`() [] [) (] {}`), `braces` (a list in TeX's braces), `builder`, `matrix`,
`row`, `cases`.
"""

from __future__ import annotations

from jurist.verifiers._math.atoms import Atoms
from jurist.verifiers._math.commands import SET_OPERATIONS
from jurist.verifiers._math.cursor import UnreadableError
from jurist.verifiers._math.large_operators import is_differential
from jurist.verifiers._math.matrices import determinant
from jurist.verifiers._math.tree import Apply, Chain, Text, Tree

__all__ = ["Brackets"]

MATRICES = frozenset({"matrix", "pmatrix", "bmatrix", "vmatrix", "Bmatrix", "Vmatrix", "array", "smallmatrix"})
ROWS_WITHOUT_SHAPE = frozenset({"align", "align*", "aligned", "gather", "gathered", "split", "equation", "equation*"})
CLOSERS = {"(": ")", "[": "]", "\\{": "\\}"}


class Brackets(Atoms):
    """The grammar of brackets; the statements in them are left to the next class."""

    french = 0
    closers = ""

    def group(self) -> Tree:
        """Read braces: TeX's grouping, or a set whose backslashes were lost."""
        if self.ahead().kind == "number" and self.ahead(2).text == "}":  # as most do: no way through the whole grammar
            self.take()
            number = self.number()
            self.expect("sign", "}")
            return number
        self.expect("sign", "{")
        bars, self.bars = self.bars, 0
        closers, self.closers = self.closers, "}"
        differential, self.differential = self.differential, False
        if self.accept("sign", "}"):
            self.bars, self.closers, self.differential = bars, closers, differential
            return Apply("{}", ())
        inner = self.halves(self.statement())
        self.expect("sign", "}")
        self.bars, self.closers, self.differential = bars, closers, differential
        if isinstance(inner, Apply) and inner.head in {"list", "either"}:
            return Apply("braces", inner.args)
        return inner

    def halves(self, top: Tree) -> Tree:
        r"""Read what stands below `\\over` or `\\choose`, if one of them stands here."""
        if not self.sees("command", "choose", "over"):
            return top
        return Apply("binom" if self.take().text == "choose" else "/", (top, self.sum()))

    def angled(self) -> Tree:
        """Read a vector in angle brackets; the first has been taken."""
        bars, self.bars = self.bars, 0
        differential, self.differential = self.differential, False
        inner = self.statement()
        self.expect("command", "rangle")
        self.bars, self.differential = bars, differential
        return Apply("()", inner.args) if isinstance(inner, Apply) and inner.head in {"list", "either"} else inner

    def at_differential(self) -> bool:
        """Tell whether the differential of the integral that is being read stands here."""
        return self.differential and is_differential(self)

    def closes_open(self) -> bool:
        """Tell whether a `[` closes the interval that is being read."""
        after = self.ahead()
        last = after.kind == "end" or after.text in {")", "]", ",", "}", "\\}"} or after.text in SET_OPERATIONS
        return self.french > 0 or (last and self.closers == ")")

    def bracket(self) -> Tree:
        """Read a bracket: grouping, a tuple, an interval with its ends, a set."""
        self.depth += 1
        opening = self.take().text
        bars, self.bars = self.bars, 0
        differential, self.differential = self.differential, False
        closers, self.closers = self.closers, "\\}" if opening == "\\{" else ")"
        self.french += opening == "]"
        if self.sees("sign", CLOSERS.get(opening, "[")):
            self.take()
            inner: Tree = Apply("list", ())
            closing = CLOSERS.get(opening, "[")
        else:
            separating, self.separating = self.separating, opening == "\\{"
            inner = self.statement()
            self.separating = separating
            if opening == "\\{" and (self.accept("sign", ":", "|") or self.accept("command", "mid", "colon")):
                inner = Apply("builder", (inner, self.statement()))
            closing = self.token.text
            if closing not in {")", "]", "\\}", "["}:
                self.fail()
            self.take()
        self.french -= opening == "]"
        self.bars, self.closers, self.differential = bars, closers, differential
        self.depth -= 1
        return _bracketed(opening, closing, inner)

    def environment(self) -> Tree:
        r"""Read a matrix, a vector, cases or lines of equations; `\\begin` has been taken."""
        self.expect("sign", "{")
        name = ""
        while not self.accept("sign", "}"):
            name += self.take().text
        if name == "array" and self.sees("sign", "{"):
            while not self.accept("sign", "}"):
                self.take()
        if name in ROWS_WITHOUT_SHAPE:
            return self.lines()
        rows = [self.row()]
        while self.accept("sign", "\\\\"):
            if not self.sees("command", "end"):
                rows.append(self.row())
        self.end()
        if name in {"cases", "dcases", "rcases"}:
            return _system(rows) or Apply("cases", tuple(rows))
        if name not in MATRICES:
            self.fail()
        matrix = Apply("matrix", tuple(rows))
        return determinant(matrix) if name == "vmatrix" else matrix

    def end(self) -> None:
        """Read the end of an environment."""
        self.expect("command", "end")
        self.expect("sign", "{")
        while not self.accept("sign", "}"):
            self.take()

    def lines(self) -> Tree:
        """Read aligned lines: each a relation of its own, or one that goes on where the line before ended."""
        close = next((at for at in range(self.at, len(self.tokens)) if self.tokens[at].text == "end"), len(self.tokens))
        self.tokens[self.at : close] = [
            token for token in self.tokens[self.at : close] if token.kind != "sign" or token.text != "&"
        ]
        found = [self.chain()]
        while self.accept("sign", "\\\\"):
            if self.sees("command", "end"):
                break
            last = found[-1]
            signs: tuple[str, ...] = ()
            if (sign := self.relation()) is not None:
                signs = (sign,)
            line = self.chain()
            if not signs:
                found.append(line)
                continue
            head, tail = (
                (side.terms, side.signs) if isinstance(side, Chain) else ((side,), ()) for side in (last, line)
            )
            found[-1] = Chain((*head[0], *tail[0]), (*head[1], *signs, *tail[1]))
        self.end()
        return found[0] if len(found) == 1 else Apply("list", tuple(found))

    def row(self) -> Apply:
        """Read the cells of one line."""
        cells: list[Tree] = [self.cell()]
        while self.accept("sign", "&"):
            cells.append(self.cell())
        return Apply("row", tuple(cells))

    def cell(self) -> Tree:
        """Read one cell; words in it are a condition such as "if x > 0" or "otherwise"."""
        while self.sees("text") and self.token.text.strip(" ,.:").lower() in {"if", "for", "when", ""}:
            self.take()
        if self.accept("word", "if", "for", "when") and self.token.kind == "end":
            return self.fail()
        if self.sees("text") or self.sees("word", "otherwise", "else"):
            words = self.take().text.strip(" ,.:")
            if words.lower() in {"otherwise", "else"}:
                return Text("otherwise")
            return Text(words)
        cell = self.chain()
        self.accept("sign", ",")
        return cell


def _system(rows: list[Apply]) -> Tree | None:
    """Take cases of one equation each for the list of them."""
    cells = [row.args[0] for row in rows]
    alone = all(len(row.args) == 1 and isinstance(row.args[0], Chain) for row in rows)
    return Apply("list", tuple(cells)) if alone and len(rows) > 1 else None


def _bracketed(opening: str, closing: str, inner: Tree) -> Tree:
    """Name what a pair of brackets with its content is."""
    if isinstance(inner, Apply) and inner.head == "builder":
        return inner
    items = inner.args if isinstance(inner, Apply) and inner.head in {"list", "either"} else (inner,)
    left = {"]": "("}.get(opening, opening)
    right = {"[": ")"}.get(closing, closing)
    if (left == "\\{") != (right == "\\}"):
        raise UnreadableError("brackets that do not match")
    if left == "\\{":
        return Apply("{}", items)
    if len(items) == 1 and (opening, closing) in {("(", ")"), ("[", "]")}:
        return inner
    return Apply(f"{left}{right}", items)

"""A cursor over tokens, with the bounds of reading, and the names of the rules that the grammar's parts fill in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jurist.verifiers._math.tokens import Token
    from jurist.verifiers._math.tree import Tree

__all__ = ["MAX_DEPTH", "Cursor", "UnreadableError"]

MAX_DEPTH = 48
"""Of nesting: keeps the recursion of reading, and of everything done with the tree, far from Python's limit."""
MAX_NODES = 1_200
"""Of one tree."""


class UnreadableError(ValueError):
    """The text is no mathematics that we read."""


class Cursor:
    """A cursor over tokens."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = list(tokens)
        self.at = 0
        self.depth: int = 0
        self.nodes = 0
        self.bars: int = 0
        self.separating = False
        self.differential = False

    # The cursor.

    @property
    def token(self) -> Token:
        """The token to read next."""
        return self.tokens[self.at]

    def ahead(self, count: int = 1) -> Token:
        """A token further on."""
        return self.tokens[min(self.at + count, len(self.tokens) - 1)]

    def take(self) -> Token:
        """Read one token."""
        token = self.tokens[self.at]
        self.at = min(self.at + 1, len(self.tokens) - 1)
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise UnreadableError("more parts than an answer has")
        return token

    def sees(self, kind: str, *texts: str) -> bool:
        """Tell whether the next token is of `kind` and one of `texts`."""
        its_kind, text, _ = self.tokens[self.at]
        return its_kind == kind and (not texts or text in texts)

    def accept(self, kind: str, *texts: str) -> bool:
        """Read the next token if it is one of these."""
        its_kind, text, _ = self.tokens[self.at]
        if its_kind != kind or (texts and text not in texts):
            return False
        self.take()
        return True

    def expect(self, kind: str, *texts: str) -> None:
        """Read a token that must be one of these."""
        if not self.accept(kind, *texts):
            message = f"{texts[0] if texts else kind!r} expected, not {self.token.text[:20]!r}"
            raise UnreadableError(message)

    def fail(self) -> Tree:
        """Stop here."""
        message = f"{self.token.text[:20]!r} cannot stand here" if self.token.kind != "end" else "it ends too early"
        raise UnreadableError(message)

    # Filled in by the parts of the grammar.

    def atom(self) -> Tree:
        """Read the smallest whole: a number, a symbol, a bracket, a function with its argument."""
        raise NotImplementedError

    def bracket(self) -> Tree:
        """Read a bracket and what is in it."""
        raise NotImplementedError

    def group(self) -> Tree:
        """Read TeX's braces and what is in them."""
        raise NotImplementedError

    def environment(self) -> Tree:
        """Read a matrix, cases or lines of equations."""
        raise NotImplementedError

    def angled(self) -> Tree:
        """Read a vector in angle brackets; the first has been taken."""
        raise NotImplementedError

    def statement(self) -> Tree:
        """Read a whole answer, to the end or to a closing sign."""
        raise NotImplementedError

    def relation(self) -> str | None:
        """Read a relation sign, if one stands here."""
        raise NotImplementedError

    def chain(self) -> Tree:
        """Read expressions joined by relation signs."""
        raise NotImplementedError

    def whole(self, text: str) -> Tree:
        """Read another text as an answer of its own."""
        raise NotImplementedError

    def at_differential(self) -> bool:
        """Tell whether the differential of the integral that is being read stands here."""
        return False

    def closes_open(self) -> bool:
        """Tell whether a `[` here closes an interval, as in `]2, 3[`."""
        return False

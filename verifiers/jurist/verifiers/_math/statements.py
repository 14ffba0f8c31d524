"""Reads whole answers: lists, relations and unions of sets, with the units behind values.

Heads made here: `list`, `either` (alternatives), `group` (an alternative of several parts), `cup cap setminus`,
`ratio`, `unit`.
"""

from __future__ import annotations

import re
from fractions import Fraction

from jurist.verifiers._math.brackets import Brackets
from jurist.verifiers._math.commands import BRACKETS, SET_OPERATIONS
from jurist.verifiers._math.cursor import UnreadableError
from jurist.verifiers._math.expressions import spelling
from jurist.verifiers._math.tokens import Commas, tokenise
from jurist.verifiers._math.tree import Apply, Chain, Number, Symbol, Text, Tree, height
from jurist.verifiers._math.words import CONNECTIVES, SCALES

__all__ = ["read_tree"]

RELATIONS = {
    "=": "=", "==": "=", ":=": "=", "<": "<", ">": ">", "<=": "<=", ">=": ">=", "!=": "!=", "->": "->",
    "le": "<=", "leq": "<=", "leqslant": "<=", "lt": "<", "ge": ">=", "geq": ">=", "geqslant": ">=", "gt": ">",
    "ne": "!=", "neq": "!=", "approx": "~", "sim": "~", "simeq": "~", "cong": "~", "doteq": "~", "in": "in",
    "notin": "notin", "equiv": "=", "leqq": "<=", "geqq": ">=", "subset": "subset", "subseteq": "subset",
    "supseteq": "superset", "to": "->", "Rightarrow": "->", "mapsto": "->", "mid": "mid", "propto": "propto",
    "implies": "->", "rightarrow": "->", "longrightarrow": "->", "Longrightarrow": "->", "supset": "superset",
}  # fmt: skip
MAX_HEIGHT = 80
"""Of a tree: a long row of signs makes a high one without nesting in the text."""
_GLUED_CONNECTIVE = re.compile(r"(and|or)[A-Za-z]")


def read_tree(text: str, commas: Commas = "group") -> Tree:
    """Read a whole answer.

    Raises:
        UnreadableError: it is no mathematics.
        TooLongError: it is longer than an answer is.
    """
    reader = Statements(tokenise(text, commas))
    tree = reader.halves(reader.statement())
    if reader.token.kind != "end":
        reader.fail()
    if height(tree) > MAX_HEIGHT:
        raise UnreadableError("nested deeper than an answer is")
    return tree


class Statements(Brackets):
    """The grammar of whole answers."""

    # Lists and relations.

    def statement(self) -> Tree:
        """Read alternatives of lists of relations, to the end or to a closing sign."""
        groups = [self.items()]
        while self.separator(";"):
            if self.token.kind == "end":
                break
            groups.append(self.items())
        if len(groups) == 1:
            return groups[0][0] if len(groups[0]) == 1 else Apply("list", tuple(groups[0]))
        if all(len(group) == 1 for group in groups):
            return Apply("either", tuple(group[0] for group in groups))
        if len({len(group) for group in groups}) > 1:
            return Apply("list", tuple(item for group in groups for item in group))
        return Apply("either", tuple(group[0] if len(group) == 1 else Apply("group", tuple(group)) for group in groups))

    def items(self) -> list[Tree]:
        """Read relations joined by commas or by "and"."""
        items = [self.chain()]
        while self.separator(","):
            while self.separator(","):
                pass
            if self.token.kind == "end" or self.token.text in {"}", ")", "]", "\\}", ";"}:
                break
            items.append(self.chain())
        return items

    def separator(self, sign: str) -> bool:
        """Read a sign or a word that separates: `,` and "and" in a list, `;` and "or" between alternatives."""
        kind, text, _ = self.token
        if kind == "sign" and (text == sign or (text == "\\\\" and sign == ",")):
            self.take()
            return True
        if kind not in {"word", "text", "command"}:
            return False
        glued = _GLUED_CONNECTIVE.fullmatch(text) if kind == "word" else None
        if glued is not None:
            self.split(len(glued[1]))
            text = glued[1]
        word = text.strip(" ,.").lower() if kind in {"text", "word"} else ""
        apart = len(word) > 1 or (kind == "text" and text[:1] == text[-1:] == " ")
        if apart and CONNECTIVES.get(word) == sign:
            self.take()
            return True
        if kind == "command" and text in {"land", "lor"} and sign == (";" if text == "lor" else ","):
            self.take()
            return True
        return False

    def chain(self) -> Tree:
        """Read expressions joined by relation signs; one alone is itself."""
        leading = self.relation()
        terms: list[Tree] = [self.operand()]
        signs: list[str] = []
        while True:
            congruent = self.sees("command", "equiv")
            sign = self.relation()
            if sign is None:
                break
            signs.append(sign)
            term = self.operand()
            if congruent and isinstance(term, Apply) and term.head == "mod":
                term = Apply("pmod", term.args)
            terms.append(term)
        if leading in {"<", ">", "<=", ">=", "!=", "in"}:
            terms.insert(0, Symbol("?"))
            signs.insert(0, leading)
        return terms[0] if not signs else Chain(tuple(terms), tuple(signs))

    def relation(self) -> str | None:
        """Read a relation sign, if one stands here."""
        kind, text, _ = self.token
        if kind == "command" and text == "not":
            self.take()
            inner = self.relation()
            return {"in": "notin", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}.get(inner or "", "!=")
        if kind not in {"sign", "command"} or text not in RELATIONS or (text == "mid" and "}" in self.closers):
            return None
        if kind == "sign" and text == "!=":
            self.take()
            return "!="
        self.take()
        if kind == "sign" and text in "<>" and self.accept("sign", "="):
            return f"{text}="
        return RELATIONS[text]

    def operand(self) -> Tree:
        """Read an expression or a union of sets, then its unit, then what it is in proportion to."""
        left = _difference(self.with_unit(self.currency()))
        while True:
            if self.token.kind == "command" and self.token.text in SET_OPERATIONS:
                head = SET_OPERATIONS[self.take().text]
                left = Apply(head, (left, self.with_unit(self.currency())))
            elif self.sees("word", "U", "u") and isinstance(left, Apply) and self.ahead().text in {"(", "[", "\\{"}:
                self.take()
                left = Apply("cup", (left, self.currency()))
            else:
                break
        parts = [left]
        while self.sees("sign", ":") or (
            self.sees("sign", "{") and self.ahead().text == ":" and self.ahead(2).text == "}"
        ):
            if "}" in self.closers and len(parts) == 1 and not isinstance(left, Number):
                break
            if not self.accept("sign", ":"):
                for _ in range(3):
                    self.take()
            parts.append(self.with_unit(self.sum()))
        return left if len(parts) == 1 else Apply("ratio", tuple(parts))

    def currency(self) -> Tree:
        """Read a sum that may have a currency sign before it."""
        negative = self.sees("sign", "-") and self.ahead().text in {"\\$", "£", "€", "¥", "₹"}
        if negative:
            self.take()
        if not self.sees("sign", "\\$", "£", "€", "¥", "₹"):
            return self.sum()
        sign = self.take().text
        amount = self.sum()
        if isinstance(amount, Apply) and amount.head == "unit":
            amount = amount.args[0]
        scale = SCALES.get(self.token.text.strip().lower()) if self.token.kind in {"text", "word"} else None
        if scale is not None:
            self.take()
            amount = Apply("*", (amount, Number(Fraction(scale))))
        value = Apply("neg", (amount,)) if negative else amount
        return Apply("unit", (value, Text("dollar" if sign == "\\$" else sign)))

    def with_unit(self, value: Tree) -> Tree:  # noqa: C901, PLR0912 - one case after the other
        """Read the unit behind `value`, or the thing that is counted."""
        pieces: list[str] = []
        while True:
            kind, text, _ = self.token
            if kind == "text" and not any(map(str.isalnum, text)):
                self.take()
                continue
            if (kind == "text" and (len(text) == 1 or CONNECTIVES.get(text.strip(" ,.").lower()) is None)) or (
                kind == "word" and not self.joins(value)
            ):
                pieces.append(text)
            elif kind == "sign" and text in {"\\$", "£", "€", "¥", "₹", "¢"}:
                pieces.append("dollar" if text == "\\$" else text)
            elif pieces and kind == "sign" and text == "^":
                self.take()
                pieces.append(f"^{spelling(self.exponent())}")
                continue
            elif pieces and ((kind == "sign" and text in {"/", "*", "."}) or text in {"cdot", "times"}):
                pieces.append("/" if text == "/" else " ")
            elif pieces and kind == "number" and self.tokens[self.at - 1].text in {"in", "ft", "cm", "m", "units"}:
                break
            else:
                break
            self.take()
        if not pieces:
            return value
        first, _, rest = pieces[0].strip().partition(" ")
        scale = SCALES.get(first.lower())
        if scale is not None:
            value, pieces = Apply("*", (value, Number(Fraction(scale)))), [rest, *pieces[1:]]
            if not any(pieces):
                return value
        phrase = " ".join(pieces).strip()
        bare = phrase.lower().rstrip(".")
        if bare in {"percent", "pct", "percentage", "per cent", "%", "percentage points"}:
            return Apply("%", (value,))
        if isinstance(value, Apply) and value.head == "deg" and bare in {"c", "f", "celsius", "fahrenheit"}:
            return Apply("unit", (value.args[0], Text("°C" if bare[0] == "c" else "°F")))
        return Apply("unit", (value, Text(phrase)))

    def joins(self, value: Tree) -> bool:
        """Tell whether the word here joins two answers."""
        text = self.token.text
        union = text in {"U", "u"} and isinstance(value, Apply) and value.head in BRACKETS
        return union or (text in CONNECTIVES and len(text) > 1) or _GLUED_CONNECTIVE.fullmatch(text) is not None

    def whole(self, text: str) -> Tree:
        """Read the content of a text command as an answer of its own."""
        return read_tree(text)


def _difference(tree: Tree) -> Tree:
    """Take a minus between two sets for their difference."""
    match tree:
        case Apply(
            head="+", args=(Symbol(name="mathbb_R") as left, Apply(head="neg", args=(Apply(head=head) as right,)))
        ) if head in BRACKETS:
            return Apply("setminus", (left, right))
        case _:
            return tree

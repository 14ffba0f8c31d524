"""Reads arithmetic: a bounded recursive descent over the tokens of LaTeX or plain text.

Heads of the trees made here: `+ * / neg ^ ! !! % deg pm mp mod root log binom base ratio unit accent call`, the
functions of `words.FUNCTIONS`, `sum prod integral antiderivative limit derivative` and those of `brackets` and
`statements`.
"""

from __future__ import annotations

import re
from fractions import Fraction

from jurist.verifiers._math.commands import BRACKETS, CALLED, OPERATIONS, ORDINALS, STARTING, WORD_CONSTANTS
from jurist.verifiers._math.cursor import MAX_DEPTH, Cursor, UnreadableError
from jurist.verifiers._math.tokens import Token
from jurist.verifiers._math.tree import Apply, Number, Symbol, Text, Tree, walk
from jurist.verifiers._math.units import is_unit_word
from jurist.verifiers._math.words import CONNECTIVES, FUNCTIONS

__all__ = ["Expressions", "scalar", "spelling"]

GLUED_CONNECTIVE = re.compile(r"(and|or)[A-Z]\w*")
"""A connective with the next answer's name right behind it: `x=1orx=2` lost its blanks."""

ONE = Number(Fraction(1))
BEHIND = frozenset({"^", "**", "_", "!", "'", "\\%", "%", "degree", "(", "{"})
"""What may stand behind an atom and belong to it."""


class Expressions(Cursor):
    """The grammar of arithmetic from sums down to the exponents of atoms."""

    # Sums and products.

    def sum(self) -> Tree:
        """Read terms joined by plus, minus and their pairs."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise UnreadableError("nested deeper than an answer is")
        terms = [self.term()]
        while True:
            if self.accept("sign", "+"):
                terms.append(self.term())
            elif self.accept("sign", "-"):
                terms.append(Apply("neg", (self.term(),)))
            elif self.sees("command", "pm", "mp"):
                terms.append(Apply(self.take().text, (self.term(),)))
            else:
                break
        self.depth -= 1
        return terms[0] if len(terms) == 1 else Apply("+", tuple(terms))

    def term(self) -> Tree:  # noqa: C901 - one case after the other
        """Read factors that stand beside each other or are joined by a multiplication or division sign."""
        if self.accept("sign", "-"):
            inner = self.term()
            if isinstance(inner, Apply) and inner.head in {"mod", "pmod"}:
                return Apply(inner.head, (Apply("neg", inner.args[:1]), inner.args[1]))
            return Apply("neg", (inner,))
        if self.accept("sign", "+"):
            return self.term()
        if self.sees("command", "pm", "mp"):
            return Apply(self.take().text, (self.term(),))
        left = self.factor()
        while True:
            kind, text, _ = self.tokens[self.at]
            if kind == "end":
                return left
            joins = OPERATIONS.get(text) if kind in {"sign", "command"} or text == "mod" else None
            if joins is not None:
                self.take()
                right = self.signed_factor()
                left = _product(left, right) if joins == "*" else Apply(joins, (left, right))
            elif kind == "sign" and text == "{" and self.ahead().text == "}":
                self.take()
                self.take()
            elif self.accept("command", "pmod"):
                left = Apply("pmod", (left, self.argument()))
            elif self.starts_factor(left):
                left = _product(left, self.factor())
            else:
                return left

    def signed_factor(self) -> Tree:
        """Read a factor after an explicit sign of operation, where a minus may stand."""
        if self.accept("sign", "-"):
            return Apply("neg", (self.signed_factor(),))
        if self.accept("sign", "+"):
            return self.signed_factor()
        return self.factor()

    def starts_factor(self, left: Tree) -> bool:  # noqa: PLR0911 - one case after the other
        """Tell whether the next token multiplies what stands to its left."""
        kind, text, spaced = self.token
        if kind == "number":
            return not isinstance(left, Number)
        if kind == "word":
            if (text in CONNECTIVES and len(text) > 1) or GLUED_CONNECTIVE.fullmatch(text):
                return False
            if text in {"U", "u"} and isinstance(left, Apply) and left.head in BRACKETS:
                return False
            return not self.at_differential() and not self.starts_unit(left, text, spaced=spaced)
        if kind == "text":
            return (text.strip() in FUNCTIONS and not self.starts_unit(left, text.strip())) or (
                len(text.strip()) == 1
                and text.strip().isalpha()
                and text.isascii()
                and not self.starts_unit(left, text.strip())
            )
        if kind == "command":
            return text in STARTING or text in FUNCTIONS
        if kind == "sign":
            return (
                text in {"(", "{", "\\{"}
                or (text == "[" and not self.closes_open())
                or (text == "|" and not self.bars and not self.separating)
            )
        return False

    def starts_unit(self, left: Tree, word: str, *, spaced: bool = True) -> bool:  # noqa: PLR0911 - one case after the other
        """Tell whether a word after the number `left` is its unit or the thing that is counted."""
        if isinstance(left, Apply) and left.head == "%":
            return True
        if any(isinstance(node, Symbol) and node.name not in {"pi", "e"} for node in walk(left)):
            return len(word) > 3 and word not in FUNCTIONS and spaced  # noqa: PLR2004 - longer than a product is written
        if not any(isinstance(node, Number) or node == Symbol("pi") for node in walk(left)):
            return False
        if len(word) == 1:
            ends = self.ahead().kind == "end" or self.ahead().text in {",", "^", "/", "=", "\\approx"}
            return is_unit_word(word) and spaced and ends
        if word == "min":
            return self.ahead().text not in {"(", "{", "\\{", "_"}
        if word in FUNCTIONS or word in WORD_CONSTANTS or any(word.startswith(name) for name in ("sin", "cos", "sqrt")):
            return False
        return is_unit_word(word) or len(word) > (2 if spaced else 3)  # "ab" and "3abc" are products, "3 way" is not

    # Powers and what else stands behind an atom.

    def factor(self) -> Tree:  # noqa: C901 - one case after the other
        """Read an atom with its exponents, indices, factorials, percent and degree signs."""
        base = self.atom()
        while self.tokens[self.at].text in BEHIND and self.tokens[self.at].kind in {"sign", "command"}:
            if self.accept("sign", "^", "**"):
                base = self.raised(base)
            elif self.accept("sign", "_"):
                base = self.indexed(base)
            elif self.sees("sign", "!") and self.ahead().text != "=":
                base = self.factorial(base)
            elif self.accept("sign", "'"):
                base = Symbol(f"{base.name}'") if isinstance(base, Symbol) else Apply("prime", (base,))
            elif self.accept("sign", "\\%", "%"):
                base = Apply("%", (base,))
            elif self.accept("command", "degree"):
                base = Apply("deg", (base,))
            elif isinstance(base, Symbol) and self.sees("sign", "(") and self.is_call(base):
                base = Apply("call", (base, *self.arguments()))
            elif self.sees("sign", "(") and (inverse := _inverse(base)) is not None:
                base = Apply("call", (inverse, *self.arguments()))
            elif (
                isinstance(base, Symbol) and base.name in CALLED and self.sees("sign", "{") and self.ahead().text == "("
            ):
                base = Apply("call", (base, self.group()))
            else:
                break
        return base

    def is_call(self, symbol: Symbol) -> bool:
        """Tell `f(x)` and `P(A)` from the products `x(x+1)` and `n(n-1)`."""
        name = symbol.name.partition("_")[0].rstrip("'")
        if name in CALLED:
            return True
        inside = self.ahead()
        if len(name) != 1 or not name.isupper():
            return False
        return (inside.kind in {"word", "text"} and len(inside.text) == 1 and self.ahead(2).text in {")", ","}) or (
            self.names_point()
        )

    def names_point(self) -> bool:
        """Tell the point `P(1, 2)` from a product: there is a comma in the bracket that stands here."""
        depth = 0
        for token in self.tokens[self.at :]:
            if token.kind == "sign":
                depth += (token.text in {"(", "[", "{", "\\{"}) - (token.text in {")", "]", "}", "\\}"})
                if depth == 1 and token.text == ",":
                    return True
            if not depth:
                break
        return False

    def arguments(self) -> tuple[Tree, ...]:
        """Read a bracketed list of arguments."""
        bracket = self.bracket()
        if isinstance(bracket, Apply) and bracket.head in {"()", "[]", "{}"}:
            return bracket.args
        return (bracket,)

    def factorial(self, base: Tree) -> Tree:
        """Read exclamation marks: two are a double factorial, otherwise each is one factorial."""
        count = 0
        while self.accept("sign", "!"):
            count += 1
        if count == 2:  # noqa: PLR2004 - the double factorial
            return Apply("!!", (base,))
        for _ in range(count):
            base = Apply("!", (base,))
        return base

    def raised(self, base: Tree) -> Tree:  # noqa: C901, PLR0911 - one case after the other
        """Read the exponent after `^`."""
        if self.accept("command", "circ", "degree") or self.accept("sign", "\\circ"):
            return Apply("deg", (base,))
        if self.accept("command", "prime"):
            return Symbol(f"{base.name}'") if isinstance(base, Symbol) else Apply("prime", (base,))
        if self.sees("sign", "{"):
            inside = self.ahead()
            closed = self.ahead(2).text == "}"
            if inside.text == "}":
                self.take()
                self.take()
                return base
            if closed and inside.kind == "command" and inside.text in {"circ", "degree", "prime"}:
                for _ in range(3):
                    self.take()
                return Apply("deg" if inside.text != "prime" else "prime", (base,))
            if closed and inside.text.strip() in ORDINALS:
                for _ in range(3):
                    self.take()
                return base
        if self.sees("text") and self.token.text.strip() in ORDINALS:
            self.take()
            return base
        side = self.side()
        if side is not None:
            return Apply("side", (base, Text(side)))
        exponent = self.exponent()
        if self.accept("sign", "^", "**"):
            exponent = self.raised(exponent)
        return Apply("^", (base, exponent))

    def side(self) -> str | None:
        """Read the side from which a limit is taken: the plus of `3^+` and `3^{+}`."""
        braced = self.sees("sign", "{")
        sign, after = (self.ahead(), self.ahead(2)) if braced else (self.token, self.ahead())
        if sign.text not in {"+", "-"} or after.text not in {"}", ""}:
            return None
        for _ in range(3 if braced else 1):
            self.take()
        return sign.text

    def exponent(self) -> Tree:
        """Read an exponent: a group, or one atom with its sign."""
        if self.accept("sign", "-"):
            return Apply("neg", (self.exponent(),))
        if self.accept("sign", "+"):
            return self.exponent()
        if self.sees("sign", "("):
            return self.bracket()
        return self.argument(whole_number=True)

    def indexed(self, base: Tree) -> Tree:
        """Read the index after `_`: a part of a symbol's name, or the base of a number."""
        index = self.argument(whole_number=True)
        if isinstance(base, Apply) and base.head == "^" and isinstance(base.args[0], Symbol):
            return Apply("^", (Symbol(f"{base.args[0].name}_{{{spelling(index)}}}"), base.args[1]))
        if isinstance(base, Symbol):
            return Symbol(f"{base.name}_{{{spelling(index)}}}")
        return Apply("base", (base, index))

    def argument(self, *, whole_number: bool = False) -> Tree:
        """Read what TeX takes as one argument: a group, a command with its own, a letter or a digit."""
        if self.sees("sign", "{"):
            return self.group()
        if self.sees("number") and not whole_number and len(self.token.text) > 1:
            number = self.token
            self.tokens[self.at] = Token("number", number.text[1:], spaced=False)
            return Number(Fraction(int(number.text[0]))) if number.text[0] != "." else self.fail()
        if self.sees("word") and len(self.token.text) > 1 and not whole_number:
            word = self.token
            self.tokens[self.at] = Token("word", word.text[1:], spaced=False)
            return Symbol(word.text[0])
        return self.atom()


def scalar(tree: Tree) -> Tree:
    r"""Take braces that group: `\\{x + 1\\}` as a factor is no set."""
    return tree.args[0] if isinstance(tree, Apply) and tree.head == "{}" and len(tree.args) == 1 else tree


def _inverse(tree: Tree) -> Symbol | None:
    """Name the inverse function `f^{-1}`; None for any other power."""
    match tree:
        case Apply(head="^", args=(Symbol(name=name), Apply(head="neg", args=(power,)))) if (
            name in CALLED and power == ONE
        ):
            return Symbol(f"{name}^-1")
        case _:
            return None


def _product(left: Tree, right: Tree) -> Tree:
    left, right = scalar(left), scalar(right)
    if isinstance(left, Apply) and left.head == "*":
        return Apply("*", (*left.args, right))
    return Apply("*", (left, right))


def spelling(tree: Tree) -> str:  # noqa: PLR0911 - one case after the other
    """Write an index as a part of a name, the same for `x_1` and `x_{1}`."""
    match tree:
        case Number(value=value):
            return str(value)
        case Symbol(name=name):
            return name
        case Text(words=words):
            return words.strip()
        case Apply(head="*", args=args):
            return "".join(map(spelling, args))
        case Apply(head="neg", args=(Number(value=value),)):
            return str(-value)
        case Apply(head="+", args=args):
            return "+".join(sorted(map(spelling, args)))
        case Apply(head=head, args=args):
            return f"{head}({','.join(map(spelling, args))})"
        case _:
            return "?"

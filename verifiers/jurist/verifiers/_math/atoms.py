"""Reads the smallest wholes: symbols, words, functions with their arguments, roots, fractions, accents."""

from __future__ import annotations

from fractions import Fraction

from jurist.verifiers._math.commands import (
    ACCENTS,
    BINOMIALS,
    FENCES,
    FRACTIONS,
    LARGE,
    SYMBOL_COMMANDS,
    WORD_CONSTANTS,
)
from jurist.verifiers._math.cursor import UnreadableError
from jurist.verifiers._math.expressions import Expressions, spelling
from jurist.verifiers._math.large_operators import large_operator
from jurist.verifiers._math.literals import literal, repeating
from jurist.verifiers._math.matrices import BASIS, determinant
from jurist.verifiers._math.tree import Apply, Number, Symbol, Text, Tree, walk
from jurist.verifiers._math.words import CONNECTIVES, FUNCTIONS, GREEK

__all__ = ["Atoms"]

LONGEST_PRODUCT = 3
"""Letters that stand together as a product before a bracket: `abc(a+b+c)`."""
PROGRAMMING = frozenset(
    [
        "int",
        "len",
        "str",
        "eval",
        "exec",
        "print",
        "exit",
        "open",
        "float",
        "list",
        "dict",
        "set",
        "chr",
        "ord",
        "sum",
        "id",
        "range",
        "input",
        "repr",
        "type",
        "import",
        "lambda",
        "def",
        "class",
        "return",
        "while",
        "for",
        "if",
        "else",
        "None",
        "nan",
        "NaN",
        "null",
        "true",
        "false",
        "True",
        "False",
    ]
)
"""Names of programs' functions and words: no product of variables is meant by them."""


class Atoms(Expressions):
    """The grammar of atoms; brackets are left to the next class."""

    def atom(self) -> Tree:  # noqa: PLR0911 - one case after the other
        """Read the smallest whole."""
        kind, text, _ = self.token
        if kind == "number":
            return self.number()
        if kind == "word":
            return self.word(text)
        if kind == "text":
            return self.text(text)
        if kind == "command":
            self.take()
            return self.command(text)
        if text in {"(", "[", "\\{", "]"}:
            return self.bracket()
        if text == "{":
            return self.group()
        if text in {"|", "\\|"}:
            return self.bars_of(text)
        return self.fail()

    def word(self, text: str) -> Tree:  # noqa: C901, PLR0911 - one case after the other
        """Read letters without a backslash: a function, a constant, or symbols that multiply."""
        if text in FRACTIONS and self.ahead().text == "{":
            self.take()
            return self.fraction()
        if text in FUNCTIONS and len(text) > 1:
            if self.ahead().text == "(" and self.ahead(2).text == "[":
                return self.fail()  # a program's call with a list
            self.take()
            return self.function(FUNCTIONS[text])
        if text in {"bar", "hat", "vec"} and self.ahead().text == "{":
            self.take()
            return self.accent(text)
        if text in WORD_CONSTANTS or text in GREEK:
            self.take()
            return Symbol(WORD_CONSTANTS.get(text, text))
        if self.differential and len(text) > 2 and text[-2] == "d":  # noqa: PLR2004 - "xdx"
            self.split(len(text) - 2)
            return self.word(self.token.text)
        if len(text) > 1 and CONNECTIVES.get(text) is not None:
            return self.fail()
        for name in ("arcsin", "arccos", "arctan", "sqrt", "sin", "cos", "tan", "ln", "log", "exp", "pi"):
            if text.startswith(name) and len(text) > len(name):
                self.split(len(name))
                return self.word(name)
        if text in PROGRAMMING or self.is_program(text):
            return self.fail()
        if len(text) == 1:
            self.take()
            return Symbol(text)
        self.split(1)
        return self.word(text[0])

    def is_program(self, text: str) -> bool:
        """Tell a call of a program's function from a product: `run(0)`, `quit(x)`, `os_path`."""
        after, inside = self.ahead().text, self.ahead(2).kind
        if len(text) > LONGEST_PRODUCT and after in {"(", ".", "_"}:
            return True
        return len(text) == LONGEST_PRODUCT and after == "(" and (inside == "number" or self.ahead(2).text == ")")

    def split(self, count: int) -> None:
        """Cut the word that stands here in two."""
        token = self.token
        rest = token._replace(text=token.text[count:], spaced=False)
        self.tokens[self.at : self.at + 1] = [token._replace(text=token.text[:count]), rest]

    def text(self, text: str) -> Tree:
        r"""Read the content of `\\text{}` inside mathematics."""
        bare = text.strip()
        if bare in FUNCTIONS:
            self.take()
            return self.function(FUNCTIONS[bare])
        if bare.isalpha() and bare.isascii() and len(bare) == 1:
            self.take()
            return Symbol(bare)
        if not bare or CONNECTIVES.get(bare.strip(",.").lower()) is not None:
            return self.fail()
        try:
            inner = self.whole(bare) if bare.isascii() else Text(bare)
        except ValueError:
            inner = Text(bare)
        self.take()
        numeric = isinstance(inner, Number) or (
            isinstance(inner, Apply)
            and inner.head in {"neg", "base", "%", "unit"}
            and any(isinstance(node, Number) for node in walk(inner))
        )
        return inner if numeric or any(sign in bare for sign in "+=^\\") else Text(bare)

    def command(self, name: str) -> Tree:  # noqa: C901, PLR0911, PLR0912 - one case after the other
        """Read a LaTeX command and its arguments; the command itself has been taken."""
        if name in FRACTIONS:
            return self.fraction()
        if name in BINOMIALS:
            top = self.argument()
            return Apply("binom", (top, self.argument()))
        if name in {"sqrt", "surd"}:
            return self.root()
        if name == "root":
            degree = self.argument()
            self.expect("command", "of")
            return Apply("root", (self.argument(), degree))
        if name in FUNCTIONS or (name == "zeta" and self.sees("sign", "(")):
            return self.function(FUNCTIONS.get(name, name))
        if name in SYMBOL_COMMANDS or name in GREEK:
            return Symbol(SYMBOL_COMMANDS.get(name, name.removeprefix("var")))
        if name in LARGE:
            return large_operator(self, name)
        if name in ACCENTS:
            return self.accent(name)
        if name in FENCES:
            closing, head = FENCES[name]
            inner = self.sum()
            self.expect("command", closing)
            return Apply(head, (inner,))
        if name in {"mathbb", "mathcal", "mathfrak"}:
            return Symbol(f"{name}_{spelling(self.argument())}")
        if name == "begin":
            return self.environment()
        if name == "langle":
            return self.angled()
        if self.token.kind == "end" or self.token.text in {"=", ",", ")", "}"}:
            return Symbol(f"\\{name}")
        message = f"unknown command \\{name[:20]}"
        raise UnreadableError(message)

    def fraction(self) -> Tree:
        r"""Read a fraction, or the derivative `\\frac{d}{dx}` of what follows it."""
        top, bottom = self.argument(), self.argument()
        match top, bottom:
            case Symbol(name="d"), Apply(head="*", args=(Symbol(name="d"), Symbol() as variable)):
                return Apply("derivative", (self.term(), variable))
            case (
                Apply(head="*", args=(Symbol(name="d"), Symbol(name=function))),
                Apply(head="*", args=(Symbol(name="d"), Symbol(name=name))),
            ):
                return Symbol(f"d{function}/d{name}")
            case _:
                return Apply("/", (top, bottom))

    def root(self) -> Tree:
        """Read a square root or an n-th root."""
        degree: Tree | None = None
        if self.accept("sign", "["):
            degree = self.sum()
            self.expect("sign", "]")
        if self.accept("sign", "-"):
            inside: Tree = Apply("neg", (self.argument(),))
        else:
            inside = self.bracket() if self.sees("sign", "(") else self.argument()
        return Apply("sqrt", (inside,)) if degree is None else Apply("root", (inside, degree))

    def function(self, head: str) -> Tree:
        """Read a function's index, exponent and argument; its name has been taken."""
        index: Tree | None = None
        power: Tree | None = None
        while self.sees("sign", "_", "^"):
            if self.take().text == "_":
                index = self.argument(whole_number=True)
            else:
                power = self.exponent()
        if head in {"sqrt", "cbrt"}:
            inside = self.argument(whole_number=True)
            return Apply("sqrt", (inside,)) if head == "sqrt" else Apply("root", (inside, Number(Fraction(3))))
        args = self.function_arguments()
        if head == "det":
            return determinant(args[0])
        if power == Apply("neg", (Number(Fraction(1)),)) and f"arc{head}" in FUNCTIONS:
            head, power = FUNCTIONS[f"arc{head}"], None
        if head == "log" and index is not None:
            applied = Apply("log", (args[0], index))
        elif head == "lg":
            applied = Apply("log", (args[0], Number(Fraction(10))))
        elif head == "cis":
            applied = Apply("^", (Symbol("e"), Apply("*", (Symbol("i"), args[0]))))
        else:
            applied = Apply("ln" if head == "log" else head, args)
        return applied if power is None else Apply("^", (applied, power))

    def function_arguments(self) -> tuple[Tree, ...]:
        r"""Read a bracketed argument list, or the factors that follow bare, as in `\\sin 2x \\cos y`."""
        if self.sees("sign", "(", "[", "\\{"):
            bracket = self.atom()
            if isinstance(bracket, Apply) and bracket.head in {"()", "[]", "{}"}:
                return bracket.args
            return (bracket,)
        if self.sees("sign", "-"):
            self.take()
            return (Apply("neg", self.function_arguments()),)
        argument = self.factor()
        while self.starts_bare(argument):
            argument = Apply("*", (argument, self.factor()))
        return (argument,)

    def starts_bare(self, left: Tree) -> bool:
        """Tell whether the next factor still belongs to a function's bare argument."""
        kind, text, _ = self.token
        if not self.starts_factor(left) or text in {"(", "[", "\\{"} or text in FUNCTIONS or text in LARGE:
            return False
        return not (kind == "word" and any(text.startswith(name) for name in ("sin", "cos", "tan", "ln", "log")))

    def accent(self, name: str) -> Tree:
        """Read an accented symbol; a line over capitals is a segment, named by its ends."""
        inside = self.argument()
        if name in {"overline", "bar"} and isinstance(inside, Apply) and Symbol("i") in walk(inside):
            return Apply("conj", (inside,))
        if isinstance(inside, Apply) and inside.head == "*" and name in {"overline", "overrightarrow", "bar"}:
            return inside
        if name in {"hat", "vec"} and inside in BASIS:
            return inside
        accent = "bar" if name == "overline" else name
        return Symbol(f"{accent}{{{spelling(inside)}}}")

    def bars_of(self, sign: str) -> Tree:
        """Read an absolute value."""
        self.take()
        self.bars += 1
        inner = self.sum()
        self.expect("sign", sign)
        self.bars -= 1
        return Apply("abs", (inner,))

    # Numbers.

    def number(self) -> Tree:
        """Read a number, repeating decimals and mixed numbers among them."""
        text = self.take().text
        if "." in text and self.sees("command", "overline", "bar", "dot"):
            return self.repeating(text)
        value = literal(text)
        if value is None:
            raise UnreadableError("a number larger than an answer is")
        return self.mixed(value) if value.places is None and value.value.denominator == 1 else value

    def repeating(self, text: str) -> Tree:
        r"""Read the period of `0.1\\overline{6}` or `0.\\dot{1}4285\\dot{7}`."""
        dotted = self.take().text == "dot"
        period = self.digits()
        if dotted and self.sees("number") and self.ahead().text == "dot":
            period += self.take().text
            self.take()
            period += self.digits()
        elif dotted and self.accept("command", "dot"):
            period += self.digits()
        whole, _, decimals = text.partition(".")
        if not period.isdecimal() or not (whole + decimals + "0").isdecimal():
            return self.fail()
        return repeating(whole, decimals, period)

    def digits(self) -> str:
        """Read the digits of one argument."""
        braces = self.accept("sign", "{")
        text = self.take().text
        if braces:
            self.expect("sign", "}")
        return text

    def mixed(self, whole: Number) -> Tree:
        r"""Read the proper fraction after an integer: `2\\frac{1}{3}` and `2 1/3` are 7/3."""
        start, nodes = self.at, self.nodes
        fraction: Tree | None = None
        if self.sees("command", *FRACTIONS):
            fraction = self.atom()
        elif self.sees("number") and self.token.spaced and self.ahead().text == "/" and self.ahead(2).kind == "number":
            numerator = literal(self.take().text)
            self.take()
            denominator = literal(self.take().text)
            fraction = Apply("/", (numerator, denominator)) if numerator and denominator else None
        if isinstance(fraction, Apply) and fraction.head == "/":
            top, bottom = fraction.args[0], fraction.args[1]
            if isinstance(top, Number) and isinstance(bottom, Number) and 0 < top.value < bottom.value:
                return Number(whole.value + top.value / bottom.value)
        self.at, self.nodes = start, nodes
        return whole

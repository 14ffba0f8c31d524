"""Reads whole answers: lists, relations, sets and intervals around the arithmetic of `expressions`.

Heads made here: `list`, `either` (alternatives), `group` (an alternative of several parts), `braces` (a list in TeX's
braces), brackets by their own signs (`() [] [) (] {} <>`),
`cup cap setminus`, `builder`, `matrix`, `row`, `cases`, `ratio`, `unit`, `det`.
"""

from __future__ import annotations

import re
from fractions import Fraction

from jurist.verifiers._math.expressions import (
    ACCENTS,
    BINOMIALS,
    BRACKETS,
    FENCES,
    FRACTIONS,
    LARGE,
    SYMBOL_COMMANDS,
    WORD_CONSTANTS,
    Expressions,
    UnreadableError,
    spelling,
)
from jurist.verifiers._math.large_operators import is_differential, large_operator
from jurist.verifiers._math.matrices import determinant
from jurist.verifiers._math.tokens import Commas, tokenise
from jurist.verifiers._math.tree import Apply, Chain, Number, Symbol, Text, Tree, height
from jurist.verifiers._math.words import CONNECTIVES, FUNCTIONS, GREEK, SCALES

__all__ = ["read_tree"]

RELATIONS = {
    "=": "=", "==": "=", ":=": "=", "<": "<", ">": ">", "<=": "<=", ">=": ">=", "!=": "!=", "->": "->",
    "le": "<=", "leq": "<=", "leqslant": "<=", "lt": "<", "ge": ">=", "geq": ">=", "geqslant": ">=", "gt": ">",
    "ne": "!=", "neq": "!=", "approx": "~", "sim": "~", "simeq": "~", "cong": "~", "doteq": "~", "in": "in",
    "notin": "notin", "equiv": "=", "leqq": "<=", "geqq": ">=", "subset": "subset", "subseteq": "subset",
    "supseteq": "superset", "to": "->", "Rightarrow": "->", "mapsto": "->", "mid": "mid", "propto": "propto",
    "implies": "->", "rightarrow": "->", "longrightarrow": "->", "Longrightarrow": "->", "supset": "superset",
}  # fmt: skip
SET_OPERATIONS = {"cup": "cup", "cap": "cap", "setminus": "setminus", "backslash": "setminus", "bigcup": "cup"}
MATRICES = frozenset({"matrix", "pmatrix", "bmatrix", "vmatrix", "Bmatrix", "Vmatrix", "array", "smallmatrix"})
ROWS_WITHOUT_SHAPE = frozenset({"align", "align*", "aligned", "gather", "gathered", "split", "equation", "equation*"})
MAX_HEIGHT = 80
"""Of a tree: a long row of signs makes a high one without nesting in the text."""
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
_GLUED_CONNECTIVE = re.compile(r"(and|or)[A-Za-z]")
CLOSERS = {"(": ")", "[": "]", "\\{": "\\}"}


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


class Statements(Expressions):
    """The grammar from whole answers down to sums, and the atoms that hold such things."""

    french = 0
    closers = ""

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
        while (sign := self.relation()) is not None:
            signs.append(sign)
            terms.append(self.operand())
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
            return {"=": "!=", "in": "notin"}.get(inner or "", "->")
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
        left = self.with_unit(self.currency())
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
        value = Apply("neg", (amount,)) if negative else amount
        return Apply("unit", (value, Text("dollar" if sign == "\\$" else sign)))

    def with_unit(self, value: Tree) -> Tree:  # noqa: C901 - one case after the other
        """Read the unit behind `value`, or the thing that is counted."""
        pieces: list[str] = []
        while True:
            kind, text, _ = self.token
            if (kind == "text" and (len(text) == 1 or CONNECTIVES.get(text.strip(" ,.").lower()) is None)) or (
                kind == "word" and not self.joins(value)
            ):
                pieces.append(text)
            elif kind == "sign" and text in {"\\$", "£", "€", "¥", "₹"}:
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
        scale = SCALES.get(pieces[0].strip().lower())
        if scale is not None:
            value, pieces = Apply("*", (value, Number(Fraction(scale)))), pieces[1:]
            if not pieces:
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

    # Atoms.

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

    def word(self, text: str) -> Tree:  # noqa: PLR0911 - one case after the other
        """Read letters without a backslash: a function, a constant, or symbols that multiply."""
        if text in FUNCTIONS and len(text) > 1:
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
        if text in PROGRAMMING or (len(text) > 3 and self.ahead().text in {"(", ".", "_"}):  # noqa: PLR2004 - no product
            return self.fail()
        if len(text) == 1:
            self.take()
            return Symbol(text)
        self.split(1)
        return self.word(text[0])

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
            inner = read_tree(bare) if bare.isascii() else Text(bare)
        except ValueError:
            inner = Text(bare)
        self.take()
        numeric = isinstance(inner, Number) or (isinstance(inner, Apply) and inner.head in {"neg", "base", "%", "unit"})
        return inner if numeric or any(sign in bare for sign in "+=^\\") else Text(bare)

    def command(self, name: str) -> Tree:  # noqa: C901, PLR0911 - one case after the other
        """Read a LaTeX command and its arguments; the command itself has been taken."""
        if name in FRACTIONS:
            return self.fraction()
        if name in BINOMIALS:
            top = self.argument()
            return Apply("binom", (top, self.argument()))
        if name == "sqrt":
            return self.root()
        if name in FUNCTIONS:
            return self.function(FUNCTIONS[name])
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
        if name in {"langle", "lbrace", "lbrack", "lgroup"}:
            return self.fenced(name)
        if name == "pmod":
            return Apply("pmod", (self.argument(),))
        return Symbol(f"\\{name}")

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
        if power == Apply("neg", (Number(Fraction(1)),)) and f"arc{head}" in FUNCTIONS:
            head, power = FUNCTIONS[f"arc{head}"], None
        if head == "log" and index is not None:
            applied = Apply("log", (args[0], index))
        elif head == "lg":
            applied = Apply("log", (args[0], Number(Fraction(10))))
        else:
            applied = Apply("ln" if head == "log" else head, args)
        return applied if power is None else Apply("^", (applied, power))

    def function_arguments(self) -> tuple[Tree, ...]:
        r"""Read a bracketed argument list, or the factors that follow bare, as in `\\sin 2x \\cos y`."""
        if self.sees("sign", "(", "[", "\\{") or self.sees("command", "lbrace", "lbrack", "lgroup"):
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
        if isinstance(inside, Apply) and inside.head == "*" and name in {"overline", "overrightarrow", "bar"}:
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

    # Brackets, groups and environments.

    def group(self) -> Tree:
        """Read braces: TeX's grouping, or a set whose backslashes were lost."""
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

    def fenced(self, name: str) -> Tree:
        """Read brackets that are written as commands."""
        closing, head = {
            "langle": ("rangle", "()"), "lbrace": ("rbrace", "{}"), "lbrack": ("rbrack", "[]"),
            "lgroup": ("rgroup", "()"),
        }[name]  # fmt: skip
        bars, self.bars = self.bars, 0
        differential, self.differential = self.differential, False
        inner = self.statement()
        self.expect("command", closing)
        self.bars, self.differential = bars, differential
        items = inner.args if isinstance(inner, Apply) and inner.head in {"list", "either"} else (inner,)
        return inner if len(items) == 1 and name != "lbrace" else Apply(head, items)

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
            inner = self.statement()
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
        rows = [self.row()]
        while self.accept("sign", "\\\\"):
            if not self.sees("command", "end"):
                rows.append(self.row())
        self.expect("command", "end")
        self.expect("sign", "{")
        while not self.accept("sign", "}"):
            self.take()
        if name in ROWS_WITHOUT_SHAPE:
            return rows[0].args[0] if len(rows) == 1 else Apply("list", tuple(row.args[-1] for row in rows))
        if name in {"cases", "dcases", "rcases"}:
            return Apply("cases", tuple(rows))
        if name not in MATRICES:
            self.fail()
        matrix = Apply("matrix", tuple(rows))
        return determinant(matrix) if name == "vmatrix" else matrix

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

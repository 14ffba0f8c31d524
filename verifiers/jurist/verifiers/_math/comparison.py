"""Compares two answers shape by shape; the reference's shape rules.

Lists and sets ignore order and keep multiplicity, tuples keep order, intervals and inequalities are sets of numbers,
equations may be rearranged, matrices go by entry. A clash of shapes is a difference.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from jurist.verifiers._math.identity import identical
from jurist.verifiers._math.matrices import as_matrix, rows_of
from jurist.verifiers._math.quantities import equal_values
from jurist.verifiers._math.regions import equal_regions, region
from jurist.verifiers._math.relations import chain_holds, equal_relations, labelled, rename_arguments
from jurist.verifiers._math.rules import DIFFERENT, UNDECIDED, Finding, Rules
from jurist.verifiers._math.tree import Apply, Chain, Number, Symbol, Text, Tree, free_symbols, replace, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["compare", "is_plural", "members"]

MAX_MEMBERS = 64
"""Of a list: each is compared with each."""
LISTS = frozenset({"list", "either", "braces", "{}"})
TUPLES = frozenset({"()", "[]", "group"})
REGIONS = frozenset({"(]", "[)", "cup", "cap", "setminus", "builder"})


def compare(reference: Tree, answer: Tree, rules: Rules) -> Finding:  # noqa: PLR0911 - one case after the other
    """Compare two trees."""
    if isinstance(reference, Number) and isinstance(answer, Number):
        return equal_values(reference, answer, rules)
    label, wanted = labelled(reference)
    name, given = labelled(answer)
    if label is not None and name is not None and isinstance(reference, Chain) and isinstance(answer, Chain):
        return _with_labels(reference, answer, rules)
    if (label is None) != (name is None) and _both_equations(reference, answer):
        return (
            equal_relations(reference, answer)
            if isinstance(reference, Chain) and isinstance(answer, Chain)
            else DIFFERENT
        )
    settled = isinstance(reference, Chain) and len(reference.signs) > 1 and set(reference.signs) <= {"=", "~"}
    if label is None and settled and not isinstance(answer, Chain):
        return compare(_settled(reference), answer, rules)
    if label is not None:
        return compare(_settled(wanted), answer, rules) if rules.labels == "drop" else _missing_label()
    if name is not None:
        return _chain(reference, given, rules) if rules.labels == "drop" else _missing_label()
    if isinstance(answer, Chain) and not isinstance(reference, Chain) and set(answer.signs) <= {"=", "~"}:
        return DIFFERENT if free_symbols(answer) else _chain(reference, answer, rules)
    return _by_shape(reference, answer, rules)


def _both_equations(reference: Tree, answer: Tree) -> bool:
    """Tell two equations, one of which defines nothing: `y = 2x + 1` and `2x - y + 1 = 0`."""
    return all(isinstance(side, Chain) and side.signs == ("=",) and free_symbols(side) for side in (reference, answer))


def _missing_label() -> Finding:
    return Finding(equal=False, how="one side alone has a label")


def _with_labels(reference: Chain, answer: Chain, rules: Rules) -> Finding:
    """Compare `x = 5` with `x = 2 + 3 = 5`, or two equations."""
    answer = rename_arguments(reference, answer)
    (label, wanted), (name, given) = labelled(reference), labelled(answer)
    if label == name:
        return _chain(_settled(wanted), given, rules)
    if rules.variables == "renamed" and isinstance(label, Symbol | Apply) and isinstance(name, Symbol | Apply):
        return _chain(_settled(wanted), given, rules)
    return equal_relations(reference, answer)


def _settled(tree: Tree) -> Tree:
    r"""Take a reference's chain `1/3 = 2/6 \\approx 0.33` as its last exact term; a reference is not checked."""
    if not isinstance(tree, Chain) or not set(tree.signs) <= {"=", "~"}:
        return tree
    exact = tree.signs.index("~") if "~" in tree.signs else len(tree.signs)
    return tree.terms[exact]


def _chain(reference: Tree, answer: Tree, rules: Rules) -> Finding:
    """Compare the value of a chain, every link of which must hold."""
    if not isinstance(answer, Chain) or not set(answer.signs) <= {"=", "~"} or isinstance(reference, Chain):
        return compare(reference, answer, rules)
    holds = chain_holds(answer)
    if not holds.equal:
        return holds
    exact = answer.signs.index("~") if "~" in answer.signs else len(answer.signs)
    finding = compare(reference, answer.terms[exact], rules)
    if finding.equal is not True and exact < len(answer.signs):
        last = compare(reference, answer.terms[-1], rules)
        if last.equal and isinstance(reference, Number) and reference.places is not None:
            return last
    return finding


def is_plural(tree: Tree) -> bool:
    """Tell whether an answer has several members."""
    _, body = labelled(tree)
    return isinstance(body, Apply) and (body.head in LISTS | {"()", "[]", "group"} or _has_sign_pair(body))


def _has_sign_pair(tree: Tree) -> bool:
    return any(isinstance(node, Apply) and node.head in {"pm", "mp"} for node in walk(tree))


def _by_shape(reference: Tree, answer: Tree, rules: Rules) -> Finding:
    if isinstance(reference, Text) or isinstance(answer, Text):
        return Finding(equal=False, how="words that differ")
    for shape in (_special, _matrices, _regions, _tuples, _lists, _relations):
        finding = shape(reference, answer, rules)
        if finding is not None:
            return finding
    if rules.reduced and isinstance(answer, Apply) and not _is_reduced(answer):
        return Finding(equal=False, how="not in lowest terms")
    return equal_values(reference, answer, rules)


def _is_reduced(tree: Tree) -> bool:
    import math  # noqa: PLC0415 - used here alone

    match tree:
        case Apply(head="neg", args=(inner,)):
            return _is_reduced(inner)
        case Apply(head="/", args=(Number(value=top), Number(value=bottom))):
            return bottom.denominator == top.denominator == 1 and math.gcd(top.numerator, bottom.numerator) == 1
        case _:
            return True


def _head(tree: Tree) -> str:
    return tree.head if isinstance(tree, Apply) else type(tree).__name__


def _special(reference: Tree, answer: Tree, rules: Rules) -> Finding | None:  # noqa: PLR0911 - one case after the other
    """Compare times, dates, numerals with a base, ratios of several parts, piecewise functions."""
    heads = {_head(reference), _head(answer)}
    if "time" in heads or "date" in heads:
        return _times(reference, answer)
    if "base" in heads:
        return _bases(reference, answer)
    if heads == {"cases"} and isinstance(reference, Apply) and isinstance(answer, Apply):
        return _matched(reference.args, answer.args, lambda one, other: _rows(one, other, rules))
    if heads == {"ratio"} and isinstance(reference, Apply) and isinstance(answer, Apply):
        return _ratios(reference.args, answer.args)
    if heads == {"antiderivative"} and isinstance(reference, Apply) and isinstance(answer, Apply):
        return identical(reference.args[0], answer.args[0]) if reference.args[1] == answer.args[1] else DIFFERENT
    if "antiderivative" in heads:
        return Finding(equal=False, how="an indefinite integral is no single function")
    return None


def _times(reference: Tree, answer: Tree) -> Finding:
    if not isinstance(reference, Apply) or not isinstance(answer, Apply) or reference.head != answer.head:
        return DIFFERENT
    for one, other in zip(reference.args, answer.args, strict=True):
        if one != other and Text("") not in {one, other}:
            return Finding(equal=False, how=f"a different {reference.head}")
    return Finding(equal=True, how=f"the same {reference.head}")


def _bases(reference: Tree, answer: Tree) -> Finding:
    sides = [
        (side.args if isinstance(side, Apply) and side.head == "base" else (side, None)) for side in (reference, answer)
    ]
    (digits, base), (others, other_base) = sides
    if base is not None and other_base is not None and base != other_base:
        return Finding(equal=False, how="different bases")
    return Finding(_digits(digits) == _digits(others) != "", "digits in a base")


def _digits(tree: Tree | None) -> str:
    match tree:
        case Number(value=value, places=None) if value.denominator == 1:
            return str(value.numerator)
        case Text(words=words):
            return words.strip().upper().lstrip("0") or "0"
        case Apply(head="*", args=args):
            return "".join(map(_digits, args)).upper()
        case Symbol(name=name):
            return name.upper()
        case _:
            return ""


def _ratios(one: Sequence[Tree], other: Sequence[Tree]) -> Finding:
    if len(one) != len(other):
        return DIFFERENT
    for (a, b), (c, d) in zip(pairwise(one), pairwise(other), strict=True):
        finding = identical(Apply("*", (a, d)), Apply("*", (b, c)))
        if not finding.equal:
            return finding
    return Finding(equal=True, how="the same ratio")


def _rows(one: Tree, other: Tree, rules: Rules) -> Finding:
    if not isinstance(one, Apply) or not isinstance(other, Apply) or len(one.args) != len(other.args):
        return DIFFERENT
    if one.args[-1] != other.args[-1] and Text("otherwise") in {one.args[-1], other.args[-1]}:
        return compare(one.args[0], other.args[0], rules)
    return _in_order(one.args, other.args, rules)


def _regions(reference: Tree, answer: Tree, rules: Rules) -> Finding | None:  # noqa: PLR0911 - one case after the other
    """Compare sets of real numbers, in whatever form."""
    one, other = _is_region(reference), _is_region(answer)
    inequality = _is_inequality(reference), _is_inequality(answer)
    if not (one or other or any(inequality)):
        return None
    if rules.relations == "strict" and inequality[1] and not inequality[0]:
        return Finding(equal=False, how="an inequality is not taken for a set here")
    if all(inequality) and len(free_symbols(reference)) > 1:
        return None
    if not (one or inequality[0] or _may_be_region(reference)) or not (
        other or inequality[1] or _may_be_region(answer)
    ):
        return DIFFERENT if one or other else None
    if isinstance(reference, Apply) and isinstance(answer, Apply) and reference.head == answer.head in REGIONS | {"[]"}:
        same = _in_order(reference.args, answer.args, rules)
        if same.equal:
            return same
    left, right = region(reference), region(answer)
    if left is not None and right is not None:
        same_variable = all(inequality) and free_symbols(reference) != free_symbols(answer)
        return Finding(equal=False, how="different variables") if same_variable else equal_regions(left, right)
    return _structure(reference, answer, rules) if left is None and right is None else DIFFERENT


def _is_region(tree: Tree) -> bool:
    if isinstance(tree, Apply):
        return tree.head in REGIONS or (tree.head == "[]" and len(tree.args) == 2)  # noqa: PLR2004 - an interval
    return isinstance(tree, Symbol) and tree.name in {"∅", "mathbb_R"}


def _may_be_region(tree: Tree) -> bool:
    return isinstance(tree, Apply) and (tree.head == "{}" or (tree.head == "()" and len(tree.args) == 2))  # noqa: PLR2004


def _is_inequality(tree: Tree) -> bool:
    if isinstance(tree, Apply) and tree.head in {"list", "either"}:
        return all(map(_is_inequality, tree.args))
    return isinstance(tree, Chain) and set(tree.signs) <= {"<", ">", "<=", ">=", "!="}


def _structure(reference: Tree, answer: Tree, rules: Rules) -> Finding:
    """Compare intervals whose ends are no numbers, part by part."""
    if isinstance(reference, Apply) and isinstance(answer, Apply) and reference.head == answer.head:
        return _in_order(reference.args, answer.args, rules)
    if isinstance(reference, Chain) and isinstance(answer, Chain):
        return equal_relations(reference, answer)
    return DIFFERENT


def _tuples(reference: Tree, answer: Tree, rules: Rules) -> Finding | None:
    """Compare what keeps its order."""
    heads = _head(reference), _head(answer)
    if not TUPLES & set(heads):
        return None
    sides = [_sequence(side) for side in (reference, answer)]
    one, other = sides
    if one is None or other is None or len(one) != len(other):
        return DIFFERENT
    return _in_order(one, other, rules)


def _sequence(tree: Tree) -> Sequence[Tree] | None:
    if isinstance(tree, Apply) and tree.head in TUPLES | {"list", "braces"}:
        parts = [labelled(part) for part in tree.args]
        return [body for _, body in parts]
    matrix = as_matrix(tree)
    if matrix is not None and 1 in {len(matrix), len(matrix[0])}:
        return [cell for row in matrix for cell in row]
    return None


def _in_order(one: Sequence[Tree], other: Sequence[Tree], rules: Rules) -> Finding:
    if len(one) != len(other):
        return DIFFERENT
    undecided = False
    for left, right in zip(one, other, strict=True):
        finding = compare(left, right, rules)
        if finding.equal is False:
            return finding._replace(how=f"one part differs: {finding.how}")
        undecided = undecided or finding.equal is None
    return UNDECIDED if undecided else Finding(equal=True, how="equal part by part")


def members(tree: Tree) -> list[Tree]:
    r"""List the members of an answer, with `\\pm` written out and a label given to all that share it."""
    label, body = labelled(tree)
    if isinstance(body, Apply) and body.head in LISTS:
        found = [member for item in body.args for member in members(item)]
        found = _shared_label(found)
    elif isinstance(body, Apply) and _has_sign_pair(body):
        found = [_one_sign(body, "pm", "mp"), _one_sign(body, "mp", "pm")]
    else:
        return [tree]
    return [Chain((label, member), ("=",)) for member in found] if label is not None else found


def _shared_label(items: list[Tree]) -> list[Tree]:
    """Give `m = 5, 6, 7` the label of its first item, if no other has one."""
    if len(items) > 1 and labelled(items[0])[0] is not None and not any(isinstance(item, Chain) for item in items[1:]):
        label, first = labelled(items[0])
        if label is not None:
            return [Chain((label, item), ("=",)) for item in (first, *items[1:])]
    return items


def _one_sign(tree: Tree, plus: str, minus: str) -> Tree:
    if not isinstance(tree, Apply):
        return tree
    args = tuple(_one_sign(arg, plus, minus) for arg in tree.args)
    if tree.head == plus:
        return args[0]
    return Apply("neg" if tree.head == minus else tree.head, args)


def _lists(reference: Tree, answer: Tree, rules: Rules) -> Finding | None:
    """Compare what ignores order and keeps multiplicity."""
    if not (_is_list(reference) or _is_list(answer)):
        return None
    one, other = members(reference), members(answer)
    if len(one) != len(other):
        return Finding(equal=False, how=f"{len(other)} members instead of {len(one)}")
    names = [{labelled(item)[0] for item in side} for side in (one, other)]
    if (None in names[0]) != (None in names[1]) and rules.labels == "drop":
        several = len(names[0] | names[1]) > 2 and not _indexed_alike(names[0] | names[1])  # noqa: PLR2004 - one and None
        one, other = ([labelled(item)[1] for item in side] for side in (one, other))
        if several:
            return _in_order(one, other, rules)
    if rules.order == "kept":
        return _in_order(one, other, rules)
    return _matched(one, other, lambda left, right: compare(left, right, rules))


def _indexed_alike(labels: set[Tree | None]) -> bool:
    """Tell whether labels are one letter with indices: `x_1`, `x_2` name solutions, not unknowns."""
    return len({label.name.partition("_")[0] for label in labels if isinstance(label, Symbol)}) == 1


def _is_list(tree: Tree) -> bool:
    return isinstance(tree, Apply) and (tree.head in LISTS or (tree.head not in {"()", "[]"} and _has_sign_pair(tree)))


def _matched(one: Sequence[Tree], other: Sequence[Tree], equal: Callable[[Tree, Tree], Finding]) -> Finding:
    """Pair members off, each with one that is equal."""
    if len(one) != len(other):
        return Finding(equal=False, how=f"{len(other)} members instead of {len(one)}")
    if len(one) > MAX_MEMBERS:
        return Finding(sorted(map(repr, one)) == sorted(map(repr, other)) or None, "members as written")
    left = list(other)
    undecided = False
    for member in one:
        if member in left:
            left.remove(member)
            continue
        findings = [equal(member, candidate).equal for candidate in left]
        if True in findings:
            left.pop(findings.index(True))
        elif None in findings:
            undecided = True
        else:
            return Finding(equal=False, how="a member is missing")
    return UNDECIDED if undecided else Finding(equal=True, how="the same members")


def _relations(reference: Tree, answer: Tree, rules: Rules) -> Finding | None:
    if not isinstance(reference, Chain) and not isinstance(answer, Chain):
        return _renamed(reference, answer, rules)
    if not isinstance(reference, Chain) or not isinstance(answer, Chain):
        return DIFFERENT
    return equal_relations(reference, answer)


def _renamed(reference: Tree, answer: Tree, rules: Rules) -> Finding | None:
    """Compare up to the name of a single variable, where that is allowed."""
    one, other = free_symbols(reference), free_symbols(answer)
    if rules.variables != "renamed" or len(one - other) != 1 or len(other - one) != 1:
        return None
    renamed = replace(answer, Symbol(next(iter(other - one))), Symbol(next(iter(one - other))))
    return equal_values(reference, renamed, rules)


def _matrices(reference: Tree, answer: Tree, rules: Rules) -> Finding | None:
    one, other = as_matrix(reference), as_matrix(answer)
    if one is None and other is None:
        return None
    if _head(reference) in TUPLES or _head(answer) in TUPLES:
        one, other = one or rows_of(reference), other or rows_of(answer)
        if one is None or other is None:
            return _tuples(reference, answer, rules)
    if one is None or other is None or [len(row) for row in one] != [len(row) for row in other]:
        return DIFFERENT
    return _in_order([cell for row in one for cell in row], [cell for row in other for cell in row], rules)

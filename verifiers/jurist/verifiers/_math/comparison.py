"""Compares two answers shape by shape; the reference's shape rules.

Lists and sets ignore order and keep multiplicity, tuples keep order, intervals and inequalities are sets of numbers,
equations may be rearranged, matrices go by entry. A clash of shapes is a difference.
"""

from __future__ import annotations

import math
from functools import partial

from jurist.verifiers._math.matrices import as_matrix, rows_of, vector
from jurist.verifiers._math.members import (
    TUPLES,
    in_order,
    is_list,
    matched,
    members,
    sequence,
    united,
    unlabelled_alike,
    without_conditions,
)
from jurist.verifiers._math.numerals import equal_notations
from jurist.verifiers._math.quantities import equal_values
from jurist.verifiers._math.regions import REGIONS, as_interval, equal_regions, is_inequality, is_region, region
from jurist.verifiers._math.relations import chain_holds, equal_relations, labelled, rename_arguments
from jurist.verifiers._math.rules import DIFFERENT, Finding, Rules
from jurist.verifiers._math.tree import Apply, Chain, Number, Symbol, Text, Tree, free_symbols, replace

__all__ = ["compare"]


def compare(reference: Tree, answer: Tree, rules: Rules) -> Finding:
    """Compare two trees."""
    if isinstance(reference, Number) and isinstance(answer, Number):
        return equal_values(reference, answer, rules)
    reference, answer = without_conditions(reference, answer)
    return _compared(united(reference), united(answer), rules)


def _compared(reference: Tree, answer: Tree, rules: Rules) -> Finding:  # noqa: PLR0911 - one case after the other
    label, wanted = labelled(reference)
    name, given = labelled(answer)
    if isinstance(reference, Chain) and isinstance(answer, Chain):
        if label is not None and name is not None:
            return _with_labels(reference, answer, rules)
        if (label is None) != (name is None) and _are_equations(reference, answer):
            return equal_relations(reference, answer)
    if isinstance(reference, Chain) and label is None and len(reference.signs) > 1 and not isinstance(answer, Chain):
        settled = _settled(reference)
        if settled is not reference:
            return compare(settled, answer, rules)
    if label is not None:
        return compare(_settled(wanted), answer, rules) if rules.labels == "drop" else _missing_label()
    if name is not None:
        return _chain(reference, given, rules) if rules.labels == "drop" else _missing_label()
    if isinstance(answer, Chain) and not isinstance(reference, Chain) and set(answer.signs) <= {"=", "~"}:
        return _stated(reference, answer, rules)
    return _by_shape(reference, answer, rules)


def _are_equations(reference: Chain, answer: Chain) -> bool:
    """Tell two equations, one of which defines nothing: `y = 2x + 1` and `2x - y + 1 = 0`."""
    return all(side.signs == ("=",) and free_symbols(side) for side in (reference, answer))


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


def _stated(reference: Tree, answer: Chain, rules: Rules) -> Finding:
    """Compare a value with a chain of numbers, `2 + 3 = 5`, or with what `x + y = 5` says of several unknowns."""
    if not free_symbols(answer):
        return _chain(reference, answer, rules)
    first, *rest = answer.terms
    numbers = not any(map(free_symbols, rest)) and not free_symbols(reference)
    if numbers and len(free_symbols(first)) > 1 and rules.labels == "drop":
        return _chain(reference, rest[0] if len(rest) == 1 else Chain(tuple(rest), answer.signs[1:]), rules)
    return DIFFERENT


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


def _by_shape(reference: Tree, answer: Tree, rules: Rules) -> Finding:
    if isinstance(reference, Text) or isinstance(answer, Text):
        return Finding(equal=False, how="words that differ")
    for shape in (_notations, _matrices, _regions, _tuples, _lists, _relations):
        finding = shape(reference, answer, rules)
        if finding is not None:
            return finding
    if rules.reduced and isinstance(answer, Apply) and not _is_reduced(answer):
        return Finding(equal=False, how="not in lowest terms")
    return equal_values(reference, answer, rules)


def _is_reduced(tree: Tree) -> bool:
    match tree:
        case Apply(head="neg", args=(inner,)):
            return _is_reduced(inner)
        case Apply(head="/", args=(Number(value=top), Number(value=bottom))):
            return bottom.denominator == top.denominator == 1 and math.gcd(top.numerator, bottom.numerator) == 1
        case _:
            return True


def _head(tree: Tree) -> str:
    return tree.head if isinstance(tree, Apply) else type(tree).__name__


def _notations(reference: Tree, answer: Tree, rules: Rules) -> Finding | None:
    return equal_notations(reference, answer, partial(compare, rules=rules))


def _matrices(reference: Tree, answer: Tree, rules: Rules) -> Finding | None:
    one, other = as_matrix(reference), as_matrix(answer)
    if one is None and other is None and not {_head(reference), _head(answer)} & TUPLES:
        return None
    one, other = one or rows_of(reference), other or rows_of(answer)
    if one is None and other is None:
        return _vectors(reference, answer, rules)
    if one is None or other is None:
        return _vectors(reference, answer, rules) or _tuples(reference, answer, rules) or DIFFERENT
    if [len(row) for row in one] != [len(row) for row in other]:
        return DIFFERENT
    entries = [[cell for row in matrix for cell in row] for matrix in (one, other)]
    return in_order(entries[0], entries[1], partial(compare, rules=rules))


def _vectors(reference: Tree, answer: Tree, rules: Rules) -> Finding | None:
    """Compare `3i + 4j` with a tuple or a column."""
    one, other = sequence(reference), sequence(answer)
    if one is not None and other is None:
        other = vector(answer, len(one))
    elif other is not None and one is None:
        one = vector(reference, len(other))
    else:
        return None
    return None if one is None or other is None else in_order(one, other, partial(compare, rules=rules))


def _regions(reference: Tree, answer: Tree, rules: Rules) -> Finding | None:  # noqa: PLR0911 - one case after the other
    """Compare sets of real numbers, in whatever form."""
    one, other = is_region(reference), is_region(answer)
    inequality = is_inequality(reference), is_inequality(answer)
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
        same = _structure(reference, answer, rules)
        if same.equal:
            return same
    left, right = region(reference), region(answer)
    if left is not None and right is not None:
        names = free_symbols(reference), free_symbols(answer)
        if all(inequality) and names[0] != names[1] and "?" not in names[0] | names[1]:
            return Finding(equal=False, how="different variables")
        return equal_regions(left, right)
    return _structure(as_interval(reference), as_interval(answer), rules) if left is right is None else DIFFERENT


def _may_be_region(tree: Tree) -> bool:
    """Tell what is a set of numbers beside one: a set of points, a pair, a list of intervals."""
    if not isinstance(tree, Apply):
        return False
    pair = tree.head == "()" and len(tree.args) == 2  # noqa: PLR2004 - an open interval
    intervals = tree.head in {"list", "either"} and all(is_region(part) or _may_be_region(part) for part in tree.args)
    return tree.head == "{}" or pair or intervals


def _structure(reference: Tree, answer: Tree, rules: Rules) -> Finding:
    """Compare sets whose ends are no numbers part by part: a union in any order."""
    equal = partial(compare, rules=rules)
    if isinstance(reference, Apply) and isinstance(answer, Apply) and reference.head == answer.head:
        if reference.head in {"cup", "cap"}:
            return matched(_operands(reference), _operands(answer), equal)
        return in_order(reference.args, answer.args, equal)
    if isinstance(reference, Chain) and isinstance(answer, Chain):
        return equal_relations(reference, answer)
    return DIFFERENT


def _operands(tree: Apply) -> list[Tree]:
    """List what a union of unions joins."""
    return [
        part
        for arg in tree.args
        for part in (_operands(arg) if isinstance(arg, Apply) and arg.head == tree.head else [arg])
    ]


def _tuples(reference: Tree, answer: Tree, rules: Rules) -> Finding | None:
    """Compare what keeps its order."""
    if not TUPLES & {_head(reference), _head(answer)}:
        return None
    one, other = sequence(reference), sequence(answer)
    if one is None or other is None or len(one) != len(other):
        return DIFFERENT
    findings = [
        in_order(left, right, partial(compare, rules=rules))
        for left in unlabelled_alike(one)
        for right in unlabelled_alike(other)
    ]
    return next((finding for finding in findings if finding.equal), findings[0])


def _lists(reference: Tree, answer: Tree, rules: Rules) -> Finding | None:
    """Compare what ignores order and keeps multiplicity."""
    if not (is_list(reference) or is_list(answer)):
        return None
    one, other = members(reference), members(answer)
    if len(one) != len(other):
        return Finding(equal=False, how=f"{len(other)} members instead of {len(one)}")
    names = [{labelled(item)[0] for item in side} for side in (one, other)]
    if (None in names[0]) != (None in names[1]) and rules.labels == "drop":
        several = len(names[0] | names[1]) > 2 and not _indexed_alike(names[0] | names[1])  # noqa: PLR2004 - one and None
        if several:
            return _tuples(Apply("group", tuple(one)), Apply("group", tuple(other)), rules)
        one, other = ([labelled(item)[1] for item in side] for side in (one, other))
    if rules.order == "kept":
        return in_order(one, other, partial(compare, rules=rules))
    return matched(one, other, partial(_equal_members, rules=rules))


def _equal_members(one: Tree, other: Tree, rules: Rules) -> Finding:
    """Compare two members: {0} is no 0 there."""
    sets = [isinstance(side, Apply) and side.head == "{}" for side in (one, other)]
    return DIFFERENT if sets[0] != sets[1] else compare(one, other, rules)


def _indexed_alike(labels: set[Tree | None]) -> bool:
    """Tell whether labels are one letter with indices: `x_1`, `x_2` name solutions, not unknowns."""
    return len({label.name.partition("_")[0] for label in labels if isinstance(label, Symbol)}) == 1


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

"""Lists, sets and tuples: their members, in order or in none, and the conditions that stand behind an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jurist.verifiers._math.identity import identical
from jurist.verifiers._math.matrices import as_matrix
from jurist.verifiers._math.regions import whole_numbers
from jurist.verifiers._math.relations import labelled
from jurist.verifiers._math.rules import DIFFERENT, UNDECIDED, Finding
from jurist.verifiers._math.tree import Apply, Chain, Symbol, Tree, free_symbols, replace, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "LISTS",
    "TUPLES",
    "in_order",
    "is_list",
    "is_plural",
    "matched",
    "members",
    "sequence",
    "united",
    "unlabelled_alike",
    "without_conditions",
]

MAX_MEMBERS = 64
"""Of a list: each is compared with each."""
LISTS = frozenset({"list", "either", "braces", "{}"})
TUPLES = frozenset({"()", "[]", "group"})


def has_sign_pair(tree: Tree) -> bool:
    return any(isinstance(node, Apply) and node.head in {"pm", "mp"} for node in walk(tree))


def is_plural(tree: Tree) -> bool:
    """Tell whether an answer has several members."""
    _, body = labelled(tree)
    return isinstance(body, Apply) and (body.head in LISTS | TUPLES or has_sign_pair(body))


def is_list(tree: Tree) -> bool:
    r"""Tell a list or a set, or what a `\\pm` makes one."""
    return isinstance(tree, Apply) and (tree.head in LISTS or (tree.head not in {"()", "[]"} and has_sign_pair(tree)))


def members(tree: Tree) -> list[Tree]:
    r"""List the members of an answer, with `\\pm` written out and a label given to all that share it.

    A set among several members is one of them: {1, 2}, {3} has two.
    """
    label, body = labelled(tree)
    if isinstance(body, Apply) and body.head in LISTS:
        several = len(body.args) > 1 or body.head == "{}"
        found = [
            member
            for item in body.args
            for member in ([item] if several and isinstance(item, Apply) and item.head == "{}" else members(item))
        ]
        found = _shared_label(found)
    elif isinstance(body, Apply) and has_sign_pair(body):
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


def sequence(tree: Tree) -> list[Tree] | None:
    """List what keeps its order, with labels; None if it has none."""
    if isinstance(tree, Apply) and tree.head in TUPLES | {"list", "braces"}:
        return list(tree.args)
    if isinstance(tree, Apply) and tree.head == "call" and len(tree.args) > 2:  # noqa: PLR2004 - the point P(1, 2)
        name = tree.args[0]
        return list(tree.args[1:]) if isinstance(name, Symbol) and name.name[:1].isupper() else None
    matrix = as_matrix(tree)
    if matrix is not None and 1 in {len(matrix), len(matrix[0])}:
        return [cell for row in matrix for cell in row]
    return None


def unlabelled_alike(items: Sequence[Tree]) -> list[list[Tree]]:
    """Take the labels off: in the order given, and where `y = 2, x = 1` has labels of its own in theirs."""
    parts = [labelled(item) for item in items]
    orders = [[body for _, body in parts]]
    names = [label.name for label, _ in parts if isinstance(label, Symbol)]
    if len(set(names)) == len(parts) and names != sorted(names):
        orders.append([body for _, (_, body) in sorted(zip(names, parts, strict=True), key=lambda pair: pair[0])])
    return orders


def in_order(one: Sequence[Tree], other: Sequence[Tree], equal: Callable[[Tree, Tree], Finding]) -> Finding:
    """Compare part by part."""
    if len(one) != len(other):
        return DIFFERENT
    undecided = False
    for left, right in zip(one, other, strict=True):
        finding = equal(left, right)
        if finding.equal is False:
            return finding._replace(how=f"one part differs: {finding.how}")
        undecided = undecided or finding.equal is None
    return UNDECIDED if undecided else Finding(equal=True, how="equal part by part")


def matched(one: Sequence[Tree], other: Sequence[Tree], equal: Callable[[Tree, Tree], Finding]) -> Finding:
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


# What stands behind an answer, and sets that can be written out.

_NUMBERS = frozenset({"mathbb_Z", "mathbb_N", "mathbb_R", "mathbb_Q", "mathbb_C"})
_RESTRICTING = frozenset({"in", "<", "<=", ">", ">=", "!="})


def without_conditions(reference: Tree, answer: Tree) -> tuple[Tree, Tree]:
    r"""Take conditions off where one side alone has them, and give whole-number parameters one name.

    They restrict what stands before them: `k \\in \\mathbb{Z}` behind `2 k \\pi`, `x \\ne 2` behind a quotient.
    """
    (one, stated), (other, given) = _conditioned(reference), _conditioned(answer)
    if not stated and not given:
        return reference, answer
    if len(stated) <= 1 and len(given) <= 1:
        other = _parameter_renamed(one, stated, other, given)
        return one, other
    return (one, other) if not stated or not given else (reference, answer)


def _conditioned(tree: Tree) -> tuple[Tree, tuple[Chain, ...]]:
    """Split an answer from the conditions behind it."""
    if not isinstance(tree, Apply) or tree.head != "list" or len(tree.args) < 2:  # noqa: PLR2004 - an answer and a condition
        return tree, ()
    first, *rest = tree.args
    behind = [item for item in rest if isinstance(item, Chain) and _is_condition(item, first)]
    if len(behind) != len(rest):
        return tree, ()
    return first, tuple(behind)


def _is_condition(chain: Chain, answer: Tree) -> bool:
    """Tell a condition on what stands before: of its variables alone, and no further answer."""
    if not set(chain.signs) <= _RESTRICTING or not free_symbols(chain) - _NUMBERS <= free_symbols(answer):
        return False
    if chain.signs == ("in",):
        return isinstance(chain.terms[1], Symbol) and chain.terms[1].name in _NUMBERS
    return not isinstance(answer, Chain) or set(answer.signs) <= {"="}


def _parameter_renamed(one: Tree, stated: tuple[Chain, ...], other: Tree, given: tuple[Chain, ...]) -> Tree:
    """Give the whole-number parameter of one side the name that it has on the other."""
    parameters = [side[0].terms[0] for side in (stated, given) if side and side[0].signs == ("in",)]
    ours, theirs = free_symbols(one) - free_symbols(other), free_symbols(other) - free_symbols(one)
    if not parameters or len(ours) != 1 or len(theirs) != 1:
        return other
    mine, its = Symbol(next(iter(ours))), Symbol(next(iter(theirs)))
    return replace(other, its, mine) if mine in parameters or its in parameters else other


def united(tree: Tree) -> Tree:
    """Write out a union of finite sets, and a set of whole numbers that has few of them."""
    match tree:
        case Apply(head="cup", args=(left, right)):
            left, right = united(left), united(right)
            match left, right:
                case Apply(head="{}", args=one), Apply(head="{}", args=other):
                    new = [item for item in other if not any(identical(item, known).equal for known in one)]
                    return Apply("{}", (*one, *new))
                case _:
                    return Apply("cup", (left, right))
        case Apply(head="builder" | "list"):
            numbers = whole_numbers(tree)
            return tree if numbers is None else Apply("{}", numbers)
        case Chain(terms=(label, Apply(head="cup" | "builder") as body), signs=("=" | "in",) as signs):
            return Chain((label, united(body)), signs)
        case _:
            return tree

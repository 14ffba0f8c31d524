"""What graders of the problems that LeetCode poses give a program before it begins: the imports that it leaves out."""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import Final

__all__ = ["lacking"]

_MODULES: Final = (
    "bisect collections copy datetime functools heapq itertools json math operator random re statistics string "
    "sys typing"
)
_MEMBERS: Final = {
    "typing": "Any Callable DefaultDict Deque Dict Generator Iterable Iterator List Optional Sequence Set Tuple Union",
    "collections": "Counter OrderedDict defaultdict deque namedtuple",
    "functools": "cache cmp_to_key lru_cache partial reduce",
    "itertools": "accumulate chain combinations combinations_with_replacement count cycle groupby islice pairwise "
    "permutations product repeat starmap takewhile zip_longest",
    "heapq": "heapify heappop heappush heappushpop heapreplace merge nlargest nsmallest",
    "bisect": "bisect_left bisect_right insort insort_left insort_right",
    "math": "ceil comb dist e factorial floor gcd hypot inf isqrt lcm log log10 log2 nan perm pi prod sqrt",
    "string": "ascii_letters ascii_lowercase ascii_uppercase digits",
    "operator": "add and_ itemgetter mul or_ sub xor",
    "copy": "deepcopy",
    "random": "choice randint randrange",
}
_IMPORTS: Final = {
    **{name: f"import {name}" for name in _MODULES.split()},
    **{name: f"from {module} import {name}" for module, names in _MEMBERS.items() for name in names.split()},
}


@lru_cache(maxsize=256)
def lacking(source: str, entry_point: str) -> str:
    """Import, in a line, what a program uses of the above without binding it; "" where it does not parse.

    What is to be called, which may go by a name such as `add`, it has to bring itself.
    """
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (MemoryError, RecursionError, SyntaxError, ValueError):
        return ""
    used = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    bound = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    bound |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    bound |= {(node.asname or node.name).partition(".")[0] for node in nodes if isinstance(node, ast.alias)}
    bound |= {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)}
    return "; ".join(_IMPORTS[name] for name in sorted((used - bound - {entry_point}) & _IMPORTS.keys()))

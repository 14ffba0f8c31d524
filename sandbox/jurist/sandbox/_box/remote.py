"""Objects of the program's as its tests see them: numbers that can be asked, and that never see what is expected.

A program may answer with an object whose methods and operators say yes to everything, so what an object is given
depends on what it is:

- Asked for attributes, length, items or text, any object only answers. None is equal to a plain value, or larger or
  smaller than one, but for those whose class is below a plain one (`IntEnum`): such is compared as the plain value.
- One that the tests made, by calling a class of the program's by its name, takes values in all else.
- One that the program answered with, or had as an attribute, takes them where no plain value can be meant: when it is
  called itself, and in methods that no plain value has.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

OPERATION: Final = "."
"""What no function's name begins with: what follows is done to an object, the first argument."""
CALL: Final = f"{OPERATION}call"
METHODS_OF_PLAIN: Final = frozenset(
    name for kind in (str, bytes, int, float, complex, list, tuple, dict, set, range) for name in dir(kind)
) | {"all", "any", "equals", "isin", "appendleft", "extendleft", "most_common", "move_to_end"}
"""What tests ask of a plain value, with what they expect as the argument at times: `answer.startswith("a")`."""


class Caller(Protocol):
    """What reaches the program's process."""

    def call(
        self, name: str, arguments: tuple[object, ...], keywords: dict[str, object], *, shared: bool = False
    ) -> Any:  # noqa: ANN401
        """Call a function there, or do an operation, and give its value or raise what it raised.

        Arguments that are `shared` are changed as the program has changed its own.
        """

    def is_under_test(self, kind: str) -> bool:
        """Whether the tests have named a class of that name."""
        raise NotImplementedError

    def refuse(self, kind: str, *, blameless: bool) -> NoReturn:
        """Conclude: the tests ask of an object of that class what none is asked, through the program's fault or not."""
        raise NotImplementedError


class Remote:
    """An object of the program's.

    `takes` says whether it takes values of the tests', `makes` whether what it makes does, `plain` whether it is a
    plain value, too. Whatever is no dunder is the program's to name.
    """

    __slots__ = ("__caller", "__kind", "__makes", "__number", "__plain", "__takes")
    __caller: Caller
    __kind: str
    __makes: bool
    __number: int
    __plain: bool
    __takes: bool

    def __init__(self, caller: Caller, number: int, kind: str, plain: bool = False, *, makes: bool = False) -> None:  # noqa: FBT001, FBT002
        values = {"caller": caller, "number": number, "kind": kind, "plain": plain, "makes": makes, "takes": makes}
        for name, value in values.items():
            object.__setattr__(self, f"_Remote__{name}", value)

    def __number__(self) -> int:
        """Give what the program's process knows it by."""
        return self.__number

    def __one__(self, operation: str, *operands: object) -> Any:  # noqa: ANN401
        """Do what tells the program nothing that it does not know."""
        return self.__caller.call(OPERATION + operation, (self, *operands), {})

    def __given__(self, operation: str, *operands: object) -> Any:  # noqa: ANN401
        """Do what hands values over."""
        if not self.__takes and not all(isinstance(operand, Remote) for operand in operands):
            self.__refused__()
        return self.__one__(operation, *operands)

    def __joined__(self, operation: str, first: object, second: object) -> Any:  # noqa: ANN401
        """Do arithmetic; one of the operands is this object."""
        values = [operand for operand in (first, second) if not isinstance(operand, Remote)]
        if values and not self.__takes:
            if not self.__plain:
                self.__refused__()
            plain = [self.__one__("plain") if operand is self else operand for operand in (first, second)]
            return getattr(operator, f"__{operation}__")(*plain)
        return self.__itself(self.__caller.call(OPERATION + operation, (first, second), {}))

    def __itself(self, value: Any) -> Any:  # noqa: ANN401
        """Give this object where it is what an operation gave."""
        return self if isinstance(value, Remote) and value.__number__() == self.__number else value

    def __compared__(self, operation: str, other: object) -> Any:  # noqa: ANN401
        if isinstance(other, Remote):
            return self.__one__(operation, other)
        if self.__plain:
            return getattr(operator, f"__{operation}__")(self.__one__("plain"), other)
        if other is None or (operation in {"eq", "ne"} and not self.__takes):
            return NotImplemented
        return self.__caller.refuse(self.__kind, blameless=self.__takes)

    def __call__(self, *operands: object, **keywords: object) -> Any:  # noqa: ANN401
        return self.__made(self.__caller.call(CALL, (self, *operands), keywords))

    def __sharing__(self, *operands: object, **keywords: object) -> Any:  # noqa: ANN401
        """Be called, and let the operands be changed as the program changes them."""
        return self.__made(self.__caller.call(CALL, (self, *operands), keywords, shared=True))

    def __made(self, value: Any) -> Any:  # noqa: ANN401
        """Give what a call gave, which takes values if this is a class that makes such."""
        if self.__makes and isinstance(value, Remote):
            object.__setattr__(value, "_Remote__takes", True)
        return value

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        value = self.__one__("get", name)
        wary = isinstance(value, Remote) and not self.__takes and name in METHODS_OF_PLAIN
        return _Wary(value) if wary else value

    def __setattr__(self, name: str, value: object) -> None:
        self.__one__("setattr", name, value)

    def __delattr__(self, name: str) -> None:
        self.__one__("delattr", name)

    def __next__(self) -> Any:  # noqa: ANN401
        for item in self.__one__("next"):
            return item
        raise StopIteration

    def __hash__(self) -> Any:  # noqa: ANN401  what is no integer Python refuses
        return self.__one__("hash")

    def __enter__(self) -> Any:  # noqa: ANN401
        return self.__itself(self.__one__("enter"))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> Any:  # noqa: ANN401
        names = [] if kind is None else [each.__name__ for each in kind.__mro__]
        return self.__one__("exit", names, "" if error is None else str(error))

    def __instancecheck__(self, value: object) -> Any:  # noqa: ANN401
        return type(value) is Remote and value.__one__("isinstance", self)

    def __subclasscheck__(self, value: object) -> Any:  # noqa: ANN401
        return type(value) is Remote and value.__one__("issubclass", self)

    def __copy__(self) -> Any:  # noqa: ANN401
        return self.__one__("copy")

    def __deepcopy__(self, _: object) -> Any:  # noqa: ANN401
        return self.__one__("deepcopy")

    def __reversed__(self) -> Any:  # noqa: ANN401
        return iter(self.__one__("reversed"))

    def __refused__(self) -> NoReturn:
        """Take no plain value; of a class that is under test, it may be what the tests made before."""
        self.__caller.refuse(self.__kind, blameless=self.__caller.is_under_test(self.__kind))


class _Wary:
    """A method that a plain value has, of an object that the program answered with: it takes objects alone."""

    def __init__(self, method: Remote) -> None:
        self._method = method

    def __call__(self, *operands: object, **keywords: object) -> Any:  # noqa: ANN401
        if not all(isinstance(operand, Remote) for operand in (*operands, *keywords.values())):
            self._method.__refused__()
        return self._method(*operands, **keywords)


def _asked(way: Callable[..., Any], name: str) -> Callable[..., Any]:
    def operate(self: Remote, *operands: object) -> Any:  # noqa: ANN401
        return way(self, name, *operands)

    return operate


def _joined(name: str) -> Callable[..., Any]:
    def operate(self: Remote, other: object) -> Any:  # noqa: ANN401
        return self.__joined__(name, self, other)

    return operate


def _reflected(name: str) -> Callable[..., Any]:
    def operate(self: Remote, other: object) -> Any:  # noqa: ANN401
        return self.__joined__(name, other, self)

    return operate


_ASKED: Final[dict[Callable[..., Any], str]] = {
    Remote.__one__: "abs bool complex delitem float format getitem index int invert iter len neg pos repr round str",
    Remote.__given__: "contains setitem",
    Remote.__compared__: "eq ge gt le lt ne",
}
for _way, _names in _ASKED.items():
    for _name in _names.split():
        setattr(Remote, f"__{_name}__", _asked(_way, _name))
for _name in (
    *("add", "and", "divmod", "floordiv", "lshift", "matmul", "mod", "mul", "or", "pow", "rshift", "sub", "truediv"),
    "xor",
):
    setattr(Remote, f"__{_name}__", _joined(_name))
    setattr(Remote, f"__r{_name}__", _reflected(_name))
    if _name != "divmod":
        setattr(Remote, f"__i{_name}__", _joined(f"i{_name}"))

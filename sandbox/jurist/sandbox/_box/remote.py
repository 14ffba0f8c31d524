"""Objects of the program's as its tests see them: numbers that can be asked, and that never see what is expected.

A program may answer with an object whose methods and operators say yes to everything. So what an object is given
depends on where it came from: one that the tests made, by calling a class of the program's by its name, takes values as
any object under test does; one that the program answered with takes none but other objects. Both can be asked for their
attributes, their length, their items, their text: that is no more than an answer. No plain value is equal to either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

OPERATION: Final = "."
"""What no function's name begins with: what follows is done to an object, the first argument."""
CALL: Final = f"{OPERATION}call"


class Caller(Protocol):
    """What reaches the program's process."""

    def call(self, name: str, arguments: tuple[object, ...], keywords: dict[str, object]) -> Any:  # noqa: ANN401
        """Call a function there, or do an operation, and give its value or raise what it raised."""

    def change(self, name: str, *arguments: object, **keywords: object) -> None:
        """Do the same, and change these arguments as the program has changed its own."""

    def refuse(self, kind: str) -> NoReturn:
        """Conclude: the tests ask of an object of that class what none is asked."""
        raise NotImplementedError


class Remote:
    """An object of the program's: whether it takes values of the tests', and makes what takes them.

    Whatever is no dunder is the program's to name.
    """

    __slots__ = ("__caller", "__kind", "__makes", "__number", "__takes")
    __caller: Caller
    __kind: str
    __makes: bool
    __number: int
    __takes: bool

    def __init__(self, caller: Caller, number: int, kind: str, *, makes: bool = False) -> None:
        values = {"caller": caller, "number": number, "kind": kind, "makes": makes, "takes": makes}
        for name, value in values.items():
            object.__setattr__(self, f"_Remote__{name}", value)

    def __number__(self) -> int:
        """Give what the program's process knows it by."""
        return self.__number

    def __trusted(self, value: Any) -> Any:  # noqa: ANN401
        """Let a value take values too, if this object does."""
        if isinstance(value, Remote):
            object.__setattr__(value, "_Remote__takes", self.__takes)
        return value

    def __may_take(self, *operands: object) -> None:
        if not self.__takes and not all(isinstance(operand, Remote) for operand in operands):
            self.__caller.refuse(self.__kind)

    def __one__(self, operation: str, *operands: object) -> Any:  # noqa: ANN401
        """Do what tells the program nothing that it does not know."""
        return self.__caller.call(OPERATION + operation, (self, *operands), {})

    def __two__(self, operation: str, other: object) -> Any:  # noqa: ANN401
        """Do what joins two objects; a plain value could be what is expected."""
        if not isinstance(other, Remote):
            self.__caller.refuse(self.__kind)
        return self.__one__(operation, other)

    def __given__(self, operation: str, *operands: object) -> Any:  # noqa: ANN401
        """Do what hands values over."""
        self.__may_take(*operands)
        return self.__one__(operation, *operands)

    def __call__(self, *operands: object, **keywords: object) -> Any:  # noqa: ANN401
        self.__may_take(*operands, *keywords.values())
        value = self.__caller.call(CALL, (self, *operands), keywords)
        return self.__trusted(value) if self.__makes else value

    def __changing__(self, *operands: object, **keywords: object) -> None:
        """Be called, and let the operands be changed as the program changes them."""
        self.__may_take(*operands, *keywords.values())
        self.__caller.change(CALL, self, *operands, **keywords)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return self.__trusted(self.__one__("get", name))

    def __setattr__(self, name: str, value: object) -> None:
        self.__given__("setattr", name, value)

    def __delattr__(self, name: str) -> None:
        self.__one__("delattr", name)

    def __next__(self) -> Any:  # noqa: ANN401
        for item in self.__one__("next"):
            return item
        raise StopIteration

    def __eq__(self, other: object) -> Any:  # noqa: ANN401
        return self.__one__("eq", other) if isinstance(other, Remote) else NotImplemented

    def __ne__(self, other: object) -> Any:  # noqa: ANN401
        return self.__one__("ne", other) if isinstance(other, Remote) else NotImplemented

    def __hash__(self) -> Any:  # noqa: ANN401  what is no integer Python refuses
        return self.__one__("hash")

    def __enter__(self) -> Any:  # noqa: ANN401
        return self.__trusted(self.__one__("enter"))

    def __exit__(self, *_: object) -> None:
        self.__one__("exit")

    def __instancecheck__(self, value: object) -> Any:  # noqa: ANN401
        return isinstance(value, Remote) and value.__one__("isinstance", self)

    def __copy__(self) -> Any:  # noqa: ANN401
        return self.__trusted(self.__one__("copy"))

    def __deepcopy__(self, _: object) -> Any:  # noqa: ANN401
        return self.__trusted(self.__one__("deepcopy"))


def _operator(way: Callable[..., Any], name: str) -> Callable[..., Any]:
    def operate(self: Remote, *operands: object) -> Any:  # noqa: ANN401
        return way(self, name, *operands)

    return operate


_OPERATORS: Final[dict[Callable[..., Any], str]] = {
    Remote.__one__: "abs bool complex delitem float getitem index int iter len neg repr round str",
    Remote.__given__: "contains setitem",
    Remote.__two__: "add and floordiv ge gt le lshift lt matmul mod mul or pow rshift sub truediv xor "
    "radd rand rfloordiv rlshift rmatmul rmod rmul ror rpow rrshift rsub rtruediv rxor",
}
for _way, _names in _OPERATORS.items():
    for _name in _names.split():
        setattr(Remote, f"__{_name}__", _operator(_way, _name))

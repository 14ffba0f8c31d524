"""The filter refuses what it lists, allows the rest, and knows both architectures."""

from __future__ import annotations

import errno
import struct

import pytest

from jurist.sandbox._box import seccomp

ALLOW, KILL, ERROR = 0x7FFF0000, 0x80000000, 0x00050000
CASES = [(machine, *row) for machine, row in seccomp.ARCHITECTURES.items()]


def verdict(code: bytes, audit: int, number: int, argument: int = 0) -> int:
    """Run the filter as the kernel would."""
    data = struct.pack("=IIQ6Q", number, audit, 0, argument, 0, 0, 0, 0, 0)
    instructions = list(struct.iter_unpack("=HBBI", code))
    at = accumulator = 0
    while True:
        operation, then, otherwise, value = instructions[at]
        at += 1
        if operation == 0x06:
            return int(value)
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, value)
        else:
            held = {0x15: accumulator == value, 0x45: bool(accumulator & value), 0x35: accumulator >= value}[operation]
            at += then if held else otherwise


@pytest.mark.parametrize(("machine", "column", "audit"), CASES)
def test_what_is_listed_is_refused_and_all_else_allowed(machine: str, column: int, audit: int) -> None:
    code = seccomp.instructions(machine)
    special = {seccomp.CLONE[column], seccomp.CLONE3[column], seccomp.SOCKET[column]}
    denied = {pair[column] for pair in seccomp.DENIED.values()}

    assert all(verdict(code, audit, number) == ERROR | errno.EPERM for number in denied if number is not None)
    assert all(verdict(code, audit, number) == ALLOW for number in set(range(460)) - denied - special)


@pytest.mark.parametrize(("machine", "column", "audit"), CASES)
def test_namespaces_sockets_and_other_abis_are_refused(machine: str, column: int, audit: int) -> None:
    code = seccomp.instructions(machine)
    clone, socket = seccomp.CLONE[column], seccomp.SOCKET[column]

    assert verdict(code, audit, clone, 0x1200011) == ALLOW
    for bit in (25, 26, 28, 30):  # cgroup, uts, user, net; the other three take a privilege that a run lacks
        assert verdict(code, audit, clone, 1 << bit) == ERROR | errno.EPERM
    assert verdict(code, audit, seccomp.CLONE3[column]) == ERROR | errno.ENOSYS
    assert verdict(code, audit, socket, 1) == ALLOW
    assert {verdict(code, audit, socket, family) for family in (2, 10, 16, 17)} == {ERROR | errno.EAFNOSUPPORT}
    assert verdict(code, audit, seccomp.X32_BIT | 1) == ERROR | errno.ENOSYS
    assert verdict(code, audit ^ 1, 1) == KILL


def test_the_filter_fits_a_jump() -> None:
    assert all(len(seccomp.instructions(machine)) // 8 < 255 for machine in seccomp.ARCHITECTURES)

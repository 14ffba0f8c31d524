"""Toolchains are found whole or not at all, and what they made is kept within bounds."""

from __future__ import annotations

import pytest

from jurist.sandbox._compiled import KEPT_BYTES, CompileCache, Compiled
from jurist.sandbox.languages import java_class, toolchain


def test_a_toolchain_is_whole_or_none() -> None:
    assert toolchain("java", lambda tool: "/usr/bin/java" if tool == "java" else None) is None


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("class A{} public class B{}", "B"),
        ("class A{}\npublic class B{}", "B"),
        ("class A{}\nclass B{static public void main(String[] a){}}\nclass C{}", "B"),
        ("", "Main"),
    ],
)
def test_the_java_class_to_run_is_found(source: str, name: str) -> None:
    assert java_class(source) == name


def test_the_cache_drops_what_was_not_used_for_longest() -> None:
    cache = CompileCache()
    size = KEPT_BYTES // 4
    for name in "abcd":
        cache.put(("c", name, ()), Compiled(name.encode() * size))
    assert cache.get(("c", "a", ())) is not None

    cache.put(("c", "e", ()), Compiled(b"e" * size))

    assert cache.get(("c", "b", ())) is None
    assert cache.get(("c", "a", ())) is not None


def test_the_cache_refuses_what_would_push_out_all_else() -> None:
    cache = CompileCache()
    cache.put(("c", "x", ()), Compiled(b"x" * KEPT_BYTES))

    assert cache.get(("c", "x", ())) is None

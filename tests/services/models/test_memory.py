"""What models answered is remembered under everything that the answer follows from."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from jurist.services.errors import ConfigurationError
from jurist.services.models.memory import Memory, key
from jurist.verifiers import Dialogue, Message, Prompt, Rating, Reading

if TYPE_CHECKING:
    from pathlib import Path

ASKED = Prompt(messages=(Message("user", "42?"),), labels=("Yes", "No"), template="t@1")
READING = Reading(probabilities=(0.75, 0.25), mass=0.9, texts=("a", "b"), cut=(True, False), model="m@1")
RATING = Rating(value=-1.25, model="m@1")


@pytest.mark.parametrize(
    "changed",
    [
        {"messages": (Message("user", "43?"),)},
        {"messages": (Message("system", "42?"),)},
        {"labels": ("No", "Yes")},
        {"template": "t@2"},
        {"write_tokens": 1},
        {"draws": 2},
        {"temperature": 0.5},
        {"schema": "{}"},
    ],
)
def test_whatever_changes_in_a_question_makes_it_another_one(changed: dict[str, Any]) -> None:
    assert key("m@1", replace(ASKED, **changed)) != key("m@1", ASKED)


def test_another_model_or_revision_is_asked_again() -> None:
    assert len({key("m@1", ASKED), key("m@2", ASKED), key("n@1", ASKED)}) == 3


def test_a_prompt_is_no_dialogue() -> None:
    assert key("m@1", Dialogue(messages=ASKED.messages)) != key("m@1", ASKED)


async def test_it_forgets_what_was_not_asked_for_longest() -> None:
    memory = Memory(2)
    for name in (b"a", b"b"):
        memory.put(name, READING)
    await memory.get(b"a")
    memory.put(b"c", RATING)

    assert [await memory.get(name) for name in (b"a", b"b", b"c")] == [READING, None, RATING]


async def test_a_file_remembers_beyond_the_process(tmp_path: Path) -> None:
    first = Memory(0, tmp_path / "answers.db")
    await first.open()
    first.put(b"reading", READING)
    first.put(b"rating", RATING)
    await first.close()
    second = Memory(10, tmp_path / "answers.db")
    await second.open()
    found = [await second.get(name) for name in (b"reading", b"rating", b"nothing")]
    await second.close()

    assert found == [READING, RATING, None]


async def test_two_services_may_share_a_file(tmp_path: Path) -> None:
    both = [Memory(0, tmp_path / "answers.db") for _ in range(2)]
    for memory in both:
        await memory.open()
    for place in range(50):
        both[place % 2].put(bytes([place]), READING)
    for memory in both:
        await memory.close()
    third = Memory(100, tmp_path / "answers.db")
    await third.open()
    found = [await third.get(bytes([place])) for place in range(50)]
    await third.close()

    assert found == [READING] * 50


async def test_what_another_version_wrote_is_asked_again(tmp_path: Path) -> None:
    memory = Memory(10, tmp_path / "answers.db")
    await memory.open()
    memory.put(b"k", READING)
    await memory.close()
    with sqlite3.connect(tmp_path / "answers.db") as database:
        database.execute("""UPDATE answers SET answer = '{"shares": [1]}'""")
    database.close()
    again = Memory(10, tmp_path / "answers.db")
    await again.open()
    found = await again.get(b"k")
    await again.close()

    assert found is None


async def test_a_file_that_is_no_database_ends_the_start(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("These are notes, not answers. " * 100, encoding="utf-8")

    with pytest.raises(ConfigurationError, match=r"answers_file: .*notes\.txt"):
        await Memory(10, file).open()


async def test_a_database_that_fails_later_is_not_in_the_way(tmp_path: Path) -> None:
    memory = Memory(0, tmp_path / "answers.db")
    await memory.open()
    with sqlite3.connect(tmp_path / "answers.db") as database:
        database.execute("DROP TABLE answers")
    database.close()
    memory.put(b"k", READING)
    found = await memory.get(b"k")
    await memory.close()

    assert found is None

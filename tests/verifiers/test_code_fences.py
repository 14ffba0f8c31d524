from __future__ import annotations

import pytest

from jurist.verifiers import Sample, Score, Task
from jurist.verifiers.code_fences import CodeFences


def judged(completion: str, verifier: CodeFences | None = None) -> Score:
    verdict = (verifier or CodeFences()).verdict(Sample(task=Task(), completion=completion))
    assert isinstance(verdict, Score)
    return verdict


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("", 0),
        ("plain prose with `inline` code", 0),
        ("so\n```python\nx = 1\n```\ndone", 1),
        ("so\n~~~\nx\n~~~\nthen\n```\ny\n```", 2),
        ("never closed\n```\nx = 1", 1),
        ("````\n```\nnested\n```\n````", 1),
        ("so\n> ```python\n> x = 1\n> ```\ndone", 1),
        ("so\n> > - ~~~\n> >   x\n> >   ~~~\n> done", 1),
        ("- ```python\n  x = 1\n  ```\n2. ```\n   y\n   ```\ndone", 2),
        ("\u200b```python\nx = 1\n\u200b```\ndone", 1),
        ("\u3000\u2060```python\nx = 1\n```\ndone", 1),
        ("so\r```\rx = 1\r```\rdone\r~~~\r\ny\r\n~~~\r\n", 2),
        ("here ```python x = 1 ``` is code within a line", 0),
        ("here ```python\nx = 1\n``` is a block from its third line on", 1),
        ("the sign ``` within a line opens nothing", 0),
        ("<think>no code</think>\n```python\nx = 1\n```", 0),
    ],
)
def test_any_code_block_in_the_thought_is_refused(text: str, blocks: int) -> None:
    verdict = judged(text)

    assert verdict.details["blocks"] == blocks
    assert verdict.value == float(not blocks)


def test_without_a_threshold_the_score_is_the_share_of_prose() -> None:
    text = "aaaaaaaaaaa\n```\n1234\n```"

    assert judged(text, CodeFences(threshold=None)).value == pytest.approx(12 / 24)

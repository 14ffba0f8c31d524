"""Adapters called as their trainers call them, against the real server. What the trainers' own code does with the
answers is in `test_real_trainers.py`."""

from __future__ import annotations

import asyncio
import pickle
import sys
import urllib.request
from importlib import import_module
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from jurist.client import InvalidInputError, UnreachableError
from jurist.trainers import areal, easyr1, slime, trl, verifiers_v1, verl
from jurist.trainers._scoring import NoRewardError, ascore_one

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RIGHT = "<think>six times seven</think> <answer>42</answer>"
PROMPT = "What is 6 times 7?"


def chunks(server: Any) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.metrics_port}/metrics", timeout=60) as response:
        lines = response.read().decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith('jurist_requests_total{code="OK"'))


def nested(levels: int) -> dict[str, object]:
    extra: dict[str, object] = {}
    for _ in range(levels):
        extra = {"a": extra}
    return extra


class TestTRL:
    COLUMNS: dict[str, Any] = {  # noqa: RUF012  # read, never changed
        "prompts": [PROMPT] * 3,
        "completions": [RIGHT, "It is 42.", "It is 41."],
        "completion_ids": [[1, 2, 3]] * 3,
        "answer": ["42"] * 3,
        "trainer_state": SimpleNamespace(global_step=5),
    }

    async def test_a_batch_is_scored_in_one_call_and_its_components_logged(
        self, service: Callable[..., None], server: Any
    ) -> None:
        service(recipe="r1_zero")
        logged: dict[str, float] = {}
        before = chunks(server)

        rewards = await trl.reward(**self.COLUMNS, log_metric=logged.__setitem__)

        assert rewards == [2.0, 1.0, 0.0]
        assert chunks(server) == before + 1
        assert logged == {
            "jurist/accuracy": pytest.approx(2 / 3),
            "jurist/format": pytest.approx(1 / 3),
            "jurist/no_reward": 0.0,
        }

    async def test_chats_are_read(self, service: Callable[..., None]) -> None:
        service(recipe="math")
        prompts = [[{"role": "user", "content": PROMPT}]]
        completions = [[{"role": "assistant", "content": "It is 42."}]]

        assert await trl.reward(prompts, completions, solution=["$42$"]) == [1.0]

    async def test_a_completion_without_a_reward_is_none_and_harms_no_other(self, service: Callable[..., None]) -> None:
        service(recipe="math")

        assert await trl.reward([PROMPT] * 2, ["42", "42"], answer=["42", ""]) == [1.0, None]

    async def test_a_row_at_fault_costs_no_other_its_reward(self, service: Callable[..., None], server: Any) -> None:
        service(recipe="math")
        labels: list[Any] = [
            "42",
            {"answers": [{1}]},  # what no JSON holds
            {"tests": 5},
            {"answers": ["42"], "tests": {"stdio": {"cases": [{"stdin": "1"}]}, "compare": {"mode": "nope"}}},
            {"answers": ["42"], "extra": nested(90)},  # what the server refuses
            {"answers": [42]},
            "42",
        ]
        before = chunks(server)

        rewards = await trl.reward([PROMPT] * 7, ["42"] * 6 + [None], answer=labels)

        assert rewards == [1.0, None, None, None, None, 1.0, None]
        assert chunks(server) == before + 1

    async def test_an_error_says_which_sample_and_field_are_at_fault(self, service: Callable[..., None]) -> None:
        service(recipe="math", on_error="raise")
        refused = {"tests": {"stdio": {"cases": [{"stdin": "1"}]}, "compare": {"mode": "nope"}}}

        for label, said in (
            ({"answers": [{1}]}, r"^samples\[1\]\.label\.answers\[0\]: set is no JSON"),
            (refused, r"^samples\[1\]\.task\.tests\.compare\.mode: "),
        ):
            with pytest.raises(InvalidInputError, match=said):
                await trl.reward([PROMPT] * 2, ["42"] * 2, answer=["42", label])

    async def test_a_step_that_the_contract_does_not_hold_is_no_other_error(self, service: Callable[..., None]) -> None:
        service(recipe="math")
        state = SimpleNamespace(global_step=2**63)

        assert await trl.reward([PROMPT], ["42"], answer=["42"], trainer_state=state) == [None]

    async def test_components_are_logged_where_the_first_sample_has_none(self, service: Callable[..., None]) -> None:
        service(recipe="r1_zero")
        logged: dict[str, float] = {}

        await trl.reward([PROMPT] * 2, [None, RIGHT], answer=["42"] * 2, log_metric=logged.__setitem__)

        assert logged == {"jurist/accuracy": 1.0, "jurist/format": 1.0, "jurist/no_reward": 0.5}

    async def test_components_of_a_completion_that_is_missing_have_no_score(self, service: Callable[..., None]) -> None:
        service()
        (accuracy,) = trl.components("accuracy", recipe="r1_zero")

        assert await accuracy([PROMPT] * 2, [None, RIGHT], answer=["42"] * 2) == [None, 1.0]

    async def test_a_server_that_is_away_leaves_the_batch_without_rewards(self, away: Callable[..., None]) -> None:
        away()

        assert await trl.reward([PROMPT] * 2, ["42", "42"], answer=["42", "42"]) == [None, None]

    async def test_components_share_one_call(self, service: Callable[..., None], server: Any) -> None:
        service()
        accuracy, kept = trl.components("accuracy", "format", recipe="r1_zero")
        before = chunks(server)

        scores = tuple(await asyncio.gather(accuracy(**self.COLUMNS), kept(**self.COLUMNS)))

        assert scores == ([1.0, 1.0, 0.0], [1.0, 0.0, 0.0])
        assert chunks(server) == before + 1
        assert (accuracy.__name__, kept.__name__) == ("accuracy", "format")

    async def test_a_component_that_the_recipe_lacks_is_named(self, service: Callable[..., None]) -> None:
        service()
        (wrong,) = trl.components("acuracy", recipe="r1_zero")

        with pytest.raises(ValueError, match="acuracy: no such component of r1_zero; there are accuracy, format"):
            await wrong(**self.COLUMNS)

    async def test_components_of_a_completion_without_a_reward_have_no_score_beside_each_other(
        self, service: Callable[..., None]
    ) -> None:
        """TRL counts one function's None as 0 where another has a number."""
        service()
        columns = {**self.COLUMNS, "answer": ["42", "", "42"]}
        accuracy, kept = trl.components("accuracy", "format", recipe="r1_zero")
        raising, _ = trl.components("accuracy", "format", recipe="r1_zero", on_error="raise")
        _, filled = trl.components("accuracy", "format", recipe="r1_zero", on_error=-1)

        assert await accuracy(**columns) == [1.0, None, 0.0]
        assert await kept(**columns) == [1.0, None, 0.0]
        assert await filled(**columns) == [1.0, 0.0, 0.0]  # it has a score
        with pytest.raises(NoRewardError):
            await raising(**columns)

    async def test_a_component_that_does_not_count_yet_takes_nothing_from_the_others(
        self, environment: Callable[..., None], start: Callable[..., Any], tmp_path: Path
    ) -> None:
        terms = "[{verifier: math_answer, name: accuracy}, {verifier: format_tags, name: format, from_step: 9}]"
        (tmp_path / "later.yaml").write_text(f"terms: {terms}\nadvantage: none\n", encoding="utf-8")
        environment(target=start(workers=1, recipes=tmp_path).target)
        accuracy, kept = trl.components("accuracy", "format", recipe="later")

        assert await accuracy(**self.COLUMNS) == [1.0, 1.0, 0.0]
        assert await kept(**self.COLUMNS) == [None, None, None]

    async def test_before_1_6_which_counts_none_as_0_a_missing_reward_is_an_error(
        self, away: Callable[..., None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(trl, "version", lambda _: "1.5.1")
        away()

        with pytest.raises(UnreachableError):
            await trl.reward([PROMPT], ["42"], answer=["42"])
        with pytest.raises(ValueError, match=r"on_error: TRL before 1\.6 has no samples without a reward"):
            trl.with_settings(on_error="none")
        with pytest.raises(ValueError, match=r"on_error: TRL before 1\.6"):
            trl.components("accuracy", on_error="none")

    async def test_every_form_pickles(self, service: Callable[..., None]) -> None:
        service()
        forms = [trl.reward, trl.with_settings(recipe="r1_zero"), *trl.components("format", recipe="r1_zero")]

        again = pickle.loads(pickle.dumps(forms))  # noqa: S301  # our own

        assert [await form(**self.COLUMNS) for form in again] == [[1.0, 1.0, 0.0], [2.0, 1.0, 0.0], [1.0, 0.0, 0.0]]


class TestVerl:
    async def test_every_answer_has_the_keys_of_every_recipe(self, service: Callable[..., None]) -> None:
        service()
        recipes = {"gsm8k": "r1_zero", "prose": "r1_reasoning"}

        answers = await asyncio.gather(*(
            verl.compute_score(source, RIGHT, "42", {"language": "en"}, recipes=recipes)
            for source in ("gsm8k", "prose", "other")
        ))  # fmt: skip

        keys = {"score", "jurist_scored", "jurist/accuracy", "jurist/format", "jurist/language"}
        assert [answer.keys() for answer in answers] == [keys] * 3
        assert [answer["score"] for answer in answers] == [2.0, 2.0, 1.0]

    async def test_a_sample_without_a_reward_is_an_error_or_the_number_asked_for(
        self, service: Callable[..., None]
    ) -> None:
        service()

        with pytest.raises(NoRewardError, match="INVALID_REFERENCE"):
            await verl.compute_score("gsm8k", "42", "", {})
        filled = await verl.compute_score("gsm8k", "42", "", {}, on_error=-1)
        assert filled == {"score": -1.0, "jurist_scored": 0.0, "jurist/accuracy": -1.0}  # gdpo trains on the keys

    def test_the_sync_form_and_the_batch_form_say_the_same(self, service: Callable[..., None]) -> None:
        service(recipe="r1_zero")
        one = verl.compute_score_sync("gsm8k", RIGHT, "42", {})

        batch = verl.compute_scores(["gsm8k", "b"], [RIGHT, "41"], ["42", "42"], [None, {}])

        assert batch == [one, {"score": 0.0, "jurist_scored": 1.0, "jurist/accuracy": 0.0, "jurist/format": 0.0}]

    async def test_a_server_that_is_away_is_an_error(self, away: Callable[..., None]) -> None:
        away()

        with pytest.raises(UnreachableError):
            await verl.compute_score("gsm8k", "42", "42", {})

    async def test_an_unknown_recipe_or_setting_is_named(self, service: Callable[..., None]) -> None:
        service()

        with pytest.raises(ValueError, match="recipe: the server knows no 'nope'"):
            await verl.compute_score("gsm8k", "42", "42", {}, recipe="nope")
        with pytest.raises(ValueError, match="recipies: no such setting"):
            await verl.compute_score("gsm8k", "42", "42", {}, recipies={})


class TestVerlManager:
    """The manager, on a base class in place of verl's own, which `test_real_trainers.py` runs."""

    @pytest.fixture
    def manager(self, service: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Any:
        class RewardManagerBase:
            def __init__(self, config: Any, tokenizer: Any, compute_score: Any) -> None:
                self.config, self.tokenizer, self.compute_score = config, tokenizer, compute_score

        path = "verl.experimental.reward_loop.reward_manager.base"
        for name in ("verl", "verl.experimental", "verl.experimental.reward_loop", path.removesuffix(".base")):
            monkeypatch.setitem(sys.modules, name, ModuleType(name))
        base = ModuleType(path)
        base.RewardManagerBase = RewardManagerBase  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, path, base)
        monkeypatch.delitem(sys.modules, "jurist.trainers.verl_manager", raising=False)
        service(recipe="r1_zero")
        made = import_module("jurist.trainers.verl_manager").JuristRewardManager
        tokenizer = SimpleNamespace(all_special_ids=[0], decode=lambda ids, **_: "".join(map(chr, ids)))
        yield made(SimpleNamespace(reward={}, data=SimpleNamespace(max_response_length=59)), tokenizer)
        monkeypatch.delitem(sys.modules, "jurist.trainers.verl_manager")

    @staticmethod
    def data(text: str, width: int, **row: object) -> list[SimpleNamespace]:
        ids = np.array([*map(ord, text), *[0] * (width - len(text))])
        batch = {"responses": ids, "attention_mask": np.array([1, 1] + [1] * len(text) + [0] * (width - len(text)))}
        rows = {"data_source": "gsm8k", "reward_model": {"ground_truth": "42"}, "raw_prompt": [], **row}
        return [SimpleNamespace(batch=batch, non_tensor_batch=rows)]

    async def test_a_sample_says_its_length_its_group_and_whether_it_was_cut(
        self, manager: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[Any] = []
        score = ascore_one

        async def watched(settings: Any, sample: Any) -> Any:
            seen.append(sample)
            return await score(settings, sample)

        monkeypatch.setattr(verl, "ascore_one", watched)
        whole = await manager.run_single(self.data(RIGHT, 59, uid="a"))
        cut = await manager.run_single(self.data(f"{'so ' * 17}it is 42", 59, uid="b"))

        assert (whole["reward_score"], cut["reward_score"]) == (2.0, 0.0)  # a number that was cut is no answer
        assert [(sample.tokens, sample.truncated, sample.together) for sample in seen] == [
            (len(RIGHT), None, "a"),
            (59, True, "b"),
        ]


class TestSlime:
    SAMPLE = SimpleNamespace(
        prompt=PROMPT,
        response=RIGHT,
        label="42",
        metadata={},
        response_length=9,
        status=SimpleNamespace(value="completed"),
    )

    async def test_a_sample_and_a_group_are_scored(self, service: Callable[..., None]) -> None:
        service(recipe="r1_zero")
        keyed = SimpleNamespace(reward_key="score")

        assert await slime.reward(SimpleNamespace(), self.SAMPLE) == 2.0
        assert await slime.group_reward(keyed, [self.SAMPLE]) == [
            {"score": 2.0, "jurist/accuracy": 1.0, "jurist/format": 1.0}
        ]

    async def test_the_label_outranks_what_the_metadata_hold(self, service: Callable[..., None]) -> None:
        service(recipe="r1_zero")
        sample = SimpleNamespace(**{**vars(self.SAMPLE), "metadata": {"solution": "Multiply.", "answer": "41"}})

        assert await slime.reward(SimpleNamespace(), sample) == 2.0

    async def test_a_sample_at_fault_costs_no_other_of_its_group(self, service: Callable[..., None]) -> None:
        service(recipe="r1_zero", on_error=-1)
        samples = [
            SimpleNamespace(**{**vars(self.SAMPLE), **wrong})
            for wrong in ({}, {"response": None}, {"label": {"answers": [{1}]}}, {"response_length": 2**70})
        ]

        assert await slime.group_reward(SimpleNamespace(), samples) == [2.0, -1.0, -1.0, -1.0]

    async def test_a_missing_reward_is_an_error(self, service: Callable[..., None]) -> None:
        service()

        with pytest.raises(NoRewardError):
            await slime.reward(SimpleNamespace(), SimpleNamespace(**{**vars(self.SAMPLE), "label": ""}))


def test_areal_gets_a_number_or_an_error_well_before_its_own_deadline(
    service: Callable[..., None], away: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(areal, "_outage", areal._Outage())
    service(recipe="r1_zero")
    assert areal.reward_fn(PROMPT, f"{RIGHT}<|im_end|>", [1], [2, 3], answer="42", level=5) == 2.0

    away()
    with pytest.raises(UnreachableError):
        areal.reward_fn(PROMPT, RIGHT, [1], [2], answer="42")
    assert areal.TIMEOUT_S < 15  # areal/api/reward_api.py


def test_areal_waits_once_for_a_server_that_is_away(
    service: Callable[..., None], away: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls that wait for their turn behind one another would be out of time, and trained on as 0."""
    monkeypatch.setattr(areal, "_outage", areal._Outage())
    away()
    with pytest.raises(UnreachableError):
        areal.reward_fn(PROMPT, RIGHT, answer="42")
    service()  # it is back, and nobody asks it yet

    with pytest.raises(UnreachableError):
        areal.reward_fn(PROMPT, RIGHT, answer="42")
    areal._outage.until = 0.0
    assert areal.reward_fn(PROMPT, RIGHT, answer="42") == 1.0


def test_easyr1_gets_an_overall_and_its_components(service: Callable[..., None]) -> None:
    service()
    rows = [{"response": RIGHT, "response_length": 9, "ground_truth": "42"}]

    assert easyr1.compute_score(rows, recipe="r1_zero") == [{"overall": 2.0, "accuracy": 1.0, "format": 1.0}]


def test_easyr1_gets_the_rewards_of_rows_beside_one_at_fault(service: Callable[..., None]) -> None:
    service(recipe="r1_zero")
    rows = [{"response": text, "response_length": 9, "ground_truth": "42"} for text in (RIGHT, None)]

    assert [answer["overall"] for answer in easyr1.compute_score(rows, on_error=-1)] == [2.0, -1.0]
    with pytest.raises(InvalidInputError, match=r"^samples\[1\]\.completion: there is none"):
        easyr1.compute_score(rows)


def test_verl_gets_the_rewards_of_rows_beside_one_at_fault(service: Callable[..., None]) -> None:
    service(recipe="r1_zero", on_error=-1)

    answers = verl.compute_scores(["a"] * 2, [RIGHT, RIGHT], ["42", {"answers": [{1}]}], [None, None])

    assert [(answer["score"], answer["jurist_scored"]) for answer in answers] == [(2.0, 1.0), (-1.0, 0.0)]


async def test_a_trace_without_a_reply_is_an_error(service: Callable[..., None]) -> None:
    service(recipe="r1_zero")

    with pytest.raises(InvalidInputError, match=r"^completion: there is none"):
        await verifiers_v1.score(SimpleNamespace(prompt=PROMPT, answer="42"), SimpleNamespace(last_reply=None))


async def test_verifiers_gets_a_number_for_a_trace(service: Callable[..., None]) -> None:
    service(recipe="r1_zero")
    task = SimpleNamespace(prompt=PROMPT, answer="42")

    assert await verifiers_v1.score(task, SimpleNamespace(last_reply=RIGHT)) == 2.0

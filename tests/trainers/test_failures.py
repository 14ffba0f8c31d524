"""What each trainer's own code makes of a reward that is missing: the table in docs/trainers.md, tried cell by cell.

No true reward here is 0, so a 0 anywhere would be a made-up one.
"""

from __future__ import annotations

import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Future

ROOT = Path(__file__).parents[2]
ADAPTERS = ROOT / "services" / "jurist" / "trainers"
TIMEOUT_S = 120.0

RIGHT = "<think>six times seven</think> <answer>42</answer>"
POISON = "<think>poison</think> <answer>42</answer>"  # what the hostile verifiers trip over
WRONG = "It is 41."
REWARDS = {RIGHT: 2.0, POISON: 2.0, WRONG: 1.0}
LATE_S = 2.0
SLOW = f"{{verifier: slow, name: second, options: {{seconds: {LATE_S}}}}}"
BROKEN = "{verifier: broken, name: second}"
ACCURACY, KEPT = "{verifier: math_answer, name: accuracy}", "{verifier: format_tags, name: format}"
RECIPES = {  # each gives 1 and 1 for what is right, 0 and 1 for what is wrong
    "late": (ACCURACY, SLOW),
    "frail": (ACCURACY, BROKEN),
    "late_unreferenced": (KEPT, SLOW),
    "frail_unreferenced": (KEPT, BROKEN),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What goes wrong with the first sample, and how it shows in the settings."""

    title: str
    samples: Sequence[tuple[str, str]]
    recipe: str = "frail"
    settings: Mapping[str, object] = field(default_factory=dict)
    away: bool = False
    restarts: bool = False


SOUND = ((RIGHT, "42"), (WRONG, "42"))
SITUATIONS = (
    Situation(title="server away", samples=SOUND * 2, away=True, settings={"patience_s": 0.3, "timeout_s": 20}),
    Situation(
        title="killed meanwhile, and back",
        samples=((POISON, "42"), (WRONG, "42"), *SOUND),
        recipe="late",
        restarts=True,
        settings={"patience_s": 120, "timeout_s": 120},
    ),
    Situation(
        title="later than `timeout_s`",
        samples=((POISON, "42"), (WRONG, "42"), *SOUND),
        recipe="late",
        settings={"timeout_s": LATE_S / 4},
    ),
    Situation(title="a verifier fails", samples=((POISON, "42"), (WRONG, "42"), *SOUND)),
    Situation(title="unusable reference", samples=((RIGHT, ""), (WRONG, ""), *SOUND)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A way in which a trainer asks, and what it gets in each situation, by `on_error`; the default comes first.

    A cell is a number, None where the trainer holds no reward, or the error that reaches it.
    """

    title: str
    environment: str
    script: str
    work: Mapping[str, object] = field(default_factory=dict)
    cells: Mapping[object, Sequence[Any]]
    http: str = ""
    referenced: bool = True  # whether it hands references over
    queries: bool = True  # whether its address may say more than host and port; else the server is told the recipe


GIVEN = 2.0  # the true reward of the first sample
ERRORS = ("UnreachableError", GIVEN, "DeadlineError", "NoRewardError", "NoRewardError")
LEFT_OUT = (None, GIVEN, None, None, None)
NUMBER = (-1.0, GIVEN, -1.0, -1.0, -1.0)
NUMBERS_ALONE = {"raise": ERRORS, -1: NUMBER}
WITH_KEYS = {"raise": ERRORS, -1: ("UnreachableError", *NUMBER[1:])}  # whose names only the server knows

FORMS = (
    Form(
        title="TRL",
        environment="trl",
        script="trl_grpo.py",
        cells={"none": LEFT_OUT, "raise": ERRORS, -1: NUMBER},
    ),
    Form(
        title="TRL, `components`",
        environment="trl",
        script="trl_grpo.py",
        work={"form": "components", "names": ["accuracy", "second"]},
        cells={"none": LEFT_OUT, "raise": ERRORS},
    ),
    Form(
        title="axolotl, `use_data_producer`",
        environment="trl",
        script="axolotl_grpo.py",
        work={"producing": True},
        cells={"raise": ERRORS},
    ),
    *(
        Form(
            title=f"verl, `{manager}`",
            environment="shared",
            script="verl_reward_loop.py",
            work={"manager": manager},
            cells=WITH_KEYS,
        )
        for manager in ("naive", "dapo", "jurist")
    ),
    *(
        Form(
            title=f"verl, `{manager}`, Ray's workers",
            environment="shared",
            script="verl_reward_loop.py",
            work={"manager": manager, "workers": "ray"},
            cells={"raise": ERRORS},
        )
        for manager in ("naive", "remote")
    ),
    Form(
        title="OpenRLHF, `.py`",
        environment="shared",
        script="openrlhf_executor.py",
        work={"endpoint": str(ADAPTERS / "openrlhf.py")},
        cells={"raise": LEFT_OUT, -1: NUMBER},
    ),
    Form(
        title="OpenRLHF, HTTP",
        environment="shared",
        script="openrlhf_executor.py",
        http="/get_reward",
        cells={"": LEFT_OUT},
    ),
    Form(
        title="AReaL, our workflow",
        environment="shared",
        script="areal_rlvr.py",
        work={"form": "workflow"},
        cells=NUMBERS_ALONE,
    ),
    Form(
        title="AReaL, `reward_fn`",
        environment="shared",
        script="areal_rlvr.py",
        work={"form": "reward_fn"},
        cells=NUMBERS_ALONE,
    ),
    Form(title="ms-swift", environment="shared", script="swift_grpo.py", cells=NUMBERS_ALONE),
    Form(
        title="LLaMA-Factory",
        environment="shared",
        script="llamafactory_api.py",
        http="/v1/score/evaluation",
        referenced=False,
        cells={"": ("ConnectionError", "ConnectionError", "KeyError", "KeyError", "KeyError")},
    ),
    Form(
        title="NeMo-Gym",
        environment="shared",
        script="nemo_gym_agent.py",
        http="/verify",
        queries=False,
        cells={"": ("waits", GIVEN, GIVEN, None, None)},
    ),
    Form(title="SkyRL's generator", environment="shared", script="skyrl_generator.py", cells={"raise": ERRORS}),
    Form(title="SkyRL", environment="gym", script="skyrl_env.py", cells=NUMBERS_ALONE),
    Form(title="verifiers", environment="gym", script="verifiers_task.py", cells=NUMBERS_ALONE),
)
CELLS = [
    pytest.param(form, policy, situation, cell, id=f"{form.title}-{policy}-{situation.title}")
    for form in FORMS
    for policy, cells in form.cells.items()
    for situation, cell in zip(SITUATIONS, cells, strict=True)
    # Where no reward is lost, the policy is not asked: one is enough.
    if policy == next(iter(form.cells)) or not situation.restarts
]


@pytest.fixture(scope="module")
def recipes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recipes")
    for name, (first, second) in RECIPES.items():
        terms = f"terms:\n  - {first}\n  - {second}\nadvantage: none\n"
        (folder / f"{name}.yaml").write_text(terms, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def sound(start_for_all: Callable[..., Any], recipes: Path) -> Any:
    """The server of all cells in which it is not killed."""
    return start_for_all(workers=2, recipes=recipes, stall_s=60)


def busy(served: Any) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{served.metrics_port}/metrics", timeout=TIMEOUT_S) as response:
        lines = response.read().decode().splitlines()
    return any(line.startswith("jurist_queue_rollouts") and not line.endswith(" 0.0") for line in lines)


def restarted(served: Any, start: Callable[..., Any], answer: Future[Any]) -> float:
    """Kill a server that has work, and start another in its place; returns how long that took, seconds."""
    while not busy(served):
        assert not answer.done()
        time.sleep(0.02)
    began = time.monotonic()
    served.process.kill()
    served.process.wait()
    start(port=served.target.rsplit(":", 1)[1], http_port=served.http_port)
    return time.monotonic() - began


def work_for(form: Form, policy: object, situation: Situation, served: Any) -> dict[str, object]:
    wants_none = not form.referenced and situation.samples[0][1]  # else the missing reference is what is tried
    recipe = f"{situation.recipe}_unreferenced" if wants_none else situation.recipe
    settings = {"target": served.target, "recipe": recipe, **situation.settings}
    if situation.away:
        settings["target"] = "127.0.0.1:9"
    if policy != next(iter(form.cells)):  # what comes first is the default, and stated by nobody
        settings["on_error"] = policy
    work = {"samples": situation.samples, **form.work, "settings": settings}
    if form.http:
        port = 9 if situation.away else served.http_port
        query = f"recipe={recipe}&timeout_s={settings.get('timeout_s', TIMEOUT_S)}"
        work["endpoint"] = f"http://127.0.0.1:{port}{form.http}?{query}"
    return work


@pytest.mark.trainers
@pytest.mark.slow
@pytest.mark.parametrize(("form", "policy", "situation", "cell"), CELLS)
def test_a_missing_reward_is_what_the_table_says_and_never_a_made_up_zero(
    form: Form,
    policy: object,
    situation: Situation,
    cell: Any,
    trainer: Callable[..., Any],
    sound: Any,
    start: Callable[..., Any],
    recipes: Path,
) -> None:
    asked = trainer(form.environment, form.script)
    told = {} if form.queries else {"http_recipe": situation.recipe}
    start_own = partial(start, workers=2, recipes=recipes, stall_s=60, **told)
    served = start_own() if situation.restarts or told else sound
    took_s = 0.0
    with ThreadPoolExecutor(1) as asking:
        answer = asking.submit(asked.ask, **work_for(form, policy, situation, served))
        if situation.restarts:
            took_s = restarted(served, start_own, answer)
        made = answer.result()

    outcomes = made["outcomes"]
    if form.script == "openrlhf_executor.py" and form.http and took_s > 3 and outcomes[0] is None:
        cell = None  # its own patience ends after 4 s
    assert outcomes[0] == cell
    for (text, _), outcome in zip(situation.samples, outcomes, strict=True):
        assert outcome in {REWARDS[text], cell}
    if "moved" in made:
        trained_on(made, cell)


def trained_on(made: Mapping[str, Any], cell: object) -> None:
    """What TRL makes of it: no advantage without a reward, and no step without an advantage."""
    for outcome, advantage in zip(made["outcomes"], made["advantages"], strict=True):
        assert outcome is not None or advantage == 0.0
    assert made["moved"] == any(made["advantages"])
    if isinstance(cell, str):
        assert not made["moved"]


def cell_text(cell: object) -> str:
    if isinstance(cell, str):
        return f"`{cell}`"
    titles: Mapping[object, str] = {None: "no reward", GIVEN: "its reward"}
    return titles.get(cell, "the number")


def table() -> list[str]:
    """Write the cells as docs/trainers.md has them."""
    head = ["trainer", "`on_error`", *(situation.title for situation in SITUATIONS)]
    rows = [
        [
            form.title,
            f"`{policy}`" if isinstance(policy, str) and policy else "a number" if policy else "",
            *map(cell_text, cells),
        ]
        for form in FORMS
        for policy, cells in form.cells.items()
    ]
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]


def test_the_page_for_users_has_this_table() -> None:
    assert "\n".join(table()) in (ROOT / "docs" / "trainers.md").read_text(encoding="utf-8")

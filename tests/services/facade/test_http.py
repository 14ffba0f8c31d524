"""The HTTP port as trainers and graders meet it: a real server, their own requests, and what can go wrong."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import aiohttp
import pytest
from google.protobuf.json_format import MessageToDict

from jurist.client import Client, group

if TYPE_CHECKING:
    from collections.abc import Callable

JURIST = Path(sys.executable).with_name("jurist")
TIMEOUT_S = 120.0
RIGHT = "<think>six times seven</think> <answer>42</answer>"


class Answer(NamedTuple):
    status: int
    body: Any
    headers: dict[str, str]


@pytest.fixture
def call(server: Any) -> Callable[..., Answer]:
    """Sends JSON to the shared server, or fetches a page of it."""

    def call(path: str, body: object = None) -> Answer:
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{server.http_port}{path}", data=data)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
                status, content, headers = response.status, response.read(), dict(response.headers)
        except urllib.error.HTTPError as error:
            status, content, headers = error.code, error.read(), dict(error.headers)
        read = json.loads(content) if headers["Content-Type"].startswith("application/json") else content.decode()
        return Answer(status, read, headers)

    return call


def metric(server: Any, name: str) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.http_port}/metrics", timeout=TIMEOUT_S) as response:
        lines = response.read().decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


def timeless(scores: dict[str, Any]) -> dict[str, Any]:
    for rollout in scores["rollouts"]:
        for component in rollout["components"]:
            del component["elapsed_ms"]
    return scores


def test_the_contract_answers_over_http_what_it_answers_over_grpc(call: Callable[..., Answer], server: Any) -> None:
    message = group([RIGHT, "It is 41.", ""], answers="42", language="en", group_id="g", recipe="r1_reasoning")
    with Client(server.target) as client:
        [over_grpc] = client.score([message])

    answer = call("/v1/score", {"groups": [MessageToDict(message, preserving_proto_field_name=True)]})

    assert answer.status == 200
    assert timeless(answer.body["groups"][0]) == timeless(MessageToDict(over_grpc, preserving_proto_field_name=True))


@pytest.mark.parametrize(
    ("path", "body", "status", "named"),
    [
        ("/v1/score", b"{", 400, "JSON"),
        ("/v1/score", {"groups": []}, 400, "groups"),
        ("/v1/score", {"groups": [{"group_id": "g", "task": {}, "rollouts": [{}]}]}, 400, "recipe"),
        (
            "/v1/score",
            {"groups": [{"group_id": "g", "task": {}, "rollouts": [{}]}], "recipe": {"name": "nope"}},
            404,
            "recipe.name",
        ),
        ("/get_reward", {"query": "x"}, 400, "query"),
        ("/get_reward", b'{"query": ["x"], "labels": [' + b"[" * 100_000 + b"]" * 100_000 + b"]}", 400, "nested"),
        ("/get_reward", {"query": ["x"], "labels": ["1", "2"]}, 400, "labels"),
        ("/get_reward?recipe=nope", {"query": ["x"], "labels": ["1"]}, 404, "nope"),
        ("/get_reward?policy_step=x", {"query": ["x"], "labels": ["1"]}, 400, "policy_step"),
        ("/get_reward?policy_step=9223372036854775808", {"query": ["x"], "labels": ["1"]}, 400, "policy_step"),
        ("/get_reward?policy_step=-1", {"query": ["x"], "labels": ["1"]}, 400, "policy_step"),
        ("/get_reward?policy_step=" + "9" * 5000, {"query": ["x"], "labels": ["1"]}, 400, "policy_step"),
        ("/get_reward?timeout_s=nan", {"query": ["x"], "labels": ["1"]}, 400, "timeout_s"),
        ("/get_reward?timeout_s=inf", {"query": ["x"], "labels": ["1"]}, 400, "timeout_s"),
        ("/get_reward?timeout_s=-1", {"query": ["x"], "labels": ["1"]}, 400, "timeout_s"),
        ("/get_reward?timeout_s=", {"query": ["x"], "labels": ["1"]}, 400, "timeout_s"),
        ("/run_code?timeout_s=1e999", {"code": "", "language": "python"}, 400, "timeout_s"),
        ("/get_reward?recipe=%ED%A0%80", {"query": ["x"], "labels": ["1"]}, 404, "recipe"),
        ("/get_reward", {"query": ["x", "y"], "labels": ["1", {"choices": 5}]}, 400, "labels[1].choices"),
        ("/get_reward", {"query": ["x", "y"], "labels": ["1", {"tests": 5}]}, 400, "labels[1].tests"),
        ("/get_reward?recipe=code", {"query": ["x"], "labels": [{"tests": {"stdio": {}}}]}, 400, "labels[0].tests"),
        ("/slime", {"prompt": [1], "response": "x", "label": "1"}, 400, "prompt[0]"),
        ("/slime", {"prompt": 5, "response": "x", "label": "1"}, 400, "prompt: is text or a list"),
        ("/slime", {"prompt": [{"content": {}}], "response": "x", "label": "1"}, 400, "prompt[0].content"),
        ("/aggregate_metrics", {}, 400, "verify_responses"),
        ("/aggregate_metrics", {"verify_responses": [{}]}, 400, "verify_responses[0].reward"),
        ("/aggregate_metrics", {"verify_responses": [{"reward": float("nan")}]}, 400, "verify_responses[0]"),
        ("/aggregate_metrics", {"verify_responses": [{"reward": "1"}]}, 400, "verify_responses[0].reward"),
        ("/slime", {"prompt": ""}, 400, "response"),
        ("/verify", {"expected_answer": "1"}, 400, "response"),
        ("/run_code", {"code": "", "language": "cobol"}, 400, "cobol"),
        ("/run_code", {"code": "", "language": "python", "files": {"../a": ""}}, 400, "'../a' is no path"),
        ("/run_code", {"code": "", "language": "python", "files": {"a": "x"}}, 400, "base64"),
        ("/run_code", {"code": "", "language": "python", "run_timeout": 0}, 400, "run_timeout"),
        ("/run_code", {"code": "", "language": "python", "files": {"a": 5}}, 400, "files"),
        ("/run_code", {"code": "", "language": "python", "files": {"a": "é"}}, 400, "files.a"),
        ("/run_code", {"code": "", "language": "python", "files": {"a": "", "a/b": ""}}, 400, "files.a/b"),
        ("/run_code", {"code": "", "language": "python", "files": {"a/" * 3000 + "b": ""}}, 400, "files.a/"),
        ("/run_code", {"code": "", "language": "c", "args": ["x" * (1 << 17)]}, 400, "args[0]"),
        ("/run_code", {"code": "x" * (65 << 20 >> 1), "language": "python", "memory_limit_MB": 1 << 40}, 400, "memory"),
        ("/api/v2/execute", {"language": "python", "files": []}, 400, "files"),
        ("/api/v2/execute", {"language": "python", "files": [{"content": "00", "encoding": "hex"}]}, 400, "utf8"),
        ("/api/v2/execute", {"language": "python", "files": [{"content": ""}], "args": ["\0"]}, 400, "args[0]"),
        ("/api/v2/execute", {"language": "klingon", "files": [{"content": ""}]}, 400, "klingon-* runtime is unknown"),
        (
            "/api/v2/execute",
            {"language": "python", "version": "2.x", "files": [{"content": ""}]},
            400,
            "python-2.x runtime is unknown",
        ),
        ("/api/v2/execute", {"language": "python", "version": "no", "files": [{"content": ""}]}, 400, "version"),
        ("/nowhere", {}, 404, "Not Found"),
    ],
)
def test_what_cannot_be_answered_is_refused_by_name(
    call: Callable[..., Answer], path: str, body: object, status: int, named: str
) -> None:
    answer = call(path, body)

    assert answer.status == status
    assert answer.body["error"]["code"] == status
    assert named in answer.body["error"]["message"]


def test_a_body_over_the_limit_is_refused(call: Callable[..., Answer]) -> None:
    assert call("/get_reward", b" " * (65 << 20)).status == 413


class TestOpenRLHF:
    def test_a_query_is_scored_without_its_prompt_and_its_last_token(self, call: Callable[..., Answer]) -> None:
        prompt = "Is it \\boxed{41}?<|im_start|>assistant\n"
        bodies = {
            "query": [f"{prompt}{RIGHT}<|im_end|>", f"{prompt}{RIGHT} And more.", f"{prompt}no"],
            "prompts": [prompt] * 3,
            "labels": ["42", "42", "42"],
        }

        answer = call("/get_reward?recipe=r1_zero", bodies)

        assert answer.headers["Content-Type"].startswith("application/json")  # it checks
        assert answer.body == {
            "rewards": [2.0, 1.0, 0.0],
            "scores": [1.0, 1.0, 0.0],
            "extra_logs": {"accuracy": [1.0, 1.0, 0.0], "format": [1.0, 0.0, 0.0]},
        }

    def test_a_completion_without_a_reward_is_an_error_to_be_tried_again(self, call: Callable[..., Answer]) -> None:
        answer = call("/get_reward?recipe=r1_general", {"query": ["It is 42."], "labels": ["42"]})

        assert answer.status == 503
        assert answer.headers["Retry-After"]
        assert "UNAVAILABLE" in answer.body["error"]["message"]

    def test_a_reference_that_cannot_be_used_is_the_callers_fault(self, call: Callable[..., Answer]) -> None:
        answer = call("/get_reward", {"query": ["42", "42"], "labels": ["42", ""]})

        assert (answer.status, answer.body["error"]["field"]) == (400, "labels[1]")
        assert "accuracy: INVALID_REFERENCE" in answer.body["error"]["message"]

    def test_text_that_utf8_cannot_carry_is_mended(self, call: Callable[..., Answer]) -> None:
        assert call("/get_reward", b'{"query": ["\\ud83d The answer is 42"], "labels": ["42"]}').body["rewards"] == [
            1.0
        ]

    @pytest.mark.parametrize(
        ("label", "response"),
        [
            ("42", "The answer is 42"),
            (42, "The answer is 42"),
            (["41", 42], "The answer is 42"),
            ({"answers": ["42"], "language": "en"}, "The answer is 42"),
            ('{"answers": ["42"]}', "The answer is 42"),
            ("\\{1, 2\\}", "The answer is \\{2, 1\\}"),
        ],
    )
    def test_a_label_states_the_task(self, call: Callable[..., Answer], label: object, response: str) -> None:
        assert call("/get_reward", {"query": [response], "labels": [label]}).body["rewards"] == [1.0]

    @pytest.mark.parametrize(
        "label",
        [
            {"tests": {"stdio": {"cases": [{"stdin": "3", "expected_stdout": "6"}]}}},
            {"inputs": ["3"], "outputs": ["6"]},
            '{"inputs": ["3"], "outputs": ["6"]}',
        ],
        ids=["the contract's", "APPS's", "APPS's as text"],
    )
    def test_a_label_states_tests(self, call: Callable[..., Answer], label: object) -> None:
        program = "```python\nprint(2 * int(input()))\n```"

        assert call("/get_reward?recipe=code", {"query": [program], "labels": [label]}).body["rewards"] == [1.0]


def test_slime_gets_a_number(call: Callable[..., Answer]) -> None:
    assert call("/slime?recipe=r1_zero", {"prompt": "", "response": RIGHT, "label": "42"}).body == 2.0


@pytest.mark.parametrize("content", ["Explique por favor por qu\u00e9 el cielo es azul.", None])
def test_slime_and_nemo_gym_pass_a_chat_on(call: Callable[..., Answer], content: str | None) -> None:
    asked = content or [{"type": "text", "text": "Explique por favor por qu\u00e9 el cielo es azul."}]
    chat = [
        {
            "role": "system",
            "content": "You are a helpful assistant that thinks about questions before it answers them.",
        },
        {"role": "user", "content": asked},
    ]
    thought = "El cielo es azul porque la luz del sol se dispersa en la atm\u00f3sfera de la tierra."
    response = f"<think>{thought}</think> <answer>42</answer>"
    message = {"type": "message", "content": [{"type": "output_text", "text": response}]}
    body = {"responses_create_params": {"input": chat}, "response": {"output": [message]}, "answer": "42"}

    number = call("/slime?recipe=r1_reasoning", {"prompt": chat, "response": response, "label": "42"}).body
    components = call("/verify?recipe=r1_reasoning", body).body["reward_components"]

    assert components == {"accuracy": 1.0, "language": 1.0}
    assert number == 2.0


def test_slime_takes_no_prompt(call: Callable[..., Answer]) -> None:
    assert call("/slime", {"response": "42", "label": "42"}).body == 1.0
    assert call("/slime", {"prompt": None, "response": "42", "label": "42"}).body == 1.0


def test_llama_factory_gets_a_score_a_message(call: Callable[..., Answer]) -> None:
    answer = call("/v1/score/evaluation?recipe=format", {"model": "model", "messages": [RIGHT, "no"]})

    assert answer.body == {"scores": [1.0, 0.0]}


class TestNeMoGym:
    BODY: ClassVar[dict[str, Any]] = {
        "responses_create_params": {"input": [{"role": "user", "content": "What is 6 times 7?"}]},
        "response": {
            "output": [
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "six times seven"}]},
                {"type": "message", "content": [{"type": "output_text", "text": "<answer>42</answer>"}]},
            ]
        },
        "expected_answer": "42",
        "verifier_metadata": {"id": 5},
    }

    def test_the_body_comes_back_with_components_that_add_up(self, call: Callable[..., Answer]) -> None:
        answer = call("/verify?recipe=r1_zero", self.BODY)

        assert answer.body == self.BODY | {"reward": 2.0, "reward_components": {"accuracy": 1.0, "format": 1.0}}

    @pytest.mark.parametrize("recipe", ["r1_zero", "r1_reasoning", "r1_rejection", "math"])
    def test_a_reward_is_the_sum_of_its_components(self, call: Callable[..., Answer], recipe: str) -> None:
        body = call(f"/verify?recipe={recipe}", self.BODY).body

        assert sum(body["reward_components"].values()) == pytest.approx(body["reward"])

    def test_a_failure_that_is_not_the_samples_is_named_and_masked(self, call: Callable[..., Answer]) -> None:
        body = call("/verify", self.BODY | {"expected_answer": ""}).body

        assert (body["reward"], body["mask_sample"], body["_ng_failure_class"]) == (0.0, True, "judge_failed")
        assert "INVALID_REFERENCE" in body["failure_reason"]

    def test_a_content_may_be_text_and_what_has_no_output_is_refused(self, call: Callable[..., Answer]) -> None:
        spoken = {"output": [{"type": "message", "content": "The answer is 42."}]}

        assert call("/verify", self.BODY | {"response": spoken}).body["reward"] == 1.0
        refused = call("/verify", self.BODY | {"response": {"output_text": "The answer is 42."}})
        assert (refused.status, refused.body["error"]["field"]) == (400, "response.output")

    def test_programs_are_judged_by_their_unit_tests(self, call: Callable[..., Answer]) -> None:
        text = "```python\nprint(input())\n```"
        body = {
            "response": {"output": [{"type": "message", "content": [{"type": "output_text", "text": text}]}]},
            "verifier_metadata": {"unit_tests": {"inputs": ["a"], "outputs": ["a"]}},
        }

        assert call("/verify?recipe=code", body).body["reward"] == 1.0

    def test_its_other_calls_are_answered(self, call: Callable[..., Answer]) -> None:
        verified = [{"_ng_task_index": task, "reward": reward} for task, reward in ((0, 1.0), (0, 0.0), (1, 1.0))]
        masked = {"_ng_task_index": 1, "reward": 0.0, "mask_sample": True}

        summed = call("/aggregate_metrics", {"verify_responses": [*verified, masked]}).body

        assert call("/seed_session", {}).body == {}
        assert call("/reverify_mode").body == "stateless"
        assert summed["key_metrics"] == {"mean/reward": pytest.approx(2 / 3)}
        assert [task["mean/reward"] for task in summed["group_level_metrics"]] == [0.5, 1.0]

    def test_what_comes_back_is_fit_for_any_reader(self, call: Callable[..., Answer]) -> None:
        answer = call("/verify", self.BODY | {"id": "\ud800", "\udfff": 10**400, "nan": float("nan")})

        assert (answer.body["id"], answer.body["reward"]) == ("\ufffd", 1.0)

    def test_components_that_some_answers_lack_are_summed_up(self, call: Callable[..., Answer]) -> None:
        verified: list[dict[str, Any]] = [
            {"_ng_task_index": 10, "reward": 1, "reward_components": None},
            {"_ng_task_index": 9, "reward": 0.0, "reward_components": {"format": 0.5}},
            {"_ng_task_index": 9, "_ng_failure_class": "transient"},
        ]
        summed = call("/aggregate_metrics", {"verify_responses": verified}).body

        assert summed["key_metrics"] == {"mean/reward": 0.5, "mean/format": 0.5}
        assert [task["_ng_task_index"] for task in summed["group_level_metrics"]] == [9, 10]
        assert call("/aggregate_metrics", {"verify_responses": []}).body["agent_metrics"] == {}


class TestSandboxFusion:
    def test_null_is_a_field_left_out_and_numbers_may_be_text(self, call: Callable[..., Answer]) -> None:
        names = ("stdin", "compile_timeout", "run_timeout", "memory_limit_MB", "files", "fetch_files", "args")
        body = {"code": "print(1)", "language": "python"}

        absent = call("/run_code", body | dict.fromkeys(names)).body
        told = call("/run_code", body | {"run_timeout": "10", "memory_limit_MB": "256", "compile_timeout": 3}).body

        assert (absent["status"], absent["run_result"]["stdout"]) == ("Success", "1\n")
        assert (told["status"], told["run_result"]["stdout"]) == ("Success", "1\n")
        assert absent.keys() == {*("status", "message", "compile_result", "run_result", "executor_pod_name", "files")}
        assert absent["run_result"].keys() == {"status", "execution_time", "return_code", "stdout", "stderr"}

    @pytest.mark.parametrize(
        ("body", "status", "running"),
        [
            ({"code": "print(input())", "stdin": "a"}, "Success", {"return_code": 0, "stdout": "a\n", "stderr": ""}),
            ({"code": "raise SystemExit(3)"}, "Failed", {"return_code": 3, "stdout": ""}),
            ({"code": "while True: pass", "run_timeout": 0.5}, "Failed", {"status": "TimeLimitExceeded"}),
            ({"code": "int main() { return 0; }", "language": "cpp"}, "Success", {"return_code": 0}),
            (
                {"code": "#include <cstdlib>\nint main() { abort(); }", "language": "cpp"},
                "Failed",
                {"status": "Finished", "return_code": -signal.SIGABRT},
            ),
            ({"code": "print("}, "Failed", {"return_code": 1, "stderr": "SyntaxError: '(' was never closed"}),
            (
                {"code": "import sys; print(sys.argv[1:])", "args": ["-v", "b c"]},
                "Success",
                {"stdout": "['-v', 'b c']\n"},
            ),
            ({"code": "x = 'a' * (1 << 30)", "memory_limit_MB": 256}, "Failed", {"status": "Finished"}),
        ],
    )
    def test_a_program_is_run(
        self, call: Callable[..., Answer], body: dict[str, Any], status: str, running: dict[str, Any]
    ) -> None:
        answer = call("/run_code", {"language": "python"} | body).body

        assert answer["status"] == status
        assert answer["run_result"].items() >= running.items()

    def test_a_program_that_does_not_compile_has_no_run(self, call: Callable[..., Answer]) -> None:
        answer = call("/run_code", {"language": "cpp", "code": "int main() { return"}).body

        assert (answer["status"], answer["run_result"]) == ("Failed", None)
        assert answer["compile_result"]["return_code"] == 1
        assert answer["compile_result"]["execution_time"] > 0
        assert "error" in answer["compile_result"]["stderr"]

    @pytest.mark.parametrize(
        ("language", "code"),
        [
            ("python", "import helper; open('out/b', 'w').write(helper.twice(open('data/a').read()))"),
            (
                "cpp",
                (
                    '#include "helper.h"\n#include <fstream>\n'
                    'int main() { std::string a; std::ifstream("data/a") >> a; std::ofstream("out/b") << a << a; }'
                ),
            ),
        ],
    )
    def test_files_lie_beside_the_program_and_come_back(
        self, call: Callable[..., Answer], language: str, code: str
    ) -> None:
        files = {
            "data/a": "x\u00e9",
            "helper.py": "def twice(text): return text * 2",
            "helper.h": "#include <string>",
            "out/here": "",
        }
        coded = {path: base64.b64encode(content.encode()).decode() for path, content in files.items()}
        body = {"language": language, "code": code, "fetch_files": ["out/b", "out/c", "out"]}

        answer = call("/run_code", body | {"files": coded | {"no/content": None}}).body

        assert (answer["status"], answer["run_result"]["stderr"]) == ("Success", "")
        assert {path: base64.b64decode(content).decode() for path, content in answer["files"].items()} == {
            "out/b": "x\u00e9x\u00e9"
        }


class TestPiston:
    def test_runtimes_are_listed_and_selected_by_version(self, call: Callable[..., Answer]) -> None:
        listed = {runtime["language"]: runtime for runtime in call("/api/v2/runtimes").body}
        python = ".".join(map(str, sys.version_info[:3]))
        body = {"files": [{"content": "print(1)"}]}

        assert {"python", "c", "cpp"} <= listed.keys()
        assert listed["python"]["version"] == python
        assert "py" in listed["python"]["aliases"]
        assert listed["cpp"]["runtime"] == "gcc"
        for selector in ("*", python, "3.x", "^3", ">=3.8 <4", "2 || 3", None):
            answer = call("/api/v2/execute", body | {"language": "py", "version": selector}).body
            assert (answer["language"], answer["version"], answer["run"]["code"]) == ("python", python, 0)

    def test_a_language_whose_toolchain_is_not_there_is_unknown(self, call: Callable[..., Answer]) -> None:
        listed = {runtime["language"] for runtime in call("/api/v2/runtimes").body}
        for name in {"c", "cpp", "javascript", "bash", "java", "rust", "go"} - listed:
            answer = call("/api/v2/execute", {"language": name, "files": [{"content": ""}]})
            assert (answer.status, answer.body["message"]) == (400, f"language: {name}-* runtime is unknown")

    def test_null_is_a_field_left_out(self, call: Callable[..., Answer]) -> None:
        names = ("run_timeout", "compile_timeout", "run_memory_limit", "compile_memory_limit", "stdin", "args")
        file = {"content": "print(1)", "name": None, "encoding": None}

        answer = call("/api/v2/execute", {"language": "python", "files": [file]} | dict.fromkeys(names)).body

        assert answer["run"]["stdout"] == "1\n"

    @pytest.mark.parametrize(
        ("source", "stage"),
        [
            ("print(input())", {"stdout": "a\n", "output": "a\n", "code": 0, "signal": None, "status": None}),
            ("raise SystemExit(3)", {"code": 3, "status": "RE"}),
            ("while True: pass", {"code": None, "signal": "SIGKILL", "status": "TO"}),
            ("x = 'a' * (1 << 30)", {"code": None, "signal": "SIGKILL", "status": "SG"}),
        ],
        ids=["ends well", "fails", "never ends", "needs too much memory"],
    )
    def test_a_program_is_run(self, call: Callable[..., Answer], source: str, stage: dict[str, Any]) -> None:
        body = {"language": "python3", "version": "*", "files": [{"content": source}], "stdin": "a"}

        cpu_ms = 500 if "while" in source else 5000  # to take memory takes time, on a busy machine more
        answer = call("/api/v2/execute", body | {"run_cpu_time": cpu_ms, "run_memory_limit": 256 << 20}).body

        assert answer["run"].items() >= stage.items()
        assert "compile" not in answer

    def test_a_compiled_language_has_a_stage_for_it(self, call: Callable[..., Answer]) -> None:
        good, bad = (
            call("/api/v2/execute", {"language": "c++", "files": [{"content": source}]}).body
            for source in ("int main() { return 0; }", "int main() { return")
        )

        assert (good["compile"]["code"], good["run"]["code"]) == (0, 0)
        assert bad["compile"]["code"] == 1
        assert bad["run"] == bad["compile"]  # Piston's own, since it first left the run out
        assert "error" in bad["compile"]["stderr"]

    def test_the_first_text_is_the_program_and_the_others_lie_beside_it(self, call: Callable[..., Answer]) -> None:
        files = [
            {"name": "data", "content": "00ff", "encoding": "hex"},
            {"name": "main.py", "content": "import sys, helper; print(helper.read(), sys.argv[1:], input())"},
            {"name": "helper.py", "content": "def read(): return open('data', 'rb').read()"},
            {"content": "eA==", "encoding": "base64"},
        ]

        answer = call("/api/v2/execute", {"language": "python", "files": files, "args": ["1"], "stdin": "in"}).body

        assert (answer["run"]["stdout"], answer["run"]["stderr"]) == ("b'\\x00\\xff' ['1'] in\n", "")


async def test_single_samples_that_come_together_are_judged_together(server: Any) -> None:
    count = 200
    before = metric(server, 'jurist_lane_seconds_count{lane="rules"}')

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=count)) as session:

        async def one(number: int) -> float:
            body = {"prompt": "", "response": f"The answer is {number % 2}", "label": "1"}
            async with session.post(f"http://127.0.0.1:{server.http_port}/slime", json=body) as response:
                return float(await response.json())

        rewards = await asyncio.gather(*map(one, range(count)))

    assert rewards == [float(number % 2) for number in range(count)]
    assert metric(server, 'jurist_lane_seconds_count{lane="rules"}') - before < count / 2


async def test_a_client_that_goes_away_takes_its_work_along(server: Any) -> None:
    recipe = {"terms": [{"verifier": "sleep"}]}
    body = {"groups": [{"group_id": "g", "task": {}, "rollouts": [{"completion": "poison"}]}], "recipe": recipe}
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.5)) as session:
        with pytest.raises(TimeoutError):
            await session.post(f"http://127.0.0.1:{server.http_port}/v1/score", json=body)

    deadline = time.monotonic() + TIMEOUT_S
    while await asyncio.to_thread(metric, server, "jurist_queue_rollouts") > 0:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


def test_an_answer_that_is_late_is_an_error(call: Callable[..., Answer]) -> None:
    late = call("/get_reward?timeout_s=0.000001", {"query": ["x"], "labels": ["1"]})

    assert (late.status, late.body["error"]["message"]) == (504, "not done in time")


def test_the_page_names_every_path(call: Callable[..., Answer]) -> None:
    document = call("/openapi.json").body
    page = call("/")

    assert document["paths"].keys() == {
        *("/v1/score", "/v1/verifiers", "/get_reward", "/slime", "/v1/score/evaluation", "/verify", "/seed_session"),
        *("/close_session", "/aggregate_metrics", "/run_code", "/api/v2/execute", "/api/v2/runtimes"),
        *("/reverify_mode", "/healthz", "/metrics"),
    }
    assert document["components"]["schemas"]["GetReward"]["required"] == ["query"]
    assert "/openapi.json" in page.body
    assert call("/ui/swagger-ui.css").status == 200
    assert document["openapi"].startswith("3.1")
    assert "isOAS31" in call("/ui/swagger-ui-bundle.js").body  # what shows the page can read such a document
    assert call("/healthz").body == {"status": "serving"}
    assert {verifier["name"] for verifier in call("/v1/verifiers").body["verifiers"]} >= {"math_answer", "code_tests"}


async def test_a_server_that_is_told_to_end_answers_what_it_began(start: Callable[..., Any]) -> None:
    served = start(workers=1)
    body = {"code": "import time\ntime.sleep(1)\nprint(1)", "language": "python"}
    async with aiohttp.ClientSession() as session:
        running = asyncio.create_task(session.post(f"http://127.0.0.1:{served.http_port}/run_code", json=body))
        await asyncio.sleep(0.5)
        served.process.send_signal(signal.SIGTERM)
        answer = await (await running).json()

    assert answer["run_result"]["stdout"] == "1\n"
    assert served.process.wait(TIMEOUT_S) == 0


@pytest.mark.parametrize(
    ("flags", "named"),
    [(("--http-port", "{taken}"), "http_port"), (("--http-port", "0", "--workers", "1"), "http_recipe")],
)
def test_a_server_that_cannot_answer_http_does_not_start(flags: tuple[str, ...], named: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [str(JURIST), "serve", "--port", "0", *(flag.format(taken=port) for flag in flags)]
        environment = os.environ | ({"JURIST_HTTP_RECIPE": "nope"} if named == "http_recipe" else {})
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)

    assert ended.returncode == 2
    assert f"{named}:" in ended.stderr

"""A server with a certificate: who is let in, over gRPC and HTTP, and what is said of files that cannot be used."""

from __future__ import annotations

import json
import os
import pickle
import signal
import ssl
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import trustme

from jurist.client import Client, ClientError, Tls, UnreachableError, group, rewards
from jurist.trainers import Settings
from jurist.trainers._settings import client as client_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

JURIST = str(Path(sys.executable).with_name("jurist"))
RECIPE = {"terms": [{"verifier": "format_tags"}]}
KEPT = "<think>six times seven</think> <answer>42</answer>"


class Files(NamedTuple):
    """PEM files: an authority, a server's certificate of it, and a trainer's; and another authority."""

    ca: str
    server: tuple[str, str]
    trainer: tuple[str, str]
    stranger: str


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Certificates made for these tests."""
    folder = tmp_path_factory.mktemp("certificates")
    authority, stranger = trustme.CA(), trustme.CA()
    written: dict[str, str] = {}

    def write(name: str, *blobs: trustme.Blob) -> str:
        written[name] = str(folder / f"{name}.pem")
        Path(written[name]).write_bytes(b"".join(blob.bytes() for blob in blobs))
        return written[name]

    def pair(name: str, identity: str) -> tuple[str, str]:
        made = authority.issue_cert(identity)
        return write(name, *made.cert_chain_pems), write(f"{name}-key", made.private_key_pem)

    return Files(
        ca=write("ca", authority.cert_pem),
        server=pair("server", "localhost"),
        trainer=pair("trainer", "trainer@example.org"),
        stranger=write("stranger", stranger.cert_pem),
    )


@contextmanager
def serving(*flags: str) -> Generator[dict[str, Any]]:
    process = subprocess.Popen(
        [JURIST, "serve", "--port", "0", "--http-port", "0", "--workers", "1", "--log-format", "json", *flags],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        event = next(event for event in map(json.loads, process.stderr) if event["event"] == "serving")
        yield event | {"target": f"localhost:{event['target'].rpartition(':')[2]}"}
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate()


@pytest.fixture(scope="module")
def server(files: Files) -> Iterator[dict[str, Any]]:
    """A server that asks who calls."""
    certificate, key = files.server
    with serving("--tls-certificate", certificate, "--tls-key", key, "--tls-client-ca", files.ca) as event:
        yield event


@pytest.fixture
def tls(files: Files) -> Tls:
    """What a trainer that belongs here brings."""
    return Tls(ca=files.ca, certificate=files.trainer[0], key=files.trainer[1])


def test_a_trainer_with_a_certificate_is_scored(server: Any, tls: Tls) -> None:
    with Client(server["target"], recipe=RECIPE, tls=tls) as client:
        [scores] = client.score([group([KEPT, "no"])])

    assert rewards(scores) == [1.0, 0.0]


FORKING = """
import os, pickle, sys
from jurist.client import group, rewards
client = pickle.loads(sys.stdin.buffer.read())
assert rewards(client.score([group(["x"])])[0]) == [0.0]
child = os.fork()
if not child:
    os._exit(rewards(client.score([group(["x"])])[0]) != [0.0])
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_pickled_client_comes_in_and_so_does_a_forked_one(server: Any, tls: Tls) -> None:
    with Client(server["target"], recipe=RECIPE, tls=tls) as client:
        pickled = pickle.dumps(client)

    assert subprocess.run([sys.executable, "-c", FORKING], input=pickled, check=False, timeout=60).returncode == 0


@pytest.mark.parametrize(
    "brought", ["nothing", "no certificate", "another authority"], ids=["plain", "nameless", "stranger"]
)
def test_who_does_not_belong_is_told_that_no_server_took_the_work(server: Any, files: Files, brought: str) -> None:
    certificate, key = files.trainer
    tls = {
        "nothing": None,
        "no certificate": Tls(ca=files.ca),
        "another authority": Tls(ca=files.stranger, certificate=certificate, key=key),
    }[brought]
    with Client(server["target"], recipe=RECIPE, tls=tls, patience_s=1.0) as client, pytest.raises(UnreachableError):
        client.score([group([KEPT])])


def test_adapters_and_commands_take_the_files_from_the_environment(server: Any, files: Files, tmp_path: Path) -> None:
    names = ("JURIST_CLIENT_TLS_CA", "JURIST_CLIENT_TLS_CERTIFICATE", "JURIST_CLIENT_TLS_KEY")
    environment: dict[str, str] = dict(zip(names, (files.ca, *files.trainer), strict=True))
    settings = Settings(target=server["target"], recipe="format").with_environment(environment)
    assert client_of(settings).list_verifiers().verifiers

    line = {"group_id": "g", "task": {}, "recipe": RECIPE, "rollouts": [{"completion": KEPT}]}
    (tmp_path / "groups.jsonl").write_text(json.dumps(line))
    for command in (["ping"], ["score", str(tmp_path / "groups.jsonl")]):
        told = [JURIST, *command, "--target", server["target"]]
        assert subprocess.run(told, env=os.environ | environment, capture_output=True, check=False).returncode == 0
    refused = subprocess.run([JURIST, "ping", "--target", server["target"]], capture_output=True, check=False)
    assert refused.returncode == 1


def test_http_speaks_tls_with_the_same_certificate(server: Any, files: Files) -> None:
    address = f"https://localhost:{server['http_port']}/healthz"
    context = ssl.create_default_context(cafile=files.ca)
    with pytest.raises(OSError):  # noqa: PT011  # refused in the handshake, or closed upon it
        urllib.request.urlopen(address, context=context).read()
    context.load_cert_chain(*files.trainer)
    with urllib.request.urlopen(address, context=context) as answer:
        assert answer.status == 200


def test_without_an_authority_for_clients_anybody_who_trusts_the_server_comes_in(files: Files) -> None:
    certificate, key = files.server
    with (
        serving("--tls-certificate", certificate, "--tls-key", key) as event,
        Client(event["target"], recipe=RECIPE, tls=Tls(ca=files.ca)) as client,
    ):
        assert rewards(client.score([group([KEPT])])[0]) == [1.0]


@pytest.mark.parametrize(
    ("flags", "fault"),
    [
        (("--tls-certificate", "{server}"), "tls_key: is required"),
        (("--tls-client-ca", "{ca}"), "tls_certificate: is required"),
        (("--tls-certificate", "{server}", "--tls-key", "/nowhere"), "tls_key: /nowhere: No such file"),
        (("--tls-certificate", "{server}", "--tls-key", "{other}"), "tls_key: {other}: [X509: KEY_VALUES_MISMATCH]"),
        (
            ("--tls-certificate", "{server}", "--tls-key", "{key}", "--tls-client-ca", "{key}"),
            "tls_client_ca: {key}: [X509",
        ),
    ],
)
def test_files_that_cannot_be_used_are_named(files: Files, flags: tuple[str, ...], fault: str) -> None:
    names = {"server": files.server[0], "key": files.server[1], "other": files.trainer[1], "ca": files.ca}
    told = [JURIST, "serve", "--port", "0", *(flag.format(**names) for flag in flags)]
    ended = subprocess.run(told, capture_output=True, text=True, check=False, timeout=60)

    assert ended.returncode == 2
    assert fault.format(**names) in ended.stderr


def test_a_client_whose_files_are_missing_says_which() -> None:
    with (
        Client("localhost:1", tls=Tls(ca="/nowhere")) as client,
        pytest.raises(ClientError, match="/nowhere"),
    ):
        client.score([group(["x"])])
    with pytest.raises(ValueError, match="certificate and key"):
        Tls(certificate="c.pem")

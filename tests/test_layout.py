"""The house's walls: one import name over four roots, imports that point one way, stubs that match the contract."""

from __future__ import annotations

import filecmp
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOTS = ("protos", "services", "verifiers", "sandbox")
PROTOC = Path(sys.prefix) / "protoc"


@pytest.mark.parametrize("root", ROOTS)
def test_the_roots_share_one_namespace(root: str) -> None:
    assert not (ROOT / root / "__init__.py").exists()
    assert not (ROOT / root / "jurist" / "__init__.py").exists()


@pytest.mark.parametrize("root", ROOTS)
def test_every_package_is_typed(root: str) -> None:
    packages = [path for path in (ROOT / root / "jurist").iterdir() if path.is_dir() and path.name != "__pycache__"]
    if root == "protos":
        packages = [ROOT / root / "jurist" / "v1"]

    assert packages
    assert all((package / "py.typed").exists() for package in packages)


def test_the_verifiers_need_neither_the_services_nor_the_contract() -> None:
    program = """
import sys
sys.path[:0] = sys.argv[1:]
sys.path[:] = [path for path in sys.path if not path.endswith(("/services", "/protos"))]
from jurist import verifiers
assert all(verifiers.load(name) for name in verifiers.names()), "none found"
heavy = {"grpc", "google.protobuf", "jurist.services", "jurist.client", "jurist.v1", "ray", "docker", "torch", "sympy"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program, ROOT / "verifiers", ROOT / "sandbox"], check=True)


def test_the_stubs_are_what_the_contract_generates(tmp_path: Path) -> None:
    if not PROTOC.exists():
        pytest.skip("the pinned protoc is not installed; `make test` installs it")
    generators = ("--python_out", "--grpc_python_out", "--mypy_out=quiet", "--mypy_grpc_out=quiet")
    outputs = [f"{name}{':' if '=' in name else '='}{tmp_path}" for name in generators]
    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", "-I", ROOT / "protos", *outputs, "jurist/v1/reward.proto"],
        check=True,
        env=os.environ
        | {"PYTHONPATH": str(PROTOC), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
    )
    made = sorted(path.name for path in (tmp_path / "jurist" / "v1").iterdir())
    _, differ, missing = filecmp.cmpfiles(
        tmp_path / "jurist" / "v1", ROOT / "protos" / "jurist" / "v1", made, shallow=False
    )

    assert made == ["reward_pb2.py", "reward_pb2.pyi", "reward_pb2_grpc.py", "reward_pb2_grpc.pyi"]
    assert not differ + missing, "run `make protos`"

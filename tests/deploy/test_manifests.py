"""The manifests of deploy/: valid by the schemas of those who read them, and true of the service."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from jurist.services.lanes.fleet import fleet

DEPLOY = Path(__file__).parents[2] / "deploy"
KUBERNETES = "1.31"
DOCUMENTS: list[dict[str, Any]] = list(yaml.safe_load_all((DEPLOY / "raycluster.yaml").read_text("utf-8")))
CLUSTER = DOCUMENTS[0]
GROUPS: dict[str, dict[str, Any]] = {"head": CLUSTER["spec"]["headGroupSpec"]} | {
    each["groupName"]: each for each in CLUSTER["spec"]["workerGroupSpecs"]
}


def counted(start: dict[str, str]) -> dict[str, float]:
    """What a group's nodes tell Ray that they have."""
    own: dict[str, float] = json.loads(json.loads(start.get("resources", '"{}"')))
    return own | {"CPU": float(start["num-cpus"]), "GPU": float(start.get("num-gpus", 0))}


def fits(nodes: list[dict[str, float]], wanted: dict[str, float]) -> bool:
    return any(all(node.get(name, 0) >= count for name, count in wanted.items()) for node in nodes)


@pytest.mark.parametrize("name", GROUPS)
def test_a_group_s_pods_are_pods(name: str) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", **copy.deepcopy(GROUPS[name]["template"])}
    pod.setdefault("metadata", {})["name"] = name

    kubernetes_validate.validate(pod, KUBERNETES, strict=True)


@pytest.mark.parametrize("document", DOCUMENTS[1:], ids=lambda document: str(document["kind"]))
def test_what_is_kubernetes_own_is_valid(document: dict[str, Any]) -> None:
    kubernetes_validate.validate(document, KUBERNETES, strict=True)


def test_every_lane_finds_nodes_in_both_clusters() -> None:
    types = yaml.safe_load((DEPLOY / "cluster.yaml").read_text("utf-8"))["available_node_types"]
    on_kubernetes = [counted(group["rayStartParams"]) for group in GROUPS.values()]
    on_machines = [kind["resources"] for kind in types.values()]
    for lane in fleet(None).lanes.values():
        assert fits(on_kubernetes, lane.resources), lane.resources
        assert fits(on_machines, lane.resources), lane.resources


def test_no_pod_is_privileged_root_or_given_an_engine() -> None:
    for name, group in GROUPS.items():
        spec = group["template"]["spec"]
        assert spec["securityContext"]["runAsNonRoot"], name
        assert all("hostPath" not in volume for volume in spec["volumes"]), name
        for container in spec["containers"]:
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}, name
            assert not container["securityContext"]["allowPrivilegeEscalation"], name


def test_ray_takes_the_cluster_s_configuration() -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config  # noqa: PLC0415  # seconds

    config: dict[str, Any] = yaml.safe_load((DEPLOY / "cluster.yaml").read_text("utf-8"))
    validate_config(prepare_config(config))

    config["available_node_types"]["rules"]["resource"] = {}
    with pytest.raises(Exception, match="resource"):
        validate_config(prepare_config(config))

"""The manifests of deploy/: valid by the schemas of those who read them, and true of the service."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any, Literal

import kubernetes_validate
import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from jurist.services.config import Config
from jurist.services.lanes.fleet import fleet

DEPLOY = Path(__file__).parents[2] / "deploy"
KUBERNETES = "1.31"
LOGS = 30  # of a head's processes
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


def test_no_variable_but_a_setting_has_a_setting_s_prefix() -> None:
    texts = [(DEPLOY.parent / name).read_text("utf-8") for name in ("docker-compose.yml", ".env.example")]
    names = set(re.findall(r"\bJURIST_([A-Z_]+)", "".join(texts)))

    assert names
    assert {name.lower() for name in names} <= Config.model_fields.keys()
    for name, group in GROUPS.items():
        assert group["template"]["spec"]["enableServiceLinks"] is False, name  # Services' variables have it, too


@pytest.mark.parametrize("document", DOCUMENTS[1:], ids=lambda document: str(document["kind"]))
def test_what_is_kubernetes_own_is_valid(document: dict[str, Any]) -> None:
    kubernetes_validate.validate(document, KUBERNETES, strict=True)


class Strict(BaseModel):
    """No field beside those named, as the API server's pruning would drop it in silence."""

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)


class Group(Strict):
    """What KubeRay knows of any group; the template is a pod's, checked above."""

    ray_start_params: dict[str, str]
    template: dict[str, Any]


class HeadGroup(Group):
    service_type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = "ClusterIP"
    enable_ingress: bool = False


class WorkerGroup(Group):
    group_name: str = Field(pattern=r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
    replicas: int = Field(0, ge=0)
    min_replicas: int = Field(ge=0)
    max_replicas: int = Field(ge=0)
    num_of_hosts: int = Field(1, ge=1)


class AutoscalerOptions(Strict):
    idle_timeout_seconds: int = 60
    upscaling_mode: Literal["Default", "Aggressive", "Conservative"] = "Default"
    resources: dict[str, Any] = {}
    env: list[dict[str, Any]] = []
    security_context: dict[str, Any] = {}


class ClusterSpec(Strict):
    head_group_spec: HeadGroup
    worker_group_specs: list[WorkerGroup]
    ray_version: str
    enable_in_tree_autoscaling: bool
    autoscaler_options: AutoscalerOptions


class RayCluster(Strict):
    """KubeRay 1.4's type, of ray-operator/apis/ray/v1/raycluster_types.go, as far as it is used."""

    api_version: Literal["ray.io/v1"]
    kind: Literal["RayCluster"]
    metadata: dict[str, Any]
    spec: ClusterSpec


def test_the_cluster_has_the_fields_of_kuberays_type() -> None:
    cluster = RayCluster.model_validate(CLUSTER)

    pinned = (DEPLOY.parent / "constraints.txt").read_text("utf-8").splitlines()
    assert f"ray=={cluster.spec.ray_version}" in pinned
    assert len({group.group_name for group in cluster.spec.worker_group_specs}) == len(cluster.spec.worker_group_specs)
    for group in cluster.spec.worker_group_specs:
        assert group.min_replicas <= group.replicas <= group.max_replicas, group.group_name

    misspelt = copy.deepcopy(CLUSTER)
    misspelt["spec"]["workerGroupSpecs"][0]["minReplica"] = 1
    with pytest.raises(ValidationError, match="minReplica"):
        RayCluster.model_validate(misspelt)


def test_rays_autoscaler_reads_the_cluster_as_it_is_meant() -> None:
    from ray.autoscaler._private.kuberay import autoscaling_config  # noqa: PLC0415  # seconds

    cluster = copy.deepcopy(CLUSTER)
    cluster["metadata"]["namespace"] = "default"
    config = autoscaling_config._derive_autoscaling_config_from_ray_cr(cluster)

    types: dict[str, Any] = config["available_node_types"]
    for name, group in GROUPS.items():
        kind = types["headgroup" if name == "head" else name]
        read = {resource: count for resource, count in kind["resources"].items() if resource != "memory"}
        assert read == {
            resource: count
            for resource, count in counted(group["rayStartParams"]).items()
            if count or resource == "CPU"
        }
        assert (kind["min_workers"], kind["max_workers"]) == (group.get("minReplicas", 0), group.get("maxReplicas", 0))
    assert config["idle_timeout_minutes"] == CLUSTER["spec"]["autoscalerOptions"]["idleTimeoutSeconds"] / 60


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


def test_every_process_of_rays_is_told_the_token() -> None:
    wanted = {"RAY_AUTH_MODE", "RAY_AUTH_TOKEN"}
    containers = {name: group["template"]["spec"]["containers"] for name, group in GROUPS.items()}
    containers["autoscaler"] = [CLUSTER["spec"]["autoscalerOptions"]]  # beside the head, in a container of its own
    for name, each in containers.items():
        for container in each:
            assert wanted <= {variable["name"] for variable in container["env"]}, name


def test_every_head_is_told_how_serve_is_to_treat_replicas() -> None:
    wanted = {"RAY_SERVE_MAX_PER_REPLICA_RETRY_COUNT": "1000", "RAY_SERVE_FORCE_STOP_UNHEALTHY_REPLICAS": "1"}
    (node,) = GROUPS["head"]["template"]["spec"]["containers"]
    compose = yaml.safe_load((DEPLOY.parent / "docker-compose.yml").read_text("utf-8"))
    machines = yaml.safe_load((DEPLOY / "cluster.yaml").read_text("utf-8"))

    assert wanted.items() <= {variable["name"]: variable.get("value") for variable in node["env"]}.items()
    assert wanted.items() <= compose["services"]["head"]["environment"].items()
    assert all(f"{name}={value} " in machines["head_start_ray_commands"][1] for name, value in wanted.items())


def test_kuberay_adds_no_probes_of_its_own() -> None:
    # They call wget, which the image has not.
    for name, group in GROUPS.items():
        node = group["template"]["spec"]["containers"][0]
        assert {"livenessProbe", "readinessProbe"} <= node.keys(), name


def test_the_front_s_node_outlives_what_drains_through_it() -> None:
    spec = GROUPS["front"]["template"]["spec"]
    _, wait_s = spec["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]

    assert Config.model_fields["drain_s"].default < int(wait_s) < spec["terminationGracePeriodSeconds"]


def test_ray_takes_the_cluster_s_configuration() -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config  # noqa: PLC0415  # seconds

    config: dict[str, Any] = yaml.safe_load((DEPLOY / "cluster.yaml").read_text("utf-8"))
    validate_config(prepare_config(config))

    config["available_node_types"]["rules"]["resource"] = {}
    with pytest.raises(Exception, match="resource"):
        validate_config(prepare_config(config))


def test_docker_finds_the_profile_where_ray_puts_it() -> None:
    from ray.autoscaler.sdk import get_docker_host_mount_location  # noqa: PLC0415  # seconds

    config: dict[str, Any] = yaml.safe_load((DEPLOY / "cluster.yaml").read_text("utf-8"))
    (profile,) = [mounted for mounted, here in config["file_mounts"].items() if here == "deploy/seccomp.json"]

    on_host = get_docker_host_mount_location(config["cluster_name"]) + profile
    assert f"--security-opt seccomp={on_host}" in config["docker"]["run_options"]


def test_every_container_of_the_cluster_finds_the_token() -> None:
    config: dict[str, Any] = yaml.safe_load((DEPLOY / "cluster.yaml").read_text("utf-8"))
    (token,) = [mounted for mounted, here in config["file_mounts"].items() if here == "~/.jurist/ray-token"]

    assert {"-e RAY_AUTH_MODE=token", f"-e RAY_AUTH_TOKEN_PATH={token}"} <= set(config["docker"]["run_options"])


def test_logs_leave_room_in_the_head_s_memory() -> None:
    head = yaml.safe_load((DEPLOY.parent / "docker-compose.yml").read_text("utf-8"))["services"]["head"]
    settings = head["environment"]
    kept = int(settings["RAY_ROTATION_MAX_BYTES"]) * (1 + int(settings["RAY_ROTATION_BACKUP_COUNT"]))

    assert head["mem_limit"] == "1g"  # they lie in it
    assert LOGS * kept < 1 << 28

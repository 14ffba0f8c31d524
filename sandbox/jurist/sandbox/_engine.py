"""The Docker engine, as far as the sandbox needs it. Each call blocks; each failure says how to get what is missing.

The only file that imports the `docker` package. It speaks of containers by their ids and of configurations as the
engine's API has them.
"""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, Self

from jurist.sandbox._values import SandboxUnavailableError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from docker import APIClient

__all__ = ["IMAGE", "Engine"]

IMAGE: Final = "jurist/sandbox"
"""The image that `sandbox/Dockerfile` describes."""
GVISOR: Final = "runsc"
"""Names of runtimes that begin so are taken for gVisor."""
USUAL: Final = "unix:///var/run/docker.sock"
TIMEOUT_S: Final = 60.0
"""Of one call; a start takes 0.3 s when nothing else runs."""
NO_PACKAGE: Final = "the Docker backend needs the package docker: pip install 'jurist[docker]'"
NO_ENGINE: Final = (
    "start it (systemctl start docker, or dockerd), install it (apt-get install docker.io), let this user reach its "
    "socket (usermod --append --groups docker USER), or name it by DOCKER_HOST=unix:///..."
)
NO_RUNTIME: Final = (
    'install it (gVisor: apt-get install runsc), name it under "runtimes" in /etc/docker/daemon.json as '
    "docs/sandbox.md shows, and reload the engine (kill -HUP)"
)


def no_image(image: str) -> str:
    """Say how to get an image that the engine does not have."""
    if image.partition(":")[0] == IMAGE:
        return f"the engine has no image {image}: docker build --tag {image} --file sandbox/Dockerfile sandbox"
    return f"the engine has no image {image}: docker pull {image}, or build it; Jurist itself pulls nothing"


@contextmanager
def _told(doing: str) -> Generator[None]:
    """Turn what the package raises into our own error."""
    # Imported here since the package is optional.
    import docker.errors  # noqa: PLC0415

    try:
        yield
    except docker.errors.APIError as error:
        said = str(error.explanation or error)
        remedy = f"; {NO_RUNTIME}" if "runtime" in said.lower() else ""
        raise SandboxUnavailableError(f"the Docker engine cannot {doing}: {said}{remedy}") from None
    except (docker.errors.DockerException, OSError) as error:
        raise SandboxUnavailableError(f"no Docker engine answers ({error}): {NO_ENGINE}") from None


class Engine:
    """A connection to the engine of this host."""

    def __init__(self, client: APIClient) -> None:
        self._client: Any = client  # half of its methods have no types
        with _told("say what it is"):
            info: dict[str, Any] = client.info()
        self.version = str(info["ServerVersion"])
        self.runtimes: Sequence[str] = sorted(info["Runtimes"])
        self.limits_memory = bool(info["MemoryLimit"] and info.get("PidsLimit", True))
        self.has_apparmor = any("apparmor" in option for option in info["SecurityOptions"])

    @classmethod
    def connected(cls, url: str = "") -> Self:
        """Reach the engine at `url`, or where DOCKER_HOST says, or at its usual socket.

        Raises:
            SandboxUnavailableError: there is none, or it is on another host.
        """
        try:
            import docker  # noqa: PLC0415  optional
        except ImportError:
            raise SandboxUnavailableError(NO_PACKAGE) from None
        url = url or os.environ.get("DOCKER_HOST", "")
        if url and not url.startswith("unix://"):
            raise SandboxUnavailableError(
                f"the Docker engine at {url} is not on this host: programs, inputs and outputs pass through a Unix "
                "socket that is mounted into the containers. Run the service beside the engine"
            )
        path = (url or USUAL).removeprefix("unix://")
        try:
            # The package, when it fails to connect, leaves its socket open.
            with socket.socket(socket.AF_UNIX) as trial:
                trial.connect(path)
        except OSError as error:
            raise SandboxUnavailableError(f"no Docker engine answers at {path} ({error}): {NO_ENGINE}") from None
        with _told("be reached"):
            return cls(docker.APIClient(base_url=url or None, version="auto", timeout=int(TIMEOUT_S)))

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def image_id(self, image: str) -> str:
        """Find an image by name.

        Raises:
            SandboxUnavailableError: the engine does not have it.
        """
        import docker.errors  # noqa: PLC0415  as above

        with _told("look at its images"):
            try:
                found: dict[str, Any] = self._client.inspect_image(image)
            except docker.errors.ImageNotFound:
                raise SandboxUnavailableError(no_image(image)) from None
            return str(found["Id"])

    def environment(self, image: str) -> Mapping[str, str]:
        """Give the variables that an image sets."""
        with _told("look at its images"):
            found: dict[str, Any] = self._client.inspect_image(image)
            variables: Sequence[str] = found["Config"]["Env"] or ()
            return {name: value for name, _, value in (variable.partition("=") for variable in variables)}

    def create(self, configuration: Mapping[str, Any]) -> str:
        """Make a container and give its id."""
        with _told("make a container"):
            made: dict[str, Any] = self._client.create_container_from_config(dict(configuration))
            return str(made["Id"])

    def attach(self, container: str) -> socket.socket:
        """Give what the container writes, framed as the engine does, until it ends."""
        with _told("attach to a container"):
            stream: Any = self._client.attach_socket(container)
            # Its object is part of a response that nobody can close.
            return socket.socket(fileno=stream._sock.detach())  # noqa: SLF001  there is no other way to it

    def start(self, container: str) -> int:
        """Start a container and give the pid of its first process on this host."""
        with _told("start a container"):
            self._client.start(container)
            found: dict[str, Any] = self._client.inspect_container(container)
            return int(found["State"]["Pid"])

    def limit_memory(self, container: str, memory_bytes: int) -> None:
        """Change what a container's processes may use together."""
        with _told("change a container's memory"):
            self._client.update_container(container, mem_limit=memory_bytes, memswap_limit=memory_bytes)

    def labelled(self, label: str) -> Mapping[str, str]:
        """Find the containers that have a label, and give its values."""
        with _told("list its containers"):
            found: list[dict[str, Any]] = self._client.containers(all=True, filters={"label": label})
            return {each["Id"]: each["Labels"][label] for each in found}

    def remove(self, container: str) -> None:
        """Kill a container and remove it; one that is gone already is no error."""
        import docker.errors  # noqa: PLC0415  as above

        with _told("remove a container"):
            try:
                self._client.remove_container(container, force=True)
            except docker.errors.NotFound:
                return
            except docker.errors.APIError as error:
                if error.status_code != 409:  # noqa: PLR2004  HTTP's "conflict"
                    raise
                # It is being removed already, as `AutoRemove` has it.
                with suppress(docker.errors.NotFound):
                    self._client.wait(container, condition="removed")

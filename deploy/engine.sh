#!/usr/bin/env bash
# Makes this Debian host ready for the Docker backend and its tests, as root, without a registry of images:
# the engine, gVisor, a Python base image made by debootstrap, and the sandbox's image. What is there already is kept.
#
#     deploy/engine.sh
#
# BASE (jurist/python:3.11) and IMAGE (jurist/sandbox:test) name the images, TOOLCHAINS the packages in the second.
# An engine that was not running is started for the time of the builds alone.
set -euo pipefail
cd "$(dirname "$0")/.."
BASE=${BASE:-jurist/python:3.11}
IMAGE=${IMAGE:-jurist/sandbox:test}
TOOLCHAINS=${TOOLCHAINS:-gcc g++ libc6-dev nodejs}
CA=/usr/local/share/ca-certificates

install() {
    local missing=()
    command -v dockerd > /dev/null || missing+=(docker.io)
    docker compose version > /dev/null 2>&1 || command -v docker-compose > /dev/null || missing+=(docker-compose)
    command -v debootstrap > /dev/null || missing+=(debootstrap)
    command -v runsc > /dev/null || missing+=(runsc)
    if [ ${#missing[@]} -gt 0 ]; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
    fi
}

# The engine's runtimes: gVisor without a network of its own, permitted to connect to the supervisor's socket.
runtimes() {
    python3 - << 'PYTHON'
import contextlib, json, os, pathlib, signal
path = pathlib.Path("/etc/docker/daemon.json")
settings = json.loads(path.read_text()) if path.exists() else {}
wanted = {"path": "/usr/bin/runsc", "runtimeArgs": ["--network=none", "--host-uds=open"]}
if settings.get("runtimes", {}).get("runsc") != wanted:
    settings.setdefault("runtimes", {})["runsc"] = wanted
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(settings, indent=2) + "\n")
    # One that runs reads them anew; a file that an engine left when it was killed names nobody.
    for pid in pathlib.Path("/run").glob("docker.pid"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid.read_text()), signal.SIGHUP)
PYTHON
}

start() {
    docker version > /dev/null 2>&1 && return
    local log
    log=$(mktemp)
    dockerd > "$log" 2>&1 &
    local pid=$!
    # shellcheck disable=SC2064  # the pid of now
    trap "kill $pid; wait $pid || true; rm -f $log" EXIT
    for _ in $(seq 120); do
        docker version > /dev/null 2>&1 && return
        sleep 0.5
    done
    echo "dockerd does not answer:" >&2
    tail -n 20 "$log" >&2
    exit 1
}

base() {
    docker image inspect "$BASE" > /dev/null 2>&1 && return
    local root
    root=$(mktemp -d)
    debootstrap --variant=minbase --include=python3,python3-pip,python3-venv,ca-certificates bookworm "$root" > /dev/null
    # Where this host trusts an authority of its own, the image does.
    if compgen -G "$CA/*.crt" > /dev/null; then
        cp "$CA"/*.crt "$root$CA/"
        chroot "$root" update-ca-certificates > /dev/null 2>&1
    fi
    ln -sf python3 "$root/usr/bin/python"
    rm -f "$root/usr/lib/python3.11/EXTERNALLY-MANAGED"
    local bundle=/etc/ssl/certs/ca-certificates.crt
    tar -C "$root" -c . | docker import \
        -c 'ENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin' \
        -c "ENV PIP_CERT=$bundle SSL_CERT_FILE=$bundle REQUESTS_CA_BUNDLE=$bundle" \
        -c 'CMD ["python3"]' - "$BASE" > /dev/null
    rm -rf "$root"
}

install
runtimes
start
base
docker build --quiet --tag "$IMAGE" --build-arg "BASE_IMAGE=$BASE" --build-arg "TOOLCHAINS=$TOOLCHAINS" \
    --file sandbox/Dockerfile sandbox

"""The compositions: the file says what it means, and our programs take it. `tests/system/test_compositions.py` runs
them."""

from __future__ import annotations

import re
import socket
import subprocess
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Final

import pytest

from integritee.devnet import main as umbrella
from integritee.devnet.config import PLAYS
from integritee.devnet.launch_file import check
from integritee.devnet.ports import HOST
from integritee.node import cli as node_cli
from integritee.worker import options as worker_options
from integritee.worker.config import parse as parse_worker

from .compose import DONE, FOLDER, HEALTHY, Service, in_order, of_profile, read
from .composition import is_healthy

PROFILES: Final = {
    "dev": {"node", "worker-1"},
    "two-workers": {"node", "worker-1", "worker-2"},
    "three-nodes": {"node", "target-a", "target-b", "worker-of-three"},
    "demos": {
        *("node", "worker-1", "worker-2"),
        *("demo-sidechain", "demo-direct-call", "demo-shielding-unshielding"),
    },
    "benchmark": {"node", "worker-1", "sidechain-benchmark"},
    "fork-inducer": {"node", "worker-1", "worker-2", "demo-sidechain", "network-delay"},
}
SERVICES: Final = read()
OURS: Final = {name: service for name, service in SERVICES.items() if service.image == "integritee"}
FILES: Final = ("Dockerfile", "fork-inducer.Dockerfile")


@pytest.fixture(params=PROFILES)
def profile(request: pytest.FixtureRequest) -> dict[str, Service]:
    """The services of each."""
    return of_profile(request.param, SERVICES)


def test_profiles_are_those_the_file_tells_of() -> None:
    assert {name: set(of_profile(name, SERVICES)) for name in PROFILES} == PROFILES
    assert {name for service in SERVICES.values() for name in service.profiles} == set(PROFILES)
    told = re.findall(r"^# \| (\S+) +\|.*\|$", (FOLDER / "compose.yaml").read_text(), re.MULTILINE)
    assert set(PROFILES) <= set(told)


def test_what_a_service_depends_on_is_in_its_profile(profile: dict[str, Service]) -> None:
    assert {service.name for service in in_order(profile)} == set(profile)


def test_what_is_waited_for_comes(profile: dict[str, Service]) -> None:
    """Health of those that have a check, the end of those that have none."""
    for service in profile.values():
        for other, condition in service.depends_on.items():
            assert condition == (DONE if profile[other].health is None else HEALTHY)


def test_published_ports_are_of_this_host_and_of_one_service(profile: dict[str, Service]) -> None:
    published = [port for service in profile.values() for port in service.ports]
    found = [re.fullmatch(r"127\.0\.0\.1:(\d+):(\d+)", port) for port in published]
    assert all(port is not None and port[1] == port[2] for port in found)
    assert max(Counter(published).values()) == 1


def test_ports_in_commands_and_checks_are_those_published() -> None:
    for service in OURS.values():
        named = {port.rpartition(":")[2] for port in service.ports}
        if service.health is not None:
            assert service.health[:2] == ("CMD", "healthy")
            assert service.health[2].split("/")[2].partition(":")[2] in named
        assert named <= set(service.words)


@pytest.mark.parametrize("service", OURS.values(), ids=OURS)
def test_our_programs_take_the_commands(service: Service) -> None:
    program, *words = service.words
    match program:
        case "node":
            check(service.name, node_cli.parser(), words)
        case "worker":
            check(service.name, worker_options.parser(), words)
            config = parse_worker(words)
            assert config.dev and config.clean_reset and config.bind_host == "0.0.0.0"
            assert config.trusted_url.startswith(f"wss://{service.name}:")
            assert config.mu_ra_url == f"{service.name}:{config.mu_ra_port}"
        case "play":
            parser, _ = umbrella._parsers()
            check(service.name, parser, service.words)
            assert words[0] in PLAYS
        case _:
            pytest.fail(f"nobody knows the program {program}")


@pytest.mark.parametrize("service", OURS.values(), ids=OURS)
def test_clients_ask_where_services_are(service: Service) -> None:
    hosts = {word.partition("://")[2] for word in service.words if "://" in word}
    assert hosts <= set(SERVICES)
    ports = {SERVICES[host].words for host in hosts}
    asked = {
        value
        for option, value in zip(service.words, service.words[1:], strict=False)
        if option in ("-p", "-A", "-B") or option.endswith("-parentchain-rpc-port")
    }
    assert asked <= {word for words in ports for word in words}


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
def test_containers_may_do_little(service: Service) -> None:
    assert service.raw["cap_drop"] == ["ALL"]
    assert service.raw.get("privileged") is None
    assert not any("docker.sock" in str(value) for value in service.raw.values())
    added: Any = service.raw.get("cap_add", [])
    assert added == (["NET_ADMIN"] if service.name == "network-delay" else [])


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
def test_images_are_built_from_what_is_here(service: Service) -> None:
    build = service.raw["build"]
    root = (FOLDER / build["context"]).resolve()
    text = (root / build["dockerfile"]).read_text()
    copied = re.findall(r"^COPY (?!--from)(?:--\S+ )?(.*) \S+$", text, re.MULTILINE)
    for name in " ".join(copied).split():
        assert (root / name).exists(), name
        assert any(name == kept or name.startswith(f"{kept}/") for kept in kept_for_build(root)), name


def kept_for_build(root: Any) -> list[str]:
    """What `.dockerignore` leaves."""
    lines = (root / ".dockerignore").read_text().splitlines()
    assert lines[0] == "*"
    return [line.removeprefix("!") for line in lines if line.startswith("!")]


@pytest.mark.parametrize("file", FILES)
def test_base_images_have_plain_names(file: str) -> None:
    bases = re.findall(r"^FROM (\S+)", (FOLDER / file).read_text(), re.MULTILINE)
    assert bases
    assert all(re.fullmatch(r"scratch|(python|debian):[\w.-]+", base) for base in bases)


def test_the_image_runs_as_nobody_special_and_is_checked() -> None:
    last_stage = (FOLDER / "Dockerfile").read_text().rpartition("\nFROM ")[2]
    assert re.search(r"^USER 10001:10001$", last_stage, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK .*http://127\.0\.0\.1:4545/healthz", last_stage, re.MULTILINE)
    assert "--require-hashes" in (FOLDER / "Dockerfile").read_text()


def test_scripts_are_shell() -> None:
    subprocess.run(["sh", "-n", str(FOLDER / "delay.sh")], check=True)


# -- the health check


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(int(self.path.strip("/")))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(("status", "good"), [(200, True), (204, True), (404, False), (503, False)])
def test_health_by_http(status: int, good: bool) -> None:
    with HTTPServer((HOST, 0), Answers) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        assert is_healthy(f"http://{HOST}:{server.server_port}/{status}") is good


def test_health_by_connecting() -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        assert is_healthy(f"tcp://{HOST}:{port}")
    assert not is_healthy(f"tcp://{HOST}:{port}")
    assert not is_healthy(f"http://{HOST}:{port}/healthz")

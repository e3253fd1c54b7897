"""`deploy/docker/compose.yaml` played with processes: its services, commands, health checks and order.

A container has files and a network of its own. Here a service has a directory in place of ``/data``, names of hosts
are loopback, and each port is another one that is free. All the rest is done as it is written.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

FOLDER: Final = Path(__file__).parents[2] / "deploy" / "docker"
VARIABLE: Final = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")

STARTED, HEALTHY, DONE = "service_started", "service_healthy", "service_completed_successfully"


@dataclass(frozen=True)
class Service:
    """`words` is the command as a shell would split it; `depends_on` has conditions by service."""

    name: str
    image: str
    profiles: tuple[str, ...]
    words: tuple[str, ...]
    depends_on: Mapping[str, str]
    ports: tuple[str, ...]
    environment: Mapping[str, str]
    health: tuple[str, ...] | None
    raw: Mapping[str, Any] = field(repr=False)


def read(variables: Mapping[str, str] | None = None) -> dict[str, Service]:
    """All services by name, in the order of the file."""
    text = (FOLDER / "compose.yaml").read_text()
    found = yaml.safe_load(VARIABLE.sub(lambda v: (variables or {}).get(v[1], v[2] or ""), text))
    return {name: _service(name, raw) for name, raw in found["services"].items()}


def _service(name: str, raw: Mapping[str, Any]) -> Service:
    health = raw.get("healthcheck", {}).get("test")
    return Service(
        name=name,
        image=raw["image"],
        profiles=tuple(raw["profiles"]),
        words=tuple(shlex.split(raw["command"])),
        depends_on={other: how["condition"] for other, how in raw.get("depends_on", {}).items()},
        ports=tuple(raw.get("ports", ())),
        environment=raw.get("environment", {}),
        health=None if health is None else tuple(health),
        raw=raw,
    )


def of_profile(profile: str, services: Mapping[str, Service]) -> dict[str, Service]:
    return {name: service for name, service in services.items() if profile in service.profiles}


def numbers_of_ports(services: Mapping[str, Service]) -> set[int]:
    """All that their commands name, whether published or not."""
    options = {"--rpc-port", "-P", "-w", "-r", "-h"}
    return {
        int(value)
        for service in services.values()
        for option, value in zip(service.words, service.words[1:], strict=False)
        if option in options
    }


class Loopback:
    """Words of commands, for processes side by side on this machine."""

    def __init__(self, services: Mapping[str, Service], ports: Mapping[int, int], directory: Path) -> None:
        names = "|".join(sorted(map(re.escape, services), key=len, reverse=True))
        self._hosts = re.compile(rf"(?<=://)(?:{names})(?=[:/]|$)|^(?:{names})$")
        self._ports = re.compile("|".join(rf"(?<!\d){port}(?!\d)" for port in ports))
        self._new, self._directory = ports, directory

    def place(self, name: str) -> Path:
        """What is ``/data`` for a service."""
        return self._directory / name

    def command(self, service: Service) -> list[str]:
        """The first word is that of a program, though hosts may have the same name."""
        program, *words = service.words
        return [program, *(self.word(word, service) for word in words)]

    def word(self, word: str, service: Service) -> str:
        if word == "/data":
            return str(self.place(service.name))
        word = self._ports.sub(lambda port: str(self._new[int(port[0])]), word)
        return self._hosts.sub("127.0.0.1", word)


def in_order(services: Mapping[str, Service]) -> list[Service]:
    """Each behind all it depends on. Raises ValueError if that cannot be."""
    done: dict[str, Service] = {}
    while len(done) < len(services):
        ready = [s for s in services.values() if s.name not in done and set(s.depends_on) <= set(done)]
        if not ready:
            raise ValueError(f"{sorted(set(services) - set(done))} wait for each other, or for nobody")
        done |= {service.name: service for service in ready}
    return list(done.values())

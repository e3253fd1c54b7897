"""A profile of the compositions that runs: a process for each container."""

from __future__ import annotations

import importlib.util
import socket
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Self

from integritee.devnet.ports import HOST

from ..system.processes import Service as Process
from ..system.processes import eventually
from .compose import DONE, FOLDER, HEALTHY, Loopback, Service, in_order, numbers_of_ports, of_profile, read

FAST: Final = {"SEAL": "interval:0.2", "SLOT_MS": "200", "CLIENTS": "5", "TRANSFERS": "10"}
"""Variables of a test that does not want to wait."""

MODULE: Final = "integritee.devnet.main"
IMAGE: Final = "integritee"

PLAY_SECONDS: Final = 60.0
"""Patience with a service that has to end."""


def _healthy() -> Any:
    """The health check of the image."""
    spec = importlib.util.spec_from_file_location("healthy", FOLDER / "healthy.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


is_healthy: Final = _healthy().is_healthy


class Container(Process):
    """The process of a service."""

    def __init__(self, service: Service, command: list[str], directory: Path) -> None:
        super().__init__(MODULE, command, directory, service.name)
        self._environment = {name: str(value) for name, value in service.environment.items()}

    def environment(self) -> dict[str, str]:
        return {"INTEGRITEE_LOG": "INFO", **self._environment}


class Composition:
    """What `profiles` enable of our image. `stop` it in any case."""

    def __init__(self, profiles: Sequence[str], directory: Path, variables: Mapping[str, str] = FAST) -> None:
        enabled = [of_profile(profile, read(variables)) for profile in profiles]
        self.services = {name: s for services in enabled for name, s in services.items() if s.image == IMAGE}
        self.ports = free_ports(numbers_of_ports(self.services))
        self._loopback = Loopback(self.services, self.ports, directory)
        self.containers: dict[str, Container] = {}

    def start(self) -> Self:
        """Start what has to run on: all services but those that somebody waits for to end, and what is behind."""
        for service in in_order(self.services):
            if service.health is not None:
                self.run(service.name)
        for name, service in self.services.items():
            if service.health is not None:
                self.wait_healthy(name)
        return self

    def run(self, name: str) -> Container:
        """Start a service, once those are as it wants them that it depends on."""
        service = self.services[name]
        for other, condition in service.depends_on.items():
            if condition == HEALTHY:
                self.wait_healthy(other)
            elif condition == DONE:
                awaited = self.containers.get(other) or self.run(other)
                assert awaited.exit_code(PLAY_SECONDS) == 0
        place = self._loopback.place(name)
        container = Container(service, self._loopback.command(service), place)
        self.containers[name] = container
        container.spawn()
        return container

    def wait_healthy(self, name: str) -> None:
        service = self.services[name]
        assert service.health is not None
        _, program, url = service.health
        assert program == "healthy"
        url = self._loopback.word(url, service)
        container = self.containers[name]

        def is_good() -> bool:
            assert container.is_running, container.output()[-4000:]
            return bool(is_healthy(url))

        eventually(is_good, f"the health of {name}")

    def stop(self) -> None:
        for container in reversed(self.containers.values()):
            container.destroy()


def free_ports(wanted: set[int]) -> dict[int, int]:
    """A free port for each."""
    with ExitStack() as held:
        sockets = {port: held.enter_context(socket.create_server((HOST, 0))) for port in sorted(wanted)}
        return {port: int(server.getsockname()[1]) for port, server in sockets.items()}

"""Processes that the tests of a module share, and ones of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from .processes import Node, Service, Worker

S = TypeVar("S", bound=Service)


@pytest.fixture
def own() -> Iterator[Callable[[S], S]]:
    """Registers services that end with the test."""
    services: list[Service] = []

    def register(service: S) -> S:
        services.append(service)
        return service

    yield register
    for service in reversed(services):
        service.destroy()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node for the tests of a module."""
    service = Node(tmp_path_factory.mktemp("node"))
    try:
        yield service.start()
    finally:
        service.destroy()


@pytest.fixture(scope="module")
def worker(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A worker for the tests of a module, ready for calls, that logs all it can."""
    service = Worker(tmp_path_factory.mktemp("worker"), node.port, log_level="DEBUG", options=("--enable-metrics",))
    try:
        yield service.start()
    finally:
        service.destroy()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path

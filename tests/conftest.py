"""Real processes for the whole session: a parentchain and a worker, and their words beside a failing test."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from itertools import zip_longest
from typing import Final, TypeVar

import pytest

from .system.processes import Node, Service, Worker

S = TypeVar("S", Node, Worker)

LOG_TAIL: Final = 6000
"""Characters of a process's log that a failing test shows."""


WAITING: Final = ("tests/system/", "tests/devnet/", "tests/conformance/", "tests/docs/")
"""Folders of tests that mostly wait for processes of their own."""

BUSY_PER_WAITING: Final = 4
"""Files of other tests between two files of those."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that wait and files that keep a core busy take turns, so that no run ends with all processes waiting."""
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.nodeid.partition("::")[0], []).append(item)
    waiting = [tests for name, tests in files.items() if name.startswith(WAITING)]
    busy = [tests for name, tests in files.items() if not name.startswith(WAITING)]
    between = [busy[at : at + BUSY_PER_WAITING] for at in range(0, len(busy), BUSY_PER_WAITING)]
    items[:] = [
        test
        for first, others in zip_longest(waiting, between, fillvalue=[])
        for tests in ([first] if first else []) + list(others)
        for test in tests
    ]


@pytest.fixture(scope="session")
def node_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A development parentchain, five blocks a second, shared by all tests that ask for it."""
    yield from _running(Node(tmp_path_factory.mktemp("node-process")))


@pytest.fixture(scope="session")
def worker_process(node_process: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A worker on `node_process` that takes trusted calls, shared by all tests that ask for it."""
    yield from _running(Worker(tmp_path_factory.mktemp("worker-process"), node_process.port))


def _running(service: S) -> Iterator[S]:
    try:
        yield service.start()
    finally:
        service.destroy()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the logs of the processes that a failed test talked to."""
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        for value in item.funcargs.values():
            if isinstance(value, Service):
                report.sections.append((f"log of {value.name}", value.output()[-LOG_TAIL:]))
    return report

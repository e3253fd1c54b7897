"""The order of the whole suite; a parentchain and a worker in processes of their own, and what they said."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest

from .system.processes import Node, Service, Worker

S = TypeVar("S", Node, Worker)

HERE: Final = Path(__file__).parent

LOG_TAIL: Final = 6000
"""Characters of a process's log that a failing test shows."""


WAITING: Final = ("tests/system/", "tests/devnet/", "tests/conformance/", "tests/docs/")
"""Folders of tests that mostly wait for processes of their own."""


# -- collection --------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    """Each process loads all tests, and keeps them until the end: what one has compiled is there for the others, and
    none of it is looked through for garbage. Processes that tests start write bytecode, or do not, as ever."""
    writes_nothing, sys.dont_write_bytecode = sys.dont_write_bytecode, False
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
        sys.dont_write_bytecode = writes_nothing


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Each process begins with other folders, so that few files are compiled by two of them."""
    report = yield
    if collector.path == HERE and isinstance(collector, pytest.Directory):
        place: dict[str, Any] = getattr(collector.config, "workerinput", {"workerid": "gw0", "workercount": 1})
        first = len(report.result) * int(place["workerid"].removeprefix("gw")) // place["workercount"]
        report.result = report.result[first:] + report.result[:first]
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that wait are spread evenly over those that keep a core busy, so that at no time all processes wait. The
    longest are in the last folders, and come first."""
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.nodeid.partition("::")[0], []).append(item)
    names = sorted(files, reverse=True)
    ranks = [rank for kind in (True, False) for rank in _ranks([n for n in names if n.startswith(WAITING) == kind])]
    items[:] = [test for _, name in sorted(ranks) for test in files[name]]


def _ranks(names: list[str]) -> list[tuple[float, str]]:
    """Where each has its turn, from 0 to 1, if they are spread evenly."""
    return [(number / len(names), name) for number, name in enumerate(names)]


@pytest.fixture(scope="session")
def wasm_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where compiled runtimes are kept for all processes of the run."""
    own = tmp_path_factory.getbasetemp()
    return (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "wasm"


# -- processes ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def node_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A development parentchain, five blocks a second, shared by the tests of a module. It does not outlive them: it
    would go on making blocks."""
    yield from _running(Node(tmp_path_factory.mktemp("node-process")))


@pytest.fixture(scope="module")
def worker_process(node_process: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A worker on `node_process` that takes trusted calls, shared by the tests of a module."""
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

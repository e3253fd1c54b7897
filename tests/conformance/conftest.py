"""Foreign clients against real processes. Each client runs once; many tests look at what it reports."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..system.processes import Node, Worker
from .environments import EXTERNAL, missing_node, node_packages, python_environment
from .reports import Report, run_client

PARENTCHAIN_CLIENTS = ("polkadot_js", "substrate_interface", "async_substrate_interface")


@pytest.fixture(scope="session")
def javascript() -> Path:
    """The directory of the JavaScript clients. Without Node.js their tests are skipped."""
    missing = missing_node()
    if missing is not None:
        pytest.skip(missing)
    return node_packages()


@pytest.fixture(scope="module")
def polkadot_js(javascript: Path, node_process: Node) -> Report:
    """@polkadot/api on the parentchain."""
    return run_client("polkadot-js", ["node", "parentchain.mjs", node_process.url], javascript)


@pytest.fixture(scope="module")
def substrate_interface(node_process: Node) -> Report:
    """substrate-interface on the parentchain."""
    python = python_environment("substrate-interface")
    command = [str(python), "substrate_interface_client.py", node_process.url]
    return run_client("substrate-interface", command, EXTERNAL)


@pytest.fixture(scope="module")
def async_substrate_interface(node_process: Node) -> Report:
    """async-substrate-interface on the parentchain."""
    python = python_environment("async-substrate-interface")
    command = [str(python), "async_substrate_interface_client.py", node_process.url]
    return run_client("async-substrate-interface", command, EXTERNAL)


@pytest.fixture(scope="module", params=PARENTCHAIN_CLIENTS)
def parentchain_client(request: pytest.FixtureRequest) -> Report:
    """Every foreign client of the parentchain in turn."""
    report: Report = request.getfixturevalue(request.param)
    return report


@pytest.fixture(scope="module")
def trusted_rpc(javascript: Path, node_process: Node, worker_process: Worker) -> Report:
    """A client of npm packages on the worker's trusted RPC, its user coming from the parentchain."""
    command = ["node", "trusted-rpc.mjs", node_process.url, worker_process.url]
    return run_client("trusted-rpc.mjs", command, javascript)

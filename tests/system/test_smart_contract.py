"""The original's smart-contract demo (worker `cli/demo_smart_contract.sh`), through the command line.

//Alice creates a counter that begins at 0x22, increments it, and adds 3. Her address in the EVM is new, so the
contract's is known beforehand.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..apps.evm.contracts import COUNTER
from .processes import Cli, Node, Service, Worker

CONTRACT = "0x8a50db1e0f9452cfd91be8dc004ceb11cb08832f"
INC = "371303c0"
ADD_THREE = "1003e2d2" + (3).to_bytes(32, "big").hex()


def word(value: int) -> str:
    return f"0x{value:064x}"


def test_counter(node_process: Node, own: Callable[[Service], Service], directory: Path) -> None:
    worker = Worker(directory / "evm", node_process.port, apps=("evm",))
    own(worker)
    worker.start()
    cli = Cli(directory, node_process, worker)

    created = cli.trusted("evm-create", "//Alice", COUNTER.hex()).splitlines()
    assert "is InSidechainBlock(0x" in created[-2]
    assert created[-1] == f"Created the smart contract with address {CONTRACT}"
    assert cli.trusted("evm-read", "//Alice", CONTRACT) == word(0x22)

    for function, expected in ((INC, 0x23), (ADD_THREE, 0x26)):
        called = cli.trusted("evm-call", "//Alice", CONTRACT, function).splitlines()
        assert called[0] == "calling smart contract function"
        assert "is InSidechainBlock(0x" in called[-1]
        assert cli.trusted("evm-read", "//Alice", CONTRACT) == word(expected)

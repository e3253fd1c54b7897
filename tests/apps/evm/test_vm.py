"""Ethereum's VM tests: what code leaves in storage, logs and output.

The tests (see `vectors/README.md`) are of 2015; their gas is that of another time and is not compared.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from integritee.apps.evm.engine import execute
from integritee.apps.evm.transaction import Surroundings, Transaction

from .state_tests import World, number, octets

TESTS: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "evm" / "vm-tests.json").read_text()
)
USUAL = {
    "caller": "cd1722f3947def4cf144679da39c4c32bdc35681",
    "address": "0f572e5295c57f15886f9b263e2f6d2d6c7b5ec6",
    "coinbase": "2adc25665018aa1fe0e6bc666dac8fc2697ff9ba",
    "parent": "5e20a0453cecd065ea59c37ac63e079ee08998b6045136a8ce6635c7912ec0b6",
    "price": 10**14,
    "value": 10**18,
    "difficulty": 256,
    "number": 0,
    "timestamp": 1,
    "data": "",
    "out": "",
    "logs": [],
    "storage": {},
    "others": {},
}
GAS = 3_000_000


@pytest.mark.parametrize("name", TESTS)
def test_vm(name: str) -> None:
    test = USUAL | TESTS[name]
    caller, address = octets(test["caller"]), octets(test["address"])
    world = World(
        nonces={},
        balances={caller: 1 << 255},
        codes={octets(a): octets(code) for a, code in {test["address"]: test["code"], **test["others"]}.items()},
        storage={address: {number(slot): number(value) for slot, value in test["storage"].items()}},
    )
    around = Surroundings(
        number=test["number"],
        timestamp=test["timestamp"],
        difficulty=test["difficulty"],
        coinbase=octets(test["coinbase"]),
        block_hashes=(octets(test["parent"]),),
    )
    price = test["price"]
    tx = Transaction(caller, address, octets(test["data"]), test["value"], GAS, price, price)
    receipt = execute(tx, around, world)
    assert receipt.failure is None
    world.keep(receipt.changes)
    assert world.storage.get(address, {}) == {number(slot): number(value) for slot, value in test["post"].items()}
    assert receipt.output == octets(test["out"])
    assert [[log.address.hex(), [t.hex() for t in log.topics], log.data.hex()] for log in receipt.logs] == test[
        "logs"
    ]


def test_there_are_enough() -> None:
    assert len(TESTS) == 456

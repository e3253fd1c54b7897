"""Runs Ethereum's official state tests (`GeneralStateTests`) of the London fork through the engine.

A case gives accounts, block, transaction and the state root and log hash afterwards. Their roots are computed here,
from the engine's net changes, so nothing that the engine forgets to report goes unseen. As a program it runs every
file below the folders it is given and prints what differs::

    python -m tests.apps.evm.state_tests GeneralStateTests/stExample GeneralStateTests/stSStoreTest
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rlp
from eth.vm.forks.berlin.computation import BERLIN_PRECOMPILES

from integritee.apps.evm.engine import execute
from integritee.apps.evm.errors import InvalidTransaction
from integritee.apps.evm.journal import AccountChange
from integritee.apps.evm.transaction import Surroundings, Transaction
from integritee.crypto import keccak_256
from trie import HexaryTrie

FORK = "London"
UNLIMITED_STEPS = 1 << 62


@dataclass
class World:
    """Accounts in a dict: what the engine reads, and what its changes are applied to."""

    nonces: dict[bytes, int]
    balances: dict[bytes, int]
    codes: dict[bytes, bytes]
    storage: dict[bytes, dict[int, int]]

    @classmethod
    def of(cls, accounts: dict[str, Any]) -> World:
        by_address = {octets(address): account for address, account in accounts.items()}
        return cls(
            {a: number(x["nonce"]) for a, x in by_address.items()},
            {a: number(x["balance"]) for a, x in by_address.items()},
            {a: octets(x["code"]) for a, x in by_address.items()},
            {a: {number(s): number(v) for s, v in x["storage"].items()} for a, x in by_address.items()},
        )

    def account(self, address: bytes) -> tuple[int, int]:
        return self.nonces.get(address, 0), self.balances.get(address, 0)

    def code(self, address: bytes) -> bytes:
        return self.codes.get(address, b"")

    def slot(self, address: bytes, slot: int) -> int:
        return self.storage.get(address, {}).get(slot, 0)

    def keep(self, changes: Iterable[AccountChange]) -> None:
        """Apply what a run did."""
        for change in changes:
            self.nonces[change.address], self.balances[change.address] = change.nonce, change.balance
            if change.code is not None:
                self.codes[change.address] = change.code
            slots = {} if change.wiped else self.storage.get(change.address, {})
            self.storage[change.address] = {s: v for s, v in (slots | change.slots).items() if v}

    def root(self) -> bytes:
        trie = HexaryTrie({})
        for address in self.nonces.keys() | self.balances.keys():
            nonce, balance = self.account(address)
            code = self.code(address)
            if nonce or balance or code:
                storage = HexaryTrie({})
                for slot, value in self.storage.get(address, {}).items():
                    if value:
                        storage[keccak_256(slot.to_bytes(32, "big"))] = rlp.encode(value)
                trie[keccak_256(address)] = rlp.encode([nonce, balance, storage.root_hash, keccak_256(code)])
        return trie.root_hash


def octets(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def number(text: str) -> int:
    return int(text.removeprefix("0x:bigint "), 16) if text not in ("", "0x") else 0


@dataclass(frozen=True)
class Case:
    """One transaction of a test with what must come of it."""

    name: str
    test: dict[str, Any]
    post: dict[str, Any]

    def surroundings(self) -> Surroundings:
        env = self.test["env"]
        block = number(env["currentNumber"])
        return Surroundings(
            number=block,
            timestamp=number(env["currentTimestamp"]),
            base_fee=number(env.get("currentBaseFee", "0x0a")),
            gas_limit=number(env["currentGasLimit"]),
            chain_id=1,
            coinbase=octets(env["currentCoinbase"]),
            difficulty=number(env["currentDifficulty"]),
            block_hashes=tuple(keccak_256(str(n).encode()) for n in range(block - 1, max(block - 257, -1), -1)),
            max_steps=UNLIMITED_STEPS,
            precompiles=BERLIN_PRECOMPILES,
        )

    def transaction(self) -> Transaction:
        tx, at = self.test["transaction"], self.post["indexes"]
        max_fee = number(tx.get("gasPrice", tx.get("maxFeePerGas", "0x")))
        lists = tx.get("accessLists")
        access = (lists[at["data"]] or []) if lists else []
        return Transaction(
            source=octets(tx["sender"]),
            target=octets(tx["to"]) or None,
            data=octets(tx["data"][at["data"]]),
            value=number(tx["value"][at["value"]]),
            gas_limit=number(tx["gasLimit"][at["gas"]]),
            max_fee=max_fee,
            priority_fee=number(tx["maxPriorityFeePerGas"]) if "maxPriorityFeePerGas" in tx else max_fee,
            nonce=number(tx["nonce"]),
            access_list=tuple((octets(e["address"]), tuple(number(k) for k in e["storageKeys"])) for e in access),
        )

    def possible(self) -> bool:
        """Whether the ledger can hold such accounts: none is empty (EIP-7523), none has storage but no code."""
        return all(
            octets(x["code"]) or (not x["storage"] and (number(x["nonce"]) or number(x["balance"])))
            for x in self.test["pre"].values()
        )

    def run(self) -> str | None:
        """What differs from what must come out; None if nothing does."""
        world, around = World.of(self.test["pre"]), self.surroundings()
        try:
            receipt = execute(self.transaction(), around, world)
        except InvalidTransaction as refused:
            return None if "expectException" in self.post else f"refused: {refused.code}"
        if "expectException" in self.post:
            return f"accepted, though {self.post['expectException']}"
        world.keep(receipt.changes)
        world.balances[around.coinbase] = world.balances.get(around.coinbase, 0) + receipt.tip
        logs = rlp.encode([[log.address, list(log.topics), log.data] for log in receipt.logs])
        if receipt.failure is None and keccak_256(logs) != octets(self.post["logs"]):
            return "logs"
        return None if world.root() == octets(self.post["hash"]) else f"state root (failure: {receipt.failure})"


def cases(files: list[Path]) -> Iterator[Case]:
    """Every London case of the files."""
    for file in files:
        for name, test in json.loads(file.read_bytes()).items():
            for post in test["post"].get(FORK, []):
                at = post["indexes"]
                yield Case(f"{file.parent.name}/{name} d{at['data']} g{at['gas']} v{at['value']}", test, post)


def main(folders: list[str]) -> int:
    counts: Counter[str] = Counter()
    for case in cases(sorted(f for folder in folders for f in Path(folder).rglob("*.json"))):
        if not case.possible():
            counts["impossible"] += 1
            continue
        differs = case.run()
        counts["failed" if differs else "passed"] += 1
        if differs:
            print(f"{case.name}: {differs}", flush=True)
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['impossible']} with impossible accounts")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

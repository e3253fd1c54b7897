"""Where the original's demo scripts are played: a parentchain, the chain that has the vault, a worker.

The scripts wait by the clock and compare with a tolerance of 0.2; here balances are waited for, and compared to the
last unit. Each script has accounts of its own, so that all may share the processes.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Final

from integritee.client.parentchain import ParentchainClient
from integritee.crypto import Sr25519Pair
from integritee.metadata import EventRecord

from .processes import Cli, Node, eventually

UNIT: Final = 10**12
TRANSFER_FEE: Final = UNIT // 100
UNSHIELDING_FEE: Final = 3 * TRANSFER_FEE

NATIVE_FEE: Final = "TransactionPayment.TransactionFeePaid"
ASSET_FEE: Final = "AssetTxPayment.AssetTxFeePaid"


def credited(amount: int) -> int:
    """What is left of a shielded amount."""
    return amount - amount // 571


@dataclass(frozen=True)
class Stage:
    """`cli` talks to Integritee and the worker, `vault_chain` to the chain that funds come from and the worker."""

    cli: Cli
    vault_chain: Cli

    @property
    def vault(self) -> str:
        return self.cli("trusted", "get-shard-vault")

    def endow(self, account: str, amount: int) -> None:
        """By //Alice, on the chain that has the vault."""
        self.vault_chain("transfer", "//Alice", account, str(amount))

    def shield(self, account: str, amount: int) -> str:
        """Pay to the vault, and wait for the credit; what the payment's command says."""
        expected = self.private(account) + credited(amount)
        said = self.vault_chain("transfer", account, self.vault, str(amount))
        eventually(lambda: self.private(account) == expected, f"the credit of {account}")
        return said

    def public(self, account: str) -> int:
        """Free funds on the chain that has the vault."""
        return int(self.vault_chain("balance", account))

    def private(self, account: str) -> int:
        """Free funds in the ledger."""
        return int(self.cli.trusted("balance", account))

    def nonce(self, account: str) -> int:
        return int(self.cli.trusted("nonce", account))

    def direct(self, *call: str) -> None:
        """A trusted call that has to end in a sidechain block."""
        assert "is InSidechainBlock(0x" in self.cli.trusted(*call).splitlines()[-1]

    def indirect(self, *call: str) -> None:
        """A trusted call through the parentchain: done when its block is confirmed."""
        lines = self.cli("trusted", *call).splitlines()
        assert lines[1].startswith("[+] invoke TrustedOperation extrinsic success.")
        assert lines[-1].startswith("EnclaveBridge::ProcessedParentchainBlock")


def events_told_of(node: Node, said: str) -> list[EventRecord]:
    """Events of the block that a command says its extrinsic is in."""
    block = re.search(r"status: InBlock\(0x(\w+)\)", said)
    assert block is not None

    async def read() -> list[EventRecord]:
        async with await ParentchainClient.connect(node.url) as chain:
            return await chain.events(bytes.fromhex(block[1]))

    return asyncio.run(read())


def fee_paid(node: Node, said: str, payer: str, event: str = NATIVE_FEE) -> int:
    """What the payer of the extrinsic was charged."""
    who = Sr25519Pair.from_uri(payer).public
    (found,) = [e.fields for e in events_told_of(node, said) if str(e) == event and e.fields["who"] == who]
    return int(found["actual_fee"])

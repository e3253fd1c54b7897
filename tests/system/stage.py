"""Where the original's demo scripts are played: a parentchain, the chain that has the vault, a worker.

The scripts wait by the clock and compare with a tolerance of 0.2; here balances are waited for, and compared to the
last unit. Each script has accounts of its own, so that all may share the processes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .processes import Cli, eventually

UNIT: Final = 10**12
TRANSFER_FEE: Final = UNIT // 100
UNSHIELDING_FEE: Final = 3 * TRANSFER_FEE


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

    def shield(self, account: str, amount: int) -> None:
        """Pay to the vault, and wait for the credit."""
        expected = self.private(account) + credited(amount)
        self.vault_chain("transfer", account, self.vault, str(amount))
        eventually(lambda: self.private(account) == expected, f"the credit of {account}")

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

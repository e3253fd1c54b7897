"""The parentchain of an arbitrary history: its vault takes deposits and makes payments, or refuses them.

A model of what the enclave is told, block by block; the rest of a parentchain does not matter to the ledger.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Final

from integritee.enclave.parentchain.contract import ParentchainContract, Place
from integritee.enclave.parentchain.inbound import Deposit, ExtrinsicOutcome, InboundBlock
from integritee.enclave.parentchain.outbox import Finished, OutboxEntry, Payment
from integritee.frame.pallets.system import AccountData, AccountInfo
from integritee.primitives.enclave_bridge import ShardConfig, ShardSignerStatus, ShardStatus, UpgradableShardConfig
from integritee.primitives.header import Digest, Header
from integritee.primitives.ids import ParentchainId
from integritee.primitives.storage import blake2_map_key
from integritee.scale import encode
from integritee.stf.asset_map import AssetId

from ..enclave.core.parentchain import metadata
from .arbitrary_encointer import Ceremonies
from .kit import MRENCLAVE, NOW, SHARD, VAULT

MAX_BALANCE: Final = (1 << 128) - 1
SIGNER: Final = b"\x51" * 32
"""The enclave's account on the parentchain."""

CONTRACT: Final = ParentchainContract(metadata(), Place(ParentchainId.Integritee, SHARD, SIGNER, VAULT))
assert CONTRACT.bridge is not None
BRIDGE: Final = CONTRACT.bridge.keys
VAULT_ACCOUNT: Final = blake2_map_key("System", "Account", VAULT)


class LayerOne:
    """Blocks with time, vault, configuration of the shard, and the fate of payments."""

    def __init__(self) -> None:
        self.header = Header(bytes(32), 1, bytes(32), bytes(32), Digest([]))
        self.native = 0
        """Base units in the vault."""
        self.assets: Counter[AssetId] = Counter()
        self.in_maintenance = False
        self.owed: list[Payment] = []
        """Payments under way, oldest first."""
        self._deposits: list[Deposit] = []
        self.ceremonies = Ceremonies()

    # -- the vault -----------------------------------------------------------------------------------

    def room(self, asset: AssetId | None, issued: int) -> int:
        """Base units that can still arrive: what is `issued` in the ledger, here and under way is counted in u128."""
        held = self.native if asset is None else self.assets[asset]
        owed = sum(payment.amount for payment in self.owed if payment.asset is asset)
        coming = sum(deposit.amount for deposit in self._deposits) if asset is None else 0
        return max(MAX_BALANCE - held - owed - issued - coming, 0) // 2

    def receive(self, amount: int, asset: AssetId | None = None) -> None:
        """A transfer to the vault."""
        if asset is None:
            self.native += amount
        else:
            self.assets[asset] += amount

    def deposit(self, sender: bytes, amount: int) -> None:
        """A transfer to the vault that the enclave hears of with the next block."""
        self.receive(amount)
        self._deposits.append(Deposit(sender, amount))

    def vault_account(self) -> bytes:
        """What storage holds of the vault."""
        return encode(AccountInfo, AccountInfo(providers=1, data=AccountData(self.native)))

    # -- blocks --------------------------------------------------------------------------------------

    def next_block(self, random: Random, skipped: int) -> tuple[InboundBlock, list[Finished]]:
        """The next block the enclave processes, `skipped` behind the last one, and payments that ended by then."""
        number = self.header.number + 1 + skipped
        self.header = Header(self.header.hash(), number, bytes(32), bytes(32), Digest([]))
        finished = [self._end(random, self.owed.pop(0)) for _ in range(random.randrange(len(self.owed) + 1))]
        deposits, self._deposits = tuple(self._deposits), []
        self.ceremonies.go_on(random)
        now = None if random.randrange(10) == 0 else NOW + 6_000 * number
        return InboundBlock(self.header, self._values(), now, deposits, {}, b""), finished

    def _end(self, random: Random, payment: Payment) -> Finished:
        held = self.native if payment.asset is None else self.assets[payment.asset]
        paid = held >= payment.amount and random.randrange(5) > 0
        if paid:
            self.receive(-payment.amount, payment.asset)
        entry = OutboxEntry(0, bytes(32), 0, b"", 0, 0, 0, 0, b"", payment)
        outcome = ExtrinsicOutcome(True, paid) if random.randrange(2) else ExtrinsicOutcome(paid, None)
        return Finished(entry, outcome)

    def _values(self) -> dict[bytes, bytes | None]:
        config = UpgradableShardConfig(ShardConfig(MRENCLAVE, maintenance_mode=self.in_maintenance))
        return {
            BRIDGE.bridge_version: b"\x01\x00",
            BRIDGE.shard_config: encode(UpgradableShardConfig, config),
            BRIDGE.shard_status: encode(ShardStatus, [ShardSignerStatus(SIGNER, MRENCLAVE, self.header.number)]),
            VAULT_ACCOUNT: self.vault_account(),
            **self.ceremonies.values(),
        }

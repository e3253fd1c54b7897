"""One parentchain's part of a sidechain block in the making: its blocks that enter, its extrinsics that leave.

Works on a copy of the outbox, which the enclave adopts when the block is finished.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from integritee.primitives.header import Header
from integritee.primitives.ids import ParentchainId
from integritee.stf.effects import BridgePayment, Effect, Remark, VaultPayment
from integritee.stf.pallets.parentchain import Parentchain

from ..parentchain.bridge_calls import MAX_SHIELDED_BLOCKS
from ..parentchain.follower import Follower
from ..parentchain.inbound import InboundBlock
from ..parentchain.link import Link
from ..parentchain.onboarding import account_info
from ..parentchain.outbox import Finished, Outbox, OutboxFull, Payment, Processed, PurseLow
from ..parentchain.runtimes import proven_version

MAX_INBOUND: Final = 256
"""Blocks of one parentchain that one sidechain block processes; more wait for the next slot."""

MAX_DEPOSITS: Final = 2048
"""Deposits that one sidechain block takes in from a parentchain, unless a single block has more: 2.5 MB of it, which
peers still get in one message."""


def due(inbox: Iterable[InboundBlock]) -> Iterator[InboundBlock]:
    """The parentchain blocks that the next sidechain block processes; there is one at least if any waits."""
    shielded = deposits = 0
    for position, block in enumerate(islice(inbox, MAX_INBOUND)):
        shielded += block.shielded_blocks
        deposits += len(block.deposits)
        if position and (shielded > MAX_SHIELDED_BLOCKS or deposits > MAX_DEPOSITS):
            return
        yield block


@dataclass
class Lane:
    """Extrinsics are signed for the time after `anchor`, the latest verified block; `purse` is what the enclave
    account has there, `enough` what it must have to take on payments, in base units."""

    follower: Follower
    outbox: Outbox
    anchor: Header
    purse: int
    enough: int
    spends_nonces: bool = False
    """Whether the account sent what is not in the outbox, to join the shard."""
    inbound: list[InboundBlock] = field(default_factory=list)
    finished: list[Finished] = field(default_factory=list)

    @classmethod
    def of(cls, link: Link) -> Lane:
        follower = link.connected
        return cls(
            follower, link.outbox.copy(), follower.head, link.free, link.funds.enough_for_fees, link.spends_nonces
        )

    @property
    def id(self) -> ParentchainId:
        return self.follower.id

    # -- entering ------------------------------------------------------------------------------------

    def take(self, block: InboundBlock, mirror: Parentchain) -> bool:
        """Take a block in; whether it is new to the ledger.

        `mirror` is what the ledger knows of the chain; it is bound to the chain with the first block. Raises
        NonceOvertaken if the outbox cannot be trusted any more, GenesisAlreadySet.
        """
        known, begins = mirror.number.get(), mirror.creation_block_number.get()
        number = block.header.number
        if number < (begins or 0):
            self.inbound.append(block)
            return False
        is_new = known is None or number > known
        if begins is None and is_new:
            mirror.set_genesis(self.follower.genesis_hash)
            mirror.set_creation_block(block.header)
            self.outbox.adopt_nonce(account_info(self.follower.values.get(self._account)).nonce)
        self._see(block)
        return is_new

    def pass_by(self, number: int) -> None:
        """Take in waiting blocks up to `number` that a peer's block has brought into the ledger.

        Raises NonceOvertaken.
        """
        for block in self.follower.inbox:
            if block.header.number > number:
                return
            self._see(block)

    def _see(self, block: InboundBlock) -> None:
        """What became of extrinsics of ours."""
        self.inbound.append(block)
        ended = self.outbox.on_block(block)
        nonce = account_info(block.values.get(self._account)).nonce
        if self.spends_nonces:
            self.outbox.adopt_nonce(account_info(self.follower.values.get(self._account)).nonce)
        self.outbox.check_nonce(nonce)
        self.finished += ended
        self.outbox.refunds += [
            end.entry.payment for end in ended if end.is_refused and end.entry.payment is not None
        ]

    @property
    def _account(self) -> bytes:
        return self.follower.contract.enclave_account

    @property
    def awaits_confirmation(self) -> bool:
        """Whether a confirmation of a sidechain block is under way."""
        bridge = self.follower.bridge
        return any(bridge.is_confirmation(entry.call) for entry in self.outbox.entries.values())

    # -- leaving -------------------------------------------------------------------------------------

    def renew_void(self) -> None:
        """Sign anew what can no longer be included."""
        self.outbox.renew_void(self.follower.facts, self._processed(), self.anchor, self.follower.runtimes.translated)

    def _processed(self) -> Processed:
        """How far the parentchain is known to this block."""
        current = self.follower.facts.spec_version
        if not self.inbound:
            return Processed(self.follower.head.number, current)
        last = self.inbound[-1]
        return Processed(last.header.number, proven_version(last.values) or current)

    def vet(
        self, effects: list[VaultPayment | BridgePayment | Remark], planned: int, limit: int, is_payer: bool = True
    ) -> None:
        """Raises OutboxFull, PurseLow, and what the chain's contract raises, unless all effects can be had.

        `planned` extrinsics are to be added already. Who is not the payer does not know the payer's purse.
        """
        for effect in effects:
            self.follower.contract.check(effect)
            if is_payer and not isinstance(effect, Remark) and self.purse < self.enough:
                raise PurseLow(self.id.name, self.purse, self.enough)
        wanted = len(self.outbox.entries) + planned + len(effects)
        if wanted > limit:
            raise OutboxFull(wanted, limit)

    def send(self, key: bytes, call: bytes, period: int, payment: Payment | None = None) -> None:
        """Queue an extrinsic. Raises OutboxFull, AlreadyQueued."""
        self.outbox.add(self.follower.facts, self.anchor, key, call, period, payment)

    def carry_out(self, effect: Effect, key: bytes, period: int, payment: Payment | None) -> None:
        """Queue the extrinsic that makes an effect happen."""
        self.send(key, self.follower.contract.call_of(effect), period, payment)

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

MAX_DEPOSITS: Final = 8192
"""Deposits that one sidechain block takes in from a parentchain, unless a single block has more: a second's work, and
10 MB in the journal, whose records have a limit."""


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
    inbound: list[InboundBlock] = field(default_factory=list)
    finished: list[Finished] = field(default_factory=list)

    @classmethod
    def of(cls, link: Link) -> Lane:
        follower = link.connected
        return cls(follower, link.outbox.copy(), follower.head, link.free, link.funds.enough_for_fees)

    @property
    def id(self) -> ParentchainId:
        return self.follower.id

    # -- entering ------------------------------------------------------------------------------------

    def take(self, block: InboundBlock, mirror: Parentchain) -> list[Finished] | None:
        """Take a block in; the extrinsics of ours that ended with it, or None if it is none of the ledger's.

        `mirror` is what the ledger knows of the chain; it is bound to the chain with the first block. Raises
        NonceOvertaken if the outbox cannot be trusted any more, GenesisAlreadySet.
        """
        self.inbound.append(block)
        known, begins = mirror.number.get(), mirror.creation_block_number.get()
        number = block.header.number
        if number < (begins or 0) or (known is not None and number <= known):
            return None
        account = self.follower.contract.enclave_account
        nonce = account_info(block.values.get(account)).nonce
        if begins is None:
            mirror.set_genesis(self.follower.genesis_hash)
            mirror.set_creation_block(block.header)
            self.outbox.adopt_nonce(account_info(self.follower.values.get(account)).nonce)
        ended = self.outbox.on_block(block)
        self.outbox.check_nonce(nonce)
        self.finished += ended
        return ended

    def resumption(self) -> InboundBlock | None:
        """The block from which on the light client resumes after this one; None if that stays as it was.

        It may be a little before the last block processed, of which only some carry the client's state.
        """
        return next((block for block in reversed(self.inbound) if block.light_client), None)

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

    def vet(self, effects: list[VaultPayment | BridgePayment | Remark], planned: int, limit: int) -> None:
        """Raises OutboxFull, PurseLow, and what the chain's contract raises, unless all effects can be had.

        `planned` extrinsics are to be added already.
        """
        for effect in effects:
            self.follower.contract.check(effect)
            if not isinstance(effect, Remark) and self.purse < self.enough:
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

"""People who shield, transfer and unshield through whichever validateer answers, and who remember what they are owed.

Each keeps to what a careful client does: trusted calls with consecutive nonces, repeated as signed until a validateer
says they are in a block, and again if it takes that back or goes down before the block is final. They spend only what
they had when the run began, so no call may fail.
"""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from integritee.crypto import KeyPair, blake2_256
from integritee.enclave.pool import StatusChanged
from integritee.errors import IntegriteeError
from integritee.node.runtime.runtime import TEER
from integritee.primitives.rpc import Dropped, InSidechainBlock, Invalid, Retracted, Usurped
from integritee.stf.operation import TrustedCallSigned

from .clock import Clock
from .enclave import MRENCLAVE, EnclaveDown, top_hash
from .parentchain import Parentchain
from .validateer import Validateer

SAVINGS: Final = 500 * TEER
"""What each has in the ledger when a run begins."""

FEE: Final = TEER // 100
UNSHIELD_FEE: Final = 3 * FEE
SHIELDING_FEE_PART: Final = 571
"""One unit in so many that are shielded is a fee."""

TOO_LITTLE: Final = 499
"""One unit less than an account needs to live: the parentchain refuses to pay it to a stranger, so it comes back."""

REPEAT_MS: Final = 15_000
"""How long a client waits for a block before it tries elsewhere."""

MAX_CALLS: Final = 6
"""Calls under way at once."""

RESERVE: Final = 5 * TEER


@dataclass
class Call:
    """A signed call, what it takes from its sender and gives to whom; where it was sent, and who said it is done."""

    signed: TrustedCallSigned
    hash: bytes
    cost: int
    receiver: Client | None = None
    beneficiary: bytes | None = None
    amount: int = 0
    session: tuple[int, int] | None = None
    """Validateer and its start: with that goes the connection."""
    sent_at: int = 0
    block: bytes | None = None
    """Hash of the block it is said to be in."""


@dataclass
class Client:
    """One key on the parentchain and on the ledger."""

    name: str
    pair: KeyPair
    clock: Clock
    parentchain: Parentchain
    vault: bytes
    dice: random.Random
    nonce: int = 0
    """Of the next call to sign."""
    calls: dict[bytes, Call] = field(default_factory=dict)
    """By hash, all there ever were."""
    open: dict[bytes, Call] = field(default_factory=dict)
    """Those not known to be in a final block."""
    spent: int = 0
    deposits: list[int] = field(default_factory=list)

    # -- one turn ------------------------------------------------------------------------------------

    def act(self, validateers: list[Validateer], others: list[Client], *, wants_more: bool) -> None:
        """Look after what is under way; perhaps begin something new."""
        up = [validateer for validateer in validateers if validateer.enclave.is_up]
        if not up:
            return
        if wants_more and len(self.open) < MAX_CALLS:
            self._begin(up[0], others)
        for call in self.open.values():
            if self._is_lost(call, validateers):
                self._send(call, self.dice.choice(up))

    def _begin(self, any: Validateer, others: list[Client]) -> None:
        match self.dice.choice(("deposit", "transfer", "transfer", "transfer", "unshield", "rest", "rest")):
            case "deposit":
                amount = self.dice.randrange(TEER, 9 * TEER)
                self.parentchain.transfer(self.pair, self.vault, amount, self.clock.now)
                self.deposits.append(amount)
            case "transfer":
                receiver = self.dice.choice([other for other in others if other is not self])
                amount = self.dice.randrange(TEER // 100, TEER)
                self._sign(any, amount + FEE, "balance_transfer", receiver.pair.public, amount, receiver=receiver)
            case "unshield":
                self._unshield(
                    any, self.dice.choice((TOO_LITTLE, *(self.dice.randrange(TEER // 100, 2 * TEER),) * 4))
                )
            case _:
                pass

    def _unshield(self, any: Validateer, amount: int) -> None:
        beneficiary = blake2_256(self.pair.public + self.nonce.to_bytes(4, "little"))
        args = ("balance_unshield", beneficiary, amount, MRENCLAVE)
        self._sign(any, amount + UNSHIELD_FEE, *args, beneficiary=beneficiary)

    def _sign(
        self,
        any: Validateer,
        cost: int,
        name: str,
        *args: object,
        receiver: Client | None = None,
        beneficiary: bytes | None = None,
    ) -> None:
        if self.spent + cost + RESERVE > SAVINGS:
            return
        signed = any.enclave.sign(self.pair, self.nonce, name, *args)
        amount = cost - FEE if receiver else cost - UNSHIELD_FEE
        call = Call(signed, top_hash(signed), cost, receiver, beneficiary, amount)
        self.calls[call.hash] = self.open[call.hash] = call
        self.nonce, self.spent = self.nonce + 1, self.spent + cost

    # -- what is under way ---------------------------------------------------------------------------

    def _is_lost(self, call: Call, validateers: list[Validateer]) -> bool:
        """Whether nobody looks after a call any more, as far as the client can tell."""
        if call.session is None:
            return True
        number, starts = call.session
        enclave = validateers[number].enclave
        if not enclave.is_up or enclave.starts != starts:
            call.block = None  # nobody would say if that block is given up
            return True
        return call.block is None and self.clock.now - call.sent_at > REPEAT_MS

    def _send(self, call: Call, validateer: Validateer) -> None:
        call.session, call.sent_at = (validateer.number, validateer.enclave.starts), self.clock.now
        with suppress(IntegriteeError, EnclaveDown):  # it is there already, or done, or will be tried elsewhere
            validateer.submit(call.signed)

    def hear(self, validateer: Validateer, changed: StatusChanged) -> None:
        """A validateer tells what became of a call that was sent to it."""
        call = self.open.get(changed.hash)
        if call is None or call.session != (validateer.number, validateer.enclave.starts):
            return
        match changed.status:
            case InSidechainBlock(block_hash=hash):
                call.block = hash
            case Retracted():
                call.block = None
            case Invalid() | Dropped() | Usurped():
                call.session = None

    def settle(self, hash: bytes) -> None:
        """A call is in a final block."""
        self.open.pop(hash, None)

    # -- what it is owed -----------------------------------------------------------------------------

    @property
    def deposited(self) -> int:
        """Base units of the ledger for what was shielded in this run."""
        return sum(amount - amount // SHIELDING_FEE_PART for amount in self.deposits)

    @property
    def refunds(self) -> int:
        """What cannot be paid out and so comes back."""
        return sum(call.amount for call in self.calls.values() if call.beneficiary and call.amount == TOO_LITTLE)

    @property
    def payouts(self) -> dict[bytes, int]:
        """What each beneficiary, all of them new, must get."""
        return {
            call.beneficiary: call.amount
            for call in self.calls.values()
            if call.beneficiary is not None and call.amount != TOO_LITTLE
        }

"""People who shield, transfer and unshield while everything breaks, and who remember what they are owed.

Each keeps to what any careful client does: one parentchain extrinsic at a time, repeated with the same nonce until it
is final; trusted calls with consecutive nonces, repeated as signed until the ledger has used their nonce. They spend
only what the ledger shows them, so no call may fail. Some are hasty: they send one call on both ways at once.
"""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from integritee.crypto import KeyPair, blake2_256
from integritee.enclave.pool.errors import PoolError
from integritee.node.runtime.runtime import TEER
from integritee.primitives.ids import Id, ParentchainId
from integritee.simulation.clock import Clock
from integritee.stf.operation import TrustedCallSigned

from .enclave import Enclave, EnclaveDown
from .parentchain import Network

FEE: Final = TEER // 100
UNSHIELD_FEE: Final = 3 * FEE
RESERVE: Final = TEER
"""What users leave on the ledger, so that their accounts live."""

TOO_LITTLE: Final = 499
"""One unit less than an account needs to live: a parentchain refuses to pay it to a stranger."""

MAX_CALLS: Final = 4


@dataclass(frozen=True)
class Extrinsic:
    """What a user wants on the parentchain; `shielded` base units are on their way to the vault by it."""

    pallet: str
    call: str
    args: dict[str, Any]
    shielded: int = 0


@dataclass(frozen=True)
class Call:
    """A signed call, what it takes from its sender, and whom it pays what in the ledger."""

    signed: TrustedCallSigned
    cost: int
    receiver: User | None = None
    amount: int = 0


@dataclass
class Account:
    """A key on one parentchain: one extrinsic at a time, until it is final."""

    pair: KeyPair
    network: Network
    dice: random.Random
    nonce: int = 0
    under_way: Extrinsic | None = None

    def follow(self) -> Extrinsic | None:
        """Repeat what is under way; what has become final by now."""
        up = [peer for peer in self.network.peers if peer.is_up]
        wanted = self.under_way
        if wanted is None or not up:
            return None
        if max(peer.account(self.pair.public, final=True).nonce for peer in up) > self.nonce:
            self.nonce, self.under_way = self.nonce + 1, None
            return wanted
        peer = self.dice.choice(up)
        peer.submit(peer.signed(self.pair, self.nonce, wanted.pallet, wanted.call, wanted.args))
        return None


@dataclass
class User:
    """One key on all ledgers; `accounts` are those on parentchains. `balance` is what the ledger must come to hold
    once all is done, beside payouts that came back."""

    pair: KeyPair
    accounts: dict[ParentchainId, Account]
    enclave: Enclave
    clock: Clock
    dice: random.Random
    balance: int = 0
    nonce: int = 0
    """Of the next call to sign."""
    calls: list[Call] = field(default_factory=list)
    shielded: list[int] = field(default_factory=list)
    payouts: dict[bytes, int] = field(default_factory=dict)
    """By beneficiary, each of them new. What does not get there must come back."""
    acknowledged: int = 0
    """Nonces below this one belong to calls that were reported to be in a block."""
    hashes: dict[bytes, int] = field(default_factory=dict)
    invoked: int = 0

    @property
    def purse(self) -> Account:
        """Where the vault is."""
        return self.accounts[self.enclave.home]

    @property
    def bridge(self) -> Account:
        """Where calls for the enclave go."""
        return self.accounts[ParentchainId.Integritee]

    @property
    def is_idle(self) -> bool:
        return not self.calls and all(account.under_way is None for account in self.accounts.values())

    # -- one turn ------------------------------------------------------------------------------------

    def act(self, others: list[User], *, wants_more: bool) -> None:
        """Look after what is under way; perhaps begin something new."""
        for account in self.accounts.values():
            if (done := account.follow()) is not None and done.shielded:
                self.shielded.append(done.shielded)
                self.balance += done.shielded - done.shielded // 571
        with suppress(EnclaveDown):
            if self.enclave.is_running:
                self._follow_calls()
                if wants_more:
                    self._begin(others)

    def _begin(self, others: list[User]) -> None:
        match self.dice.choice(("deposit", "transfer", "transfer", "unshield", "unshield", "rest")):
            case "deposit" if self.purse.under_way is None:
                amount = self.dice.randrange(2 * TEER, 9 * TEER)
                args = {"dest": Id(self.enclave.vault), "value": amount}
                self.purse.under_way = Extrinsic("Balances", "transfer_allow_death", args, amount)
            case "transfer":
                receiver = self.dice.choice([user for user in others if user is not self])
                amount = self.dice.randrange(TEER // 100, TEER)
                self._call(amount + FEE, "balance_transfer", receiver.pair.public, amount, receiver=receiver)
            case "unshield":
                amount = self.dice.choice((TOO_LITTLE, *(self.dice.randrange(TEER // 100, 2 * TEER),) * 4))
                self._unshield(amount)
            case _:
                pass

    # -- trusted calls -------------------------------------------------------------------------------

    def _unshield(self, amount: int) -> None:
        beneficiary = blake2_256(self.pair.public + self.nonce.to_bytes(4, "little"))
        if self._call(amount + UNSHIELD_FEE, "balance_unshield", beneficiary, amount, self.enclave.shard):
            self.payouts[beneficiary] = amount

    def _call(self, cost: int, name: str, *args: object, receiver: User | None = None) -> bool:
        """Sign a call and send it off, if it can be afforded whatever happens."""
        free = self.enclave.shown.balances.free(self.pair.public)
        if len(self.calls) >= MAX_CALLS or free - sum(call.cost for call in self.calls) < cost + RESERVE:
            return False
        signed = self.enclave.sign(self.pair, self.nonce, name, *args)
        self.calls.append(Call(signed, cost, receiver, cost - FEE if receiver else 0))
        self.nonce += 1
        self.balance -= cost
        if self.bridge.under_way is None and self.dice.random() < 0.15:
            self._invoke(signed)
            if self.dice.random() < 0.5:
                return True
        self._submit(self.calls[-1])
        return True

    def _invoke(self, signed: TrustedCallSigned) -> None:
        request = {"shard": self.enclave.shard, "cyphertext": self.enclave.shielded(signed)}
        self.bridge.under_way = Extrinsic("EnclaveBridge", "invoke", {"request": request})
        self.invoked += 1

    def _follow_calls(self) -> None:
        """Forget what is done, repeat what is not. Raises EnclaveDown."""
        used = self.enclave.shown.system.nonce(self.pair.public)
        for call in [call for call in self.calls if call.signed.nonce < used]:
            self.calls.remove(call)
            if call.receiver is not None:
                call.receiver.balance += call.amount
        for call in self.calls:
            self._submit(call)

    def _submit(self, call: Call) -> None:
        with suppress(PoolError):  # it is on its way, or it is done
            self.hashes[self.enclave.submit(call.signed, self.clock.now)] = call.signed.nonce

    def hear(self, hash: bytes) -> None:
        """A call is reported to be in a block."""
        if hash in self.hashes:
            self.acknowledged = max(self.acknowledged, self.hashes[hash] + 1)

"""What the transaction extensions do: who signed, whether it may run now, what it pays.

Source: the nine extensions of `extrinsic.SIGNED_EXTENSIONS` in frame-system, pallet-transaction-payment and
frame-metadata-hash-extension. Validity is decided in their order, so that every client sees the error it expects:
era → signature → zero sender → existence and nonce → room in the block → payment.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from integritee.primitives.era import Era
from integritee.primitives.ids import AccountId, Id, Nonce
from integritee.primitives.signature import MultiSignature, verify
from integritee.scale import Struct, encode

from .extrinsic import EXTENSION_WEIGHT, Signature, UncheckedExtrinsic, extra, signing_payload
from .outer import RuntimeCall
from .pallets.system import ZERO_HASH, AccountInfo, System
from .pallets.transaction_payment import TransactionPayment
from .runtime import Runtime
from .validity import (
    AncientBirthBlock,
    BadProof,
    BadSigner,
    CannotLookup,
    Future,
    Payment,
    Refused,
    Stale,
    ValidTransaction,
)
from .weights import MAX_U64, DispatchInfo

REMEMBERED_SIGNATURES: Final = 8192
"""Verdicts on signatures kept from validation in the pool until execution in a block."""

ZERO_ACCOUNT: Final = ZERO_HASH


@lru_cache(REMEMBERED_SIGNATURES)
def _verified(signature: MultiSignature, payload: bytes, account: bytes) -> bool:
    return verify(signature, payload, account)


class NonceTag(Struct, frozen=True):
    """What orders the transactions of an account in the pool."""

    account: AccountId
    nonce: Nonce


@dataclass(frozen=True, slots=True)
class CheckedTransaction:
    """A signed extrinsic whose era and signature hold. `length` counts its length prefix."""

    call: RuntimeCall
    signer: bytes
    era: Era
    nonce: int
    tip: int
    length: int
    info: DispatchInfo
    """Declared cost of call and extensions."""


class Extensions:
    """The extensions at work in one runtime."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.system = runtime.pallet(System)
        self.payment = runtime.pallet(TransactionPayment)

    # -- is it genuine -------------------------------------------------------------------------------

    def check(self, extrinsic: UncheckedExtrinsic, signature: Signature) -> CheckedTransaction:
        """Look up the signer and verify. Raises Refused: CannotLookup, AncientBirthBlock, BadProof."""
        if not isinstance(signature.address, Id):
            raise Refused(CannotLookup())
        signer = signature.address.account
        if not _verified(signature.signature, self._payload(extrinsic, signature), signer):
            raise Refused(BadProof())
        return CheckedTransaction(
            extrinsic.call,
            signer,
            signature.era,
            signature.nonce,
            signature.tip,
            len(extrinsic.raw),
            self.declared(extrinsic),
        )

    def _payload(self, extrinsic: UncheckedExtrinsic, signature: Signature) -> bytes:
        if signature.mode:  # the signer insists on a metadata hash, and this runtime was built without one
            raise Refused(CannotLookup())
        version = self.system.version
        return signing_payload(
            extrinsic.call_data,
            extra(signature.era, signature.nonce, signature.tip, signature.mode),
            version.spec_version,
            version.transaction_version,
            self.system.block_hash.get(0),
            self._birth_hash(signature.era),
        )

    def _birth_hash(self, era: Era) -> bytes:
        born = era.birth(self.system.number.get())
        found = self.system.block_hash.get(born)
        if found == ZERO_HASH:
            raise Refused(AncientBirthBlock())
        return found

    def declared(self, extrinsic: UncheckedExtrinsic) -> DispatchInfo:
        """Declared cost; extensions weigh only on signed extrinsics."""
        info = self.runtime.info_of(extrinsic.call)
        return info if extrinsic.signature is None else info.plus(EXTENSION_WEIGHT)

    # -- may it run ----------------------------------------------------------------------------------

    def validate(self, tx: CheckedTransaction) -> ValidTransaction:
        """What the pool must know.

        Raises Refused: BadSigner, Payment (no such account, or too poor), Stale, ExhaustsResources.
        """
        if tx.signer == ZERO_ACCOUNT:
            raise Refused(BadSigner())
        account = self._account(tx)
        self.system.check_room(tx.info, tx.length)
        fee = self.payment.fee(tx.length, tx.info, tx.tip)
        self.payment.check_can_pay(tx.signer, fee)
        death = tx.era.death(self.system.number.get())
        return ValidTransaction(
            self.payment.priority(tx.length, tx.info, tx.tip, fee),
            [_tag(tx.signer, tx.nonce - 1)] if tx.nonce > account.nonce else [],
            [_tag(tx.signer, tx.nonce)],
            MAX_U64 if death is None else max(death - self.system.number.get(), 0),
            True,
        )

    def _account(self, tx: CheckedTransaction) -> AccountInfo:
        account = self.system.account.get(tx.signer)
        if not account.exists():
            raise Refused(Payment())
        if tx.nonce < account.nonce:
            raise Refused(Stale())
        return account

    # -- running it ----------------------------------------------------------------------------------

    def prepare(self, tx: CheckedTransaction) -> int:
        """Use up the nonce, take room in the block and the fee, which is returned.

        Raises Refused: Stale, Future, ExhaustsResources, Payment.
        """
        if self._account(tx).nonce != tx.nonce:
            raise Refused(Future())
        self.system.increment_nonce(tx.signer)
        self.system.take_room(tx.info, tx.length)
        fee = self.payment.fee(tx.length, tx.info, tx.tip)
        self.payment.withdraw(tx.signer, fee)
        return fee

    def settle(self, tx: CheckedTransaction, paid: int, actual: DispatchInfo) -> None:
        """Give back room and fee that the call did not need; the rest of the fee goes its way."""
        self.system.return_room(tx.info, actual)
        self.payment.settle(tx.signer, paid, self.payment.fee(tx.length, actual, tx.tip), tx.tip)


def _tag(account: bytes, nonce: int) -> bytes:
    return encode(NonceTag, NonceTag(account, nonce))

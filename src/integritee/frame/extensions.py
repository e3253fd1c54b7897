"""What the transaction extensions do: who signed, whether it may run now, what it pays.

Source: the nine extensions of `extrinsic.SIGNED_EXTENSIONS` in frame-system, pallet-transaction-payment (or
pallet-asset-tx-payment) and frame-metadata-hash-extension. Validity is decided in their order, so that every client
sees the error it expects: era → signature → zero sender → existence and nonce → room in the block → payment.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final, Protocol

from integritee.metadata import RuntimeMetadata
from integritee.metadata.merkleized import metadata_hash
from integritee.primitives.era import Era
from integritee.primitives.ids import AccountId, Id, Nonce
from integritee.primitives.signature import MultiSignature, verify
from integritee.scale import Struct, encode

from .extrinsic import EXTENSION_WEIGHT, Extra, Signature, UncheckedExtrinsic, encode_extra, signing_payload
from .outer import RuntimeCall
from .pallets.asset_tx_payment import ASSET_CHARGE_WEIGHT, AssetTxPayment
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
from .weights import MAX_U64, DispatchInfo, Weight

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
    extra: Extra
    length: int
    info: DispatchInfo
    """Declared cost of call and extensions."""


class Charge(Protocol):
    """Takes fees, tips included, that are computed in the native token."""

    def check_can_pay(self, who: bytes, fee: int) -> None:
        """Raises Refused(Payment)."""

    def withdraw(self, who: bytes, fee: int) -> int:
        """Take the fee in advance; what was taken, in base units of what it is paid in. Raises Refused(Payment)."""

    def settle(self, who: bytes, paid: int, actual: int, tip: int) -> None:
        """Give back what was `paid` beyond the `actual` fee, and report what it was."""


class Extensions:
    """The extensions at work in one runtime."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.system = runtime.pallet(System)
        self.payment = runtime.pallet(TransactionPayment)
        self.asset_payment = runtime.find(AssetTxPayment)

    # -- is it genuine -------------------------------------------------------------------------------

    def check(self, extrinsic: UncheckedExtrinsic, signature: Signature) -> CheckedTransaction:
        """Look up the signer and verify. Raises Refused: CannotLookup, AncientBirthBlock, BadProof."""
        if not isinstance(signature.address, Id):
            raise Refused(CannotLookup())
        signer = signature.address.account
        if not _verified(signature.signature, self._payload(extrinsic, signature), signer):
            raise Refused(BadProof())
        return CheckedTransaction(
            extrinsic.call, signer, signature.extra, len(extrinsic.raw), self.declared(extrinsic)
        )

    def _payload(self, extrinsic: UncheckedExtrinsic, signature: Signature) -> bytes:
        version = self.system.version
        return signing_payload(
            extrinsic.call_data,
            encode_extra(signature.extra, self.runtime.signed_extensions),
            version.spec_version,
            version.transaction_version,
            self.system.block_hash.get(0),
            self._birth_hash(signature.extra.era),
            self._metadata_hash if signature.extra.mode else None,
        )

    @cached_property
    def _metadata_hash(self) -> bytes:
        """What the signer believed to be the hash of this runtime's metadata. Raises Refused(CannotLookup)."""
        # Imported on use: metadata describes runtime APIs, and those are served with the extensions here.
        from .metadata import metadata_v14

        token = self.runtime.metadata_token
        if token is None:
            raise Refused(CannotLookup())
        return metadata_hash(RuntimeMetadata.parse(metadata_v14(type(self.runtime))), *token)

    def _birth_hash(self, era: Era) -> bytes:
        born = era.birth(self.system.number.get())
        found = self.system.block_hash.get(born)
        if found == ZERO_HASH:
            raise Refused(AncientBirthBlock())
        return found

    def declared(self, extrinsic: UncheckedExtrinsic) -> DispatchInfo:
        """Declared cost; extensions weigh only on signed extrinsics."""
        info = self.runtime.info_of(extrinsic.call)
        return info if extrinsic.signature is None else info.plus(self.weight(extrinsic.signature.extra))

    @staticmethod
    def weight(extra: Extra) -> Weight:
        """Of the extensions of a signed extrinsic together."""
        return EXTENSION_WEIGHT if extra.asset_id is None else EXTENSION_WEIGHT + ASSET_CHARGE_WEIGHT

    def _charge(self, extra: Extra) -> Charge:
        """Who takes the fee."""
        if extra.asset_id is None:
            return self.payment
        assert self.asset_payment is not None  # else the extrinsic names no asset
        return self.asset_payment.in_asset(extra.asset_id)

    # -- may it run ----------------------------------------------------------------------------------

    def validate(self, tx: CheckedTransaction) -> ValidTransaction:
        """What the pool must know.

        Raises Refused: BadSigner, Payment (no such account, or too poor), Stale, ExhaustsResources.
        """
        if tx.signer == ZERO_ACCOUNT:
            raise Refused(BadSigner())
        account, extra = self._account(tx), tx.extra
        self.system.check_room(tx.info, tx.length)
        fee = self.payment.fee(tx.length, tx.info, extra.tip)
        self._charge(extra).check_can_pay(tx.signer, fee)
        death = extra.era.death(self.system.number.get())
        return ValidTransaction(
            self.payment.priority(tx.length, tx.info, extra.tip, fee),
            [_tag(tx.signer, extra.nonce - 1)] if extra.nonce > account.nonce else [],
            [_tag(tx.signer, extra.nonce)],
            MAX_U64 if death is None else max(death - self.system.number.get(), 0),
            True,
        )

    def _account(self, tx: CheckedTransaction) -> AccountInfo:
        account = self.system.account.get(tx.signer)
        if not account.exists():
            raise Refused(Payment())
        if tx.extra.nonce < account.nonce:
            raise Refused(Stale())
        return account

    # -- running it ----------------------------------------------------------------------------------

    def prepare(self, tx: CheckedTransaction) -> int:
        """Use up the nonce, take room in the block and the fee; what was taken, see `Charge.withdraw`.

        Raises Refused: Stale, Future, ExhaustsResources, Payment.
        """
        if self._account(tx).nonce != tx.extra.nonce:
            raise Refused(Future())
        self.system.increment_nonce(tx.signer)
        self.system.take_room(tx.info, tx.length)
        fee = self.payment.fee(tx.length, tx.info, tx.extra.tip)
        return self._charge(tx.extra).withdraw(tx.signer, fee)

    def settle(self, tx: CheckedTransaction, paid: int, actual: DispatchInfo) -> None:
        """Give back room and fee that the call did not need; the rest of the fee goes its way."""
        self.system.return_room(tx.info, actual)
        fee = self.payment.fee(tx.length, actual, tx.extra.tip)
        self._charge(tx.extra).settle(tx.signer, paid, fee, tx.extra.tip)


def _tag(account: bytes, nonce: int) -> bytes:
    return encode(NonceTag, NonceTag(account, nonce))

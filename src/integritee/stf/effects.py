"""What an executed call makes happen outside the ledger, on a parentchain above all.

The enclave turns effects into extrinsics. Layouts of the resulting calls: worker `app-libs/stf/src/trusted_call.rs`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from integritee.primitives.ids import ParentchainId

from .asset_map import AssetId

MAX_EFFECTS: Final = 256
"""Effects of one call."""


@dataclass(frozen=True)
class VaultPayment:
    """Pay `amount` base units, native or of `asset`, from the shard's vault to a parentchain account."""

    parentchain: ParentchainId
    beneficiary: bytes
    amount: int
    asset: AssetId | None = None


@dataclass(frozen=True)
class BridgePayment:
    """Have pallet EnclaveBridge pay from the shard's bonding account; it pays each `call_hash` once only."""

    beneficiary: bytes
    amount: int
    call_hash: bytes


@dataclass(frozen=True)
class Remark:
    """A `System.remark` on a parentchain."""

    parentchain: ParentchainId
    remark: bytes


@dataclass(frozen=True)
class Delay:
    """Not a parentchain's matter: the author of the block does nothing for so long."""

    milliseconds: int


Effect: TypeAlias = VaultPayment | BridgePayment | Remark | Delay


def chain_of(effect: VaultPayment | BridgePayment | Remark) -> ParentchainId:
    """The parentchain that an effect happens on."""
    return ParentchainId.Integritee if isinstance(effect, BridgePayment) else effect.parentchain


Vet: TypeAlias = Callable[[Sequence[Effect]], None]
"""Raises an IntegriteeError if the enclave could not carry out all effects of a call: the call is undone then."""


def any_effects(effects: Sequence[Effect]) -> None:
    """Vet nothing."""

"""Identifiers and amounts that every actor shares.

Source: sp-core/sp-runtime (`AccountId32`, `H256`, `MultiAddress`), integritee `core-primitives/types`.
"""

from __future__ import annotations

import enum
from typing import Annotated, Any, ClassVar, TypeAlias

from integritee.scale import Bytes20, Bytes32, Enum, Fixed, u32, u64, u128

AccountId: TypeAlias = Annotated[bytes, Fixed(32, "sp_core::crypto::AccountId32")]
"""Public key of an account: 32 bytes, sr25519 or ed25519."""

H256: TypeAlias = Annotated[bytes, Fixed(32, "primitive_types::H256")]
"""A 32-byte hash."""

ShardIdentifier: TypeAlias = H256
"""Names one private ledger; base58 in texts. Default: the MRENCLAVE that opened it."""

MrEnclave: TypeAlias = Bytes32
"""Measurement of the enclave code, 32 bytes; base58 in texts."""

Balance: TypeAlias = u128
"""Base units of the native token."""

Nonce: TypeAlias = u32
BlockNumber: TypeAlias = u32
Moment: TypeAlias = u64
"""Milliseconds since the Unix epoch."""


class ParentchainId(enum.IntEnum):
    """Which of the (up to three) connected parentchains (integritee `core-primitives/types/parentchain`)."""

    Integritee = 0
    TargetA = 1
    TargetB = 2


class MultiAddress(Enum, frozen=True):
    """Destination of a call (sp_runtime::MultiAddress<AccountId32, ()>)."""

    scale_path: ClassVar[str] = "sp_runtime::multiaddress::MultiAddress"
    scale_params: ClassVar[tuple[tuple[str, Any], ...]] = (("AccountId", AccountId), ("AccountIndex", None))


class Id(MultiAddress, frozen=True):
    index: ClassVar[int] = 0
    account: AccountId


class Index(MultiAddress, frozen=True):
    index: ClassVar[int] = 1
    account_index: None


class Raw(MultiAddress, frozen=True):
    index: ClassVar[int] = 2
    data: bytes


class Address32(MultiAddress, frozen=True):
    index: ClassVar[int] = 3
    data: Bytes32


class Address20(MultiAddress, frozen=True):
    index: ClassVar[int] = 4
    data: Bytes20

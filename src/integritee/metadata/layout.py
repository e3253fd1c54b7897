"""How runtimes lay out their metadata: versions 14, 15 and 16 of crate frame-metadata (`v14.rs` … `v16.rs`).

These structs mirror the bytes. What the versions have in common, in the form the rest of this package works
with, is in `pallets` and `runtime`.
"""

from __future__ import annotations

import enum
from typing import Annotated, ClassVar

from integritee.scale import Bounded, Bytes32, Compact, Enum, Struct, u8, u32

from .type_layout import PortableType, TypeId

# --- storage


class StorageModifier(enum.IntEnum):
    """What reading an absent entry gives: nothing, or the entry's default."""

    Optional = 0
    Default = 1


class StorageHasher(enum.IntEnum):
    """How a map turns a key into part of a storage key."""

    Blake2_128 = 0
    Blake2_256 = 1
    Blake2_128Concat = 2
    Twox128 = 3
    Twox256 = 4
    Twox64Concat = 5
    Identity = 6


class StorageKind(Enum, frozen=True):
    """A single value or a map."""


class Plain(StorageKind, frozen=True):
    index: ClassVar[int] = 0
    type: TypeId


class Map(StorageKind, frozen=True):
    """`key` is the type of the one key, or of a tuple of as many keys as there are hashers."""

    index: ClassVar[int] = 1
    hashers: list[StorageHasher]
    key: TypeId
    value: TypeId


class StorageEntryV14(Struct, frozen=True):
    name: str
    modifier: StorageModifier
    type: StorageKind
    fallback: bytes
    docs: list[str]


class StorageV14(Struct, frozen=True):
    prefix: str
    items: list[StorageEntryV14]


# --- pallets of versions 14 and 15


class PalletTypeV14(Struct, frozen=True):
    """The enum of a pallet's calls, events or errors."""

    type: TypeId


class ConstantV14(Struct, frozen=True):
    name: str
    type: TypeId
    value: bytes
    docs: list[str]


class PalletV14(Struct, frozen=True):
    name: str
    storage: StorageV14 | None
    calls: PalletTypeV14 | None
    events: PalletTypeV14 | None
    constants: list[ConstantV14]
    errors: PalletTypeV14 | None
    index: u8


class PalletV15(PalletV14, frozen=True):
    docs: list[str]


# --- deprecation, new in version 16


class Deprecation(Enum, frozen=True):
    """Of an item of a pallet."""


class NotDeprecated(Deprecation, frozen=True):
    index: ClassVar[int] = 0


class DeprecatedWithoutNote(Deprecation, frozen=True):
    index: ClassVar[int] = 1


class Deprecated(Deprecation, frozen=True):
    index: ClassVar[int] = 2
    note: str
    since: str | None


class VariantDeprecation(Struct, frozen=True):
    """Of the variant with discriminant `variant`."""

    variant: u8
    deprecation: Deprecation


# --- pallets of version 16


class StorageEntryV16(StorageEntryV14, frozen=True):
    deprecation_info: Deprecation


class StorageV16(Struct, frozen=True):
    prefix: str
    items: list[StorageEntryV16]


class PalletTypeV16(PalletTypeV14, frozen=True):
    deprecation_info: list[VariantDeprecation]


class ConstantV16(ConstantV14, frozen=True):
    deprecation_info: Deprecation


class AssociatedType(Struct, frozen=True):
    """A type of the pallet's configuration."""

    name: str
    type: TypeId
    docs: list[str]


class Parameter(Struct, frozen=True):
    name: str
    type: TypeId


class ViewFunction(Struct, frozen=True):
    id: Bytes32
    name: str
    inputs: list[Parameter]
    output: TypeId
    docs: list[str]
    deprecation_info: Deprecation


class PalletV16(Struct, frozen=True):
    name: str
    storage: StorageV16 | None
    calls: PalletTypeV16 | None
    events: PalletTypeV16 | None
    constants: list[ConstantV16]
    errors: PalletTypeV16 | None
    associated_types: list[AssociatedType]
    view_functions: list[ViewFunction]
    index: u8
    docs: list[str]
    deprecation_info: Deprecation


# --- extrinsics


class SignedExtensionLayout(Struct, frozen=True):
    """`type` is what it adds to an extrinsic, `additional_signed` what it adds to the signed payload only."""

    identifier: str
    type: TypeId
    additional_signed: TypeId


class ExtrinsicV14(Struct, frozen=True):
    """`type` is `UncheckedExtrinsic<Address, Call, Signature, Extra>`."""

    type: TypeId
    version: u8
    signed_extensions: list[SignedExtensionLayout]


class ExtrinsicV15(Struct, frozen=True):
    version: u8
    address_type: TypeId
    call_type: TypeId
    signature_type: TypeId
    extra_type: TypeId
    signed_extensions: list[SignedExtensionLayout]


class ExtensionSet(Struct, frozen=True):
    """Positions of the transaction extensions that make up one extension version."""

    version: u8
    extensions: list[Compact[u32]]


class ExtrinsicV16(Struct, frozen=True):
    versions: list[u8]
    address_type: TypeId
    call_type: TypeId
    signature_type: TypeId
    transaction_extensions_by_version: list[ExtensionSet]
    transaction_extensions: list[SignedExtensionLayout]


# --- runtime APIs and the rest, new in version 15


class ApiMethodV15(Struct, frozen=True):
    name: str
    inputs: list[Parameter]
    output: TypeId
    docs: list[str]


class ApiV15(Struct, frozen=True):
    name: str
    methods: list[ApiMethodV15]
    docs: list[str]


class ApiMethodV16(ApiMethodV15, frozen=True):
    deprecation_info: Deprecation


class ApiV16(Struct, frozen=True):
    name: str
    methods: list[ApiMethodV16]
    docs: list[str]
    version: Compact[u32]
    deprecation_info: Deprecation


class OuterEnums(Struct, frozen=True):
    """The runtime's enums over all pallets."""

    call_type: TypeId
    event_type: TypeId
    error_type: TypeId


class CustomValue(Struct, frozen=True):
    """Anything a runtime wants to publish."""

    name: str
    type: TypeId
    value: bytes


# --- the whole

MAX_TYPES = 1 << 14
"""Most types a registry may hold; large production runtimes have about 2,000."""

Registry = Annotated[list[PortableType], Bounded(MAX_TYPES)]


class MetadataV14(Struct, frozen=True):
    types: Registry
    pallets: list[PalletV14]
    extrinsic: ExtrinsicV14
    type: TypeId


class MetadataV15(Struct, frozen=True):
    types: Registry
    pallets: list[PalletV15]
    extrinsic: ExtrinsicV15
    type: TypeId
    apis: list[ApiV15]
    outer_enums: OuterEnums
    custom: list[CustomValue]


class MetadataV16(Struct, frozen=True):
    types: Registry
    pallets: list[PalletV16]
    extrinsic: ExtrinsicV16
    apis: list[ApiV16]
    outer_enums: OuterEnums
    custom: list[CustomValue]

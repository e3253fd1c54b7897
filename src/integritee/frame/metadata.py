"""Runtime metadata V14 from a runtime's declarations (frame-metadata `v14`, scale-info `PortableRegistry`)."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from integritee.scale import Bytes4, Compact, Enum, Struct, encode, u8, u32

from .extrinsic import SIGNED_EXTENSIONS
from .pallet import Pallet, PalletUse, calls_of, constants_of, storage_entries
from .runtime import Runtime
from .type_registry import TypeRegistry, VariantDef

MAGIC: Final = b"meta"
VERSION: Final = 14


class StorageKind(Enum, frozen=True):
    """Shape of a storage item."""


class Plain(StorageKind, frozen=True):
    index: ClassVar[int] = 0
    value: Compact[u32]


class Map(StorageKind, frozen=True):
    index: ClassVar[int] = 1
    hashers: list[u8]
    key: Compact[u32]
    value: Compact[u32]


class StorageItem(Struct, frozen=True):
    name: str
    modifier: u8
    kind: StorageKind
    default: bytes
    docs: list[str]


class PalletStorage(Struct, frozen=True):
    prefix: str
    entries: list[StorageItem]


class PalletConstant(Struct, frozen=True):
    name: str
    type_id: Compact[u32]
    value: bytes
    docs: list[str]


class PalletMetadata(Struct, frozen=True):
    name: str
    storage: PalletStorage | None
    calls: Compact[u32] | None
    event: Compact[u32] | None
    constants: list[PalletConstant]
    error: Compact[u32] | None
    index: u8


class SignedExtension(Struct, frozen=True):
    identifier: str
    extra: Compact[u32]
    additional_signed: Compact[u32]


class ExtrinsicMetadata(Struct, frozen=True):
    type_id: Compact[u32]
    version: u8
    signed_extensions: list[SignedExtension]


class MetadataTail(Struct, frozen=True):
    """Everything behind the type registry."""

    pallets: list[PalletMetadata]
    extrinsic: ExtrinsicMetadata
    runtime_type: Compact[u32]


class Prefix(Struct, frozen=True):
    magic: Bytes4
    version: u8


def metadata_v14(runtime: type[Runtime]) -> bytes:
    """``meta`` ‖ 14 ‖ types ‖ pallets ‖ extrinsic ‖ runtime type."""
    types = TypeRegistry(runtime)
    instance = runtime()
    pallets = [_pallet(types, runtime, attribute, listed, instance) for attribute, listed in _listed(runtime)]
    extrinsic = ExtrinsicMetadata(
        types.extrinsic(SIGNED_EXTENSIONS),
        4,
        [SignedExtension(e.identifier, types.extension(e), types.id_of(e.additional)) for e in SIGNED_EXTENSIONS],
    )
    tail = MetadataTail(pallets, extrinsic, types.composite(f"{runtime.name}::Runtime", ()))
    return encode(Prefix, Prefix(MAGIC, VERSION)) + types.encoded() + encode(MetadataTail, tail)


def _listed(runtime: type[Runtime]) -> list[tuple[str, PalletUse]]:
    return sorted(runtime.uses.items(), key=lambda item: item[1].index)


def _pallet(
    types: TypeRegistry, runtime: type[Runtime], attribute: str, listed: PalletUse, instance: Runtime
) -> PalletMetadata:
    name, cls = runtime.pallet_name(attribute), listed.pallet
    errors = cls.Error.definitions()
    return PalletMetadata(
        name,
        _storage(types, runtime, name, cls),
        types.calls_of(cls) if calls_of(cls) else None,
        types.events_of(cls) if cls.Event.definitions() else None,
        [_constant(types, runtime, instance.pallets[name], n, h) for n, h in constants_of(cls)],
        types.variant(
            f"{cls.path}::pallet::Error",
            [
                VariantDef(e.name, [types.field(None, e.field)] if e.field else [], e.index, e.docs)
                for e in errors
            ],
        )
        if errors
        else None,
        listed.index,
    )


def _storage(types: TypeRegistry, runtime: type[Runtime], name: str, cls: type[Pallet]) -> PalletStorage | None:
    items = [_storage_item(types, runtime, entry) for entry in storage_entries(cls)]
    return PalletStorage(name, items) if items else None


def _storage_item(types: TypeRegistry, runtime: type[Runtime], entry: Any) -> StorageItem:
    value = types.id_of(entry.value)
    kind: StorageKind = Plain(value)
    if entry.keys:
        key = entry.keys[0] if len(entry.keys) == 1 else tuple[entry.keys]
        kind = Map([h.tag for h in entry.hashers], types.id_of(key), value)
    default = b"\x00" if entry.optional else runtime.codec(entry.value).encode(entry.default)
    return StorageItem(entry.name, 0 if entry.optional else 1, kind, default, _lines(entry.docs))


def _constant(types: TypeRegistry, runtime: type[Runtime], pallet: Pallet, name: str, hint: Any) -> PalletConstant:
    value = getattr(pallet, name)
    return PalletConstant(constant_name(name), types.id_of(hint), runtime.codec(hint).encode(value), [])


def constant_name(attribute: str) -> str:
    """``ss58_prefix`` → ``SS58Prefix``, ``existential_deposit`` → ``ExistentialDeposit``."""
    words = [w[:1].upper() + w[1:] for w in attribute.split("_")]
    return "".join("SS58" if w == "Ss58" else w for w in words)


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]

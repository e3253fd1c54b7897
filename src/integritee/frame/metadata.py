"""Runtime metadata from a runtime's declarations (frame-metadata `v14`, `v15`, scale-info `PortableRegistry`).

Version 15 adds the runtime APIs: clients that call them know their types from nowhere else.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any, ClassVar, Final

from integritee.primitives.ids import MultiAddress
from integritee.primitives.signature import MultiSignature
from integritee.scale import Bytes4, Compact, Enum, Struct, encode, u8, u32

from .outer import RuntimeCall, RuntimeEvent
from .pallet import Pallet, PalletUse, calls_of, constants_of, storage_entries
from .runtime import Runtime
from .runtime_api import RuntimeApi, api_methods
from .type_registry import TypeRegistry

MAGIC: Final = b"meta"
EXTRINSIC_FORMAT: Final = 4


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


class TailV14(Struct, frozen=True):
    """Everything behind the type registry."""

    pallets: list[PalletMetadata]
    extrinsic: ExtrinsicMetadata
    runtime_type: Compact[u32]


class ExtrinsicParts(Struct, frozen=True):
    """The form of version 15."""

    version: u8
    address: Compact[u32]
    call: Compact[u32]
    signature: Compact[u32]
    extra: Compact[u32]
    signed_extensions: list[SignedExtension]


class ApiParameter(Struct, frozen=True):
    name: str
    type_id: Compact[u32]


class ApiMethod(Struct, frozen=True):
    name: str
    inputs: list[ApiParameter]
    output: Compact[u32]
    docs: list[str]


class ApiTrait(Struct, frozen=True):
    name: str
    methods: list[ApiMethod]
    docs: list[str]


class OuterEnums(Struct, frozen=True):
    call: Compact[u32]
    event: Compact[u32]
    error: Compact[u32]


class TailV15(Struct, frozen=True):
    """Everything behind the type registry. `pallets` come with their docs; `custom` values there are none."""

    pallets: list[tuple[PalletMetadata, list[str]]]
    extrinsic: ExtrinsicParts
    runtime_type: Compact[u32]
    apis: list[ApiTrait]
    outer_enums: OuterEnums
    custom: list[None]


class Prefix(Struct, frozen=True):
    magic: Bytes4
    version: u8


def metadata_v14(runtime: type[Runtime]) -> bytes:
    """``meta`` ‖ 14 ‖ types ‖ pallets ‖ extrinsic ‖ runtime type."""
    types = TypeRegistry(runtime)
    pallets = [pallet for _, pallet in _pallets(types, runtime)]
    extrinsic = ExtrinsicMetadata(types.extrinsic(), EXTRINSIC_FORMAT, _signed_extensions(types, runtime))
    tail = TailV14(pallets, extrinsic, _runtime_type(types, runtime))
    return encode(Prefix, Prefix(MAGIC, 14)) + types.encoded() + encode(TailV14, tail)


def metadata_v15(runtime: type[Runtime], apis: Iterable[type[RuntimeApi]]) -> bytes:
    """``meta`` ‖ 15 ‖ types ‖ pallets ‖ extrinsic ‖ runtime type ‖ runtime APIs ‖ outer enums ‖ custom values."""
    types = TypeRegistry(runtime)
    tail = TailV15(
        [(pallet, _docs(cls)) for cls, pallet in _pallets(types, runtime)],
        ExtrinsicParts(
            EXTRINSIC_FORMAT,
            types.id_of(MultiAddress),
            types.id_of(RuntimeCall),
            types.id_of(MultiSignature),
            types.extra(),
            _signed_extensions(types, runtime),
        ),
        _runtime_type(types, runtime),
        [_api(types, api) for api in apis],
        OuterEnums(types.id_of(RuntimeCall), types.id_of(RuntimeEvent), types.outer_error()),
        [],
    )
    return encode(Prefix, Prefix(MAGIC, 15)) + types.encoded() + encode(TailV15, tail)


def _runtime_type(types: TypeRegistry, runtime: type[Runtime]) -> int:
    return types.composite(f"{runtime.name}::Runtime", ())


def _signed_extensions(types: TypeRegistry, runtime: type[Runtime]) -> list[SignedExtension]:
    listed = runtime.signed_extensions
    return [SignedExtension(e.identifier, types.extension(e), types.id_of(e.additional)) for e in listed]


def _api(types: TypeRegistry, api: type[RuntimeApi]) -> ApiTrait:
    methods = [
        ApiMethod(
            method.name,
            [ApiParameter(a.name, types.id_of(a.hint)) for a in method.arguments],
            types.id_of(method.returns),
            _docs(method.function),
        )
        for method in api_methods(api)
    ]
    return ApiTrait(api.trait, methods, _docs(api))


def _pallets(types: TypeRegistry, runtime: type[Runtime]) -> list[tuple[type[Pallet], PalletMetadata]]:
    """Every pallet, in order of index."""
    instance = runtime()
    listed = sorted(runtime.uses.items(), key=lambda item: item[1].index)
    return [(use.pallet, _pallet(types, runtime, attribute, use, instance)) for attribute, use in listed]


def _pallet(
    types: TypeRegistry, runtime: type[Runtime], attribute: str, listed: PalletUse, instance: Runtime
) -> PalletMetadata:
    name, cls = runtime.pallet_name(attribute), listed.pallet
    return PalletMetadata(
        name,
        _storage(types, runtime, name, cls),
        types.calls_of(cls) if calls_of(cls) else None,
        types.events_of(cls) if cls.Event.definitions() else None,
        [_constant(types, runtime, instance.pallets[name], n, h) for n, h in constants_of(cls)],
        types.errors_of(cls) if cls.Error.definitions() else None,
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


def _docs(subject: Any) -> list[str]:
    return _lines(inspect.getdoc(subject) or "")


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]

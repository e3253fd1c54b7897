"""A runtime's metadata, ready for use: calls, storage, events, errors and constants by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple, TypeAlias

from integritee.scale import codec
from integritee.scale.errors import EncodeError

from . import json_view
from .calls import call_codec, encode_call
from .codecs import sequence
from .errors import (
    DuplicateEntry,
    InputTooLarge,
    MetadataTooLarge,
    MissingEntry,
    NotMetadata,
    UnknownName,
    UnsupportedVersion,
)
from .event_stream import Event, read_events
from .events import EventCodec, EventRecord, event_codec
from .layout import (
    ExtrinsicV14,
    ExtrinsicV15,
    ExtrinsicV16,
    MetadataV14,
    MetadataV15,
    MetadataV16,
    SignedExtensionLayout,
)
from .outer_enum import OuterEnum
from .pallets import PalletMetadata, pallet_metadata, unique
from .registry import MAX_VALUE_SIZE, TypeRegistry, decode_bounded
from .storage import StorageEntry
from .values import DecodedCall, Variant

MAGIC: Final = b"meta"

MAX_METADATA_SIZE: Final = 4 << 20
"""Longest metadata in bytes; large production runtimes have about 0.5 MB."""

ANSWER: Final = codec(bytes | None)

Layout: TypeAlias = MetadataV14 | MetadataV15 | MetadataV16
LAYOUTS: Final[dict[int, type[Layout]]] = {14: MetadataV14, 15: MetadataV15, 16: MetadataV16}


class SignedExtension(NamedTuple):
    """Types of what a signed extension adds to extrinsics and to the signed payload only."""

    identifier: str
    type: int
    additional: int


class RuntimeMetadata:
    """What a runtime says about itself. Make it with `parse`.

    Values are those of `integritee.metadata.values`. Beside the errors named below, every method raises
    InvalidMetadata where a type it needs turns out to be unusable: types are compiled on first use.
    """

    def __init__(self, version: int, layout: Layout) -> None:
        self.version = version
        self.layout = layout
        self.types = TypeRegistry(layout.types)
        self.pallets: Mapping[str, PalletMetadata] = unique(
            "pallet", [pallet_metadata(p, self.types) for p in layout.pallets], lambda p: p.name
        )
        self._pallet_names = {
            int(index): pallet.name
            for index, pallet in unique("pallet", self.pallets.values(), lambda p: str(p.index)).items()
        }
        self.extrinsic_version = _extrinsic_version(layout.extrinsic)
        self.extension_versions = _extension_versions(layout.extrinsic)
        self.signed_extensions = _of_version_0(self.extension_versions)
        self._calls = OuterEnum("call", self.types, self.pallets.values(), lambda pallet: pallet.calls)
        self._call_codec = call_codec(self._calls)
        call_type = self._part_of_extrinsic("Call")
        if call_type is not None:
            self.types.set_codec(call_type, self._call_codec)

    @classmethod
    def parse(cls, raw: bytes) -> RuntimeMetadata:
        """Metadata of version 14, 15 or 16 as `state_getMetadata` returns it ("meta", version, content).

        Raises InvalidMetadata, DecodeError.
        """
        if len(raw) > MAX_METADATA_SIZE:
            raise MetadataTooLarge(len(raw), MAX_METADATA_SIZE)
        if raw[:4] != MAGIC or len(raw) < 5:
            raise NotMetadata(bytes(raw[:4]))
        layout = LAYOUTS.get(raw[4])
        if layout is None:
            raise UnsupportedVersion(raw[4], ", ".join(map(str, LAYOUTS)))
        return cls(raw[4], codec(layout).decode(bytes(raw[5:])))

    @classmethod
    def parse_answer(cls, raw: bytes) -> RuntimeMetadata | None:
        """What the runtime API `Metadata_metadata_at_version` returns; None if the runtime lacks that version.

        Newer versions are to be had this way only: `state_getMetadata` gives version 14. Raises as `parse`.
        """
        if len(raw) > MAX_METADATA_SIZE:
            raise MetadataTooLarge(len(raw), MAX_METADATA_SIZE)
        content = ANSWER.decode(bytes(raw))
        return None if content is None else cls.parse(content)

    # --- calls

    def call(self, pallet: str, call: str, args: Mapping[str, Any] | Sequence[Any] = ()) -> bytes:
        """Bytes of a call, arguments by name or in order. Raises UnknownName, WrongArguments, EncodeError."""
        try:
            return encode_call(self._calls, pallet, call, args)
        except RecursionError:
            raise EncodeError("arguments of bounded nesting", f"those of {pallet}.{call}") from None

    def call_index(self, pallet: str, call: str) -> bytes:
        """The two bytes that name a call: pallet index, call index. Raises UnknownName."""
        return self._calls.index(pallet, call)

    def decode_call(self, data: bytes) -> DecodedCall:
        """The call that `data` is, calls within it decoded too. Raises DecodeError, InputTooLarge."""
        decoded: DecodedCall = decode_bounded(self._call_codec, data)
        return decoded

    # --- storage

    def storage_key(self, pallet: str, item: str, *keys: Any) -> bytes:
        """Key of a storage entry. Raises UnknownName, WrongKeyCount, EncodeError."""
        return self._storage(pallet, item).key(self.types, keys)

    def storage_prefix(self, pallet: str, item: str, *keys: Any) -> bytes:
        """What the keys of all entries that begin with the map keys `keys` have in common."""
        return self._storage(pallet, item).key(self.types, keys, partial=True)

    def storage_map_keys(self, pallet: str, item: str, key: bytes) -> tuple[Any, ...]:
        """The map keys in a storage key.

        Raises UnknownName, WrongStorageKey, KeyNotRecoverable, DecodeError.
        """
        return self._storage(pallet, item).map_keys(self.types, key)

    def decode_storage(self, pallet: str, item: str, raw: bytes | None) -> Any:
        """Value of a storage entry; `raw` None if absent, which gives the entry's default or None.

        Raises UnknownName, DecodeError, InputTooLarge.
        """
        entry = self._storage(pallet, item)
        present = entry.fallback if raw is None else raw
        return None if present is None else self.types.decode(entry.value, present)

    def encode_storage(self, pallet: str, item: str, value: Any) -> bytes:
        """Bytes of a value of a storage entry. Raises UnknownName, EncodeError."""
        return self.types.encode(self._storage(pallet, item).value, value)

    def _storage(self, pallet: str, item: str) -> StorageEntry:
        return StorageEntry.of(self.pallet(pallet), item, self.types)

    # --- events and errors

    def decode_events(self, raw: bytes) -> list[EventRecord]:
        """The events of a block from the value of System.Events. Raises DecodeError, InputTooLarge."""
        records: list[EventRecord] = decode_bounded(sequence(self._event_codec.record), raw)
        return records

    def read_events(self, raw: bytes) -> list[Event]:
        """As `decode_events`, but an event that cannot be decoded is an item as well if its end can be told.

        Raises DecodeError, InputTooLarge, EventsOutOfStep.
        """
        if len(raw) > MAX_VALUE_SIZE:
            raise InputTooLarge(len(raw), MAX_VALUE_SIZE)
        return read_events(self._event_codec, bytes(raw))

    def encode_events(self, records: Sequence[EventRecord]) -> bytes:
        """The value of System.Events that holds `records`. Raises UnknownName, EncodeError."""
        return sequence(self._event_codec.record).encode(records)

    @cached_property
    def _event_codec(self) -> EventCodec:
        return event_codec(self.types, self.pallets)

    def error(self, module_index: int, error_index: int) -> tuple[str, str, str]:
        """(pallet, name, docs) of a pallet's error. Raises UnknownName."""
        pallet = self.pallets.get(self._pallet_names.get(module_index, ""))
        if pallet is None:
            raise UnknownName("pallet", str(module_index))
        for error in pallet.errors.values():
            if error.index == error_index:
                return pallet.name, error.name, "\n".join(error.docs)
        raise UnknownName("error", f"{pallet.name}.{error_index}")

    def dispatch_error_name(self, error: Variant) -> str:
        """Name of a decoded DispatchError: "Balances.InsufficientBalance", "Token.Frozen", "BadOrigin".

        Raises UnknownName.
        """
        match error.value:
            case {"index": int(module), "error": bytes() | int() as detail}:
                return ".".join(self.error(module, detail[0] if isinstance(detail, bytes) else detail)[:2])
            case Variant(reason):
                return f"{error.name}.{reason}"
        return error.name

    # --- the rest

    def pallet(self, name: str) -> PalletMetadata:
        """Raises UnknownName."""
        found = self.pallets.get(name)
        if found is None:
            raise UnknownName("pallet", name)
        return found

    def has_pallet(self, name: str) -> bool:
        return name in self.pallets

    def constant(self, pallet: str, name: str) -> Any:
        """Value of a pallet's constant. Raises UnknownName, DecodeError."""
        constant = self.pallet(pallet).constant(name)
        return self.types.decode(constant.type, constant.value)

    def encode_type(self, type_id: int, value: Any) -> bytes:
        """Bytes of a value of any type. Raises EncodeError."""
        return self.types.encode(type_id, value)

    def decode_type(self, type_id: int, data: bytes) -> Any:
        """The value that `data` is, entirely. Raises DecodeError, InputTooLarge."""
        return self.types.decode(type_id, data)

    def type_id(self, path: str) -> int:
        """The first type with this Rust path, such as "sp_runtime::DispatchError". Raises UnknownName."""
        segments = path.split("::")
        for described in self.types.types:
            if described.path == segments:
                return described.id
        raise UnknownName("type", path)

    @property
    def call_type(self) -> int:
        """Type of calls in extrinsics. Raises MissingEntry."""
        return self._required_of_extrinsic("Call")

    @property
    def address_type(self) -> int:
        """Type of the signer's address in extrinsics. Raises MissingEntry."""
        return self._required_of_extrinsic("Address")

    @property
    def signature_type(self) -> int:
        """Type of the signature in extrinsics. Raises MissingEntry."""
        return self._required_of_extrinsic("Signature")

    def _required_of_extrinsic(self, name: str) -> int:
        found = self._part_of_extrinsic(name)
        if found is None:
            raise MissingEntry(f"the type of {name} in extrinsics")
        return found

    def _part_of_extrinsic(self, name: str) -> int | None:
        extrinsic = self.layout.extrinsic
        if isinstance(extrinsic, ExtrinsicV14):
            return self.types.type(extrinsic.type).parameter(name)
        parts = {
            "Address": extrinsic.address_type,
            "Call": extrinsic.call_type,
            "Signature": extrinsic.signature_type,
        }
        return parts[name]

    def to_json(self) -> dict[str, Any]:
        """The whole metadata, JSON-ready, in the shape of polkadot-js' `Metadata.toJSON()`."""
        return json_view.metadata_to_json(self.version, self.layout)


def _extrinsic_version(extrinsic: ExtrinsicV14 | ExtrinsicV15 | ExtrinsicV16) -> int:
    if not isinstance(extrinsic, ExtrinsicV16):
        return extrinsic.version
    if not extrinsic.versions:
        raise MissingEntry("an extrinsic version")
    return min(extrinsic.versions)


def _extension_versions(
    extrinsic: ExtrinsicV14 | ExtrinsicV15 | ExtrinsicV16,
) -> dict[int, list[SignedExtension]]:
    """The extensions in their order, by extension version. Before metadata 16 there is only version 0."""
    if not isinstance(extrinsic, ExtrinsicV16):
        return {0: [_extension(e) for e in extrinsic.signed_extensions]}
    available = [_extension(e) for e in extrinsic.transaction_extensions]
    found: dict[int, list[SignedExtension]] = {}
    for entry in extrinsic.transaction_extensions_by_version:
        if any(position >= len(available) for position in entry.extensions):
            raise MissingEntry(f"a transaction extension of version {entry.version}")
        if entry.version in found:
            raise DuplicateEntry("set of transaction extension", f"of version {entry.version}")
        found[entry.version] = [available[position] for position in entry.extensions]
    return found


def _extension(layout: SignedExtensionLayout) -> SignedExtension:
    return SignedExtension(layout.identifier, layout.type, layout.additional_signed)


def _of_version_0(versions: Mapping[int, list[SignedExtension]]) -> list[SignedExtension]:
    """Signed extrinsics of format 4 carry no extension version: they have version 0."""
    if 0 not in versions:
        raise MissingEntry("the transaction extensions of version 0")
    return versions[0]

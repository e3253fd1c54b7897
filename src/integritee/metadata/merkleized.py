"""The hash by which a runtime knows its own metadata again (RFC 78, "Merkleized Metadata").

    metadata hash  BLAKE3(0x01 ‖ root of the types ‖ BLAKE3(extrinsic) ‖ spec version ‖ spec name ‖ SS58 prefix
                          ‖ decimals ‖ token symbol)
    extrinsic      format version ‖ address ‖ call ‖ signature ‖ [identifier ‖ in extrinsic ‖ in payload, …]
    type           path ‖ form ‖ number

Types are those that extrinsics are made of, numbered in the order of the registry; each is a leaf of the tree, each
variant of an enum is one of its own. References to types are one byte, or 22 and the number of the type.

A chain with the signed extension CheckMetadataHash accepts a signature over this hash only if it is that of its
runtime. So a transaction that is in a block proves what was believed of the chain's calls, signed extensions, name,
version and token. Of events, storage and constants the hash says nothing.

Runtimes compute theirs from metadata of version 15. Version 14 registers the types of extrinsics in the same order,
which gives the same hash; version 16 has others between them and does not (frame-metadata, `v14.rs` … `v16.rs`).

Source: the RFC, and crate `merkleized-metadata` where that leaves things open or differs (the shape of the tree; the
number 20 of compact u256, hence 21 and 22; what is within a Compact).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from integritee.crypto import blake3_256
from integritee.scale import encode, encode_compact, u8, u16, u32

from .errors import UnsupportedVersion, UnusableType
from .registry import TypeRegistry
from .runtime import RuntimeMetadata
from .type_layout import (
    ArrayOf,
    BitSequence,
    CompactOf,
    Composite,
    Field,
    Primitive,
    PrimitiveType,
    SequenceOf,
    TupleOf,
    TypeDef,
    VariantLayout,
    Variants,
)

VERSIONS: Final = (14, 15)
"""Versions of metadata that give the hash."""

DIGEST_V1: Final = b"\x01"

COMPACT: Final = {
    Primitive.U8: 15,
    Primitive.U16: 16,
    Primitive.U32: 17,
    Primitive.U64: 18,
    Primitive.U128: 19,
    Primitive.U256: 20,
}
"""References to compact integers. Those to other primitive types are the primitives' own numbers."""

VOID: Final = b"\x15"
NUMBERED: Final = b"\x16"

STORE_BYTES: Final = {Primitive.U8: 1, Primitive.U16: 2, Primitive.U32: 4, Primitive.U64: 8}
BIT_ORDERS: Final = {"Lsb0": True, "Msb0": False}


def metadata_hash(metadata: RuntimeMetadata, decimals: int, token_symbol: str) -> bytes:
    """32 bytes, for `TransactionParameters.metadata_hash`.

    `decimals` and `token_symbol` are not in the metadata. They are those that the runtime was built with, which may
    not be what nodes tell of the chain.

    Raises InvalidMetadata (of version 16, too), UnknownName, DecodeError, EncodeError.
    """
    if metadata.version not in VERSIONS:
        raise UnsupportedVersion(metadata.version, ", ".join(map(str, VERSIONS)))
    version = metadata.constant("System", "Version")
    types = ExtrinsicTypes(metadata)
    chain = (
        encode(u32, version["spec_version"]),
        encode(str, version["spec_name"]),
        encode(u16, metadata.constant("System", "SS58Prefix")),
        encode(u8, decimals),
        encode(str, token_symbol),
    )
    root, extrinsic = merkle_root(types.leaves()), blake3_256(types.extrinsic())
    return blake3_256(b"".join((DIGEST_V1, root, extrinsic, *chain)))


def merkle_root(leaves: Iterable[bytes]) -> bytes:
    """Root of a complete binary tree, whose leaves are hashed; zeros without leaves.

    Where the lowest level is not full, it has the last leaves, on the left; the first ones follow a level above.
    """
    hashes = [blake3_256(leaf) for leaf in leaves]
    if not hashes:
        return bytes(32)
    nodes = [b""] * (len(hashes) - 1) + hashes
    for parent in range(len(hashes) - 2, -1, -1):
        nodes[parent] = blake3_256(nodes[2 * parent + 1] + nodes[2 * parent + 2])
    return nodes[0]


class ExtrinsicTypes:
    """The types that extrinsics of a runtime are made of, numbered. Raises InvalidMetadata."""

    def __init__(self, metadata: RuntimeMetadata) -> None:
        self._metadata = metadata
        self._types = metadata.types
        extensions = metadata.signed_extensions
        roots = [metadata.call_type, metadata.address_type, metadata.signature_type]
        roots += [part for extension in extensions for part in (extension.type, extension.additional)]
        reached = sorted(_reach(self._types, roots))
        self._numbers = {id: number for number, id in enumerate(filter(self._is_numbered, reached))}
        self._references: dict[int, bytes] = {}

    def extrinsic(self) -> bytes:
        """How an extrinsic is put together."""
        metadata = self._metadata
        extensions = [
            encode(str, extension.identifier)
            + self._reference(extension.type)
            + self._reference(extension.additional)
            for extension in metadata.signed_extensions
        ]
        parts = (metadata.address_type, metadata.call_type, metadata.signature_type)
        references = b"".join(map(self._reference, parts))
        return bytes((metadata.extrinsic_version,)) + references + _vector(extensions)

    def leaves(self) -> Iterator[bytes]:
        """Descriptions of the types in their order, and of the variants of enums in theirs."""
        for type_id, number in self._numbers.items():
            described = self._types.type(type_id)
            path = encode(list[str], described.path)
            for form in self._forms(type_id, described.definition):
                yield path + form + encode_compact(number)

    def _is_numbered(self, type_id: int) -> bool:
        match self._types.type(type_id).definition:
            case PrimitiveType() | CompactOf() | Composite([]) | Variants([]) | TupleOf([]):
                return False
        return True

    def _reference(self, type_id: int) -> bytes:
        found = self._references.get(type_id)
        if found is None:
            found = self._references[type_id] = self._new_reference(type_id)
        return found

    def _new_reference(self, type_id: int) -> bytes:
        match self._types.type(type_id).definition:
            case PrimitiveType(kind):
                return bytes((kind,))
            case CompactOf(wrapped):
                return self._compact(type_id, wrapped)
        number = self._numbers.get(type_id)
        return VOID if number is None else NUMBERED + encode_compact(number)

    def _compact(self, type_id: int, wrapped: int) -> bytes:
        match self._primitives(wrapped):
            case []:
                return VOID
            case [integer] if integer in COMPACT:
                return bytes((COMPACT[integer],))
        raise UnusableType(type_id, "is the compact form of no integer")

    def _forms(self, type_id: int, definition: TypeDef) -> list[bytes]:
        match definition:
            case Composite(fields):
                return [b"\x00" + self._fields(fields)]
            case Variants():
                variants = sorted(self._types.variants(type_id), key=lambda variant: variant.index)
                return [b"\x01" + self._variant(variant) for variant in variants]
            case SequenceOf(item):
                return [b"\x02" + self._reference(item)]
            case ArrayOf(size, item):
                return [b"\x03" + encode(u32, size) + self._reference(item)]
            case TupleOf(items):
                return [b"\x04" + _vector([self._reference(item) for item in items])]
            case BitSequence(store, order):
                return [b"\x05" + self._bits(type_id, store, order)]
        raise UnusableType(type_id, "has no form of its own")

    def _variant(self, variant: VariantLayout) -> bytes:
        return encode(str, variant.name) + self._fields(variant.fields) + encode_compact(variant.index)

    def _fields(self, fields: list[Field]) -> bytes:
        return _vector(
            [
                encode(str | None, field.name) + self._reference(field.type) + encode(str | None, field.type_name)
                for field in fields
            ]
        )

    def _bits(self, type_id: int, store: int, order: int) -> bytes:
        stores = self._primitives(store)
        orders = [BIT_ORDERS[name] for name in self._types.type(order).path if name in BIT_ORDERS]
        if len(stores) != 1 or stores[0] not in STORE_BYTES or not orders:
            raise UnusableType(type_id, "is a sequence of bits without store or order")
        return bytes((STORE_BYTES[stores[0]], orders[0]))

    def _primitives(self, type_id: int) -> list[Primitive]:
        """The primitive types within a type."""
        within = map(self._types.type, _reach(self._types, [type_id]))
        return [part.definition.kind for part in within if isinstance(part.definition, PrimitiveType)]


def _reach(types: TypeRegistry, roots: Iterable[int]) -> set[int]:
    """The types that values of the roots consist of; those within compact integers and bits are not looked at."""
    reached: set[int] = set()
    left = list(roots)
    while left:
        type_id = left.pop()
        if type_id not in reached:
            reached.add(type_id)
            left += _parts(types.type(type_id).definition)
    return reached


def _parts(definition: TypeDef) -> list[int]:
    match definition:
        case Composite(fields):
            return [field.type for field in fields]
        case Variants(variants):
            return [field.type for variant in variants for field in variant.fields]
        case SequenceOf(item) | ArrayOf(_, item):
            return [item]
        case TupleOf(items):
            return list(items)
    return []


def _vector(items: list[bytes]) -> bytes:
    return encode_compact(len(items)) + b"".join(items)

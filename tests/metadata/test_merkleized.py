"""The hash by which a runtime knows its metadata: golden ones, and what changes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from msgspec.structs import replace

from integritee.crypto import blake3_256
from integritee.frame.metadata import metadata_v14, metadata_v15
from integritee.metadata import RuntimeMetadata, merkleized
from integritee.metadata.errors import UnknownName, UnknownType, UnsupportedVersion, UnusableType
from integritee.metadata.layout import MetadataV15
from integritee.metadata.merkleized import ExtrinsicTypes, merkle_root, metadata_hash
from integritee.metadata.registry import TypeRegistry
from integritee.metadata.type_layout import (
    BitSequence,
    CompactOf,
    PortableType,
    Primitive,
    PrimitiveType,
    SequenceOf,
    TypeDef,
    TypeParameter,
    VariantLayout,
    Variants,
)
from integritee.node.runtime.api import NODE_APIS
from integritee.node.runtime.runtime import IntegriteeNodeRuntime
from integritee.scale import EncodeError

from .golden import parsed, vectors
from .synthetic import U8, U32, UNIT, enum, field, runtime, struct, types, variant

GOLDEN = {name: golden for name, golden in vectors("metadata-hashes.json").items() if "file" in golden}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_hashes(name: str) -> None:
    golden = GOLDEN[name]
    found = metadata_hash(parsed(golden["file"]), golden["decimals"], golden["tokenSymbol"])
    assert "0x" + found.hex() == golden["hash"]


def test_versions_14_and_15_of_a_runtime_give_the_same_hash() -> None:
    old = RuntimeMetadata.parse(metadata_v14(IntegriteeNodeRuntime))
    new = RuntimeMetadata.parse(metadata_v15(IntegriteeNodeRuntime, NODE_APIS))
    assert (old.version, new.version) == (14, 15)
    assert metadata_hash(old, 12, "TEER") == metadata_hash(new, 12, "TEER")


def test_version_16_numbers_types_in_its_own_way() -> None:
    with pytest.raises(UnsupportedVersion) as caught:
        metadata_hash(parsed("pah.scale"), 10, "PAS")
    assert (caught.value.found, caught.value.expected) == (16, "14, 15")


# --- what it covers

ITK = parsed("itk.scale")


def renamed(type_id: int, old: str, new: str) -> Callable[[MetadataV15], MetadataV15]:
    """A variant of an enum under another name."""

    def alter(layout: MetadataV15) -> MetadataV15:
        described = layout.types[type_id]
        assert isinstance(described.definition, Variants)
        variants = [replace(v, name=new) if v.name == old else v for v in described.definition.variants]
        assert variants != described.definition.variants
        return with_type(layout, replace(described, definition=Variants(variants)))

    return alter


def with_type(layout: MetadataV15, described: PortableType) -> MetadataV15:
    kept = layout.types
    return replace(layout, types=[*kept[: described.id], described, *kept[described.id + 1 :]])


def without_docs(layout: MetadataV15) -> MetadataV15:
    pallets = [replace(pallet, docs=[]) for pallet in layout.pallets]
    return replace(layout, types=[replace(t, docs=[]) for t in layout.types], pallets=pallets)


def in_other_order(layout: MetadataV15) -> MetadataV15:
    """The calls of pallet Balances listed backwards: their numbers say who is who."""
    described = layout.types[CALLS]
    assert isinstance(described.definition, Variants)
    return with_type(layout, replace(described, definition=Variants(described.definition.variants[::-1])))


def with_an_extension_less(layout: MetadataV15) -> MetadataV15:
    extrinsic = layout.extrinsic
    return replace(layout, extrinsic=replace(extrinsic, signed_extensions=extrinsic.signed_extensions[:-1]))


def with_constant(name: str, value: bytes) -> Callable[[MetadataV15], MetadataV15]:
    """A constant of pallet System, which comes first."""

    def alter(layout: MetadataV15) -> MetadataV15:
        system, *rest = layout.pallets
        constants = [replace(c, value=value) if c.name == name else c for c in system.constants]
        assert constants != system.constants
        return replace(layout, pallets=[replace(system, constants=constants), *rest])

    return alter


def of_spec_version_561(layout: MetadataV15) -> MetadataV15:
    value = ITK.pallet("System").constant("Version").value
    altered = value.replace((560).to_bytes(4, "little"), (561).to_bytes(4, "little"), 1)
    return with_constant("Version", altered)(layout)


def type_of(pallet: str, part: str) -> int:
    found = next(p for p in ITK.layout.pallets if p.name == pallet)
    return int(getattr(found, part).type)


CALLS, EVENTS, ERRORS = (type_of("Balances", part) for part in ("calls", "events", "errors"))


@pytest.mark.parametrize(
    ("alter", "is_covered"),
    [
        pytest.param(renamed(CALLS, "transfer_allow_death", "burn_all"), True, id="name of a call"),
        pytest.param(renamed(ITK.call_type, "Balances", "Money"), True, id="name of a pallet"),
        pytest.param(with_an_extension_less, True, id="signed extensions"),
        pytest.param(of_spec_version_561, True, id="spec version"),
        pytest.param(with_constant("SS58Prefix", b"\x0e\0"), True, id="address format"),
        pytest.param(renamed(EVENTS, "Transfer", "Deposit2"), False, id="name of an event"),
        pytest.param(renamed(ERRORS, "InsufficientBalance", "Fine"), False, id="name of an error"),
        pytest.param(with_constant("BlockHashCount", b"\x01\0\0\0"), False, id="another constant"),
        pytest.param(without_docs, False, id="documentation"),
        pytest.param(in_other_order, False, id="order of a list of calls"),
    ],
)
def test_what_the_hash_covers(alter: Callable[[MetadataV15], MetadataV15], is_covered: bool) -> None:
    assert isinstance(ITK.layout, MetadataV15)
    altered = RuntimeMetadata(15, alter(ITK.layout))
    assert (metadata_hash(altered, 12, "TEER") != metadata_hash(ITK, 12, "TEER")) is is_covered


@pytest.mark.parametrize(("decimals", "symbol"), [(13, "TEER"), (12, "TEE")])
def test_the_token_is_covered(decimals: int, symbol: str) -> None:
    assert metadata_hash(ITK, decimals, symbol) != metadata_hash(ITK, 12, "TEER")


def test_what_is_no_token() -> None:
    for decimals in (-1, 256):
        with pytest.raises(EncodeError):
            metadata_hash(ITK, decimals, "TEER")


# --- the tree


def node(*children: bytes) -> bytes:
    return blake3_256(b"".join(children))


def test_shapes_of_the_tree() -> None:
    leaves = [bytes([i]) for i in range(6)]
    a, b, c, d, e, f = map(blake3_256, leaves)
    assert merkle_root([]) == bytes(32)
    assert merkle_root(leaves[:1]) == a
    assert merkle_root(leaves[:2]) == node(a, b)
    assert merkle_root(leaves[:3]) == node(node(b, c), a)
    assert merkle_root(leaves[:5]) == node(node(node(d, e), a), node(b, c))
    assert merkle_root(leaves) == node(node(node(c, d), node(e, f)), node(a, b))


# --- types

LSB0, MSB0 = "bitvec::order::Lsb0", "bitvec::order::Msb0"
FIRST = 6
"""Types 0 to 5 are those of the extrinsic around the call, which is type 6."""


def extrinsic_types(*definitions: TypeDef, paths: dict[int, str] | None = None) -> ExtrinsicTypes:
    """Of extrinsics whose call is the first definition, address and signature the unit type."""
    names = ("Address", "Call", "Signature")
    params = [TypeParameter(name, FIRST if name == "Call" else 0) for name in names]
    first = [UNIT, struct(), U8, U32, PrimitiveType(Primitive.STR), enum()]
    return ExtrinsicTypes(runtime(types(*first, *definitions, paths=paths, params={1: params}), extrinsic_type=1))


def leaf(form: str, number: int = 0, path: str = "04 00") -> bytes:
    """A type without a path, which is one empty segment in these registries."""
    return bytes.fromhex(path + form) + bytes([number << 2])


NO_NAME = "00"


@pytest.mark.parametrize(
    ("definitions", "leaves"),
    [
        pytest.param([SequenceOf(2)], [leaf("02 03")], id="sequence of u8"),
        pytest.param([SequenceOf(1)], [leaf("02 15")], id="sequence of nothing"),
        pytest.param([SequenceOf(5)], [leaf("02 15")], id="sequence of an enum without variants"),
        pytest.param([SequenceOf(FIRST)], [leaf("02 16 00")], id="sequence of itself"),
        pytest.param([SequenceOf(7), CompactOf(2)], [leaf("02 0f")], id="compact u8"),
        pytest.param([SequenceOf(7), CompactOf(8), struct(field(3))], [leaf("02 11")], id="compact wrapper"),
        pytest.param([SequenceOf(7), CompactOf(0)], [leaf("02 15")], id="compact of nothing"),
        pytest.param(
            [SequenceOf(7), CompactOf(8), PrimitiveType(Primitive.U256)], [leaf("02 14")], id="compact u256"
        ),
        pytest.param(
            [struct(field(3, "a"), field(0))],
            [leaf("00 08" + "01 04 61" + "05" + "00" + NO_NAME + "15" + "00")],
            id="struct",
        ),
        pytest.param(
            [enum(variant("b", 9), variant("a", 2, field(2)))],
            [leaf("01 04 61 04" + NO_NAME + "03" + "00" + "08"), leaf("01 04 62 00 24")],
            id="enum, by the numbers of its variants",
        ),
        pytest.param(
            [struct(field(7), field(8)), SequenceOf(2), SequenceOf(7)],
            [
                leaf("00 08" + NO_NAME + "16 04" + "00" + NO_NAME + "16 08" + "00"),
                leaf("02 03", 1),
                leaf("02 16 04", 2),
            ],
            id="numbered in the order of the registry",
        ),
    ],
)
def test_leaves(definitions: list[TypeDef], leaves: list[bytes]) -> None:
    assert list(extrinsic_types(*definitions).leaves()) == leaves


@pytest.mark.parametrize(
    ("store", "order", "form"),
    [(U8, LSB0, "05 01 01"), (U32, MSB0, "05 04 00"), (PrimitiveType(Primitive.U64), LSB0, "05 08 01")],
    ids=["u8, lowest first", "u32, highest first", "u64, lowest first"],
)
def test_bits(store: TypeDef, order: str, form: str) -> None:
    found = extrinsic_types(BitSequence(FIRST + 1, FIRST + 2), store, struct(), paths={FIRST + 2: order})
    assert list(found.leaves()) == [leaf(form)]


NESTED = struct(field(2), field(3))


@pytest.mark.parametrize(
    "definitions",
    [
        pytest.param([SequenceOf(7), CompactOf(4)], id="compact text"),
        pytest.param([SequenceOf(7), CompactOf(8), NESTED], id="compact of two integers"),
        pytest.param([BitSequence(2, 1)], id="bits in no order"),
        pytest.param([BitSequence(4, 1)], id="bits in text"),
        pytest.param([enum(VariantLayout("a", [], 1, []), VariantLayout("b", [], 1, []))], id="ambiguous enum"),
    ],
)
def test_unusable_types(definitions: list[TypeDef]) -> None:
    with pytest.raises(UnusableType):
        list(extrinsic_types(*definitions).leaves())


def test_missing_parts() -> None:
    with pytest.raises(UnknownType):
        extrinsic_types(SequenceOf(99))
    with pytest.raises(UnknownName):
        metadata_hash(runtime(types(UNIT)), 12, "TEER")


def test_deep_types_are_walked_without_recursion() -> None:
    count = 3000
    chain: list[Any] = [SequenceOf(FIRST + i + 1) for i in range(count)]
    assert sum(1 for _ in extrinsic_types(*chain, U8).leaves()) == count


def test_a_compact_type_is_looked_into_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is referred to; else metadata of permitted size would keep the enclave busy for hours."""
    looks = []

    def counted(registry: TypeRegistry, roots: Iterable[int]) -> set[int]:
        looks.append(list(roots))
        return reach(registry, looks[-1])

    reach = merkleized._reach
    monkeypatch.setattr(merkleized, "_reach", counted)
    found = extrinsic_types(struct(*[field(7)] * 500), CompactOf(8), struct(field(3)))
    assert len(list(found.leaves())) == 1
    assert looks == [[FIRST, 0, 0], [8]]

"""Our pallets' metadata against that of a real runtime built from the same pallets (Integritee on Kusama, 2025)."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from integritee.crypto import twox_128
from integritee.frame.metadata import metadata_v14
from integritee.metadata import PalletMetadata, RuntimeMetadata
from integritee.metadata.layout import Map, Plain
from integritee.metadata.type_layout import (
    ArrayOf,
    CompactOf,
    Composite,
    PrimitiveType,
    SequenceOf,
    TupleOf,
    Variants,
)

from .small_runtime import SmallRuntime

PALLETS = ["Multisig", "Proxy", "Utility", "Teerex", "Teeracle", "Sidechain", "EnclaveBridge"]
REAL = Path(__file__).parents[1] / "vectors/metadata/itk.scale"
OPAQUE = {"RuntimeCall", "OriginCaller", "MultiAddress"}
"""Types that differ from runtime to runtime, and one that says Compact<()> where ours says ()."""
SPELT_DIFFERENTLY = {"batched_calls_limit": "BatchedCallsLimit"}
"""The one constant with a snake-case name."""


@cache
def ours() -> RuntimeMetadata:
    return RuntimeMetadata.parse(metadata_v14(SmallRuntime))


@cache
def real() -> RuntimeMetadata:
    return RuntimeMetadata.parse(REAL.read_bytes())


def form(of: RuntimeMetadata, type_id: int) -> Any:
    """What a type is, by bytes and by names; wrappers of one field do not count."""
    entry = of.types.type(type_id)
    name = entry.path[-1] if entry.path else ""
    if name in OPAQUE:
        return name
    match entry.definition:
        case Composite(fields) if len(fields) == 1:
            return form(of, fields[0].type)
        case Composite(fields):
            return name, [(f.name, form(of, f.type)) for f in fields]
        case Variants(variants):
            return name, [(v.index, v.name, [form(of, f.type) for f in v.fields]) for v in variants]
        case SequenceOf(item):
            return "Vec", form(of, item)
        case ArrayOf(size, item):
            return size, form(of, item)
        case TupleOf(items):
            return [form(of, i) for i in items]
        case CompactOf(item):
            return "Compact", form(of, item)
        case PrimitiveType(kind):
            return kind.name
    raise AssertionError(entry)


def variants(of: RuntimeMetadata, entries: Any) -> Any:
    return [
        (v.index, v.name, [(f.name, form(of, f.type)) for f in v.fields])
        for v in sorted(entries.values(), key=lambda v: v.index)
    ]


def pallet(of: RuntimeMetadata, name: str) -> PalletMetadata:
    return of.pallet(name)


@pytest.mark.parametrize("name", PALLETS)
@pytest.mark.parametrize("part", ["calls", "events", "errors"])
def test_variants(name: str, part: str) -> None:
    mine, theirs = (variants(m, getattr(pallet(m, name), part)) for m in (ours(), real()))
    assert mine == theirs


@pytest.mark.parametrize("name", PALLETS)
def test_indexes(name: str) -> None:
    assert pallet(ours(), name).index == pallet(real(), name).index


@pytest.mark.parametrize("name", PALLETS)
def test_storage(name: str) -> None:
    def items(of: RuntimeMetadata) -> Any:
        found = []
        for item in pallet(of, name).storage.values():
            match item.type:
                case Plain(value):
                    kind: Any = form(of, value)
                case Map(hashers, key, value):
                    kind = ([h.name for h in hashers], form(of, key), form(of, value))
            found.append((item.name, item.modifier.name, kind, item.fallback))
        return found

    assert items(ours()) == items(real())


@pytest.mark.parametrize("name", PALLETS)
def test_constants(name: str) -> None:
    def constants(of: RuntimeMetadata) -> Any:
        return {
            SPELT_DIFFERENTLY.get(c.name, c.name): (form(of, c.type), c.value)
            for c in pallet(of, name).constants.values()
        }

    assert constants(ours()) == constants(real())


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("Proxy", "1809d78346727a0ef58c0fa03bafa323"),
        ("Multisig", "7474449cca95dc5d0c00e71735a6d17d"),
        ("Teerex", "d4907aad4a0ea0b2bdacc420d36be978"),
        ("Teeracle", "4d6cbe0fe3ebf4d89b66d88d312a0019"),
        ("Sidechain", "3eaeb1cee77dc09baac326e5a1d29726"),
        ("EnclaveBridge", "f03cead655362fe0725d529a9971f1e6"),
    ],
)
def test_storage_prefixes(name: str, prefix: str) -> None:
    assert pallet(ours(), name).prefix == name
    assert twox_128(name.encode()).hex() == prefix

"""What commands print as JSON can be given to commands as JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.cli.json_values import from_json, json_value
from integritee.cli.views import is_text
from integritee.primitives.ids import AccountId, MultiAddress
from integritee.primitives.rpc import TrustedOperationStatus
from integritee.scale import Bytes4, Err, Ok, i64, u8, u64, u128, u256
from integritee.scale.shape import (
    Array,
    CompactOf,
    Composite,
    Field,
    MapOf,
    OptionOf,
    Primitive,
    ResultOf,
    Sequence,
    TupleOf,
    Variants,
    shape,
)
from integritee.stf.relayed_notes import RelayedNoteRequest, RelayedNoteRetrievalInfo
from integritee.stf.types import AccountEssentials, BucketRange, ShardInfo, TimestampedTrustedNote


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a type."""
    match shape(hint):
        case Primitive(name="bool"):
            return st.booleans()
        case Primitive(name="str"):
            return st.text()
        case Primitive(integer=integer) | CompactOf(integer=integer):
            assert integer is not None
            return st.integers(integer.low, integer.high)
        case OptionOf(item=item):
            return st.none() | values_of(item)
        case ResultOf(ok=ok, err=err):
            return values_of(ok).map(Ok) | values_of(err).map(Err)
        case Array(item=None, size=size):
            return st.binary(min_size=size, max_size=size)
        case Sequence(item=None):
            return st.text().map(str.encode) if is_text(hint) else st.binary()
        case Array(item=item, size=size):
            return st.lists(values_of(item), min_size=size, max_size=size)
        case Sequence(item=item):
            return st.lists(values_of(item), max_size=3)
        case TupleOf(items=items):
            return st.tuples(*map(values_of, items)) if items else st.none()
        case MapOf(key=key, value=value):
            return st.dictionaries(values_of(key), values_of(value), max_size=3)
        case Composite(fields=fields, build=build):
            return _built(build, fields)
        case Variants(variants=variants):
            return st.one_of([_built(variant.build, variant.fields) for variant in variants])
    raise TypeError(hint)


def _built(build: Any, fields: tuple[Field, ...]) -> st.SearchStrategy[Any]:
    return st.builds(build, **{field.attribute: values_of(field.hint) for field in fields})


@pytest.mark.parametrize(
    "hint",
    [
        i64,
        u64,
        u256,
        AccountId | None,
        Bytes4,
        list[AccountId],
        Ok[u8] | Err[str],
        dict[u8, tuple[bool, u128]],
        MultiAddress,
        TrustedOperationStatus,
        RelayedNoteRequest,
        RelayedNoteRetrievalInfo,
        AccountEssentials,
        ShardInfo,
        BucketRange,
        list[TimestampedTrustedNote],
    ],
)
def test_printed_values_can_be_read(hint: Any) -> None:
    @given(values_of(hint))
    def check(value: Any) -> None:
        printed = json.loads(json.dumps(json_value(hint, value)))
        assert from_json(hint, printed) == value

    check()


SCALARS = st.none() | st.booleans() | st.integers() | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(JSON)
def test_nothing_but_values_comes_out(found: Any) -> None:
    for hint in (u8, list[u8], RelayedNoteRequest, RelayedNoteRetrievalInfo, AccountEssentials, Ok[u8] | Err[str]):
        try:
            value = from_json(hint, found)
        except ValueError:
            continue
        assert from_json(hint, json_value(hint, value)) == value

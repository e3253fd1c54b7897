"""Types are named in metadata as Rust writes them."""

from __future__ import annotations

import pytest

from integritee.frame.metadata import metadata_v14
from integritee.frame.outer import RuntimeCall
from integritee.frame.type_names import type_name
from integritee.metadata import RuntimeMetadata
from integritee.metadata.type_layout import Variants
from integritee.primitives.ids import AccountId, Balance, MultiAddress, ParentchainId
from integritee.primitives.teerex import SgxEnclave
from integritee.scale import Bytes32, Compact, Err, Ok, u8, u32
from integritee.scale.shape import Hint

from .demo_runtime import DemoRuntime


@pytest.mark.parametrize(
    ("hint", "name"),
    [
        (bool, "bool"),
        (Balance, "u128"),
        (Compact[u32], "Compact<u32>"),
        (AccountId, "AccountId32"),
        (Bytes32, "[u8; 32]"),
        (bytes, "Vec<u8>"),
        (list[tuple[u8, bytes | None]], "Vec<(u8, Option<Vec<u8>>)>"),
        (None, "()"),
        (Ok[None] | Err[u8], "Result<(), u8>"),
        (dict[u32, AccountId], "BTreeMap<u32, AccountId32>"),
        (MultiAddress, "MultiAddress"),
        (SgxEnclave, "SgxEnclave"),
        (ParentchainId, "ParentchainId"),
        (RuntimeCall, "RuntimeCall"),
    ],
)
def test_names(hint: Hint, name: str) -> None:
    assert type_name(hint) == name


def test_every_argument_of_every_call_has_one() -> None:
    """Some clients decode no call without."""
    layout = RuntimeMetadata.parse(metadata_v14(DemoRuntime)).layout
    calls = [t.definition for t in layout.types if t.path and t.path[-1] == "Call"]
    fields = [f for enum in calls if isinstance(enum, Variants) for v in enum.variants for f in v.fields]
    assert len(fields) > 10
    assert [f.name for f in fields if not f.type_name] == []

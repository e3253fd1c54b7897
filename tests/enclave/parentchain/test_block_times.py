"""The time of a block: what its inherent sets, in whichever format the chain's runtime makes inherents."""

from __future__ import annotations

from pathlib import Path

import pytest

from integritee.enclave.parentchain.inbound import _timestamp
from integritee.metadata import RuntimeMetadata
from integritee.scale import encode_compact

VECTORS = Path(__file__).parents[2] / "vectors" / "metadata"
METADATA = RuntimeMetadata.parse((VECTORS / "itk.scale").read_bytes())
NOW = 1_795_363_074_826
SET = METADATA.call("Timestamp", "set", {"now": NOW})
REMARK = METADATA.call("System", "remark", {"remark": SET})


def extrinsic(form: int, content: bytes) -> bytes:
    return encode_compact(1 + len(content)) + bytes((form,)) + content


@pytest.mark.parametrize(
    ("extrinsics", "now"),
    [
        pytest.param([extrinsic(0x04, SET)], NOW, id="bare, format 4"),
        pytest.param([extrinsic(0x05, SET)], NOW, id="bare, format 5"),
        pytest.param([extrinsic(0x05, REMARK), extrinsic(0x05, SET)], NOW, id="not first"),
        pytest.param([extrinsic(0x7F, b""), extrinsic(0x05, SET)], NOW, id="behind what nobody can read"),
        pytest.param([extrinsic(0x05, REMARK)], None, id="within another call"),
        pytest.param([extrinsic(0x84, SET), extrinsic(0x45, SET)], None, id="not bare"),
        pytest.param([], None, id="empty block"),
    ],
)
def test_time_of_a_block(extrinsics: list[bytes], now: int | None) -> None:
    assert _timestamp(METADATA, extrinsics) == now

"""The raw chain specification."""

from __future__ import annotations

import json
from typing import Any

import pytest

from integritee.node.chain_spec import ChainSpec, dev_spec, local_spec
from integritee.node.errors import ChainSpecError

GENESIS = {b":code": b"\0asm", b"\x26\xaa": b"\1", b"\x00": b""}


def test_dev_spec_as_json() -> None:
    assert json.loads(dev_spec(GENESIS).to_json()) == {
        "name": "Integritee Network (dev)",
        "id": "integritee-solo-dev",
        "chainType": "Development",
        "bootNodes": [],
        "telemetryEndpoints": None,
        "protocolId": "teer",
        "properties": {"ss58Format": 13, "tokenDecimals": 12, "tokenSymbol": "TEER"},
        "codeSubstitutes": {},
        "genesis": {
            "raw": {
                "top": {"0x00": "0x", "0x26aa": "0x01", "0x3a636f6465": "0x0061736d"},
                "childrenDefault": {},
            }
        },
    }


@pytest.mark.parametrize("spec", [dev_spec(GENESIS), local_spec(GENESIS), local_spec({})])
def test_round_trip(spec: ChainSpec) -> None:
    assert ChainSpec.from_json(spec.to_json()) == spec


def test_foreign_members_and_defaults() -> None:
    text = json.dumps(
        {
            "name": "N",
            "id": "n",
            "forkId": "x",
            "bootNodes": ["/dns/a"],
            "genesis": {"raw": {"top": {"0x01": "0x02"}}},
        }
    )
    assert ChainSpec.from_json(text) == ChainSpec("N", "n", "Live", None, {}, {b"\1": b"\2"})


def changed(**members: Any) -> str:
    document = json.loads(dev_spec(GENESIS).to_json()) | members
    return json.dumps({k: v for k, v in document.items() if v is not ...})


@pytest.mark.parametrize(
    "text, field",
    [
        ("{", "document"),
        ("[]", "document"),
        ("null", "document"),
        (json.dumps({"id": "n", "genesis": {"raw": {"top": {}}}}), "name"),
        (changed(name=5), "name"),
        (changed(chainType="Moon"), "chainType"),
        (changed(protocolId=5), "protocolId"),
        (changed(properties=[]), "properties"),
        (changed(genesis={}), "raw"),
        (changed(genesis={"runtimeGenesis": {}}), "raw"),
        (
            changed(genesis={"raw": {"top": {}, "childrenDefault": {"0x01": {"0x02": "0x03"}}}}),
            "genesis.raw.childrenDefault",
        ),
        (changed(genesis={"raw": {"top": {"0x" + b":child_storage:default:x".hex(): "0x00"}}}), "genesis.raw.top"),
        (changed(genesis={"raw": {"top": []}}), "top"),
        (changed(genesis={"raw": {"top": {"0x0": "0x"}}}), "genesis.raw.top"),
        (changed(genesis={"raw": {"top": {"00": "0x"}}}), "genesis.raw.top"),
        (changed(genesis={"raw": {"top": {"0x00": 5}}}), "genesis.raw.top"),
    ],
)
def test_what_is_no_specification(text: str, field: str) -> None:
    with pytest.raises(ChainSpecError) as caught:
        ChainSpec.from_json(text)
    assert caught.value.field == field


def test_genesis_is_not_printed() -> None:
    assert "asm" not in repr(dev_spec(GENESIS))


def test_child_storage_is_not_lost_in_silence() -> None:
    with pytest.raises(ChainSpecError, match="child storage"):
        dev_spec({b":child_storage:default:x": bytes(32)}).to_json()

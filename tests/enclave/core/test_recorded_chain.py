"""What the enclave makes of a real chain: a worker's whole life on its parentchain, recorded from the real runtime."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from integritee.crypto import blake2_256, keccak_256, ss58_decode
from integritee.enclave.parentchain.blocks import verify_block
from integritee.enclave.parentchain.contract import EVENTS_KEY, ParentchainContract, Place
from integritee.enclave.parentchain.inbound import Deposit, ExtrinsicOutcome, InboundBlock, read_block
from integritee.enclave.parentchain.onboarding import Goal, account_info, authorities, is_registered
from integritee.metadata import RuntimeMetadata
from integritee.primitives.header import Header
from integritee.primitives.ids import ParentchainId
from integritee.scale import decode, encode_compact

VECTORS = Path(__file__).parents[2] / "vectors"
CHAIN = json.loads((VECTORS / "chains" / "integritee-paseo-50.json").read_text())
SHARD = bytes.fromhex(CHAIN["shard"][2:])
KEYS = [bytes.fromhex(key[2:]) for key in CHAIN["keys"]]
VAULT, ENCLAVE = (ss58_decode(CHAIN["accounts"][name])[0] for name in ("vault", "enclave_ed25519_seed_07"))


@pytest.fixture(scope="module")
def blocks() -> list[InboundBlock]:
    raw = (VECTORS / "metadata" / "integritee-paseo.metadata.scale").read_bytes()
    contract = ParentchainContract(RuntimeMetadata.parse(raw), Place(ParentchainId.Integritee, SHARD, ENCLAVE, VAULT))
    return [read(contract, block) for block in CHAIN["blocks"]]


def read(contract: ParentchainContract, block: dict[str, Any]) -> InboundBlock:
    header = decode(Header, bytes.fromhex(block["header_scale"][2:]))
    extrinsics = [bytes.fromhex(extrinsic["hex"][2:]) for extrinsic in block["extrinsics"]]
    values = verify_block(header, extrinsics, [bytes.fromhex(node[2:]) for node in block["proof"]], KEYS)
    return read_block(contract, header, extrinsics, values, b"")


def recorded(block: dict[str, Any], *events: str) -> list[tuple[int, dict[str, Any]]]:
    return [
        (int(event["phase"]["ApplyExtrinsic"]), event)
        for event in block["events"]
        if event["event"] in events and isinstance(event["phase"], dict)
    ]


def test_times(blocks: list[InboundBlock]) -> None:
    assert [b.now for b in blocks] == [b["extrinsics"][0]["args"]["now"] for b in CHAIN["blocks"]]


def test_deposits_are_the_transfers_to_the_vault(blocks: list[InboundBlock]) -> None:
    """Plain, batched and out of a partly failing batch; not the enclave's, not payments, not failures."""
    expected = [
        Deposit(ss58_decode(event["data"][0])[0], event["data"][2])
        for block in CHAIN["blocks"]
        for _, event in recorded(block, "balances.Transfer")
        if ss58_decode(event["data"][1])[0] == VAULT and ss58_decode(event["data"][0])[0] != ENCLAVE
    ]
    assert [deposit for block in blocks for deposit in block.deposits] == expected
    assert [deposit.amount for deposit in expected][1:] == [5 * 10**12, 3 * 10**12 + 7, 10**12, 2 * 10**12]


def test_outcomes_of_all_extrinsics(blocks: list[InboundBlock]) -> None:
    seen = set()
    for block, inbound in zip(CHAIN["blocks"], blocks, strict=True):
        failed = {index for index, _ in recorded(block, "system.ExtrinsicFailed")}
        proxied = {i: "ok" in event["data"][0] for i, event in recorded(block, "proxy.ProxyExecuted")}
        expected = {
            bytes.fromhex(extrinsic["hash"][2:]): ExtrinsicOutcome(i not in failed, proxied.get(i))
            for i, extrinsic in enumerate(block["extrinsics"])
        }
        assert inbound.outcomes == expected
        seen |= {(outcome.ok, outcome.inner_ok) for outcome in expected.values()}
    assert seen == {(True, None), (False, None), (True, True), (True, False)}


def test_extrinsic_hashes_are_the_nodes() -> None:
    for block in CHAIN["blocks"]:
        for extrinsic in block["extrinsics"]:
            assert blake2_256(bytes.fromhex(extrinsic["hex"][2:])).hex() == extrinsic["hash"][2:]


def test_what_the_shard_is_on_chain(blocks: list[InboundBlock]) -> None:
    raw = (VECTORS / "metadata" / "integritee-paseo.metadata.scale").read_bytes()
    contract = ParentchainContract(RuntimeMetadata.parse(raw), Place(ParentchainId.Integritee, SHARD, ENCLAVE, VAULT))
    bridge = contract.bridge
    assert bridge is not None and contract.vault is not None
    assert authorities(bridge, blocks[1].values) == []
    assert authorities(bridge, blocks[-1].values) == [ENCLAVE]
    assert account_info(blocks[-1].values[contract.vault.keys.account]).data.reserved > 0
    assert not is_registered(bridge, Goal(SHARD, ""), blocks[-1].values)
    assert all(EVENTS_KEY not in block.values for block in blocks)


def test_what_users_ask_of_enclaves(blocks: list[InboundBlock]) -> None:
    """A shielding and an invocation, both in block 8, whose confirmed root has three leaves: the time comes first."""
    assert [(b.header.number, len(b.calls)) for b in blocks if b.calls] == [(8, 2)]
    asked = next(b for b in CHAIN["blocks"] if any("invoke" in e["call"] for e in b["extrinsics"]))
    time, _, funds, request = (extrinsic["args"] for extrinsic in asked["extrinsics"])
    inbound = next(block for block in blocks if block.calls)
    shielding, invocation = inbound.calls
    assert shielding.amount is not None
    assert (shielding.shard, shielding.amount) == (SHARD, 5 * 10**12)
    assert (invocation.shard, invocation.amount) == (SHARD, None)
    beneficiary = bytes.fromhex(funds["incognito_account_encrypted"][2:])
    cyphertext = bytes.fromhex(request["request"]["cyphertext"][2:])
    assert (shielding.shielded, invocation.shielded) == (beneficiary, cyphertext)
    leaves = [
        blake2_256(b"\x02" + encode_compact(time["now"])),
        blake2_256(b"\x00" + SHARD + encode_compact(384) + beneficiary + shielding.amount.to_bytes(16, "little")),
        blake2_256(b"\x01" + SHARD + encode_compact(len(cyphertext)) + cyphertext),
    ]
    first, second, third = map(keccak_256, leaves)
    root = keccak_256(keccak_256(first + second) + third)
    assert inbound.trusted_calls_root([call.hash for call in inbound.calls]) == root

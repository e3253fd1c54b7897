"""The recorded life of a worker on the real runtime, replayed call by call.

Fees are taken as recorded; everything else (events with all their bytes, storage values, failures) has to come out
of our pallets. Events that belong to fees or to the relay chain are left aside.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from integritee.frame.errors import DispatchError, DispatchFailure
from integritee.frame.origin import Signed
from integritee.frame.outer import RuntimeCall
from integritee.metadata import EventRecord, RuntimeMetadata
from integritee.node.pallets.deposits import TEER
from integritee.primitives.era import ERA_CODEC
from integritee.primitives.ids import Id, MultiAddress
from integritee.primitives.signature import MultiSignature
from integritee.scale import Compact, codec, decode_compact, encode, u32, u128

from .small_runtime import SmallRuntime

VECTORS = Path(__file__).parents[1] / "vectors"
CHAIN = json.loads((VECTORS / "chains/integritee-paseo-50.json").read_text())
METADATA = RuntimeMetadata.parse((VECTORS / "metadata/integritee-paseo.metadata.scale").read_bytes())
EVENTS, NOW, *MIRRORED, _ABSENT = [bytes.fromhex(key[2:]) for key in CHAIN["keys"]]
DEV_ACCOUNTS = [
    "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d",
    "8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48",
    "90b5ab205c6974c9ea841be688864633dc9ca8a357843eeacf2314649965fe22",
]
OF_FEES = {
    ("Balances", "Deposit"),
    ("Balances", "Upgraded"),
    ("System", "ExtrinsicSuccess"),
    ("System", "ExtrinsicFailed"),
    ("TransactionPayment", "TransactionFeePaid"),
    ("Treasury", "Deposit"),
    ("Treasury", "UpdatedInactive"),
}


def raw(value: str | None) -> bytes | None:
    return None if value is None else bytes.fromhex(value[2:])


def values_of(block: dict[str, Any]) -> dict[bytes, bytes | None]:
    return {bytes.fromhex(key[2:]): raw(value) for key, value in block["values"].items()}


def signer_and_call(extrinsic: bytes) -> tuple[bytes, bytes]:
    """Account and encoded call of a signed extrinsic of spec 50, which has no metadata hash mode."""
    _, at = decode_compact(extrinsic)
    assert extrinsic[at] == 0x84
    address, at = codec(MultiAddress).decode_prefix(extrinsic, at + 1)
    assert isinstance(address, Id)
    for part in (codec(MultiSignature), ERA_CODEC, codec(Compact[u32]), codec(Compact[u128])):
        _, at = part.decode_prefix(extrinsic, at)
    return address.account, extrinsic[at:]


def encoded(record: EventRecord) -> bytes:
    return METADATA.encode_events([record])[1:]


class Replay:
    def __init__(self) -> None:
        self.runtime = SmallRuntime()
        self.runtime.teerex.initialize_genesis(allow_skipping_attestation=True, sgx_allow_debug_mode=True)
        for account in DEV_ACCOUNTS:
            self.runtime.balances.mint(bytes.fromhex(account), 10**6 * TEER)

    def execute(self, block: dict[str, Any]) -> dict[int, DispatchError]:
        """Make the block's signed calls; how those ended that failed, by extrinsic."""
        runtime, recorded = self.runtime, values_of(block)
        now = recorded[NOW]
        assert now is not None
        runtime.events.clear()
        runtime.system.number.put(int(block["number"]))
        runtime.timestamp.now.put(int.from_bytes(now, "little"))
        failures = {}
        for index, extrinsic in enumerate(block["extrinsics"]):
            if extrinsic["signer"] is None:
                continue
            runtime.begin_extrinsic(index)
            sender, call = signer_and_call(bytes.fromhex(extrinsic["hex"][2:]))
            runtime.system.increment_nonce(sender)
            runtime.balances.withdraw(sender, fee_of(block, index))
            try:
                runtime.dispatch(runtime.codec(RuntimeCall).decode(call), Signed(sender))
            except DispatchFailure as failure:
                failures[index] = failure.error
        return failures


def fee_of(block: dict[str, Any], index: int) -> int:
    """Fee that an extrinsic paid."""
    for event in block["events"]:
        if event["event"] == "transactionPayment.TransactionFeePaid" and event["phase"] == {
            "ApplyExtrinsic": str(index)
        }:
            return int(event["data"][1])
    raise AssertionError(f"extrinsic {index} paid no fee")


@pytest.fixture(scope="module")
def replayed() -> list[tuple[dict[str, Any], dict[int, DispatchError], list[bytes], dict[bytes, bytes | None]]]:
    """Each block with what became of it here: failures, event records, values of the recorded keys."""
    replay, out = Replay(), []
    for block in CHAIN["blocks"]:
        failures = replay.execute(block)
        state = replay.runtime.state
        out.append((block, failures, list(replay.runtime.events), {k: state.get(k) for k in (NOW, *MIRRORED)}))
    return out


def test_the_chain_exercises_these_pallets(replayed: Any) -> None:
    calls = {x["call"].split(".")[0] for block, *_ in replayed for x in block["extrinsics"]}
    assert calls >= {"teerex", "enclaveBridge", "sidechain", "proxy", "utility"}


@pytest.mark.parametrize("position", range(len(CHAIN["blocks"])))
def test_events_have_the_recorded_bytes(replayed: Any, position: int) -> None:
    block, _, records, _ = replayed[position]
    all_recorded = METADATA.decode_events(values_of(block)[EVENTS])
    expected = [encoded(r) for r in all_recorded if (r.pallet, r.name) not in OF_FEES]
    assert records == expected


@pytest.mark.parametrize("position", range(len(CHAIN["blocks"])))
def test_storage_has_the_recorded_values(replayed: Any, position: int) -> None:
    block, _, _, values = replayed[position]
    recorded = values_of(block)
    assert values == {key: recorded[key] for key in values}


def test_failures_are_the_recorded_ones(replayed: Any) -> None:
    for block, failures, *_ in replayed:
        recorded = [r for r in METADATA.decode_events(values_of(block)[EVENTS]) if r.name == "ExtrinsicFailed"]
        assert [r.extrinsic_index for r in recorded] == list(failures)
        for record, error in zip(recorded, failures.values(), strict=True):
            assert encoded(record)[7:].startswith(encode(DispatchError, error))  # behind phase and event index


def test_some_calls_failed(replayed: Any) -> None:
    assert sum(len(failures) for _, failures, *_ in replayed) == 2

"""The parachain inherent: bytes that a real cumulus runtime took, and the relay chain it is made from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from integritee.crypto import blake2_256
from integritee.frame.overlay import Overlay
from integritee.node.authoring import author_block
from integritee.node.errors import RuntimePanic
from integritee.node.inherents import BlockTime, min_advance_ms
from integritee.node.parachain import (
    LAST_DOWNWARD_HEAD,
    LAST_RELAY_BLOCK,
    PARACHAIN_ID,
    PARACHAIN_INHERENT,
    PARACHAIN_INHERENT_V0,
    PENDING_CODE,
    VALIDATION_DATA,
    ParachainBlock,
    ParachainInherentData,
    ParachainInherentDataV0,
    PersistedValidationData,
    para_id,
)
from integritee.node.relay_chain import (
    ACTIVE_CONFIG,
    CURRENT_SLOT,
    EPOCH_INDEX,
    AbridgedHostConfiguration,
    RelayParent,
)
from integritee.primitives.header import Digest, Header
from integritee.scale import DecodeError, decode, decode_compact, encode
from integritee.trie import Trie, verify_proof

from .toy_runtime import ToyEngine, genesis

VECTORS = Path(__file__).parent.parent / "vectors" / "chains"
STATEMINE = json.loads((VECTORS / "statemine-900-inherents.json").read_text())
PASEO = json.loads((VECTORS / "integritee-paseo-50.json").read_text())

SLOT_MS = 12_000
PARA = (2015).to_bytes(4, "little")
PARENT = Header(bytes(32), 7, bytes(32), bytes(32), Digest([]))


def argument(extrinsic: str) -> bytes:
    """What the inherent extrinsic of `set_validation_data` carries: all but length, version and call index."""
    data = bytes.fromhex(extrinsic[2:])
    _, start = decode_compact(data)
    return data[start + 3 :]


def after(state: dict[bytes, bytes], slot: int = 100, slot_ms: int = SLOT_MS) -> ParachainBlock:
    found = ParachainBlock.after(state, PARENT, BlockTime(slot * slot_ms, slot), slot_ms)
    assert found is not None
    return found


# --- against real runtimes


def test_inherents_of_a_real_runtime() -> None:
    """Three blocks of statemine 900: the runtime read our data, made these extrinsics, and applied them."""
    state = {PARACHAIN_ID: STATEMINE["para_id"].to_bytes(4, "little")}
    for block in STATEMINE["blocks"]:
        parent = decode(Header, bytes.fromhex(block["parent"][2:]))
        time = BlockTime(block["timestamp"], block["timestamp"] // STATEMINE["slot_duration"])
        made = ParachainBlock.after(state, parent, time, STATEMINE["slot_duration"])
        assert made is not None
        data = made.inherents()[PARACHAIN_INHERENT_V0]
        assert argument(block["extrinsics"][0]) == data
        assert block["outcomes"] == ["0x0000", "0x0000"]
        read = decode(ParachainInherentDataV0, data)
        state[VALIDATION_DATA] = encode(PersistedValidationData, read.validation_data)


def test_layout_of_another_real_chain() -> None:
    """Inherents that another node gave to integritee-parachain 50 read as ours do, and prove the same keys."""
    found = [x for block in PASEO["blocks"] for x in block["extrinsics"] if "setValidationData" in x["call"]]
    numbers, slots = [], []
    for extrinsic in found:
        data = decode(ParachainInherentDataV0, argument(extrinsic["hex"]))
        nodes = {blake2_256(node): node for node in data.relay_chain_state}
        relay = Trie.at(data.validation_data.relay_parent_storage_root, nodes)
        numbers.append(data.validation_data.relay_parent_number)
        slots.append(int.from_bytes(relay.get(CURRENT_SLOT) or b"", "little"))
        limits = decode(AbridgedHostConfiguration, (relay.get(ACTIVE_CONFIG) or b"")[:44])
        assert limits.max_code_size == 3 * 1024 * 1024
    assert slots == sorted(set(slots))
    assert len(found) == len(PASEO["blocks"])
    assert numbers == sorted(set(numbers))


# --- the relay chain


@pytest.mark.parametrize(
    "relay, expected",
    [
        (
            RelayParent(2015, 1200, b"head"),
            {
                ACTIVE_CONFIG: "00003000"
                "00500000"
                "aaaa0200"
                "00001000"
                "fbff0000"
                "10000000"
                "0a000000"
                "40380000"
                "58020000"
                "03000000"
                "02000000",
                CURRENT_SLOT: "b004000000000000",
                EPOCH_INDEX: "0200000000000000",
                "cd710b30bd2eab0352ddcc26417aa1941b3c252fcb29d88eff4f3de5de4476c3": "10" + b"head".hex(),
            },
        ),
        (
            RelayParent(2015, 0, b"", downward_head=b"\7" * 32, go_ahead=True),
            {
                CURRENT_SLOT: "00" * 8,
                "63f78c98723ddc9073523ef3beefda0c4d7fefc408aac59dbfe80a72ac8e3ce5": "07" * 32,
                "cd710b30bd2eab0352ddcc26417aa1949e94c040f5e73d9b7addd6cb603d15d3": "01",
            },
        ),
    ],
)
def test_relay_storage(relay: RelayParent, expected: dict[Any, str]) -> None:
    """Full keys of values; of maps the prefix (`well_known_keys`), which the hashed para id follows."""
    storage = relay.storage()
    for key, value in expected.items():
        prefix = key if isinstance(key, bytes) else bytes.fromhex(key)
        (found,) = [k for k in storage if k.startswith(prefix)]
        assert storage[found].hex() == value
        assert found == prefix or (len(found) == 32 + 8 + 4 and found.endswith(PARA))


@pytest.mark.parametrize(
    "key",
    [ACTIVE_CONFIG.hex(), CURRENT_SLOT.hex(), EPOCH_INDEX.hex()],
)
def test_well_known_keys(key: str) -> None:
    assert key in {
        "06de3d8a54d27e44a9d5ce189618f22db4b49d95320d9021994c850f25b8e385",
        "1cb6f36e027abb2091cfb5110ab5087f06155b3cd9a8c9e5e9a23fd5dc13a5ed",
        "1cb6f36e027abb2091cfb5110ab5087f38316cbf8fa0da822a20ac1c55bf1be3",
    }


def test_proof_is_the_whole_state() -> None:
    relay = RelayParent(2015, 1200, b"head", downward_head=b"\7" * 32)
    root, nodes = relay.prove()
    assert nodes == sorted(nodes)
    absent = bytes.fromhex("6a0da05ca59913bc38a8630590f2627c1d3719f5b0b12c7105c073c507445948") + PARA  # HRMP channels
    keys = [*relay.storage(), absent]
    assert verify_proof(root, nodes, keys) == {**relay.storage(), absent: None}


# --- how it follows the parachain


@pytest.mark.parametrize(
    "state, number",
    [
        ({}, 1000),
        ({LAST_RELAY_BLOCK: (5000).to_bytes(4, "little")}, 5002),
        ({VALIDATION_DATA: encode(PersistedValidationData, PersistedValidationData(b"", 77, bytes(32), 0))}, 79),
        (
            {
                LAST_RELAY_BLOCK: (90).to_bytes(4, "little"),
                VALIDATION_DATA: encode(PersistedValidationData, PersistedValidationData(b"", 88, bytes(32), 0)),
            },
            92,
        ),
    ],
)
def test_relay_number_grows(state: dict[bytes, bytes], number: int) -> None:
    assert after({PARACHAIN_ID: PARA, **state}).number == number


@pytest.mark.parametrize(
    "slot_ms, slot, relay_slot, step", [(12_000, 100, 200, 2), (6000, 100, 100, 1), (2000, 100, 33, 1)]
)
def test_relay_slot_is_that_of_the_block(slot_ms: int, slot: int, relay_slot: int, step: int) -> None:
    made = after({PARACHAIN_ID: PARA, LAST_RELAY_BLOCK: bytes(4)}, slot, slot_ms)
    assert (made.relay.slot, made.number) == (relay_slot, step)


@pytest.mark.parametrize(
    "state, go_ahead, head",
    [
        ({}, False, None),
        ({PENDING_CODE: b"\0asm"}, True, None),
        ({PENDING_CODE: b""}, False, None),
        ({LAST_DOWNWARD_HEAD: b"\1" * 32}, False, b"\1" * 32),
    ],
)
def test_signals(state: dict[bytes, bytes], go_ahead: bool, head: bytes | None) -> None:
    relay = after({PARACHAIN_ID: PARA, **state}).relay
    assert (relay.go_ahead, relay.downward_head, relay.para_head) == (go_ahead, head, PARENT.encoded())


def test_both_layouts() -> None:
    """The newer one is the older one, then no headers and no peer id."""
    inherents = after({PARACHAIN_ID: PARA}).inherents()
    assert inherents.keys() == {PARACHAIN_INHERENT_V0, PARACHAIN_INHERENT}
    assert inherents[PARACHAIN_INHERENT] == inherents[PARACHAIN_INHERENT_V0] + b"\0\0"
    data = decode(ParachainInherentData, inherents[PARACHAIN_INHERENT])
    assert data.validation_data.parent_head == PARENT.encoded()
    assert data.validation_data.max_pov_size == 5 * 1024 * 1024
    assert (data.downward_messages, data.horizontal_messages, data.collator_peer_id) == ([], [], None)


def test_other_chains_have_none() -> None:
    assert para_id({}) is None
    assert ParachainBlock.after({}, PARENT, BlockTime(0, 0), SLOT_MS) is None


def test_state_without_meaning() -> None:
    with pytest.raises(DecodeError):
        after({PARACHAIN_ID: b"\1"})
    with pytest.raises(DecodeError):
        after({PARACHAIN_ID: PARA, VALIDATION_DATA: b"\1"})


# --- blocks


class ParachainToy(ToyEngine):
    """Refuses to make inherents without the parachain's."""

    def BlockBuilder_inherent_extrinsics(self, state: Overlay, args: bytes) -> bytes:
        if PARACHAIN_INHERENT_V0 not in args:
            raise RuntimePanic("BlockBuilder_inherent_extrinsics", "validation function params must be injected")
        return super().BlockBuilder_inherent_extrinsics(state, args)


@pytest.mark.parametrize("extra", [{PARACHAIN_ID: PARA}, {}])
def test_blocks_of_parachains_get_it(make_node: Any, extra: dict[bytes, bytes]) -> None:
    node = make_node(storage={**genesis(), **extra})
    node.chain.engine = ParachainToy()
    if extra:
        assert len(author_block(node.chain, [], node.now_ms, node.keys.aura).block.extrinsics) == 1
    else:
        with pytest.raises(RuntimePanic):
            author_block(node.chain, [], node.now_ms, node.keys.aura)


@pytest.mark.parametrize(
    "code, advance",
    [(b"toy", 1), (b"", 1), (b"\0asm\1\0\0\0", SLOT_MS), (bytes.fromhex("52bc537646db8e0528b52ffd"), SLOT_MS)],
)
def test_one_block_per_slot_in_wasm(code: bytes, advance: int) -> None:
    assert min_advance_ms({b":code": code}, SLOT_MS) == advance

"""Blocks: what their headers commit to, what stays in state, and that running them again gives the same."""

from __future__ import annotations

from typing import Any

import pytest

from integritee.frame.extrinsic import Block, UncheckedExtrinsic, encode_extrinsic
from integritee.frame.inherents import CheckInherentsResult, InherentData
from integritee.frame.limits import BLOCK_EXECUTION
from integritee.frame.outer import ApplyExtrinsic, RuntimeCall
from integritee.frame.overlay import Overlay
from integritee.frame.pallets.system import EXTRINSIC_INDEX
from integritee.frame.pallets.timestamp import TIMESTAMP_INHERENT
from integritee.frame.runtime_api import RuntimeApi
from integritee.frame.validity import ExhaustsResources, Invalid, NoUnsignedValidator, Unknown
from integritee.frame.weights import DispatchClass, DispatchInfo, Weight
from integritee.node.errors import BadRuntimeInput, RuntimeApiMissing, RuntimePanic
from integritee.node.runtime.api import PythonRuntimeEngine
from integritee.node.runtime.runtime import IntegriteeNodeRuntime, engine
from integritee.primitives.header import AURA_ENGINE, Digest, Header, Seal, aura_slot_digest
from integritee.primitives.ids import Id
from integritee.primitives.storage import storage_prefix
from integritee.scale import Err, Ok, decode, encode, u64
from integritee.trie import MissingNode, ordered_root, verify_proof

from .chain_kit import ALICE, BOB, CHARLIE, ENGINE, SLOT_MS, START, Chain, apply, broken, call, codec, transfer

TO_BOB = transfer(BOB.public, 10**12)


@pytest.fixture
def busy(chain: Chain) -> Chain:
    """Three blocks with transfers, one of them failing."""
    chain.make(chain.sign(TO_BOB), chain.sign(TO_BOB, BOB))
    chain.make()
    chain.make(chain.sign(transfer(b"\x07" * 32, 10**9)), chain.sign(transfer(BOB.public, 10**20), CHARLIE))
    return chain


# -- headers -------------------------------------------------------------------------------------


def test_headers_form_a_chain(busy: Chain) -> None:
    for number in range(1, 4):
        header = busy.headers[number]
        assert header.number == number
        assert header.parent_hash == busy.hash(number - 1)
        assert header.state_root == busy.states[number].root()
        assert header.extrinsics_root == ordered_root(busy.bodies[number])
        assert header.digest == Digest([aura_slot_digest((START + 1000 * (number - 1)) // SLOT_MS)])


def test_the_first_extrinsic_is_the_time(chain: Chain) -> None:
    chain.make(now=1_700_000_123_456)
    assert [raw.hex() for raw in chain.bodies[1]] == ["280403000b404ae7cf8b01"]
    assert chain.runtime().timestamp.now.get() == 1_700_000_123_456
    (record,) = chain.events()
    assert record.phase == ApplyExtrinsic(0)
    assert record.event.values == (DispatchInfo(Weight(270_180_000), DispatchClass.Mandatory),)


def test_state_is_proven_by_the_root(busy: Chain) -> None:
    runtime = busy.runtime()
    keys = [
        runtime.system.event_records.key,
        runtime.system.account.key_of(ALICE.public),
        runtime.system.account.key_of(b"\x08" * 32),
        runtime.timestamp.now.key,
    ]
    proof = busy.states[-1].prove(keys)
    values = verify_proof(busy.headers[-1].state_root, proof, keys)
    assert values == {key: busy.states[-1].get(key) for key in keys}
    assert values[keys[2]] is None


def test_one_verdict_per_extrinsic(busy: Chain) -> None:
    assert [busy.names(i)[-1] for i in range(3)] == [
        "System.ExtrinsicSuccess",
        "System.ExtrinsicSuccess",
        "System.ExtrinsicFailed",
    ]
    verdicts = [name for name in busy.names() if name.startswith("System.Extrinsic")]
    assert len(verdicts) == len(busy.bodies[-1])
    assert busy.runtime().system.event_count.get() == len(busy.events())


@pytest.mark.parametrize(
    ("pallet", "item", "stays"),
    [
        ("System", "Number", True),
        ("System", "ParentHash", True),
        ("System", "Digest", True),
        ("System", "Events", True),
        ("System", "EventCount", True),
        ("System", "BlockWeight", True),
        ("System", "ExecutionPhase", False),
        ("System", "AllExtrinsicsLen", False),
        ("System", "InherentsApplied", False),
        ("System", "ExtrinsicCount", False),
        ("System", "ExtrinsicData", False),
        ("Timestamp", "DidUpdate", False),
    ],
)
def test_what_stays_in_state(busy: Chain, pallet: str, item: str, stays: bool) -> None:
    found = list(busy.states[-1].items(storage_prefix(pallet, item)))
    assert bool(found) is stays


def test_the_extrinsic_index_does_not_stay(busy: Chain) -> None:
    assert busy.states[0].get(EXTRINSIC_INDEX) == bytes(4)
    assert busy.states[-1].get(EXTRINSIC_INDEX) is None


def test_block_hashes(busy: Chain) -> None:
    known = dict(busy.runtime().system.block_hash.items())
    assert known == {number: busy.hash(number) for number in range(3)}


def test_block_weight_is_what_was_used(chain: Chain) -> None:
    chain.make(chain.sign(TO_BOB))
    used = chain.runtime().system.block_weight.get()
    (_, succeeded) = (r.event.values[0] for r in chain.events() if r.event.name == "ExtrinsicSuccess")
    assert used.normal == succeeded.weight + Weight(0, len(chain.bodies[-1][1]))
    assert used.mandatory == BLOCK_EXECUTION + Weight(270_180_000, len(chain.bodies[-1][0]))


def test_blocks_need_no_runtime_object_that_lives_on(chain: Chain) -> None:
    """Every call of the engine may go to another process."""
    other = Chain()
    extrinsics = [chain.sign(TO_BOB), chain.sign(TO_BOB, BOB)]
    chain.make(*extrinsics)
    overlay, body = other.open()
    for extrinsic in extrinsics:
        assert engine().call("BlockBuilder_apply_extrinsic", overlay, extrinsic) == b"\x00\x00"
    assert decode(Header, engine().call("BlockBuilder_finalize_block", overlay, b"")) == chain.headers[-1]
    assert len(body) == 1


def test_two_blocks_at_once_do_not_mix(chain: Chain) -> None:
    alone, extrinsic = Chain(), chain.sign(TO_BOB)
    alone.make(extrinsic)
    one, body = chain.open()
    two, _ = chain.open(START + 60_000)
    apply(two, chain.sign(TO_BOB, BOB))
    apply(one, extrinsic)
    ENGINE.call("BlockBuilder_finalize_block", two, b"")
    assert chain.close(one, [*body, extrinsic]) == alone.headers[-1]


def test_a_block_gets_full(chain: Chain) -> None:
    remark = call("System", "remark", bytes(1_000_000))
    outcomes = chain.make(*(chain.sign(remark, nonce=n) for n in range(5)))
    full = Err(Invalid(ExhaustsResources()))
    assert outcomes == [Ok(Ok(None))] * 3 + [full, full]
    assert chain.make(chain.sign(remark)) == [Ok(Ok(None))]


def test_unsigned_calls_other_than_inherents_are_refused(chain: Chain) -> None:
    unsigned = encode_extrinsic(codec(RuntimeCall).encode(TO_BOB), None)
    assert chain.make(unsigned) == [Err(Unknown(NoUnsignedValidator()))]


# -- executing whole blocks ----------------------------------------------------------------------


def test_executing_a_block_again_gives_the_same(busy: Chain) -> None:
    for number in range(1, 4):
        busy.execute(busy.block(number), on=number - 1)
    assert busy.number == 3


def test_a_seal_is_not_the_runtimes_business(busy: Chain) -> None:
    block = busy.block()
    sealed = Digest([*block.header.digest.logs, Seal(AURA_ENGINE, bytes(64))])
    busy.execute(Block(broken(block.header, digest=sealed), block.extrinsics))
    assert len(sealed.logs) == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"state_root": bytes(32)},
        {"extrinsics_root": bytes(32)},
        {"number": 2},
        {"number": 4},
        {"parent_hash": b"\x01" * 32},
        {"digest": Digest([])},
        {"digest": Digest([aura_slot_digest(START // SLOT_MS + 1)])},
        {"digest": Digest([aura_slot_digest(START // SLOT_MS), Seal(b"gran", b""), aura_slot_digest(1)])},
    ],
    ids=str,
)
def test_headers_that_lie(busy: Chain, fields: dict[str, Any]) -> None:
    block = busy.block()
    with pytest.raises(RuntimePanic):
        busy.execute(Block(broken(block.header, **fields), block.extrinsics))


def test_bodies_that_lie(busy: Chain) -> None:
    block = busy.block()
    time, first, second = block.extrinsics
    for body in (
        [time, first],
        [time, second, first],
        [first, second],
        [first, time, second],
        [time, first, first],
        [],
    ):
        with pytest.raises(RuntimePanic):
            busy.execute(Block(block.header, body))


def test_inherents_come_first(chain: Chain) -> None:
    overlay, _ = chain.open(inherents=False)
    apply(overlay, chain.sign(TO_BOB))
    inherent = encode_extrinsic(codec(RuntimeCall).encode(call("Timestamp", "set", START)), None)
    with pytest.raises(RuntimePanic):
        apply(overlay, inherent)


# -- inherents -----------------------------------------------------------------------------------


def check(chain: Chain, now: int) -> CheckInherentsResult:
    data = encode(InherentData, {TIMESTAMP_INHERENT: encode(u64, now)})
    args = codec(Block).encode(chain.block()) + data
    found: CheckInherentsResult = decode(
        CheckInherentsResult, ENGINE.call("BlockBuilder_check_inherents", Overlay(chain.states[-2]), args)
    )
    return found


def test_inherents_of_others_are_checked(chain: Chain) -> None:
    chain.make(chain.sign(TO_BOB), now=START)
    assert check(chain, START) == CheckInherentsResult()
    assert check(chain, START - 30_001) == CheckInherentsResult(False, True, {TIMESTAMP_INHERENT: b"\x01"})


def test_without_data_there_are_no_inherents(chain: Chain) -> None:
    assert ENGINE.call("BlockBuilder_inherent_extrinsics", chain.overlay(), b"\x00") == b"\x00"


# -- the engine ----------------------------------------------------------------------------------


def test_functions_nobody_has(chain: Chain) -> None:
    for name in ("Core_shutdown", "core_version", "Core", "", "BabeApi_configuration", "Core__init__"):
        with pytest.raises(RuntimeApiMissing) as caught:
            ENGINE.call(name, chain.overlay(), b"")
        assert caught.value.name == name


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("Core_version", b"\x00"),
        ("AccountNonceApi_account_nonce", bytes(31)),
        ("AccountNonceApi_account_nonce", bytes(33)),
        ("BlockBuilder_apply_extrinsic", b"\x08\x04\xff"),
        ("BlockBuilder_inherent_extrinsics", b"\x04"),
        ("TaggedTransactionQueue_validate_transaction", b"\x05" + bytes(40)),
        ("Core_initialize_block", b""),
    ],
)
def test_arguments_that_do_not_decode(chain: Chain, name: str, args: bytes) -> None:
    overlay = chain.overlay()
    with pytest.raises(BadRuntimeInput):
        ENGINE.call(name, overlay, args)
    assert overlay.changes() == {}


def test_a_panic_leaves_the_depth_as_it_was(chain: Chain) -> None:
    overlay, _ = chain.open()
    overlay.begin()
    inherent = encode_extrinsic(codec(RuntimeCall).encode(call("Timestamp", "set", START)), None)
    with pytest.raises(RuntimePanic):
        apply(overlay, inherent)
    assert overlay.depth == 1


def test_a_mistake_in_a_pallet_does_not_reach_the_node() -> None:
    class Careless(RuntimeApi):
        trait = "Careless"
        trait_version = 1

        def divide(self, by: u64) -> u64:
            return 7 // by

        def lose_state(self) -> None:
            raise MissingNode(bytes(32))

    careless = PythonRuntimeEngine(IntegriteeNodeRuntime, (Careless,))
    overlay = Chain().overlay()
    assert careless.call("Careless_divide", overlay, encode(u64, 2)) == encode(u64, 3)
    with pytest.raises(RuntimePanic) as caught:
        careless.call("Careless_divide", overlay, encode(u64, 0))
    assert "ZeroDivisionError" in caught.value.reason
    with pytest.raises(MissingNode):
        careless.call("Careless_lose_state", overlay, b"")


def test_the_upgrade_is_noted_when_the_runtime_changed(chain: Chain) -> None:
    runtime = chain.runtime()
    before = runtime.system.last_runtime_upgrade.get()
    runtime.system.last_runtime_upgrade.kill()
    chain.states[-1] = chain.states[-1].commit(runtime.state.changes())
    chain.make()
    assert chain.runtime().system.last_runtime_upgrade.get() == before


def test_extrinsics_survive_the_engine(busy: Chain) -> None:
    for extrinsic in busy.block().extrinsics:
        assert isinstance(extrinsic, UncheckedExtrinsic)
        assert codec(UncheckedExtrinsic).encode(extrinsic) == extrinsic.raw
    assert Id(BOB.public) == busy.block(1).extrinsics[1].call.args[0]

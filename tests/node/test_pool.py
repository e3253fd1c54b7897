"""The pool against the toy runtime: refusals as clients see them, life of a transaction, limits, bans."""

from __future__ import annotations

from typing import Any

import pytest

from integritee.frame.validity import (
    CannotLookup,
    CustomInvalid,
    CustomUnknown,
    Invalid,
    Unknown,
    ValidTransaction,
)
from integritee.node.authoring import author_block
from integritee.node.block import extrinsic_hash
from integritee.node.errors import RuntimePanic
from integritee.node.pool import PoolError, PoolLimits, status
from integritee.node.pool.errors import (
    AlreadyImported,
    CycleDetected,
    FutureRejected,
    ImmediatelyDropped,
    InvalidTransaction,
    TemporarilyBanned,
    TooLowPriority,
    UnknownValidity,
)
from integritee.node.pool.pool import BAN_MS, MAX_BANNED, MAX_UNFINALIZED_BLOCKS, REVALIDATED_PER_BLOCK
from integritee.node.validity import INVALID_TEXT

from .toy_runtime import ALICE, BOB, CHARLIE, Tagged, transfer, xt


def told(heard: list[Any]) -> list[object]:
    return [news.to_rpc() for news in heard]


# --- refusals

BAD_LENGTH = b"\x08\x01"
BAD_CALL = b"\x04\xff"


@pytest.mark.parametrize(
    "extrinsic, code, message, data",
    [
        (b"", 1001, "Extrinsic has invalid format: input ends at byte 0: 1 more bytes needed, 0 left", None),
        (BAD_LENGTH, 1001, "Extrinsic has invalid format: input ends at byte 1: 2 more bytes needed, 1 left", None),
        (BAD_LENGTH + b"\x01\x01", 1001, "Extrinsic has invalid format: value ends after 3 bytes but the input has 4", None),
        (BAD_CALL, 1001, None, None),
        (transfer(ALICE, 0, proof=1), 1010, "Invalid Transaction", "Transaction has a bad signature"),
        (transfer(ALICE, 0, proof=2), 1011, "Unknown Transaction Validity", "CannotLookup"),
        (transfer(CHARLIE, 0), 1010, "Invalid Transaction", "Inability to pay some fees (e.g. account balance too low)"),
        (transfer(ALICE, 0, tip=10**7), 1010, "Invalid Transaction", "Inability to pay some fees (e.g. account balance too low)"),
        (xt(Tagged([], [], 0)), 1019, "No tags provided", "Transaction does not provide any tags, so the pool can't identify it"),
    ],
    ids=["empty", "short", "long", "no call", "signature", "unknown", "no account", "fee", "no tags"],
)  # fmt: skip
def test_refusals(node: Any, extrinsic: bytes, code: int, message: str | None, data: str | None) -> None:
    with pytest.raises(PoolError) as caught:
        node.submit(extrinsic)
    assert caught.value.rpc_code == code
    assert message is None or caught.value.rpc_message == message
    assert caught.value.rpc_data == data
    assert node.pool.usage().ready == node.pool.usage().future == 0


def test_outdated(node: Any) -> None:
    node.submit(transfer(ALICE, 0))
    node.produce()
    with pytest.raises(InvalidTransaction) as caught:
        node.submit(transfer(ALICE, 0, tip=1))
    assert (caught.value.rpc_code, caught.value.rpc_data) == (1010, "Transaction is outdated")


def test_already_imported(node: Any) -> None:
    hash = node.submit(transfer(ALICE, 0))
    with pytest.raises(AlreadyImported) as caught:
        node.submit(transfer(ALICE, 0))
    assert (caught.value.rpc_code, caught.value.rpc_message) == (1013, "Transaction Already Imported")
    assert caught.value.rpc_data == "0x" + hash.hex() == "0x" + extrinsic_hash(transfer(ALICE, 0)).hex()


def test_too_low_priority(node: Any) -> None:
    node.submit(transfer(ALICE, 0, tip=7))
    with pytest.raises(TooLowPriority) as caught:
        node.submit(transfer(ALICE, 0, tip=7, amount=11))
    assert caught.value.rpc_code == 1014
    assert caught.value.rpc_message == "Priority is too low: (7 vs 7)"
    assert caught.value.rpc_data == (
        "The transaction has too low priority to replace another transaction already in the pool."
    )


def test_cycle(node: Any) -> None:
    heard = node.watch(xt(Tagged([b"b"], [b"a"], 9)))
    with pytest.raises(CycleDetected) as caught:
        node.submit(xt(Tagged([], [b"a", b"b"], 1)))
    assert (caught.value.rpc_code, caught.value.rpc_message) == (1015, "Cycle Detected")
    assert caught.value.rpc_data is None
    assert heard[-1].is_final
    assert node.pool.usage().ready == node.pool.usage().future == 0


def test_runtime_failure_while_validating(node: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def panic(source: object, extrinsic: bytes) -> object:
        raise RuntimePanic("validate", "out of memory")

    monkeypatch.setattr(node.chain, "validate_transaction", panic)
    with pytest.raises(PoolError) as caught:
        node.submit(transfer(ALICE, 0))
    assert caught.value.rpc_code == 1002
    assert caught.value.rpc_message == "Verification Error: validate panicked: out of memory"


@pytest.mark.parametrize("reason", INVALID_TEXT)
def test_texts_of_invalidity(reason: Any) -> None:
    assert InvalidTransaction(Invalid(reason())).rpc_data == INVALID_TEXT[reason]


def test_texts_of_custom_reasons() -> None:
    assert InvalidTransaction(Invalid(CustomInvalid(9))).rpc_data == "Custom error: 9"
    assert UnknownValidity(Unknown(CustomUnknown(9))).rpc_data == "Custom(9)"
    assert UnknownValidity(Unknown(CannotLookup())).data() == {"reason": "CannotLookup"}


# --- bans


def test_invalid_is_banned_for_a_while(node: Any) -> None:
    bad = transfer(ALICE, 0, proof=1)
    with pytest.raises(InvalidTransaction):
        node.submit(bad)
    with pytest.raises(TemporarilyBanned) as caught:
        node.submit(bad)
    assert (caught.value.rpc_code, caught.value.rpc_message) == (1012, "Transaction is temporarily banned")
    assert caught.value.rpc_data is None
    node.now_ms += BAN_MS
    with pytest.raises(InvalidTransaction):
        node.submit(bad)


def test_dependents_of_the_invalid_are_not_banned(node: Any) -> None:
    """A sender's first transaction expires; those behind it are good once another has its nonce."""
    for nonce in range(3):
        node.submit(transfer(ALICE, nonce))
    node.pool.remove_invalid([extrinsic_hash(transfer(ALICE, 0))], node.now_ms)
    assert not node.pool.pending() and not node.pool.future()
    with pytest.raises(TemporarilyBanned):
        node.submit(transfer(ALICE, 0))
    for nonce in (1, 2):
        node.submit(transfer(ALICE, nonce))
    node.submit(transfer(ALICE, 0, tip=1))
    assert len(node.pool.pending()) == 3


def test_included_is_banned(node: Any) -> None:
    node.submit(transfer(ALICE, 0))
    node.produce()
    with pytest.raises(TemporarilyBanned):
        node.submit(transfer(ALICE, 0))


def test_unknown_is_not_banned(node: Any) -> None:
    for _ in range(2):
        with pytest.raises(UnknownValidity):
            node.submit(transfer(ALICE, 0, proof=2))


def test_bans_are_bounded(node: Any) -> None:
    for number in range(MAX_BANNED + 5):
        node.pool._ban(number.to_bytes(32, "big"), node.now_ms)
    assert len(node.pool._banned) == MAX_BANNED
    assert (4).to_bytes(32, "big") not in node.pool._banned


# --- life of a transaction


def test_from_ready_to_finalized(make_node: Any) -> None:
    node = make_node(options={"finality_lag": 2})
    heard = node.watch(transfer(ALICE, 0))
    assert told(heard) == ["ready"]
    block = node.produce().block
    assert told(heard) == ["ready", {"inBlock": "0x" + block.hash.hex()}]
    assert heard[-1].position == 1
    node.produce(2)
    assert told(heard)[2:] == [{"finalized": "0x" + block.hash.hex()}]
    node.produce(2)
    assert len(heard) == 3


def test_future_becomes_ready(node: Any) -> None:
    second, third = node.watch(transfer(ALICE, 1)), node.watch(transfer(ALICE, 2))
    assert told(second) == told(third) == ["future"]
    assert node.pool.pending() == [] and len(node.pool.future()) == 2
    node.submit(transfer(ALICE, 0))
    assert told(second) == told(third) == ["future", "ready"]
    assert node.pool.pending() == [transfer(ALICE, n) for n in range(3)]
    assert len(node.produce().block.extrinsics) == 4


def import_foreign(node: Any, *extrinsics: bytes) -> None:
    """A block with extrinsics the pool has not seen."""
    node.now_ms += 6000
    made = author_block(node.chain, extrinsics, node.now_ms, node.keys.aura)
    for event in node.chain.import_block(made.block, made.state):
        node.pool.handle(event, node.now_ms)


def test_future_becomes_ready_through_a_block(node: Any) -> None:
    heard = node.watch(transfer(BOB, 1))
    import_foreign(node, transfer(BOB, 0))
    assert told(heard) == ["future", "ready"]


def test_usurped(node: Any) -> None:
    heard = node.watch(transfer(ALICE, 0, tip=1))
    after = node.watch(transfer(ALICE, 1))
    better = transfer(ALICE, 0, tip=2)
    hash = node.submit(better)
    assert told(heard) == ["ready", {"usurped": "0x" + hash.hex()}]
    assert told(after) == ["ready"]
    assert node.pool.pending() == [better, transfer(ALICE, 1)]


def test_expiry(node: Any) -> None:
    heard = node.watch(transfer(ALICE, 1, last_block=3))
    node.produce(2)
    assert told(heard) == ["future"]
    node.produce()
    assert told(heard) == ["future", "invalid"]
    assert node.pool.usage().future == 0


def test_last_block_of_a_mortal_transaction(node: Any) -> None:
    node.produce(2)
    heard = node.watch(transfer(ALICE, 0, last_block=3))
    block = node.produce().block
    assert told(heard)[1] == {"inBlock": "0x" + block.hash.hex()}


def test_immortal_verdict_is_renewed(node: Any) -> None:
    """A verdict that ran out is asked for again, not taken for a refusal."""
    heard = node.watch(transfer(ALICE, 1))
    node.produce(70)
    assert told(heard) == ["future"]


def test_revalidation_finds_what_went_wrong(node: Any) -> None:
    heard = node.watch(transfer(BOB, 1))
    drain = transfer(BOB, 0, amount=10**6 - 2, tip=1)
    node.submit(drain)
    assert told(heard) == ["future", "ready"]
    node.produce()
    assert told(heard)[-1] == "invalid"


def test_dependents_of_an_invalid_transaction_leave_too(node: Any) -> None:
    heard = [node.watch(transfer(ALICE, n)) for n in range(3)]
    removed = node.pool.remove_invalid([extrinsic_hash(transfer(ALICE, 1))], node.now_ms)
    assert removed == [extrinsic_hash(transfer(ALICE, n)) for n in (1, 2)]
    assert [told(h)[-1] for h in heard] == ["ready", "invalid", "invalid"]
    assert node.pool.pending() == [transfer(ALICE, 0)]


def test_competitor_of_an_included_transaction(node: Any) -> None:
    mine, theirs = transfer(ALICE, 0, tip=1), transfer(ALICE, 0, tip=2)
    mine_heard = node.watch(mine)
    import_foreign(node, theirs)
    assert told(mine_heard) == ["ready", "invalid"]


def test_unwatched(node: Any) -> None:
    heard = node.watch(transfer(ALICE, 0))
    node.pool.unwatch(extrinsic_hash(transfer(ALICE, 0)))
    node.produce()
    assert told(heard) == ["ready"]


def test_finality_timeout(make_node: Any) -> None:
    node = make_node(options={"finality_lag": 10**6})
    heard = node.watch(transfer(ALICE, 0))
    block = node.produce().block
    for number in range(MAX_UNFINALIZED_BLOCKS + 1):
        node.pool._included[number.to_bytes(32, "big")] = {}
    node.produce()
    assert told(heard)[-1] == {"finalityTimeout": "0x" + block.hash.hex()}
    assert len(node.pool._included) == MAX_UNFINALIZED_BLOCKS


def test_every_status_has_its_wire_form() -> None:
    block = b"\xab" * 32
    text = "0x" + "ab" * 32
    assert [
        s.to_rpc()
        for s in (
            status.Future(),
            status.Ready(),
            status.InBlock(block, 0),
            status.Retracted(block),
            status.FinalityTimeout(block),
            status.Finalized(block, 0),
            status.Usurped(block),
            status.Dropped(),
            status.Invalid(),
        )
    ] == [
        "future",
        "ready",
        {"inBlock": text},
        {"retracted": text},
        {"finalityTimeout": text},
        {"finalized": text},
        {"usurped": text},
        "dropped",
        "invalid",
    ]


# --- order, limits, indexes


def test_order_of_a_block(node: Any) -> None:
    a0, a1 = transfer(ALICE, 0, tip=1), transfer(ALICE, 1, tip=50)
    b0, b1 = transfer(BOB, 0, tip=9), transfer(BOB, 1, tip=0)
    for extrinsic in (a1, b1, a0, b0):
        node.submit(extrinsic)
    assert node.pool.pending() == [b0, a0, a1, b1]
    assert node.produce().block.extrinsics[1:] == (b0, a0, a1, b1)


def test_next_index(node: Any) -> None:
    assert node.pool.next_index(ALICE) == 0
    node.submit(transfer(ALICE, 0))
    node.submit(transfer(ALICE, 1))
    node.submit(transfer(ALICE, 5))
    assert (node.pool.next_index(ALICE), node.pool.next_index(BOB)) == (2, 0)
    node.produce()
    assert node.pool.next_index(ALICE) == 2
    assert node.pool.next_index(CHARLIE) == 0


def test_full_pool_drops_the_cheapest(make_node: Any) -> None:
    node = make_node(limits=PoolLimits(ready_count=2))
    cheap, dear = node.watch(xt(Tagged([], [b"1"], 1))), node.watch(xt(Tagged([], [b"5"], 5)))
    with pytest.raises(ImmediatelyDropped) as caught:
        node.submit(xt(Tagged([], [b"2"], 1)))
    assert (caught.value.rpc_code, caught.value.rpc_message) == (1016, "Immediately Dropped")
    assert caught.value.rpc_data == "The transaction couldn't enter the pool because of the limit"
    node.submit(xt(Tagged([], [b"3"], 3)))
    assert told(cheap) == ["ready", "dropped"]
    assert told(dear) == ["ready"]
    node.produce()
    node.submit(xt(Tagged([], [b"1"], 1)))  # not banned


def test_byte_limits(make_node: Any) -> None:
    size = len(transfer(ALICE, 0))
    node = make_node(limits=PoolLimits(ready_bytes=2 * size, future_bytes=size))
    node.submit(transfer(ALICE, 0))
    node.submit(transfer(ALICE, 1))
    with pytest.raises(ImmediatelyDropped):
        node.submit(transfer(ALICE, 2))
    node.submit(transfer(BOB, 8))
    with pytest.raises(ImmediatelyDropped):
        node.submit(transfer(BOB, 9))
    usage = node.pool.usage()
    assert (usage.ready, usage.ready_bytes, usage.future, usage.future_bytes) == (2, 2 * size, 1, size)


def test_pool_without_futures(make_node: Any) -> None:
    node = make_node(limits=PoolLimits(future_count=0))
    with pytest.raises(FutureRejected) as caught:
        node.submit(transfer(ALICE, 1))
    assert (caught.value.rpc_code, caught.value.rpc_data) == (1021, None)
    assert caught.value.rpc_message == "The pool is not accepting future transactions"
    node.submit(transfer(ALICE, 0))
    node.submit(transfer(ALICE, 1))
    assert node.pool.usage().ready == 2


def test_ready_listeners(node: Any) -> None:
    ready: list[bytes] = []
    unsubscribe = node.pool.subscribe_ready(ready.append)
    node.submit(transfer(ALICE, 1))
    assert ready == []
    node.submit(transfer(ALICE, 0))
    assert ready == [extrinsic_hash(transfer(ALICE, n)) for n in (0, 1)]
    unsubscribe()
    unsubscribe()
    node.submit(transfer(ALICE, 2))
    assert len(ready) == 2


def test_revalidation_is_bounded_and_takes_turns(node: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 2 * REVALIDATED_PER_BLOCK
    for number in range(count):
        node.submit(xt(Tagged([b"never"], [number.to_bytes(2, "big")], 1)))
    validate, asked = node.chain.validate_transaction, []

    def counted(source: Any, extrinsic: bytes) -> Any:
        asked.append(extrinsic)
        return validate(source, extrinsic)

    monkeypatch.setattr(node.chain, "validate_transaction", counted)
    node.produce()
    assert len(asked) == REVALIDATED_PER_BLOCK
    node.produce()
    assert len(set(asked)) == count
    node.produce()
    assert asked[:REVALIDATED_PER_BLOCK] == asked[2 * REVALIDATED_PER_BLOCK :]


def test_revalidation_moves_a_transaction(node: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the runtime says of a transaction may change in both directions."""
    target, dependent = transfer(ALICE, 0), transfer(ALICE, 1)
    heard, behind = node.watch(target), node.watch(dependent)
    validate, requires = node.chain.validate_transaction, [b"key"]

    def changed(source: Any, extrinsic: bytes) -> Any:
        verdict = validate(source, extrinsic)
        if extrinsic != target:
            return verdict
        return ValidTransaction(
            verdict.priority, list(requires), verdict.provides, verdict.longevity, verdict.propagate
        )

    monkeypatch.setattr(node.chain, "validate_transaction", changed)
    node.produce(with_transactions=False)
    assert told(heard) == ["ready", "future"]
    assert told(behind) == ["ready", "future"]
    requires.clear()
    node.produce(with_transactions=False)
    assert told(heard) == told(behind) == ["ready", "future", "ready"]
    assert node.pool.pending() == [target, dependent]

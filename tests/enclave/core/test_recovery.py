"""What comes back from the disk is what was there: with and without snapshots, and nothing that contradicts itself."""

from __future__ import annotations

from typing import Any

import pytest

from integritee.apps.catalog import DEFAULT_LEDGER as LEDGER
from integritee.enclave.bootstrap import Wishes, recover
from integritee.enclave.errors import ForeignShard
from integritee.enclave.records import BLOCK, GENESIS, META, BlockRecord, RecordKind, RecoveryError, SnapshotMeta
from integritee.node.runtime.runtime import TEER
from integritee.scale.errors import DecodeError

from ..store.machine import Machine
from .harness import ANN, BEN, CAT, MRENCLAVE, URL, World


def live(world: World, rounds: int = 4) -> None:
    world.shield(ANN, 10 * TEER)
    world.block()
    world.slot()
    world.drops = lambda extrinsic: True
    for i in range(rounds):
        world.transfer(ANN, BEN, TEER + i)
        world.unshield(ANN, CAT.public, 10**9 + i)
        world.slot()
        world.block()
    world.slot()


def memory(world: World) -> dict[str, Any]:
    core = world.core
    return {
        "root": core.state.root(),
        "items": dict(core.state.items()),
        "head": core.head,
        "outbox": core.integritee.outbox.whole(),
        "hashes": sorted(core.integritee.outbox._by_hash),
        "bytes": core.state_bytes,
        "running": core.is_running,
        "resume": core.integritee.resume,
        "account": core.keys.signing.public,
        "ledger": core.keys.ledger.public,
        "state key": core.keys.state,
        "shard": core.config.shard,
    }


def snapshot(world: World) -> None:
    world.store.snapshot(world.core.state.items(), world.core.snapshot_meta())


def restarted(world: World) -> dict[str, Any]:
    world.directory.reboot()
    world.boot()
    found = memory(world)
    world.connect()
    world.block()
    return found


def test_replay(world: World) -> None:
    live(world)
    before = memory(world)
    assert len(before["outbox"].put) > 5
    assert before["bytes"] == sum(len(k) + len(v) for k, v in before["items"].items())
    assert restarted(world) == before


def test_snapshot_at_the_end(world: World) -> None:
    live(world)
    snapshot(world)
    before = memory(world)
    assert restarted(world) == before


def test_snapshot_in_the_middle(world: World) -> None:
    live(world, 2)
    snapshot(world)
    live(world, 2)
    before = memory(world)
    assert restarted(world) == before
    live(world, 1)
    snapshot(world)
    snapshot(world)
    before = memory(world)
    assert restarted(world) == before


def test_the_shard_goes_on_after_a_snapshot(world: World) -> None:
    live(world)
    snapshot(world)
    world.restart()
    world.drops = lambda extrinsic: False
    world.block()
    world.settle()
    assert world.core.halted is None
    assert len(world.core.integritee.outbox.entries) <= 2


def test_meta_tells_the_state_root(world: World) -> None:
    live(world, 1)
    meta: SnapshotMeta = META.decode(world.core.snapshot_meta())
    assert meta.state_root == world.core.state.root()
    assert meta.base is not None
    assert meta.base.header == world.core.head
    assert meta.shard == world.shard


# -- records that are authentic and wrong: only a fault of our own can make them


def reopened(world: World, kind: int, payload: bytes) -> None:
    world.store.append(kind, payload)
    world.store.sync()
    world.directory.reboot()
    try:
        world.boot()
    finally:
        world.store.close()
        world.directory.reboot()
        undo(world)


def undo(world: World) -> None:
    """Go back to what the disk was before the record, so that the laws can be checked."""
    world.directory.put_back(world.saved)  # type: ignore[attr-defined]
    world.boot()
    world.connect()


def last_block(world: World) -> BlockRecord:
    world.directory.reboot()
    _, records = Machine(world.directory).recovered()
    found: BlockRecord = [BLOCK.decode(data) for _, kind, data in records if kind == RecordKind.BLOCK][-1]
    world.boot()
    return found


@pytest.mark.parametrize(
    ("kind", "payload", "error"),
    [
        (9, b"", RecoveryError),
        (RecordKind.BLOCK, b"\x00", DecodeError),
        (RecordKind.GENESIS, b"", DecodeError),
        (RecordKind.ANCHOR, b"\x04", DecodeError),
    ],
)
def test_unreadable_records(world: World, kind: int, payload: bytes, error: type[Exception]) -> None:
    world.saved = world.directory.contents()  # type: ignore[attr-defined]
    with pytest.raises(error):
        reopened(world, kind, payload)


def test_a_block_must_follow_the_one_before(world: World) -> None:
    live(world, 1)
    record = last_block(world)
    world.saved = world.directory.contents()  # type: ignore[attr-defined]
    with pytest.raises(RecoveryError):
        reopened(world, RecordKind.BLOCK, BLOCK.encode(record))


def test_a_snapshot_must_have_its_root(world: World) -> None:
    live(world, 1)
    world.saved = world.directory.contents()  # type: ignore[attr-defined]
    items = dict(world.core.state.items())
    items.popitem()
    world.store.snapshot(sorted(items.items()), world.core.snapshot_meta())
    world.directory.reboot()
    with pytest.raises(RecoveryError):
        world.boot()
    world.store.close()
    world.directory.reboot()
    undo(world)


def test_the_shard_is_remembered(world: World) -> None:
    world.directory.reboot()
    store, stored = Machine(world.directory).open()
    with store, pytest.raises(ForeignShard) as caught:
        recover(store, stored, MRENCLAVE, Wishes(URL, b"\x07" * 32), LEDGER, world.random)
    assert caught.value.data() == {"found": "0x" + "07" * 32, "expected": "0x" + world.shard.hex()}
    world.boot()
    world.connect()


def test_genesis_is_the_first_thing_a_shard_knows(world: World) -> None:
    world.directory.reboot()
    _, records = Machine(world.directory).recovered()
    kinds = [kind for _, kind, _ in records]
    at = kinds.index(RecordKind.GENESIS)
    assert set(kinds[:at]) <= {RecordKind.ANCHOR}
    assert set(kinds[at + 1 :]) == {RecordKind.BLOCK}
    assert GENESIS.decode(records[at][2]).shard == world.shard
    world.boot()
    world.connect()

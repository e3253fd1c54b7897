"""The host's database of sidechain blocks: range queries, forks, budgets, damage."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integritee.crypto import Ed25519Pair
from integritee.primitives.sidechain import BlockData, SidechainBlock, SidechainHeader, SignedBlock
from integritee.primitives.signature import sign
from integritee.worker.block_store import DATA_FILE, BlockStore, erase
from integritee.worker.errors import BlockStoreBroken, BlockStoreFull

SIGNATURE = sign(Ed25519Pair.from_seed(bytes(32)), b"")
ZERO = bytes(32)
MIB = 1 << 20


def chain(first: int, last: int, parent: bytes = ZERO, fork: int = 0, size: int = 0) -> list[SignedBlock]:
    """Blocks `first` to `last` on `parent`; `fork` makes them differ, `size` pads each."""
    blocks = []
    for number in range(first, last + 1):
        data = BlockData(fork, ZERO, ZERO, [], os.urandom(size))
        header = SidechainHeader(parent, number, ZERO, data.hash(), 1)
        blocks.append(SignedBlock(SidechainBlock(header, data), SIGNATURE))
        parent = header.hash()
    return blocks


def numbers(blocks: list[SignedBlock]) -> list[int]:
    return [block.block.header.block_number for block in blocks]


TEN = chain(1, 10)
HASH = {0: ZERO} | {n: block.hash() for n, block in enumerate(TEN, 1)} | {99: b"\x63" * 32}
FORK = chain(6, 8, HASH[5], fork=1)


@pytest.mark.parametrize(
    ("after", "until", "max_blocks", "found"),
    [
        (0, None, 99, range(3, 11)),
        (0, 6, 99, range(3, 6)),
        (0, 3, 99, []),
        (2, None, 99, []),  # pruned, and so unknown
        (3, None, 99, range(4, 11)),
        (3, 99, 99, range(4, 11)),
        (3, 7, 99, range(4, 7)),
        (3, 4, 99, []),
        (7, 3, 99, range(8, 11)),  # `until` is not behind `after`
        (10, None, 99, []),
        (99, None, 99, []),
        (99, 5, 99, []),
        (3, None, 2, [4, 5]),
        (3, None, 0, []),
    ],
)
def test_range(tmp_path: Path, after: int, until: int | None, max_blocks: int, found: range | list[int]) -> None:
    store = BlockStore(tmp_path, kept=8)
    store.put(TEN)
    bound = None if until is None else HASH[until]
    assert numbers(store.blocks_after(HASH[after], bound, max_blocks, MIB)) == list(found)
    store.close()


@pytest.mark.parametrize(("places", "found"), [(0.0, [1]), (1.0, [1]), (2.5, [1, 2]), (3.0, [1, 2, 3])])
def test_the_first_block_is_served_however_long(tmp_path: Path, places: float, found: list[int]) -> None:
    blocks = chain(1, 4, size=100)
    length = len(blocks[0].block.block_data.encrypted_state_diff) + 112 + 8 + 64 + 1 + 2 + 65
    store = BlockStore(tmp_path)
    store.put(blocks)
    assert numbers(store.blocks_after(ZERO, None, 99, int(places * length))) == found
    store.close()


def test_an_empty_store_serves_nothing(tmp_path: Path) -> None:
    store = BlockStore(tmp_path)
    assert store.blocks_after(ZERO, None, 9, MIB) == store.blocks_after(HASH[1], None, 9, MIB) == []
    assert store.latest_number() == 0 and store.get(1) is None and store.by_hash(HASH[1]) is None
    store.close()


@pytest.mark.parametrize(
    ("puts", "stored"),
    [
        ([(TEN[5:8], 5)], [*TEN[:8]]),  # the same blocks once more, and what came after them is off chain
        ([(FORK, 5)], [*TEN[:5], *FORK]),
        ([(FORK, None)], [*TEN[:5], *FORK]),  # a block in another's place says as much
        ([(FORK[:1], 5), (FORK[1:], 6)], [*TEN[:5], *FORK]),
        ([([], 5)], TEN[:5]),
        ([([], 0)], []),
        ([([], 10)], TEN),
        ([(FORK, 5), (TEN[5:], 5)], TEN),
        ([(TEN[3:5], None)], TEN),  # what is there already costs nothing
    ],
)
def test_forks(tmp_path: Path, puts: list[tuple[list[SignedBlock], int | None]], stored: list[SignedBlock]) -> None:
    store = BlockStore(tmp_path)
    store.put(TEN)
    for blocks, after in puts:
        store.put(blocks, after)
    assert store.blocks_after(ZERO, None, 99, MIB) == stored
    for block in (*TEN, *FORK):
        assert store.by_hash(block.hash()) == (block if block in stored else None)
    assert store.latest_number() == len(stored)
    store.close()


@pytest.mark.parametrize("first", [7, 6])
def test_nothing_is_served_across_a_gap_or_a_foreign_parent(tmp_path: Path, first: int) -> None:
    store = BlockStore(tmp_path)
    store.put(TEN[:5])
    store.put(chain(first, 9, b"\x01" * 32))
    assert numbers(store.blocks_after(HASH[3], None, 99, MIB)) == [4, 5]
    assert store.blocks_after(HASH[5], None, 99, MIB) == []
    assert store.latest_number() == 9
    store.close()


def test_pruning_by_count(tmp_path: Path) -> None:
    store = BlockStore(tmp_path, kept=4)
    for block in TEN:
        store.put([block])
    found = store.statistics()
    assert (found.blocks, found.first, found.last, found.pruned) == (4, 7, 10, 6)
    assert store.by_hash(HASH[6]) is None
    store.put(chain(50, 50))  # far ahead, as after a provisioning
    assert store.statistics().blocks == 1
    store.close()


def test_the_file_stays_within_its_budget(tmp_path: Path) -> None:
    budget = 2 * MIB
    store = BlockStore(tmp_path, budget)
    blocks = chain(1, 80, size=100_000)
    for start in range(0, 80, 4):
        store.put(blocks[start : start + 4])
        assert store.latest_number() == start + 4
    found = store.statistics()
    assert 4 <= found.blocks < 16 and found.last == 80
    assert found.live_bytes <= budget * 3 // 4 and found.file_bytes <= budget
    assert store.blocks_after(ZERO, None, 99, 1 << 40) == blocks[-found.blocks :]
    store.close()


def test_a_smaller_budget_shrinks_the_file(tmp_path: Path) -> None:
    store = BlockStore(tmp_path, 8 * MIB)
    store.put(blocks := chain(1, 40, size=100_000))
    store.close()
    assert (tmp_path / DATA_FILE).stat().st_size > 2 * MIB
    store = BlockStore(tmp_path, 2 * MIB)
    found = store.statistics()
    assert found.file_bytes <= 2 * MIB and found.last == 40
    assert store.blocks_after(ZERO, None, 99, 1 << 40) == blocks[-found.blocks :]
    store.put(chain(41, 44, blocks[-1].hash(), size=100_000))
    store.close()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data.mdb", "lock.mdb"]


def test_what_does_not_fit_is_refused_and_costs_nothing_else(tmp_path: Path) -> None:
    store = BlockStore(tmp_path, MIB)
    store.put(TEN)
    with pytest.raises(BlockStoreFull):
        store.put(chain(11, 11, HASH[10], size=2 * MIB))
    assert store.latest_number() == 10
    store.put(more := chain(11, 12, HASH[10]))
    assert store.blocks_after(HASH[10], None, 9, MIB) == more
    store.close()


def test_it_is_all_there_the_next_time(tmp_path: Path) -> None:
    for blocks in (TEN[:6], TEN[6:]):
        store = BlockStore(tmp_path)
        store.put(blocks)
        store.close()
    store = BlockStore(tmp_path)
    assert store.blocks_after(ZERO, None, 99, MIB) == TEN
    store.clear()
    assert store.blocks_after(ZERO, None, 99, MIB) == [] and store.by_hash(HASH[3]) is None
    store.put(TEN)
    assert store.blocks_after(ZERO, None, 99, MIB) == TEN
    store.close()


@pytest.mark.parametrize("damage", ["noise", "short", "foreign"])
def test_damage_is_named_and_can_be_erased(tmp_path: Path, damage: str) -> None:
    store = BlockStore(tmp_path)
    store.put(chain(1, 50, size=5000))
    store.close()
    path = tmp_path / DATA_FILE
    content = path.read_bytes()
    path.write_bytes({"noise": b"\xff" * 40_000, "short": content[:12_288], "foreign": b"{}" * 9000}[damage])
    with pytest.raises(BlockStoreBroken):
        BlockStore(tmp_path).blocks_after(ZERO, None, 99, MIB)
    erase(tmp_path)
    store = BlockStore(tmp_path)
    store.put(TEN)
    assert store.latest_number() == 10
    store.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 4), st.integers(0, 2)), max_size=12))
def test_it_holds_the_chain_that_was_followed_last(tmp_path: Path, steps: list[tuple[int, int, int]]) -> None:
    """Law: whatever forks were left, what is stored is the latest chain, and the index knows nothing else."""
    erase(tmp_path)
    store, model, seen = BlockStore(tmp_path), [], set()
    for back, length, fork in steps:
        model = model[: max(0, len(model) - back)]
        grown = chain(len(model) + 1, len(model) + length, model[-1].hash() if model else ZERO, fork)
        store.put(grown, len(model))
        model += grown
        seen |= {block.hash() for block in grown}
    assert store.blocks_after(ZERO, None, 999, 1 << 40) == model
    assert {h for h in seen if store.by_hash(h)} == {block.hash() for block in model}
    store.close()

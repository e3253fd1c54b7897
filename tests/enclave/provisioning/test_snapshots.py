"""How long and how many states are kept for clients that come back."""

from __future__ import annotations

from integritee.enclave.provisioning import Snapshot
from integritee.enclave.provisioning.snapshots import MAX_SNAPSHOTS, SNAPSHOT_SECONDS, SnapshotShelf
from integritee.trie import Trie


def snapshot(i: int) -> Snapshot:
    return Snapshot(Trie.from_items({b"i": bytes((i,))}), 1, b"")


def test_a_state_is_kept_for_its_time_from_when_it_was_last_wanted() -> None:
    shelf = SnapshotShelf()
    kept = snapshot(1)
    shelf.put(kept, 0.0)
    assert shelf.get(kept.root, SNAPSHOT_SECONDS - 1) is kept
    assert shelf.get(kept.root, 2 * SNAPSHOT_SECONDS - 2) is kept
    assert shelf.get(kept.root, 3 * SNAPSHOT_SECONDS - 2) is None


def test_the_one_least_recently_wanted_makes_room() -> None:
    shelf = SnapshotShelf()
    kept = [snapshot(i) for i in range(MAX_SNAPSHOTS + 1)]
    for i, one in enumerate(kept[:-1]):
        shelf.put(one, float(i))
    assert shelf.get(kept[0].root, 10.0) is kept[0]
    shelf.put(kept[-1], 11.0)
    assert [shelf.get(one.root, 12.0) for one in kept] == [kept[0], None, *kept[2:]]

"""A block's changes enter the state in portions; what comes of it does not depend on their size."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from integritee.enclave.sidechain.commitment import Commitment
from integritee.trie import Trie

from ...trie.trie_strategies import apply, changes, maps, size


@given(maps, changes, st.integers(min_value=1, max_value=13))
def test_portions_lead_where_all_at_once_do(
    items: dict[bytes, bytes], change: dict[bytes, bytes | None], limit: int
) -> None:
    before = Trie.from_items(items)
    root, expected = before.root(), before.commit(change)
    commitment = Commitment(before, change)
    steps = 0
    while commitment.step(limit):
        steps += 1
    assert steps == -(-len(change) // limit)
    assert commitment.changes == sorted(change.items())
    assert commitment.after.root() == expected.root()
    assert dict(commitment.after.items()) == apply(items, change)
    assert commitment.growth == size(apply(items, change)) - size(items)
    assert (before.root(), dict(before.items())) == (root, items)

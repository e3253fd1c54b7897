"""Storage items remember what they decoded: that shows in nothing but time."""

from __future__ import annotations

from typing import Annotated

import pytest

from integritee.frame.overlay import Overlay
from integritee.frame.pallet import Pallet
from integritee.frame.runtime import Runtime, use
from integritee.frame.storage_items import Blake2_128Concat, StorageMap, StorageValue
from integritee.scale import Bounded, Bytes32, Err, Ok, Struct, u8, u32, u128
from integritee.scale.shape import Hint, is_immutable
from integritee.trie import Trie


class Frozen(Struct, frozen=True):
    number: u32
    name: bytes


class Shelf(Pallet):
    frozen: StorageValue[Frozen | None]
    listed: StorageValue[list[u32]]
    by_number: StorageMap[Blake2_128Concat[u32], Frozen | None]


class Library(Runtime):
    shelf = use(0, Shelf)


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        (u128, True),
        (bool, True),
        (str, True),
        (Bytes32, True),
        (Annotated[bytes, Bounded(5)], True),
        (tuple[u8, Frozen | None], True),
        (Frozen, True),
        (list[u8], False),
        (tuple[u8, list[u8]], False),
        (dict[u8, u8], False),
        (Ok[u8] | Err[u8], False),
    ],
)
def test_what_nobody_can_change(hint: Hint, expected: bool) -> None:
    assert is_immutable(hint) is expected


def test_values_follow_the_state() -> None:
    first, second = Frozen(1, b"first"), Frozen(2, b"second")
    runtime = Library(Overlay(Trie.empty()))
    shelf = runtime.shelf
    shelf.frozen.put(first)
    shelf.by_number.put(7, first)
    assert (shelf.frozen.get(), shelf.by_number.get(7)) == (first, first)
    with pytest.raises(ZeroDivisionError), runtime.transaction():
        shelf.frozen.put(second)
        shelf.by_number.put(7, second)
        assert (shelf.frozen.get(), shelf.by_number.get(7)) == (second, second)
        raise ZeroDivisionError
    assert (shelf.frozen.get(), shelf.by_number.get(7)) == (first, first)
    before = runtime.state
    runtime.state = Overlay(Trie.empty())
    assert (shelf.frozen.get(), shelf.by_number.get(7)) == (None, None)
    runtime.state = before
    shelf.by_number.remove(7)
    assert (shelf.frozen.get(), shelf.by_number.get(7)) == (first, None)


def test_a_list_belongs_to_who_read_it() -> None:
    shelf = Library(Overlay(Trie.empty())).shelf
    shelf.listed.put([1, 2])
    shelf.listed.get().append(3)
    assert shelf.listed.get() == [1, 2]

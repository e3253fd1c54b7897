"""Slot arithmetic and the round robin."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integritee.enclave.sidechain.errors import InvalidSlotDuration
from integritee.enclave.sidechain.slots import (
    SLOT_MS,
    Slot,
    claims_slot,
    delay_to_next_slot,
    next_slot,
    proposal_budget,
    slot_at,
    slot_author,
    slot_number,
)


@pytest.mark.parametrize(
    ("now", "slot", "delay"),
    [
        (0, Slot(0, 0, 1000), 1000),
        (1, Slot(0, 0, 1000), 999),
        (999, Slot(0, 0, 1000), 1),
        (1000, Slot(1, 1000, 2000), 1000),
        (1_666_340_685_919, Slot(1_666_340_685, 1_666_340_685_000, 1_666_340_686_000), 81),
    ],
)
def test_slot_in_progress(now: int, slot: Slot, delay: int) -> None:
    assert slot_at(now) == slot
    assert slot.contains(now)
    assert delay_to_next_slot(now) == delay


@given(now=st.integers(0, 1 << 48), slot_ms=st.integers(1, 100_000))
@settings(deadline=None)
def test_slots_partition_time(now: int, slot_ms: int) -> None:
    slot = slot_at(now, slot_ms)
    assert slot.contains(now)
    assert slot.end - slot.start == slot_ms
    following = slot_at(now + delay_to_next_slot(now, slot_ms), slot_ms)
    assert (following.number, following.start) == (slot.number + 1, slot.end)


@pytest.mark.parametrize(("last", "served"), [(4, True), (5, False), (6, False)])
def test_no_slot_is_served_twice(last: int, served: bool) -> None:
    assert (next_slot(5 * SLOT_MS + 3, last) is not None) is served


@pytest.mark.parametrize("slot_ms", [0, -1])
def test_zero_duration(slot_ms: int) -> None:
    with pytest.raises(InvalidSlotDuration) as caught:
        slot_number(1, slot_ms)
    assert caught.value.data() == {"found": slot_ms}


@pytest.mark.parametrize(("remaining", "budget"), [(1000, 700), (500, 350), (3, 2), (1, 0), (0, 0), (-20, 0)])
def test_budget_is_a_share_of_what_remains(remaining: int, budget: int) -> None:
    assert proposal_budget(remaining) == budget
    assert Slot(1, 1000, 2000).proposal_deadline(2000 - remaining) == 2000 - remaining + budget


@pytest.mark.parametrize(("remaining", "budget"), [(1000, 1000), (3, 3), (0, 0), (-20, 0)])
def test_alone_all_that_remains_is_used(remaining: int, budget: int) -> None:
    assert Slot(1, 1000, 2000).proposal_deadline(2000 - remaining, is_alone=True) == 2000 - remaining + budget


@pytest.mark.parametrize(
    ("late", "served"), [(0, True), (SLOT_MS // 2, True), (SLOT_MS // 2 + 1, False), (SLOT_MS - 1, False)]
)
def test_a_slot_of_which_less_than_half_is_left_is_passed_over(late: int, served: bool) -> None:
    assert (next_slot(5 * SLOT_MS + late, 4) is not None) is served


def test_round_robin() -> None:
    authorities = [b"a", b"b", b"c"]
    assert [slot_author(n, authorities) for n in range(5)] == [b"a", b"b", b"c", b"a", b"b"]
    assert [n for n in range(7) if claims_slot(n, authorities, b"c")] == [2, 5]
    assert all(claims_slot(n, [b"a"], b"a") for n in range(3))
    assert not any(claims_slot(n, authorities, b"d") for n in range(3))
    assert not claims_slot(0, [], b"a")

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integritee.apps.encointer.types import CeremonyPhase
from integritee.frame.runtime import use
from integritee.node.pallets.encointer_scheduler import EncointerScheduler
from integritee.node.runtime.encointer import PHASE_DURATIONS

from .small_runtime import ALICE, BOB, NOW, ROOT, Chain, SmallRuntime

HOUR = 3_600_000
DAY = 24 * HOUR
CYCLE = 72 * HOUR
MIDNIGHT = NOW - NOW % DAY
REGISTERING, ASSIGNING, ATTESTING = CeremonyPhase
NEXT, PUSH = "EncointerScheduler.next_phase", "EncointerScheduler.push_by_one_day"


class SchedulingRuntime(SmallRuntime):
    encointer_scheduler = use(60, EncointerScheduler)


def scheduled(begin: int | None = NOW) -> Chain:
    """Ceremony 1; the first block at Unix time `begin` (ms)."""
    chain = Chain(SchedulingRuntime())
    scheduler = chain.runtime.pallet(EncointerScheduler)
    scheduler.current_ceremony_index.put(1)
    scheduler.ceremony_master.put(ALICE)
    for phase, duration in PHASE_DURATIONS.items():
        scheduler.phase_durations.put(phase, duration)
    if begin is not None:
        pass_time(chain, begin)
    return chain


def pass_time(chain: Chain, now: int) -> None:
    """A block at Unix time `now` (ms)."""
    chain.runtime.events.clear()
    chain.runtime.timestamp.now.put(now)
    chain.runtime.pallet(EncointerScheduler).on_timestamp_set(now)


def state(chain: Chain) -> tuple[int, CeremonyPhase, float]:
    """Ceremony, phase, and hours from midnight to the next phase."""
    scheduler = chain.runtime.pallet(EncointerScheduler)
    hours = (scheduler.next_phase_timestamp.get() - MIDNIGHT) / HOUR
    return scheduler.current_ceremony_index.get(), scheduler.current_phase.get(), hours


@pytest.mark.parametrize(
    ("hour", "next_hour"),
    [(0, 16), (15.9, 16), (16, 16), (16.1, 16 + 72), (23.9, 16 + 72)],
)
def test_the_clock_is_set_with_the_first_block(hour: float, next_hour: float) -> None:
    assert state(scheduled(MIDNIGHT + int(hour * HOUR))) == (1, REGISTERING, next_hour)


@pytest.mark.parametrize(
    ("hour", "expected"),
    [
        (16, (1, REGISTERING, 16)),
        (16.01, (1, ASSIGNING, 24)),
        (20, (1, ASSIGNING, 24)),
    ],
)
def test_a_phase_ends_after_its_time(hour: float, expected: tuple[int, CeremonyPhase, float]) -> None:
    chain = scheduled(MIDNIGHT)
    pass_time(chain, MIDNIGHT + int(hour * HOUR))
    assert state(chain) == expected


def test_a_ceremony_by_the_clock() -> None:
    chain = scheduled(MIDNIGHT)
    seen = []
    for hour in range(150):
        pass_time(chain, MIDNIGHT + hour * HOUR)
        seen.append(state(chain))
    assert list(dict.fromkeys(seen)) == [
        (1, REGISTERING, 16),
        (1, ASSIGNING, 24),
        (1, ATTESTING, 72),
        (2, REGISTERING, 88),
        (2, ASSIGNING, 96),
        (2, ATTESTING, 144),
        (3, REGISTERING, 160),
    ]


def test_an_event_tells_of_the_phase() -> None:
    chain = scheduled(MIDNIGHT)
    pass_time(chain, MIDNIGHT + 17 * HOUR)
    assert chain.events() == [("EncointerScheduler.PhaseChangedTo", ASSIGNING)]
    pass_time(chain, MIDNIGHT + 18 * HOUR)
    assert chain.events() == []


def test_the_master_cuts_phases_short_without_losing_the_rhythm() -> None:
    chain = scheduled(MIDNIGHT)
    assert chain.submit(ALICE, NEXT) == [("EncointerScheduler.PhaseChangedTo", ASSIGNING)]
    assert state(chain) == (1, ASSIGNING, 24)
    chain.submit(ALICE, NEXT)
    assert state(chain) == (1, ATTESTING, 0)  # 72 h from midnight on is a whole cycle
    chain.submit(ALICE, NEXT)
    assert state(chain) == (2, REGISTERING, 16)


def test_the_master_grants_a_day() -> None:
    chain = scheduled(MIDNIGHT)
    assert chain.submit(ALICE, PUSH) == [("EncointerScheduler.CeremonySchedulePushedByOneDay",)]
    assert state(chain) == (1, REGISTERING, 16 + 24)


@pytest.mark.parametrize("call", [NEXT, PUSH])
@pytest.mark.parametrize(
    ("who", "code"), [(BOB, "encointer_scheduler.only_ceremony_master"), (ROOT, "dispatch.bad_origin")]
)
def test_nobody_else_does(call: str, who: object, code: str) -> None:
    assert scheduled().refusal(who, call) == code  # type: ignore[arg-type]


@settings(max_examples=30, deadline=None)
@given(steps=st.lists(st.integers(0, 200 * HOUR) | st.none(), max_size=12), begin=st.integers(0, DAY))
def test_the_next_phase_is_never_far(steps: list[int | None], begin: int) -> None:
    """Time passes, or (None) the master goes on: the end of the phase is ahead, by one cycle at most."""
    chain, now = scheduled(MIDNIGHT + begin), MIDNIGHT + begin
    for step in steps:
        if step is None:
            chain.submit(ALICE, NEXT)
        else:
            now += step
            pass_time(chain, now)
        assert now <= chain.runtime.pallet(EncointerScheduler).next_phase_timestamp.get() <= now + CYCLE


def test_without_durations_every_block_is_another_phase() -> None:
    """What a chain specification without them makes of it: no division by zero."""
    chain = Chain(SchedulingRuntime())
    for now in (NOW, NOW + DAY, NOW + 2 * DAY):
        pass_time(chain, now)
    assert state(chain)[0] <= 1

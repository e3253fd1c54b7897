"""Which node is asked next: order, pauses, demotion, recovery, in virtual time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.worker.endpoints import (
    DEMOTION,
    FIRST_PAUSE,
    JITTER,
    MAX_BEHIND,
    MAX_PAUSE,
    RELAY_FAULTS,
    Endpoints,
    Fault,
    fault_of,
    pause,
    shown,
)

A, B, C = "ws://a:1", "ws://b:2", "ws://c:3"
NEVER_DEMOTED = [fault for fault in Fault if not DEMOTION[fault]]
DEMOTED = [fault for fault in Fault if DEMOTION[fault]]


@pytest.mark.parametrize(
    "failures, roll, seconds",
    [
        (1, 0.0, FIRST_PAUSE),
        (2, 0.0, 2 * FIRST_PAUSE),
        (3, 0.0, 4 * FIRST_PAUSE),
        (6, 0.0, MAX_PAUSE),
        (10_000, 0.0, MAX_PAUSE),
        (1, 0.5, FIRST_PAUSE * (1 - JITTER / 2)),
        (99, 0.5, MAX_PAUSE * (1 - JITTER / 2)),
    ],
)
def test_pauses_double_up_to_a_limit(failures: int, roll: float, seconds: float) -> None:
    assert pause(failures, roll) == seconds


def test_a_chain_needs_an_endpoint() -> None:
    with pytest.raises(ValueError, match="endpoint"):
        Endpoints([])


Event = tuple[float, str, Fault]
"""When which endpoint fails how."""

TABLE: dict[str, tuple[list[Event], float, tuple[str, float]]] = {
    "the first, to begin with": ([], 0, (A, 0)),
    "the second, when the first is not there": ([(0, A, Fault.UNREACHABLE)], 0, (B, 0)),
    "the third, when two are not there": ([(0, A, Fault.UNREACHABLE), (0.1, B, Fault.UNREACHABLE)], 0.2, (C, 0)),
    "the first again, after its pause": ([(0, A, Fault.UNREACHABLE)], FIRST_PAUSE, (A, 0)),
    "all down: the one that rests least": (
        [(0, A, Fault.UNREACHABLE), (0.1, B, Fault.UNREACHABLE), (0.2, C, Fault.UNREACHABLE)],
        0.3,
        (A, FIRST_PAUSE - 0.3),
    ),
    "a liar is not asked after its pause": ([(0, A, Fault.LIED)], 100, (B, 0)),
    "a liar is asked after its demotion": ([(0, A, Fault.LIED)], DEMOTION[Fault.LIED], (A, 0)),
    "a liar is asked when nobody else is there": (
        [(0, A, Fault.LIED), (5, B, Fault.UNREACHABLE), (5, C, Fault.UNREACHABLE)],
        5,
        (A, 0),
    ),
    "all lied: in the operator's order": (
        [(0, C, Fault.LIED), (1, B, Fault.LIED), (2, A, Fault.WRONG_CHAIN)],
        50,
        (A, 0),
    ),
    "a lesser fault does not shorten a demotion": (
        [(0, A, Fault.LIED), (1, A, Fault.UNREACHABLE), (2, A, Fault.SLOW)],
        100,
        (B, 0),
    ),
    "the slow one is asked sooner than the liar": (
        [(0, A, Fault.LIED), (0, B, Fault.SLOW), (0, C, Fault.LIED)],
        DEMOTION[Fault.SLOW],
        (B, 0),
    ),
}


@pytest.mark.parametrize("case", TABLE)
def test_who_is_asked_next(case: str) -> None:
    events, now, expected = TABLE[case]
    endpoints = Endpoints([A, B, C])
    for at, url, fault in events:
        endpoints.failed(url, fault, at, roll=0.0)
    assert endpoints.choose(now) == expected


@pytest.mark.parametrize("fault", Fault)
def test_a_single_endpoint_is_never_given_up(fault: Fault) -> None:
    endpoints, now = Endpoints([A]), 0.0
    for _ in range(20):
        url, wait = endpoints.choose(now)
        assert url == A and wait <= MAX_PAUSE
        now += wait
        endpoints.failed(A, fault, now, roll=0.0)


def test_who_served_begins_anew() -> None:
    endpoints = Endpoints([A])
    for _ in range(5):
        endpoints.failed(A, Fault.UNREACHABLE, 0, roll=0.0)
    endpoints.served(A)
    endpoints.failed(A, Fault.UNREACHABLE, 100, roll=0.0)
    assert endpoints.choose(100) == (A, FIRST_PAUSE)


def test_switches_are_counted() -> None:
    endpoints, seen = Endpoints([A, B]), []
    for now, fault in enumerate([Fault.LIED, Fault.UNREACHABLE, Fault.SLOW]):
        url, _ = endpoints.choose(now * 20)
        endpoints.failed(url, fault, now * 20, roll=0.0)
        seen.append((url, endpoints.switches))
    assert seen == [(A, 0), (B, 1), (B, 1)]


@pytest.mark.parametrize("fault", DEMOTED)
def test_others_are_those_in_good_standing(fault: Fault) -> None:
    endpoints = Endpoints([A, B, C])
    endpoints.choose(0)
    endpoints.failed(B, fault, 0, roll=0.0)
    assert endpoints.others(20) == [C]
    assert endpoints.others(DEMOTION[fault]) == [B, C]


@pytest.mark.parametrize("fault", NEVER_DEMOTED)
def test_who_only_was_not_there_is_in_good_standing_after_its_pause(fault: Fault) -> None:
    endpoints = Endpoints([A, B])
    endpoints.choose(0)
    endpoints.failed(B, fault, 0, roll=0.0)
    assert (endpoints.others(0), endpoints.others(FIRST_PAUSE)) == ([], [B])


@pytest.mark.parametrize(
    "own, other, verified, is_behind",
    [
        (100, None, 0, False),
        (100, None, 100 + MAX_BEHIND, False),
        (100, None, 101 + MAX_BEHIND, True),
        (100, 100 + MAX_BEHIND, 0, False),
        (100, 101 + MAX_BEHIND, 0, True),
        (None, 500, 500, False),
    ],
)
def test_behind(own: int | None, other: int | None, verified: int, is_behind: bool) -> None:
    endpoints = Endpoints([A, B])
    for url, head in ((A, own), (B, other)):
        if head is not None:
            endpoints.claims(url, head)
    assert endpoints.is_behind(A, verified) is is_behind


@pytest.mark.parametrize("fault", Fault)
def test_who_failed_has_claimed_nothing(fault: Fault) -> None:
    """Else a node that claims a head nobody can reach makes all others look behind."""
    endpoints = Endpoints([A, B])
    endpoints.claims(A, 10)
    endpoints.claims(B, 10**9)
    assert endpoints.is_behind(A, 10)
    endpoints.failed(B, fault, 0, roll=0.0)
    assert not endpoints.is_behind(A, 10)


@given(
    st.lists(st.tuples(st.sampled_from([A, B, C]), st.sampled_from(Fault), st.floats(0, 0.999), st.floats(0, 100)))
)
def test_the_wait_is_never_long(events: list[tuple[str, Fault, float, float]]) -> None:
    endpoints, now = Endpoints([A, B, C]), 0.0
    for url, fault, roll, seconds in events:
        endpoints.failed(url, fault, now, roll)
        now += seconds
        chosen, wait = endpoints.choose(now)
        assert chosen in (A, B, C) and 0 <= wait <= MAX_PAUSE


@pytest.mark.parametrize(
    "code, fault",
    [
        ("parentchain.bad_vote_signature", Fault.LIED),
        ("parentchain.parent_mismatch", Fault.LIED),
        ("parentchain.extrinsics_root_mismatch", Fault.LIED),
        ("parentchain.state_not_proven", Fault.LIED),
        ("parentchain.authorities_not_proven", Fault.LIED),
        ("parentchain.wrong_para_head", Fault.LIED),
        ("parentchain.foreign_checkpoint", Fault.WRONG_CHAIN),
        ("parentchain.finality_downgrade", Fault.REFUSED),
        ("parentchain.forced_change", Fault.REFUSED),
        ("parentchain.missing_justification", Fault.INCOMPLETE),
        ("parentchain.already_finalized", Fault.REFUSED),
        ("parentchain.warped_too_far", Fault.REFUSED),
        *((code, Fault.REFUSED) for code in RELAY_FAULTS),
        ("parentchain.wrong_para_head", Fault.LIED),
        ("enclave.foreign_genesis", Fault.WRONG_CHAIN),
        ("enclave.metadata_changed", Fault.LIED),
        ("enclave.inbox_full", Fault.REFUSED),
        ("enclave.not_ready", Fault.REFUSED),
        ("boundary.internal", Fault.REFUSED),
    ],
)
def test_what_a_refusal_says_about_who_gave_the_evidence(code: str, fault: Fault) -> None:
    assert fault_of(code) is fault


@pytest.mark.parametrize(
    "url, text",
    [
        ("ws://127.0.0.1:9944", "ws://127.0.0.1:9944"),
        ("wss://user:secret@node.example:443/key/abc?token=1#x", "wss://node.example:443"),
        ("wss://node.example", "wss://node.example"),
        ("ws://[::1]:9944/", "ws://[::1]:9944"),
    ],
)
def test_shown_urls_have_no_secrets(url: str, text: str) -> None:
    assert shown(url) == text

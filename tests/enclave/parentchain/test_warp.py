"""Leaps from one authority set to the next, without the headers between."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from integritee.boundary.messages import MAX_LEAPS, Leap
from integritee.enclave.parentchain import errors as e
from integritee.primitives.grandpa import ForcedChange
from integritee.primitives.header import DigestItem, Header

from .grandpa_chain import NEW, OLD, Voters, authorities, change_to, extend, justified, log, started, voters

SETS = [OLD, NEW, voters("third", 3), OLD]


def chain_of(changes: dict[int, tuple[Voters, int]], length: int = 40) -> list[Header]:
    """By the number of the announcing block: who comes, after how many blocks more."""
    logs: dict[int, list[DigestItem]] = {number: [change_to(*change)] for number, change in changes.items()}
    return extend(started().head, length, logs)


CHAIN = chain_of({5: (SETS[1], 0), 14: (SETS[2], 3), 30: (SETS[3], 0)})


def leap(first: int, last: int, pairs: Voters, set_id: int) -> Leap:
    return Leap(CHAIN[first - 1 : last], justified(CHAIN[last - 1], pairs, set_id=set_id))


LEAPS = [leap(5, 5, SETS[0], 0), leap(14, 17, SETS[1], 1), leap(30, 30, SETS[2], 2)]


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_a_warp_knows_what_a_walk_knows(count: int) -> None:
    """Head, set and set id are as if every header had been imported; and the client goes on from there."""
    warped, walked = started(), started()
    head = warped.warp(LEAPS[:count])
    for ends, pairs, set_id in list(zip(pairwise([0, 5, 17, 30]), SETS, range(3), strict=False))[:count]:
        part = CHAIN[ends[0] : ends[1]]
        walked.import_chain(part, justified(part[-1], pairs, set_id=set_id))
    assert warped.state == walked.state
    assert (head, warped.head_hash) == (walked.head, walked.head_hash)
    tip = CHAIN[head.number]
    assert warped.import_chain([tip], justified(tip, SETS[count], set_id=count)) == [tip]


def test_earlier_headers_than_needed_do_no_harm() -> None:
    client = started()
    client.warp([LEAPS[0], leap(12, 17, SETS[1], 1)])
    assert client.state.set_id == 2


def test_a_warp_from_amid_a_set() -> None:
    client = started()
    client.import_chain(CHAIN[:3], justified(CHAIN[2], OLD))
    client.warp(LEAPS)
    assert (client.head.number, client.state.set_id) == (30, 3)


def forced() -> Leap:
    headers = extend(CHAIN[4], 1, {6: [log(ForcedChange(0, authorities(NEW), 0))]})
    return Leap(headers, justified(headers[0], NEW, set_id=1))


def torn() -> Leap:
    """The announcement and the last header are real, one between them is not there."""
    return Leap([*CHAIN[13:15], CHAIN[16]], justified(CHAIN[16], SETS[1], set_id=1))


def spliced() -> Leap:
    """Somebody else's announcement before the last header."""
    false = extend(CHAIN[12], 1, {14: [change_to(voters("stranger", 4), 3)]})
    return Leap([*false, *CHAIN[14:17]], justified(CHAIN[16], SETS[1], set_id=1))


@pytest.mark.parametrize(
    ("leaps", "error"),
    [
        (lambda: [leap(6, 6, OLD, 0)], e.NotSetChange),
        (lambda: [LEAPS[0], leap(14, 16, SETS[1], 1)], e.NotSetChange),
        (lambda: [LEAPS[0], leap(14, 18, SETS[1], 1)], e.NotSetChange),
        (lambda: [LEAPS[0], leap(15, 17, SETS[1], 1)], e.NotSetChange),
        (lambda: LEAPS[1:], e.UnknownVoter),
        (lambda: [LEAPS[0], LEAPS[2]], e.UnknownVoter),
        (lambda: [LEAPS[0], leap(14, 17, SETS[1], 0)], e.BadVoteSignature),
        (lambda: [LEAPS[0], leap(14, 17, SETS[1][:3], 1)], e.InsufficientWeight),
        (lambda: [LEAPS[0], Leap(CHAIN[13:17], LEAPS[2].justification)], e.WrongTarget),
        (lambda: [LEAPS[0], LEAPS[0]], e.AlreadyFinalized),
        (lambda: [Leap([], LEAPS[0].justification)], e.EmptyChain),
        (lambda: [LEAPS[0], torn()], e.NotConsecutive),
        (lambda: [LEAPS[0], spliced()], e.ParentMismatch),
        (lambda: [LEAPS[0], forced()], e.ForcedSetChange),
        (lambda: LEAPS[:1] * (MAX_LEAPS + 1), e.TooManyLeaps),
    ],
    ids=[
        "no announcement",
        "stops too early",
        "goes too far",
        "conceals the announcement",
        "skips the first set",
        "skips a set",
        "votes for another set id",
        "too few votes",
        "another block's votes",
        "the same again",
        "no headers",
        "a header is missing",
        "another announcement",
        "forced change",
        "too many",
    ],
)
def test_refused(leaps: Callable[[], list[Leap]], error: type[e.LightClientError]) -> None:
    client = started()
    before = client.state
    with pytest.raises(e.LightClientError) as caught:
        client.warp(leaps())
    assert type(caught.value) is error
    assert client.state is before
    client.warp(LEAPS)
    assert client.state.set_id == 3


def test_no_leap_over_a_pending_change() -> None:
    client = started()
    client.warp(LEAPS[:1])
    client.import_chain(CHAIN[5:15], justified(CHAIN[14], SETS[1], set_id=1))
    with pytest.raises(e.OverlappingSetChange):
        client.warp(LEAPS[2:])
    assert client.head == CHAIN[14]


@pytest.mark.parametrize("first", [14, 16], ids=["at the announcement", "behind it"])
def test_a_leap_may_begin_before_the_head(first: int) -> None:
    """Who announced the change is known already, or is said again."""
    client = started()
    client.warp(LEAPS[:1])
    client.import_chain(CHAIN[5:15], justified(CHAIN[14], SETS[1], set_id=1))
    client.warp([leap(first, 17, SETS[1], 1)])
    assert (client.head, client.state.set_id, client.state.pending) == (CHAIN[16], 2, None)


def test_a_leap_must_not_contradict_what_is_known() -> None:
    client = started()
    client.warp(LEAPS[:1])
    client.import_chain(CHAIN[5:15], justified(CHAIN[14], SETS[1], set_id=1))
    false = extend(CHAIN[12], 4, {14: [change_to(voters("stranger", 4), 3)]})
    with pytest.raises(e.OverlappingSetChange):
        client.warp([Leap(false, justified(false[-1], SETS[1], set_id=1))])
    assert client.head == CHAIN[14]


# --- skipping to a later block of one set


def skip(number: int, pairs: Voters = OLD, set_id: int = 0) -> tuple[Header, bytes]:
    return CHAIN[number - 1], justified(CHAIN[number - 1], pairs, set_id=set_id)


def test_skips_and_leaps_take_turns() -> None:
    client = started()
    client.skip_to(*skip(3))
    client.warp(LEAPS[:1])
    client.skip_to(*skip(13, SETS[1], 1))
    client.warp(LEAPS[1:2])
    assert client.skip_to(CHAIN[16], None) == CHAIN[16]  # the head needs no proof
    client.skip_to(*skip(30, SETS[2], 2))  # the last block of its set
    assert (client.head, client.state.set_id) == (CHAIN[29], 3)
    assert client.import_chain(CHAIN[30:31], justified(CHAIN[30], OLD, set_id=3)) == CHAIN[30:31]


def test_a_skip_over_an_announcement_is_mended_by_a_leap() -> None:
    client = started()
    client.warp(LEAPS[:1])
    client.skip_to(*skip(15, SETS[1], 1))
    assert client.state.pending is None
    client.warp(LEAPS[1:])
    assert client.state.set_id == 3


@pytest.mark.parametrize(
    ("before", "target", "error"),
    [
        (5, skip(6), e.UnknownVoter),
        (4, skip(6, SETS[1], 1), e.UnknownVoter),
        (4, (CHAIN[4], None), e.MissingJustification),
        (4, (CHAIN[4], skip(4)[1]), e.WrongTarget),
        (4, skip(5, OLD[:2]), e.InsufficientWeight),
        (4, skip(3), e.AlreadyFinalized),
        (4, (extend(CHAIN[2], 1, salt=b"fork")[0], skip(4)[1]), e.AlreadyFinalized),
    ],
    ids=[
        "beyond a change, by the old set",
        "beyond a change, by the new set",
        "unjustified",
        "with another block's votes",
        "with too few votes",
        "backwards",
        "to a fork of the head",
    ],
)
def test_refused_skips(before: int, target: tuple[Header, bytes | None], error: type[e.LightClientError]) -> None:
    client = started()
    client.skip_to(*skip(before))
    state = client.state
    with pytest.raises(error):
        client.skip_to(*target)
    assert client.state is state


def test_no_skip_over_a_pending_change() -> None:
    client = started()
    client.warp(LEAPS[:1])
    client.import_chain(CHAIN[5:15], justified(CHAIN[14], SETS[1], set_id=1))
    with pytest.raises(e.CrossesSetChange) as caught:
        client.skip_to(*skip(18, SETS[1], 1))
    assert vars(caught.value) == {"at": 17, "tip": 18}
    client.skip_to(*skip(17, SETS[1], 1))
    assert client.state.set_id == 2

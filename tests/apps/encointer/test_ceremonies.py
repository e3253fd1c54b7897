"""Ceremonies in the ledger: from registering to the reward, and everything that can go wrong on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from integritee.apps.encointer import ceremonies as rules
from integritee.apps.encointer.claims import attest, prove_attendance
from integritee.apps.encointer.fixed_point import I32F32, I64F64, ONE
from integritee.apps.encointer.meetups import meetup_time
from integritee.apps.encointer.types import BalanceEntry, Location, Reputation

from ...stf.kit import code
from .kit import ASSIGNING, ATTESTING, GRID, MASTER, REGISTERING, START, Community, account, founders

NEWBIE = account(50)
STRANGER = account(51)


def gathered(count: int = 4, **options: Any) -> Community:
    """A community whose bootstrappers are about to attest each other."""
    community = Community(founders(count), **options)
    for pair in community.bootstrappers:
        assert code(community.register(pair)) is None
    community.enter(ASSIGNING)
    community.enter(ATTESTING)
    return community


# -- one ceremony


def test_the_first_two_ceremonies() -> None:
    """The worked example of generation 1: ten bootstrappers, then two newbies."""
    community = Community(founders(10), GRID)
    ten = community.bootstrappers
    assert [code(community.register(pair)) for pair in ten] == [None] * 10
    assert [community.ask("participant_index", pair) for pair in ten] == list(range(1, 11))
    assert community.told("participant_count", community.cid) is None  # a secret while accounts register
    community.meet(ten)
    assert community.supply == 10 * ONE
    assert [community.ask("reputation", pair, 1) for pair in ten] == [Reputation.VerifiedUnlinked] * 10

    newbies = [account(10), account(11)]
    assert [code(community.register(pair, community.proof(pair))) for pair in ten] == [None] * 10
    assert {code(community.register(pair, community.proof(pair))) for pair in newbies} == {
        "encointer.attendance_unverified"
    }
    assert [code(community.register(pair)) for pair in newbies] == [None] * 2
    assert [community.ask("participant_index", pair) for pair in newbies] == [11, 12]
    assert community.ask("reputation", ten[0], 1) is Reputation.VerifiedLinked
    assert community.ask("reputation", ten[0], 2) is Reputation.UnverifiedReputable
    community.enter(ASSIGNING)
    assert community.told("participant_count", community.cid) == 12
    assert community.told("meetup_count", community.cid) == 2
    assert [len(community.ask("meetup_registry", pair)) for pair in (ten[0], ten[1], *newbies)] == [6] * 4
    community.phase, community.index = REGISTERING, 2
    community.meet([*ten, *newbies])
    assert community.supply == 22 * ONE
    community.bench.check()


def test_what_a_participant_learns() -> None:
    community = gathered(3)
    alice = community.bootstrappers[0]
    meetup = community.ask("meetup", alice)
    assert (meetup.index, meetup.location) == (1, GRID[0])
    assert meetup.time == meetup_time(GRID[0], START)
    assert meetup.participants == [pair.public for pair in community.bootstrappers]
    assert community.ask("meetup", STRANGER) is None
    community.enter(REGISTERING)
    assert community.ask("meetup", alice) is None
    assert community.ask("participant_index", alice) == 0


def test_a_reward_is_stamped_with_the_block_before_the_phase() -> None:
    community = gathered(3)
    community.phase, community.index = ATTESTING, 1
    members = community.bootstrappers
    for pair in members:
        community.submit(pair, community.attested(pair, members, 3))
    community.enter(REGISTERING)
    expected = BalanceEntry(I64F64(ONE), community.number - 1)
    assert [community.ask("balance", pair) for pair in members] == [expected] * 3
    assert community.told("total_issuance", community.cid) == BalanceEntry(I64F64(3 * ONE), community.number - 1)


def test_nobody_is_paid_twice() -> None:
    community = gathered(3)
    for pair in community.bootstrappers:
        community.submit(pair, community.attested(pair, community.bootstrappers, 3))
    community.enter(REGISTERING)
    community.enter(ASSIGNING)
    community.enter(ATTESTING)
    community.enter(REGISTERING)
    assert community.supply == 3 * ONE


# -- phases that pass


def test_phases_in_one_block_are_gone_through_in_order() -> None:
    community = Community(founders(3))
    for pair in community.bootstrappers:
        community.register(pair)
    community.enter(ATTESTING)  # that of assigning began in the same block
    assert [community.ask("meetup_index", pair) for pair in community.bootstrappers] == [1] * 3


@pytest.mark.parametrize("index", [0, 1, 2, 9, 1_000_000])
def test_a_schedule_may_jump(index: int) -> None:
    community = gathered(3)
    community.enter(REGISTERING, index=index)
    assert community.told("scheduler_state").ceremony_index == index
    expected = "encointer.already_registered" if index == 1 else None  # as they were, if it is as it was
    assert code(community.register(community.bootstrappers[0])) == expected
    assert code(community.bench.run(MASTER, "encointer.grant_reputation", community.cid, NEWBIE.public)) is None


@pytest.mark.parametrize(
    ("phase", "act"),
    [
        (ASSIGNING, lambda c: c.register(NEWBIE)),
        (ATTESTING, lambda c: c.register(NEWBIE)),
        (REGISTERING, lambda c: c.submit(NEWBIE, [])),
        (ASSIGNING, lambda c: c.submit(NEWBIE, [])),
    ],
)
def test_everything_has_its_phase(phase: Any, act: Callable[[Community], Any]) -> None:
    community = Community()
    if phase is not REGISTERING:
        community.enter(phase)
    assert code(act(community)) == "encointer.wrong_phase"


# -- registering


def experienced() -> Community:
    """Ceremony 2, with what three earned in the first one."""
    community = gathered(3)
    for pair in community.bootstrappers:
        community.submit(pair, community.attested(pair, community.bootstrappers, 3))
    community.enter(REGISTERING)
    return community


def first(community: Community) -> Any:
    return community.bootstrappers[0]


@pytest.mark.parametrize(
    ("proof", "expected"),
    [
        (lambda c: c.proof(first(c)), None),
        (lambda c: prove_attendance(first(c), 1, c.cid, STRANGER.public), "encointer.prover_mismatch"),
        (lambda c: c.proof(first(c), 2), "encointer.proof_acausal"),
        (lambda c: c.proof(first(c), 0), "encointer.proof_outdated"),
        (lambda c: replace(c.proof(first(c)), currency_identifier=bytes(32)), "encointer.attendance_unverified"),
        (lambda c: replace(c.proof(first(c)), attendee=STRANGER.public), "encointer.attendance_unverified"),
        (
            lambda c: replace(prove_attendance(STRANGER, 1, c.cid, first(c).public), attendee=first(c).public),
            "encointer.bad_proof_signature",
        ),
    ],
)
def test_proofs_of_attendance(proof: Callable[[Community], Any], expected: str | None) -> None:
    community = experienced()
    assert code(community.register(first(community), proof(community))) == expected


def test_attendance_is_good_for_one_registration() -> None:
    community = experienced()
    attendee = first(community)
    lent = prove_attendance(attendee, 1, community.cid, STRANGER.public)
    assert code(community.register(STRANGER, lent)) is None
    assert code(community.register(attendee, community.proof(attendee))) == "encointer.attendance_used"
    assert code(community.register(attendee)) is None  # bootstrappers stay what they are


def test_attendance_of_the_ceremony_before_the_last_is_forgotten() -> None:
    community = experienced()
    community.enter(ASSIGNING)
    community.enter(ATTESTING)
    community.enter(REGISTERING)
    attendee = first(community)
    assert community.ask("reputation", attendee, 1) is Reputation.Unverified
    assert code(community.register(attendee, community.proof(attendee, 1))) == "encointer.proof_outdated"


def test_nobody_registers_twice() -> None:
    community = Community()
    community.register(NEWBIE)
    assert code(community.register(NEWBIE)) == "encointer.already_registered"


def test_communities_that_nobody_knows() -> None:
    community = Community()
    community.cid = bytes(32)
    assert code(community.register(NEWBIE)) == "encointer.unknown_community"


def test_a_flood_of_newbies_does_not_keep_out_the_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MAX_NEWBIES", 2)
    community = experienced()
    assert [code(community.register(account(number))) for number in (60, 61)] == [None, None]
    assert code(community.register(account(62))) == "encointer.too_many_newbies"
    lent = prove_attendance(first(community), 1, community.cid, STRANGER.public)
    assert code(community.register(STRANGER, lent)) is None
    assert code(community.register(community.bootstrappers[1])) is None


# -- meeting


@pytest.mark.parametrize(
    ("votes", "rewarded"),
    [
        ([4, 4, 4, 4], 4),
        ([4, 4, 4, 0], 3),  # what counts is that they agree
        ([3, 3, 3, 0], 3),
        ([3, 3, 3, 4], 3),
        ([3, 3, 4, 4], 0),
        ([3, 3, 0, 0], 0),
    ],
)
def test_votes(votes: list[int], rewarded: int) -> None:
    community = gathered(4)
    present = [pair for pair, vote in zip(community.bootstrappers, votes, strict=True) if vote]
    for pair, vote in zip(community.bootstrappers, votes, strict=True):
        if vote:
            assert code(community.submit(pair, community.attested(pair, present, vote))) is None
    community.enter(REGISTERING)
    assert community.supply == rewarded * ONE


def test_one_missing_attestation_costs_both() -> None:
    community = gathered(4)
    alice, bob, *_ = members = community.bootstrappers
    for pair in members:
        others = [other for other in members if (pair, other) != (bob, alice)]
        community.submit(pair, community.attested(pair, others, 4))
    community.enter(REGISTERING)
    assert [community.ask("balance", pair).principal.bits for pair in members] == [0, 0, ONE, ONE]
    assert community.ask("reputation", bob, 1) is Reputation.Unverified


def test_the_last_submission_counts() -> None:
    community = gathered(3)
    alice, *others = community.bootstrappers
    community.submit(alice, community.attested(alice, others[:1], 2))
    community.submit(alice, community.attested(alice, others, 3))
    assert community.ask("attestations", alice) == [others[1].public, others[0].public]


FAR = replace(GRID[0], lat=I32F32(GRID[0].lat.bits + (1 << 26)))
"""1,737 m north."""

NEAR = replace(GRID[0], lat=I32F32(GRID[0].lat.bits + (1 << 25)))
"""868 m north."""

NOWHERE = Location(I32F32(91 << 32), I32F32(0))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"location": NEAR}, None),
        ({"location": FAR}, "2 for another place"),
        ({"location": NOWHERE}, "2 for a place that is not on Earth"),
        ({"timestamp": meetup_time(GRID[0], START) + 600_000}, None),
        ({"timestamp": meetup_time(GRID[0], START) - 600_001}, "2 for another time"),
        ({"ceremony_index": 2}, "2 for another ceremony"),
        ({"meetup_index": 2}, "2 for another meetup"),
        ({"claimant": STRANGER.public}, "2 for a claim of another account"),
    ],
)
def test_claims(changes: dict[str, Any], reason: str | None) -> None:
    community = gathered(3)
    alice = first(community)
    outcome = community.submit(alice, community.attested(alice, community.bootstrappers, 3, **changes))
    assert code(outcome) == (reason and "encointer.no_valid_attestations")
    assert reason is None or outcome.error.reasons == reason  # type: ignore[union-attr]


def test_who_may_attest() -> None:
    community = gathered(4)
    alice, bob, charlie, dave = community.bootstrappers
    claim = community.claim(alice, 4)
    forged = replace(attest(claim, bob), public=charlie.public)
    outcome = community.submit(alice, [attest(claim, alice), attest(claim, STRANGER), forged])
    assert outcome.error is not None
    assert outcome.error.data()["reasons"] == (
        "1 with a bad signature, 2 not of another participant, or of one counted before"
    )
    assert code(community.submit(alice, [forged])) == "encointer.bad_attestation_signature"
    assert code(community.submit(alice, [attest(claim, bob), attest(claim, bob), attest(claim, dave)])) is None
    assert community.ask("attestations", alice) == [dave.public, bob.public]  # nobody counts twice


@pytest.mark.parametrize(
    ("submit", "expected"),
    [
        (lambda c: c.submit(first(c), []), "encointer.no_attestations"),
        (lambda c: c.submit(first(c), c.attested(first(c), founders(4), 3)), "encointer.too_many_attestations"),
        (lambda c: c.submit(STRANGER, c.attested(first(c), founders(3), 3)), "encointer.not_in_meetup"),
        (
            lambda c: c.submit(first(c), c.attested(first(c), founders(3), 3, currency_identifier=bytes(32))),
            "encointer.unknown_community",
        ),
    ],
)
def test_what_is_no_submission(submit: Callable[[Community], Any], expected: str) -> None:
    community = gathered(3)
    before = community.bench.changes()
    assert code(submit(community)) == expected
    assert community.bench.changes() == before  # no trace, not even a nonce


def test_a_meetup_without_location_cannot_attend() -> None:
    community = gathered(12, locations=GRID[:1])
    members = community.bootstrappers
    without = [pair for pair in members if community.ask("meetup_index", pair) == 2]
    assert len(without) == 6
    meetup = community.ask("meetup", without[0])
    assert (meetup.location, meetup.time) == (None, None)
    attestations = community.attested(without[0], without, 6, location=GRID[0], timestamp=START)
    assert code(community.submit(without[0], attestations)) == "encointer.meetup_without_location"


def test_a_meetup_without_time_cannot_be_attested() -> None:
    from integritee.apps.encointer.parentchain import ATTESTING_DURATION

    community = gathered(3)
    alice = first(community)
    attestations = community.attested(alice, community.bootstrappers, 3)
    community.storage[ATTESTING_DURATION] = None
    community.block()
    assert code(community.submit(alice, attestations)) == "encointer.meetup_without_time"


# -- those in charge


def test_the_ceremony_master_grants_reputation() -> None:
    community = Community()
    grant = "encointer.grant_reputation"
    assert code(community.bench.run(STRANGER, grant, community.cid, NEWBIE.public)) == "encointer.not_ceremony_master"
    community.enter(REGISTERING)
    assert code(community.bench.run(MASTER, grant, community.cid, NEWBIE.public)) is None
    assert code(community.register(NEWBIE, community.proof(NEWBIE))) is None


def test_bootstrappers_say_where_meta_data_is() -> None:
    community = Community()
    describe, where = "encointer.set_community_metadata", b"QmQphBM9bVFNAM1S4PKPsKb8Lc8QDAMmYqPHEBmFMNYuyj"
    assert code(community.bench.run(STRANGER, describe, community.cid, where)) == "encointer.not_bootstrapper"
    assert community.told("community_metadata", community.cid) is None
    assert code(community.bench.run(first(community), describe, community.cid, where)) is None
    assert community.told("community_metadata", community.cid) == where

"""Named attackers on the light client: each gets a named error, and the client stays where it was."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from integritee.enclave.parentchain import errors as e
from integritee.enclave.parentchain.justification import MAX_JUSTIFICATION_BYTES
from integritee.enclave.parentchain.light_client import LightClient
from integritee.enclave.selftest.damage import flipped
from integritee.primitives.grandpa import GrandpaJustification, Precommit, SignedPrecommit, precommit_payload
from integritee.primitives.header import Header
from integritee.scale import DecodeError, decode, encode

from .grandpa_chain import NEW, OLD, authorities, change_to, extend, justification, justified, started, vote, voters

HEAD = started().head
CHAIN = extend(HEAD, 6)
FORK = extend(CHAIN[1], 4, salt=b"fork")
TIP = CHAIN[-1]
BEYOND = extend(TIP, 3)
STRANGERS = voters("stranger", 4)

Batch = tuple[list[Header], bytes | None]


def votes_by(indices: list[int], target: Header = TIP) -> list[SignedPrecommit]:
    return [vote(OLD[i], target) for i in indices]


def without(number: int) -> list[Header]:
    return [header for header in CHAIN if header.number != number]


def swapped() -> list[Header]:
    return [CHAIN[0], CHAIN[2], CHAIN[1], *CHAIN[3:]]


def relabelled() -> list[Header]:
    """A header moved to another height: the number is in the hash, so its parent link is what breaks."""
    return [*CHAIN[:2], replace(CHAIN[1], number=3), *CHAIN[3:]]


def misnumbered() -> bytes:
    honest = decode(GrandpaJustification, justified(TIP, OLD))
    return encode(GrandpaJustification, replace(honest, commit=replace(honest.commit, target_number=5)))


def misnumbered_vote(i: int) -> SignedPrecommit:
    precommit = Precommit(TIP.hash(), 5)
    return SignedPrecommit(precommit, OLD[i].sign(precommit_payload(precommit, 1, 0)), OLD[i].public)


ATTACKS: dict[str, tuple[Batch, type[e.LightClientError], dict[str, object]]] = {
    # who votes
    "nobody justifies": ((CHAIN, None), e.MissingJustification, {"number": 6}),
    "nobody votes": ((CHAIN, justification(TIP, [])), e.InsufficientWeight, {"found": 0, "expected": 3}),
    "below threshold": ((CHAIN, justified(TIP, OLD[:2])), e.InsufficientWeight, {"found": 2, "expected": 3}),
    "voter votes twice for the same": (
        (CHAIN, justification(TIP, votes_by([0, 1, 1]))),
        e.InsufficientWeight,
        {"found": 2},
    ),
    "equivocator votes twice": (
        (CHAIN, justification(TIP, [*votes_by([0, 1]), vote(OLD[1], BEYOND[0])], BEYOND[:1])),
        e.InsufficientWeight,
        {"found": 2},
    ),
    "voter floods": (
        (CHAIN, justification(TIP, votes_by([0, 1, 2, 2, 2]))),
        e.TooManyVotes,
        {"voter": OLD[2].public, "limit": 2},
    ),
    "strangers vote": ((CHAIN, justified(TIP, STRANGERS)), e.UnknownVoter, {"voter": STRANGERS[0].public}),
    "stranger among voters": (
        (CHAIN, justified(TIP, [*OLD, STRANGERS[0]])),
        e.UnknownVoter,
        {"voter": STRANGERS[0].public, "set_id": 0},
    ),
    "next set votes too early": ((CHAIN, justified(TIP, NEW, set_id=1)), e.UnknownVoter, {}),
    # what they sign
    "votes of another set id": (
        (CHAIN, justified(TIP, OLD, set_id=1)),
        e.BadVoteSignature,
        {"voter": OLD[0].public, "round": 1, "set_id": 0},
    ),
    "votes of another round": (
        (CHAIN, justification(TIP, votes_by([0, 1, 2, 3]), round=2)),
        e.BadVoteSignature,
        {"round": 2},
    ),
    "one forged vote among enough": (
        (CHAIN, justification(TIP, [*votes_by([0, 1, 2]), replace(vote(OLD[3], TIP), signature=bytes(64))])),
        e.BadVoteSignature,
        {"voter": OLD[3].public},
    ),
    "votes under stolen names": (
        (
            CHAIN,
            justification(TIP, [replace(vote(s, TIP), id=o.public) for s, o in zip(STRANGERS, OLD, strict=True)]),
        ),
        e.BadVoteSignature,
        {},
    ),
    # what they vote for
    "justification of an earlier block": (
        (CHAIN, justified(CHAIN[3], OLD)),
        e.WrongTarget,
        {"expected_number": 6, "found_number": 4},
    ),
    "justification of the fork": ((CHAIN, justified(FORK[-1], OLD)), e.WrongTarget, {"found": FORK[-1].hash()}),
    "right hash, wrong number": (
        (CHAIN, misnumbered()),
        e.WrongTarget,
        {"found": TIP.hash(), "found_number": 5},
    ),
    "vote for the right hash at the wrong number": (
        (CHAIN, justification(TIP, [misnumbered_vote(i) for i in range(3)])),
        e.VoteNotDescendant,
        {"number": 5, "hash": TIP.hash()},
    ),
    "empty justification": ((CHAIN, b""), e.MalformedJustification, {"cause": "scale.unexpected_end"}),
    "votes for the fork under our target": (
        (CHAIN, justification(TIP, votes_by([0, 1, 2], FORK[-1]))),
        e.VoteNotDescendant,
        {"voter": OLD[0].public, "number": 6, "hash": FORK[-1].hash()},
    ),
    "votes for an ancestor": (
        (CHAIN, justification(TIP, votes_by([0, 1, 2], CHAIN[3]))),
        e.VoteNotDescendant,
        {"number": 4},
    ),
    "fork's headers as ancestry": (
        (CHAIN, justification(TIP, votes_by([0, 1, 2], FORK[-1]), FORK)),
        e.VoteNotDescendant,
        {},
    ),
    "gap in the ancestry": (
        (CHAIN, justification(TIP, votes_by([0, 1, 2], BEYOND[2]), [BEYOND[0], BEYOND[2]])),
        e.VoteNotDescendant,
        {"number": 9},
    ),
    "ballast in the ancestry": (
        (CHAIN, justification(TIP, votes_by([0, 1, 2], BEYOND[0]), BEYOND)),
        e.UnusedAncestry,
        {"found": 3, "used": 1},
    ),
    "ancestry header twice": (
        (CHAIN, justification(TIP, votes_by([0, 1, 2], BEYOND[0]), [BEYOND[0], BEYOND[0]])),
        e.UnusedAncestry,
        {"found": 2, "used": 1},
    ),
    "target in its own ancestry": (
        (CHAIN, justification(TIP, votes_by([0, 1, 2]), [TIP])),
        e.UnusedAncestry,
        {"found": 1, "used": 0},
    ),
    # which headers
    "no headers": (([], justified(TIP, OLD)), e.EmptyChain, {}),
    "replay of genesis": (([HEAD, *CHAIN], justified(TIP, OLD)), e.AlreadyFinalized, {"number": 0, "head": 0}),
    "dropped header": ((without(3), justified(TIP, OLD)), e.NotConsecutive, {"found": 4, "expected": 3}),
    "dropped first header": ((without(1), justified(TIP, OLD)), e.NotConsecutive, {"found": 2, "expected": 1}),
    "dropped tip": ((without(6), justified(TIP, OLD)), e.WrongTarget, {"expected_number": 5}),
    "swapped headers": ((swapped(), justified(TIP, OLD)), e.NotConsecutive, {"found": 3, "expected": 2}),
    "relabelled header": ((relabelled(), justified(TIP, OLD)), e.ParentMismatch, {"number": 3}),
    "header of the fork": (
        ([*CHAIN[:3], FORK[1], *CHAIN[4:]], justified(TIP, OLD)),
        e.ParentMismatch,
        {"number": 4, "expected": CHAIN[2].hash()},
    ),
    "other genesis": ((extend(CHAIN[0], 1), justified(TIP, OLD)), e.NotConsecutive, {}),
    "altered header in the middle": (
        ([*CHAIN[:2], replace(CHAIN[2], state_root=bytes(32)), *CHAIN[3:]], justified(TIP, OLD)),
        e.ParentMismatch,
        {"number": 4},
    ),
    "altered tip": (
        ([*CHAIN[:5], replace(TIP, state_root=bytes(32))], justified(TIP, OLD)),
        e.WrongTarget,
        {"found": TIP.hash()},
    ),
    # how much
    "endless justification": (
        (CHAIN, bytes(MAX_JUSTIFICATION_BYTES + 1)),
        e.JustificationTooLarge,
        {"limit": MAX_JUSTIFICATION_BYTES},
    ),
    "trailing bytes": (
        (CHAIN, justified(TIP, OLD) + b"\0"),
        e.MalformedJustification,
        {"cause": "scale.trailing_bytes"},
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attack(name: str) -> None:
    (headers, proof), error, facts = ATTACKS[name]
    client = started()
    before = client.state
    with pytest.raises(e.LightClientError) as caught:
        client.import_chain(headers, proof)
    assert type(caught.value) is error
    assert facts.items() <= vars(caught.value).items()
    assert client.state is before
    assert client.import_chain(CHAIN, justified(TIP, OLD)) == CHAIN  # and honest nodes are still heard


def behind_three() -> LightClient:
    client = started()
    client.import_chain(CHAIN[:3], justified(CHAIN[2], OLD))
    return client


@pytest.mark.parametrize(
    ("headers", "target", "error"),
    [
        (CHAIN[:3], CHAIN[2], e.AlreadyFinalized),
        (CHAIN[1:], TIP, e.AlreadyFinalized),
        (FORK, FORK[-1], e.ParentMismatch),
    ],
    ids=["same batch again", "overlapping batch", "fork below the head, validly signed"],
)
def test_replay_behind_the_head(headers: list[Header], target: Header, error: type[e.LightClientError]) -> None:
    client = behind_three()
    fork = [header for header in headers if header.number > 3] if headers is FORK else headers
    with pytest.raises(error):
        client.import_chain(fork, justified(target, OLD))
    assert client.head == CHAIN[2]


DISMISSED: dict[str, Callable[[Header], bytes]] = {
    "with its old set id": lambda tip: justified(tip, OLD, set_id=0),
    "with the new set id": lambda tip: justified(tip, OLD, set_id=1),
    "together with part of the new set": lambda tip: justified(tip, [*OLD, *NEW[:4]], set_id=1),
}


@pytest.mark.parametrize("how", DISMISSED)
def test_dismissed_set_votes_on(how: str) -> None:
    client = started()
    chain = extend(client.head, 6, {2: [change_to(NEW, 1)]})
    client.import_chain(chain[:3], justified(chain[2], OLD))
    with pytest.raises(e.UnknownVoter):
        client.import_chain(chain[3:], DISMISSED[how](chain[-1]))
    assert client.head == chain[2]


def test_common_member_cannot_reuse_the_old_set_id() -> None:
    """Authorities who stay on sign with the new id; a vote from before the change is worth nothing."""
    client = started()
    chain = extend(client.head, 4, {2: [change_to(OLD, 0)]})
    client.import_chain(chain[:2], justified(chain[1], OLD))
    with pytest.raises(e.BadVoteSignature) as caught:
        client.import_chain(chain[2:], justified(chain[-1], OLD, set_id=0))
    assert caught.value.set_id == 1
    assert client.state.authorities == authorities(OLD)


VALID = justification(TIP, [vote(OLD[0], TIP), vote(OLD[1], BEYOND[1]), vote(OLD[3], TIP)], BEYOND[:2])
"""Just enough votes, so that none of its bytes is superfluous."""


def test_the_valid_one_is_valid() -> None:
    assert started().import_chain(CHAIN, VALID) == CHAIN


@given(at=st.integers(0, len(VALID) - 1), mask=st.integers(1, 255))
@settings(deadline=None, max_examples=300)
def test_no_altered_justification_is_accepted(at: int, mask: int) -> None:
    client = started()
    with pytest.raises(e.JustificationError):
        client.import_chain(CHAIN, flipped(VALID, at, mask))
    assert client.head == HEAD


@given(data=st.binary(max_size=400))
@settings(deadline=None)
def test_noise_is_no_justification(data: bytes) -> None:
    client = started()
    with pytest.raises(e.JustificationError):
        client.import_chain(CHAIN, data)
    assert client.head == HEAD


@given(which=st.integers(0, 5), at=st.integers(0, 200), mask=st.integers(1, 255))
@settings(deadline=None)
def test_no_altered_header_is_accepted(which: int, at: int, mask: int) -> None:
    encoded = encode(Header, CHAIN[which])
    try:
        header = decode(Header, flipped(encoded, at % len(encoded), mask))
    except DecodeError as refused:
        assert refused.code.startswith("scale.")
        return
    client = started()
    with pytest.raises(e.LightClientError):
        client.import_chain([*CHAIN[:which], header, *CHAIN[which + 1 :]], justified(TIP, OLD))
    assert client.head == HEAD


def test_codes_are_unique() -> None:
    def leaves(root: type[e.ParentchainError]) -> list[type[e.ParentchainError]]:
        return [leaf for sub in root.__subclasses__() for leaf in leaves(sub)] or [root]

    own = [leaf for leaf in leaves(e.ParentchainError) if leaf.__module__ == e.__name__]
    assert len({leaf.code for leaf in own}) == len(own) == 43

"""A justification that voters of a public chain made: the bytes, what they sign, and how they are counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from integritee.crypto import blake2_256
from integritee.enclave.parentchain import errors as e
from integritee.enclave.parentchain.justification import VoterSet, verify_justification
from integritee.primitives.grandpa import Authority, GrandpaJustification
from integritee.scale import decode, encode

RECORD = json.loads((Path(__file__).parents[2] / "vectors" / "grandpa.json").read_text())
RAW = bytes.fromhex(RECORD["justification"][2:])
NUMBER, HASH, SET_ID = RECORD["number"], bytes.fromhex(RECORD["hash"][2:]), RECORD["set_id"]
MADE = decode(GrandpaJustification, RAW)
VOTERS: list[Authority] = [(vote.id, 1) for vote in MADE.commit.precommits]


def silent(count: int, weight: int = 1) -> list[Authority]:
    return [(blake2_256(b"silent %d" % i), weight) for i in range(count)]


def test_its_bytes() -> None:
    assert (MADE.round, MADE.commit.target_number, MADE.commit.target_hash) == (RECORD["round"], NUMBER, HASH)
    assert len(MADE.commit.precommits) == RECORD["votes"]
    assert encode(GrandpaJustification, MADE) == RAW


@pytest.mark.parametrize(
    "absent", [[], silent(1), silent(2), silent(1, 2)], ids=["none", "one", "two", "one of weight two"]
)
def test_it_finalizes(absent: list[Authority]) -> None:
    """Five votes are enough among up to seven."""
    verify_justification(RAW, NUMBER, HASH, VoterSet.of([*VOTERS, *absent]), SET_ID)


@pytest.mark.parametrize("absent", [silent(3), silent(1, 3)], ids=["three", "one of weight three"])
def test_too_many_are_silent(absent: list[Authority]) -> None:
    with pytest.raises(e.InsufficientWeight) as caught:
        verify_justification(RAW, NUMBER, HASH, VoterSet.of([*VOTERS, *absent]), SET_ID)
    assert caught.value.data() == {"found": 5, "expected": 6}


@pytest.mark.parametrize(
    ("number", "hash", "voters", "set_id", "error"),
    [
        (NUMBER, HASH, VOTERS, SET_ID + 1, e.BadVoteSignature),
        (NUMBER, HASH, VOTERS[1:], SET_ID, e.UnknownVoter),
        (NUMBER + 1, HASH, VOTERS, SET_ID, e.WrongTarget),
        (NUMBER, blake2_256(HASH), VOTERS, SET_ID, e.WrongTarget),
    ],
    ids=["another set", "not in the set", "another number", "another block"],
)
def test_it_shows_nothing_else(
    number: int, hash: bytes, voters: list[Authority], set_id: int, error: type[e.JustificationError]
) -> None:
    with pytest.raises(error):
        verify_justification(RAW, number, hash, VoterSet.of(voters), set_id)

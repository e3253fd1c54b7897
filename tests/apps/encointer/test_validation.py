"""Whose attendance counts, as a table: who voted what, and who attested whom."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.apps.encointer.validation import attendees

Votes = dict[str, int]


def verified(votes: str, missing: str = "") -> str:
    """`votes` such as ``a3 b3 c3``; all attest each other but for `missing`, such as ``ab``: b not by a."""
    of = {word[0]: int(word[1:]) for word in votes.split()}
    lost = set(missing.split())
    present = [who for who, vote in of.items() if vote]
    attesters = {
        who.encode(): [a.encode() for a in present if a != who and f"{a}{who}" not in lost] for who in present
    }
    found = attendees([who.encode() for who in of], {who.encode(): vote for who, vote in of.items()}, attesters)
    return b"".join(found).decode()


@pytest.mark.parametrize(
    ("votes", "missing", "expected"),
    [
        ("a3 b3 c3", "", "abc"),
        ("a4 b4 c4 d4", "", "abcd"),
        ("a3 b3 c3 d0", "", "abc"),  # a no-show
        ("a3 b3 c3 d4", "", "abc"),  # a wrong vote
        ("a4 b4 c4 d3", "", "abc"),  # the many are believed, right or wrong
        ("a9 b9 c9", "", "abc"),
        ("a2 b2", "", ""),  # fewer than three
        ("a3 b3 c4", "", ""),
        ("a3 b3 c4 d4", "", ""),  # no three agree
        ("a0 b0 c0", "", ""),
        ("a3 b3 c3", "ab", "c"),  # b lacks an attestation, a has failed to give it
        ("a4 b4 c4 d4", "ab", "cd"),
        ("a4 b4 c4 d4 e0", "ab cb db", ""),  # nobody has given all
        ("a4 b4 c4 d5", "da", "abc"),  # those who voted otherwise may be missing
        ("a4 b4 c4 d5", "ad", "abc"),
    ],
)
def test_attendees(votes: str, missing: str, expected: str) -> None:
    assert verified(votes, missing) == expected


@given(
    votes=st.lists(st.integers(0, 4), min_size=1, max_size=9),
    pairs=st.sets(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=12),
)
def test_nobody_is_verified_alone(votes: list[int], pairs: set[tuple[int, int]]) -> None:
    meetup = [bytes([who]) for who in range(len(votes))]
    attesters = {who: [a for a in meetup if a != who and (a[0], who[0]) not in pairs] for who in meetup}
    found = attendees(meetup, dict(zip(meetup, votes, strict=True)), attesters)
    assert len({votes[who[0]] for who in found}) <= 1
    assert all(votes[who[0]] and votes.count(votes[who[0]]) >= 3 for who in found)
    assert [who for who in meetup if who in found] == found

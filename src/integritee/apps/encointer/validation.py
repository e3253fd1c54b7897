"""Whose attendance counts: the vote on how many were there, and who attested whom.

Source: encointer pallet `ceremonies` 0.3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Final

MIN_EQUAL_VOTES: Final = 3


def attendees(
    meetup: Sequence[bytes], votes: Mapping[bytes, int], attesters: Mapping[bytes, Collection[bytes]]
) -> list[bytes]:
    """Participants whose attendance is verified, in the order of the meetup.

    `votes` are how many each says were there (0 or none: did not submit), `attesters` who attested each. The most
    frequent vote decides, the first of equally frequent ones; at least `MIN_EQUAL_VOTES` must agree. Who voted
    otherwise is out, and so is who lacks attestations of, or for, more than one of those that agree.
    """
    ballot = Counter(votes[who] for who in meetup if votes.get(who))
    if not ballot:
        return []
    decision, agreeing = ballot.most_common(1)[0]
    if agreeing < MIN_EQUAL_VOTES:
        return []
    needed = agreeing - 1
    return [
        who
        for who in meetup
        if votes.get(who) == decision
        and len(attesters.get(who, ())) >= needed
        and sum(who in attesters.get(other, ()) for other in attesters.get(who, ())) >= needed
    ]

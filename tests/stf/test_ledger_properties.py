"""Order, repetition and failure: what the ledger promises of whole sequences of calls.

*Commute*: calls of accounts that have nothing to do with each other end in the same state in either order. All that
may differ is the order of events, and the numbers of notes with the buckets that follow from them: the ledger keeps
both in one sequence. What each account finds in its notes is the same. A game, or a class of credits, is shared on
purpose (`SHARED`): of two calls to one of them, the first may decide about the second.

*Replay*: the same inputs make the same block, from the parentchain's part to its hash.

*Failure*: a failed call ends in the state that its gate, fee and nonce alone end in, a refused one where it began.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import pytest

from integritee.frame.overlay import Overlay
from integritee.stf.declare import Authority
from integritee.stf.executor import Outcome
from integritee.stf.fees import charge
from integritee.stf.operation import TrustedCallSigned

from .arbitrary import Arbitrary
from .arbitrary_operations import NOT_SIGNED, arbitrary_call
from .shard_life import ShardLife, byte_strings, whole_ledger
from .tally import DONE

CALLS_PER_BLOCK: Final = 40

SHARED: Final[dict[str, int | None]] = {
    "guess_the_number.guess": None,
    "credits.create_class": 1,
    "credits.destroy_class": 1,
    "credits.claim": 1,
    "credits.mint": 1,
    "credits.redeem": 1,
}
"""Calls to what accounts share, and the argument that says which: a class of credits; there is one game."""


def some_life(seed: int, blocks: int, made_again: int = 0) -> ShardLife:
    """A shard with some history, at the beginning of a block."""
    random = Random(seed)
    life = ShardLife(random, made_again)
    for _ in range(blocks):
        for _ in range(CALLS_PER_BLOCK):
            life.call(random)
        life.end_block(random)
    return life


# -- replay ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_a_block_made_again_is_the_same_block(seed: int) -> None:
    """`ShardLife` compares hash and root of every block, with calls, deposits, refunds and retirement."""
    life = some_life(seed, blocks=12, made_again=100)
    assert life.tally.blocks == 12


# -- commute -----------------------------------------------------------------------------------------

PAIRS_PER_LIFE: Final = 60
LEAST_LIVES: Final = 8
MOST_LIVES: Final = 80


@dataclass(frozen=True)
class Ending:
    """What is left of two calls: notes by account, oldest first, events in no order, all else in order."""

    root: bytes
    notes: dict[bytes, list[Any]]
    events: Counter[bytes]
    outcomes: dict[bytes, Any]
    """Effects or the error's code, by sender."""


def test_calls_of_independent_accounts_commute() -> None:
    """Every call that everybody may make is among those that went well."""
    seen: Counter[str] = Counter()
    wanted = {name for name, definition in whole_ledger().calls.items() if definition.authority is Authority.ANYONE}
    for seed in range(MOST_LIVES):
        if seed >= LEAST_LIVES and seen.keys() >= wanted:
            break
        seen += _commuting(some_life(seed, blocks=6), Random(seed), wanted - seen.keys())
    assert wanted - seen.keys() == set()


def _commuting(life: ShardLife, random: Random, wanted: set[str]) -> Counter[str]:
    """Runs pairs in both orders, with one of the `wanted` calls if there are any; names of calls that went well."""
    seen: Counter[str] = Counter()
    pairs = 0
    while pairs < PAIRS_PER_LIFE:
        one, other = next_call(life, random, wanted), next_call(life, random)
        if are_independent(life, one, other):
            ending = run(life, (one, other))
            assert run(life, (other, one)) == ending, (one, other)
            pairs += 1
            seen.update(life.ledger.names[s.call.definition] for s in (one, other) if is_done(ending, s))
    return seen


def test_calls_of_one_account_do_not_commute() -> None:
    """Nonces order them: the call that comes early is refused."""
    life = some_life(0, blocks=2)
    first = next_call(life, Random(0))
    second = TrustedCallSigned(first.call, first.nonce + 1, None, NOT_SIGNED)
    life.runtime.balances.mint(first.call.sender, 10**15)
    assert run(life, (second, first)) != run(life, (first, second))


def next_call(life: ShardLife, random: Random, wanted: Collection[str] = ()) -> TrustedCallSigned:
    """The next call of anybody: one of the `wanted`, or of all those that everybody may make."""
    anyone = [definition for definition in life.ledger.calls.values() if definition.authority is Authority.ANYONE]
    definitions = [life.ledger.calls[name] for name in sorted(wanted)] or anyone
    call = arbitrary_call(Arbitrary(random, life.facts), life.runtime, definitions)
    return TrustedCallSigned(call, life.runtime.system.nonce(call.sender), None, NOT_SIGNED)


def are_independent(life: ShardLife, one: TrustedCallSigned, other: TrustedCallSigned) -> bool:
    """Whether two calls name different accounts and addresses throughout, and share neither game nor class."""
    shared = _shared(life, one), _shared(life, other)
    return not (_names(life, one) & _names(life, other)) and (None in shared or shared[0] != shared[1])


def _shared(life: ShardLife, signed: TrustedCallSigned) -> tuple[type[Any], Any] | None:
    definition = signed.call.definition
    name = life.ledger.names[definition]
    if name not in SHARED:
        return None
    position = SHARED[name]
    return life.ledger.owners[definition], None if position is None else signed.call.args[position]


def _names(life: ShardLife, signed: TrustedCallSigned) -> set[bytes]:
    """Accounts and addresses that a call names, by 20 bytes; also those in the input of a contract."""
    found = {s for s in byte_strings(signed.call.args) if len(s) in (20, 32) and s != life.facts.shard}
    return {s[:20] for s in found} | {s[-20:] for s in found}


def run(life: ShardLife, calls: Sequence[TrustedCallSigned]) -> Ending:
    """Execute over an overlay that is dropped afterwards."""
    runtime, before = life.runtime, life.runtime.state
    deposited = len(runtime.events)
    runtime.state = Overlay(before)
    outcomes = {signed.call.sender: _facts(_execute(life, signed)) for signed in calls}
    ending = Ending(
        _root(life, before, without=runtime.notes.last_note_index.key[:PALLET_PREFIX]),
        {who: list(_notes(life, who)) for who in life.facts.accounts},
        Counter(runtime.events[deposited:]),
        outcomes,
    )
    del runtime.events[deposited:]
    runtime.state = before
    return ending


PALLET_PREFIX: Final = 16
"""Bytes of hash that the storage of a pallet has in common."""


def _execute(life: ShardLife, signed: TrustedCallSigned) -> Outcome:
    return life.builder.executor.execute(signed, life.now, verified=True)


def _facts(outcome: Outcome) -> Any:
    return (DONE, outcome.effects) if outcome.error is None else (outcome.error.code, outcome.charged)


def is_done(ending: Ending, signed: TrustedCallSigned) -> bool:
    return bool(ending.outcomes[signed.call.sender][0] == DONE)


def _root(life: ShardLife, before: Overlay, without: bytes | None = None) -> bytes:
    """Root of the state now, except for what storage holds under a prefix."""
    changes = {**before.changes(), **life.runtime.state.changes()}
    kept = {key: value for key, value in changes.items() if without is None or not key.startswith(without)}
    return life.state.commit(kept).root()


def _notes(life: ShardLife, who: bytes) -> Iterator[Any]:
    """Notes of an account in the newest buckets."""
    newest = life.runtime.notes.last_bucket_index.get() or 0
    for bucket in range(max(newest - 1, 0), newest + 1):
        yield from life.runtime.notes.notes_for(who, bucket)


# -- failure -----------------------------------------------------------------------------------------


CALLS_PER_LIFE: Final = 150


def test_a_failed_call_is_its_fee_and_nonce() -> None:
    ends: Counter[str] = Counter()
    for seed in range(LEAST_LIVES):
        ends += _failures(some_life(seed, blocks=6), Random(seed))
    assert ends["failed"] > 100
    assert ends["refused"] > 100


def _failures(life: ShardLife, random: Random) -> Counter[str]:
    ends: Counter[str] = Counter()
    for _ in range(CALLS_PER_LIFE):
        signed = next_call(life, random)
        before = life.runtime.state
        life.runtime.state = Overlay(before)
        outcome = _execute(life, signed)
        if outcome.error is not None:
            ends["failed" if outcome.charged else "refused"] += 1
            left = _root(life, before)
            life.runtime.state = Overlay(before)
            if outcome.charged:
                life.builder.executor._pass_gate(signed.call, life.now)
                charge(life.runtime, signed.call.definition.fee, signed.call.sender, signed.call.args)
                life.runtime.system.increment_nonce(signed.call.sender)
            assert left == _root(life, before), (signed, outcome.error.code)
        life.runtime.state = before
    return ends

"""The light client among honest nodes: start at genesis or a checkpoint, finality, set changes, persistence."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integritee.boundary.messages import Checkpoint
from integritee.enclave.parentchain import errors as e
from integritee.enclave.parentchain.justification import VoterSet
from integritee.enclave.parentchain.light_client import (
    AUTHORITIES_KEY,
    GENESIS_KEYS,
    LEGACY_AUTHORITIES_KEY,
    SET_ID_KEY,
    LightClient,
    LightClientState,
)
from integritee.primitives.grandpa import ForcedChange, OnDisabled, Pause, Resume
from integritee.primitives.header import GRANDPA_ENGINE, Consensus, DigestItem, Header
from integritee.scale import decode, encode
from integritee.trie import Trie

from .grandpa_chain import (
    NEW,
    OLD,
    Voters,
    authorities,
    change_to,
    extend,
    genesis,
    justification,
    justified,
    log,
    started,
    state,
    vote,
    voters,
)

# --- start


def test_storage_keys() -> None:
    assert AUTHORITIES_KEY.hex() == "5f9cc45b7a00c5899361e1c6099678dc5e0621c4869aa60c02be9adcc98a0d1d"
    assert SET_ID_KEY.hex() == "5f9cc45b7a00c5899361e1c6099678dc8a2d09463effcc78a22d75b9cb87dffc"
    assert LEGACY_AUTHORITIES_KEY == b":grandpa_authorities"


@pytest.mark.parametrize(
    ("trie", "set_id", "pairs"),
    [
        (state(authorities(OLD)), 0, OLD),
        (state(authorities(OLD), set_id=7), 7, OLD),
        (state(authorities(OLD), set_id=None), 0, OLD),
        (state(None, set_id=None, legacy=authorities(NEW)), 0, NEW),
        (state(authorities(OLD), legacy=authorities(NEW)), 0, OLD),
    ],
    ids=["pallet", "later set", "no set id", "legacy key", "pallet storage wins"],
)
def test_start(trie: Trie, set_id: int, pairs: Voters) -> None:
    client = LightClient.start(genesis(trie), trie.prove(GENESIS_KEYS))
    assert client.state.set_id == set_id
    assert client.state.authorities == authorities(pairs)
    assert client.head_hash == client.state.genesis_hash == genesis(trie).hash()
    tip = extend(client.head, 1)[0]
    assert client.import_chain([tip], justified(tip, pairs, set_id)) == [tip]


FORGED = state(authorities(NEW))
HONEST = state(authorities(OLD))


@pytest.mark.parametrize(
    ("header", "proof", "error", "cause"),
    [
        (genesis(HONEST), FORGED.prove(GENESIS_KEYS), e.AuthoritiesNotProven, "trie.proof_root_missing"),
        (genesis(HONEST), [], e.AuthoritiesNotProven, "trie.proof_root_missing"),
        (genesis(HONEST), HONEST.prove([SET_ID_KEY]), e.AuthoritiesNotProven, "trie.proof_incomplete"),
        (
            genesis(HONEST),
            HONEST.prove([*GENESIS_KEYS, *list(HONEST.keys())[:1]]),
            e.AuthoritiesNotProven,
            "trie.proof_unused_node",
        ),
        (
            genesis(HONEST.commit({AUTHORITIES_KEY: b"\xff"})),
            HONEST.commit({AUTHORITIES_KEY: b"\xff"}).prove(GENESIS_KEYS),
            e.AuthoritiesNotProven,
            "scale.unexpected_end",
        ),
        (genesis(state(None)), state(None).prove(GENESIS_KEYS), e.InvalidAuthoritySet, None),
        (genesis(state([])), state([]).prove(GENESIS_KEYS), e.InvalidAuthoritySet, None),
        (
            genesis(state(authorities(OLD, 1 << 62))),
            state(authorities(OLD, 1 << 62)).prove(GENESIS_KEYS),
            e.InvalidAuthoritySet,
            None,
        ),
        (
            genesis(HONEST.commit({AUTHORITIES_KEY: None, LEGACY_AUTHORITIES_KEY: b"\x02\x00"})),
            HONEST.commit({AUTHORITIES_KEY: None, LEGACY_AUTHORITIES_KEY: b"\x02\x00"}).prove(GENESIS_KEYS),
            e.InvalidAuthoritySet,
            None,
        ),
        (
            extend(genesis(HONEST), 1)[0],
            HONEST.prove(GENESIS_KEYS),
            e.AuthoritiesNotProven,
            "trie.proof_root_missing",
        ),
    ],
    ids=[
        "forged set",
        "no proof",
        "proof of something else",
        "padded proof",
        "undecodable set",
        "no set",
        "empty set",
        "weight overflow",
        "unknown legacy version",
        "header of a later block",
    ],
)
def test_start_refused(
    header: Header, proof: list[bytes], error: type[e.LightClientError], cause: str | None
) -> None:
    with pytest.raises(error) as caught:
        LightClient.start(header, proof)
    assert getattr(caught.value, "cause", None) == cause


def test_start_behind_genesis() -> None:
    header = Header(b"\x01" * 32, 0, HONEST.root(), HONEST.root(), genesis(HONEST).digest)
    with pytest.raises(e.NotGenesis):
        LightClient.start(header, HONEST.prove(GENESIS_KEYS))


# --- finality


def test_justified_header_finalizes_its_ancestors() -> None:
    client = started()
    chain = extend(client.head, 12)
    assert client.import_chain(chain[:7], justified(chain[6], OLD)) == chain[:7]
    assert client.import_chain(chain[7:], justified(chain[11], OLD[1:], round=99)) == chain[7:]
    assert (client.head, client.head_hash) == (chain[-1], chain[-1].hash())


def test_votes_for_descendants_count_with_their_ancestry() -> None:
    client = started()
    chain = extend(client.head, 6)
    fork = extend(chain[2], 2, salt=b"fork")
    votes = [vote(OLD[0], chain[2]), vote(OLD[1], chain[5]), vote(OLD[2], fork[1])]
    proof = justification(chain[2], votes, [*chain[3:6], *fork])
    assert client.import_chain(chain[:3], proof) == chain[:3]


def test_equivocator_counts_once() -> None:
    client = started()
    chain = extend(client.head, 3)
    fork = extend(chain[0], 1, salt=b"fork")
    votes = [vote(OLD[0], chain[2]), vote(OLD[0], fork[0]), vote(OLD[1], chain[0]), vote(OLD[2], chain[0])]
    client.import_chain(chain[:1], justification(chain[0], votes, [*chain[1:], *fork]))
    assert client.head == chain[0]


@pytest.mark.parametrize(
    ("weights", "threshold"),
    [([1], 1), ([1, 1], 2), ([1, 1, 1], 3), ([1] * 4, 3), ([1] * 7, 5), ([1] * 10, 7), ([5, 1, 0], 5)],
)
def test_threshold(weights: list[int], threshold: int) -> None:
    listed = [(bytes([i]) * 32, weight) for i, weight in enumerate(weights)]
    assert VoterSet.of(listed).threshold == threshold


def test_authority_listed_twice_has_both_weights() -> None:
    assert VoterSet.of([(b"a" * 32, 2), (b"a" * 32, 3), (b"b" * 32, 1)]).weights == {b"a" * 32: 5, b"b" * 32: 1}


@given(weights=st.lists(st.integers(0, 9), min_size=1, max_size=6).filter(any), data=st.data())
@settings(deadline=None, max_examples=50)
def test_weighted_votes(weights: list[int], data: st.DataObject) -> None:
    """Finality holds iff less than a third of the weight is missing."""
    pairs = voters("weighted", len(weights))
    listed = [(pair.public, weight) for pair, weight in zip(pairs, weights, strict=True)]
    trie = state(listed)
    client = LightClient.start(genesis(trie), trie.prove(GENESIS_KEYS))
    voting = data.draw(st.lists(st.sampled_from([i for i, w in enumerate(weights) if w]), unique=True))
    tip = extend(client.head, 2)
    proof = justified(tip[1], [pairs[i] for i in voting])
    missing = sum(weights) - sum(weights[i] for i in voting)
    if 3 * missing < sum(weights):
        assert client.import_chain(tip, proof) == tip
    else:
        with pytest.raises(e.InsufficientWeight):
            client.import_chain(tip, proof)
        assert client.head.number == 0


# --- set changes


@pytest.mark.parametrize("delay", [0, 1, 5])
def test_set_change(delay: int) -> None:
    client = started()
    chain = extend(client.head, 20, {4: [change_to(NEW, delay)]})
    last_of_old = 4 + delay
    if delay:
        client.import_chain(chain[:4], justified(chain[3], OLD))
        assert client.state.pending is not None
        assert client.state.set_id == 0
    rest = chain[client.head.number :]
    split = last_of_old - client.head.number
    client.import_chain(rest[:split], justified(rest[split - 1], OLD))
    assert (client.state.set_id, client.state.pending) == (1, None)
    assert client.state.authorities == authorities(NEW)
    client.import_chain(rest[split:], justified(chain[-1], NEW, set_id=1))
    assert client.head == chain[-1]


def test_sets_follow_one_another() -> None:
    client = started()
    sets = [OLD, NEW, voters("third", 3), OLD]
    for set_id, (now, then) in enumerate(pairwise(sets)):
        chain = extend(client.head, 5, {client.head.number + 3: [change_to(then, 2)]})
        client.import_chain(chain, justified(chain[-1], now, set_id=set_id))
        assert client.state.set_id == set_id + 1
    tip = extend(client.head, 1)
    client.import_chain(tip, justified(tip[0], OLD, set_id=3))
    assert client.head == tip[0]


@pytest.mark.parametrize(
    ("signal", "delay", "tip"), [(3, 0, 4), (3, 2, 6), (1, 0, 8)], ids=["at once", "delayed", "first block"]
)
@pytest.mark.parametrize(("pairs", "set_id"), [(OLD, 0), (NEW, 1)], ids=["old set", "new set"])
def test_batch_must_not_cross_a_change(signal: int, delay: int, tip: int, pairs: Voters, set_id: int) -> None:
    client = started()
    chain = extend(client.head, tip, {signal: [change_to(NEW, delay)]})
    with pytest.raises(e.CrossesSetChange) as caught:
        client.import_chain(chain, justified(chain[-1], pairs, set_id=set_id))
    assert vars(caught.value) == {"at": signal + delay, "tip": tip}
    assert client.head.number == 0


def test_pending_change_from_an_earlier_batch_is_not_crossed() -> None:
    client = started()
    chain = extend(client.head, 9, {2: [change_to(NEW, 4)]})
    client.import_chain(chain[:3], justified(chain[2], OLD))
    with pytest.raises(e.CrossesSetChange):
        client.import_chain(chain[3:], justified(chain[-1], NEW, set_id=1))
    client.import_chain(chain[3:6], justified(chain[5], OLD))
    assert client.state.set_id == 1


@pytest.mark.parametrize("spare", [False, True], ids=["needed only", "all justified"])
def test_batch_across_justified_changes(spare: bool) -> None:
    client = started()
    third = voters("third", 3)
    chain = extend(client.head, 12, {3: [change_to(NEW, 2)], 6: [change_to(third, 0)]})
    earlier = {5: justified(chain[4], OLD), 6: justified(chain[5], NEW, set_id=1)}
    if spare:
        earlier |= {n: justified(chain[n - 1], third, set_id=2) for n in range(7, 12)}
    assert client.import_chain(chain, justified(chain[-1], third, set_id=2), earlier) == chain
    assert (client.head, client.state.set_id, client.state.pending) == (chain[-1], 2, None)
    assert client.state.authorities == authorities(third)


@pytest.mark.parametrize(
    ("earlier", "error"),
    [
        ({}, e.CrossesSetChange),
        ({4: OLD}, e.CrossesSetChange),
        ({5: NEW}, e.UnknownVoter),
        ({5: OLD[:2]}, e.InsufficientWeight),
    ],
    ids=["none", "of another block", "by the next set", "by too few"],
)
def test_every_change_on_the_way_is_justified(earlier: dict[int, Voters], error: type[e.LightClientError]) -> None:
    client = started()
    chain = extend(client.head, 9, {3: [change_to(NEW, 2)]})
    before = client.state
    proofs = {number: justified(chain[number - 1], pairs) for number, pairs in earlier.items()}
    with pytest.raises(error):
        client.import_chain(chain, justified(chain[-1], NEW, set_id=1), proofs)
    assert client.state is before


@pytest.mark.parametrize(
    ("logs", "error"),
    [
        ([log(ForcedChange(0, authorities(NEW), 0))], e.ForcedSetChange),
        ([log(ForcedChange(0, authorities(NEW), 9))], e.ForcedSetChange),
        ([change_to(NEW, 4), change_to(OLD, 4)], e.OverlappingSetChange),
        ([change_to([], 4)], e.InvalidAuthoritySet),
        ([Consensus(GRANDPA_ENGINE, b"\x01\xff")], e.MalformedConsensusLog),
        ([Consensus(GRANDPA_ENGINE, b"\x09")], e.MalformedConsensusLog),
    ],
    ids=["forced", "forced later", "two changes", "empty set", "truncated", "unknown variant"],
)
def test_unfollowable_digests(logs: list[DigestItem], error: type[e.LightClientError]) -> None:
    client = started()
    chain = extend(client.head, 3, {2: logs})
    before = client.state
    with pytest.raises(error):
        client.import_chain(chain, justified(chain[-1], OLD))
    assert client.state is before


def test_change_announced_while_one_is_pending() -> None:
    client = started()
    chain = extend(client.head, 3, {1: [change_to(NEW, 9)], 3: [change_to(OLD, 1)]})
    client.import_chain(chain[:2], justified(chain[1], OLD))
    with pytest.raises(e.OverlappingSetChange) as caught:
        client.import_chain(chain[2:], justified(chain[2], OLD))
    assert vars(caught.value) == {"number": 3, "pending_at": 10}


def test_harmless_digests() -> None:
    client = started()
    logs: list[DigestItem] = [log(OnDisabled(1)), log(Pause(3)), log(Resume(1)), Consensus(b"BEEF", b"\x02")]
    chain = extend(client.head, 2, {1: logs})
    client.import_chain(chain, justified(chain[-1], OLD))
    assert client.head == chain[-1]


# --- checkpoints


def at(header: Header, pairs: Voters = NEW, set_id: int = 1) -> Checkpoint:
    return Checkpoint(header, set_id, authorities(pairs))


ROOT = genesis(HONEST)


@pytest.mark.parametrize("signal", [None, 4, 6], ids=["no change", "change before", "change at the checkpoint"])
def test_start_at_a_checkpoint(signal: int | None) -> None:
    logs = {signal: [change_to(NEW, 0)]} if signal else {}
    chain = extend(ROOT, 9, logs)
    client = LightClient.start_at(ROOT, at(chain[5]))
    assert (client.state.genesis_hash, client.head, client.state.start.number) == (ROOT.hash(), chain[5], 6)
    assert client.state.start.hash == chain[5].hash()
    assert client.import_chain(chain[6:], justified(chain[8], NEW, set_id=1)) == chain[6:]


def test_a_checkpoint_may_announce_the_next_change() -> None:
    chain = extend(ROOT, 9, {3: [change_to(NEW, 2)]})
    client = LightClient.start_at(ROOT, at(chain[2], OLD, 0))
    client.import_chain(chain[3:], justified(chain[8], NEW, set_id=1), {5: justified(chain[4], OLD)})
    assert (client.state.set_id, client.state.authorities) == (1, authorities(NEW))


@pytest.mark.parametrize(
    ("root", "checkpoint", "error"),
    [
        (extend(ROOT, 1)[0], at(extend(ROOT, 1)[0]), e.NotGenesis),
        (ROOT, at(ROOT), e.InvalidCheckpoint),
        (ROOT, at(extend(ROOT, 1)[0], []), e.InvalidAuthoritySet),
        (ROOT, at(extend(ROOT, 1, {1: [change_to(OLD, 0)]})[0], NEW), e.InvalidCheckpoint),
        (ROOT, at(extend(ROOT, 1, {1: [log(ForcedChange(0, authorities(NEW), 0))]})[0]), e.ForcedSetChange),
    ],
    ids=["of no genesis", "at genesis", "nobody votes", "other authorities take over", "at a forced change"],
)
def test_refused_checkpoints(root: Header, checkpoint: Checkpoint, error: type[e.LightClientError]) -> None:
    with pytest.raises(error):
        LightClient.start_at(root, checkpoint)


FORCED_AT, FORCED_DELAY = 4, 2


def forced_chain() -> list[Header]:
    """OLD stop voting after block 3, NEW are installed by force."""
    forced = log(ForcedChange(3, authorities(NEW), FORCED_DELAY))
    return extend(ROOT, 12, {FORCED_AT: [forced]})


@pytest.mark.parametrize(("pairs", "set_id"), [(OLD, 0), (NEW, 1)], ids=["by the old set", "by the new set"])
def test_no_vote_proves_a_forced_change(pairs: Voters, set_id: int) -> None:
    client, chain = started(), forced_chain()
    client.import_chain(chain[:3], justified(chain[2], OLD))
    with pytest.raises(e.ForcedSetChange) as caught:
        client.import_chain(chain[3:], justified(chain[-1], pairs, set_id=set_id))
    assert vars(caught.value) == {"number": FORCED_AT, "at": FORCED_AT + FORCED_DELAY}
    assert "checkpoint at block 6 or later" in str(caught.value)
    assert client.head == chain[2]


def test_a_checkpoint_carries_over_a_forced_change() -> None:
    """As the error advises: whoever vouches for the block vouches for the new set."""
    chain = forced_chain()
    client = LightClient.start_at(ROOT, at(chain[FORCED_AT + FORCED_DELAY - 1]))
    assert client.import_chain(chain[6:], justified(chain[-1], NEW, set_id=1)) == chain[6:]
    with pytest.raises(e.UnknownVoter):
        LightClient.start_at(ROOT, at(chain[5])).import_chain(chain[6:], justified(chain[-1], OLD))


# --- persistence


def test_state_survives() -> None:
    client = started()
    chain = extend(client.head, 9, {2: [change_to(NEW, 3)]})
    client.import_chain(chain[:3], justified(chain[2], OLD))
    restored = LightClient(decode(LightClientState, encode(LightClientState, client.state)))
    copied = client.copy()
    assert restored.state == copied.state == client.state
    for other in (restored, copied):
        other.import_chain(chain[3:5], justified(chain[4], OLD))
        other.import_chain(chain[5:], justified(chain[8], NEW, set_id=1))
        assert other.head == chain[-1]
    assert client.head == chain[2]

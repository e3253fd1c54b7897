"""GRANDPA: justifications that stand up to an independent check, authority changes, lag and period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from integritee.crypto import Ed25519Pair
from integritee.frame.overlay import Overlay
from integritee.node.chain import Chain
from integritee.node.errors import MissingVotes, NotFinalized, RuntimeApiMissing
from integritee.node.finality import AuthoritySet, FinalityKind, Finalizer, justify, prove_finality
from integritee.node.keystore import Keystore
from integritee.primitives.grandpa import FinalityProof, GrandpaJustification, ScheduledChange, grandpa_logs
from integritee.scale import decode, encode

from .toy_runtime import ALICE_GRANDPA, SetGrandpa, ToyEngine, genesis, xt

BOB_GRANDPA = Ed25519Pair.from_uri("//Bob").public
CHARLIE_GRANDPA = Ed25519Pair.from_uri("//Charlie").public


def finalizes(data: bytes, hash: bytes, number: int, set_id: int, weights: Mapping[bytes, int]) -> bool:
    """Whether the bytes justify the block: written from the byte layout alone."""
    round_, target = data[:8], data[8:44]
    if target != hash + number.to_bytes(4, "little") or data[-1] != 0:  # no ancestries
        return False
    count, votes = data[44] >> 2, data[45:-1]
    if data[44] & 3 or len(votes) != count * 132:
        return False
    voted = 0
    for at in range(0, len(votes), 132):
        vote, signature, voter = votes[at : at + 36], votes[at + 36 : at + 100], votes[at + 100 : at + 132]
        if vote != target:
            return False
        try:
            message = b"\x01" + vote + round_ + set_id.to_bytes(8, "little")
            Ed25519PublicKey.from_public_bytes(voter).verify(signature, message)
        except InvalidSignature:
            return False
        voted += weights[voter]
    total = sum(weights.values())
    return 3 * voted > 2 * total


def justified(chain: Chain, number: int, set_id: int, authorities: Sequence[bytes]) -> bool:
    hash = chain.hash_at(number)
    assert hash is not None
    data = chain.justification(hash)
    assert data is not None
    return finalizes(data, hash, number, set_id, dict.fromkeys(authorities, 1))


def test_every_block_is_justified_at_once(node: Any) -> None:
    node.produce(4)
    assert node.chain.finalized_hash == node.chain.best_hash
    assert all(justified(node.chain, n, 0, [ALICE_GRANDPA]) for n in range(1, 5))
    assert not justified(node.chain, 1, 1, [ALICE_GRANDPA])  # another set
    assert node.chain.justification(node.chain.genesis_hash) is None


def test_rounds_do_not_repeat(node: Any) -> None:
    node.produce(2)
    node.reopen()
    node.produce(2)
    rounds = [
        decode(GrandpaJustification, node.chain.justification(node.chain.hash_at(n))).round for n in range(1, 5)
    ]
    assert rounds == sorted(set(rounds))


@pytest.mark.parametrize(
    "local, others, has_finality",
    [
        (("alice",), (), True),
        (("alice", "bob", "charlie"), (), True),
        (("alice", "bob"), (CHARLIE_GRANDPA,), False),
        (("alice", "bob", "charlie"), (Ed25519Pair.from_uri("//Dave").public,), True),
        ((), (ALICE_GRANDPA,), False),
    ],
)
def test_threshold(local: tuple[str, ...], others: tuple[bytes, ...], has_finality: bool) -> None:
    keys = Keystore.dev(*local).grandpa
    everyone = (*keys, *others)
    voters = AuthoritySet(3, tuple((key, 1) for key in everyone))
    if not has_finality:
        with pytest.raises(MissingVotes) as caught:
            justify(b"\1" * 32, 9, voters, keys)
        assert (caught.value.weight, caught.value.threshold) == (len(keys), voters.threshold)
        return
    justification = justify(b"\1" * 32, 9, voters, keys)
    assert [vote.id for vote in justification.commit.precommits] == list(keys)
    encoded = encode(GrandpaJustification, justification)
    assert finalizes(encoded, b"\1" * 32, 9, 3, dict.fromkeys(everyone, 1))
    assert not finalizes(encoded, b"\2" * 32, 9, 3, dict.fromkeys(everyone, 1))


def test_no_authorities_no_finality() -> None:
    with pytest.raises(MissingVotes):
        justify(b"\1" * 32, 1, AuthoritySet(0, ()), Keystore.dev("alice").grandpa)


def test_without_the_keys_nothing_is_imported(make_node: Any) -> None:
    node = make_node(storage=genesis(grandpa=(BOB_GRANDPA,)))
    with pytest.raises(MissingVotes):
        node.produce()
    assert node.chain.best.number == 0


@pytest.mark.parametrize("grandpa", [(), (BOB_GRANDPA,), (ALICE_GRANDPA,)])
@pytest.mark.parametrize("lag", [0, 2])
def test_without_votes_keys_do_not_matter(make_node: Any, grandpa: tuple[bytes, ...], lag: int) -> None:
    node = make_node(storage=genesis(grandpa=grandpa), options={"votes": False, "finality_lag": lag})
    node.produce(5)
    assert node.chain.finalized.number == 5 - lag
    assert all(node.chain.justification(node.chain.hash_at(n)) is None for n in range(1, 6))


class WithoutGrandpa(ToyEngine):
    """As parachains are."""

    def call(self, name: str, overlay: Overlay, args: bytes) -> bytes:
        if name.startswith("GrandpaApi"):
            raise RuntimeApiMissing(name)
        return super().call(name, overlay, args)


@pytest.mark.parametrize(
    "kind, on_grandpa, on_nobody, on_parachain",
    [
        (FinalityKind.AUTO, True, False, False),
        (FinalityKind.GRANDPA, True, True, True),
        (FinalityKind.INSTANT, False, False, False),
        (FinalityKind.NONE, True, False, False),
    ],
)
def test_kinds(make_node: Any, kind: FinalityKind, on_grandpa: bool, on_nobody: bool, on_parachain: bool) -> None:
    assert kind.votes_on(make_node("a").chain) is on_grandpa
    assert kind.votes_on(make_node("b", storage=genesis(grandpa=())).chain) is on_nobody
    parachain = make_node("c").chain
    parachain.engine = WithoutGrandpa()
    assert kind.votes_on(parachain) is on_parachain


@pytest.mark.parametrize("lag", [1, 2, 5])
def test_lag(make_node: Any, lag: int) -> None:
    node = make_node(options={"finality_lag": lag})
    finalized = [(node.produce(), node.chain.finalized.number)[1] for _ in range(8)]
    assert finalized == [max(0, n - lag) for n in range(1, 9)]
    assert all(justified(node.chain, n, 0, [ALICE_GRANDPA]) for n in range(1, 9 - lag))
    assert node.chain.justification(node.chain.best_hash) is None


def test_smaller_lag_after_restart_catches_up(make_node: Any) -> None:
    node = make_node(options={"finality_lag": 4})
    node.produce(6)
    node.options = {"finality_lag": 0}
    node.reopen()
    node.events.clear()
    node.produce()
    assert node.chain.finalized.number == 7
    assert all(justified(node.chain, n, 0, [ALICE_GRANDPA]) for n in range(1, 8))


def test_authority_change(make_node: Any) -> None:
    """The block with the change is finalized by the old set, its child by the new one."""
    node = make_node(keys=Keystore.dev("alice", "bob", "charlie"), options={"finality_lag": 1})
    node.produce()
    new = [(BOB_GRANDPA, 1), (CHARLIE_GRANDPA, 1)]
    node.submit(xt(SetGrandpa(new, 1)))
    changed = node.produce().block
    assert grandpa_logs(changed.header) == [b"\x01" + encode(ScheduledChange, ScheduledChange(new, 0))]
    node.produce(3)
    chain = node.chain
    assert chain.finalized.number == 4
    assert all(justified(chain, n, 0, [ALICE_GRANDPA]) for n in (1, 2))
    assert all(justified(chain, n, 1, [BOB_GRANDPA, CHARLIE_GRANDPA]) for n in (3, 4))


def test_period_thins_out_justifications(make_node: Any) -> None:
    node = make_node(options={"justification_period": 4})
    node.produce(5)
    node.submit(xt(SetGrandpa([(ALICE_GRANDPA, 1)], 1)))  # in block 6
    node.produce(4)
    kept = [n for n in range(1, 10) if node.chain.justification(node.chain.hash_at(n))]
    assert kept == [1, 4, 6, 8]
    assert node.chain.finalized.number == 9


@pytest.mark.parametrize(
    "number, proven, unknown", [(0, 1, 1), (1, 1, 0), (2, 4, 2), (4, 4, 0), (5, 8, 3), (8, 8, 0)]
)
def test_finality_proof(make_node: Any, number: int, proven: int, unknown: int) -> None:
    node = make_node(options={"justification_period": 4})
    node.produce(9)
    proof = prove_finality(node.chain, number)
    assert proof.block == node.chain.hash_at(proven)
    assert [header.number for header in proof.unknown_headers] == list(range(number + 1, proven + 1))
    assert len(proof.unknown_headers) == unknown
    assert finalizes(proof.justification, proof.block, proven, 0, {ALICE_GRANDPA: 1})
    assert decode(FinalityProof, encode(FinalityProof, proof)) == proof


@pytest.mark.parametrize("number", [-1, 9, 10, 1 << 40])
def test_no_finality_proof(make_node: Any, number: int) -> None:
    node = make_node(options={"justification_period": 4})
    node.produce(9)
    with pytest.raises(NotFinalized) as caught:
        prove_finality(node.chain, number)
    assert caught.value.data() == {"number": number, "finalized": 9}


@pytest.mark.parametrize("lag, period", [(-1, 1), (0, 0)])
def test_settings_are_checked(node: Any, lag: int, period: int) -> None:
    with pytest.raises(ValueError, match="lag"):
        Finalizer(node.chain, {}, lag=lag, period=period)

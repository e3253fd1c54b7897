"""A GRANDPA chain for tests: genesis state, headers, and voters who sign what they are told to."""

from __future__ import annotations

from collections.abc import Sequence

from integritee.crypto import Ed25519Pair, blake2_256
from integritee.enclave.parentchain.light_client import (
    AUTHORITIES_KEY,
    GENESIS_KEYS,
    LEGACY_AUTHORITIES_KEY,
    SET_ID_KEY,
    LightClient,
)
from integritee.primitives.grandpa import (
    Authority,
    Commit,
    ConsensusLog,
    GrandpaJustification,
    Precommit,
    ScheduledChange,
    SignedPrecommit,
    precommit_payload,
)
from integritee.primitives.header import GRANDPA_ENGINE, Consensus, Digest, DigestItem, Header, aura_slot_digest
from integritee.scale import encode, u64
from integritee.trie import EMPTY_ROOT, Trie

Voters = Sequence[Ed25519Pair]


def voters(name: str, count: int) -> list[Ed25519Pair]:
    return [Ed25519Pair.from_seed(blake2_256(f"{name} {i}".encode())) for i in range(count)]


def authorities(pairs: Voters, weight: int = 1) -> list[Authority]:
    return [(pair.public, weight) for pair in pairs]


OLD, NEW = voters("old", 4), voters("new", 7)


def state(stored: list[Authority] | None, *, set_id: int | None = 0, legacy: list[Authority] | None = None) -> Trie:
    """A genesis state with GRANDPA storage amid other things."""
    items = {blake2_256(bytes([i])): b"value %d" % i * 9 for i in range(50)}
    if stored is not None:
        items[AUTHORITIES_KEY] = encode(list[Authority], stored)
    if set_id is not None:
        items[SET_ID_KEY] = encode(u64, set_id)
    if legacy is not None:
        items[LEGACY_AUTHORITIES_KEY] = b"\x01" + encode(list[Authority], legacy)
    return Trie.from_items(items)


def genesis(trie: Trie) -> Header:
    return Header(bytes(32), 0, trie.root(), EMPTY_ROOT, Digest([]))


def started(pairs: Voters = OLD) -> LightClient:
    trie = state(authorities(pairs))
    return LightClient.start(genesis(trie), trie.prove(GENESIS_KEYS))


def log(item: ConsensusLog) -> DigestItem:
    return Consensus(GRANDPA_ENGINE, encode(ConsensusLog, item))


def change_to(pairs: Voters, delay: int) -> DigestItem:
    return log(ScheduledChange(authorities(pairs), delay))


def extend(
    parent: Header, count: int, logs: dict[int, list[DigestItem]] | None = None, salt: bytes = b""
) -> list[Header]:
    """Headers behind `parent`; `logs` are digest items by block number."""
    headers: list[Header] = []
    for number in range(parent.number + 1, parent.number + count + 1):
        digest = Digest([aura_slot_digest(number), *(logs or {}).get(number, [])])
        root = blake2_256(salt + number.to_bytes(4, "little"))
        parent = Header(parent.hash(), number, root, EMPTY_ROOT, digest)
        headers.append(parent)
    return headers


def vote(pair: Ed25519Pair, block: Header, round: int = 1, set_id: int = 0) -> SignedPrecommit:
    precommit = Precommit(block.hash(), block.number)
    return SignedPrecommit(precommit, pair.sign(precommit_payload(precommit, round, set_id)), pair.public)


def justification(
    target: Header, votes: list[SignedPrecommit], ancestry: Sequence[Header] = (), round: int = 1
) -> bytes:
    commit = Commit(target.hash(), target.number, votes)
    return encode(GrandpaJustification, GrandpaJustification(round, commit, list(ancestry)))


def justified(target: Header, pairs: Voters, set_id: int = 0, round: int = 1) -> bytes:
    return justification(target, [vote(pair, target, round, set_id) for pair in pairs], round=round)

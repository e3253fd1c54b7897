"""GRANDPA chains for tests: genesis state, headers, and voters who sign what they are told to; and a relay chain
with the heads of its parachains in its state."""

from __future__ import annotations

from collections.abc import Sequence

from integritee.boundary.messages import Leap, RelayFinality
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
from integritee.primitives.parachain import para_head_key
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


# --- a relay chain

PARA_ID, OTHER_PARA = 2039, 2040


def headless() -> Header:
    """A genesis without GRANDPA, as parachains have."""
    return genesis(state(None, set_id=None))


class RelayChain:
    """Grows by blocks whose state names the heads of two parachains; `sets` are its voters, one after the other."""

    def __init__(self, *sets: Voters) -> None:
        self.sets = sets or (OLD,)
        self.origin = state(authorities(self.sets[0]))
        self.headers = [genesis(self.origin)]
        self.states = [self.origin]
        self.ends: list[int] = []
        """The last block of each set that others have followed."""

    @property
    def genesis(self) -> Header:
        return self.headers[0]

    @property
    def head(self) -> Header:
        return self.headers[-1]

    def grow(self, para: Header | None = None, other: Header | None = None, *, change: bool = False) -> Header:
        """A block after which the parachains have these heads, their former ones if unsaid, and which may be the last
        of its voters."""
        heads = {PARA_ID: para, OTHER_PARA: other}
        written = {para_head_key(i): encode(bytes, head.encoded()) for i, head in heads.items() if head is not None}
        self.states.append(self.states[-1].commit(written))
        number, logs = len(self.headers), [aura_slot_digest(len(self.headers))]
        if change:
            self.ends.append(number)
            logs.append(change_to(self.sets[len(self.ends)], 0))
        root = self.states[-1].root()
        self.headers.append(Header(self.head.hash(), number, root, EMPTY_ROOT, Digest(logs)))
        return self.head

    def justification(self, number: int) -> bytes:
        set_id = sum(end < number for end in self.ends)
        return justified(self.headers[number], self.sets[set_id], set_id=set_id)

    def prove(self, number: int, para_id: int = PARA_ID) -> list[bytes]:
        return self.states[number].prove([para_head_key(para_id)])

    def leaps(self, after: int, before: int) -> list[Leap]:
        return [Leap([self.headers[n]], self.justification(n)) for n in self.ends if after < n < before]

    def finality(self, after: int = 0, number: int | None = None) -> RelayFinality:
        """What shows the head at block `number`, or the last one, to who knows block `after`."""
        number = self.head.number if number is None else number
        leaps = self.leaps(after, number)
        return RelayFinality(leaps, self.headers[number], self.justification(number), self.prove(number))

"""A parachain under its relay chain: which of its blocks count, and what a host may not make of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from integritee.boundary.messages import Checkpoint, RelayFinality, RelayParams
from integritee.crypto import blake2_256
from integritee.enclave.parentchain import errors as e
from integritee.enclave.parentchain.header_chain import HeaderChain
from integritee.enclave.parentchain.light_client import GENESIS_KEYS
from integritee.enclave.parentchain.relayed_chain import RelayedChain, start_relay
from integritee.enclave.selftest.damage import flipped
from integritee.primitives.header import Header
from integritee.primitives.parachain import para_head_key
from integritee.scale import encode
from integritee.trie import Trie

from .grandpa_chain import (
    NEW,
    OLD,
    OTHER_PARA,
    PARA_ID,
    RelayChain,
    Voters,
    authorities,
    change_to,
    extend,
    headless,
    justified,
    voters,
)

ORIGIN = headless()
PARA = extend(ORIGIN, 12)
OTHER = extend(ORIGIN, 12, salt=b"other parachain")
FORK = extend(PARA[3], 8, salt=b"fork")
THIRD = voters("third", 3)


def relay_of(paras: Sequence[Header]) -> RelayChain:
    """Three sets of voters; every third block brings a head, by twos; those of another parachain are beside it."""
    relay = RelayChain(OLD, NEW, THIRD)
    for number in range(1, 19):
        para = paras[number // 3 * 2 - 1] if number % 3 == 0 else None
        relay.grow(para, OTHER[number // 2] if number % 2 else None, change=number in (7, 13))
    return relay


RELAY = relay_of(PARA)
"""Block 3n proves block 2n of the parachain."""


def params(relay: RelayChain = RELAY) -> RelayParams:
    return RelayParams(relay.genesis, relay.origin.prove(GENESIS_KEYS), PARA_ID)


def fresh() -> RelayedChain:
    return RelayedChain(HeaderChain.start(ORIGIN), PARA_ID, start_relay(params()), is_proven=True)


def test_key_of_a_head() -> None:
    """Of parachain 1000: the pallet, the item, eight bytes of XXH64, and the id itself."""
    assert para_head_key(1000).hex() == (
        "cd710b30bd2eab0352ddcc26417aa1941b3c252fcb29d88eff4f3de5de4476c3b6ff6f7d467b87a9e8030000"
    )


@pytest.mark.parametrize("stride", [3, 6, 9, 18], ids=lambda s: f"every {s} relay blocks")
def test_the_relay_chain_finalizes_the_parachain(stride: int) -> None:
    """In larger or smaller steps, over changes of the relay chain's voters."""
    chain, known = fresh(), 0
    for number in range(stride, 19, stride):
        at, until = chain.chain.head.number, number // 3 * 2
        assert chain.import_batch(PARA[at:until], RELAY.finality(known, number)) == PARA[at:until]
        assert (chain.chain.head, chain.relay.head) == (PARA[until - 1], RELAY.headers[number])
        known = number
    assert chain.relay.state.set_id == 2


@given(stops=st.sets(st.integers(3, 17)))
@settings(deadline=None, max_examples=60)
def test_every_way_leads_to_the_same_knowledge(stops: set[int]) -> None:
    """Wherever a host stops on the way, with or without new blocks, the enclave knows the same in the end."""
    chain, known = fresh(), 0
    for number in [*sorted(stops), 18]:
        at, until = chain.chain.head.number, number // 3 * 2
        assert chain.import_batch(PARA[at:until], RELAY.finality(known, number)) == PARA[at:until]
        known = number
    straight = fresh()
    straight.import_batch(PARA, RELAY.finality())
    assert (chain.chain.state, chain.relay.state) == (straight.chain.state, straight.relay.state)


def test_the_relay_chain_goes_on_without_the_parachain() -> None:
    chain = fresh()
    chain.import_batch(PARA[:2], RELAY.finality(0, 3))
    assert chain.import_batch([], RELAY.finality(3, 5)) == []
    assert (chain.chain.head, chain.relay.head.number) == (PARA[1], 5)
    chain.import_batch(PARA[2:4], RELAY.finality(5, 7))
    assert (chain.relay.head.number, chain.relay.state.set_id) == (7, 1)


def test_the_same_relay_block_may_be_shown_again() -> None:
    chain = fresh()
    chain.import_batch(PARA[:2], RELAY.finality(0, 4))
    again = replace(RELAY.finality(4, 4), justification=b"")
    assert chain.import_batch([], again) == []


def test_a_relay_chain_from_a_checkpoint() -> None:
    checkpoint = Checkpoint(RELAY.headers[8], 1, authorities(NEW))
    relay = start_relay(replace(params(), checkpoint=checkpoint))
    chain = RelayedChain(HeaderChain.start(ORIGIN), PARA_ID, relay, is_proven=True)
    chain.import_batch(PARA[:6], RELAY.finality(8, 9))
    assert chain.chain.head == PARA[5]


def test_a_relay_chain_with_leaps() -> None:
    relay = start_relay(replace(params(), leaps=RELAY.leaps(0, 19)))
    assert (relay.head.number, relay.state.set_id) == (13, 2)


@pytest.mark.parametrize(
    ("altered", "cause"),
    [
        (replace(params(), genesis=RELAY.headers[1]), "parentchain.authorities_not_proven"),
        (replace(params(), authorities_proof=[]), "parentchain.authorities_not_proven"),
        (replace(params(), genesis=ORIGIN, authorities_proof=[]), "parentchain.authorities_not_proven"),
        (replace(params(), leaps=RELAY.leaps(7, 19)), "parentchain.unknown_voter"),
        (
            replace(params(), checkpoint=Checkpoint(RELAY.genesis, 0, authorities(OLD))),
            "parentchain.invalid_checkpoint",
        ),
        (
            replace(params(), checkpoint=Checkpoint(RELAY.headers[7], 1, authorities(OLD))),
            "parentchain.invalid_checkpoint",
        ),
        (replace(params(), checkpoint=Checkpoint(RELAY.headers[8], 1, [])), "parentchain.invalid_authority_set"),
    ],
    ids=[
        "no genesis",
        "no voters proven",
        "another chain's genesis",
        "leaps that miss a set",
        "checkpoint at genesis",
        "checkpoint with dismissed voters",
        "checkpoint without voters",
    ],
)
def test_relay_chains_that_cannot_be_started(altered: RelayParams, cause: str) -> None:
    with pytest.raises(e.RelayChainRefused) as caught:
        start_relay(altered)
    assert caught.value.cause == cause


def test_a_parachain_is_no_relay_chain() -> None:
    with pytest.raises(e.RelayChainRefused) as caught:
        start_relay(RelayParams(ORIGIN, Trie.from_items({}).prove([]), PARA_ID))
    assert caught.value.cause == "parentchain.authorities_not_proven"


Evidence = Callable[[], RelayFinality]

HONEST = RELAY.finality(0, 9)


def by(number: int, pairs: Voters, set_id: int) -> bytes:
    return justified(RELAY.headers[number], pairs, set_id=set_id)


def with_proof(proof: list[bytes]) -> RelayFinality:
    return replace(HONEST, proof=proof)


def invented(head: bytes | None, pairs: Voters = NEW) -> RelayFinality:
    """A relay block of the host's own making, whose state says what it likes."""
    trie = RELAY.states[9].commit({para_head_key(PARA_ID): head})
    header = replace(RELAY.headers[9], state_root=trie.root())
    return replace(
        HONEST,
        header=header,
        justification=justified(header, pairs, set_id=1),
        proof=trie.prove([para_head_key(PARA_ID)]),
    )


STRANGERS = voters("stranger", 7)

LIES: dict[str, tuple[list[Header], RelayFinality, type[e.LightClientError], str | None]] = {
    # whose head it is
    "too few blocks": (PARA[:5], HONEST, e.WrongParaHead, None),
    "too many blocks": (PARA[:7], HONEST, e.WrongParaHead, None),
    "blocks of a fork": ([*PARA[:4], *FORK[:2]], HONEST, e.WrongParaHead, None),
    "another parachain's blocks": (OTHER[:5], HONEST, e.WrongParaHead, None),
    "another parachain's head": (
        OTHER[:5],
        with_proof(RELAY.prove(9, OTHER_PARA)),
        e.ParaHeadNotProven,
        "trie.proof_incomplete",
    ),
    "a head of the past": (PARA[:4], HONEST, e.WrongParaHead, None),
    "no news of the parachain": ([], HONEST, e.WrongParaHead, None),
    # how it is proven
    "no proof": (PARA[:6], with_proof([]), e.ParaHeadNotProven, "trie.proof_root_missing"),
    "a proof of the past": (PARA[:6], with_proof(RELAY.prove(6)), e.ParaHeadNotProven, "trie.proof_root_missing"),
    "half a proof": (PARA[:6], with_proof(HONEST.proof[:-1]), e.ParaHeadNotProven, "trie.proof_incomplete"),
    "a padded proof": (PARA[:6], with_proof([*HONEST.proof, b"\0"]), e.ParaHeadNotProven, "trie.proof_unused_node"),
    "a parachain unknown to the relay chain": (PARA[:2], RELAY.finality(0, 1), e.NoParaHead, None),
    "a head that is no vector": (PARA[:6], invented(b"\xff"), e.ParaHeadNotProven, "scale.unexpected_end"),
    "a head that is no header": (PARA[:6], invented(encode(bytes, b"")), e.WrongParaHead, None),
    "a head taken off": (PARA[:6], invented(None), e.NoParaHead, None),
    # who finalizes the relay chain
    "relay block without votes": (
        PARA[:6],
        replace(HONEST, justification=b""),
        e.RelayChainRefused,
        "parentchain.malformed_justification",
    ),
    "relay block with too few votes": (
        PARA[:6],
        replace(HONEST, justification=by(9, NEW[:4], 1)),
        e.RelayChainRefused,
        "parentchain.insufficient_weight",
    ),
    "relay block with an older block's votes": (
        PARA[:6],
        replace(HONEST, justification=RELAY.justification(8)),
        e.RelayChainRefused,
        "parentchain.wrong_target",
    ),
    "relay block of strangers": (
        PARA[:6],
        invented(encode(bytes, PARA[5].encoded()), STRANGERS),
        e.RelayChainRefused,
        "parentchain.unknown_voter",
    ),
    "relay block by dismissed voters": (
        PARA[:6],
        replace(HONEST, justification=by(9, OLD, 0)),
        e.RelayChainRefused,
        "parentchain.unknown_voter",
    ),
    "relay block without the leap before it": (
        PARA[:6],
        replace(HONEST, leaps=[]),
        e.RelayChainRefused,
        "parentchain.unknown_voter",
    ),
    "leap without an announcement": (
        PARA[:6],
        replace(HONEST, leaps=[replace(HONEST.leaps[0], headers=[RELAY.headers[6]], justification=by(6, OLD, 0))]),
        e.RelayChainRefused,
        "parentchain.not_set_change",
    ),
    "leap into the arms of strangers": (
        PARA[:6],
        replace(
            HONEST,
            leaps=[
                replace(
                    HONEST.leaps[0],
                    headers=extend(RELAY.headers[6], 1, {7: [change_to(STRANGERS, 0)]}),
                    justification=justified(
                        extend(RELAY.headers[6], 1, {7: [change_to(STRANGERS, 0)]})[0], STRANGERS
                    ),
                )
            ],
        ),
        e.RelayChainRefused,
        "parentchain.unknown_voter",
    ),
    "relay block of the past": (PARA[:2], RELAY.finality(0, 2), e.RelayChainRefused, "parentchain.already_finalized"),
    # which headers
    "a missing block": ([*PARA[:3], *PARA[4:6]], HONEST, e.NotConsecutive, None),
    "a block from the fork": ([*PARA[:4], FORK[0], PARA[5]], HONEST, e.ParentMismatch, None),
    "an altered block": ([*PARA[:5], replace(PARA[5], state_root=bytes(32))], HONEST, e.WrongParaHead, None),
}


@pytest.mark.parametrize("name", LIES)
def test_lies(name: str) -> None:
    headers, finality, error, cause = LIES[name]
    chain = fresh()
    known = 0
    if cause == "parentchain.already_finalized":
        chain.relay.skip_to(RELAY.headers[3], RELAY.justification(3))
        known = 3
    before = (chain.chain.state, chain.relay.state)
    with pytest.raises(e.LightClientError) as caught:
        chain.import_batch(headers, finality)
    assert type(caught.value) is error
    assert getattr(caught.value, "cause", None) == cause
    assert (chain.chain.state, chain.relay.state) == before
    assert chain.import_batch(PARA[:6], RELAY.finality(known, 9)) == PARA[:6]


@given(which=st.integers(0, 3), at=st.integers(0, 4000), mask=st.integers(1, 255))
@settings(deadline=None, max_examples=150)
def test_no_altered_proof_is_accepted(which: int, at: int, mask: int) -> None:
    nodes = list(HONEST.proof)
    node = nodes[which % len(nodes)]
    nodes[which % len(nodes)] = flipped(node, at % len(node), mask)
    chain = fresh()
    with pytest.raises(e.ParaHeadNotProven):
        chain.import_batch(PARA[:6], with_proof(nodes))
    assert chain.chain.head == ORIGIN


def test_a_head_is_what_its_bytes_say() -> None:
    """The header's hash is that of the bytes on the relay chain, which is what collators build on."""
    assert blake2_256(PARA[5].encoded()) == PARA[5].hash()

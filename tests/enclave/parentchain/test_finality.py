"""Levels of trust: which one a chain is met with, that it is sealed, that it never falls; and checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
from msgspec.structs import replace

from integritee.boundary.messages import Checkpoint, Leap, ParentchainParams, RelayParams, RuntimeFacts
from integritee.enclave.errors import ForeignGenesis
from integritee.enclave.parentchain import errors as e
from integritee.enclave.parentchain.finality import STATE_FORMAT, FinalizedChain, Trust
from integritee.enclave.parentchain.header_chain import MAX_HEADERS, BlockId
from integritee.enclave.parentchain.light_client import GENESIS_KEYS
from integritee.errors import IntegriteeError
from integritee.primitives.header import Header
from integritee.primitives.ids import ParentchainId
from integritee.scale import DecodeError
from integritee.trie import Trie

from .grandpa_chain import NEW, OLD, PARA_ID, RelayChain, authorities, change_to, extend, genesis, justified, state

SOLO, PARACHAIN = state(authorities(OLD)), state(None, set_id=None)
"""Genesis states: of a chain with GRANDPA, and of one without."""

SOLO_CHAIN = extend(genesis(SOLO), 12, {4: [change_to(NEW, 0)]})
PARA_CHAIN = extend(genesis(PARACHAIN), 12)


def params(trie: Trie) -> ParentchainParams:
    runtime = RuntimeFacts(b"", 1, 1)
    return ParentchainParams(ParentchainId.Integritee, genesis(trie), trie.prove(GENESIS_KEYS), runtime, 0, 0)


RELAY = RelayChain(OLD, NEW)
for number, head in enumerate(PARA_CHAIN, 1):
    RELAY.grow(head, change=number == 6)

RELAY_PARAMS = RelayParams(RELAY.genesis, RELAY.origin.prove(GENESIS_KEYS), PARA_ID)
ELSEWHERE = RelayChain(NEW)

GRANDPA, UNPROVEN = params(SOLO), params(PARACHAIN)
RELAYED = replace(UNPROVEN, relay=RELAY_PARAMS)


def grown(start: ParentchainParams, until: int = 4) -> FinalizedChain:
    """The chain of `start`, followed to block `until`."""
    chain = FinalizedChain.start(start)
    proceed(chain, until)
    return chain


def proceed(chain: FinalizedChain, until: int) -> None:
    """An honest host goes on, in two steps if there is a change of voters between."""
    at, known = chain.head.number, chain.relay_number
    if known is not None:
        chain.import_batch(PARA_CHAIN[at:until], {}, RELAY.finality(known, until))
    elif chain.trust == "unproven":
        chain.import_batch(PARA_CHAIN[at:until], {})
    else:
        votes = {n: justified(SOLO_CHAIN[n - 1], *((OLD, 0) if n <= 4 else (NEW, 1))) for n in (4, until)}
        chain.import_batch(SOLO_CHAIN[at:until], votes)


LEVELS: list[tuple[Trust, ParentchainParams]] = [("grandpa", GRANDPA), ("relay", RELAYED), ("unproven", UNPROVEN)]
levels = pytest.mark.parametrize(("trust", "start"), LEVELS, ids=[name for name, _ in LEVELS])


# -- levels


@levels
def test_level_at_first_contact(trust: Trust, start: ParentchainParams) -> None:
    chain = FinalizedChain.start(start)
    assert (chain.trust, chain.head, chain.genesis_hash) == (trust, start.genesis, start.genesis.hash())
    assert (chain.relay_number is not None) == (trust == "relay")
    assert chain.checkpoint is chain.relay_checkpoint is None


@levels
def test_it_goes_on_after_a_restart(trust: Trust, start: ParentchainParams) -> None:
    """At every block, sealed and restored, it is where an uninterrupted one is."""
    steady = grown(start)
    for until in (5, 7, 12):
        resumed = FinalizedChain.resume(steady.encode_state(), start)
        assert (resumed.trust, resumed.head, resumed.relay_number) == (trust, steady.head, steady.relay_number)
        proceed(resumed, until)
        proceed(steady, until)
        assert resumed.encode_state() == steady.encode_state()
    assert steady.head.number == 12


@levels
def test_a_copy_goes_its_own_way(trust: Trust, start: ParentchainParams) -> None:
    chain = grown(start)
    before = chain.encode_state()
    copied = chain.copy()
    proceed(copied, 12)
    assert chain.encode_state() == before
    proceed(chain, 12)
    assert chain.encode_state() == copied.encode_state()


def test_followed_unproven_headers_still_form_a_chain() -> None:
    chain = grown(UNPROVEN)
    with pytest.raises(e.ParentMismatch):
        chain.import_batch(extend(extend(PARA_CHAIN[2], 1, salt=b"fork")[0], 1), {})
    with pytest.raises(e.ChainTooLong):
        chain.import_batch(PARA_CHAIN[4:5] * (MAX_HEADERS + 1), {})
    assert chain.head == PARA_CHAIN[3]


def test_an_unproven_chain_can_be_proven_from_now_on() -> None:
    """What is behind the proven block then is proven as well, as its ancestors; until then nothing is."""
    chain = FinalizedChain.resume(grown(UNPROVEN).encode_state(), RELAYED)
    assert (chain.trust, chain.relay_number) == ("unproven", 0)
    again = FinalizedChain.resume(chain.encode_state(), RELAYED)
    proceed(again, 7)
    assert (again.trust, again.head.number) == ("relay", 7)
    with pytest.raises(e.FinalityDowngrade):
        FinalizedChain.resume(again.encode_state(), UNPROVEN)


def test_a_false_branch_cannot_be_proven_from_now_on() -> None:
    chain = FinalizedChain.start(UNPROVEN)
    chain.import_batch(extend(UNPROVEN.genesis, 4, salt=b"false"), {})
    proven = FinalizedChain.resume(chain.encode_state(), RELAYED)
    with pytest.raises(e.ParentMismatch):
        proven.import_batch(PARA_CHAIN[4:7], {}, RELAY.finality(0, 7))
    assert proven.trust == "unproven"


Lie = Callable[[], object]


def resume(start: ParentchainParams, later: ParentchainParams) -> Lie:
    return lambda: FinalizedChain.resume(grown(start).encode_state(), later)


def begin(start: ParentchainParams) -> Lie:
    return lambda: FinalizedChain.start(start)


def checkpoint(header: Header, *, voters: bool) -> Checkpoint:
    return Checkpoint(header, 1, authorities(NEW) if voters else [])


DOWNGRADES: dict[str, tuple[Lie, type[IntegriteeError]]] = {
    "voters concealed at genesis": (
        begin(replace(GRANDPA, authorities_proof=UNPROVEN.authorities_proof)),
        e.AuthoritiesNotProven,
    ),
    "nothing proven at genesis": (begin(replace(UNPROVEN, authorities_proof=[])), e.AuthoritiesNotProven),
    "voters concealed at a checkpoint": (
        begin(replace(GRANDPA, checkpoint=checkpoint(SOLO_CHAIN[5], voters=False))),
        e.FinalityDowngrade,
    ),
    "voters concealed at a checkpoint, for a relay chain": (
        begin(replace(GRANDPA, relay=RELAY_PARAMS, checkpoint=checkpoint(SOLO_CHAIN[5], voters=False))),
        e.FinalityDowngrade,
    ),
    "a relay chain for a chain with voters": (begin(replace(GRANDPA, relay=RELAY_PARAMS)), e.NotParachain),
    "a relay chain for a checkpoint with voters": (
        begin(replace(GRANDPA, relay=RELAY_PARAMS, checkpoint=checkpoint(SOLO_CHAIN[5], voters=True))),
        e.NotParachain,
    ),
    "a relay chain for a chain with voters, later": (
        resume(GRANDPA, replace(GRANDPA, relay=RELAY_PARAMS)),
        e.NotParachain,
    ),
    "the relay chain withheld": (resume(RELAYED, UNPROVEN), e.FinalityDowngrade),
    "another relay chain": (
        resume(RELAYED, replace(RELAYED, relay=replace(RELAY_PARAMS, genesis=ELSEWHERE.genesis))),
        e.ForeignRelayChain,
    ),
    "another parachain of the relay chain": (
        resume(RELAYED, replace(RELAYED, relay=replace(RELAY_PARAMS, para_id=PARA_ID + 1))),
        e.ForeignPara,
    ),
    "a relay chain without voters": (
        begin(replace(UNPROVEN, relay=replace(RELAY_PARAMS, genesis=UNPROVEN.genesis))),
        e.RelayChainRefused,
    ),
    "another chain": (resume(RELAYED, replace(GRANDPA, relay=RELAY_PARAMS)), ForeignGenesis),
    "another chain of voters": (resume(GRANDPA, params(state(authorities(NEW)))), ForeignGenesis),
    "blocks without the relay chain": (
        lambda: grown(RELAYED).import_batch(PARA_CHAIN[4:6], {}),
        e.MissingRelayFinality,
    ),
    "nothing without the relay chain": (lambda: grown(RELAYED).import_batch([], {}), e.MissingRelayFinality),
    "votes of strangers instead of the relay chain": (
        lambda: grown(RELAYED).import_batch(PARA_CHAIN[4:5], {5: justified(PARA_CHAIN[4], OLD)}),
        e.MissingRelayFinality,
    ),
    "the relay chain instead of votes": (
        lambda: grown(GRANDPA).import_batch(SOLO_CHAIN[4:6], {}, RELAY.finality(0, 6)),
        e.UnexpectedRelayFinality,
    ),
    "a relay chain nobody has met": (
        lambda: grown(UNPROVEN).import_batch(PARA_CHAIN[4:6], {}, RELAY.finality(0, 6)),
        e.UnexpectedRelayFinality,
    ),
    "no votes": (lambda: grown(GRANDPA).import_batch(SOLO_CHAIN[4:6], {}), e.MissingJustification),
    "no blocks": (lambda: grown(UNPROVEN).import_batch([], {}), e.EmptyChain),
    "no blocks of a chain with voters": (lambda: grown(GRANDPA).import_batch([], {}), e.EmptyChain),
    "a state of another version": (
        lambda: FinalizedChain.resume(b"fin0" + grown(GRANDPA).encode_state()[4:], GRANDPA),
        e.UnknownStateFormat,
    ),
    "half a state": (lambda: FinalizedChain.resume(grown(GRANDPA).encode_state()[:-1], GRANDPA), DecodeError),
}


@pytest.mark.parametrize("name", DOWNGRADES)
def test_downgrades_are_refused(name: str) -> None:
    lie, error = DOWNGRADES[name]
    with pytest.raises(error) as caught:
        lie()
    assert type(caught.value) is error or error is DecodeError


def test_a_refusal_says_what_is_in_force() -> None:
    with pytest.raises(e.FinalityDowngrade) as caught:
        resume(RELAYED, UNPROVEN)()
    assert vars(caught.value) == {"expected": "relay", "found": "unproven"}


@pytest.mark.parametrize(
    ("later", "error"),
    [
        ({}, e.MissingRelayFinality),
        ({"relay": RELAY.finality(4, 5)}, e.WrongParaHead),
        ({"relay": replace(RELAY.finality(4, 6), proof=[])}, e.ParaHeadNotProven),
        ({"relay": replace(RELAY.finality(4, 7), leaps=[])}, e.RelayChainRefused),
    ],
    ids=["no evidence", "another block's", "no proof", "no leap"],
)
def test_a_refusal_changes_nothing(later: dict[str, object], error: type[e.LightClientError]) -> None:
    chain = grown(RELAYED)
    before = chain.encode_state()
    with pytest.raises(error):
        chain.import_batch(PARA_CHAIN[4:6], {}, **later)  # type: ignore[arg-type]
    assert chain.encode_state() == before
    proceed(chain, 6)


def test_the_state_says_of_which_version_it_is() -> None:
    assert grown(GRANDPA).encode_state().startswith(STATE_FORMAT)


# -- leaps


def test_leaps() -> None:
    chain = FinalizedChain.start(GRANDPA)
    leap = Leap(SOLO_CHAIN[3:4], justified(SOLO_CHAIN[3], OLD))
    assert chain.warp([leap]) == SOLO_CHAIN[3]
    proceed(chain, 12)


@pytest.mark.parametrize("start", [RELAYED, UNPROVEN], ids=["relay", "unproven"])
def test_nothing_to_leap_by(start: ParentchainParams) -> None:
    chain = FinalizedChain.start(start)
    with pytest.raises(e.NothingToLeapBy):
        chain.warp([Leap(SOLO_CHAIN[3:4], justified(SOLO_CHAIN[3], OLD))])


# -- checkpoints


@pytest.mark.parametrize(
    ("trust", "start", "chain"),
    [("grandpa", GRANDPA, SOLO_CHAIN), ("relay", RELAYED, PARA_CHAIN), ("unproven", UNPROVEN, PARA_CHAIN)],
    ids=["grandpa", "relay", "unproven"],
)
def test_start_at_a_checkpoint(trust: Trust, start: ParentchainParams, chain: list[Header]) -> None:
    """Its level is as at genesis; it is sealed, and does not matter any more once it lies behind."""
    with_checkpoint = replace(start, checkpoint=checkpoint(chain[5], voters=trust == "grandpa"))
    started = FinalizedChain.start(with_checkpoint)
    assert (started.trust, started.head, started.genesis_hash) == (trust, chain[5], start.genesis.hash())
    proceed(started, 9)
    for later in (start, with_checkpoint, replace(with_checkpoint, checkpoint=checkpoint(chain[7], voters=True))):
        resumed = FinalizedChain.resume(started.encode_state(), later)
        assert (resumed.trust, resumed.head) == (trust, chain[8])
        assert resumed.checkpoint == BlockId.of(chain[5])
        proceed(resumed, 12)


def test_a_relay_chain_from_a_checkpoint() -> None:
    relay = replace(RELAY_PARAMS, checkpoint=Checkpoint(RELAY.headers[7], 1, authorities(NEW)))
    chain = FinalizedChain.start(replace(RELAYED, relay=relay))
    assert (chain.relay_number, chain.checkpoint, chain.relay_checkpoint) == (7, None, BlockId.of(RELAY.headers[7]))
    proceed(chain, 8)
    assert FinalizedChain.resume(chain.encode_state(), RELAYED).relay_checkpoint == BlockId.of(RELAY.headers[7])


def elsewhere(number: int) -> Checkpoint:
    """A block that another chain has at this height."""
    return checkpoint(extend(GRANDPA.genesis, number, salt=b"elsewhere")[-1], voters=True)


def follow_past(number: int, how: str) -> None:
    """From block 6 on, when block `number` of another chain is configured."""
    start = replace(GRANDPA, checkpoint=checkpoint(SOLO_CHAIN[5], voters=True))
    sealed = FinalizedChain.start(start).encode_state()
    chain = FinalizedChain.resume(sealed, replace(GRANDPA, checkpoint=elsewhere(number)))
    if how == "blocks":
        proceed(chain.copy(), 12)
    else:
        headers = SOLO_CHAIN[6:]
        chain.warp([Leap(headers, justified(headers[-1], NEW, set_id=1))])


@pytest.mark.parametrize(
    ("number", "how"),
    [*product((6, 7, 9, 12), ["blocks"]), (9, "leaps")],
    ids=lambda value: str(value),
)
def test_a_chain_that_does_not_go_through_its_checkpoint(number: int, how: str) -> None:
    """Where it has begun, or wherever it comes by."""
    with pytest.raises(e.ForeignCheckpoint) as caught:
        follow_past(number, how)
    assert vars(caught.value) == {
        "number": number,
        "found": SOLO_CHAIN[number - 1].hash(),
        "expected": elsewhere(number).header.hash(),
    }


def test_a_checkpoint_yet_to_come_is_not_jumped_to() -> None:
    """Of what is sealed the host has no say any more: it would be its word against the chain's votes."""
    later = replace(GRANDPA, checkpoint=Checkpoint(SOLO_CHAIN[8], 1, authorities(NEW)))
    chain = FinalizedChain.resume(grown(GRANDPA).encode_state(), later)
    assert chain.head == SOLO_CHAIN[3]
    proceed(chain, 12)


@pytest.mark.parametrize(
    ("start", "error"),
    [
        (replace(GRANDPA, checkpoint=checkpoint(GRANDPA.genesis, voters=True)), e.InvalidCheckpoint),
        (replace(UNPROVEN, checkpoint=checkpoint(UNPROVEN.genesis, voters=False)), e.InvalidCheckpoint),
        (replace(GRANDPA, checkpoint=Checkpoint(SOLO_CHAIN[3], 1, authorities(OLD))), e.InvalidCheckpoint),
        (
            replace(GRANDPA, genesis=SOLO_CHAIN[0], checkpoint=checkpoint(SOLO_CHAIN[5], voters=True)),
            e.AuthoritiesNotProven,
        ),
        (replace(GRANDPA, genesis=replace(GRANDPA.genesis, number=1)), e.NotGenesis),
    ],
    ids=["genesis", "genesis of a parachain", "dismissed voters", "without a genesis", "first block is no genesis"],
)
def test_refused_checkpoints(start: ParentchainParams, error: type[e.LightClientError]) -> None:
    with pytest.raises(error):
        FinalizedChain.start(start)

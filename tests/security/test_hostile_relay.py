"""A host that lies about a parachain's finality: what it says of the relay chain, and the levels of trust it would
rather have. Every lie is refused by name, nothing has changed then, and the truth is still heard.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from integritee.boundary.messages import Checkpoint
from integritee.enclave.parentchain.justification import MAX_JUSTIFICATION_BYTES
from integritee.errors import IntegriteeError

from ..enclave.core.harness import World
from ..enclave.parentchain.grandpa_chain import NEW, OLD, OTHER_PARA, PARA_ID, RelayChain
from .hostile_host import assert_recovers, memory
from .hostile_relay import (
    ANNOUNCED,
    STRANGERS,
    RelayedWorld,
    altered_last,
    besieged,
    checkpoint,
    edit,
    honest,
    introduce,
    invented,
    of_block,
    own_justification,
    parachain,
    proof_of,
    relay_params,
    restart,
    show,
    strangers_leap,
    voted,
    with_relay,
    without_relay,
)
from .test_hostile_host import Attack

REFUSED, NOT_PROVEN = "parentchain.relay_chain_refused", "parentchain.para_head_not_proven"
WRONG_HEAD, DOWNGRADE = "parentchain.wrong_para_head", "parentchain.finality_downgrade"


@pytest.fixture(scope="module")
def template() -> Iterator[RelayedWorld]:
    world = RelayedWorld(parachain())
    world.run()
    yield world
    world.close()


@pytest.fixture
def world(template: RelayedWorld) -> Iterator[World]:
    """A worker whose host holds four blocks that the enclave has not seen."""
    world = besieged(template)
    yield world
    world.check()
    world.close()


HEADS = [
    Attack("withholder of the relay chain", show(lambda *_: None), "parentchain.missing_relay_finality"),
    Attack("one with voters of its own", own_justification, "parentchain.missing_relay_finality"),
    Attack("one who hurries ahead of the relay chain", show(of_block(-1)), WRONG_HEAD),
    Attack("one who keeps a block back", show(edit(), drop=1), WRONG_HEAD),
    Attack("forger of the last state", altered_last, WRONG_HEAD),
    Attack("prover of another parachain", show(proof_of(para_id=OTHER_PARA)), NOT_PROVEN, "trie.proof_incomplete"),
    Attack("prover of a third parachain", show(proof_of(para_id=PARA_ID + 7)), NOT_PROVEN, "trie.proof_incomplete"),
    Attack("prover of yesterday", show(proof_of(-1)), NOT_PROVEN, "trie.proof_root_missing"),
    Attack("one without proof", show(edit(proof=[])), NOT_PROVEN, "trie.proof_root_missing"),
    Attack("shortener of proofs", show(edit(proof=lambda _, f: f.proof[:-1])), NOT_PROVEN, "trie.proof_incomplete"),
    Attack(
        "padder of proofs", show(edit(proof=lambda _, f: [*f.proof, b"\0"])), NOT_PROVEN, "trie.proof_unused_node"
    ),
]

RELAY_CHAIN = [
    Attack("inventor of a relay block", show(invented(STRANGERS, 1)), REFUSED, "parentchain.unknown_voter"),
    Attack("reviver of dismissed voters", show(invented(OLD, 1)), REFUSED, "parentchain.unknown_voter"),
    Attack("buyer of some voters", show(invented(NEW[:4], 1)), REFUSED, "parentchain.insufficient_weight"),
    Attack("mover of votes to a set", show(voted(NEW, 0)), REFUSED, "parentchain.bad_vote_signature"),
    Attack("withholder of votes", show(edit(justification=b"")), REFUSED, "parentchain.malformed_justification"),
    Attack(
        "speaker without end",
        show(edit(justification=bytes(MAX_JUSTIFICATION_BYTES + 1))),
        REFUSED,
        "parentchain.justification_too_large",
    ),
    Attack(
        "one who shows an old finality",
        show(edit(justification=lambda relay, f: relay.justification(f.header.number - 1))),
        REFUSED,
        "parentchain.wrong_target",
    ),
    Attack(
        "forger of the relay chain's state",
        show(edit(header=lambda _, f: replace(f.header, state_root=bytes(32)))),
        REFUSED,
        "parentchain.wrong_target",
    ),
    Attack(
        "one who goes back",
        show(edit(header=lambda relay, _: relay.headers[2], leaps=[])),
        REFUSED,
        "parentchain.already_finalized",
    ),
    Attack("concealer of a change", show(edit(leaps=[])), REFUSED, "parentchain.unknown_voter"),
    Attack("usurper of the relay chain", show(strangers_leap), REFUSED, "parentchain.unknown_voter"),
    Attack("stutterer", show(edit(leaps=lambda _, f: f.leaps * 2)), REFUSED, "parentchain.already_finalized"),
]

LEVELS = [
    Attack("one who would rather be believed", restart(without_relay), DOWNGRADE),
    Attack(
        "changer of relay chains",
        restart(with_relay(genesis=RelayChain(STRANGERS).genesis)),
        "parentchain.foreign_relay_chain",
    ),
    Attack("changer of parachains", restart(with_relay(para_id=OTHER_PARA)), "parentchain.foreign_para"),
]


@pytest.mark.parametrize("attack", [*HEADS, *RELAY_CHAIN], ids=str)
def test_a_lie_is_refused_and_changes_nothing(world: World, attack: Attack) -> None:
    before = memory(world)
    with pytest.raises(IntegriteeError) as caught:
        attack.lie(world)
    assert (caught.value.code, getattr(caught.value, "cause", None)) == (attack.code, attack.cause)
    assert memory(world) == before
    assert_recovers(world)


@pytest.mark.parametrize("attack", LEVELS, ids=str)
def test_no_restart_lowers_the_level(world: World, attack: Attack) -> None:
    with pytest.raises(IntegriteeError) as caught:
        attack.lie(world)
    assert caught.value.code == attack.code
    assert world.core.integritee.follower is None
    world.connect()
    assert world.core.sync_state().trust == "relay"
    assert_recovers(world)


def test_the_truth_is_told_in_one_request(world: World) -> None:
    """The table's own premise: the honest evidence spans a change of the relay chain's voters, and is taken."""
    request = honest(world)
    assert request.relay is not None
    assert [leap.headers[-1].number for leap in request.relay.leaps] == [ANNOUNCED + 1]
    world.durable(world.core.import_blocks(request))
    state = world.core.sync_state()
    assert (state.trust, state.number, state.relay_number) == ("relay", ANNOUNCED + 3, ANNOUNCED + 3)
    (status,) = world.core.chain_statuses(world.now)
    assert (status.trust, status.relay_number, status.checkpoint) == ("relay", ANNOUNCED + 3, None)
    world.restart()
    assert world.core.sync_state().trust == "relay"
    assert_recovers(world)


def test_a_level_can_rise() -> None:
    """A relay chain that is named later proves what was believed before, or shows that it was false."""
    world = RelayedWorld(parachain())
    try:
        introduce(without_relay)(world)
        world.fund_enclave()
        while not world.core.is_running:
            world.block()
        world.slot()
        assert world.core.sync_state().trust == "unproven"
        world.restart()
        assert world.core.sync_state().trust == "unproven"
        world.block()
        assert world.core.sync_state().trust == "relay"
        world.slot()
        with pytest.raises(IntegriteeError) as caught:
            restart(without_relay)(world)
        assert caught.value.code == DOWNGRADE
    finally:
        world.close()


# -- first contact


def at(number: int, voters: bool) -> Checkpoint:
    return checkpoint(number, NEW if voters else [])


FIRST_CONTACT = [
    Attack(
        "one whose relay chain has no voters",
        relay_params(authorities_proof=[]),
        REFUSED,
        "parentchain.authorities_not_proven",
    ),
    Attack(
        "one whose relay chain starts late",
        relay_params(genesis=checkpoint(7, OLD).header),
        REFUSED,
        "parentchain.authorities_not_proven",
    ),
    Attack("voucher for nobody", relay_params(checkpoint=at(7, False)), REFUSED, "parentchain.invalid_authority_set"),
    Attack("voucher for genesis", relay_params(checkpoint=at(0, True)), REFUSED, "parentchain.invalid_checkpoint"),
    Attack(
        "one who gives a parachain voters",
        introduce(lambda p: replace(p, checkpoint=at(7, True))),
        "parentchain.not_parachain",
    ),
    Attack(
        "concealer of the genesis state",
        introduce(lambda p: replace(p, authorities_proof=[])),
        "parentchain.authorities_not_proven",
        "trie.proof_root_missing",
    ),
    Attack(
        "voucher for a block before the first",
        introduce(lambda p: replace(p, checkpoint=at(0, False))),
        "parentchain.invalid_checkpoint",
    ),
]


@pytest.mark.parametrize("attack", FIRST_CONTACT, ids=str)
def test_a_lie_at_first_contact_leaves_the_enclave_unacquainted(attack: Attack) -> None:
    world = RelayedWorld(parachain())
    try:
        with pytest.raises(IntegriteeError) as caught:
            attack.lie(world)
        assert (caught.value.code, getattr(caught.value, "cause", None)) == (attack.code, attack.cause)
        assert world.core.integritee.follower is None
        world.connect()
        world.block(2)
        assert world.core.sync_state().trust == "relay"
    finally:
        world.close()


def test_a_chain_with_voters_is_not_made_a_parachain() -> None:
    world = World()
    try:
        relay = RelayedWorld(parachain())
        params = relay.chain.params().relay
        relay.close()
        for changes, code in [
            ({"relay": params}, "parentchain.not_parachain"),
            ({"checkpoint": at(7, False)}, DOWNGRADE),
        ]:
            with pytest.raises(IntegriteeError) as caught:
                introduce(lambda p, changes=changes: replace(p, **changes))(world)  # type: ignore[misc]
            assert caught.value.code == code
        world.connect()
        assert world.core.sync_state().trust == "grandpa"
    finally:
        world.close()

"""A worker whose parentchain is a parachain: the real node's chain without voters of its own, and a relay chain whose
state names its heads.

As in `hostile_host` the host holds four blocks that the enclave has not seen. With the second of them the relay chain
changes its voters.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from integritee.boundary.messages import Checkpoint, ImportBlocks, Leap, ParentchainParams, RelayFinality, RelayParams
from integritee.enclave.parentchain.light_client import AUTHORITIES_KEY, GENESIS_KEYS
from integritee.node.producer import Producer
from integritee.node.runtime.runtime import TEER
from integritee.primitives.header import Header
from integritee.primitives.ids import ParentchainId
from integritee.primitives.parachain import para_head_key
from integritee.scale import decode, encode

from ..enclave.core.harness import ANN, BEN, World
from ..enclave.core.parentchain import Parentchain, raw_genesis
from ..enclave.parentchain.grandpa_chain import (
    NEW,
    OLD,
    PARA_ID,
    RelayChain,
    Voters,
    authorities,
    change_to,
    extend,
    justified,
    voters,
)
from ..enclave.store.faulty_directory import FaultyDirectory

ANNOUNCED = 7
"""The first of the four blocks. The next one is the head in the last block of the relay chain's old voters."""

STRANGERS = voters("stranger", 4)

Forge = Callable[[World, RelayFinality], RelayFinality | None]
Lie = Callable[[World], object]


class Parachain(Parentchain):
    """Block n is the head in block n of the relay chain, where another parachain has its block before."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.producer = Producer(self.chain, self.pool, self.keys, votes=False)
        self.relay = RelayChain(OLD, NEW)
        for number in range(1, self.height + 1):
            self._show(number)

    def fork(self) -> Parachain:
        path = Path(tempfile.mkdtemp(prefix="integritee-test-"))
        shutil.copytree(self.path, path, dirs_exist_ok=True)
        return Parachain(path, self.storage, self.keys)

    def produce(self, now: int) -> Header:
        header = super().produce(now)
        self._show(header.number)
        return header

    def _show(self, number: int) -> None:
        self.relay.grow(self.header(number), self.header(number - 1), change=number == ANNOUNCED + 1)

    def header(self, number: int) -> Header:
        header = self.chain.header(self._hash(number))
        assert header is not None
        return header

    def params(self, *args: Any, **kwargs: Any) -> ParentchainParams:
        relay = RelayParams(self.relay.genesis, self.relay.origin.prove(GENESIS_KEYS), PARA_ID)
        return replace(super().params(*args, **kwargs), relay=relay)


class RelayedWorld(World):
    """Its host shows with every batch of blocks that the relay chain finalized the last, if the enclave follows that."""

    def fork(self) -> RelayedWorld:
        directory = FaultyDirectory()
        directory.put_back(self.directory.contents())
        other = RelayedWorld(self.chain.fork(), directory, self.now, self.random, self.ledger)
        other.blocks = list(self.blocks)
        other.connect()
        return other

    def request(self, first: int, last: int, id: ParentchainId = ParentchainId.Integritee) -> ImportBlocks:
        known, request = self.core.sync_state(id).relay_number, super().request(first, last, id)
        return request if known is None else replace(request, relay=relay_of(self).finality(known, last))


def parachain() -> Parachain:
    storage = dict(raw_genesis())
    del storage[AUTHORITIES_KEY]
    return Parachain(storage=storage)


def besieged(template: RelayedWorld) -> RelayedWorld:
    world = template.fork()
    world.block(ANNOUNCED - 1 - world.chain.height)
    world.slot()
    world.shield(ANN, 5 * TEER)
    world.grow(2)
    world.shield(BEN, 7 * TEER)
    world.grow(2)
    assert honest(world).blocks[0].header.number == ANNOUNCED
    assert world.chain.height == ANNOUNCED + 3
    return world


def honest(world: World) -> ImportBlocks:
    return world.request(world.core.sync_state().number + 1, world.chain.height)


# -- what a host may say of the relay chain


def show(forge: Forge, drop: int = 0) -> Lie:
    """The unseen blocks without the last `drop`, and forged evidence, in the bytes that cross the boundary."""

    def lie(world: World) -> object:
        request = honest(world)
        assert request.relay is not None
        blocks = request.blocks[: len(request.blocks) - drop]
        altered = replace(request, blocks=blocks, relay=forge(world, request.relay))
        return world.core.import_blocks(decode(ImportBlocks, encode(ImportBlocks, altered)))

    return lie


def relay_of(world: World) -> RelayChain:
    assert isinstance(world.chain, Parachain)
    return world.chain.relay


def edit(**changes: Any) -> Forge:
    """Replace members of the evidence; values may be functions of (relay chain, evidence)."""

    def forge(world: World, finality: RelayFinality) -> RelayFinality:
        values = {n: value(relay_of(world), finality) if callable(value) else value for n, value in changes.items()}
        return replace(finality, **values)

    return forge


def voted(pairs: Voters, set_id: int) -> Forge:
    """The right block under other votes."""
    return edit(justification=lambda _, finality: justified(finality.header, pairs, set_id=set_id))


def of_block(offset: int) -> Forge:
    """Evidence for an earlier block."""

    def forge(world: World, finality: RelayFinality) -> RelayFinality:
        return relay_of(world).finality(ANNOUNCED - 1, finality.header.number + offset)

    return forge


def proof_of(offset: int = 0, *, para_id: int = PARA_ID) -> Forge:
    """A true proof, but of something else."""
    return edit(proof=lambda relay, finality: relay.prove(finality.header.number + offset, para_id))


def invented(pairs: Voters, set_id: int) -> Forge:
    """A relay block of the host's own making that names the last block it likes."""

    def forge(world: World, finality: RelayFinality) -> RelayFinality:
        relay, number = relay_of(world), finality.header.number
        head = encode(bytes, honest(world).blocks[-1].header.encoded())
        trie = relay.states[number].commit({para_head_key(PARA_ID): head})
        header = replace(finality.header, state_root=trie.root(), parent_hash=bytes(32))
        vote = justified(header, pairs, set_id=set_id)
        return replace(finality, header=header, justification=vote, proof=trie.prove([para_head_key(PARA_ID)]))

    return forge


def strangers_leap(world: World, finality: RelayFinality) -> RelayFinality:
    """The host's own voters take over, on their own word."""
    last = finality.leaps[-1].headers[-1]
    headers = extend(replace(last, number=last.number - 1), 1, {last.number: [change_to(STRANGERS, 0)]})
    return replace(finality, leaps=[Leap(headers, justified(headers[0], STRANGERS))])


def altered_last(world: World) -> object:
    """The parachain's last block has another state than the relay chain has seen."""
    request = honest(world)
    last = request.blocks[-1]
    blocks = [*request.blocks[:-1], replace(last, header=replace(last.header, state_root=bytes(32)))]
    return world.core.import_blocks(replace(request, blocks=blocks))


def own_justification(world: World) -> object:
    """Strangers vote for the parachain's block, as if it had voters."""
    request = honest(world)
    last = request.blocks[-1]
    blocks = [*request.blocks[:-1], replace(last, justification=justified(last.header, STRANGERS))]
    return world.core.import_blocks(replace(request, blocks=blocks, relay=None))


# -- introductions


def introduce(alter: Callable[[ParentchainParams], ParentchainParams]) -> Lie:
    return lambda world: world.core.connect(alter(world.chain.params()))


def relay_params(**changes: Any) -> Lie:
    def alter(params: ParentchainParams) -> ParentchainParams:
        assert params.relay is not None
        return replace(params, relay=replace(params.relay, **changes))

    return introduce(alter)


def checkpoint(number: int, pairs: Voters) -> Checkpoint:
    """A block of no chain that anybody knows."""
    header = Header(bytes(32), number, bytes(32), bytes(32), extend(RelayChain().genesis, 1)[0].digest)
    return Checkpoint(header, 1, authorities(pairs))


def restart(alter: Callable[[ParentchainParams], ParentchainParams]) -> Lie:
    """The enclave starts again on what it has sealed, and meets its chain anew."""

    def lie(world: World) -> object:
        world.directory.reboot(None)
        world.boot()
        return introduce(alter)(world)

    return lie


def without_relay(params: ParentchainParams) -> ParentchainParams:
    return replace(params, relay=None)


def with_relay(**changes: Any) -> Callable[[ParentchainParams], ParentchainParams]:
    def alter(params: ParentchainParams) -> ParentchainParams:
        assert params.relay is not None
        return replace(params, relay=replace(params.relay, **changes))

    return alter

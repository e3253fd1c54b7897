"""Several workers of one shard in one thread, on one parentchain: what one makes reaches the others unless a test
cuts the link between them."""

from __future__ import annotations

from collections.abc import Callable

from integritee.crypto import blake2_256
from integritee.enclave.adoption import adopt, share
from integritee.enclave.replica import Effects
from integritee.node.runtime.runtime import TEER
from integritee.primitives.ids import ParentchainId
from integritee.primitives.sidechain import SignedBlock
from integritee.stf.operation import DirectCall, TrustedCallSigned, TrustedOperation

from ..store.machine import counting_random
from .harness import SLOT_MS, World
from .parentchain import ALICE

BLOCK_SLOTS = 6
"""Slots of the sidechain for each block of the parentchain."""


class Network:
    """Workers of one shard. `links` says which of them hear each other; all do at first."""

    def __init__(self, first: World) -> None:
        self.workers = [first]
        self.cut: set[frozenset[int]] = set()
        self.down: set[int] = set()
        self.slots = 0
        self.time = first.now

    @property
    def now(self) -> int:
        return self.workers[0].now

    def close(self) -> None:
        self.workers[0].close()

    # -- joining ---------------------------------------------------------------------------------------

    def new_worker(self) -> World:
        """A worker that has just started, with an account that has money."""
        first, seed = self.workers[0], len(self.workers)
        draw = counting_random()
        world = World(
            first.chain,
            now=first.now,
            random=lambda size: bytes(byte ^ seed for byte in draw(size)[::-1]),
            ledger=first.ledger,
            shard=first.shard,
            targets={id: chain for id, chain in first.chains.items() if id is not ParentchainId.Integritee},
            shielding_target=first.shielding_target,
        )
        world.connect()
        for chain in first.chains.values():
            chain.transfer(ALICE, world.account, 100 * TEER, first.now)
        return world

    def join(self, source: int = 0) -> World:
        """Bring another worker in, with state of `source`, until it is among the validateers."""
        world = self.new_worker()
        self.workers.append(world)
        while world.core.shown_phase != "awaiting_state":
            self.run(BLOCK_SLOTS)
            assert world.core.integritee.connected.head.number < 200, world.core.shown_phase
        self.run(BLOCK_SLOTS)
        self.provision(world, source)
        while world.account not in self.workers[0].core.consensus.present_authorities():
            self.run(BLOCK_SLOTS)
        return world

    def provision(self, world: World, source: int = 0) -> None:
        """Hand state over, and start the enclave that has it again."""
        provider = self.workers[source].core
        state, meta = share(provider)
        adopt(world.core, provider.keys.shielding.private_json(), provider.keys.state, meta, state)
        provider.admit_validateer(world.account)
        world.restart()
        self.ask(self.workers.index(world))

    # -- time ------------------------------------------------------------------------------------------

    def run(self, slots: int) -> None:
        """Serve slots at all workers that are up; the parentchain makes a block every few of them."""
        for _ in range(slots):
            self.slot()

    def slot(self) -> None:
        self.slots += 1
        start = self.now - self.now % SLOT_MS
        self.time = start + SLOT_MS + SLOT_MS // 2
        for world in self.workers:
            world.now = start
        for number, world in enumerate(self.workers):
            if number in self.down:
                world.now = start + SLOT_MS
                continue
            self.act(number, world.core.tick(start + SLOT_MS))
            if (effects := world.slot()) is not None:
                self.act(number, effects, is_done=True)
        for world in self.workers:
            world.now = start + SLOT_MS
        if self.slots % BLOCK_SLOTS == 0:
            self.parentchain_block()

    def parentchain_block(self) -> None:
        for chain in self.workers[0].chains.values():
            chain.produce(self.now)
        for number, world in enumerate(self.workers):
            if number not in self.down:
                world.sync()
                self.act(number, world.core.tick(self.now))

    # -- what travels ----------------------------------------------------------------------------------

    def hears(self, one: int, other: int) -> bool:
        return not {one, other} & self.down and frozenset((one, other)) not in self.cut

    def others(self, number: int) -> list[int]:
        return [other for other in range(len(self.workers)) if other != number and self.hears(number, other)]

    def act(self, number: int, effects: Effects, is_done: bool = False) -> None:
        """Do what a worker's host does with effects."""
        world = self.workers[number]
        if not is_done:
            world.durable(effects)
        for other in self.others(number):
            if effects.gossip:
                self.deliver(other, effects.gossip)
        if effects.fetch is not None:
            self.ask(number)

    def deliver(self, number: int, blocks: list[SignedBlock], is_complete: bool = False) -> None:
        world = self.workers[number]
        if world.core.is_running:
            now, nobody_answered = max(self.time, world.now), not self.others(number)
            self.act(number, world.core.receive_blocks(blocks, now, is_complete, nobody_answered))

    def ask(self, number: int) -> None:
        """Have a worker hear all that the others it can reach have."""
        blocks: dict[bytes, SignedBlock] = {}
        for other in self.others(number):
            tail = self.workers[other].core.replica.chain.tail
            blocks |= {block.signed.hash(): block.signed for block in tail}
            blocks |= {block.hash(): block for block in self.workers[other].stored.values()}
        world = self.workers[number]
        base = world.core.replica.chain.base_number
        useful = [block for block in blocks.values() if block.block.header.block_number > base]
        useful.sort(key=lambda block: block.block.header.block_number)
        self.deliver(number, useful[:256], is_complete=True)

    def spread(self, number: int, signed: TrustedCallSigned) -> bytes:
        """Submit a call at one worker; the others hear of it."""
        source = self.workers[number]
        hash = source.submit(signed)
        for other in self.others(number):
            self.workers[other].submit(signed)
        return hash

    # -- laws --------------------------------------------------------------------------------------------

    def heads(self) -> set[bytes]:
        return {world.core.latest_header.hash() for n, world in enumerate(self.workers) if n not in self.down}

    def until(self, condition: Callable[[], bool], slots: int = 60) -> int:
        """Serve slots until something holds; how many it took."""
        for taken in range(slots):
            if condition():
                return taken
            self.slot()
        raise AssertionError(f"not within {slots} slots")

    def check(self) -> None:
        """All that are up and have the same head have the same state; every one keeps its laws."""
        roots: dict[bytes, bytes] = {}
        for number, world in enumerate(self.workers):
            if number in self.down:
                continue
            head = world.core.latest_header.hash()
            assert roots.setdefault(head, world.core.state.root()) == world.core.state.root()
        self.workers[0].check()


def top_hash(world: World, signed: TrustedCallSigned) -> bytes:
    return blake2_256(world.ledger.codec(TrustedOperation).encode(DirectCall(signed)))

"""What goes wrong, by name. Each fault strikes at its own random times and is over by itself, at the latest in calm.

A fault has dice of its own, so that a run without some of them shows the others as they were.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec.structs import replace

from integritee.boundary.messages import ParentchainBlock
from integritee.node.runtime.runtime import TEER
from integritee.worker.endpoints import Fault

from ..enclave.store.faulty_directory import Chance
from .enclave import EnclaveDown
from .parentchain import BLOCK_MS, SPAMMERS, Network, Peer

if TYPE_CHECKING:
    from .host import Host
    from .simulation import World

Blocks: TypeAlias = list[ParentchainBlock]


@dataclass(frozen=True)
class Trouble:
    """`strike` says in a few words what it did. `pause` is how many parentchain blocks pass between two, about."""

    pause: int
    strike: Callable[[World, random.Random], str]


def _network(world: World, dice: random.Random) -> Network:
    return dice.choice(list(world.networks.values()))


def _host(world: World, dice: random.Random) -> Host:
    return dice.choice(list(world.hosts.values()))


def _blocks(dice: random.Random, least: int, most: int) -> int:
    """A duration in ms."""
    return BLOCK_MS * dice.randint(least, most)


# -- nodes and the chain


def node_dies(world: World, dice: random.Random) -> str:
    """One node is killed and restarted: its pool is gone."""
    peer = dice.choice(_network(world, dice).peers)
    return _kill(world, peer, dice)


def all_nodes_die(world: World, dice: random.Random) -> str:
    """No pool remembers anything."""
    return ", ".join(_kill(world, peer, dice) for peer in _network(world, dice).peers)


def _kill(world: World, peer: Peer, dice: random.Random) -> str:
    if not peer.is_up:
        return f"{peer.name} is down already"
    peer.kill()
    duration = dice.randint(0, 5 * BLOCK_MS)
    world.clock.after(duration, lambda: None if peer.is_up else peer.start())
    return f"{peer.name} dies for {duration} ms"


def reorg(world: World, dice: random.Random) -> str:
    """Up to ten blocks are replaced by others."""
    network = _network(world, dice)
    if not network.author.is_up:
        return "nobody to fork"
    return f"{network.fork(dice.randint(1, 10))} blocks retracted"


def finality_stalls(world: World, dice: random.Random) -> str:
    """Blocks are made, but none becomes final."""
    conditions = _network(world, dice).conditions
    conditions.deaf_to_finality = True
    duration = _blocks(dice, 4, 14)
    world.clock.after(duration, lambda: setattr(conditions, "deaf_to_finality", False))
    return f"no finality for {duration} ms"


def nodes_lag(world: World, dice: random.Random) -> str:
    """What one node knows takes its time to the other; transactions do not get there at all."""
    conditions = _network(world, dice).conditions
    conditions.delay_ms, conditions.gossip = dice.randint(BLOCK_MS, 8 * BLOCK_MS), dice.random() < 0.5
    duration = _blocks(dice, 4, 12)

    def over() -> None:
        conditions.delay_ms, conditions.gossip = 0, True

    world.clock.after(duration, over)
    return f"messages take up to {conditions.delay_ms} ms for {duration} ms"


def congestion(world: World, dice: random.Random) -> str:
    """Blocks take few transactions, and others pay more for them."""
    network = _network(world, dice)
    for peer in network.peers:
        peer.capacity = dice.randint(0, 3)
    duration = _blocks(dice, 3, 20)

    def over() -> None:
        for peer in network.peers:
            peer.capacity = None

    if network.author.is_up:
        for spammer in SPAMMERS:
            nonce = network.author.account(spammer.public).nonce
            for ahead in range(dice.randint(1, 8)):
                remark = {"remark": bytes(200)}
                network.author.submit(
                    network.author.signed(spammer, nonce + ahead, "System", "remark", remark, tip=TEER // 100)
                )
    world.clock.after(duration, over)
    return f"blocks of {network.author.capacity} transactions for {duration} ms"


def upgrade(world: World, dice: random.Random) -> str:
    """A chain goes on with another runtime, once in a run."""
    which = _network(world, dice).which
    return f"{which.name} {'will be' if world.upgrade(which) else 'was'} upgraded"


# -- the host


def endpoint_switched(world: World, dice: random.Random) -> str:
    """The worker goes to the other node, which may know less, or something else."""
    _host(world, dice).lose(Fault.SILENT)
    return "the worker changes its endpoint"


def extrinsics_dropped(world: World, dice: random.Random) -> str:
    """What the enclave signs gets lost, sometimes for longer than eras last."""
    host, share = _host(world, dice), dice.choice((0.5, 1.0, 1.0))
    host.delays = lambda: [] if dice.random() < share else [0]
    duration = _blocks(dice, 1, 45)
    world.clock.after(duration, lambda: setattr(host, "delays", lambda: [0]))
    return f"{share:.0%} of extrinsics dropped for {duration} ms"


def extrinsics_late_and_twice(world: World, dice: random.Random) -> str:
    """What the enclave signs arrives late, several times and in another order, after its era too."""
    host = _host(world, dice)
    host.delays = lambda: [dice.randint(0, _blocks(dice, 0, 40)) for _ in range(dice.randint(0, 3))]
    duration = _blocks(dice, 2, 20)
    world.clock.after(duration, lambda: setattr(host, "delays", lambda: [0]))
    return f"extrinsics late and twice for {duration} ms"


def batches_refused(world: World, dice: random.Random) -> str:
    """Batches are damaged on their way to the enclave, which refuses them."""
    host = _host(world, dice)

    def alter(blocks: Blocks) -> Blocks:
        return dice.choice(DAMAGES)(blocks) if dice.random() < 0.7 else blocks

    host.alter = alter
    duration = _blocks(dice, 1, 8)
    world.clock.after(duration, lambda: setattr(host, "alter", lambda blocks: blocks))
    return f"batches damaged for {duration} ms"


def _first_missing(blocks: Blocks) -> Blocks:
    return blocks[1:] if len(blocks) > 1 else [*blocks, blocks[0]]


def _twice(blocks: Blocks) -> Blocks:
    return [blocks[0], *blocks]


def _unjustified(blocks: Blocks) -> Blocks:
    return [*blocks[:-1], replace(blocks[-1], justification=None)]


def _without_extrinsic(blocks: Blocks) -> Blocks:
    return [*blocks[:-1], replace(blocks[-1], extrinsics=blocks[-1].extrinsics[:-1])]


def _unproven(blocks: Blocks) -> Blocks:
    return [*blocks[:-1], replace(blocks[-1], proof=blocks[-1].proof[1:])]


def _other_parent(blocks: Blocks) -> Blocks:
    return [replace(blocks[0], header=replace(blocks[0].header, parent_hash=bytes(32))), *blocks[1:]]


DAMAGES: Final = (_first_missing, _twice, _unjustified, _without_extrinsic, _unproven, _other_parent)


# -- the enclave


def enclave_dies(world: World, dice: random.Random) -> str:
    """Its process ends between two steps; what was not synced may be there or not."""
    if not world.enclave.is_up:
        return "the enclave is down already"
    world.enclave.crash()
    return "the enclave dies"


def power_fails(world: World, dice: random.Random) -> str:
    """The disk stops at one of its next operations."""
    world.enclave.disk.survival = Chance(dice.randrange(1 << 32))
    world.enclave.disk.fail_at = dice.randint(0, 12)
    return f"power fails after {world.enclave.disk.fail_at} operations"


def snapshot(world: World, dice: random.Random) -> str:
    """No fault, but the next start reads another file."""
    if not world.enclave.is_up:
        return "no enclave to save"
    try:
        world.enclave.save_snapshot()
    except EnclaveDown:
        return "power failed while saving"
    return "state saved"


def slots_missed(world: World, dice: random.Random) -> str:
    """The enclave makes no blocks for a while; those of the parentchain queue up."""
    world.slots_open = False
    duration = _blocks(dice, 1, 40)
    world.clock.after(duration, lambda: setattr(world, "slots_open", True))
    return f"no slots for {duration} ms"


FAULTS: Final[dict[str, Trouble]] = {
    "node dies": Trouble(20, node_dies),
    "all nodes die": Trouble(40, all_nodes_die),
    "reorg": Trouble(5, reorg),
    "finality stalls": Trouble(30, finality_stalls),
    "nodes lag": Trouble(25, nodes_lag),
    "congestion": Trouble(40, congestion),
    "upgrade": Trouble(60, upgrade),
    "endpoint switched": Trouble(15, endpoint_switched),
    "extrinsics dropped": Trouble(50, extrinsics_dropped),
    "extrinsics late and twice": Trouble(30, extrinsics_late_and_twice),
    "batches refused": Trouble(15, batches_refused),
    "enclave dies": Trouble(15, enclave_dies),
    "power fails": Trouble(12, power_fails),
    "snapshot": Trouble(15, snapshot),
    "slots missed": Trouble(40, slots_missed),
}


def restore(world: World) -> None:
    """All faults are over."""
    world.slots_open = True
    world.enclave.disk.fail_at = None
    for network in world.networks.values():
        network.conditions.deaf_to_finality = False
        network.conditions.delay_ms, network.conditions.gossip = 0, True
        for peer in network.peers:
            peer.capacity = None
            if not peer.is_up:
                peer.start()
    for host in world.hosts.values():
        host.alter = lambda blocks: blocks
        host.delays = lambda: [0]

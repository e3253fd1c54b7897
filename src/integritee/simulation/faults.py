"""What goes wrong, by name. Each fault strikes at its own random times and is over by itself, at the latest in calm.

A fault has dice of its own, so that a run without some of them shows the others as they were.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from .disk import Trap
from .enclave import EnclaveDown
from .parentchain import BLOCK_MS
from .validateer import Conditions, Validateer

if TYPE_CHECKING:
    from .simulation import Simulation

MAX_SKEW_MS: Final = 400
"""Less than half of what importers tolerate, so that two skewed clocks still agree."""


@dataclass(frozen=True)
class Fault:
    """`strike` says in a few words what it did. `pause` is how many seconds pass between two, about, in a network of
    three; larger ones have more to break."""

    meaning: str
    pause: int
    strike: Callable[[Simulation, random.Random], str]


def _seconds(dice: random.Random, least: int, most: int) -> int:
    """A duration in ms."""
    return 1000 * dice.randint(least, most)


def _one(world: Simulation, dice: random.Random) -> Validateer:
    return dice.choice(world.validateers)


def _for_a_while(world: Simulation, duration: int, conditions: object, **changed: object) -> None:
    """Change conditions, and put them back unless a calm did that before."""
    before = {name: getattr(conditions, name) for name in changed}
    for name, value in changed.items():
        setattr(conditions, name, value)

    def over() -> None:
        for name, value in before.items():
            setattr(conditions, name, value)

    world.clock.after(duration, over)


# -- the network


def lost(world: Simulation, dice: random.Random) -> str:
    """Messages get lost."""
    share, duration = dice.choice((0.1, 0.3, 0.7)), _seconds(dice, 2, 20)
    _for_a_while(world, duration, world.network.conditions, lost=share)
    return f"{share:.0%} of messages are lost for {duration} ms"


def doubled(world: Simulation, dice: random.Random) -> str:
    """Messages arrive twice."""
    duration = _seconds(dice, 2, 30)
    _for_a_while(world, duration, world.network.conditions, doubled=0.5)
    return f"messages arrive twice for {duration} ms"


def reordered(world: Simulation, dice: random.Random) -> str:
    """Messages overtake each other."""
    jitter, duration = dice.randint(500, 4000), _seconds(dice, 2, 20)
    _for_a_while(world, duration, world.network.conditions, jitter_ms=jitter)
    return f"messages take up to {jitter} ms for {duration} ms"


def partition(world: Simulation, dice: random.Random) -> str:
    """The network falls apart."""
    duration = _seconds(dice, 2, 30)
    groups = {validateer.number: dice.randrange(2) for validateer in world.validateers}
    _for_a_while(world, duration, world.network.conditions, groups=groups)
    apart = [str(v) for v in world.validateers if groups[v.number]]
    return f"{' '.join(apart) or 'nobody'} cut off from the others for {duration} ms"


def slow_link(world: Simulation, dice: random.Random) -> str:
    """One direction of a link takes seconds."""
    link, duration = (_one(world, dice).number, _one(world, dice).number), _seconds(dice, 5, 30)
    _for_a_while(world, duration, world.network.conditions, slow={*world.network.conditions.slow, link})
    return f"v{link[0]} to v{link[1]} is slow for {duration} ms"


# -- machines


def crash(world: Simulation, dice: random.Random) -> str:
    """A validateer dies between two steps."""
    validateer = _one(world, dice)
    validateer.crash("killed")
    return f"{validateer} is killed"


def _trap(operation: str, ends: Literal["EIO", "before", "after"]) -> Callable[[Simulation, random.Random], str]:
    def strike(world: Simulation, dice: random.Random) -> str:
        validateer, count = _one(world, dice), dice.randint(0, 3)
        validateer.enclave.disk.trap = Trap(operation, count, ends)
        return f"{validateer}'s disk will fail ({operation}, {count}, {ends})"

    return strike


def skew(world: Simulation, dice: random.Random) -> str:
    """A clock is wrong."""
    validateer, duration = _one(world, dice), _seconds(dice, 5, 60)
    wrong = dice.randint(-MAX_SKEW_MS, MAX_SKEW_MS)
    _for_a_while(world, duration, validateer.conditions, skew_ms=wrong)
    return f"{validateer}'s clock is {wrong} ms off for {duration} ms"


def missed_slots(world: Simulation, dice: random.Random) -> str:
    """A validateer makes no blocks."""
    validateer, duration = _one(world, dice), _seconds(dice, 2, 20)
    _for_a_while(world, duration, validateer.conditions, serves_slots=False)
    return f"{validateer} makes no blocks for {duration} ms"


def snapshot(world: Simulation, dice: random.Random) -> str:
    """No fault, but the next start reads another file."""
    validateer = _one(world, dice)
    if not validateer.enclave.is_up:
        return "no enclave to save"
    try:
        validateer.enclave.save_snapshot()
    except EnclaveDown:
        validateer.crash("the disk failed")
        return "power failed while saving"
    return f"{validateer} saves its state"


# -- the parentchain


def reorg(world: Simulation, dice: random.Random) -> str:
    """Blocks that are not final are replaced by others."""
    return f"{world.parentchain.fork(dice.randint(1, 3), world.clock.now)} parentchain blocks retracted"


def finality_stall(world: Simulation, dice: random.Random) -> str:
    """Parentchain blocks are made, but none becomes final."""
    duration = BLOCK_MS * dice.randint(1, 4)
    world.parentchain.stall(True)
    world.clock.after(duration, lambda: world.parentchain.stall(False))
    return f"no finality for {duration} ms"


def deaf(world: Simulation, dice: random.Random) -> str:
    """A host does not hear of the parentchain."""
    validateer, duration = _one(world, dice), _seconds(dice, 5, 60)
    _for_a_while(world, duration, validateer.conditions, hears_parentchain=False)
    return f"{validateer} does not hear of the parentchain for {duration} ms"


def dropped_extrinsics(world: Simulation, dice: random.Random) -> str:
    """What an enclave signs for the parentchain gets lost."""
    validateer, duration = _one(world, dice), _seconds(dice, 5, 60)
    _for_a_while(world, duration, validateer.conditions, is_heard_by_parentchain=False)
    return f"extrinsics of {validateer} are dropped for {duration} ms"


FAULTS: Final[Mapping[str, Fault]] = {
    "lost": Fault("messages get lost", 25, lost),
    "doubled": Fault("messages arrive twice", 30, doubled),
    "reordered": Fault("messages overtake each other", 30, reordered),
    "partition": Fault("the network falls apart", 40, partition),
    "slow-link": Fault("one direction of a link takes seconds", 25, slow_link),
    "crash": Fault("a validateer dies between two steps", 40, crash),
    "power-before-sync": Fault("power fails before something is synced", 60, _trap("sync", "before")),
    "power-after-sync": Fault(
        "power fails after something was synced, before anybody hears of it", 60, _trap("sync", "after")
    ),
    "torn-write": Fault("a write is refused half way", 80, _trap("append to", "EIO")),
    "disk-error": Fault("a sync is refused", 80, _trap("sync", "EIO")),
    "skew": Fault("a clock is wrong", 30, skew),
    "missed-slots": Fault("a validateer makes no blocks", 40, missed_slots),
    "snapshot": Fault("no fault, but the next start reads another file", 20, snapshot),
    "reorg": Fault("parentchain blocks that are not final are replaced", 30, reorg),
    "finality-stall": Fault("parentchain blocks do not become final", 80, finality_stall),
    "deaf": Fault("a host does not hear of the parentchain", 50, deaf),
    "dropped-extrinsics": Fault("what an enclave signs for the parentchain gets lost", 60, dropped_extrinsics),
}


def restore(world: Simulation) -> None:
    """All faults are over, and whoever is down starts."""
    world.network.restore()
    world.parentchain.stall(False)
    for validateer in world.validateers:
        validateer.conditions = Conditions()
        validateer.enclave.disk.trap = None
        validateer.revive()
        validateer.follow()

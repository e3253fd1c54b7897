"""A run: a network of validateers lives through storms of faults and the calms behind them.

In a storm faults strike at random while clients act; a calm gives the network 2n + 2 slots to be one again. The last
calm lasts until all that was under way has arrived. A seed and the names in the plan say all; nothing else is random.
"""

from __future__ import annotations

import gc
import random
import shlex
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from integritee.enclave.collector import collector_paused
from integritee.enclave.pool import StatusChanged
from integritee.enclave.sidechain.slots import SLOT_MS
from integritee.errors import IntegriteeError
from integritee.primitives.sidechain import FINALIZATION_STRIDE, SignedBlock

from .block_store import BlockStore
from .byzantine import ATTACKS
from .clients import Client
from .clock import Clock
from .disk import Disk
from .enclave import Enclave
from .errors import LawBroken, UnknownName
from .faults import FAULTS, restore
from .keys import USERS
from .laws import Laws
from .memo import remember
from .network import Network
from .parentchain import BLOCK_MS, Parentchain
from .patches import Patches
from .plants import PLANTS
from .start import Start, start
from .trace import Trace
from .validateer import Surroundings, Validateer

HOUR_MS: Final = 3_600_000
STORM_MS: Final = 90_000
"""About how long faults go on in a round."""

STORMS_PER_COLLECTION: Final = 32
"""Reference cycles are few, some megabytes in this many storms, and looking for them takes a tenth of the time."""

ACT_MS: Final = 5_000
PATIENCE_MS: Final = 600_000
"""How long everything may take to arrive once faults stopped: extrinsics may have to outlive their eras."""

QUIET_STEP_MS: Final = 6_000
QUIET_MS: Final = 2 * BLOCK_MS
"""Time, after everything arrived, for anything that would happen twice."""

CONFIRMATION_BLOCKS: Final = 4
"""Parentchain blocks, beyond those that finality is behind, in which a confirmation that was asked for is proven."""

PROVISIONING_SLOTS: Final = 20
"""After so many an enclave knows that only another one's state can help it, and has it."""

LAGS: Final = (0, 1, 2)
PLANTED_SEEDS: Final = 8
PLANTED_HOURS: Final = 0.06
"""What it may take to find a planted bug."""

TOLD: Final = 40
"""Events told of a run that breaks a law."""


@dataclass(frozen=True)
class Plan:
    """What a run is made of: `hours` of storms and calms, of which the last one is in addition; an attack that the
    last validateer makes; a bug planted into the product. Raises UnknownName."""

    seed: int
    validateers: int = 3
    hours: float = 0.1
    faults: frozenset[str] = frozenset(FAULTS)
    byzantine: str | None = None
    plant: str | None = None

    def __post_init__(self) -> None:
        for kind, names, known in (
            ("fault", self.faults, FAULTS),
            ("attack", {self.byzantine} - {None}, ATTACKS),
            ("planted bug", {self.plant} - {None}, PLANTS),
        ):
            for name in names:
                if name not in known:
                    raise UnknownName(kind, str(name), ", ".join(sorted(known)))

    def dice(self, name: str) -> random.Random:
        return random.Random(f"{self.seed}/{name}")

    @property
    def command(self) -> str:
        """What shows the run again."""
        faults = "all" if self.faults == frozenset(FAULTS) else ",".join(sorted(self.faults)) or "none"
        words = ["integritee", "simulate", "--seed", str(self.seed), "--validateers", str(self.validateers)]
        words += ["--hours", f"{self.hours:g}", "--faults", faults]
        words += ["--byzantine", self.byzantine] if self.byzantine else []
        words += ["--plant", self.plant] if self.plant else []
        return shlex.join(words)


def planted(name: str) -> list[Plan]:
    """The runs of which one must find a planted bug. Raises UnknownName."""
    if name not in PLANTS:
        raise UnknownName("planted bug", name, ", ".join(sorted(PLANTS)))
    plant = PLANTS[name]
    seeds = range(plant.first, plant.first + PLANTED_SEEDS)
    return [Plan(seed, plant.validateers, PLANTED_HOURS, plant.faults, plant.byzantine, name) for seed in seeds]


@dataclass
class Outcome:
    """What happened in a run. `height` counts blocks of the chain, `authored` all that were made."""

    seed: int
    simulated_ms: int
    height: int
    authored: int
    reverted: int
    starts: int
    parentchain_blocks: int
    reorgs: int
    calls: int
    payments: int
    refunds: int
    messages: int
    lost: int
    digest: str
    unities: list[int] = field(default_factory=list)
    """Slots that each calm took until all were on one chain; 2n + 2 at least."""
    strikes: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)


class Simulation:
    """One run in progress."""

    def __init__(self, plan: Plan, begin: Start) -> None:
        self.plan, self.clock = plan, Clock(begin.now)
        self.trace = Trace(self.clock)
        self.network = Network(self.clock, plan.dice("network"))
        self.parentchain = Parentchain(begin.archive.copy(), plan.dice("lag").choice(LAGS))
        self.vault, self.authorities = begin.vault, begin.authorities
        self.around = Surroundings(
            self.clock,
            self.trace,
            self.network,
            self.parentchain,
            self._hear,
            self._stepped,
            self._authored,
            self._stored,
        )
        self.validateers = self.around.validateers
        for number in range(plan.validateers):
            dice = plan.dice(f"validateer {number}")
            enclave = Enclave(number, Disk(begin.disks[number]), dice, f"{plan.seed}")
            self.validateers.append(Validateer(self.around, enclave, dice, BlockStore(begin.blocks)))
        self.honest = self.validateers[: -1 if plan.byzantine else None]
        self.clients = [
            Client(name, pair, self.clock, self.parentchain, self.vault, plan.dice(name))
            for name, pair in USERS.items()
        ]
        self._began, self._height = begin.now, len(begin.blocks)
        self.is_calm, self.strikes = False, Counter[str]()
        self.reverted = 0
        self.unities: list[int] = []
        self.laws = Laws(self, begin)
        for validateer in self.validateers:
            validateer.begin()
        self.clock.every(BLOCK_MS, self._parentchain_grows)
        self.clock.every(ACT_MS, self._clients_act)
        if plan.byzantine:
            ATTACKS[plan.byzantine].begin(self, self.validateers[-1], plan.dice("attack"))
        for name in sorted(plan.faults):
            self._plan_strike(name, plan.dice(name))

    # -- a run ---------------------------------------------------------------------------------------

    def run(self) -> Outcome:
        """Raises LawBroken, and whatever breaks."""
        with collector_paused():
            return self._run()

    def _run(self) -> Outcome:
        calm = (2 * len(self.authorities) + 2) * SLOT_MS
        if len(self.authorities) == 1:
            calm += BLOCK_MS  # all there is may have to wait for a parentchain block after its start
        duration = self.plan.hours * HOUR_MS
        rounds = max(1, round(duration / (STORM_MS + calm)))
        storm = max(SLOT_MS, round(duration / rounds / SLOT_MS) * SLOT_MS - calm)
        for number in range(rounds):
            if number % STORMS_PER_COLLECTION == STORMS_PER_COLLECTION - 1:
                gc.collect()
            self.is_calm = False
            self.clock.run(storm)
            self.is_calm = True
            self.trace.say("faults stop")
            restore(self)
            self._calm_down(calm)
        self._settle()
        self.clock.run(QUIET_MS)
        self.laws.check_quiet()
        return self._outcome()

    def _calm_down(self, calm: int) -> None:
        """The chain must grow within the 2n + 2 slots of a `calm` (ms), and be one as soon as the parentchain
        confirmed what the primary asked it to."""
        since, height = self.clock.now, max(validateer.blocks.height for validateer in self.honest)
        self.clock.run(calm)
        self.laws.check_alive(since)
        confirmation = (CONFIRMATION_BLOCKS + 2 * self.parentchain.lag) * BLOCK_MS
        limit = since + calm + confirmation + (FINALIZATION_STRIDE + PROVISIONING_SLOTS) * SLOT_MS
        while not self.laws.is_one(height) and self.clock.now < limit:
            self.clock.run(SLOT_MS)
        self.laws.check_one(height)
        self.unities.append((self.clock.now - since) // SLOT_MS)

    def _settle(self) -> None:
        for _ in range(PATIENCE_MS // QUIET_STEP_MS):
            if self.laws.is_quiet():
                self.trace.say("everything has arrived")
                return
            self.clock.run(QUIET_STEP_MS)
        self.laws.check_quiet()
        raise LawBroken("everything arrives", "the validateers do not agree on their latest block")

    # -- what goes on --------------------------------------------------------------------------------

    def _parentchain_grows(self) -> None:
        self.parentchain.produce(self.clock.now)
        self.laws.follow()

    def _clients_act(self) -> None:
        for client in self.clients:
            client.act(self.validateers, self.clients, wants_more=not self.is_calm)

    def _hear(self, validateer: Validateer, statuses: list[StatusChanged]) -> None:
        for changed in statuses:
            for client in self.clients:
                client.hear(validateer, changed)

    def _stepped(self, validateer: Validateer) -> None:
        if validateer in self.honest:
            self.laws.check(validateer)

    def _authored(self, validateer: Validateer, signed: SignedBlock) -> None:
        self.laws.block_authored(validateer, signed)

    def _stored(self, validateer: Validateer, blocks: list[SignedBlock], after: int | None) -> None:
        if after is not None:
            self.reverted += 1
        if validateer in self.honest:
            for signed in blocks:
                self.laws.block_adopted(validateer, signed)

    def _plan_strike(self, name: str, dice: random.Random) -> None:
        fault = FAULTS[name]

        def strike() -> None:
            if not self.is_calm:
                self.strikes[name] += 1
                self.trace.say(f"{name}: {fault.strike(self, dice)}")
            self._plan_strike(name, dice)

        self.clock.after(int(1000 * dice.expovariate(len(self.authorities) / (3 * fault.pause))), strike)

    def _outcome(self) -> Outcome:
        primary = self.honest[0]
        self.trace.say(f"ends at {primary.enclave.head_hash.hex()} {self.parentchain.chain.finalized_hash.hex()}")
        return Outcome(
            self.plan.seed,
            self.clock.now - self._began,
            primary.blocks.height - self._height,
            self.laws.authored,
            self.reverted,
            sum(validateer.enclave.starts for validateer in self.validateers),
            self.parentchain.height,
            self.parentchain.reorgs,
            sum(len(client.calls) for client in self.clients),
            self.laws.payments.total(),
            sum(client.refunds > 0 for client in self.clients),
            self.network.sent,
            self.network.lost,
            self.trace.digest(),
            self.unities,
            self.strikes,
            self.around.refusals,
        )


def simulate(plan: Plan) -> Outcome:
    """Live through a plan. Raises LawBroken, and whatever breaks, with command and trace as a note."""
    with Patches() as patches:
        remember(patches)
        begin = start(plan.validateers)
        if plan.plant:
            PLANTS[plan.plant].plant(patches)
        world = Simulation(plan, begin)
        try:
            return world.run()
        except Exception as broken:
            code = f" ({broken.code})" if isinstance(broken, IntegriteeError) else ""
            world.trace.say(f"{type(broken).__name__}: {broken}{code}")
            broken.add_note("\n".join([plan.command, *world.trace.latest(TOLD)]))
            raise

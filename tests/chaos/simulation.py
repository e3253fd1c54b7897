"""A whole network in one process under a virtual clock: parentchain nodes, a worker, its enclave, users and faults.

A run goes through rounds: first faults strike at random while users act, then they stop and what is under way must
arrive, without a restart. A seed and the names of the faults say all; nothing else is random.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, replace
from typing import Final

from integritee.crypto import KeyPair, Sr25519Pair
from integritee.errors import IntegriteeError
from integritee.node.runtime.runtime import TEER
from integritee.primitives.ids import Id, ParentchainId
from integritee.simulation.clock import Clock

from ..enclave.core.parentchain import START_MS, USERS
from ..enclave.store.faulty_directory import Chance, PowerFailure
from .books import Books
from .enclave import SLOT_MS, Enclave, EnclaveDown, Released
from .faults import FAULTS, restore
from .host import Host
from .laws import LawBroken, check_always, check_published, check_quiet, expect, is_quiet
from .parentchain import BLOCK_MS, CODE, NEXT_CODE, Network, metadata
from .users import TOO_LITTLE, Account, Extrinsic, User

ACT_MS: Final = 4000
ROUNDS: Final = 3
STORM_BLOCKS: Final = 60
PATIENCE_BLOCKS: Final = 700
"""How long everything may take to arrive: an extrinsic may have to outlive the longest era, or half an hour's ban."""

QUIET_BLOCKS: Final = 6
FUNDS: Final = 500 * TEER
"""What the enclave's account gets."""

HOMES: Final = (ParentchainId.Integritee, ParentchainId.Integritee, ParentchainId.TargetA)
ALICE: Final = Sr25519Pair.from_uri("//Alice")


@dataclass(frozen=True)
class Plan:
    """What a run is made of. In each of the `rounds`, `storm` is how many parentchain blocks faults go on, `patience`
    how many everything may then take to arrive. Faults strike `haste` times as often as they say. The vault is on the
    chain `home`, by default one that the seed says."""

    seed: int
    faults: frozenset[str] = frozenset(FAULTS)
    rounds: int = ROUNDS
    storm: int = STORM_BLOCKS
    patience: int = PATIENCE_BLOCKS
    haste: int = 1
    home: ParentchainId | None = None

    def dice(self, name: str) -> random.Random:
        return random.Random(f"{self.seed}/{name}")


@dataclass
class Outcome:
    """What happened in a run. `recovery` are the parentchain blocks that each calm took to settle everything."""

    strikes: Counter[str]
    refusals: Counter[str]
    recovery: list[int]
    blocks: int
    reorgs: int
    deepest: int
    sidechain_blocks: int
    starts: int
    sessions: int
    shieldings: int
    calls: int
    invocations: int
    unshieldings: int
    refunds: int
    turned_away: int


class World:
    """One run in progress. `trace` tells what happened, with the time in parentchain blocks."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.clock = plan, Clock(START_MS)
        self.trace: list[str] = []
        self.strikes: Counter[str] = Counter()
        self.published: dict[int, bytes] = {}
        self.checked_pages = 0
        self.slots_open = True
        self.is_calm = False
        self.recovery: list[int] = []
        home = plan.home if plan.home is not None else plan.dice("home").choice(HOMES)
        self.networks = {
            which: self._network(which, plan.dice(which.name)) for which in (ParentchainId.Integritee, home)
        }
        self.tolerated_lag = max(n.lag + 2 * n.justification_period + 6 for n in self.networks.values())
        self.enclave = Enclave(home)
        self.enclave.act = self._act
        self._restarts, self._restart_is_planned = plan.dice("restarts"), False
        self.hosts: dict[ParentchainId, Host] = {}
        self.books: dict[ParentchainId, Books] = {}
        self._governors: dict[ParentchainId, Account] = {}
        for which, network in self.networks.items():
            self.hosts[which] = Host(network, self.enclave, self.clock, plan.dice(f"{which.name} host"))
            self.books[which] = Books(which, self.enclave.vault, self.enclave.account)
            self._governors[which] = Account(ALICE, network, plan.dice(f"{which.name} governor"))
        funding = {"dest": Id(self.enclave.account), "value": FUNDS}
        self._motions = {which: [Extrinsic("Balances", "transfer_allow_death", funding)] for which in self.networks}
        self.users = [self._user(pair, plan.dice(name)) for name, pair in USERS.items()]
        self._upgraded: set[ParentchainId] = set()
        self.clock.every(SLOT_MS, self._slot)
        self.clock.every(ACT_MS, self._users_act)
        for name in sorted(plan.faults):
            self._plan_strike(name, plan.dice(name))

    def _network(self, which: ParentchainId, dice: random.Random) -> Network:
        lag, period = dice.choice((0, 1, 2, 3, 6)), dice.choice((1, 1, 2, 5))
        self.say(f"{which.name}: finality {lag} behind, a justification every {period} blocks")
        return Network(which, self.clock, dice, lag, period)

    def _user(self, pair: KeyPair, dice: random.Random) -> User:
        accounts = {which: Account(pair, network, dice) for which, network in self.networks.items()}
        return User(pair, accounts, self.enclave, self.clock, dice)

    def close(self) -> None:
        for network in self.networks.values():
            network.close()

    def say(self, what: str) -> None:
        self.trace.append(f"{(self.clock.now - START_MS) / BLOCK_MS:8.2f}  {what}")

    # -- a run ---------------------------------------------------------------------------------------

    def run(self) -> None:
        """Raises LawBroken, and whatever breaks."""
        for _ in range(self.plan.rounds):
            self.is_calm = False
            self.clock.run(self.plan.storm * BLOCK_MS)
            self.is_calm = True
            self.say("faults stop")
            restore(self)
            self._settle()
            self.clock.run(QUIET_BLOCKS * BLOCK_MS)  # time for anything that would happen twice
            check_quiet(self)

    def _settle(self) -> None:
        starts = self.enclave.starts + (not self.enclave.is_up)
        for waited in range(self.plan.patience):
            if is_quiet(self):
                self.recovery.append(waited)
                self.say(f"quiet after {waited} blocks")
                expect("no restart is needed", self.enclave.starts, starts)
                return
            self.clock.run(BLOCK_MS)
        raise LawBroken("everything arrives once faults stop", unsettled(self))

    # -- what goes on --------------------------------------------------------------------------------

    def _slot(self) -> None:
        if self.enclave.is_up and self.slots_open:
            self._serve_slot()
        if not self.enclave.is_up and not self._restart_is_planned:
            self._restart_is_planned = True
            delay = self._restarts.randint(0, 5 * BLOCK_MS)
            self.say(f"the enclave is down, back in {delay} ms")
            self.clock.after(delay, self._restart)

    def _serve_slot(self) -> None:
        try:
            self.enclave.serve_slot(self.clock.now)
        except EnclaveDown:
            return
        except IntegriteeError as failed:
            raise LawBroken("no slot fails", f"{failed} ({failed.code})") from failed
        check_always(self)

    def _restart(self) -> None:
        self._restart_is_planned = False
        try:
            self.enclave.start(Chance(self._restarts.randrange(1 << 32)))
        except PowerFailure:
            return
        for host in self.hosts.values():
            host.reset()
        check_always(self)

    def _users_act(self) -> None:
        for which, governor in self._governors.items():
            if governor.under_way is None and self._motions[which]:
                governor.under_way = self._motions[which].pop(0)
            governor.follow()
        for user in self.users:
            user.act(self.users, wants_more=not self.is_calm)

    def _act(self, released: Released) -> None:
        for block in released.blocks:
            check_published(self, block.block.header.block_number, block.hash())
        for which, extrinsic in released.submit:
            self.hosts[which].submit(extrinsic)
        for hash in released.included:
            for user in self.users:
                user.hear(hash)

    def payouts(self) -> dict[bytes, int]:
        """What each beneficiary of an unshielding must get."""
        return {who: amount for user in self.users for who, amount in user.payouts.items()}

    def turned_away(self) -> list[bytes]:
        """Beneficiaries who got nothing although the chain would have paid them.

        A vault on a target is out of reach between a start of the enclave and its first word from that chain.
        """
        paid = {who for page in self.books[self.enclave.home].pages for who, _ in page.payments}
        return [who for who, amount in self.payouts().items() if amount > TOO_LITTLE and who not in paid]

    # -- faults --------------------------------------------------------------------------------------

    def _plan_strike(self, name: str, dice: random.Random) -> None:
        fault = FAULTS[name]

        def strike() -> None:
            if not self.is_calm:
                self.strikes[name] += 1
                self.say(f"{name}: {fault.strike(self, dice)}")
            self._plan_strike(name, dice)

        self.clock.after(int(dice.expovariate(self.plan.haste / (fault.pause * BLOCK_MS))), strike)

    def upgrade(self, which: ParentchainId) -> bool:
        """Have root put other code on chain; False if that was done before."""
        if which in self._upgraded:
            return False
        self._upgraded.add(which)
        change = metadata(which, 410).call("System", "set_storage", {"items": [(CODE, NEXT_CODE)]})
        self._motions[which].append(Extrinsic("Sudo", "sudo", {"call": change}))
        return True

    def outcome(self) -> Outcome:
        networks, users = self.networks.values(), self.users
        refusals: Counter[str] = Counter()
        for host in self.hosts.values():
            refusals += host.refusals
        payouts = self.payouts().values()
        return Outcome(
            self.strikes,
            refusals,
            self.recovery,
            blocks=sum(network.author.finalized for network in networks),
            reorgs=sum(network.reorgs for network in networks),
            deepest=max(network.deepest for network in networks),
            sidechain_blocks=len(self.published),
            starts=self.enclave.starts,
            sessions=sum(host.sessions for host in self.hosts.values()),
            shieldings=sum(len(user.shielded) for user in users),
            calls=sum(user.nonce for user in users),
            invocations=sum(user.invoked for user in users),
            unshieldings=len(payouts),
            refunds=sum(amount == TOO_LITTLE for amount in payouts),
            turned_away=len(self.turned_away()),
        )


def unsettled(world: World) -> str:
    """What has not arrived, in a few words."""
    enclave = world.enclave
    idle = sum(user.is_idle for user in world.users)
    words = [f"{idle} of {len(world.users)} users have what they want"]
    if enclave.is_up:
        for which, network in world.networks.items():
            pending = enclave.pending(which)
            words.append(
                f"{which.name} at {network.author.finalized}, {enclave.seen(which)} seen, "
                f"{enclave.processed(which)} processed, {len(pending)} extrinsics pending, "
                f"{sum(entry.payment is not None for entry in pending)} of them payments"
            )
    return "; ".join(words)


def simulate(plan: Plan) -> Outcome:
    """Live through a plan. Raises LawBroken, and whatever breaks, with the trace as a note."""
    world = World(plan)
    try:
        world.run()
        return world.outcome()
    except Exception as broken:
        world.say(f"{type(broken).__name__}: {broken}")
        broken.add_note("\n".join([f"{plan}", *world.trace]))
        raise
    finally:
        world.close()


def shrunk(plan: Plan) -> tuple[Plan, Exception] | None:
    """A plan with as few faults and rounds as still break something, and what it breaks; None if nothing does."""
    found: tuple[Plan, Exception] | None = None
    rounds = [replace(plan, rounds=n) for n in range(1, plan.rounds + 1)]
    for candidate in rounds:
        if (broken := _broken(candidate)) is not None:
            found = candidate, broken
            break
    for name in sorted(plan.faults) if found else []:
        candidate = replace(found[0], faults=found[0].faults - {name})
        if (broken := _broken(candidate)) is not None:
            found = candidate, broken
    return found


def _broken(plan: Plan) -> Exception | None:
    try:
        simulate(plan)
    except Exception as broken:
        return broken
    return None

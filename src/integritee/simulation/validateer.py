"""A validateer: an enclave and the host that gives it time, blocks of the parentchain, and peers to talk to."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from integritee.boundary.messages import MAX_LOCATOR, FetchBlocks
from integritee.enclave.parentchain.onboarding import Phase
from integritee.enclave.pool import StatusChanged
from integritee.enclave.pool.gossip import BATCH_DELAY_MS
from integritee.enclave.replica import Effects
from integritee.enclave.sidechain.slots import SLOT_MS, next_slot, slot_at
from integritee.errors import IntegriteeError
from integritee.primitives.sidechain import SignedBlock
from integritee.stf.operation import TrustedCallSigned

from .block_store import BlockStore
from .clock import Clock
from .enclave import Enclave, EnclaveDown
from .errors import SimulationError
from .network import Network
from .parentchain import Parentchain
from .trace import Trace

MAX_PARENTCHAIN_BATCH: Final = 64
ANSWER_MS: Final = 1500
"""How long a host waits for a peer's answer before it asks the next one."""

MAX_RESTART_MS: Final = 8000


PROVISIONING_MS: Final = (200, 1000)
RUNNING: Final = Phase.RUNNING.value


@dataclass
class Surroundings:
    """What all validateers share, and who looks on: `hear` gets the statuses that an enclave tells, `stepped` comes
    behind every step of an enclave, `authored` sees what it signs, `stored` what joins its chain, and above which
    number others leave it."""

    clock: Clock
    trace: Trace
    network: Network
    parentchain: Parentchain
    hear: Callable[[Validateer, list[StatusChanged]], None]
    stepped: Callable[[Validateer], None]
    authored: Callable[[Validateer, SignedBlock], None]
    stored: Callable[[Validateer, list[SignedBlock], int | None], None]
    refusals: Counter[str] = field(default_factory=Counter)
    validateers: list[Validateer] = field(default_factory=list)


@dataclass
class Conditions:
    """How one host is doing: what faults change and calm restores."""

    skew_ms: int = 0
    hears_parentchain: bool = True
    is_heard_by_parentchain: bool = True
    serves_slots: bool = True


@dataclass(frozen=True, eq=False)
class Request:
    """What is asked of the first of the peers `ahead`."""

    wanted: FetchBlocks
    ahead: list[Validateer]
    seen: frozenset[bytes] = frozenset()
    """Hashes of blocks that came."""
    is_answered: bool = False

    def of_next(self, *, is_answered: bool = False) -> Request:
        """The same of the next peer."""
        return Request(self.wanted, self.ahead[1:], self.seen, self.is_answered or is_answered)

    def behind(self, blocks: list[SignedBlock]) -> Request:
        """What follows on these, of the same peer."""
        locator = [blocks[-1].hash(), *self.wanted.locator][:MAX_LOCATOR]
        return Request(
            FetchBlocks(locator, self.wanted.until), self.ahead, self.seen | {block.hash() for block in blocks}, True
        )


class Validateer:
    """Number `n` of the network, 0 being the first of the shard."""

    def __init__(self, around: Surroundings, enclave: Enclave, dice: random.Random, blocks: BlockStore) -> None:
        self.around, self.enclave, self._dice = around, enclave, dice
        self.number = enclave.number
        self.blocks = blocks
        self.conditions = Conditions()
        self.gossips: Callable[[Validateer, SignedBlock], list[tuple[Validateer, SignedBlock]]] | None = None
        """What a dishonest one sends instead of a block of its own, and to whom."""
        self.last_slot = 0
        self._request: Request | None = None
        self._waiting: FetchBlocks | None = None
        self._followed = 0
        self.is_provisioned = True
        """Whether it asks others for their state when it needs that."""
        self._looks_for_state = False
        self._restart_is_planned = False
        enclave.act = self._act

    def __repr__(self) -> str:
        return f"v{self.number}"

    @property
    def now(self) -> int:
        """Its own clock, Unix ms."""
        return self.around.clock.now + self.conditions.skew_ms

    @property
    def peers(self) -> list[Validateer]:
        return [other for other in self.around.validateers if other is not self]

    def say(self, what: str) -> None:
        self.around.trace.say(f"{self} {what}")

    # -- its life ------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start for the first time, and live by slots from then on."""
        self.start()
        self._plan_slot()

    def start(self) -> None:
        """Start on what the disk holds, meet the parentchain, ask peers for what was missed."""
        self._restart_is_planned = False
        self._request, self._waiting, self._followed = None, None, 0
        self._looks_for_state = False

        def begin() -> None:
            self.enclave.start()
            self._catch_up_with_enclave()
            self.enclave.connect(self.around.parentchain.params())
            self.follow()
            self.say(f"starts at block {self.enclave.head_number}")

        self._attempt(begin)

    def _catch_up_with_enclave(self) -> None:
        """Blocks that were synced when it went down may not have got here."""
        blocks = self.enclave.untold
        for signed in blocks:
            if signed.block.block_data.block_author == self.enclave.account:
                self.around.authored(self, signed)
        self._store(blocks, None)

    def crash(self, why: str) -> None:
        if self.enclave.is_up:
            self.enclave.crash()
            self._went_down(why)

    def _went_down(self, why: str) -> None:
        self._request = self._waiting = None
        if self._restart_is_planned:
            return
        self._restart_is_planned = True
        delay = self._dice.randint(0, MAX_RESTART_MS)
        self.say(f"is down ({why}), back in {delay} ms")
        self.around.clock.after(delay, lambda: None if self.enclave.is_up else self.start())

    def revive(self) -> None:
        """Start now if it is down."""
        if not self.enclave.is_up:
            self.start()

    def _attempt(self, what: Callable[[], None]) -> None:
        """Do something with the enclave: it may refuse, or go down."""
        try:
            what()
        except EnclaveDown:
            self._went_down("the disk failed")
            return
        except SimulationError:
            raise
        except IntegriteeError as refused:
            self._refuse(refused)
        if self.enclave.is_up:
            self.around.stepped(self)
            self._look_for_state()

    def _refuse(self, reason: IntegriteeError) -> None:
        self.around.refusals[reason.code] += 1
        self.say(f"refuses: {reason.code}")

    def _look_for_state(self) -> None:
        """Have another enclave provision this one, if it is on a fork that it cannot leave."""
        if not self.is_provisioned or self._looks_for_state or not self.enclave.awaits_state:
            return
        self._looks_for_state = True
        self.around.clock.after(self._dice.randint(*PROVISIONING_MS), self._find_state)

    def _find_state(self) -> None:
        self._looks_for_state = False
        if not self.enclave.is_up or not self.enclave.awaits_state:
            return
        network = self.around.network
        able = [
            peer
            for peer in self.peers
            if peer.enclave.phase == RUNNING and not network.is_cut(self.number, peer.number)
        ]
        if not able:
            self._look_for_state()
            return
        peer = self._dice.choice(able)
        self.say(f"is provisioned by {peer} with block {peer.enclave.head_number}")
        try:
            peer.enclave.provision(self.enclave)
        except EnclaveDown:
            self._went_down("the disk failed")
            return
        except IntegriteeError as refused:
            self._refuse(refused)
            return
        self.blocks = BlockStore(peer.blocks.chain())
        self.start()

    # -- time ----------------------------------------------------------------------------------------

    def _plan_slot(self) -> None:
        self.around.clock.after(slot_at(self.now, SLOT_MS).end - self.now, self._tick)

    def _tick(self) -> None:
        self._plan_slot()
        if not self.enclave.is_up:
            return
        self.follow()
        slot = next_slot(self.now, self.last_slot)
        if slot is not None and self.conditions.serves_slots and self.enclave.is_up:
            self.last_slot = slot.number
            now = self.now
            self._attempt(lambda: self.enclave.serve_slot(slot, now))

    # -- the parentchain -----------------------------------------------------------------------------

    def follow(self) -> None:
        """Hand over what is final and new."""
        chain = self.around.parentchain
        if self.conditions.hears_parentchain and chain.height > self._followed:
            self._attempt(self._import_parentchain)

    def _import_parentchain(self) -> None:
        chain = self.around.parentchain
        while (state := self.enclave.sync_state()).number < chain.height:
            last = min(state.number + MAX_PARENTCHAIN_BATCH, chain.height)
            blocks = [chain.block(n, state.watched_keys) for n in range(state.number + 1, last + 1)]
            self.enclave.import_parentchain(blocks, self.now)
        self._followed = state.number

    # -- what the enclave lets out -------------------------------------------------------------------

    def _act(self, effects: Effects) -> None:
        around = self.around
        if self.conditions.is_heard_by_parentchain:
            for extrinsics in effects.submit.values():
                for extrinsic in extrinsics:
                    around.parentchain.submit(extrinsic, around.clock.now)
        if effects.refused is not None:
            self._refuse(effects.refused)
        if effects.store_after is not None:
            self.say(f"gives up what is above block {effects.store_after}")
        for signed in effects.gossip:
            header = signed.block.header
            self.say(f"makes block {header.block_number} {header.hash().hex()[:8]}")
            around.authored(self, signed)
        self._store(effects.blocks, effects.store_after)
        for signed in effects.gossip:
            self._gossip(signed)
        if effects.statuses:
            around.hear(self, effects.statuses)
        if effects.fetch is not None:
            self._fetch(effects.fetch)

    def _store(self, blocks: list[SignedBlock], after: int | None) -> None:
        self.blocks.put(blocks, after)
        self.around.stored(self, blocks, after)

    def _gossip(self, signed: SignedBlock) -> None:
        sent = self.gossips(self, signed) if self.gossips else [(peer, signed) for peer in self.peers]
        for peer, block in sent:
            self.send_block(peer, block)

    def send_block(self, peer: Validateer, block: SignedBlock) -> None:
        self._send(peer, lambda: peer.hear_blocks([block]))

    def _send(self, peer: Validateer, arrive: Callable[[], None]) -> None:
        self.around.network.send(self.number, peer.number, lambda: arrive() if peer.enclave.is_up else None)

    # -- peers ---------------------------------------------------------------------------------------

    def hear_blocks(self, blocks: list[SignedBlock]) -> None:
        now = self.now
        self._attempt(lambda: self.enclave.receive_blocks(blocks, now))

    def submit(self, signed: TrustedCallSigned) -> None:
        """Take a call as the trusted RPC does; the peers will hear of it. Raises what that answers."""
        self.enclave.submit(signed, self.now)
        self.around.clock.after(BATCH_DELAY_MS, self._gossip_operations)

    def _gossip_operations(self) -> None:
        while self.enclave.is_up and (sealed := self.enclave.sealed_operations(self.now)) is not None:
            self.send_operations(sealed)

    def send_operations(self, sealed: bytes) -> None:
        for peer in self.peers:
            self._send(peer, lambda peer=peer: peer.hear_operations(sealed))  # type: ignore[misc]

    def hear_operations(self, sealed: bytes) -> None:
        now = self.now
        self._attempt(lambda: self.enclave.receive_operations(sealed, now))

    def _fetch(self, wanted: FetchBlocks) -> None:
        """Ask all peers, one after the other in any order. Of requests that come meanwhile the latest one waits."""
        if self._request is not None:
            self._waiting = wanted
            return
        ahead = self.peers
        self._dice.shuffle(ahead)
        self._ask(Request(wanted, ahead))

    def _ask(self, request: Request) -> None:
        """Ask the first peer ahead; when nobody is, the enclave hears that there is no more."""
        self._request = request if request.ahead else None
        if not request.ahead:
            now = self.now
            self._attempt(lambda: self.enclave.hear_all(now, nobody_answered=not request.is_answered))
            if self._waiting is not None and self._request is None and self.enclave.is_up:
                wanted, self._waiting = self._waiting, None
                self._fetch(wanted)
            return
        peer = request.ahead[0]
        self._send(peer, lambda: peer._answer(self, request))

        def give_up() -> None:
            if self._request is request:
                self._ask(request.of_next())

        self.around.clock.after(ANSWER_MS, give_up)

    def _answer(self, asker: Validateer, request: Request) -> None:
        blocks = self.blocks.behind(request.wanted)
        self._send(asker, lambda: asker._hear_answer(request, blocks))

    def _hear_answer(self, request: Request, blocks: list[SignedBlock]) -> None:
        if self._request is not request:
            return
        new = [block for block in blocks if block.hash() not in request.seen]
        if new:
            self.hear_blocks(new)
        if self._request is request:  # it may have gone down
            self._ask(request.behind(new) if new else request.of_next(is_answered=True))

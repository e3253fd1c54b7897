"""The untrusted worker's part of a parentchain connection, without sockets: what `integritee.worker.sync` does.

It hands finalized blocks over in justified batches, tells of upgrades and submits what the enclave signs. Which node it
talks to, and when it goes to another one, is the worker's own policy.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Final

from integritee.boundary.messages import ParentchainBlock, SyncState
from integritee.enclave.errors import SpecVersionUnproven
from integritee.errors import IntegriteeError
from integritee.node.node import Node
from integritee.node.runtime.runtime import TEER
from integritee.primitives.ids import ParentchainId
from integritee.simulation.clock import Clock
from integritee.worker.endpoints import Endpoints, Fault, fault_of

from .enclave import Enclave, EnclaveDown
from .laws import LawBroken
from .parentchain import Network, NodeDown, Peer

POLL_MS: Final = 1500
COMPARE_MS: Final = 60_000
HEAD_LIMIT_MS: Final = 60_000
BATCH: Final = 64
REQUIRED_FUNDS: Final = 60 * TEER
VAULT_FUNDING: Final = 25 * TEER


class NodeFault(Exception):
    """The node of the moment does not do."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.value)


class Host:
    """Keeps the enclave at the finalized head of one chain.

    `alter` is what happens to a batch on its way, `delays` says after how many ms an extrinsic arrives: never if
    there are none, several times if there are several. `refusals` counts the enclave's and the nodes' by code.
    """

    def __init__(self, network: Network, enclave: Enclave, clock: Clock, dice: random.Random) -> None:
        self.network, self._enclave, self._clock, self._dice = network, enclave, clock, dice
        self.alter: Callable[[list[ParentchainBlock]], list[ParentchainBlock]] = lambda blocks: blocks
        self.delays: Callable[[], list[int]] = lambda: [0]
        self.refusals: Counter[str] = Counter()
        self.sessions = 0
        self._peers = {f"ws://{peer.name}": peer for peer in network.peers}
        self.reset()
        clock.every(POLL_MS, self.poll)
        clock.every(COMPARE_MS, self._compare)

    def reset(self) -> None:
        """The worker's process begins anew."""
        self.endpoints = Endpoints(list(self._peers))
        self._node: Node | None = None
        self._state: SyncState | None = None
        self._version, self._finalized, self._heard_at, self._retry_at = 0, 0, 0, 0

    @property
    def which(self) -> ParentchainId:
        return self.network.which

    @property
    def _url(self) -> str:
        assert self.endpoints.current is not None
        return self.endpoints.current

    def lose(self, fault: Fault) -> None:
        """The session ends because of the node; another one begins after a pause."""
        if self._node is not None or self.endpoints.current is not None:
            self.endpoints.failed(self._url, fault, self._clock.now / 1000, self._dice.random())
        self._node = None

    def poll(self) -> None:
        """Go on, as far as things are."""
        if self._clock.now < self._retry_at or not self._enclave.is_up:
            return
        if self._node is None:
            _, wait = self.endpoints.choose(self._clock.now / 1000)
            self._retry_at = self._clock.now + int(wait * 1000)
            if wait:
                return
        try:
            self._serve(self._peers[self._url])
        except EnclaveDown:
            self.reset()
        except NodeDown:
            self.lose(Fault.UNREACHABLE)
        except NodeFault as failed:
            self.lose(failed.fault)
        except IntegriteeError as refused:
            self.refusals[refused.code] += 1
            self.lose(fault_of(refused.code))

    def _serve(self, peer: Peer) -> None:
        if self._node is None:
            self._begin(peer)
        if peer.node is not self._node:
            raise NodeDown(peer.name)  # it is there again, but the connection is not
        self._watch_runtime(peer)
        self._catch_up(peer)

    def _begin(self, peer: Peer) -> None:
        node = peer.node
        self._look_at_head(peer)
        params = peer.params(REQUIRED_FUNDS, VAULT_FUNDING)
        self._state = self._enclave.introduce(params)
        self._node, self._version, self._heard_at = node, params.runtime.spec_version, self._clock.now
        self.sessions += 1

    def _watch_runtime(self, peer: Peer) -> None:
        facts = peer.runtime()
        if facts.spec_version != self._version:
            self._enclave.set_runtime(self.which, facts)
            self._version = facts.spec_version

    # -- heads ---------------------------------------------------------------------------------------

    def target(self, peer: Peer) -> int:
        """How far the enclave is to follow."""
        return peer.finalized

    def _look_at_head(self, peer: Peer) -> int:
        head = self.target(peer)
        if head != self._finalized:
            self._finalized, self._heard_at = head, self._clock.now
        self.endpoints.claims(self._url, head)
        if self.endpoints.is_behind(self._url, self._state.number if self._state else 0):
            raise NodeFault(Fault.BEHIND)
        if self._clock.now - self._heard_at > HEAD_LIMIT_MS and self.endpoints.others(self._clock.now / 1000):
            raise NodeFault(Fault.SILENT)
        return head

    def _compare(self) -> None:
        if self._node is None:
            return
        for url in self.endpoints.others(self._clock.now / 1000):
            if self._peers[url].is_up:
                self.endpoints.claims(url, self._peers[url].finalized)

    # -- blocks --------------------------------------------------------------------------------------

    def _catch_up(self, peer: Peer) -> None:
        target = self._look_at_head(peer)
        while self._state is not None and self._state.number < target:
            blocks = self._justified_batch(peer, self._state, target)
            self._state = self._hand_over(peer, blocks, self.alter(blocks))
            self.endpoints.served(self._url)

    def _justified_batch(self, peer: Peer, state: SyncState, target: int) -> list[ParentchainBlock]:
        """Blocks behind those that the enclave has, ending with a justified one."""
        blocks: list[ParentchainBlock] = []
        first = state.number + 1
        while first + len(blocks) <= target:
            start = first + len(blocks)
            blocks += [peer.block(n, state.watched_keys) for n in range(start, min(start + BATCH, target + 1))]
            for end in range(len(blocks), 0, -1):
                if blocks[end - 1].justification is not None:
                    return blocks[:end]
        raise NodeFault(Fault.INCOMPLETE)

    def _hand_over(self, peer: Peer, honest: list[ParentchainBlock], blocks: list[ParentchainBlock]) -> SyncState:
        """Raises LawBroken unless the enclave takes what is true and nothing else."""
        try:
            state = self._import(peer, blocks)
        except IntegriteeError as refused:
            if blocks is honest:
                raise LawBroken("the truth is believed", f"{refused} ({refused.code})") from refused
            raise
        if blocks is not honest:
            raise LawBroken("damaged batches are refused", f"up to block {state.number}")
        return state

    def _import(self, peer: Peer, blocks: list[ParentchainBlock]) -> SyncState:
        """The enclave may ask for the runtime of one of the blocks."""
        try:
            return self._enclave.import_blocks(self.which, blocks)
        except SpecVersionUnproven as unknown:
            self._enclave.set_runtime(self.which, peer.runtime(unknown.expected))
            return self._enclave.import_blocks(self.which, blocks)

    # -- extrinsics ----------------------------------------------------------------------------------

    def submit(self, extrinsic: bytes) -> None:
        """Hand an extrinsic to the node of the moment. Refusals are no concern: the enclave repeats itself."""
        if self._node is None:
            return
        peer = self._peers[self._url]
        for delay in self.delays():
            self._clock.after(delay, lambda: self._arrive(peer, extrinsic))

    def _arrive(self, peer: Peer, extrinsic: bytes) -> None:
        if peer.is_up and (why := peer.submit(extrinsic)) is not None:
            self.refusals[f"pool: {why.split(':')[0]}"] += 1

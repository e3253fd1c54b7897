"""Mistakes planted into the product, one at a time: laws that let them pass would be worth nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeAlias

import pytest
from msgspec.structs import replace as replace_entry

from integritee.boundary.messages import ParentchainBlock
from integritee.enclave.parentchain import light_client
from integritee.enclave.parentchain.follower import Follower
from integritee.enclave.parentchain.inbound import InboundBlock
from integritee.enclave.parentchain.link import Link
from integritee.enclave.parentchain.outbox import Outbox, OutboxChange, Processed
from integritee.enclave.sidechain.author import BlockBuilder
from integritee.enclave.store import SealedStore
from integritee.stf.executor import Executor

from .host import Host
from .parentchain import Peer

Plant: TypeAlias = Callable[[pytest.MonkeyPatch], None]


def signs_again_too_early(patch: pytest.MonkeyPatch) -> None:
    """Before the first form is void: then that may be included, and nobody recognises it."""
    renew = Outbox.renew_void

    def renew_void(self: Outbox, facts: Any, processed: Processed, *rest: Any) -> None:
        renew(self, facts, replace(processed, number=processed.number + 24), *rest)

    patch.setattr(Outbox, "renew_void", renew_void)


def signs_again_with_another_nonce(patch: pytest.MonkeyPatch) -> None:
    """As the original's extrinsics factory would: what was only late is done twice."""
    renew = Outbox.renew_void

    def renew_void(self: Outbox, facts: Any, processed: Processed, anchor: Any, translated: Any) -> None:
        for entry in list(self.entries.values()):
            if entry.death - 24 <= processed.number:
                entry = replace_entry(entry, nonce=self.next_nonce)
                self._store(self._signed(facts, anchor, entry, entry.call))
                self.next_nonce += 1
        renew(self, facts, processed, anchor, translated)

    patch.setattr(Outbox, "renew_void", renew_void)


def skips_a_nonce(patch: pytest.MonkeyPatch) -> None:
    """Once in a while; all that comes behind waits for it."""
    add = Outbox.add

    def skipping(self: Outbox, *args: Any) -> Any:
        self.next_nonce += self.next_nonce % 40 == 39
        return add(self, *args)

    patch.setattr(Outbox, "add", skipping)


def credits_a_deposit_twice(patch: pytest.MonkeyPatch) -> None:
    """One in seven blocks."""
    apply = BlockBuilder.apply_parentchain

    def twice(self: BlockBuilder, contract: Any, block: InboundBlock) -> None:
        again = block.deposits if block.header.number % 7 == 0 else ()
        apply(self, contract, replace(block, deposits=block.deposits + again))

    patch.setattr(BlockBuilder, "apply_parentchain", twice)


def loses_refunds(patch: pytest.MonkeyPatch) -> None:
    """What the parentchain refused to pay is gone."""
    patch.setattr(BlockBuilder, "refund", lambda self, payment: None)


def believes_what_is_not_final(patch: pytest.MonkeyPatch) -> None:
    """Host and light client follow the best chain; a re-organisation leaves them on a branch that died."""

    def unchecked(state: light_client.LightClientState, justification: bytes | None) -> light_client.LightClientState:
        return state

    def batch(self: Host, peer: Peer, state: Any, target: int) -> list[ParentchainBlock]:
        return [peer.block(n, state.watched_keys) for n in range(state.number + 1, target + 1)]

    patch.setattr(light_client, "_finalize", unchecked)
    patch.setattr(Host, "target", lambda self, peer: peer.node.chain.best.number)
    patch.setattr(Host, "_justified_batch", batch)


def acts_before_it_remembers(patch: pytest.MonkeyPatch) -> None:
    """What goes out is not on the disk yet; a crash makes the enclave forget it."""
    patch.setattr(SealedStore, "sync", lambda self: self.sequence)
    patch.setattr(SealedStore, "synced", property(lambda self: self.sequence))


def forgets_its_outbox(patch: pytest.MonkeyPatch) -> None:
    """Recovery brings back the ledger, but not what was under way."""

    def apply(self: Outbox, change: OutboxChange) -> None:
        self.next_nonce = change.next_nonce

    patch.setattr(Outbox, "apply", apply)


def says_everything_once(patch: pytest.MonkeyPatch) -> None:
    """What got lost is not submitted again before its era is over."""
    patch.setattr(Link, "due_again", lambda self, read: [])


def misses_a_block(patch: pytest.MonkeyPatch) -> None:
    """A block that waited too long for a slot is forgotten."""
    take = Follower.import_blocks

    def forgetful(self: Follower, *args: Any) -> Any:
        read = take(self, *args)
        while len(self.inbox) > 3:
            self.inbox.popleft()
        return read

    patch.setattr(Follower, "import_blocks", forgetful)


def takes_a_call_twice(patch: pytest.MonkeyPatch) -> None:
    """A call that used its nonce is executed if it comes again on the other way."""

    def check(self: Executor, signed: Any) -> None:
        if signed.nonce > self.runtime.system.nonce(signed.call.sender):
            raise AssertionError("nobody signs ahead")

    patch.setattr(Executor, "_check_nonce", check)


DEFECTS: Final[Mapping[Plant, frozenset[str]]] = {
    signs_again_too_early: frozenset({"extrinsics late and twice", "slots missed"}),
    signs_again_with_another_nonce: frozenset({"extrinsics dropped", "slots missed"}),
    skips_a_nonce: frozenset(),
    credits_a_deposit_twice: frozenset(),
    loses_refunds: frozenset(),
    believes_what_is_not_final: frozenset({"reorg"}),
    acts_before_it_remembers: frozenset({"enclave dies", "power fails"}),
    forgets_its_outbox: frozenset({"enclave dies"}),
    says_everything_once: frozenset({"all nodes die", "extrinsics dropped"}),
    misses_a_block: frozenset({"slots missed"}),
    takes_a_call_twice: frozenset(),
}
"""With the faults under which each one shows."""

"""Mistakes planted into the product, one at a time: laws that let them pass would be worth nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from msgspec.structs import replace

from integritee.enclave import consensus, replica
from integritee.enclave.consensus import Consensus
from integritee.enclave.parentchain.link import Link
from integritee.enclave.parentchain.outbox import Outbox, OutboxEntry
from integritee.enclave.pool import TopPool
from integritee.enclave.provisioning import server_session, terms
from integritee.enclave.records import Recovered, SnapshotMeta
from integritee.enclave.replica import Replica
from integritee.enclave.sidechain import payload as payload_module
from integritee.enclave.sidechain import verification
from integritee.enclave.sidechain.chain import Chain
from integritee.enclave.sidechain.errors import WrongShard
from integritee.enclave.sidechain.lane import Lane
from integritee.enclave.sidechain.payload import StatePayload
from integritee.enclave.sidechain.production import Production
from integritee.enclave.store import SealedStore
from integritee.primitives.sidechain import SignedBlock
from integritee.stf.errors import InvalidNonce
from integritee.stf.executor import Executor

from .patches import Patches

CRASHES: Final = frozenset({"crash", "power-before-sync", "power-after-sync", "snapshot"})
FORKS: Final = frozenset({"partition", "lost", "slow-link", "deaf"})
EVERYTHING: Final = FORKS | CRASHES


@dataclass(frozen=True)
class Plant:
    """A mistake, and where it shows soonest: the faults, an attack that profits from it, a seed."""

    meaning: str
    plant: Callable[[Patches], None]
    faults: frozenset[str] = field(default_factory=frozenset)
    byzantine: str | None = None
    validateers: int = 4
    first: int = 1
    """Of the seeds that are tried."""


class Anything(bytes):
    """Equal to whatever it is compared with."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = bytes.__hash__


def _nothing(*_: object, **__: object) -> None:
    """Instead of a check."""


# -- consensus


def _ignores_confirmations(patches: Patches) -> None:
    patches.set(Consensus, "_anchors", lambda self: [])


def _slot_owner(patches: Patches) -> None:
    def check(self: Consensus, signed: SignedBlock, now: int) -> None:
        verification.verify_seal(signed, self._replica.shard)

    patches.set(Consensus, "_check", check)
    patches.set(verification, "_verify_author", _nothing)


def _future(patches: Patches) -> None:
    for module, name in ((consensus, "MAX_EARLY_MS"), (verification, "MAX_DRIFT_MS")):
        patches.set(module, name, 1 << 60)


def _past(patches: Patches) -> None:
    patches.set(verification, "_verify_time", _nothing)


def _root(name: str) -> Callable[[Patches], None]:
    def plant(patches: Patches) -> None:
        def lenient(*args: Any) -> StatePayload:
            payload = payload_module.decrypt(*args)
            return replace(payload, **{name: Anything(getattr(payload, name))})

        patches.set(consensus, "decrypt", lenient)

    return plant


def _seal(patches: Patches) -> None:
    patches.set(SignedBlock, "has_valid_signature", lambda self: True)


def _data(patches: Patches) -> None:
    def verify_seal(signed: SignedBlock, shard: bytes) -> None:
        if not signed.has_valid_signature() or signed.block.header.shard_id != shard:
            raise WrongShard(shard, signed.block.header.shard_id)

    patches.set(consensus, "verify_seal", verify_seal)


def _stride(patches: Patches) -> None:
    patches.set(verification, "_verify_finalization", _nothing)


def _anchor(patches: Patches) -> None:
    patches.set(Consensus, "_place_at", lambda self, number: 0)


# -- giving blocks up


def _forgets_calls(patches: Patches) -> None:
    patches.set(Replica, "_retract", lambda self, given_up, changes, now: [])


def _skips_parentchain_blocks(patches: Patches) -> None:
    patches.set(Link, "unfollow", lambda self, number: None)


def _resumes_too_late(patches: Patches) -> None:
    resumption = Link.resumption
    patches.set(Link, "resumption", lambda self, number, following=(): resumption(self, 1 << 32, following))


def _forgets_reverts(patches: Patches) -> None:
    patches.set(Recovered, "_revert", lambda self, record: None)


# -- money


def _pays_early(patches: Patches) -> None:
    def due(self: Chain, final: int) -> list[Any]:
        return [each for each in self.held if each.payer == self.own]

    patches.set(Chain, "due", due)


def _pays_again(patches: Patches) -> None:
    carry_out = Production._carry_out

    def forgetful(self: Production, effects: Any) -> None:
        carry_out(self, effects)
        self.builder.released.clear()

    patches.set(Production, "_carry_out", forgetful)


def _forgets_keys(patches: Patches) -> None:
    store = Outbox._store

    def forgetful(self: Outbox, entry: OutboxEntry) -> None:
        store(self, entry)
        self._keys.discard(entry.key)

    patches.set(Outbox, "_store", forgetful)


def _loses_refunds(patches: Patches) -> None:
    take_refunds = Outbox.take_refunds

    def forgetful(self: Outbox) -> list[Any]:
        take_refunds(self)
        return []

    patches.set(Outbox, "take_refunds", forgetful)


def _credits_again(patches: Patches) -> None:
    take = Lane.take

    def always_new(self: Lane, *args: Any) -> bool:
        take(self, *args)
        return True

    patches.set(Lane, "take", always_new)


def _forgets_held(patches: Patches) -> None:
    patches.set(replica, "SnapshotMeta", lambda *args: replace(SnapshotMeta(*args), held=[]))


# -- calls, disks, keys


def _nonces(patches: Patches) -> None:
    def check(self: Executor, signed: Any) -> None:
        if signed.nonce > self.runtime.system.nonce(signed.call.sender):
            raise InvalidNonce(signed.nonce, self.runtime.system.nonce(signed.call.sender))

    submit = TopPool.submit

    def gullible(self: Any, entry: Any, account_nonce: int, now: int) -> Any:
        return submit(self, entry, min(entry.nonce, account_nonce), now)

    patches.set(Executor, "_check_nonce", check)
    patches.set(TopPool, "submit", gullible)


def _acts_early(patches: Patches) -> None:
    patches.set(SealedStore, "sync", lambda self: self.sequence)
    patches.set(SealedStore, "synced", property(lambda self: self.sequence))


def _evidence(patches: Patches) -> None:
    patches.set(server_session, "verify_peer", _nothing)


def _report_data(patches: Patches) -> None:
    patches.set(terms, "check_report_data", _nothing)


PLANTS: Final[Mapping[str, Plant]] = {
    "confirmation-ignored": Plant(
        "the fork choice knows no confirmations", _ignores_confirmations, FORKS, validateers=3
    ),
    "slot-owner-unchecked": Plant("any authority may use any slot", _slot_owner, byzantine="slot-thief"),
    "future-unchecked": Plant("blocks may come before their time", _future, byzantine="future-slot"),
    "past-unchecked": Plant("time may go back", _past, byzantine="late-slot"),
    "root-before-unchecked": Plant("diffs may begin anywhere", _root("root_before"), byzantine="wrong-beginning"),
    "root-after-unchecked": Plant("diffs may lead anywhere", _root("root_after"), byzantine="wrong-root"),
    "seal-unchecked": Plant("anybody signs for anybody", _seal, byzantine="impersonator"),
    "data-unchecked": Plant("headers need not fit their data", _data, byzantine="other-data"),
    "stride-unchecked": Plant("blocks say when they are confirmed", _stride, byzantine="wrong-stride"),
    "anchor-unchecked": Plant("the parentchain may go back", _anchor, byzantine="old-anchor"),
    "revert-forgets-calls": Plant("calls of given-up blocks are lost", _forgets_calls, FORKS, validateers=3),
    "revert-skips-parentchain": Plant(
        "so are parentchain blocks", _skips_parentchain_blocks, EVERYTHING, validateers=2, first=6
    ),
    "revert-not-replayed": Plant(
        "a restart does not know of given-up blocks", _forgets_reverts, EVERYTHING, validateers=3
    ),
    "resumes-too-late": Plant(
        "light clients resume too far on", _resumes_too_late, EVERYTHING, validateers=3, first=4
    ),
    "pays-early": Plant("payments do not wait for confirmations", _pays_early, validateers=3),
    "pays-again": Plant("what is under way stays due", _pays_again, validateers=3),
    "outbox-key-forgotten": Plant(
        "the outbox does not know what it sends", _forgets_keys, EVERYTHING, validateers=2, first=18
    ),
    "refund-lost": Plant("what cannot be paid is gone", _loses_refunds, validateers=3),
    "credits-again": Plant(
        "parentchain blocks count each time they are seen", _credits_again, EVERYTHING, validateers=3
    ),
    "snapshot-forgets-held": Plant(
        "snapshots do not hold what is to be paid", _forgets_held, CRASHES, validateers=3, first=5
    ),
    "nonce-unchecked": Plant("calls may be executed again", _nonces, EVERYTHING, validateers=3),
    "acts-before-sync": Plant("what goes out is not on the disk yet", _acts_early, CRASHES, validateers=3),
    "evidence-unchecked": Plant("everybody gets the keys", _evidence, byzantine="forged-quote"),
    "report-data-unchecked": Plant("evidence counts for anybody", _report_data, byzantine="replayed-evidence"),
}

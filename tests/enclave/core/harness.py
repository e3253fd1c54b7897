"""A worker in one thread: the real node's chain, a host that moves bytes, and the enclave's core on a disk that
can lose power. No sockets, no threads; time is a number and only tests move it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from msgspec.structs import replace

from integritee.apps.catalog import DEFAULT_LEDGER as LEDGER
from integritee.boundary.messages import ImportBlocks, MetadataToken
from integritee.crypto import Ed25519Pair, KeyPair, ShieldingKey, blake2_256
from integritee.enclave.attestation import SimulationTee
from integritee.enclave.bootstrap import Wishes, recover
from integritee.enclave.core import EnclaveCore
from integritee.enclave.keys import SHIELDING_LABEL
from integritee.enclave.parentchain.onboarding import Phase
from integritee.enclave.pool import StatusChanged
from integritee.enclave.replica import Effects
from integritee.enclave.sidechain.production import Production
from integritee.enclave.sidechain.slots import slot_at
from integritee.enclave.store import SealedStore
from integritee.metadata import RuntimeMetadata
from integritee.node.runtime.runtime import TEER
from integritee.primitives.ids import ParentchainId
from integritee.primitives.sidechain import SignedBlock
from integritee.stf.invariants import check_invariants
from integritee.stf.ledger import Ledger
from integritee.stf.operation import (
    DirectCall,
    Getter,
    Public,
    Trusted,
    TrustedCall,
    TrustedCallSigned,
    TrustedOperation,
)
from integritee.stf.runtime import LedgerRuntime

from ...invariants import assert_backed, assert_invariants, assert_nonces_grow, nonces
from ..store.faulty_directory import FaultyDirectory, PowerFailure, Survival
from ..store.machine import KIND, SEAL_KEY, counting_random
from .parentchain import ALICE, BLOCK_MS, START_MS, USERS, Parentchain

MRENCLAVE = blake2_256(b"the enclave's code")
URL = "wss://worker.test:2000"
TEE = SimulationTee(MRENCLAVE, bytes(32))
SLOT_MS = 1000
BATCH = 64

ANN, BEN, CAT, DAN = USERS.values()


@cache
def shielding_secret() -> bytes:
    """The RSA key of the golden vectors as the enclave seals it; generating one is slow and random."""
    vectors = json.loads((Path(__file__).parents[2] / "vectors" / "js-types.json").read_text())
    jwk = vectors["shielding"]["jwk_private"]

    def octets(name: str, width: int) -> list[int]:
        raw = base64.urlsafe_b64decode(jwk[name] + "=" * (-len(jwk[name]) % 4))
        return list(raw[::-1].ljust(width, b"\0"))

    widths = {"n": 384, "d": 384, "e": 4, "p": 192, "q": 192, "dp": 192, "dq": 192, "qi": 192}
    names = {"dp": "dmp1", "dq": "dmq1", "qi": "iqmp"}
    members = {names.get(name, name): octets(name, width) for name, width in widths.items()}
    return json.dumps(members, separators=(",", ":")).encode()


checked_key = cache(ShieldingKey.from_private_json)
parsed = cache(RuntimeMetadata.parse)
"""Checking a key and reading metadata take longer than most tests; both depend on their argument only."""


class World:
    """One worker on one parentchain, or on further ones: `targets`, of which one may have the vault.

    `drops` says which extrinsics the host keeps to itself; `published` is what the enclave let out, in order.
    `mrenclave` and `url` are those of the enclave's next start.
    """

    mrenclave = MRENCLAVE
    url = URL
    max_age = 0
    token: MetadataToken | None = None

    def __init__(
        self,
        chain: Parentchain | None = None,
        directory: FaultyDirectory | None = None,
        now: int = START_MS,
        random: Callable[[int], bytes] | None = None,
        ledger: Ledger = LEDGER,
        shard: bytes | None = None,
        targets: dict[ParentchainId, Parentchain] | None = None,
        shielding_target: ParentchainId | None = None,
    ) -> None:
        self.chains = {ParentchainId.Integritee: chain or Parentchain(), **(targets or {})}
        self.shielding_target = shielding_target
        self.directory = directory or FaultyDirectory()
        self.random = random or counting_random()
        self.ledger, self.wanted_shard = ledger, shard
        self.now = now
        self.drops: Callable[[bytes], bool] = lambda extrinsic: False
        self.blocks: list[SignedBlock] = []
        self.stored: dict[int, SignedBlock] = {}
        """The chain's blocks by number, as the host keeps them."""
        self.phases: list[str] = []
        self.statuses: dict[bytes, list[StatusChanged]] = {}
        self.submitted: list[bytes] = []
        self.core: EnclaveCore
        self.store: SealedStore
        self._nonces: dict[bytes, int] = {}
        self.boot()

    def close(self) -> None:
        for chain in self.chains.values():
            chain.close()

    @property
    def chain(self) -> Parentchain:
        """Integritee."""
        return self.chains[ParentchainId.Integritee]

    @chain.setter
    def chain(self, other: Parentchain) -> None:
        self.chains[ParentchainId.Integritee] = other

    @property
    def vault_chain(self) -> Parentchain:
        """The chain that funds come from."""
        return self.chains[self.shielding_target or ParentchainId.Integritee]

    def fork(self) -> World:
        """The same world once more, its enclave restarted, and one block on so that it knows its chain."""
        directory = FaultyDirectory()
        directory.put_back(self.directory.contents())
        other = World(self.chain.fork(), directory, self.now, self.random, self.ledger)
        other.blocks = list(self.blocks)
        other.connect()
        for extrinsic in other.core.integritee.outbox.pending():
            other.chain.submit(extrinsic, other.now)
        other.block()
        return other

    # -- the enclave's life --------------------------------------------------------------------------

    def boot(self) -> None:
        """Start the enclave on what the disk holds."""
        self.store, stored = SealedStore.open(self.directory, SEAL_KEY, KIND, random=self.random)
        if self.store.get_secret(SHIELDING_LABEL) is None:
            self.store.put_secret(SHIELDING_LABEL, shielding_secret())
        with patch.object(ShieldingKey, "from_private_json", staticmethod(checked_key)):
            wishes = Wishes(self.url, self.wanted_shard, self.shielding_target, self.max_age, check_invariants=True)
            self.core = recover(self.store, stored, self.mrenclave, wishes, self.ledger, self.random)

    def connect(self) -> None:
        with patch.object(RuntimeMetadata, "parse", staticmethod(parsed)):
            for id, chain in self.chains.items():
                vault = 25 * TEER if chain is self.vault_chain else 0
                params = chain.params(35 * TEER + vault, vault, id)
                self.core.connect(replace(params, token=self.token if chain is self.vault_chain else None))

    def restart(self, survival: Survival | None = None) -> None:
        """Pull the plug, then start and connect again."""
        self.directory.reboot(survival)
        self.boot()
        self.connect()

    @contextmanager
    def power_failure_at(self, operation: int) -> Iterator[None]:
        """The disk fails at its n-th operation from here; then the worker starts again and catches up."""
        self.directory.fail_at = operation
        try:
            yield
        except PowerFailure:
            self.restart()
        self.directory.fail_at = None

    def durable(self, effects: Effects) -> Effects:
        """What the driver does: sync, then act."""
        if self.store.sequence > self.store.synced:
            self.store.sync()
        self.core.show_durable()
        for changed in effects.statuses:
            self.statuses.setdefault(changed.hash, []).append(changed)
        for id, extrinsics in effects.submit.items():
            for extrinsic in extrinsics:
                self.submitted.append(extrinsic)
                if not self.drops(extrinsic):
                    self.chains[id].submit(extrinsic, self.now)
        self.blocks += effects.gossip
        if effects.store_after is not None:
            self.stored = {n: block for n, block in self.stored.items() if n <= effects.store_after}
        self.stored |= {block.block.header.block_number: block for block in effects.blocks}
        if effects.phase is not None:
            self.phases.append(effects.phase.phase)
        return effects

    # -- the parentchain -----------------------------------------------------------------------------

    def block(self, count: int = 1) -> None:
        """Let the parentchain grow and the enclave follow, block by block."""
        for _ in range(count):
            self.grow()
            self.sync()

    def grow(self, count: int = 1) -> None:
        """Let the parentchain grow; the enclave hears nothing of it yet."""
        for _ in range(count):
            self.now += BLOCK_MS
            for chain in self.chains.values():
                chain.produce(self.now)

    def sync(self, batch: int = BATCH) -> None:
        """Hand over finalized blocks until the enclave has all."""
        for id, chain in self.chains.items():
            while (state := self.core.sync_state(id)).number < chain.height:
                last = min(state.number + batch, chain.height)
                self.durable(self.core.import_blocks(self.request(state.number + 1, last, id), self.now))

    def request(self, first: int, last: int, id: ParentchainId = ParentchainId.Integritee) -> ImportBlocks:
        keys = self.core.sync_state(id).watched_keys
        return ImportBlocks(id, [self.chains[id].block(n, keys) for n in range(first, last + 1)])

    def fund_enclave(self, amount: int = 100 * TEER) -> None:
        for chain in self.chains.values():
            chain.transfer(ALICE, self.account, amount, self.now)

    def run(self, limit: int = 30) -> None:
        """Take the enclave from nothing to its first sidechain block."""
        self.connect()
        self.fund_enclave()
        for _ in range(limit):
            if self.core.phase is Phase.RUNNING:
                self.slot()
                return
            self.block()
        raise AssertionError(f"stuck in {self.core.phase}")

    # -- the sidechain -------------------------------------------------------------------------------

    def begin(self) -> Production | None:
        """Begin the next slot."""
        slot = slot_at(self.now - self.now % SLOT_MS + SLOT_MS, SLOT_MS)
        self.now = slot.start
        return self.core.begin_slot(slot, self.now)

    def slot(self) -> Effects | None:
        """Serve the next slot to its end."""
        production = self.begin()
        if production is None:
            return None
        while production.step(8):
            pass
        return self.durable(self.core.finish_slot(production, self.now + 1))

    def settle(self, rounds: int = 3) -> None:
        """Let everything under way arrive: slots, then blocks that carry what they sent, and so on."""
        for _ in range(rounds):
            self.slot()
            self.block()
        self.slot()

    # -- users ---------------------------------------------------------------------------------------

    @property
    def shard(self) -> bytes:
        return self.core.config.shard

    @property
    def account(self) -> bytes:
        """The enclave's parentchain account."""
        return self.core.keys.signing.public

    @property
    def vault(self) -> bytes:
        known = self.core.runtime.vault()
        return known[0] if known else self.core.keys.vault(self.shard).public

    @property
    def runtime(self) -> LedgerRuntime:
        return self.core.runtime

    def free(self, who: KeyPair) -> int:
        """Ledger balance in the committed state."""
        return self.runtime.balances.free(who.public)

    def nonce(self, who: KeyPair) -> int:
        """Next ledger nonce, pending calls counted."""
        return self.core.pool.next_nonce(who.public, self.runtime.system.nonce(who.public))

    def shield(self, who: KeyPair, amount: int) -> None:
        """Send money to the vault."""
        self.vault_chain.transfer(who, self.vault, amount, self.now)

    def signed(self, who: KeyPair, call: TrustedCall, nonce: int | None = None) -> TrustedCallSigned:
        nonce = self.nonce(who) if nonce is None else nonce
        return self.ledger.sign_call(call, nonce, who, self.mrenclave, self.shard)

    def submit(self, signed: TrustedCallSigned) -> bytes:
        """Admit a call as the trusted RPC does after deciphering; its hash."""
        plain = self.ledger.codec(TrustedOperation).encode(DirectCall(signed))
        hash, statuses = self.core.admit(plain, self.now)
        for changed in statuses:
            self.statuses.setdefault(changed.hash, []).append(changed)
        return hash

    def transfer(self, source: KeyPair, dest: KeyPair, amount: int, nonce: int | None = None) -> bytes:
        call = LEDGER.call("balance_transfer", source.public, dest.public, amount)
        return self.submit(self.signed(source, call, nonce))

    def unshield(self, who: KeyPair, beneficiary: bytes, amount: int, nonce: int | None = None) -> bytes:
        call = LEDGER.call("balance_unshield", who.public, beneficiary, amount, self.shard)
        return self.submit(self.signed(who, call, nonce))

    def status(self, hash: bytes) -> list[str]:
        """Names of the statuses a call went through."""
        return [type(changed.status).__name__ for changed in self.statuses.get(hash, [])]

    def reason(self, hash: bytes) -> str | None:
        """Code of the error with which a call left."""
        last = self.statuses[hash][-1].reason
        return None if last is None else last.code

    # -- laws ----------------------------------------------------------------------------------------

    def check(self) -> None:
        """What holds at any time in any world."""
        runtime = self.ledger.runtime(self.runtime.state)
        assert_invariants(runtime)
        check_invariants(runtime)
        seen = nonces(runtime)
        assert_nonces_grow(self._nonces, seen)
        self._nonces = seen
        if not self.core.is_running:
            return
        on_chain = self.vault_chain.included()
        owed = [
            entry.payment.amount
            for entry in self.core.links.vault.outbox.entries.values()
            if entry.payment is not None and entry.payment.asset is None and entry.hash() not in on_chain
        ]
        held = [held.planned.payment for held in self.core.replica.chain.held]
        owed += [payment.amount for payment in held if payment is not None and payment.asset is None]
        issued, unbacked = runtime.balances.total_issuance.get(), runtime.shard_management.unbacked.get()
        assert_backed(issued, unbacked, owed, self.vault_chain.free(self.vault))


def ledger_pair(world: World) -> Ed25519Pair:
    return world.core.keys.ledger


def getter_bytes(getter: Getter) -> bytes:
    return LEDGER.codec(Getter).encode(getter)


def trusted_getter(name: str, who: KeyPair, *args: Any) -> Getter:
    return Trusted(LEDGER.sign_getter(LEDGER.trusted_getter(name, who.public, *args), who))


def public_getter(name: str, *args: Any) -> Getter:
    return Public(LEDGER.public_getter(name, *args))


def payments(world: World) -> list[tuple[bytes, int]]:
    """(beneficiary, amount) of every transfer out of the vault that is in a block."""
    return [
        (fields["to"], fields["amount"])
        for fields in world.vault_chain.all_events("Balances.Transfer")
        if fields["from"] == world.vault
    ]

"""A ledger on a bench: its runtime over a trie, with accounts that hold what a test says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from integritee.apps.catalog import DEFAULT_LEDGER as LEDGER
from integritee.apps.guess_the_number.app import GuessTheNumber
from integritee.crypto import Ed25519Pair, KeyPair, Sr25519Pair, blake2_256
from integritee.frame.outer import EventRecord
from integritee.frame.overlay import Overlay
from integritee.primitives.ids import ParentchainId
from integritee.primitives.signature import Ed25519
from integritee.stf.asset_map import AssetId
from integritee.stf.executor import Executor, Outcome
from integritee.stf.invariants import check_invariants
from integritee.stf.ledger import Ledger
from integritee.stf.native import NATIVE_APPS, Development
from integritee.stf.operation import Public, Trusted, TrustedCall, TrustedCallSigned
from integritee.stf.runtime import MAINTAINER
from integritee.trie import Trie

ONE = 10**12
FEE = ONE // 100
ED = 500
NOW = 1_700_000_000_000

MRENCLAVE = b"\x1b" * 32
SHARD = b"\xa7" * 32
VAULT = b"\xee" * 32

ENCLAVE = Ed25519Pair.from_seed(blake2_256(b"enclave"))
ALICE = Sr25519Pair.from_uri("//Alice")
BOB = Ed25519Pair.from_uri("//Bob")
EVE = Ed25519Pair.from_uri("//Eve")
CHARLIE = Sr25519Pair.from_uri("//Charlie")

LOCAL_ASSET_HUB = bytes.fromhex("af94f065f724b64ec40a7dd7ca3d25b3493d462f1e991b979e7683ae2a5da8d6")
"""Genesis of a chain that offers every asset there is."""

DEVELOPMENT_LEDGER = Ledger((*NATIVE_APPS, GuessTheNumber, Development), development=True)
"""Knows a sudo key and, on chains that are not known, every asset."""


@dataclass
class Bench:
    """Block 1 of a fresh shard with a vault on Integritee. `funds`: base units by key pair."""

    funds: dict[KeyPair, int] = field(default_factory=dict)
    ledger: Ledger = LEDGER
    vault: bool = True
    genesis_hash: bytes = bytes(32)

    def __post_init__(self) -> None:
        self.runtime = self.ledger.runtime(Overlay(Trie.empty()))
        self.runtime.initialize_genesis(ENCLAVE.public)
        mirror = self.runtime.parentchain(ParentchainId.Integritee)
        mirror.set_genesis(self.genesis_hash)
        if self.vault:
            mirror.set_vault(VAULT)
        for pair, amount in self.funds.items():
            self.runtime.balances.mint(pair.public, amount)
        self.runtime.system.number.put(1)
        self.runtime.system.write_events()
        self.runtime.system.event_records.kill()
        self.runtime.system.event_count.kill()
        self.executor = Executor(self.ledger, self.runtime, MRENCLAVE, SHARD)

    # -- calls ---------------------------------------------------------------------------------------

    def call(self, name: str, *args: Any) -> TrustedCall:
        return self.ledger.call(name, *args)

    def signed(self, pair: KeyPair, call: TrustedCall, nonce: int | None = None) -> TrustedCallSigned:
        nonce = self.nonce(call.sender) if nonce is None else nonce
        return self.ledger.sign_call(call, nonce, pair, MRENCLAVE, SHARD)

    def run(self, pair: KeyPair, name: str, *args: Any) -> Outcome:
        """Sign with the sender's next nonce and execute; the sender is `pair`."""
        return self.executor.execute(self.signed(pair, self.call(name, pair.public, *args)), NOW)

    def execute(self, signed: TrustedCallSigned, now: int = NOW) -> Outcome:
        return self.executor.execute(signed, now)

    def act(self, pair: KeyPair, call: TrustedCall, now: int = NOW) -> Outcome:
        """Sign a call of whatever account, as its session proxy if need be, and execute it."""
        return self.execute(self.signed(pair, call), now)

    def order(self, name: str, *args: Any) -> Outcome:
        """A call of the maintainer, whose key nobody here has: its signature counts as checked."""
        call = self.call(name, MAINTAINER, *args)
        signed = TrustedCallSigned(call, self.nonce(MAINTAINER), None, Ed25519(bytes(64)))
        return self.executor.execute(signed, NOW, verified=True)

    # -- getters -------------------------------------------------------------------------------------

    def ask(self, pair: KeyPair, name: str, who: bytes, *args: Any, now: int = NOW) -> Any:
        """The answer to a getter that `pair` signs, as session proxy of `who` if need be."""
        getter = self.ledger.trusted_getter(name, who, *args)
        raw = self.executor.query(Trusted(self.ledger.sign_getter(getter, pair)), now)
        return None if raw is None else self.ledger.decode_answer(getter.definition, raw)

    def read(self, name: str, *args: Any) -> Any:
        """The answer to a public getter."""
        getter = self.ledger.public_getter(name, *args)
        raw = self.executor.query(Public(getter), NOW)
        return None if raw is None else self.ledger.decode_answer(getter.definition, raw)

    # -- state ---------------------------------------------------------------------------------------

    def free(self, who: KeyPair | bytes) -> int:
        return self.runtime.balances.free(who if isinstance(who, bytes) else who.public)

    def nonce(self, who: KeyPair | bytes) -> int:
        return self.runtime.system.nonce(who if isinstance(who, bytes) else who.public)

    def held(self, who: KeyPair | bytes, asset: AssetId) -> int:
        return self.runtime.assets.balance(asset, who if isinstance(who, bytes) else who.public)

    def hold(self, who: KeyPair, asset: AssetId, amount: int) -> None:
        """Let an account hold units of an asset, out of nothing."""
        self.runtime.assets.ensure(asset, ENCLAVE.public)
        self.runtime.assets.mint_into(asset, who.public, amount)

    def check(self) -> None:
        """The laws of the ledger hold."""
        check_invariants(self.runtime)

    def issued(self) -> int:
        return self.runtime.balances.total_issuance.get()

    def root(self) -> bytes:
        """Root of the state as it is now, events included."""
        self.runtime.system.write_events()
        return self.runtime.state.settled().root()

    def changes(self) -> dict[bytes, bytes | None]:
        return dict(self.runtime.state.changes())

    def events(self) -> list[str]:
        """``Pallet.Event`` of every event since the block began."""
        codec = self.runtime.codec(EventRecord)
        found = [codec.decode(raw).event for raw in self.runtime.events]
        return [f"{event.pallet}.{event.name}" for event in found]


def code(outcome: Outcome) -> str | None:
    return None if outcome.error is None else outcome.error.code

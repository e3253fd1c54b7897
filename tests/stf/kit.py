"""A ledger on a bench: its runtime over a trie, with accounts that hold what a test says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from integritee.apps.catalog import DEFAULT_LEDGER as LEDGER
from integritee.crypto import Ed25519Pair, KeyPair, Sr25519Pair, blake2_256
from integritee.frame.outer import EventRecord
from integritee.frame.overlay import Overlay
from integritee.primitives.ids import ParentchainId
from integritee.stf.executor import Executor, Outcome
from integritee.stf.ledger import Ledger
from integritee.stf.operation import TrustedCall, TrustedCallSigned
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

    def execute(self, signed: TrustedCallSigned) -> Outcome:
        return self.executor.execute(signed, NOW)

    # -- state ---------------------------------------------------------------------------------------

    def free(self, who: KeyPair | bytes) -> int:
        return self.runtime.balances.free(who if isinstance(who, bytes) else who.public)

    def nonce(self, who: KeyPair | bytes) -> int:
        return self.runtime.system.nonce(who if isinstance(who, bytes) else who.public)

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

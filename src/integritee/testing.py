"""A ledger on a bench, for tests of apps: no enclave, no parentchain, no clock.

    bench = Bench(Greeter)
    assert bench.call(ALICE, "greeter.greet", BOB.public) is None
    assert bench.ask(BOB, "greeter.greetings") == 1

Calls are signed, encoded, verified, authorised, charged and executed as in an enclave; after each of them the laws of
the ledger are checked, those of the app's pallets included (`stf.invariants`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from integritee.crypto import Ed25519Pair, KeyPair, Sr25519Pair, blake2_256
from integritee.frame.outer import EventRecord
from integritee.frame.overlay import Overlay
from integritee.primitives.ids import ParentchainId
from integritee.stf.declare import App
from integritee.stf.executor import Executor, Outcome
from integritee.stf.invariants import check_invariants
from integritee.stf.ledger import Ledger
from integritee.stf.native import NATIVE_APPS
from integritee.stf.operation import Getter, Public, Trusted, TrustedCallSigned
from integritee.trie import Trie

ALICE: Final = Sr25519Pair.from_uri("//Alice")
BOB: Final = Sr25519Pair.from_uri("//Bob")
CHARLIE: Final = Sr25519Pair.from_uri("//Charlie")

ONE: Final = 10**12
"""Base units of one token."""
RICH: Final[Mapping[KeyPair, int]] = {ALICE: 1000 * ONE, BOB: 1000 * ONE, CHARLIE: 1000 * ONE}
NOW: Final = 1_700_000_000_000
"""Unix time of the first block, in ms."""
BLOCK_TIME: Final = 6_000
"""Milliseconds."""

MRENCLAVE: Final = blake2_256(b"bench/mrenclave")
SHARD: Final = blake2_256(b"bench/shard")
VAULT: Final = blake2_256(b"bench/vault")
ENCLAVE: Final = Ed25519Pair.from_seed(blake2_256(b"bench/enclave"))
"""Signs calls that only the enclave may make."""


class Bench:
    """The first block of a shard with these apps beside the ledger's own.

    `funds`: base units by key pair; all that is not said is that //Alice, //Bob and //Charlie are rich.
    """

    def __init__(self, *apps: type[App], funds: Mapping[KeyPair, int] = RICH) -> None:
        self.ledger = _ledger(apps)
        self.runtime = self.ledger.runtime(Overlay(Trie.empty()))
        self.runtime.initialize_genesis(ENCLAVE.public)
        mirror = self.runtime.parentchain(ParentchainId.Integritee)
        mirror.set_genesis(bytes(32))
        mirror.set_vault(VAULT)
        for pair, amount in funds.items():
            self.runtime.balances.mint(pair.public, amount)
        self.runtime.shard_management.unbacked.put(self.runtime.balances.total_issuance.get())
        self.executor = Executor(self.ledger, self.runtime, MRENCLAVE, SHARD)
        self.number, self.now = 0, NOW - BLOCK_TIME
        self.outcome = Outcome()
        """Of the latest call: what it caused on parentchains, or its error."""
        self.next_block()

    # -- calls and getters ---------------------------------------------------------------------------

    def call(self, signer: KeyPair, name: str, *args: Any, on_behalf_of: bytes | None = None) -> str | None:
        """Make a call for the signer's account, or for another one whose session proxy it is.

        None if it was executed, else the code of the error that refused it.
        """
        account = on_behalf_of or signer.public
        nonce = self.runtime.system.nonce(account)
        call = self.ledger.call(name, account, *args)
        wire = self.ledger.codec(TrustedCallSigned)
        signed = self.ledger.sign_call(call, nonce, signer, MRENCLAVE, SHARD)
        self.outcome = self.executor.execute(wire.decode(wire.encode(signed)), self.now)
        check_invariants(self.runtime)
        return None if self.outcome.error is None else self.outcome.error.code

    def ask(self, signer: KeyPair, name: str, *args: Any, about: bytes | None = None) -> Any:
        """Answer of a trusted getter about the signer's account, or another one; None if there is none.

        Raises MissingPrivileges.
        """
        getter = self.ledger.trusted_getter(name, about or signer.public, *args)
        return self._answer(Trusted(self.ledger.sign_getter(getter, signer)), name)

    def ask_publicly(self, name: str, *args: Any) -> Any:
        """Answer of a public getter; None if there is none."""
        return self._answer(Public(self.ledger.public_getter(name, *args)), name)

    def _answer(self, getter: Getter, name: str) -> Any:
        wire = self.ledger.codec(Getter)
        answer = self.executor.query(wire.decode(wire.encode(getter)), self.now)
        asked = self.ledger.public_getters if isinstance(getter, Public) else self.ledger.trusted_getters
        return None if answer is None else self.ledger.decode_answer(asked[name], answer)

    # -- blocks --------------------------------------------------------------------------------------

    def next_block(self, after: int = BLOCK_TIME) -> None:
        """Begin another block, `after` ms later; hooks of the pallets run."""
        self.number, self.now = self.number + 1, self.now + after
        self.runtime.events.clear()
        self.runtime.begin_block(self.number, self.now, blake2_256(b"bench/entropy/%d" % self.number))
        self.runtime.run_hooks(self.number, self.now)
        check_invariants(self.runtime)

    # -- state ---------------------------------------------------------------------------------------

    def free(self, who: KeyPair) -> int:
        """Free base units of an account."""
        return self.runtime.balances.free(who.public)

    def events(self) -> list[str]:
        """``Pallet.Event`` of all that happened in this block."""
        codec = self.runtime.codec(EventRecord)
        found = [codec.decode(raw).event for raw in self.runtime.events]
        return [f"{event.pallet}.{event.name}" for event in found]


@lru_cache(64)
def _ledger(apps: tuple[type[App], ...]) -> Ledger:
    """Raises IndexClash."""
    return Ledger((*NATIVE_APPS, *apps))

"""The pipeline of a trusted call: verify → authorise → nonce → gate → fee → dispatch → note → effects.

A call that fails after paying keeps only its fee and nonce; everything else it did is undone. A call refused
before that leaves no trace.
"""

from __future__ import annotations

import msgspec

from integritee.crypto import blake2_256
from integritee.errors import IntegriteeError
from integritee.primitives.signature import verify_wrapped

from .authorisation import Authorisation
from .declare import Context
from .effects import Effect, Vet, any_effects
from .errors import InvalidNonce, InvalidSignature
from .fees import charge
from .ledger import Ledger
from .operation import (
    Getter,
    Public,
    PublicGetter,
    Trusted,
    TrustedCall,
    TrustedCallSigned,
    TrustedGetter,
    TrustedGetterSigned,
)
from .runtime import LedgerRuntime
from .types import SuccessfulTrustedCall


class Outcome(msgspec.Struct, frozen=True):
    """What became of a call: effects on parentchains, or the error; `charged` if fee and nonce were used."""

    effects: tuple[Effect, ...] = ()
    error: IntegriteeError | None = None
    charged: bool = False


class Executor:
    """Runs calls and getters of one shard. Change `runtime.state` to run them elsewhere.

    `vet` may refuse effects that the enclave could not carry out.
    """

    def __init__(
        self, ledger: Ledger, runtime: LedgerRuntime, mrenclave: bytes, shard: bytes, vet: Vet = any_effects
    ) -> None:
        self.ledger, self.runtime = ledger, runtime
        self.mrenclave, self.shard = mrenclave, shard
        self.vet = vet
        self._authorisation = Authorisation(runtime)
        apps = ledger.instances(runtime)
        self._owners = {definition: apps[app] for definition, app in ledger.owners.items()}

    # -- calls ---------------------------------------------------------------------------------------

    def verify(self, signed: TrustedCallSigned) -> None:
        """Raises InvalidSignature unless the sender or its delegate signed for this enclave and shard."""
        self.ledger.verify_call(signed, self.mrenclave, self.shard)

    def authorise(self, signed: TrustedCallSigned, now: int) -> None:
        """Raises MissingPrivileges, RequireEnclaveSigner, RequireMaintainer, RequireRoot, Filtered,
        NotInProduction unless the signer may make this call at Unix time `now` (ms)."""
        self._authorisation.check_call(signed, now)

    def execute(self, signed: TrustedCallSigned, now: int, verified: bool = False) -> Outcome:
        """Run a call at Unix time `now` (ms). `verified` says its signature was checked on admission."""
        try:
            if not verified:
                self.verify(signed)
            self.authorise(signed, now)
            self._check_nonce(signed)
            with self.runtime.transaction():
                self._pass_gate(signed.call, now)
                self._charge(signed)
                self.runtime.system.increment_nonce(signed.call.sender)
        except IntegriteeError as refused:
            return Outcome(error=refused)
        return self._dispatch(signed, now)

    def _check_nonce(self, signed: TrustedCallSigned) -> None:
        expected = self.runtime.system.nonce(signed.call.sender)
        if signed.nonce != expected:
            raise InvalidNonce(signed.nonce, expected)

    def _pass_gate(self, call: TrustedCall, now: int) -> None:
        gate = call.definition.gate
        if gate is not None:
            gate(self._owners[call.definition], now, *call.args)

    def _charge(self, signed: TrustedCallSigned) -> None:
        definition, args = signed.call.definition, signed.call.args
        fee = charge(self.runtime, definition.fee, signed.call.sender, args)
        self._authorisation.spend(signed, fee)

    def _dispatch(self, signed: TrustedCallSigned, now: int) -> Outcome:
        call = signed.call
        encoded = self.ledger.encode_call(call)
        context = Context(self.shard, now, call, blake2_256(encoded + signed.nonce.to_bytes(4, "little")))
        try:
            with self.runtime.transaction():
                self._authorisation.spend(signed, call.definition.spent(call.args) or 0)
                call.definition.method(self._owners[call.definition], context, *call.args)
                self._store_notes(call, encoded, context)
                if context.effects:
                    self.vet(context.effects)
        except IntegriteeError as failed:
            return Outcome(error=failed, charged=True)
        return Outcome(tuple(context.effects), charged=True)

    def _store_notes(self, call: TrustedCall, encoded: bytes, context: Context) -> None:
        """Receipts of the call for the accounts it declares, and those it left itself."""
        links = [call.args[position] for position in call.definition.linked_positions]
        if links:
            receipt = encoded if context.receipt is None else self.ledger.encode_call(context.receipt)
            self.runtime.notes.store(links, SuccessfulTrustedCall(receipt))
        for accounts, other in context.notes:
            self.runtime.notes.store(accounts, SuccessfulTrustedCall(self.ledger.encode_call(other)))

    # -- getters -------------------------------------------------------------------------------------

    def verify_getter(self, signed: TrustedGetterSigned) -> None:
        """Raises InvalidSignature unless the subject or its delegate signed."""
        payload = self.ledger.codec(TrustedGetter).encode(signed.getter)
        if not verify_wrapped(signed.signature, payload, signed.signer):
            raise InvalidSignature(signed.signer)

    def query(self, getter: Getter, now: int) -> bytes | None:
        """SCALE bytes of a getter's answer at Unix time `now` (ms); None if there is none.

        Raises InvalidSignature, and MissingPrivileges if the asker lacks the right.
        """
        match getter:
            case Public(getter=public):
                return self._answer(public, b"")
            case Trusted(signed=signed):
                self.verify_getter(signed)
                self._authorisation.check_getter(signed, now)
                return self._answer(signed.getter, signed.signer)
        raise TypeError(f"not a getter: {type(getter)}")

    def _answer(self, getter: TrustedGetter | PublicGetter, asker: bytes) -> bytes | None:
        definition = getter.definition
        self.runtime.asker = asker
        answer = definition.method(self._owners[definition], *getter.args)
        return None if answer is None else self.ledger.encode_answer(definition, answer)

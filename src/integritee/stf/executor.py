"""The pipeline of a trusted call: verify → authorise → nonce → fee → dispatch → effects.

A call that fails after paying keeps only its fee and nonce; everything else it did is undone. A call refused
before that leaves no trace.
"""

from __future__ import annotations

from dataclasses import dataclass

from integritee.errors import IntegriteeError
from integritee.frame.errors import DispatchFailure
from integritee.primitives.signature import verify_wrapped

from .declare import Authority, Context, VaultPayment
from .errors import (
    Filtered,
    InvalidNonce,
    InvalidSignature,
    MissingFunds,
    MissingPrivileges,
    RequireEnclaveSigner,
)
from .ledger import Ledger
from .operation import (
    Getter,
    Public,
    PublicGetter,
    Trusted,
    TrustedCallSigned,
    TrustedGetter,
    TrustedGetterSigned,
)
from .runtime import LedgerRuntime
from .types import ShardMode


@dataclass(frozen=True)
class Outcome:
    """What became of a call: effects on the parentchain, or the error; `charged` if fee and nonce were used."""

    effects: tuple[VaultPayment, ...] = ()
    error: IntegriteeError | None = None
    charged: bool = False


class Executor:
    """Runs calls and getters of one shard. Change `runtime.state` to run them elsewhere."""

    def __init__(self, ledger: Ledger, runtime: LedgerRuntime, mrenclave: bytes, shard: bytes) -> None:
        self.ledger, self.runtime = ledger, runtime
        self.mrenclave, self.shard = mrenclave, shard
        apps = ledger.instances(runtime)
        self._owners = {definition: apps[app] for definition, app in ledger.owners.items()}

    # -- calls ---------------------------------------------------------------------------------------

    def verify(self, signed: TrustedCallSigned) -> None:
        """Raises InvalidSignature unless the sender or its delegate signed for this enclave and shard."""
        payload = self.ledger.call_payload(signed.call, signed.nonce, self.mrenclave, self.shard)
        if not verify_wrapped(signed.signature, payload, signed.signer):
            raise InvalidSignature(signed.signer)

    def execute(self, signed: TrustedCallSigned, now: int, verified: bool = False) -> Outcome:
        """Run a call at Unix time `now` (ms). `verified` says its signature was checked on admission."""
        try:
            if not verified:
                self.verify(signed)
            self.authorise(signed)
            self._check_nonce(signed)
            with self.runtime.transaction():
                self._charge(signed)
                self.runtime.system.increment_nonce(signed.call.sender)
        except IntegriteeError as refused:
            return Outcome(error=refused)
        return self._dispatch(signed, now)

    def authorise(self, signed: TrustedCallSigned) -> None:
        """Raises MissingPrivileges or RequireEnclaveSigner unless the signer may make this call."""
        if signed.delegate is not None:
            raise MissingPrivileges(signed.delegate)
        if signed.call.definition.authority is Authority.ENCLAVE:
            sender = signed.call.sender
            if sender != self.runtime.enclave_account.account.get():
                raise RequireEnclaveSigner(sender)

    def _check_nonce(self, signed: TrustedCallSigned) -> None:
        expected = self.runtime.system.nonce(signed.call.sender)
        if signed.nonce != expected:
            raise InvalidNonce(signed.nonce, expected)

    def _charge(self, signed: TrustedCallSigned) -> None:
        definition = signed.call.definition
        fee = definition.fee(self.runtime.chain_spec().one, signed.call.args)
        if fee == 0:
            return
        enclave = self.runtime.enclave_account.account.get()
        try:
            self.runtime.balances.transfer(signed.call.sender, enclave, fee)
        except DispatchFailure:
            raise MissingFunds(fee, self.runtime.balances.free(signed.call.sender)) from None

    def _dispatch(self, signed: TrustedCallSigned, now: int) -> Outcome:
        definition = signed.call.definition
        context = Context(self.shard, now)
        try:
            self._filter(signed)
            with self.runtime.transaction():
                definition.method(self._owners[definition], context, *signed.call.args)
        except IntegriteeError as failed:
            return Outcome(error=failed, charged=True)
        return Outcome(tuple(context.effects), charged=True)

    def _filter(self, signed: TrustedCallSigned) -> None:
        management = self.runtime.shard_management
        if signed.call.definition.authority is Authority.ENCLAVE:
            return
        if management.in_maintenance():
            raise Filtered(ShardMode.MaintenanceOngoing.name)

    # -- getters -------------------------------------------------------------------------------------

    def verify_getter(self, signed: TrustedGetterSigned) -> None:
        """Raises InvalidSignature unless the subject or its delegate signed."""
        payload = self.ledger.codec(TrustedGetter).encode(signed.getter)
        if not verify_wrapped(signed.signature, payload, signed.signer):
            raise InvalidSignature(signed.signer)

    def query(self, getter: Getter) -> bytes | None:
        """SCALE bytes of a getter's answer; None if the asker lacks the right. Raises InvalidSignature."""
        match getter:
            case Public(getter=public):
                return self._answer(public)
            case Trusted(signed=signed):
                self.verify_getter(signed)
                if signed.delegate is not None:
                    return None
                return self._answer(signed.getter)
        raise TypeError(f"not a getter: {type(getter)}")

    def _answer(self, getter: TrustedGetter | PublicGetter) -> bytes:
        definition = getter.definition
        answer = definition.method(self._owners[definition], *getter.args)
        return self.ledger.codec(definition.returns).encode(answer)

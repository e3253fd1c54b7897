"""The ledger on the wire and at work: calls and getters as the JS client makes them, and what executing them does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from integritee.apps.catalog import DEFAULT_LEDGER
from integritee.crypto import Ed25519Pair, blake2_256
from integritee.frame.overlay import Overlay
from integritee.primitives.enclave_bridge import Request
from integritee.primitives.ids import ParentchainId
from integritee.scale import codec
from integritee.stf.executor import Executor
from integritee.stf.ledger import Ledger
from integritee.stf.operation import (
    DirectCall,
    Getter,
    IndirectCall,
    PublicGetter,
    Trusted,
    TrustedCall,
    TrustedCallSigned,
    TrustedGetter,
    TrustedOperation,
)
from integritee.stf.runtime import LedgerRuntime
from integritee.trie import Trie

from .check import Check, Setup, expect, expect_refusal
from .known_answers import known_answers, raw

LEDGER: Final = DEFAULT_LEDGER
KINDS: Final = {
    "IntegriteeTrustedCall": TrustedCall,
    "IntegriteeTrustedGetter": TrustedGetter,
    "IntegriteePublicGetter": PublicGetter,
}
ONE: Final = 10**12
FEE: Final = ONE // 100
"""Of a transfer."""

ANN, BEN, ENCLAVE, VAULT = (Ed25519Pair.from_seed(blake2_256(b"self-test/%d" % number)) for number in range(4))


def checks(setup: Setup) -> Iterator[Check]:
    answers = known_answers()
    yield from _values([each for each in answers["values"] if each["type"] in KINDS])
    for position, call in enumerate(answers["signed_calls"]):
        wrapped = ", wrapped" if call["wrapped"] else ""
        name = f"signed call {position}: {call['kind']}, {call['scheme']}{wrapped}"
        yield Check(name, partial(_signed_call, call, answers))
    for position, getter in enumerate(answers["signed_getters"]):
        yield Check(f"signed getter {position}: {getter['scheme']}", partial(_signed_getter, getter, answers))
    yield Check("a transfer is executed", partial(_transfer, setup))
    yield Check("what must not be executed", partial(_refusals, setup))
    yield Check("a getter is answered to its owner only", partial(_answers, setup))


def _values(known: list[dict[str, Any]]) -> Iterator[Check]:
    seen: Counter[str] = Counter()
    for each in known:
        name = f"{each['type'].removeprefix('Integritee')} {each['note']}"
        seen[name] += 1
        again = f" ({seen[name]})" if seen[name] > 1 else ""
        yield Check(f"{name}{again}", partial(_on_the_wire, each))


def _on_the_wire(known: dict[str, Any]) -> None:
    wire = LEDGER.codec(KINDS[known["type"]])
    expect(wire.encode(wire.decode(raw(known["hex"]))), raw(known["hex"]))


def _signed_call(known: dict[str, Any], answers: dict[str, Any]) -> None:
    mrenclave, shard, top = raw(answers["mrenclave"]), raw(answers["shard"]), raw(known["top"])
    operation = LEDGER.codec(TrustedOperation).decode(top)
    expect(type(operation), DirectCall if known["kind"] == "direct_call" else IndirectCall, "kind")
    expect(LEDGER.codec(TrustedOperation).encode(operation), top, "encoding")
    expect(LEDGER.top_hash(operation), raw(known["top_hash"]), "hash")
    signed: TrustedCallSigned = operation.signed
    expect(LEDGER.codec(TrustedCallSigned).encode(signed), raw(known["signed"]), "signed call")
    expect((signed.nonce, signed.signer), (known["nonce"], raw(known["public"])), "nonce and signer")
    expect(LEDGER.call_payload(signed.call, signed.nonce, mrenclave, shard), raw(known["payload"]), "payload")
    Executor(LEDGER, LEDGER.runtime(), mrenclave, shard).verify(signed)


def _signed_getter(known: dict[str, Any], answers: dict[str, Any]) -> None:
    request: Request = codec(Request).decode(raw(known["request"]))
    expect(request, Request(raw(answers["shard"]), raw(known["getter"])), "request")
    getter = LEDGER.codec(Getter).decode(request.cyphertext)
    expect(LEDGER.codec(Getter).encode(getter), request.cyphertext, "encoding")
    expect(getter.signed.signer, raw(known["public"]), "signer")
    Executor(LEDGER, LEDGER.runtime(), bytes(32), bytes(32)).verify_getter(getter.signed)


def first_state(ledger: Ledger = LEDGER) -> LedgerRuntime:
    """A ledger with a vault, in which //ann has a hundred tokens."""
    runtime = ledger.runtime(Overlay(Trie.empty()))
    runtime.initialize_genesis(ENCLAVE.public)
    mirror = runtime.parentchain(ParentchainId.Integritee)
    mirror.set_genesis(bytes(32))
    mirror.set_vault(VAULT.public)
    runtime.balances.mint(ANN.public, 100 * ONE)
    return runtime


def _transfer(setup: Setup) -> None:
    runtime, now = first_state(), setup.clock()
    runtime.begin_block(1, now, bytes(32))
    executor = Executor(LEDGER, runtime, bytes(32), bytes(32))
    outcome = executor.execute(_signed("balance_transfer", BEN.public, 30 * ONE), now)
    expect(outcome.error, None, "the call's error")
    expect(runtime.balances.free(BEN.public), 30 * ONE, "the receiver's balance")
    expect(runtime.balances.free(ANN.public), 70 * ONE - FEE, "the sender's balance")
    expect(runtime.system.nonce(ANN.public), 1, "the sender's nonce")


def _refusals(setup: Setup) -> None:
    runtime, now = first_state(), setup.clock()
    runtime.begin_block(1, now, bytes(32))
    executor = Executor(LEDGER, runtime, bytes(32), bytes(32))
    good = _signed("balance_transfer", BEN.public, ONE)
    forged = TrustedCallSigned(
        good.call, good.nonce, None, _signed("balance_transfer", BEN.public, 2 * ONE).signature
    )
    for what, call, code in (
        ("a signature of another call", forged, "stf.invalid_signature"),
        ("a nonce that is not due", _signed("balance_transfer", BEN.public, ONE, nonce=1), "stf.invalid_nonce"),
        ("more than there is", _signed("balance_transfer", BEN.public, 101 * ONE), "stf.missing_funds"),
    ):
        error = executor.execute(call, now).error
        expect(error and error.code, code, what)
    expect(runtime.balances.free(BEN.public), 0, "what was received")


def _answers(setup: Setup) -> None:
    runtime, now = first_state(), setup.clock()
    executor = Executor(LEDGER, runtime, bytes(32), bytes(32))
    getter = LEDGER.trusted_getter("account_info", ANN.public)
    own, foreign = (Trusted(LEDGER.sign_getter(getter, pair)) for pair in (ANN, BEN))
    answer = executor.query(own, now)
    found = LEDGER.decode_answer(LEDGER.trusted_getters["account_info"], answer or b"")
    expect(found.data.free, 100 * ONE, "balance")
    expect_refusal("stf.missing_privileges", "somebody else", lambda: executor.query(foreign, now))


def _signed(name: str, *args: Any, nonce: int = 0) -> TrustedCallSigned:
    return LEDGER.sign_call(LEDGER.call(name, ANN.public, *args), nonce, ANN, bytes(32), bytes(32))

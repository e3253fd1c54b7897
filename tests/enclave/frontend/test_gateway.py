"""The front end judges all of a call that takes no state to judge, so that the ledger need not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import pytest

from integritee.apps.catalog import DEFAULT_LEDGER as LEDGER
from integritee.crypto import Ed25519Pair, KeyPair, ShieldingKey, ShieldingPublicKey, Sr25519Pair
from integritee.enclave.decipherers import fork
from integritee.enclave.errors import InvalidTop
from integritee.enclave.frontend.begin import Facts
from integritee.enclave.frontend.gateway import ROUNDS_DECIPHERING, ROUNDS_READING, Gateway
from integritee.enclave.frontend.local import LocalLedger
from integritee.enclave.operations import CallSignatures
from integritee.enclave.rpc.errors import UnsupportedOperation
from integritee.errors import IntegriteeError
from integritee.primitives.enclave_bridge import Request
from integritee.stf.errors import InvalidSignature
from integritee.stf.operation import DirectCall, Get, Public, TrustedCallSigned, TrustedOperation

from .conftest import ScriptedLedger

SHARD, MRENCLAVE = b"\x05" * 32, b"\x0e" * 32
ANN, BEN = Sr25519Pair.from_uri("//Ann"), Ed25519Pair.from_uri("//Ben")


def signed(
    by: KeyPair = ANN, nonce: int = 0, mrenclave: bytes = MRENCLAVE, shard: bytes = SHARD
) -> TrustedCallSigned:
    call = LEDGER.call("balance_transfer", ANN.public, BEN.public, 7)
    return LEDGER.sign_call(call, nonce, by, mrenclave, shard)


def encoded(call: TrustedCallSigned) -> bytes:
    return LEDGER.codec(TrustedOperation).encode(DirectCall(call))


def changed(**members: object) -> Callable[[], bytes]:
    return lambda: encoded(msgspec.structs.replace(signed(), **members))


@pytest.fixture
def gateway(ledger: ScriptedLedger) -> Gateway:
    keys = ShieldingKey.generate(), Ed25519Pair.from_uri("//Enclave")
    facts = Facts(SHARD, MRENCLAVE, "ws://mura", "ws://host", b"meta", "1.2.3")
    return Gateway(facts, *keys, CallSignatures(LEDGER, MRENCLAVE, SHARD), LocalLedger(ledger))


@pytest.mark.parametrize(
    ("plain", "refusal"),
    [
        (changed(nonce=1), InvalidSignature),
        (changed(call=LEDGER.call("balance_transfer", ANN.public, BEN.public, 8)), InvalidSignature),
        (changed(call=LEDGER.call("balance_transfer", BEN.public, ANN.public, 7)), InvalidSignature),
        (changed(delegate=BEN.public), InvalidSignature),
        (changed(signature=signed(nonce=1).signature), InvalidSignature),
        (lambda: encoded(signed(mrenclave=bytes(32))), InvalidSignature),
        (lambda: encoded(signed(shard=bytes(32))), InvalidSignature),
        (lambda: encoded(signed())[:-1], InvalidTop),
        (lambda: encoded(signed()) + b"\0", InvalidTop),
        (lambda: b"", InvalidTop),
        (
            lambda: LEDGER.codec(TrustedOperation).encode(Get(Public(LEDGER.public_getter("total_issuance")))),
            UnsupportedOperation,
        ),
    ],
    ids=[
        "another nonce",
        "another amount",
        "another sender",
        "another signer",
        "another signature",
        "for another enclave",
        "for another shard",
        "cut short",
        "too long",
        "nothing",
        "a getter",
    ],
)
async def test_the_ledger_never_hears_of_it(
    gateway: Gateway, ledger: ScriptedLedger, plain: Callable[[], bytes], refusal: type[IntegriteeError]
) -> None:
    with pytest.raises(refusal):
        await gateway.submit_plain(plain(), None)
    assert ledger.asked == []


@pytest.mark.parametrize("by", [ANN, BEN], ids=["the sender", "who may be its proxy"])
async def test_what_was_signed_is_for_the_ledger_to_judge(
    gateway: Gateway, ledger: ScriptedLedger, by: KeyPair
) -> None:
    plain = encoded(signed(by))
    await gateway.submit_plain(plain, None)
    assert ledger.asked == [("admit", plain)]


@pytest.mark.parametrize("processes", [0, 1], ids=["threads", "processes"])
async def test_a_busy_loop_is_to_rest_for_those_who_decipher(gateway: Gateway, processes: int) -> None:
    if processes:
        await gateway.use_decipherers(fork(processes))
    assert gateway.rounds_per_rest() == ROUNDS_READING
    deciphering = asyncio.create_task(
        gateway.decipher(ShieldingPublicKey.from_json(gateway.shielding_key_json()).encrypt(b""))
    )
    await asyncio.sleep(0)
    assert gateway.rounds_per_rest() == ROUNDS_DECIPHERING
    assert await deciphering == b""
    assert gateway.rounds_per_rest() == ROUNDS_READING
    gateway.close()


@pytest.mark.parametrize(
    ("getters", "others", "rounds"),
    [(0, 0, ROUNDS_READING), (1, 0, ROUNDS_READING), (3, 3, ROUNDS_READING), (3, 4, 0), (0, 1, 0)],
)
async def test_a_busy_loop_is_to_rest_unless_most_of_what_comes_are_calls(
    gateway: Gateway, getters: int, others: int, rounds: int
) -> None:
    for _ in range(getters):
        gateway.count("state_executeGetter")
        await gateway.execute_getter(Request(gateway.shard(), b"getter"))
    for _ in range(others):
        gateway.count("author_submitExtrinsic")
    assert gateway.rounds_per_rest() == rounds
    assert gateway.rounds_per_rest() == ROUNDS_READING, "that was then"

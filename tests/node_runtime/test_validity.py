"""What the pool is told of a transaction: every verdict, with the reason that clients know it by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from integritee.crypto import Ed25519Pair, blake2_256
from integritee.frame.extrinsic import encode_extrinsic
from integritee.frame.outer import RuntimeCall
from integritee.frame.validity import (
    AncientBirthBlock,
    BadProof,
    BadSigner,
    CannotLookup,
    ExhaustsResources,
    Future,
    Invalid,
    MandatoryValidation,
    NoUnsignedValidator,
    Payment,
    Refused,
    Stale,
    TransactionValidityError,
    Unknown,
    ValidTransaction,
)
from integritee.primitives.era import Era
from integritee.primitives.ids import Id, Index
from integritee.primitives.signature import Ecdsa, Ed25519, Sr25519
from integritee.scale import Err, Ok

from .chain_kit import ALICE, BOB, DAVE, START, Chain, apply, call, codec, transfer

TO_BOB = transfer(BOB.public, 10**12)
U64 = (1 << 64) - 1


def tag(account: bytes, nonce: int) -> bytes:
    return account + nonce.to_bytes(4, "little")


def test_a_valid_transaction(chain: Chain) -> None:
    chain.make(chain.sign(TO_BOB), chain.sign(TO_BOB, nonce=1))
    found = chain.validate(chain.sign(TO_BOB))
    assert isinstance(found.value, ValidTransaction)
    assert found.value.provides == [tag(ALICE.public, 2)]
    assert found.value.requires == []
    assert (found.value.longevity, found.value.propagate) == (U64, True)
    assert found.value.priority > 0


def test_a_nonce_ahead_waits_for_the_one_before(chain: Chain) -> None:
    found = chain.validate(chain.sign(TO_BOB, nonce=7)).value
    assert found.requires == [tag(ALICE.public, 6)]
    assert found.provides == [tag(ALICE.public, 7)]


def test_validation_leaves_no_trace(chain: Chain) -> None:
    overlay = chain.overlay()
    for extrinsic in (chain.sign(TO_BOB), chain.sign(TO_BOB, nonce=9, tip=10**30)):
        chain.validate(extrinsic, overlay)
        assert (overlay.changes(), overlay.depth) == ({}, 0)


Make = Callable[[Chain], bytes]

REFUSED: list[tuple[str, Make, TransactionValidityError]] = [
    ("signed by another", lambda c: c.sign(TO_BOB, ALICE, 0, address=Id(BOB.public)), Invalid(BadProof())),
    ("other spec version", lambda c: c.sign(TO_BOB, spec_version=409), Invalid(BadProof())),
    ("other transaction version", lambda c: c.sign(TO_BOB, transaction_version=7), Invalid(BadProof())),
    ("other genesis", lambda c: c.sign(TO_BOB, genesis_hash=bytes(32), birth=c.hash(0)), Invalid(BadProof())),
    ("other birth block", lambda c: c.sign(TO_BOB, birth=bytes(32)), Invalid(BadProof())),
    ("zero signature", lambda c: c.sign(TO_BOB, signature=Sr25519(bytes(64))), Invalid(BadProof())),
    ("other scheme", lambda c: c.sign(TO_BOB, signature=Ed25519(bytes(64))), Invalid(BadProof())),
    ("ecdsa", lambda c: c.sign(TO_BOB, signature=Ecdsa(bytes(65))), Invalid(BadProof())),
    ("address without account", lambda c: c.sign(TO_BOB, address=Index(None)), Unknown(CannotLookup())),
    ("signed for no metadata", lambda c: c.sign(TO_BOB, mode=1), Invalid(BadProof())),
    ("no such account", lambda c: c.sign(TO_BOB, DAVE), Invalid(Payment())),
    ("cannot pay the tip", lambda c: c.sign(TO_BOB, tip=10**16), Invalid(Payment())),
    ("nonce used", lambda c: c.sign(TO_BOB, nonce=0), Invalid(Stale())),
    ("inherent", lambda c: bare(call("Timestamp", "set", START + 9000)), Invalid(MandatoryValidation())),
    ("signed inherent", lambda c: c.sign(call("Timestamp", "set", START + 9000)), Invalid(MandatoryValidation())),
    ("unsigned", lambda c: bare(TO_BOB), Unknown(NoUnsignedValidator())),
    ("born in the future", lambda c: c.sign(TO_BOB, era=Era(64, 40), birth=bytes(32)), Invalid(AncientBirthBlock())),
    ("too long", lambda c: c.sign(call("System", "remark", bytes(3_932_160))), Invalid(ExhaustsResources())),
]


def bare(inner: RuntimeCall) -> bytes:
    return encode_extrinsic(codec(RuntimeCall).encode(inner), None)


@pytest.mark.parametrize(("make", "error"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_refusals(chain: Chain, make: Make, error: TransactionValidityError) -> None:
    chain.make(chain.sign(TO_BOB))
    assert chain.validate(make(chain)) == Err(error)


IN_BLOCKS = [refused for refused in REFUSED if "inherent" not in refused[0]]


@pytest.mark.parametrize(("make", "error"), [r[1:] for r in IN_BLOCKS], ids=[r[0] for r in IN_BLOCKS])
def test_what_is_refused_by_the_pool_is_refused_in_blocks_and_leaves_no_trace(
    chain: Chain, make: Make, error: TransactionValidityError
) -> None:
    chain.make(chain.sign(TO_BOB))
    overlay, _ = chain.open()
    before = overlay.changes()
    assert apply(overlay, make(chain)) == Err(error)
    assert (overlay.changes(), overlay.depth) == (before, 0)


def test_nonces_come_in_order_in_blocks(chain: Chain) -> None:
    outcomes = chain.make(
        chain.sign(TO_BOB, nonce=1),
        chain.sign(TO_BOB, nonce=0),
        chain.sign(TO_BOB, nonce=0),
        chain.sign(TO_BOB, nonce=1),
        chain.sign(TO_BOB, nonce=3),
    )
    stale, future = Err(Invalid(Stale())), Err(Invalid(Future()))
    assert outcomes == [future, Ok(Ok(None)), stale, Ok(Ok(None)), future]
    assert chain.runtime().system.nonce(ALICE.public) == 2


def test_the_zero_account_cannot_sign(chain: Chain) -> None:
    """A small-order ed25519 key: its holder is everybody, if the curve library lets it through."""
    extrinsic = chain.sign(TO_BOB, nonce=0, address=Id(bytes(32)), signature=Ed25519(b"\x01" + bytes(63)))
    found = chain.validate(extrinsic)
    assert found in (Err(Invalid(BadProof())), Err(Invalid(BadSigner())))


# -- mortality -----------------------------------------------------------------------------------


def mortal(chain: Chain, period: int, phase: int, born: int) -> Any:
    """Verdict on a transaction born in block `born`, validated on top of the best block."""
    return chain.validate(chain.sign(TO_BOB, era=Era(period, phase), birth=chain.hash(born)))


@pytest.mark.parametrize(
    ("phase", "born", "longevity"),
    [
        (2, 2, 1),  # validated for block 5: dies with block 6
        (3, 3, 2),
        (0, 4, 3),  # born at the head, which counts as known
        (1, 1, None),  # expired: the hash is taken for that of block 5's era
        (2, 1, None),
    ],
)
def test_eras(chain: Chain, phase: int, born: int, longevity: int | None) -> None:
    for _ in range(4):
        chain.make()
    found = mortal(chain, 4, phase, born)
    if longevity is None:
        assert found in (Err(Invalid(BadProof())), Err(Invalid(AncientBirthBlock())))
    else:
        assert found.value.longevity == longevity


def test_an_era_may_be_born_at_the_head_and_used_at_once(chain: Chain) -> None:
    chain.make()
    extrinsic = chain.sign(TO_BOB, era=Era.mortal(16, chain.number), birth=chain.hash())
    assert isinstance(chain.validate(extrinsic), Ok)
    assert chain.make(extrinsic) == [Ok(Ok(None))]


def test_mortal_transactions_die_in_blocks_too(chain: Chain) -> None:
    extrinsic = chain.sign(TO_BOB, era=Era(4, 0), birth=chain.hash(0))
    for _ in range(2):
        chain.make()
    assert isinstance(chain.validate(extrinsic), Ok)
    chain.make()  # block 4 would be the first of the next era, and nobody knows its hash yet
    assert chain.make(extrinsic) == [Err(Invalid(AncientBirthBlock()))]
    assert chain.validate(extrinsic) == Err(Invalid(BadProof()))
    assert chain.make(extrinsic) == [Err(Invalid(BadProof()))]


def test_eras_born_before_the_known_blocks(chain: Chain) -> None:
    """Block hashes are known for 2400 blocks; older births cannot be checked."""
    chain.make()
    overlay, runtime = chain.overlay(), chain.runtime()
    runtime.state = overlay
    runtime.system.number.put(9_000)
    era = Era(4096, 100)
    extrinsic = chain.sign(TO_BOB, era=era, birth=blake2_256(b"long ago"))
    assert era.birth(9_001) == 8_292
    assert chain.validate(extrinsic, overlay) == Err(Invalid(AncientBirthBlock()))
    runtime.system.block_hash.put(8_292, blake2_256(b"long ago"))
    assert isinstance(chain.validate(extrinsic, overlay), Ok)


def test_immortal_transactions_name_the_genesis(chain: Chain) -> None:
    extrinsic = chain.sign(TO_BOB)
    for _ in range(5):
        chain.make()
    assert isinstance(chain.validate(extrinsic), Ok)


# -- order in the pool ---------------------------------------------------------------------------


def test_tips_buy_priority(chain: Chain) -> None:
    priorities = [chain.validate(chain.sign(TO_BOB, tip=tip)).value.priority for tip in (0, 1, 10, 10**12)]
    assert priorities == sorted(set(priorities))
    assert priorities[2] == 11 * priorities[0]


def test_cheap_transactions_go_before_big_ones(chain: Chain) -> None:
    small = chain.validate(chain.sign(call("System", "remark", b"")))
    big = chain.validate(chain.sign(call("System", "remark", bytes(1_000_000))))
    assert small.value.priority > big.value.priority


def test_every_scheme_signs(chain: Chain) -> None:
    pair = Ed25519Pair.from_uri("//Somebody")
    chain.make(chain.sign(transfer(pair.public, 10**13)))
    assert chain.make(chain.sign(TO_BOB, pair)) == [Ok(Ok(None))]


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (Stale(), "transaction.stale"),
        (AncientBirthBlock(), "transaction.ancient_birth_block"),
        (CannotLookup(), "transaction.cannot_lookup"),
    ],
)
def test_refusals_have_codes(reason: Any, code: str) -> None:
    refused = Refused(reason)
    assert refused.code == code
    assert refused.data() == {"message": str(refused)}

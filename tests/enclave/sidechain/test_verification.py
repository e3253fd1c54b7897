"""Verification of sidechain blocks: a real block of the original, honest chains, and named attackers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from integritee.crypto import Ed25519Pair
from integritee.enclave.selftest.damage import flipped
from integritee.enclave.sidechain import errors as e
from integritee.enclave.sidechain.verification import MAX_DRIFT_MS, Authorship, Tip, verify_place, verify_seal
from integritee.primitives.sidechain import (
    BlockData,
    SidechainBlock,
    SidechainHeader,
    SignedBlock,
    next_finalization,
)
from integritee.primitives.signature import Ed25519
from integritee.scale import DecodeError, decode, encode

UPSTREAM_BLOCK = bytes.fromhex(
    "04a7417cf9370af5ea5cf64f107aa49ebf320dbf10c6d0ef200ef7c5d57c9f4b956d000000000000007dba6b8e1f8f38f7f517db"
    "d4a3eaeb27a97958d7a1d1541f69db5d24b3c48cd0dc376b08fcb44dca19a08a0445023a5f4bef80019b518296313e83fc105c66"
    "9064000000000000005f08a5f98301000081bd02d7e1f8b6ab9a64fa8fdaa379fc1c9208bf0d341689c2342ce8a314e174768f40"
    "dfe0fadf2e7347f2ec83a541427a0931ce54ce7a4506184198c2e7aed3006d031b2cc662bbcd54ca1cc09f0021d956673c4905b0"
    "7edf0b9f323d2078fc4d8cbaefe34353bc731f9a1ef14dfd6b58274a6efbbc6c2c4261d304b979305f501819df33452f2f276add"
    "2f3650b825c700abf23790a6787baf1cabb208633eb33fb66e987a99193fbd2c07374502dc0fdff6d7a5d462b2a9c0196711437a"
    "a6a30ce52ae6e4818a643df256c026b08d7ccca2de46f368630512073b271397719f34c9b8612c7f1707d06b45206da268f49b5b"
    "5159b3418093512700ecb67ccbc5bd9a1731a9c67372b39ec3761d12afb445a6c8580b97a090f4bb06ff70001bc44f7f91ada7f9"
    "2f0064188d08c16594ddb4fd09f65bee5f4b3c92b80091d3fe5bc89f3fb95a96941563126a6379b806981dd7f225c7e3ac4e1ee0"
    "509de406"
)

SHARD = b"\x11" * 32
L1 = b"\x22" * 32
ALICE, BOB = Ed25519Pair.from_seed(b"\x01" * 32), Ed25519Pair.from_seed(b"\x02" * 32)
AUTHORS = (ALICE.public, BOB.public)
START = 1_700_000_000_000  # the slot is even: Alice's


def block(
    tip: Tip | None,
    timestamp: int,
    author: Ed25519Pair = ALICE,
    *,
    header: Callable[[SidechainHeader], SidechainHeader] = lambda h: h,
    data: Callable[[BlockData], BlockData] = lambda d: d,
) -> SignedBlock:
    """A block behind `tip` with honest fields, changed as told before it is signed."""
    number = tip.header.block_number + 1 if tip else 1
    body = data(BlockData(timestamp, L1, author.public, [b"\x33" * 32], b"diff"))
    head = SidechainHeader(
        parent_hash=tip.header.hash() if tip else bytes(32),
        block_number=number,
        shard_id=SHARD,
        block_data_hash=body.hash(),
        next_finalization_block_number=next_finalization(
            number, tip.header.next_finalization_block_number if tip else 0
        ),
    )
    return SidechainBlock(header(head), body).signed_by(author)


def verify(
    signed: SignedBlock, tip: Tip | None, *, now: int | None = None, authors: tuple[bytes, ...] = AUTHORS
) -> None:
    verify_seal(signed, SHARD)
    verify_place(
        signed.block, tip, Authorship(L1, authors), signed.block.block_data.timestamp if now is None else now
    )


TIP = Tip.of(block(None, START).block)


def test_block_of_the_original() -> None:
    blocks = decode(list[SignedBlock], UPSTREAM_BLOCK)
    assert encode(list[SignedBlock], blocks) == UPSTREAM_BLOCK
    (signed,) = blocks
    header, data = signed.block.header, signed.block.block_data
    verify_seal(signed, header.shard_id)
    assert header.block_number == 109
    assert data.timestamp == 1666340685919
    assert len(data.encrypted_state_diff) == 219
    assert signed.hash().hex() == "d785ea7feb55c07d60c1bc21862e6e946d2c1d10735a848438bba1e28da1acbf"
    with pytest.raises(e.BlockAlreadyImported):
        verify_place(
            signed.block,
            Tip(header, data.timestamp),
            Authorship(data.layer_one_head, (data.block_author,)),
            data.timestamp,
        )


@pytest.mark.parametrize("at", [0, 40, 80, 110, 112, 150, 200, -1])
def test_every_part_of_the_block_is_signed(at: int) -> None:
    (signed,) = decode(list[SignedBlock], UPSTREAM_BLOCK)
    altered = decode(SignedBlock, flipped(encode(SignedBlock, signed), at))
    with pytest.raises(e.BadSignature):
        verify_seal(altered, signed.block.header.shard_id)


def test_a_chain_of_two_authors() -> None:
    tip, finalizations = None, set()
    for i in range(120):
        signed = block(tip, START + 1000 * i, (ALICE, BOB)[i % 2])
        verify(signed, tip)
        tip = Tip.of(signed.block)
        finalizations.add(tip.header.next_finalization_block_number)
    assert finalizations == {1, 51, 101, 151}


def renumbered(number: int) -> Callable[[SidechainHeader], SidechainHeader]:
    return lambda h: replace(h, block_number=number)


ATTACKS: dict[str, tuple[SignedBlock, Tip | None, type[e.VerificationError], dict[str, object]]] = {
    "impostor signs in the author's name": (
        SignedBlock(block(TIP, START + 2000).block, Ed25519(BOB.sign(b"block"))),
        TIP,
        e.BadSignature,
        {"number": 2, "author": ALICE.public},
    ),
    "author commits to other data": (
        block(TIP, START + 2000, header=lambda h: replace(h, block_data_hash=bytes(32))),
        TIP,
        e.BlockDataMismatch,
        {"expected": bytes(32)},
    ),
    "block of another shard": (
        block(TIP, START + 2000, header=lambda h: replace(h, shard_id=L1)),
        TIP,
        e.WrongShard,
        {"expected": SHARD, "found": L1},
    ),
    "replay of an old block": (block(None, START), TIP, e.BlockAlreadyImported, {"number": 1, "last": 1}),
    "block without its predecessors": (
        block(TIP, START + 2000, header=renumbered(7)),
        TIP,
        e.BlockAncestryMismatch,
        {"number": 7, "last": 1, "last_hash": TIP.header.hash()},
    ),
    "fork": (
        block(TIP, START + 2000, header=lambda h: replace(h, parent_hash=L1)),
        TIP,
        e.BlockAncestryMismatch,
        {"number": 2, "parent": L1},
    ),
    "chain from nowhere": (
        block(None, START, header=lambda h: replace(h, parent_hash=L1)),
        None,
        e.InvalidFirstBlock,
        {"number": 1, "parent": L1},
    ),
    "late joiner's first block": (block(TIP, START + 2000), None, e.InvalidFirstBlock, {"number": 2}),
    "other parentchain block": (
        block(TIP, START + 2000, data=lambda d: replace(d, layer_one_head=SHARD)),
        TIP,
        e.BadParentchainBlock,
        {"expected": L1, "found": SHARD},
    ),
    "author out of turn": (
        block(TIP, START + 1000),
        TIP,
        e.InvalidAuthority,
        {"slot": (START + 1000) // 1000, "expected": BOB.public, "found": ALICE.public},
    ),
    "time stands still": (
        block(TIP, START),
        TIP,
        e.TimestampNotAfterParent,
        {"found": START, "parent": START},
    ),
    "time goes back": (block(TIP, START - 2000), TIP, e.TimestampNotAfterParent, {"found": START - 2000}),
    "finalization postponed": (
        block(TIP, START + 2000, header=lambda h: replace(h, next_finalization_block_number=101)),
        TIP,
        e.WrongNextFinalization,
        {"expected": 51, "found": 101},
    ),
    "first block postpones finalization": (
        block(None, START, header=lambda h: replace(h, next_finalization_block_number=51)),
        None,
        e.WrongNextFinalization,
        {"expected": 1, "found": 51},
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attack(name: str) -> None:
    signed, tip, error, facts = ATTACKS[name]
    with pytest.raises(error) as caught:
        verify(signed, tip)
    assert type(caught.value) is error
    assert facts.items() <= vars(caught.value).items()


def test_clock_ahead() -> None:
    signed = block(TIP, START + 2000)
    verify(signed, TIP, now=START + 2000 - MAX_DRIFT_MS)
    with pytest.raises(e.TimestampInFuture) as caught:
        verify(signed, TIP, now=START + 2000 - MAX_DRIFT_MS - 1)
    assert vars(caught.value) == {"found": START + 2000, "limit": START + 1999}


def test_no_authorities() -> None:
    with pytest.raises(e.CouldNotGetAuthorities):
        verify(block(TIP, START + 2000), TIP, authors=())


@pytest.mark.parametrize(
    ("signed", "error"),
    [
        (block(None, START + 1000, data=lambda d: replace(d, layer_one_head=SHARD)), e.BlockAlreadyImported),
        (block(TIP, START + 1000, data=lambda d: replace(d, layer_one_head=SHARD)), e.BadParentchainBlock),
        (block(TIP, START - 1000, header=renumbered(9)), e.BlockAncestryMismatch),
    ],
    ids=["imported before parentchain and author", "parentchain before author", "ancestry before time"],
)
def test_precedence(signed: SignedBlock, error: type[e.VerificationError]) -> None:
    with pytest.raises(error):
        verify(signed, TIP)


def test_codes_are_unique() -> None:
    def leaves(root: type[e.SidechainError]) -> list[type[e.SidechainError]]:
        return [leaf for sub in root.__subclasses__() for leaf in leaves(sub)] or [root]

    own = [leaf for leaf in leaves(e.SidechainError) if leaf.__module__ == e.__name__]
    assert len({leaf.code for leaf in own}) == len(own)


HONEST = encode(SignedBlock, block(TIP, START + 2000))


@given(at=st.integers(0, len(HONEST) - 1), mask=st.integers(1, 255))
@settings(deadline=None)
def test_no_altered_block_verifies(at: int, mask: int) -> None:
    try:
        signed = decode(SignedBlock, flipped(HONEST, at, mask))
    except DecodeError as refused:
        assert refused.code.startswith("scale.")
        return
    with pytest.raises(e.VerificationError):
        verify(signed, TIP, now=START + 2000)

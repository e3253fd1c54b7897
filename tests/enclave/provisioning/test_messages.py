"""The bytes on the wire."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.attestation import TeeKind
from integritee.enclave.attestation import Evidence
from integritee.enclave.provisioning import Role
from integritee.enclave.provisioning.errors import MessageMalformed, MessageTooLong, VersionMismatch
from integritee.enclave.provisioning.messages import (
    HEAD,
    MAX_CHUNK,
    MAX_REFUSAL,
    Admitted,
    Chunk,
    ChunkRequest,
    ClientProof,
    Done,
    Grant,
    Hello,
    Message,
    Refusal,
    ServerHello,
    frame,
    length_of,
    parse,
    refusal,
)
from integritee.errors import IntegriteeError

A, B, C, D = (bytes((i,)) * 32 for i in (0xAA, 0xBB, 0xCC, 0xDD))
HEX_A, HEX_B, HEX_C, HEX_D = (one.hex() for one in (A, B, C, D))

GOLDEN: list[tuple[Message, str]] = [
    (Hello(1, A, B, Role.JOIN, C, b"{}", D), f"87000000 00 0100 {HEX_A} {HEX_B} 00 {HEX_C} 08 7b7d {HEX_D}"),
    (Hello(1, A, B, Role.SUCCEED, C, b"", D), f"85000000 00 0100 {HEX_A} {HEX_B} 01 {HEX_C} 00 {HEX_D}"),
    (ServerHello(1, A, b"{}", B, None), f"47000000 01 0100 {HEX_A} 08 7b7d {HEX_B} 00"),
    (ClientProof(None, None), "03000000 02 00 00"),
    (
        ClientProof(Evidence(kind=TeeKind.GRAMINE_SGX, quote=b"q", collateral=None), A),
        f"27000000 02 01 01 04 71 00 01 {HEX_A}",
    ),
    (
        Grant(b"{}", A, B, 258, b"m", b"e"),
        f"50000000 03 08 7b7d {HEX_A} {HEX_B} 0201000000000000 04 6d 04 65",
    ),
    (ChunkRequest(b"\x01\x02", 32), "06000000 04 08 0102 2000"),
    (Chunk([b"ab", b""]), "06000000 05 08 08 6162 00"),
    (Done(), "01000000 06"),
    (Admitted(), "01000000 07"),
    (Refusal("a.b", "no"), "08000000 ff 0c 612e62 08 6e6f"),
]


@pytest.mark.parametrize(("message", "text"), GOLDEN, ids=[type(message).__name__ for message, _ in GOLDEN])
def test_golden(message: Message, text: str) -> None:
    data = bytes.fromhex(text)
    assert frame(message) == data
    assert length_of(data[:HEAD], MAX_CHUNK) == len(data) - HEAD
    assert parse(data[HEAD:], MAX_CHUNK) == message


@given(st.sampled_from(GOLDEN), st.data())
def test_what_is_cut_short_or_goes_on_is_no_message(golden: tuple[Message, str], data: st.DataObject) -> None:
    whole = frame(golden[0])[HEAD:]
    cut = data.draw(st.integers(0, len(whole) - 1))
    for wrong in (whole[:cut], whole + b"\0"):
        with pytest.raises(MessageMalformed):
            parse(wrong, MAX_CHUNK)


@pytest.mark.parametrize("kind", [0, 1])
@pytest.mark.parametrize("version", [0, 2, 65535])
def test_hellos_of_another_version_are_told_apart_whatever_follows(kind: int, version: int) -> None:
    with pytest.raises(VersionMismatch) as caught:
        parse(bytes((kind,)) + version.to_bytes(2, "little") + b"anything", MAX_CHUNK)
    assert caught.value.data() == {"expected": 1, "found": version}


@pytest.mark.parametrize("limit", [MAX_REFUSAL, MAX_REFUSAL + 1, MAX_CHUNK])
def test_no_more_than_the_limit_is_read(limit: int) -> None:
    assert length_of(limit.to_bytes(4, "little"), limit) == limit
    with pytest.raises(MessageTooLong):
        length_of((limit + 1).to_bytes(4, "little"), limit)
    with pytest.raises(MessageTooLong):
        parse(bytes(limit + 1), limit)


def test_a_refusal_may_come_where_only_less_is_expected() -> None:
    longest = Refusal("c" * 64, "d" * 1024)
    assert parse(frame(longest)[HEAD:], 0) == longest


@given(st.text(max_size=3000))
def test_the_words_of_every_error_fit(words: str) -> None:
    class Wordy(IntegriteeError):
        code = "test." + "c" * 100

    said = refusal(Wordy(words))
    assert parse(frame(said)[HEAD:], 0) == said
    assert words.startswith(said.detail)

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import base58
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from integritee.crypto import ss58_decode, ss58_encode
from integritee.crypto.errors import (
    InvalidLength,
    InvalidSs58Prefix,
    InvalidSs58Text,
    Ss58ChecksumMismatch,
    Ss58Error,
)
from integritee.crypto.ss58 import MAX_PREFIX, RESERVED_PREFIXES

ALICE = bytes.fromhex("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d")
ALICE_42 = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
ACCOUNTS = st.binary(min_size=32, max_size=32)
PREFIXES = st.integers(0, MAX_PREFIX).filter(lambda prefix: prefix not in RESERVED_PREFIXES)


def address(body: bytes) -> str:
    """The text of any body, with a good checksum."""
    return base58.b58encode(body + blake2b(b"SS58PRE" + body).digest()[:2]).decode()


def test_addresses_of_the_js_client(vectors: dict[str, Any]) -> None:
    for case in vectors["keys"]:
        public = bytes.fromhex(case["public"][2:])
        for prefix in (42, 13):
            assert ss58_encode(public, prefix) == case[f"ss58_{prefix}"]
            assert ss58_decode(case[f"ss58_{prefix}"]) == (public, prefix)


@pytest.mark.parametrize(
    ("prefix", "text"),
    [
        (42, ALICE_42),
        (64, "cEaNSpz4PxFcZ7nT1VEKrKewH67rfx6MfcM6yKojyyPz7qaqp"),
        (255, "yGHXkYLYqxijLKKfd9Q2CB9shRVu8rPNBS53wvwGTutYg4zTg"),
        (256, "VByeGLMtP8r8BYQpNX1sb2VtAW8GYCbtFAeXJwsA2ur3MNRdq"),
        (16383, "yNa8JpqfFB3q8A29rCwSgxvdU94ufJw2yKKxDgznS5m1PoFvn"),
    ],
)
def test_short_and_long_prefixes(prefix: int, text: str) -> None:
    assert ss58_encode(ALICE, prefix) == text
    assert ss58_decode(text) == (ALICE, prefix)


@given(ACCOUNTS, PREFIXES)
def test_round_trip(account: bytes, prefix: int) -> None:
    assert ss58_decode(ss58_encode(account, prefix)) == (account, prefix)


@given(ACCOUNTS, PREFIXES, st.data())
def test_a_typing_mistake_is_noticed(account: bytes, prefix: int, data: st.DataObject) -> None:
    text = ss58_encode(account, prefix)
    at = data.draw(st.integers(0, len(text) - 1))
    typed = text[:at] + data.draw(st.sampled_from("123456789ABCXYZabcxyz0OIl ")) + text[at + 1 :]
    assume(typed != text)
    try:
        decoded = ss58_decode(typed)
    except Ss58Error:
        return
    # Two checksum bytes let one mistake in 65,536 pass; what passes must still be canonical.
    assert ss58_encode(*decoded) == typed


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", InvalidSs58Text),
        ("1", InvalidSs58Text),
        ("z", InvalidSs58Text),
        (ALICE_42 + " ", InvalidSs58Text),
        (ALICE_42 + "\n", InvalidSs58Text),
        ("1" + ALICE_42, InvalidSs58Text),
        (ALICE_42.replace("G", "0"), InvalidSs58Text),
        (ALICE_42[:-1] + "Z", Ss58ChecksumMismatch),
        (ALICE_42 * 2, InvalidSs58Text),
        (address(b"\x2a" + ALICE[1:]), InvalidSs58Text),
        (address(b"\x2a\0" + ALICE), InvalidSs58Text),
        (address(b"\x2e" + ALICE), InvalidSs58Prefix),
        (address(b"\x2f" + ALICE), InvalidSs58Prefix),
        (address(b"\x80\x00" + ALICE), InvalidSs58Prefix),
        (address(b"\x4a\x80" + ALICE), InvalidSs58Prefix),
    ],
)
def test_refused_texts(text: str, error: type[Ss58Error]) -> None:
    with pytest.raises(error):
        ss58_decode(text)


@pytest.mark.parametrize("prefix", [-1, 46, 47, 16384])
def test_refused_prefixes(prefix: int) -> None:
    with pytest.raises(InvalidSs58Prefix) as caught:
        ss58_encode(ALICE, prefix)
    assert caught.value.found == prefix


def test_accounts_have_32_bytes() -> None:
    with pytest.raises(InvalidLength):
        ss58_encode(bytes(20))

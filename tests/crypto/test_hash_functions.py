from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee import crypto

VECTOR_HASHES = ("blake2_128", "blake2_256", "keccak_256", "twox_64", "twox_128", "twox_256")


@pytest.mark.parametrize("name", VECTOR_HASHES)
def test_digests_of_the_js_client(vectors: dict[str, Any], name: str) -> None:
    for case in vectors["hashes"]:
        assert "0x" + getattr(crypto, name)(case["utf8"].encode()).hex() == case[name]


@pytest.mark.parametrize(
    ("name", "data", "digest"),
    [
        ("sha2_256", b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("blake2_64", b"", "e4a6a0577479b2b4"),
        ("blake3_256", b"", "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"),
        ("blake3_256", b"abc", "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"),
        ("twox_128", b"System", "26aa394eea5630e07c48ae0c9558cef7"),
        ("twox_128", b"Account", "b99d880ec681799c0cf30e8886371da9"),
        ("blake2_128_concat", b"", "cae66941d9efbd404e4d88758ea67670"),
        ("twox_64_concat", b"a", "5b6e8ca9f1c44ed261"),
        ("identity", b"key", "6b6579"),
    ],
)
def test_known_digests(name: str, data: bytes, digest: str) -> None:
    assert getattr(crypto, name)(data).hex() == digest


@given(st.binary(max_size=300))
def test_concat_hashers_end_with_the_key_and_twox_widths_are_prefixes(data: bytes) -> None:
    assert crypto.blake2_128_concat(data) == crypto.blake2_128(data) + data
    assert crypto.twox_64_concat(data) == crypto.twox_64(data) + data
    assert crypto.twox_256(data)[:16] == crypto.twox_128(data)
    assert crypto.twox_128(data)[:8] == crypto.twox_64(data)

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.crypto import AeadKey, aead, aead_open, aead_seal, derive_key
from integritee.crypto.errors import AeadMessageTooLong, AeadTampered, InvalidLength
from integritee.enclave.selftest.damage import flipped

KEYS = st.binary(min_size=32, max_size=32)
NONCES = st.binary(min_size=12, max_size=12)


@pytest.mark.parametrize(
    ("key", "nonce", "plain", "data", "sealed"),
    [  # test cases 13, 14 and 16 of the GCM specification (McGrew and Viega)
        (bytes(32), bytes(12), "", "", "530f8afbc74536b9a963b4f1c4cb738b"),
        (
            bytes(32),
            bytes(12),
            "00" * 16,
            "",
            "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919",
        ),
        (
            bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2),
            bytes.fromhex("cafebabefacedbaddecaf888"),
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
            "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
            "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
            "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
            "76fc6ece0f4e1768cddf8853bb2d551b",
        ),
    ],
)
def test_known_messages(key: bytes, nonce: bytes, plain: str, data: str, sealed: str) -> None:
    assert aead_seal(key, nonce, bytes.fromhex(plain), bytes.fromhex(data)).hex() == sealed
    assert aead_open(key, nonce, bytes.fromhex(sealed), bytes.fromhex(data)).hex() == plain


def test_known_derived_key() -> None:
    # RFC 5869, test case 1, whose first 32 bytes do not depend on the length asked for.
    derived = derive_key(b"\x0b" * 22, bytes(range(0xF0, 0xFA)), bytes(range(13)))
    assert derived.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"


def test_labels_and_salts_separate_keys() -> None:
    root = b"\x01" * 32
    keys = {derive_key(root, label, salt) for label in (b"journal", b"snapshot") for salt in (b"", b"1", b"2")}
    assert len(keys) == 6
    assert all(len(key) == 32 for key in keys)


@given(KEYS, NONCES, st.binary(max_size=200), st.binary(max_size=50))
def test_round_trip(key: bytes, nonce: bytes, plain: bytes, data: bytes) -> None:
    sealed = aead_seal(key, nonce, plain, data)
    assert len(sealed) == len(plain) + aead.TAG_LENGTH
    assert aead_open(key, nonce, sealed, data) == plain


@given(KEYS, NONCES, st.binary(max_size=60), st.binary(min_size=1, max_size=20), st.data())
def test_any_changed_bit_is_noticed(key: bytes, nonce: bytes, plain: bytes, data: bytes, draw: st.DataObject) -> None:
    parts = {
        "key": key,
        "nonce": nonce,
        "sealed": aead_seal(key, nonce, plain, data),
        "associated_data": data,
    }
    name = draw.draw(st.sampled_from(sorted(parts)))
    bit = draw.draw(st.integers(0, 8 * len(parts[name]) - 1))
    parts[name] = flipped(parts[name], bit // 8, 1 << bit % 8)
    with pytest.raises(AeadTampered) as caught:
        aead_open(**parts)
    assert caught.value.data() == {}


@pytest.mark.parametrize("length", [0, 1, 15, 16, 31])
def test_truncated_messages_are_tampered(length: int) -> None:
    sealed = aead_seal(bytes(32), bytes(12), b"sixteen bytes ok")
    with pytest.raises(AeadTampered):
        aead_open(bytes(32), bytes(12), sealed[:length])


@pytest.mark.parametrize(
    ("key", "nonce", "what"), [(31, 12, "key"), (16, 12, "key"), (32, 16, "nonce"), (32, 0, "nonce")]
)
def test_wrong_lengths(key: int, nonce: int, what: str) -> None:
    for call in (aead_seal, aead_open):
        with pytest.raises(InvalidLength) as caught:
            call(bytes(key), bytes(nonce), bytes(32))
        assert caught.value.what == what


def test_messages_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aead, "MAX_MESSAGE_LENGTH", 64)
    key, nonce = bytes(32), bytes(12)
    assert aead_open(key, nonce, aead_seal(key, nonce, bytes(64), bytes(64)), bytes(64)) == bytes(64)
    for plain, data in ((65, 0), (0, 65)):
        with pytest.raises(AeadMessageTooLong) as caught:
            aead_seal(key, nonce, bytes(plain), bytes(data))
        assert caught.value.data() == {"limit": 64, "found": 65}
        with pytest.raises(AeadMessageTooLong):
            aead_open(key, nonce, bytes(plain + aead.TAG_LENGTH), bytes(data))


@given(KEYS, NONCES, st.binary(max_size=100), st.binary(max_size=20))
def test_a_key_in_use_many_times_seals_alike(key: bytes, nonce: bytes, plain: bytes, data: bytes) -> None:
    kept = AeadKey(key)
    sealed = kept.seal(nonce, plain, data)
    assert sealed == aead_seal(key, nonce, plain, data)
    assert kept.open(nonce, sealed, data) == plain
    for altered in (flipped(sealed, -1), sealed[:-1], sealed[1:], b""):
        with pytest.raises(AeadTampered):
            kept.open(nonce, altered, data)


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_of_wrong_length_is_never_in_use(length: int) -> None:
    with pytest.raises(InvalidLength):
        AeadKey(bytes(length))

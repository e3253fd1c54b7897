from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given, settings
from hypothesis import strategies as st

from integritee.crypto import Ed25519Pair, ShieldingKey, ShieldingPublicKey, blake2_256
from integritee.crypto.errors import (
    InvalidCiphertextLength,
    InvalidShieldingKey,
    PlaintextTooLong,
    ShieldingDecryptionFailed,
)
from integritee.crypto.shielding import (
    BLOCK_LENGTH,
    CHUNK_LENGTH,
    MAX_BLOCKS,
    MAX_CIPHERTEXT_LENGTH,
    MAX_JSON_LENGTH,
    MAX_PLAINTEXT_LENGTH,
)
from integritee.enclave.selftest.damage import flipped

WIDTHS = {"n": 384, "d": 384, "e": 4, "p": 192, "q": 192, "dmp1": 192, "dmq1": 192, "iqmp": 192}


def sgx_json(numbers: rsa.RSAPrivateNumbers) -> str:
    """The key file written independently of the module under test."""
    public = numbers.public_numbers
    members = {name: getattr(public if name in "ne" else numbers, name) for name in WIDTHS}
    arrays = {name: list(members[name].to_bytes(width, "little")) for name, width in WIDTHS.items()}
    return json.dumps(arrays, separators=(",", ":"))


@pytest.fixture(scope="module")
def private_json(jwk_numbers: rsa.RSAPrivateNumbers) -> str:
    return sgx_json(jwk_numbers)


@pytest.fixture(scope="module")
def key(private_json: str) -> ShieldingKey:
    return ShieldingKey.from_private_json(private_json)


def test_ciphertexts_of_the_js_client(vectors: dict[str, Any], key: ShieldingKey) -> None:
    for case in vectors["shielding"]["ciphertexts"]:
        plain = key.decrypt(bytes.fromhex(case["cipher"][2:]))
        assert "0x" + plain.hex() == case["plain"]


def test_private_json_is_exact(key: ShieldingKey, private_json: str) -> None:
    assert key.private_json() == private_json.encode()
    assert key.ledger_account_seed() == blake2_256(private_json.encode())
    assert len(Ed25519Pair.from_seed(key.ledger_account_seed()).public) == 32


def test_private_json_keeps_the_order_of_the_primes(jwk_numbers: rsa.RSAPrivateNumbers) -> None:
    p, q = jwk_numbers.q, jwk_numbers.p
    swapped = rsa.RSAPrivateNumbers(
        p, q, jwk_numbers.d, jwk_numbers.dmq1, jwk_numbers.dmp1, pow(q, -1, p), jwk_numbers.public_numbers
    )
    text = sgx_json(swapped)
    assert ShieldingKey.from_private_json(text).private_json() == text.encode()


def test_public_json_is_exact(key: ShieldingKey, jwk_numbers: rsa.RSAPrivateNumbers) -> None:
    text = key.public.to_json()
    modulus = list(jwk_numbers.public_numbers.n.to_bytes(384, "little"))
    assert text == '{"n":[' + ",".join(map(str, modulus)) + '],"e":[1,0,1,0]}'
    assert ShieldingPublicKey.from_json(text) == key.public
    assert ShieldingPublicKey.from_json(json.dumps(json.loads(text), indent=1).encode()) == key.public


def test_the_exponent_of_the_original_is_usable(jwk_numbers: rsa.RSAPrivateNumbers) -> None:
    e, p, q = 0x01000001, jwk_numbers.p, jwk_numbers.q
    d = pow(e, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(e, p * q)
    numbers = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), jwk_numbers.iqmp, public)
    key = ShieldingKey.from_private_json(sgx_json(numbers))
    assert key.public.to_json().endswith('"e":[1,0,0,1]}')
    assert key.decrypt(ShieldingPublicKey.from_json(key.public.to_json()).encrypt(b"call")) == b"call"


def test_a_generated_key_survives_sealing() -> None:
    key = ShieldingKey.generate()
    restored = ShieldingKey.from_private_json(key.private_json())
    assert restored == key
    assert restored.private_json() == key.private_json()
    assert restored.decrypt(key.public.encrypt(b"call")) == b"call"


@pytest.mark.parametrize("length", [0, 1, CHUNK_LENGTH - 1, CHUNK_LENGTH, CHUNK_LENGTH + 1, MAX_PLAINTEXT_LENGTH])
def test_one_block_for_each_chunk(key: ShieldingKey, length: int) -> None:
    plain = bytes(i % 251 for i in range(length))
    cipher = key.public.encrypt(plain)
    assert len(cipher) == BLOCK_LENGTH * -(-length // CHUNK_LENGTH)
    assert key.decrypt(cipher) == plain


@settings(max_examples=20)
@given(plain=st.binary(max_size=3 * CHUNK_LENGTH))
def test_round_trip(key: ShieldingKey, plain: bytes) -> None:
    assert key.decrypt(key.public.encrypt(plain)) == plain


def test_a_ciphertext_without_its_leading_zeros_is_accepted(
    key: ShieldingKey, jwk_numbers: rsa.RSAPrivateNumbers
) -> None:
    oaep = padding.OAEP(mgf=padding.MGF1(algorithm=SHA256()), algorithm=SHA256(), label=None)
    public = jwk_numbers.public_numbers.public_key()
    cipher = next(c for c in (public.encrypt(b"call", oaep) for _ in range(100_000)) if c[0] == 0)
    assert key.decrypt(cipher.lstrip(b"\0")) == b"call"


@pytest.mark.parametrize("length", [BLOCK_LENGTH + 1, 2 * BLOCK_LENGTH - 1, (MAX_BLOCKS + 1) * BLOCK_LENGTH])
def test_refused_ciphertext_lengths(key: ShieldingKey, length: int) -> None:
    with pytest.raises(InvalidCiphertextLength) as caught:
        key.decrypt(bytes(length))
    assert caught.value.data() == {"block": BLOCK_LENGTH, "limit": MAX_CIPHERTEXT_LENGTH, "found": length}


def test_refused_plaintext_length(key: ShieldingKey) -> None:
    with pytest.raises(PlaintextTooLong):
        key.public.encrypt(bytes(MAX_PLAINTEXT_LENGTH + 1))


@pytest.mark.parametrize("cipher", [b"\x01", bytes(BLOCK_LENGTH), b"\xff" * BLOCK_LENGTH])
def test_foreign_blocks_are_refused_without_detail(key: ShieldingKey, cipher: bytes) -> None:
    with pytest.raises(ShieldingDecryptionFailed) as caught:
        key.decrypt(cipher)
    assert caught.value.data() == {}
    assert caught.value.__cause__ is None


@settings(max_examples=20)
@given(bit=st.integers(0, 8 * BLOCK_LENGTH - 1), block=st.integers(0, 1))
def test_a_changed_bit_is_noticed(key: ShieldingKey, bit: int, block: int) -> None:
    cipher = key.public.encrypt(bytes(CHUNK_LENGTH + 1))
    with pytest.raises(ShieldingDecryptionFailed):
        key.decrypt(flipped(cipher, block * BLOCK_LENGTH + bit // 8, 1 << bit % 8))


def test_threads_share_a_key(key: ShieldingKey) -> None:
    plains = [bytes([i]) * 40 for i in range(64)]
    with ThreadPoolExecutor(4) as pool:
        ciphers = list(pool.map(key.public.encrypt, plains))
        assert list(pool.map(key.decrypt, ciphers)) == plains


def public_json(n: object, e: object = (1, 0, 1, 0), **more: object) -> str:
    return json.dumps({"n": n, "e": e, **more})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "[" * MAX_JSON_LENGTH,
        b"\xff",
        public_json([255] * 383),
        public_json([255] * 385),
        public_json([256] * 384),
        public_json([-1] * 384),
        public_json(["1"] * 384),
        public_json([255] * 384, [1, 0, 1]),
        public_json([255] * 384, [1, 0, 0, 0]),
        public_json([255] * 384, [0, 0, 1, 0]),
        public_json([255] * 384, x=1),
        public_json([0] + [255] * 383),
        public_json([255] * 383 + [1]),
        public_json([255] * 384) + " " * MAX_JSON_LENGTH,
    ],
)
def test_refused_public_keys(text: str | bytes) -> None:
    with pytest.raises(InvalidShieldingKey):
        ShieldingPublicKey.from_json(text)


@pytest.mark.parametrize("name", WIDTHS)
def test_private_members_must_belong_together(private_json: str, name: str) -> None:
    members = json.loads(private_json)
    members[name][1] ^= 1
    with pytest.raises(InvalidShieldingKey) as caught:
        ShieldingKey.from_private_json(json.dumps(members))
    assert caught.value.__cause__ is None
    del members[name]
    with pytest.raises(InvalidShieldingKey):
        ShieldingKey.from_private_json(json.dumps(members))


def test_secrets_do_not_show(key: ShieldingKey) -> None:
    assert repr(key) == "ShieldingKey(public=ShieldingPublicKey(e=65537))"

"""The session envelope against `session.json`, and that against the specification read a second time."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from integritee.client.errors import UntrustedSession
from integritee.client.session import ClientSession, Introduction
from integritee.crypto import AeadKey, Ed25519Pair, ShieldingKey, envelope_public
from integritee.crypto.errors import AeadTampered
from integritee.enclave.rpc.session import Identity, Seat
from integritee.enclave.selftest.damage import flipped
from integritee.primitives.session import (
    GETTER_METHOD,
    HELLO_LENGTH,
    HELLO_METHOD,
    Binding,
    Hello,
    SessionKeys,
    frame_head,
    from_text,
    open_frame,
    seal_frame,
    to_text,
    transcript,
)

from ..crypto.conftest import jwk_numbers, vectors  # noqa: F401  (fixtures)
from ..crypto.test_shielding_key import key, private_json  # noqa: F401

TERMS = (1 << 20, 1 << 30, 3600)
LABEL = b"integritee/session/v1"


class Vector:
    """Texts of 0x-hex and base64 as bytes."""

    def __init__(self) -> None:
        path = Path(__file__).parents[1] / "vectors" / "session.json"
        self._loaded: dict[str, Any] = json.loads(path.read_text())
        self.frames: list[dict[str, Any]] = self._loaded["frames"]
        self.keys = {kind: _unhex(text) for kind, text in self._loaded["keys"].items()}

    def __getattr__(self, name: str) -> bytes:
        text = self._loaded[name]
        return _unhex(text) if text.startswith("0x") else b64decode(text, validate=True)


def _unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


VECTOR = Vector()


# -- the specification once more -----------------------------------------------------------------------


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """HKDF-SHA256 (RFC 5869) for one block of output."""
    extracted = hmac.digest(salt, secret, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


def public_x25519(private: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def test_the_vector_follows_the_specification(key: ShieldingKey) -> None:  # noqa: F811
    v = VECTOR
    client_key, enclave_key = public_x25519(v.client_private), public_x25519(v.enclave_private)
    assert key.decrypt(v.hello) == b"\x01" + v.secret + client_key + v.mrenclave + v.shard
    shielding = sha256(key.public.to_json().encode())
    parts = (LABEL, shielding, sha256(v.hello), v.mrenclave, v.shard, client_key, enclave_key)
    assert v.transcript == sha256(b"".join(parts))
    shared = X25519PrivateKey.from_private_bytes(v.client_private).exchange(
        X25519PublicKey.from_public_bytes(enclave_key)
    )
    kinds = ("calls", "getters", "answers")
    assert v.keys == {kind: hkdf(shared + v.secret, v.transcript, LABEL + b" " + kind.encode()) for kind in kinds}
    nonce = (1).to_bytes(4, "little") + bytes(8)
    assert v.acceptance[:44] == enclave_key + nonce
    terms = AESGCM(v.keys["answers"]).decrypt(nonce, v.acceptance[44:], b"session_hello")
    account = Ed25519PrivateKey.from_private_bytes(v.account_seed)
    assert terms[:32] == account.public_key().public_bytes_raw()
    account.public_key().verify(terms[32:96], LABEL + b" acceptance" + v.transcript)
    assert terms[96:] == b"".join(
        limit.to_bytes(size, "little") for limit, size in zip(TERMS, (4, 8, 4), strict=True)
    )


@pytest.mark.parametrize("frame", VECTOR.frames, ids=lambda frame: f"{frame['kind']} {frame['method']}")
def test_frames_follow_the_specification(frame: dict[str, Any]) -> None:
    nonce = (1).to_bytes(4, "little") + frame["counter"].to_bytes(8, "little")
    sealed = AESGCM(VECTOR.keys[frame["kind"]]).encrypt(nonce, _unhex(frame["data"]), frame["method"].encode())
    assert b64decode(frame["text"], validate=True) == nonce + sealed


# -- both halves, with the vector's randomness ---------------------------------------------------------


@pytest.fixture
def accepted(key: ShieldingKey) -> tuple[Seat, bytes]:  # noqa: F811
    account, seat = Ed25519Pair.from_seed(VECTOR.account_seed), Seat()
    binding = Binding(key.public.to_json(), VECTOR.mrenclave, VECTOR.shard)
    identity = Identity(binding, account.public, account.sign)
    return seat, seat.accept(VECTOR.hello, key.decrypt(VECTOR.hello), identity, VECTOR.enclave_private, 0.0)


def session(key: ShieldingKey) -> tuple[Introduction, bytes]:  # noqa: F811
    """The vector's client. Its hello is the vector's, since RSA would make another one."""
    randomness = iter((VECTOR.client_private, VECTOR.secret))
    introduction = Introduction(key.public, VECTOR.mrenclave, VECTOR.shard, 0.0, lambda size: next(randomness))
    introduction._sealed = VECTOR.hello
    return introduction, VECTOR.acceptance


def opened(key: ShieldingKey) -> ClientSession:  # noqa: F811
    introduction, acceptance = session(key)
    return introduction.accepted(to_text(acceptance))


def test_the_enclave_makes_the_acceptance(accepted: tuple[Seat, bytes]) -> None:
    assert accepted[1] == VECTOR.acceptance


def test_client_and_enclave_make_the_frames(key: ShieldingKey, accepted: tuple[Seat, bytes]) -> None:  # noqa: F811
    client, seat = opened(key), accepted[0]
    watched, submitted, getter, answer = VECTOR.frames
    for frame in (watched, submitted):
        text = client.seal_call(_unhex(frame["data"]), frame["method"])
        assert text == frame["text"]
        assert seat.open_call(b64decode(text), frame["method"], 0.0) == _unhex(frame["data"])
    text, counter = client.seal_getter(_unhex(getter["data"]))
    assert text == getter["text"]
    asked, answering, same = seat.open_getter(b64decode(text), GETTER_METHOD, 0.0)
    assert (asked, same) == (_unhex(getter["data"]), counter)
    assert to_text(answering.seal(same, _unhex(answer["data"]), GETTER_METHOD)) == answer["text"]
    assert client.open_answer(answer["text"], counter) == json.loads(_unhex(answer["data"]))


@pytest.mark.parametrize("at", [0, 31, 32, 36, 43, 44, 60, 171])
def test_an_altered_acceptance_opens_no_session(key: ShieldingKey, at: int) -> None:  # noqa: F811
    introduction, acceptance = session(key)
    with pytest.raises(UntrustedSession):
        introduction.accepted(to_text(flipped(acceptance, at, 0x40)))


@pytest.mark.parametrize("answer", [None, 7, "", "ha", VECTOR._loaded["hello"], to_text(VECTOR.acceptance[:-1])])
def test_what_is_no_acceptance_opens_no_session(key: ShieldingKey, answer: object) -> None:  # noqa: F811
    """Not even the hello itself, sent back."""
    with pytest.raises(UntrustedSession):
        session(key)[0].accepted(answer)


def test_an_acceptance_has_counter_0(key: ShieldingKey) -> None:  # noqa: F811
    terms = open_frame(AeadKey(VECTOR.keys["answers"]), VECTOR.acceptance[32:], HELLO_METHOD)
    frame = seal_frame(AeadKey(VECTOR.keys["answers"]), 1, 1, terms, HELLO_METHOD)
    with pytest.raises(UntrustedSession):
        session(key)[0].accepted(to_text(VECTOR.acceptance[:32] + frame))


def test_an_acceptance_is_signed_by_the_account_it_names(key: ShieldingKey) -> None:  # noqa: F811
    """Another holder of the shielding key, who reads hellos as well, cannot speak for the account."""
    binding = Binding(key.public.to_json(), VECTOR.mrenclave, VECTOR.shard)
    account, other = (Ed25519Pair.from_seed(bytes([number]) * 32) for number in (1, 2))
    identity = Identity(binding, account.public, other.sign)
    acceptance = Seat().accept(VECTOR.hello, key.decrypt(VECTOR.hello), identity, VECTOR.enclave_private, 0.0)
    with pytest.raises(UntrustedSession, match="signature"):
        session(key)[0].accepted(to_text(acceptance))


@pytest.mark.parametrize("name", ["shielding_key", "mrenclave", "shard"])
def test_keys_are_bound_to_the_enclave(name: str) -> None:
    binding = Binding("{}", bytes(32), bytes(32))
    other = binding._replace(**{name: "{ }" if name == "shielding_key" else b"\x01" * 32})
    said = (VECTOR.hello, public_x25519(VECTOR.client_private), public_x25519(VECTOR.enclave_private))
    assert transcript(binding, *said) != transcript(other, *said)


# -- forms ---------------------------------------------------------------------------------------------


@given(st.binary(max_size=2 * HELLO_LENGTH))
@settings(max_examples=50)
def test_hellos_have_one_form(data: bytes) -> None:
    hello = Hello.decode(data)
    assert (hello is not None) == (len(data) == HELLO_LENGTH)
    assert hello is None or hello.encode() == data


@given(st.binary(max_size=200), st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1))
@settings(max_examples=50)
def test_frames_open_as_what_they_are_only(data: bytes, number: int, counter: int) -> None:
    key = AeadKey(bytes(32))  # noqa: F811
    frame = seal_frame(key, number, counter, data, "one")
    assert frame_head(frame) == (number, counter)
    assert open_frame(key, frame, "one") == data
    with pytest.raises(AeadTampered):
        open_frame(key, frame, "other")
    with pytest.raises(AeadTampered):
        open_frame(AeadKey(b"\x01" * 32), frame, "one")


@pytest.mark.parametrize("text", ["=", "AA", "AA=", "A A=", "AA==\n", "AA==AA==", "A-==", "\u00e9", "AAAA=", "0x"])
def test_texts_have_one_form(text: str) -> None:
    assert from_text(text) is None
    assert from_text("AA==") == b"\0"


def test_keys_of_small_order_are_no_keys() -> None:
    with pytest.raises(AeadTampered):
        SessionKeys.derive(VECTOR.client_private, bytes(32), bytes(32), bytes(32))
    assert envelope_public(VECTOR.client_private) == public_x25519(VECTOR.client_private)

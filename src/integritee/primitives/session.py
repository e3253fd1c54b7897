"""The session envelope: its messages, its keys and its frames, as client and enclave both compute them.

Specification: `docs/trusted-rpc.md`. Client and enclave agree on a secret that only an enclave with the shielding
key can know, and that nobody can find out later from that key:

    hello        RSA-OAEP(shielding key, `Hello`)                            client → enclave
    acceptance   X25519 key of the enclave ‖ frame of `Acceptance`           enclave → client
    frame        session number u32 ‖ counter u64 ‖ AES-256-GCM ciphertext ‖ tag, little-endian

Session number and counter are the nonce, the name of the RPC method is the associated data. Each kind of message
has a key of its own, so that no frame can be taken for one of another kind or direction.
"""

from __future__ import annotations

import binascii
import struct
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Self

from integritee.crypto import AeadKey, agree, derive_key, sha2_256
from integritee.crypto.aead import TAG_LENGTH
from integritee.scale import Bytes32, Bytes64, Struct, u32, u64

VERSION: Final = 1
LABEL: Final = b"integritee/session/v1"

HELLO_METHOD: Final = "session_hello"
WATCH_METHOD: Final = "session_submitAndWatch"
SUBMIT_METHOD: Final = "session_submit"
GETTER_METHOD: Final = "session_executeGetter"

KEY_LENGTH: Final = 32
HELLO_LENGTH: Final = 1 + 4 * 32
_NONCE: Final = struct.Struct("<IQ")
FRAME_OVERHEAD: Final = _NONCE.size + TAG_LENGTH
"""Bytes that a frame is longer than what it carries."""


@dataclass(frozen=True, slots=True)
class Hello:
    """What a client says first: a secret and an ephemeral X25519 key of its own, and whom it wants to talk to.

    Layout: version u8 ‖ secret ‖ client_key ‖ mrenclave ‖ shard, 32 bytes each.
    """

    secret: bytes = field(repr=False)
    client_key: bytes
    mrenclave: bytes
    shard: bytes
    version: int = VERSION

    def encode(self) -> bytes:
        return bytes([self.version]) + self.secret + self.client_key + self.mrenclave + self.shard

    @classmethod
    def decode(cls, data: bytes) -> Self | None:
        """None unless `data` has the one possible length."""
        if len(data) != HELLO_LENGTH:
            return None
        secret, client_key, mrenclave, shard = (data[at : at + 32] for at in range(1, HELLO_LENGTH, 32))
        return cls(secret, client_key, mrenclave, shard, data[0])


class Acceptance(Struct, frozen=True):
    """What the enclave answers: its account on the parentchain, that account's signature of `signed_text`, and for
    how many requests, bytes of frames and seconds the session lasts at most."""

    account: Bytes32
    signature: Bytes64
    requests: u32
    bytes: u64
    seconds: u32


class Binding(NamedTuple):
    """What a session is bound to: the shielding key as the JSON text that enclaves publish, and 32 bytes each."""

    shielding_key: str
    mrenclave: bytes
    shard: bytes


def transcript(binding: Binding, sealed_hello: bytes, client_key: bytes, enclave_key: bytes) -> bytes:
    """Hash (32 bytes) of all that was said and is taken for granted; it makes the keys those of this session only."""
    key = sha2_256(binding.shielding_key.encode())
    hello = sha2_256(sealed_hello)
    return sha2_256(LABEL + key + hello + binding.mrenclave + binding.shard + client_key + enclave_key)


def signed_text(transcript_hash: bytes) -> bytes:
    """What the enclave signs with the account that its evidence names."""
    return LABEL + b" acceptance" + transcript_hash


@dataclass(frozen=True, slots=True, repr=False)
class SessionKeys:
    """One key for each kind of frame: calls and getters of the client, answers of the enclave."""

    calls: AeadKey
    getters: AeadKey
    answers: AeadKey

    @classmethod
    def derive(cls, private: bytes, public: bytes, secret: bytes, transcript_hash: bytes) -> Self:
        """From one's own X25519 key, the other's, and the secret of the hello.

        Raises AeadTampered if `public` is no key.
        """
        root = agree(private, public) + secret
        kinds = (b" calls", b" getters", b" answers")
        return cls(*(AeadKey(derive_key(root, LABEL + kind, transcript_hash)) for kind in kinds))


def seal_frame(key: AeadKey, number: int, counter: int, plaintext: bytes, method: str) -> bytes:
    """A frame of session `number`. No counter may be used twice with a key."""
    nonce = _NONCE.pack(number, counter)
    return nonce + key.seal(nonce, plaintext, method.encode())


def open_frame(key: AeadKey, frame: bytes, method: str) -> bytes:
    """What a frame carries. Raises AeadTampered if anything differs."""
    return key.open(frame[: _NONCE.size], frame[_NONCE.size :], method.encode())


def frame_head(frame: bytes) -> tuple[int, int]:
    """Session number and counter, which mean nothing until the frame is opened; it has `FRAME_OVERHEAD` at least."""
    number, counter = _NONCE.unpack_from(frame)
    return number, counter


def to_text(data: bytes) -> str:
    """How binary data travels in JSON: base64 (RFC 4648 §4) with padding."""
    return binascii.b2a_base64(data, newline=False).decode()


def from_text(text: str) -> bytes | None:
    """The bytes of such a text; None if it is none."""
    if len(text) % 4:
        return None
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:  # also for characters beyond ASCII
        return None

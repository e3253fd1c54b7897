"""What evidence vouches for: the 64 bytes of report data.

    0 … 31    ed25519 account of the enclave (the parentchain compares it with the sender)
    32 … 63   SHA-256("integritee-worker/rd/v1" ‖ purpose u8 ‖ SHA-256(TLS SPKI) ‖ SHA-256(shielding key)
              ‖ genesis hash ‖ shard ‖ challenge)

The original leaves the upper half zero, so that its host can put any TLS and shielding key next to genuine
evidence. The parentchain ignores the upper half. Every field has a fixed width: no two bindings share bytes.
"""

from __future__ import annotations

import enum
import hashlib
from hmac import compare_digest
from typing import Final

import msgspec

from integritee.attestation.errors import WrongLength

from .errors import ReportDataMismatch
from .tee import VerifiedEvidence

DOMAIN: Final = b"integritee-worker/rd/v1"
FIELD_LENGTH: Final = 32


class Purpose(enum.IntEnum):
    """What the evidence is for; evidence for one is refused for every other."""

    REGISTRATION = 1
    """Challenge: hash of a finalized parentchain block."""
    PROVISIONING_SERVER = 2
    """Challenge: drawn by the client."""
    PROVISIONING_CLIENT = 3
    """Challenge: drawn by the server."""
    CLIENT_SESSION = 4
    """Challenge: drawn by the client."""
    SHARD_EXPORT = 5
    """Challenge: identity of the bundle that the shard is exported in."""
    SHARD_IMPORT = 6
    """Challenge: hash of the request for shares; in place of the TLS key the one that shares are sealed to."""


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that evidence is tied to. Both sides build it from their own view."""

    purpose: Purpose
    account: bytes
    """Ed25519 public key, 32 bytes."""
    tls_public_key: bytes
    """DER SubjectPublicKeyInfo of the TLS certificate."""
    shielding_key: bytes
    """JSON of the public shielding key, exactly as clients fetch it (`ShieldingPublicKey.to_json`)."""
    genesis_hash: bytes
    """Of the parentchain, 32 bytes."""
    shard: bytes
    """32 bytes."""
    challenge: bytes
    """32 bytes that make the evidence fresh, see `Purpose`."""

    def report_data(self) -> bytes:
        """The 64 bytes. Raises `WrongLength`."""
        for what, field in (
            ("account", self.account),
            ("genesis hash", self.genesis_hash),
            ("shard", self.shard),
            ("challenge", self.challenge),
        ):
            if len(field) != FIELD_LENGTH:
                raise WrongLength(what, expected=FIELD_LENGTH, found=len(field))
        upper = hashlib.sha256(DOMAIN)
        upper.update(bytes((self.purpose,)))
        upper.update(hashlib.sha256(self.tls_public_key).digest())
        upper.update(hashlib.sha256(self.shielding_key).digest())
        upper.update(self.genesis_hash + self.shard + self.challenge)
        return self.account + upper.digest()


def check_report_data(evidence: VerifiedEvidence, binding: Binding) -> None:
    """Is the evidence tied to exactly this? Raises `ReportDataMismatch`."""
    expected = binding.report_data()
    if not compare_digest(evidence.report_data, expected):
        raise ReportDataMismatch(expected=expected, found=evidence.report_data)

"""What evidence is bound to."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest

from integritee.attestation.errors import WrongLength
from integritee.enclave.attestation import Binding, Purpose, check_report_data
from integritee.enclave.attestation.errors import ReportDataMismatch

from ...attestation.forge import HONEST, body
from .policies import verify_simulated

BINDING = Binding(
    purpose=Purpose.PROVISIONING_SERVER,
    account=b"\x01" * 32,
    tls_public_key=b"SubjectPublicKeyInfo",
    shielding_key=b'{"n":[],"e":[]}',
    genesis_hash=b"\x02" * 32,
    shard=b"\x03" * 32,
    challenge=b"\x04" * 32,
)
CHANGES: dict[str, Any] = {
    "purpose": Purpose.PROVISIONING_CLIENT,
    "account": b"\x09" * 32,
    "tls_public_key": b"another key",
    "shielding_key": b"another key",
    "genesis_hash": b"\x09" * 32,
    "shard": b"\x09" * 32,
    "challenge": b"\x09" * 32,
}


def test_layout() -> None:
    sha = hashlib.sha256
    upper = sha(
        b"integritee-worker/rd/v1\x02"
        + sha(BINDING.tls_public_key).digest()
        + sha(BINDING.shielding_key).digest()
        + BINDING.genesis_hash
        + BINDING.shard
        + BINDING.challenge
    ).digest()
    assert BINDING.report_data() == BINDING.account + upper


@pytest.mark.parametrize("purpose", Purpose)
def test_genuine_binding(purpose: Purpose) -> None:
    binding = msgspec.structs.replace(BINDING, purpose=purpose)
    verified = verify_simulated(HONEST.quote(body(report_data=binding.report_data())))
    check_report_data(verified, binding)
    assert verified.report_data[:32] == BINDING.account


@pytest.mark.parametrize("field", CHANGES)
def test_every_field_binds(field: str) -> None:
    verified = verify_simulated(HONEST.quote(body(report_data=BINDING.report_data())))
    other = msgspec.structs.replace(BINDING, **{field: CHANGES[field]})
    with pytest.raises(ReportDataMismatch):
        check_report_data(verified, other)


def test_original_binding_with_zero_upper_half_is_refused() -> None:
    verified = verify_simulated(HONEST.quote(body(report_data=BINDING.account + bytes(32))))
    with pytest.raises(ReportDataMismatch):
        check_report_data(verified, BINDING)


@pytest.mark.parametrize("field", ["account", "genesis_hash", "shard", "challenge"])
@pytest.mark.parametrize("length", [0, 31, 33])
def test_fixed_widths(field: str, length: int) -> None:
    with pytest.raises(WrongLength):
        msgspec.structs.replace(BINDING, **{field: bytes(length)}).report_data()


def test_purposes_are_never_renumbered() -> None:
    assert [(purpose.name, purpose.value) for purpose in Purpose] == [
        ("REGISTRATION", 1),
        ("PROVISIONING_SERVER", 2),
        ("PROVISIONING_CLIENT", 3),
        ("CLIENT_SESSION", 4),
        ("SHARD_EXPORT", 5),
        ("SHARD_IMPORT", 6),
    ]

"""Evidence and collateral for the registry of enclaves: recorded ones, and those of a simulated platform."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from integritee.attestation import SIMULATED_ROOT, SignedDocument, collateral_from_json, der
from integritee.attestation.pck import SGX_EXTENSION
from integritee.attestation.simulated_pki import PCK, PCK_AUTHORITY, ROOT, SimulatedPlatform, pem
from integritee.frame.runtime import use
from integritee.node.pallets.teerex import Teerex

from ..attestation.forge import VECTORS
from .small_runtime import SmallRuntime

OASIS = VECTORS / "oasis"
TEST4 = (VECTORS / "integritee" / "ra_dump_cert_TEST4.der").read_bytes()
"""Certificate of an enclave with a report of April 2020."""


class SimulatedRuntime(SmallRuntime):
    """As the real one, but it believes the simulated authority in place of Intel."""

    teerex = use(50, Teerex, sgx_root=SIMULATED_ROOT)


@dataclass(frozen=True)
class Recorded:
    """A quote from a real machine with its collateral, and an instant (unix ms) at which all of it is current."""

    quote: bytes
    identity: SignedDocument
    tcb_info: SignedDocument
    now: int


def _cut(response: bytes, member: str, chain: bytes) -> SignedDocument:
    """The document inside a response of Intel's service."""
    text, signature = response.strip().removeprefix(f'{{"{member}":'.encode()).split(b',"signature":"')
    return SignedDocument(text, bytes.fromhex(signature.removesuffix(b'"}').decode()), chain)


def _recorded() -> dict[str, Recorded]:
    folder = VECTORS / "dcap-qvl"
    found = collateral_from_json((folder / "sgx_quote_collateral.json").read_bytes())
    signers = (OASIS / "tcb_info_v3_fmspc_00606A000000_certs.pem").read_bytes()
    return {
        "dcap-qvl": Recorded(
            (folder / "sgx_quote").read_bytes(), found.qe_identity, found.tcb_info, 1_751_000_000_000
        ),
        "oasis": Recorded(
            (OASIS / "quote_v3_ecdsa_p256_pck_chain.bin").read_bytes(),
            _cut((OASIS / "qe_identity_v2.json").read_bytes(), "enclaveIdentity", signers),
            _cut((OASIS / "tcb_info_v3_fmspc_00606A000000.json").read_bytes(), "tcbInfo", signers),
            1_671_497_404_000,
        ),
    }


RECORDED = _recorded()


def ra_certificate(*parts: bytes) -> bytes:
    """The only part of an enclave's certificate that counts: the comment."""
    comment = b"|".join(parts)
    assert len(comment) >= 0x100
    return bytes.fromhex("06096086480186f842010d") + b"\x04\x82" + len(comment).to_bytes(2, "big") + comment


def oasis_report() -> tuple[bytes, bytes, bytes]:
    """Report, signature and signing certificate (both base64) as the service sent them in May 2020."""
    certificates = unquote((OASIS / "avr_certificates_urlencoded.pem").read_text())
    first = certificates.split("-----")[2]
    return (
        (OASIS / "avr_v4_body_sw_hardening_needed.json").read_bytes(),
        (OASIS / "avr_v4_body_sw_hardening_needed.sig").read_bytes(),
        "".join(first.split()).encode(),
    )


def report_json(**changes: Any) -> bytes:
    """The members of a report that are read; None leaves one out."""
    members = {
        "timestamp": "2020-05-11T09:21:15.454051",
        "isvEnclaveQuoteStatus": "OK",
        "isvEnclaveQuoteBody": b64encode(bytes(432)).decode(),
    } | changes
    return json.dumps({name: value for name, value in members.items() if value is not None}).encode()


def extension(oid: str, value: bytes, *, critical: bool = False) -> bytes:
    """An extension of a certificate."""
    mark = der.boolean(True) if critical else b""
    return der.element(der.SEQUENCE, der.object_identifier(oid), mark, der.element(der.OCTET_STRING, value))


def sgx_values(**parts: bytes | None) -> bytes:
    """An SGX extension with just the three values that count, each replaced or, with None, left out."""
    values = {
        "2.17": ("pcesvn", der.unsigned(1)),
        "2.18": ("cpusvn", der.element(der.OCTET_STRING, b"\x01" * 16)),
        "4": ("fmspc", der.element(der.OCTET_STRING, bytes.fromhex("53494d000000"))),
    }
    members = b""
    for suffix, (name, usual) in values.items():
        value = parts.get(name, usual)
        if value is not None:
            members += der.object_identifier(f"{SGX_EXTENSION}.{suffix}") + value
    return members


def pck_chain(platform: SimulatedPlatform, *extensions: bytes) -> bytes:
    """A PEM chain whose PCK certificate has these extensions."""
    leaf = platform.certificate(PCK, PCK_AUTHORITY, *extensions)
    return pem(leaf) + pem(platform.certificate(PCK_AUTHORITY, ROOT)) + pem(platform.certificate(ROOT, ROOT))


def arguments(document: SignedDocument) -> tuple[bytes, bytes, bytes]:
    """As the calls take a document."""
    return document.text, document.signature, document.chain

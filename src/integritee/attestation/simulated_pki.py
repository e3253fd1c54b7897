"""A public-key infrastructure like Intel's, for simulation. Its evidence is worth nothing.

Every private key follows from a seed in this file, so that everybody can make what is made here: own root
``SIM SGX Root CA`` of ``SIMULATION - NOT INTEL``, a PCK certificate with Intel's extension, revocation lists,
signed TCB info and QE identity. The forms are Intel's, so that the verifier for hardware runs unchanged.

Everything is deterministic. Certificates are written as DER here and not by `cryptography.x509`, whose
import would cost more than all of this. The fields of `SimulatedPlatform` are the knobs by which tests make
machines that must be refused.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from . import p256
from .anchors import SIMULATED_ROOT, SIMULATION_MARKER
from .collateral import Collateral, QeTcbStatus, SignedDocument, TcbStatus
from .der import (
    BIT_STRING,
    GENERALIZED_TIME,
    OCTET_STRING,
    SEQUENCE,
    SET,
    UTC_TIME,
    UTF8_STRING,
    boolean,
    element,
    object_identifier,
    unsigned,
)
from .pck import SGX_EXTENSION, PckPlatform, SgxType
from .quote import CERTIFICATION_PCK_CHAIN, Flag, Quote, ReportBody, signed_part

PUBLIC_SEED: Final = b"integritee simulated SGX PKI v1: public, proves nothing"
VALID_FROM: Final = 946_684_800
"""2000-01-01T00:00:00Z in unix seconds."""
VALID_UNTIL: Final = 2_524_607_999
"""2049-12-31T23:59:59Z."""
TCB_EVALUATION_NUMBER: Final = 1

PCK: Final = "SGX PCK Certificate"
PCK_AUTHORITY: Final = "SGX PCK Processor CA"
TCB_SIGNING: Final = "SGX TCB Signing"
ROOT: Final = "SGX Root CA"
SERIALS: Final = {ROOT: 1, PCK_AUTHORITY: 2, TCB_SIGNING: 3, PCK: 4}

QE_SIGNER: Final = hashlib.sha256(b"tee-sim/qe-signer/v1").digest()
QE_MEASUREMENT: Final = hashlib.sha256(b"tee-sim/qe/v1").digest()
QE_PRODUCT: Final = 1
QE_VERSION: Final = 8
QE_XFRM: Final = 0xE7
QE_AUTH_DATA: Final = bytes(range(32))

SIMULATED_PCK: Final = PckPlatform(
    ppid=b"SIMULATED-PPID-0",
    components=(1,) * 16,
    pce_svn=1,
    cpu_svn=bytes((1,)) * 16,
    pce_id=bytes(2),
    fmspc=bytes.fromhex("53494d000000"),
    sgx_type=SgxType.STANDARD,
)

_EC_P256: Final = element(SEQUENCE, object_identifier("1.2.840.10045.2.1"), object_identifier("1.2.840.10045.3.1.7"))
_ECDSA_SHA256: Final = element(SEQUENCE, object_identifier("1.2.840.10045.4.3.2"))
_KEY_CERT_SIGN_AND_CRL_SIGN: Final = b"\x01\x06"
_DIGITAL_SIGNATURE: Final = b"\x07\x80"


@dataclass(frozen=True)
class SimulatedPlatform:
    """One simulated machine with its authorities and its collateral. Times in unix seconds."""

    seed: bytes = PUBLIC_SEED
    valid_from: int = VALID_FROM
    valid_until: int = VALID_UNTIL
    prefix: str = SIMULATED_ROOT.prefix
    organization: str = SIMULATED_ROOT.organization
    pck: PckPlatform = SIMULATED_PCK
    revoked: frozenset[str] = frozenset()
    """Names out of `SERIALS`."""
    tcb_info: dict[str, object] = field(default_factory=dict)
    """Members that replace those of the default TCB info."""
    qe_identity: dict[str, object] = field(default_factory=dict)
    """Members that replace those of the default QE identity."""
    tcb_status: TcbStatus = TcbStatus.UP_TO_DATE
    qe_status: QeTcbStatus = QeTcbStatus.UP_TO_DATE
    advisories: tuple[str, ...] = ()
    user_data: bytes = SIMULATION_MARKER

    def quote(self, body: ReportBody) -> bytes:
        """A quote of an enclave with this report body."""
        attestation = self.key("attestation")
        point = p256.point_of(attestation.public_key())
        qe_report = ReportBody(
            cpu_svn=self.pck.cpu_svn,
            flags=Flag.INIT | Flag.MODE64 | Flag.PROVISION_KEY,
            xfrm=QE_XFRM,
            mr_enclave=QE_MEASUREMENT,
            mr_signer=QE_SIGNER,
            product_id=QE_PRODUCT,
            security_version=QE_VERSION,
            report_data=hashlib.sha256(point + QE_AUTH_DATA).digest() + bytes(32),
        )
        signed = signed_part(QE_VERSION, self.pck.pce_svn, self.user_data, body)
        return Quote(
            qe_svn=QE_VERSION,
            pce_svn=self.pck.pce_svn,
            user_data=self.user_data,
            body=body,
            signature=p256.sign(attestation, signed),
            attestation_key=point,
            qe_report=qe_report,
            qe_report_signature=p256.sign(self.key(PCK), qe_report.encode()),
            qe_auth_data=QE_AUTH_DATA,
            certification_type=CERTIFICATION_PCK_CHAIN,
            certification_data=self.pck_chain,
        ).encode()

    @cached_property
    def pck_chain(self) -> bytes:
        """PEM: PCK certificate, its authority, root."""
        extension = _extension(SGX_EXTENSION, sgx_extension(self.pck), critical=False)
        return b"".join(
            (
                pem(self.certificate(PCK, PCK_AUTHORITY, extension)),
                pem(self.certificate(PCK_AUTHORITY, ROOT)),
                pem(self.certificate(ROOT, ROOT)),
            )
        )

    @cached_property
    def collateral(self) -> Collateral:
        """Revocation lists and signed documents that go with the quotes."""
        return Collateral(
            root_crl=self.revocation_list(ROOT, {PCK_AUTHORITY, TCB_SIGNING} & self.revoked),
            pck_crl=self.revocation_list(PCK_AUTHORITY, {PCK} & self.revoked),
            tcb_info=self.document(self._tcb_info() | self.tcb_info),
            qe_identity=self.document(self._qe_identity() | self.qe_identity),
        )

    def key(self, name: str) -> EllipticCurvePrivateKey:
        """The private key of an authority, a certificate or the attestation key."""
        return p256.key_from_seed(hashlib.sha512(self.seed + b"/" + name.encode()).digest())

    def certificate(self, subject: str, issuer: str, *extensions: bytes) -> bytes:
        """A certificate in DER."""
        authority = subject in (ROOT, PCK_AUTHORITY)
        usage = _KEY_CERT_SIGN_AND_CRL_SIGN if authority else _DIGITAL_SIGNATURE
        constraints = element(SEQUENCE, boolean(True)) if authority else element(SEQUENCE)
        body = element(
            SEQUENCE,
            element(0xA0, unsigned(2)),
            unsigned(SERIALS[subject]),
            _ECDSA_SHA256,
            self._name(issuer),
            element(SEQUENCE, _time(self.valid_from), _time(self.valid_until)),
            self._name(subject),
            _public_key(self.key(subject)),
            element(
                0xA3,
                element(
                    SEQUENCE,
                    _authority_key(self.key(issuer)),
                    _extension("2.5.29.14", element(OCTET_STRING, _key_id(self.key(subject))), critical=False),
                    _extension("2.5.29.19", constraints, critical=True),
                    _extension("2.5.29.15", element(BIT_STRING, usage), critical=True),
                    *extensions,
                ),
            ),
        )
        return _signed(body, self.key(issuer))

    def revocation_list(self, issuer: str, revoked: set[str] | frozenset[str]) -> bytes:
        """A revocation list in DER."""
        entries = [element(SEQUENCE, unsigned(SERIALS[name]), _time(self.valid_from)) for name in sorted(revoked)]
        body = element(
            SEQUENCE,
            unsigned(1),
            _ECDSA_SHA256,
            self._name(issuer),
            _time(self.valid_from),
            _time(self.valid_until),
            element(SEQUENCE, *entries) if entries else b"",
            element(
                0xA0,
                element(
                    SEQUENCE,
                    _extension("2.5.29.20", unsigned(1), critical=False),
                    _authority_key(self.key(issuer)),
                ),
            ),
        )
        return _signed(body, self.key(issuer))

    def document(self, members: dict[str, object]) -> SignedDocument:
        """JSON text signed by the TCB signing certificate."""
        text = msgspec.json.encode(members)
        return SignedDocument(
            text=text,
            signature=p256.sign(self.key(TCB_SIGNING), text),
            chain=pem(self.certificate(TCB_SIGNING, ROOT)) + pem(self.certificate(ROOT, ROOT)),
        )

    def _tcb_info(self) -> dict[str, object]:
        level = {
            "tcb": {
                "sgxtcbcomponents": [{"svn": svn} for svn in SIMULATED_PCK.components],
                "pcesvn": SIMULATED_PCK.pce_svn,
            },
            "tcbDate": _iso(self.valid_from),
            "tcbStatus": self.tcb_status,
            "advisoryIDs": self.advisories,
        }
        return {
            "id": "SGX",
            "version": 3,
            "issueDate": _iso(self.valid_from),
            "nextUpdate": _iso(self.valid_until),
            "fmspc": self.pck.fmspc.hex(),
            "pceId": self.pck.pce_id.hex(),
            "tcbType": 0,
            "tcbEvaluationDataNumber": TCB_EVALUATION_NUMBER,
            "tcbLevels": [level],
        }

    def _qe_identity(self) -> dict[str, object]:
        flags = Flag.INIT | Flag.PROVISION_KEY
        level = {
            "tcb": {"isvsvn": QE_VERSION},
            "tcbDate": _iso(self.valid_from),
            "tcbStatus": self.qe_status,
        }
        return {
            "id": "QE",
            "version": 2,
            "issueDate": _iso(self.valid_from),
            "nextUpdate": _iso(self.valid_until),
            "tcbEvaluationDataNumber": TCB_EVALUATION_NUMBER,
            "miscselect": "00000000",
            "miscselectMask": "FFFFFFFF",
            "attributes": flags.to_bytes(16, "little").hex(),
            "attributesMask": "FBFFFFFFFFFFFFFF0000000000000000",
            "mrsigner": QE_SIGNER.hex(),
            "isvprodid": QE_PRODUCT,
            "tcbLevels": [level],
        }

    def _name(self, name: str) -> bytes:
        attributes = (("2.5.4.3", f"{self.prefix} {name}"), ("2.5.4.10", self.organization))
        return element(
            SEQUENCE,
            *(
                element(SET, element(SEQUENCE, object_identifier(oid), element(UTF8_STRING, text.encode())))
                for oid, text in attributes
            ),
        )


def sgx_extension(pck: PckPlatform) -> bytes:
    """The value of the SGX extension (see `pck`)."""

    def pair(suffix: str, value: bytes) -> bytes:
        return element(SEQUENCE, object_identifier(f"{SGX_EXTENSION}.{suffix}"), value)

    components = [pair(f"2.{n}", unsigned(svn)) for n, svn in enumerate(pck.components, 1)]
    tcb = element(
        SEQUENCE,
        *components,
        pair("2.17", unsigned(pck.pce_svn)),
        pair("2.18", element(OCTET_STRING, pck.cpu_svn)),
    )
    fields = [
        pair("1", element(OCTET_STRING, pck.ppid)),
        pair("2", tcb),
        pair("3", element(OCTET_STRING, pck.pce_id)),
        pair("4", element(OCTET_STRING, pck.fmspc)),
        pair("5", unsigned(pck.sgx_type, 0x0A)),
    ]
    if pck.platform_instance is not None:
        fields.append(pair("6", element(OCTET_STRING, pck.platform_instance)))
    features = [
        pair(f"7.{n}", boolean(value))
        for n, value in enumerate((pck.dynamic_platform, pck.cached_keys, pck.smt), 1)
        if value is not None
    ]
    if features:
        fields.append(pair("7", element(SEQUENCE, *features)))
    return element(SEQUENCE, *fields)


def pem(certificate: bytes) -> bytes:
    """PEM text of a DER certificate."""
    text = b64encode(certificate)
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return b"\n".join((b"-----BEGIN CERTIFICATE-----", *lines, b"-----END CERTIFICATE-----", b""))


def _signed(body: bytes, key: EllipticCurvePrivateKey) -> bytes:
    signature = p256.sign_der(key, body)
    return element(SEQUENCE, body, _ECDSA_SHA256, element(BIT_STRING, b"\x00", signature))


def _public_key(key: EllipticCurvePrivateKey) -> bytes:
    return element(SEQUENCE, _EC_P256, element(BIT_STRING, b"\x00\x04", p256.point_of(key.public_key())))


def _key_id(key: EllipticCurvePrivateKey) -> bytes:
    """RFC 7093, method 1."""
    return hashlib.sha256(b"\x04" + p256.point_of(key.public_key())).digest()[:20]


def _authority_key(key: EllipticCurvePrivateKey) -> bytes:
    return _extension("2.5.29.35", element(SEQUENCE, element(0x80, _key_id(key))), critical=False)


def _extension(oid: str, value: bytes, *, critical: bool) -> bytes:
    mark = boolean(True) if critical else b""
    return element(SEQUENCE, object_identifier(oid), mark, element(OCTET_STRING, value))


def _time(seconds: int) -> bytes:
    """UTCTime up to 2049, GeneralizedTime from 2050 on (RFC 5280, 4.1.2.5)."""
    moment = datetime.fromtimestamp(seconds, UTC)
    if moment.year < 2050:
        return element(UTC_TIME, moment.strftime("%y%m%d%H%M%SZ").encode())
    return element(GENERALIZED_TIME, moment.strftime("%Y%m%d%H%M%SZ").encode())


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

"""What Intel publishes about platforms and quoting enclaves, needed to judge a quote.

Source: Intel SGX/TDX Provisioning Certification Service API v4: TCB info version 3, enclave identity
version 2. Both documents are signed byte for byte, so they travel as the bytes that were signed. The list
of revoked PCK certificates travels without a chain: its issuer has to be the authority in the quote.
"""

from __future__ import annotations

import enum
import re
from base64 import b64decode
from datetime import datetime
from typing import Annotated, Final, TypeVar

import msgspec

from integritee.scale import Bounded, Bytes64, Struct

from .errors import CollateralMalformed

MAX_CHAIN_LENGTH: Final = 16 * 1024
"""Bytes of a PEM chain."""
MAX_REVOCATION_LIST_LENGTH: Final = 256 * 1024
"""Bytes of a DER revocation list; an entry takes about 40."""
MAX_DOCUMENT_LENGTH: Final = 64 * 1024
"""Bytes of TCB info or QE identity."""
MAX_LEVELS: Final = 256
"""TCB levels in one document."""
MAX_ADVISORIES: Final = 256
"""Advisories of one TCB level."""

Chain = Annotated[bytes, Bounded(MAX_CHAIN_LENGTH)]
RevocationList = Annotated[bytes, Bounded(MAX_REVOCATION_LIST_LENGTH)]
Document = Annotated[bytes, Bounded(MAX_DOCUMENT_LENGTH)]


class SignedDocument(Struct, frozen=True):
    """JSON text, signature over exactly these bytes (r ‖ s), and PEM chain of the signer (leaf, root)."""

    text: Document
    signature: Bytes64
    chain: Chain


class Collateral(Struct, frozen=True):
    """Everything a verifier needs beside quote and root. The host fetches it; nothing in it is trusted.

    The revocation lists are DER: that of the root, and that of the authority of the PCK certificate.
    """

    root_crl: RevocationList
    pck_crl: RevocationList
    tcb_info: SignedDocument
    qe_identity: SignedDocument


class TcbStatus(enum.StrEnum):
    """Health of a TCB level, in Intel's spelling."""

    UP_TO_DATE = "UpToDate"
    SW_HARDENING_NEEDED = "SWHardeningNeeded"
    CONFIGURATION_NEEDED = "ConfigurationNeeded"
    CONFIGURATION_AND_SW_HARDENING_NEEDED = "ConfigurationAndSWHardeningNeeded"
    OUT_OF_DATE = "OutOfDate"
    OUT_OF_DATE_CONFIGURATION_NEEDED = "OutOfDateConfigurationNeeded"
    REVOKED = "Revoked"


class QeTcbStatus(enum.StrEnum):
    """Health of a quoting enclave: the statuses that Intel defines for it."""

    UP_TO_DATE = "UpToDate"
    OUT_OF_DATE = "OutOfDate"
    REVOKED = "Revoked"


class _Document(msgspec.Struct, frozen=True, rename="camel"):
    """Members are checked for form only; their meaning is the verifier's business."""


Date = Annotated[datetime, msgspec.Meta(tz=True)]
Svn = Annotated[int, msgspec.Meta(ge=0, le=255)]
Svn16 = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
EvaluationNumber = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
"""Of a TCB recovery: the same in all documents, and greater in those of the next."""
Advisories = Annotated[tuple[str, ...], msgspec.Meta(max_length=MAX_ADVISORIES)]
Hex2 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9A-Fa-f]{4}\Z")]
Hex4 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9A-Fa-f]{8}\Z")]
Hex6 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9A-Fa-f]{12}\Z")]
Hex16 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9A-Fa-f]{32}\Z")]
Hex32 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9A-Fa-f]{64}\Z")]


class Component(_Document, frozen=True):
    svn: Svn


class PlatformTcb(_Document, frozen=True):
    sgxtcbcomponents: Annotated[tuple[Component, ...], msgspec.Meta(min_length=16, max_length=16)]
    pcesvn: Svn16


class PlatformTcbLevel(_Document, frozen=True):
    tcb: PlatformTcb
    tcb_date: Date
    tcb_status: TcbStatus
    advisory_ids: Advisories = msgspec.field(name="advisoryIDs", default=())


class TcbInfo(_Document, frozen=True):
    """TCB levels of one platform model, newest first."""

    id: str
    version: int
    issue_date: Date
    next_update: Date
    fmspc: Hex6
    pce_id: Hex2
    tcb_type: int
    tcb_evaluation_data_number: EvaluationNumber
    tcb_levels: Annotated[tuple[PlatformTcbLevel, ...], msgspec.Meta(max_length=MAX_LEVELS)]


class QeTcb(_Document, frozen=True):
    isvsvn: Svn16


class QeTcbLevel(_Document, frozen=True):
    tcb: QeTcb
    tcb_date: Date
    tcb_status: QeTcbStatus
    advisory_ids: Advisories = msgspec.field(name="advisoryIDs", default=())


class QeIdentity(_Document, frozen=True):
    """What Intel's quoting enclave looks like, and its TCB levels, newest first."""

    id: str
    version: int
    issue_date: Date
    next_update: Date
    tcb_evaluation_data_number: EvaluationNumber
    miscselect: Hex4
    miscselect_mask: Hex4
    attributes: Hex16
    attributes_mask: Hex16
    mrsigner: Hex32
    isvprodid: Svn16
    tcb_levels: Annotated[tuple[QeTcbLevel, ...], msgspec.Meta(max_length=MAX_LEVELS)]


D = TypeVar("D", TcbInfo, QeIdentity)


def decode_document(name: str, text: bytes, schema: type[D]) -> D:
    """Read a signed document whose signature holds. Raises `CollateralMalformed`."""
    if len(text) > MAX_DOCUMENT_LENGTH:
        raise CollateralMalformed(name, f"longer than {MAX_DOCUMENT_LENGTH} bytes")
    try:
        return msgspec.json.decode(text, type=schema)
    except (ValueError, RecursionError) as error:
        raise CollateralMalformed(name, str(error)) from None


class _FetchedCollateral(msgspec.Struct):
    root_ca_crl: str
    pck_crl: str
    tcb_info_issuer_chain: str
    tcb_info: str
    tcb_info_signature: str
    qe_identity_issuer_chain: str
    qe_identity: str
    qe_identity_signature: str


def collateral_from_json(text: str | bytes) -> Collateral:
    """Read the JSON in which collateral is commonly passed around (as dcap-qvl's `QuoteCollateralV3`).

    Signatures are hex; revocation lists hex of DER or PEM; strings may end in NUL. Raises
    `CollateralMalformed`.
    """
    try:
        fetched = msgspec.json.decode(text, type=_FetchedCollateral)
        return Collateral(
            root_crl=_revocation_list(fetched.root_ca_crl),
            pck_crl=_revocation_list(fetched.pck_crl),
            tcb_info=SignedDocument(
                text=_text(fetched.tcb_info),
                signature=bytes.fromhex(fetched.tcb_info_signature),
                chain=_text(fetched.tcb_info_issuer_chain),
            ),
            qe_identity=SignedDocument(
                text=_text(fetched.qe_identity),
                signature=bytes.fromhex(fetched.qe_identity_signature),
                chain=_text(fetched.qe_identity_issuer_chain),
            ),
        )
    except ValueError as error:
        raise CollateralMalformed("collateral", str(error)) from None


_CRL_PEM: Final = re.compile(r"\s*-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]+)-----END X509 CRL-----\s*\0?")


def _revocation_list(text: str) -> bytes:
    pem = _CRL_PEM.fullmatch(text)
    if pem is None:
        return bytes.fromhex(text.removesuffix("\0"))
    return b64decode("".join(pem[1].split()), validate=True)


def _text(text: str) -> bytes:
    return text.removesuffix("\0").encode()

"""The quoting enclave's identity and TCB info, as Intel signs them and as the parentchain stores them.

Source: `sgx_verify` (`collateral`, `deserialize_enclave_identity`, `deserialize_tcb_info`), teerex-primitives
(`SgxTcbInfoOnChain::verify_examinee`). Moments are unix ms.

Levels are kept in the order received. The chain knows no status `ConfigurationNeeded`: TCB info with such a level
cannot be registered.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from integritee.attestation.collateral import D, QeIdentity, TcbInfo, decode_document
from integritee.attestation.errors import CollateralMalformed
from integritee.attestation.p256 import SIGNATURE_LENGTH
from integritee.primitives.teerex import (
    QeTcb,
    SgxQuotingEnclave,
    SgxStatus,
    SgxTcbInfoOnChain,
    TcbStatus,
    TcbVersionStatus,
)

from .certificates import load_chain
from .errors import Refused, SgxVerifyError

IDENTITY_VERSION: Final = 2
TCB_INFO_VERSION: Final = 3

STATUS: Final[Mapping[TcbStatus, SgxStatus]] = {
    TcbStatus.Unknown: SgxStatus.Invalid,
    TcbStatus.UpToDate: SgxStatus.Ok,
    TcbStatus.SWHardeningNeeded: SgxStatus.Ok,
    TcbStatus.ConfigurationAndSWHardeningNeeded: SgxStatus.ConfigurationNeeded,
    TcbStatus.OutOfDate: SgxStatus.GroupOutOfDate,
    TcbStatus.OutOfDateConfigurationNeeded: SgxStatus.GroupOutOfDate,
    TcbStatus.Revoked: SgxStatus.GroupRevoked,
}
"""What the record of an enclave says, by the status of its platform's TCB level."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def verify_quoting_enclave(
    identity: bytes, signature: bytes, chain: bytes, root: bytes, now: int
) -> SgxQuotingEnclave | None:
    """The identity of a quoting enclave, from Intel's JSON, its signature (r ‖ s) and a PEM chain.

    None if Intel signed it, but not as what is needed or not for this time. Raises `Refused`.
    """
    wrong = SgxVerifyError.EnclaveIdentityDecodingError
    unsigned = SgxVerifyError.EnclaveIdentitySignatureIsInvalid
    document = _signed(identity, signature, chain, root, now, QeIdentity, unsigned, wrong)
    if (document.id, document.version) != ("QE", IDENTITY_VERSION) or not _is_current(document, now):
        return None
    return SgxQuotingEnclave(
        issue_date=_unix_ms(document.issue_date),
        next_update=_unix_ms(document.next_update),
        miscselect=bytes.fromhex(document.miscselect),
        miscselect_mask=bytes.fromhex(document.miscselect_mask),
        attributes=bytes.fromhex(document.attributes),
        attributes_mask=bytes.fromhex(document.attributes_mask),
        mrsigner=bytes.fromhex(document.mrsigner),
        isvprodid=document.isvprodid,
        tcb=[QeTcb(level.tcb.isvsvn) for level in document.tcb_levels],
    )


def verify_tcb_info(
    tcb_info: bytes, signature: bytes, chain: bytes, root: bytes, now: int
) -> tuple[bytes, SgxTcbInfoOnChain] | None:
    """FMSPC (6 bytes) and TCB levels of a processor family; as `verify_quoting_enclave`."""
    wrong = SgxVerifyError.TcbInfoIsInvalid
    unsigned = SgxVerifyError.RsaSignatureIsInvalid  # sic, although the key is an elliptic one
    document = _signed(tcb_info, signature, chain, root, now, TcbInfo, unsigned, wrong)
    levels = [
        TcbVersionStatus(
            cpusvn=bytes(component.svn for component in level.tcb.sgxtcbcomponents),
            pcesvn=level.tcb.pcesvn,
            tcb_status=_status(level.tcb_status),
        )
        for level in document.tcb_levels
    ]
    if (document.id, document.version) != ("SGX", TCB_INFO_VERSION) or not _is_current(document, now):
        return None
    issued, next_update = _unix_ms(document.issue_date), _unix_ms(document.next_update)
    return bytes.fromhex(document.fmspc), SgxTcbInfoOnChain(issued, next_update, levels)


def verify_examinee(info: SgxTcbInfoOnChain, examinee: TcbVersionStatus) -> SgxStatus | None:
    """The status of the first level that a platform reaches in every respect; None if it reaches none."""
    for level in info.tcb_levels:
        components = zip(level.cpusvn, examinee.cpusvn, strict=True)
        if level.pcesvn <= examinee.pcesvn and all(least <= found for least, found in components):
            return STATUS[level.tcb_status]
    return None


def _signed(
    text: bytes,
    signature: bytes,
    chain: bytes,
    root: bytes,
    now: int,
    schema: type[D],
    unsigned: SgxVerifyError,
    wrong: SgxVerifyError,
) -> D:
    """What the first certificate of a chain has signed. Any certificate below Intel's SGX root will do."""
    certificate = load_chain(chain, root, now // 1000)
    if len(signature) != SIGNATURE_LENGTH:
        raise Refused(SgxVerifyError.KeyLengthIsInvalid)
    if not certificate.signed(signature, text):
        raise Refused(unsigned)
    try:
        return decode_document(schema.__name__, text, schema)
    except CollateralMalformed:
        raise Refused(wrong) from None


def _status(text: str) -> TcbStatus:
    try:
        return TcbStatus[text]
    except KeyError:
        raise Refused(SgxVerifyError.TcbInfoIsInvalid) from None


def _is_current(document: QeIdentity | TcbInfo, now: int) -> bool:
    return 0 <= _unix_ms(document.issue_date) < now < _unix_ms(document.next_update)


def _unix_ms(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)

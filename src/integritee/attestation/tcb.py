"""Which published TCB level a platform and its quoting enclave reach, and what that means together.

Source: Intel SGX DCAP Quote Verification Library: levels are listed newest first, and the first whose every
SVN is reached counts. The platform's SVNs are those of its PCK certificate, not of the quote.
"""

from __future__ import annotations

from typing import Final

import msgspec

from .collateral import (
    PlatformTcbLevel,
    QeIdentity,
    QeTcbLevel,
    QeTcbStatus,
    TcbInfo,
    TcbStatus,
)
from .errors import QeIdentityMismatch, TcbLevelUnknown
from .pck import PckPlatform
from .quote import ReportBody

OUTDATED: Final = frozenset({TcbStatus.OUT_OF_DATE, TcbStatus.OUT_OF_DATE_CONFIGURATION_NEEDED})

_WITH_OUTDATED_QE: Final = {
    TcbStatus.UP_TO_DATE: TcbStatus.OUT_OF_DATE,
    TcbStatus.SW_HARDENING_NEEDED: TcbStatus.OUT_OF_DATE,
    TcbStatus.CONFIGURATION_NEEDED: TcbStatus.OUT_OF_DATE_CONFIGURATION_NEEDED,
    TcbStatus.CONFIGURATION_AND_SW_HARDENING_NEEDED: TcbStatus.OUT_OF_DATE_CONFIGURATION_NEEDED,
}


class Tcb(msgspec.Struct, frozen=True):
    """State of platform and quoting enclave together."""

    status: TcbStatus
    advisories: tuple[str, ...]
    """Sorted, without repetition."""
    outdated_since: int | None
    """Earliest date (unix seconds) of a level that is out of date; None if neither is."""


def check_qe_identity(qe: ReportBody, identity: QeIdentity) -> None:
    """Is `qe` the quoting enclave of the document? Masks of the document apply. Raises `QeIdentityMismatch`."""
    found_attributes = qe.flags.to_bytes(8, "little") + qe.xfrm.to_bytes(8, "little")
    mask = bytes.fromhex(identity.attributes_mask)
    misc_mask = int(identity.miscselect_mask, 16)
    expectations: tuple[tuple[str, int | bytes, int | bytes], ...] = (
        ("MRSIGNER", bytes.fromhex(identity.mrsigner), qe.mr_signer),
        ("ISVPRODID", identity.isvprodid, qe.product_id),
        ("MISCSELECT", int(identity.miscselect, 16) & misc_mask, qe.misc_select & misc_mask),
        ("ATTRIBUTES", _masked(bytes.fromhex(identity.attributes), mask), _masked(found_attributes, mask)),
    )
    for name, expected, found in expectations:
        if expected != found:
            raise QeIdentityMismatch(name, expected=expected, found=found)


def qe_level(qe: ReportBody, identity: QeIdentity) -> QeTcbLevel:
    """The level of a quoting enclave. Raises `TcbLevelUnknown`."""
    for level in identity.tcb_levels:
        if qe.security_version >= level.tcb.isvsvn:
            return level
    raise TcbLevelUnknown("quoting enclave")


def platform_level(platform: PckPlatform, info: TcbInfo) -> PlatformTcbLevel:
    """The level of a platform. Raises `TcbLevelUnknown`."""
    for level in info.tcb_levels:
        components = zip(platform.components, level.tcb.sgxtcbcomponents, strict=True)
        if platform.pce_svn >= level.tcb.pcesvn and all(found >= least.svn for found, least in components):
            return level
    raise TcbLevelUnknown("platform")


def merge(platform: PlatformTcbLevel, qe: QeTcbLevel) -> Tcb:
    """The worse of both, and every advisory that applies to either."""
    outdated = []
    if platform.tcb_status in OUTDATED:
        outdated.append(int(platform.tcb_date.timestamp()))
    if qe.tcb_status is QeTcbStatus.OUT_OF_DATE:
        outdated.append(int(qe.tcb_date.timestamp()))
    return Tcb(
        status=_merged_status(platform.tcb_status, qe.tcb_status),
        advisories=tuple(sorted({*platform.advisory_ids, *qe.advisory_ids})),
        outdated_since=min(outdated, default=None),
    )


def _merged_status(platform: TcbStatus, qe: QeTcbStatus) -> TcbStatus:
    match qe:
        case QeTcbStatus.UP_TO_DATE:
            return platform
        case QeTcbStatus.OUT_OF_DATE:
            return _WITH_OUTDATED_QE.get(platform, platform)
        case QeTcbStatus.REVOKED:
            return TcbStatus.REVOKED


def _masked(data: bytes, mask: bytes) -> bytes:
    return bytes(byte & bit for byte, bit in zip(data, mask, strict=True))

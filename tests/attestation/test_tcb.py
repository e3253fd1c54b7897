"""TCB levels, and platform and quoting enclave taken together."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.attestation import TcbStatus
from integritee.attestation.collateral import (
    Component,
    PlatformTcb,
    PlatformTcbLevel,
    QeTcb,
    QeTcbLevel,
    QeTcbStatus,
    TcbInfo,
    decode_document,
)
from integritee.attestation.errors import CollateralMalformed, TcbLevelUnknown
from integritee.attestation.simulated_pki import SIMULATED_PCK, SimulatedPlatform
from integritee.attestation.tcb import merge, platform_level

DATE = datetime(2024, 3, 13, tzinfo=UTC)
LATER = datetime(2024, 3, 14, tzinfo=UTC)


def platform_at(status: TcbStatus, *advisories: str) -> PlatformTcbLevel:
    tcb = PlatformTcb(sgxtcbcomponents=(Component(svn=0),) * 16, pcesvn=0)
    return PlatformTcbLevel(tcb=tcb, tcb_date=LATER, tcb_status=status, advisory_ids=advisories)


def qe_at(status: QeTcbStatus, *advisories: str) -> QeTcbLevel:
    return QeTcbLevel(tcb=QeTcb(isvsvn=0), tcb_date=DATE, tcb_status=status, advisory_ids=advisories)


@pytest.mark.parametrize(
    ("platform", "with_outdated_qe"),
    [
        ("UpToDate", "OutOfDate"),
        ("SWHardeningNeeded", "OutOfDate"),
        ("ConfigurationNeeded", "OutOfDateConfigurationNeeded"),
        ("ConfigurationAndSWHardeningNeeded", "OutOfDateConfigurationNeeded"),
        ("OutOfDate", "OutOfDate"),
        ("OutOfDateConfigurationNeeded", "OutOfDateConfigurationNeeded"),
        ("Revoked", "Revoked"),
    ],
)
def test_merged_status(platform: str, with_outdated_qe: str) -> None:
    level = platform_at(TcbStatus(platform))
    assert merge(level, qe_at(QeTcbStatus.UP_TO_DATE)).status == platform
    assert merge(level, qe_at(QeTcbStatus.OUT_OF_DATE)).status == with_outdated_qe
    assert merge(level, qe_at(QeTcbStatus.REVOKED)).status == "Revoked"


def test_merged_advisories_and_date() -> None:
    healthy, outdated = qe_at(QeTcbStatus.UP_TO_DATE, "B"), qe_at(QeTcbStatus.OUT_OF_DATE, "B", "C")
    assert merge(platform_at(TcbStatus.UP_TO_DATE, "B", "A"), healthy).advisories == ("A", "B")
    assert merge(platform_at(TcbStatus.UP_TO_DATE), healthy).outdated_since is None
    assert merge(platform_at(TcbStatus.OUT_OF_DATE), healthy).outdated_since == LATER.timestamp()
    assert merge(platform_at(TcbStatus.OUT_OF_DATE), outdated).outdated_since == DATE.timestamp()
    assert merge(platform_at(TcbStatus.UP_TO_DATE), outdated).outdated_since == DATE.timestamp()


svns = st.lists(st.integers(0, 3), min_size=17, max_size=17).map(tuple)


@given(svns, st.lists(svns, max_size=4))
def test_first_reached_level_counts(found: tuple[int, ...], listed: list[tuple[int, ...]]) -> None:
    platform = msgspec.structs.replace(SIMULATED_PCK, components=found[:16], pce_svn=found[16])
    levels = [
        {
            "tcb": {"sgxtcbcomponents": [{"svn": svn} for svn in level[:16]], "pcesvn": level[16]},
            "tcbDate": "2024-03-13T00:00:00Z",
            "tcbStatus": "UpToDate",
            "advisoryIDs": [str(number)],
        }
        for number, level in enumerate(listed)
    ]
    text = SimulatedPlatform(tcb_info={"tcbLevels": levels}).collateral.tcb_info.text
    info = decode_document("TCB info", text, TcbInfo)
    reached = [
        number
        for number, level in enumerate(listed)
        if all(have >= need for have, need in zip(found, level, strict=True))
    ]
    if reached:
        assert platform_level(platform, info).advisory_ids == (str(reached[0]),)
    else:
        with pytest.raises(TcbLevelUnknown):
            platform_level(platform, info)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"[" * 10_000,
        b'{"id":1}',
        SimulatedPlatform(tcb_info={"issueDate": "yesterday"}).collateral.tcb_info.text,
        SimulatedPlatform(tcb_info={"issueDate": "2024-03-13T00:00:00"}).collateral.tcb_info.text,
        SimulatedPlatform(tcb_info={"fmspc": "00606A0000"}).collateral.tcb_info.text,
        SimulatedPlatform(tcb_info={"fmspc": "00606A00000G"}).collateral.tcb_info.text,
        SimulatedPlatform(tcb_info={"pceId": "0000\n"}).collateral.tcb_info.text,
        SimulatedPlatform(tcb_info={"tcbEvaluationDataNumber": "17"}).collateral.tcb_info.text,
        SimulatedPlatform(tcb_info={"tcbEvaluationDataNumber": -1}).collateral.tcb_info.text,
        SimulatedPlatform(tcb_info={"tcbEvaluationDataNumber": 65_536}).collateral.tcb_info.text,
        SimulatedPlatform(tcb_info={"tcbLevels": [{}] * 1000}).collateral.tcb_info.text,
    ],
)
def test_documents_of_another_form(text: bytes) -> None:
    with pytest.raises(CollateralMalformed):
        decode_document("TCB info", text, TcbInfo)

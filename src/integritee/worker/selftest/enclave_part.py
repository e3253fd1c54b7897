"""What the enclave checks of itself: the host starts it, asks area by area, and starts another if one dies of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final

from integritee.boundary.endpoint import EndpointError
from integritee.boundary.interface import Ecalls
from integritee.boundary.messages import SELF_TEST_AREAS, SelfTest, SelfTestPart

from ..enclave_process import EnclaveProcess
from ..errors import EnclaveDied, EnclaveSilent
from ..launch import launch
from .report import Result, Row

AREA_LIMIT: Final = 1800.0
"""Seconds that the checks of one area may take; enough for each of them to be given up for itself."""

SERVING_LIMIT: Final = 7 * 24 * 3600.0
"""Seconds that a provisioning server waits for somebody to come."""


async def enclave_rows(
    part: SelfTestPart, directory: Path, host: str = "", port: int = 0
) -> AsyncGenerator[Row, None]:
    """Rows of a part as they come; what checks write goes below `directory`, an absolute path; see `SelfTest`."""
    limit = SERVING_LIMIT if part is SelfTestPart.PROVISIONING_SERVER else AREA_LIMIT
    enclave: EnclaveProcess | None = None
    try:
        for area in SELF_TEST_AREAS[part]:
            if enclave is None:
                enclave = await EnclaveProcess.attach(await launch(), {})
            try:
                asked = SelfTest(area, str(directory), host, port)
                tested = await enclave.call(Ecalls.self_test, asked, limit)
            except (EndpointError, EnclaveDied, EnclaveSilent) as failed:
                yield Row(area, "the enclave answers", Result.FAILED, f"{failed.code}: {failed}")
                await enclave.stop()
                enclave = None
                continue
            for found in tested.results:
                result = Result.PASSED if found.passed else Result.FAILED
                yield Row(area, found.name, result, found.detail, found.microseconds / 1000)
    finally:
        if enclave is not None:
            await enclave.stop()

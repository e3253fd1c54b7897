"""Running areas of the self-test here, and what came of their checks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from integritee.boundary.messages import CheckResult
from integritee.enclave.selftest.areas import AREAS
from integritee.enclave.selftest.check import Setup, run_area


async def results(area: str, directory: Path, **facts: Any) -> dict[str, CheckResult]:
    """By name of the check."""
    found = await run_area(AREAS[area], Setup(directory, **facts))
    by_name = {result.name: result for result in found}
    assert len(by_name) == len(found), "two checks have one name"
    return by_name


async def failures(area: str, directory: Path, **facts: Any) -> dict[str, str]:
    """What was found and what was expected, by name of the check that failed."""
    found = await results(area, directory, **facts)
    return {name: result.detail for name, result in found.items() if not result.passed}

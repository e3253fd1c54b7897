"""The ecall of the self-test, for an enclave process that serves no shard, and serves none afterwards."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from integritee.apps.catalog import LedgerConfig
from integritee.boundary.messages import LedgerChoice, SelfTest, SelfTested

from ..bootstrap import config_of

LEDGER: Final = LedgerChoice([], True)
"""Whose code the process has loaded from then on: the development ledger, in which somebody has money."""


async def self_test(asked: SelfTest, expect_ledger: Callable[[LedgerConfig], None]) -> SelfTested:
    """Run the checks of an area; that they fail is no error. What they write goes below `asked.directory`.

    Raises UnknownArea; AlreadyInitialised or OtherLedgerLoaded in a process that has something else to do.
    """
    expect_ledger(config_of(LEDGER))
    from .areas import area  # what is only needed here, and takes a while to load
    from .check import Setup, run_area

    checks = area(asked.area)
    with _quiet(), tempfile.TemporaryDirectory(dir=asked.directory or None, prefix=asked.area) as directory:
        return SelfTested(await run_area(checks, Setup(Path(directory), asked.host, asked.port)))


@contextmanager
def _quiet() -> Iterator[None]:
    """What is to be refused would be logged as trouble."""
    log = logging.getLogger("integritee")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)

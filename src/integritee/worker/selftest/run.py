"""`integritee-worker test`: the parts that were asked for, in a directory of their own, and what came of them."""

from __future__ import annotations

import asyncio
import platform
import signal
import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Final

import integritee
from integritee.boundary.messages import SelfTestPart

from ..config import Config
from ..errors import InvalidOption
from .enclave_part import enclave_rows
from .integration import integration_rows
from .report import HEADING, INTERRUPTED, Row, exit_code, line, to_json, verdict

INTEGRATION: Final = "integration"
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)

Say = Callable[[str], None]


async def run(config: Config, say: Say = print) -> int:
    """Run the self-test and print its table, or JSON; the exit code. A signal ends it, and nothing is left behind."""
    testing = asyncio.create_task(_run(config, say))
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, testing.cancel)
    try:
        rows = await testing
    except asyncio.CancelledError:
        say("interrupted")
        return INTERRUPTED
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
    say(to_json(rows) if config.as_json else f"\n{verdict(rows)}")
    return exit_code(rows)


async def _run(config: Config, say: Say) -> list[Row]:
    rows: list[Row] = []
    if not config.as_json:
        say(f"integritee {integritee.__version__}, Python {platform.python_version()}, {platform.platform()}\n")
        say(HEADING)
    with tempfile.TemporaryDirectory(prefix="integritee-self-test-", ignore_cleanup_errors=True) as directory:
        for part in config.test_parts:
            async with aclosing(_rows_of(part, config, Path(directory))) as found:
                async for row in found:
                    rows.append(row)
                    if not config.as_json:
                        say(line(row))
    return rows


def _rows_of(part: str, config: Config, directory: Path) -> AsyncGenerator[Row, None]:
    if part == INTEGRATION:
        return integration_rows(config.chains[0].urls, directory, is_required=config.test_parts == (INTEGRATION,))
    match SelfTestPart(part):
        case SelfTestPart.PROVISIONING_SERVER as served:
            return enclave_rows(served, directory, config.bind_host, config.mu_ra_port)
        case SelfTestPart.PROVISIONING_CLIENT as asking:
            return enclave_rows(asking, directory, *host_and_port(config.mu_ra_url))
        case inside:
            return enclave_rows(inside, directory)


def host_and_port(url: str) -> tuple[str, int]:
    """Where provisioning is asked for: the worker's own advertised address. Raises InvalidOption."""
    host, _, port = url.rpartition("//")[2].rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise InvalidOption("--mu-ra-external-address", url, "HOST:PORT of the server")
    return host.removeprefix("[").removesuffix("]"), int(port)

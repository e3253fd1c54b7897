"""One shield, one private transfer, one unshield: with the given node, a worker of the self-test's own, and the CLI.

All three are the installed ones, each a process. The worker has a development ledger and a shard that nobody else
has; //Alice pays, as on every development chain. The shard stays on the node's record, without funds of anybody's.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Final

import base58

from integritee.client.errors import ClientError
from integritee.client.parentchain import ParentchainClient
from integritee.errors import IntegriteeError
from integritee.metadata.errors import MetadataError

from .report import Result, Row

AREA: Final = "integration"
WHOLE: Final = "shield, transfer, unshield"
NODE_LIMIT: Final = 15.0
"""Seconds a node may take to answer."""
READY_LIMIT: Final = 240.0
"""Seconds until the worker's first block: it onboards within a few blocks of the parentchain."""
SETTLE_LIMIT: Final = 120.0
"""Seconds until funds are on the other side."""
COMMAND_LIMIT: Final = 120.0
STOP_LIMIT: Final = 60.0
"""Seconds until the worker has ended that was asked to."""
POLL_PAUSE: Final = 0.5
SLOT_MS: Final = 500

TEER: Final = 10**12
SHIELDED: Final = 10 * TEER
TRANSFERRED: Final = 4 * TEER
UNSHIELDED: Final = TEER
SHIELDING_FEE: Final = SHIELDED // 571
TRANSFER_FEE: Final = TEER // 100
UNSHIELDING_FEE: Final = 3 * TRANSFER_FEE

PAYER: Final = "//Alice"

Step = Callable[[], Awaitable[None]]


class IntegrationError(IntegriteeError):
    """A step of the integration part did not end as it should; the text says what was found and what was expected."""

    code = "worker.self_test_integration"


async def integration_rows(urls: tuple[str, ...], directory: Path, is_required: bool) -> AsyncGenerator[Row, None]:
    """Rows as they come. Without a node there is one, which counts as failed only if the part `is_required`."""
    url = await first_answering(urls)
    if url is None:
        result = Result.FAILED if is_required else Result.NOT_RUN
        yield Row(AREA, WHOLE, result, f"no node at {', '.join(urls)}")
        return
    play = Play(url, directory)
    try:
        async with aclosing(play.rows()) as rows:
            async for row in rows:
                yield row
    finally:
        await play.end()


async def first_answering(urls: tuple[str, ...]) -> str | None:
    """The first of these nodes that answers."""
    for url in urls:
        with suppress(ClientError, MetadataError, TimeoutError, OSError):
            async with asyncio.timeout(2 * NODE_LIMIT):
                await (await ParentchainClient.connect(url, attempts=1, request_timeout=NODE_LIMIT)).close()
                return url
    return None


class Play:
    """The steps on a node; each needs those before."""

    def __init__(self, node_url: str, directory: Path) -> None:
        self._url, self._directory = node_url, directory
        self._log = directory / "worker.log"
        self._worker: asyncio.subprocess.Process | None = None
        self._port = 0
        self._vault = self._friend = ""

    async def rows(self) -> AsyncGenerator[Row, None]:
        for name, step in (
            ("a worker starts, onboards and makes a block", self._start),
            ("shielded funds are credited", self._shield),
            ("a private transfer arrives", self._transfer),
            ("unshielded funds are paid out", self._unshield),
            ("the worker ends when asked to", self._stop),
        ):
            row = await _run(name, step)
            yield row
            if row.result is Result.FAILED:
                return

    async def end(self) -> None:
        """End the worker, whatever has happened."""
        worker = self._worker
        if worker is not None and worker.returncode is None:
            worker.terminate()
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_LIMIT):
                    await worker.wait()
            if worker.returncode is None:
                worker.kill()
                await worker.wait()

    # -- steps ---------------------------------------------------------------------------------------

    async def _start(self) -> None:
        shard = base58.b58encode(secrets.token_bytes(32)).decode()
        free = ("-P", "0", "-w", "0", "-r", "0", "-h", "0", "-i", "0")
        place = ("-u", self._url, "-d", str(self._directory / "worker"))
        run = ("run", shard, "--dev", "--skip-ra", "--slot-ms", str(SLOT_MS))
        with self._log.open("wb") as log:
            self._worker = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "integritee.worker.main", *place, *free, *run),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._directory,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
                start_new_session=True,  # Ctrl-C is for the self-test, which ends the worker then
            )
        await self._said(r"^READY", READY_LIMIT)
        self._port = int(await self._said(r"Trusted RPC listening on wss://\S+:(\d+)", NODE_LIMIT))
        self._vault = await self._said(r"^Shard vault: (\S+)", NODE_LIMIT)
        self._friend = f"//SelfTest{secrets.token_hex(8)}"

    async def _shield(self) -> None:
        before = await self._private(PAYER)
        await self._cli("transfer", PAYER, self._vault, str(SHIELDED))
        expected = before + SHIELDED - SHIELDING_FEE
        await self._settles("private balance of the payer", expected, lambda: self._private(PAYER))

    async def _transfer(self) -> None:
        before = await self._private(PAYER)
        await self._trusted("--direct", "transfer", PAYER, self._friend, str(TRANSFERRED))
        await self._settles("private balance of the receiver", TRANSFERRED, lambda: self._private(self._friend))
        expected = before - TRANSFERRED - TRANSFER_FEE
        await self._settles("private balance of the payer", expected, lambda: self._private(PAYER))

    async def _unshield(self) -> None:
        await self._trusted("--direct", "unshield-funds", self._friend, self._friend, str(UNSHIELDED))
        await self._settles("public balance of the receiver", UNSHIELDED, self._public)
        expected = TRANSFERRED - UNSHIELDED - UNSHIELDING_FEE
        await self._settles("private balance of the receiver", expected, lambda: self._private(self._friend))

    async def _stop(self) -> None:
        worker = self._worker
        assert worker is not None
        worker.terminate()
        try:
            async with asyncio.timeout(STOP_LIMIT):
                code = await worker.wait()
        except TimeoutError:
            raise IntegrationError(f"found that it runs on, expected an end within {STOP_LIMIT:.0f} s") from None
        if code != 0:
            raise IntegrationError(f"exit code: found {code}, expected 0{self._last_words()}")

    # -- what they need ------------------------------------------------------------------------------

    async def _cli(self, *words: str) -> str:
        """Standard output of a command that has to succeed."""
        ends = (*_node(self._url), "-P", str(self._port))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "integritee.cli.main", "--strict", *ends, *words),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self._directory,
        )
        try:
            async with asyncio.timeout(COMMAND_LIMIT):
                out, err = await process.communicate()
        except TimeoutError:
            raise IntegrationError(f"integritee-cli {words[0]} took more than {COMMAND_LIMIT:.0f} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            raise IntegrationError(f"integritee-cli {' '.join(words)} failed: {err.decode(errors='replace').strip()}")
        return out.decode().strip()

    async def _trusted(self, *words: str) -> str:
        return await self._cli("trusted", *words)

    async def _private(self, account: str) -> int:
        return int(await self._trusted("balance", account))

    async def _public(self) -> int:
        return int(await self._cli("balance", self._friend))

    async def _settles(self, what: str, expected: int, read: Callable[[], Awaitable[int]]) -> None:
        found = await read()
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_LIMIT):
                while found != expected:
                    await asyncio.sleep(POLL_PAUSE)
                    found = await read()
        if found != expected:
            raise IntegrationError(f"{what}: found {found}, expected {expected} within {SETTLE_LIMIT:.0f} s")

    async def _said(self, pattern: str, limit: float) -> str:
        """The first group of a line that the worker says, or all of it."""
        assert self._worker is not None
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                while self._worker.returncode is None:
                    if (found := re.search(pattern, self._words(), re.MULTILINE)) is not None:
                        return found[found.re.groups]
                    await asyncio.sleep(POLL_PAUSE / 5)
        ended = self._worker.returncode
        how = f"it ended with {ended}" if ended is not None else "it did not"
        raise IntegrationError(f"found that {how}, expected it to say {pattern!r}{self._last_words()}")

    def _words(self) -> str:
        return self._log.read_bytes().decode(errors="replace")

    def _last_words(self) -> str:
        lines = self._words().strip().splitlines()
        return f"; its last words: {lines[-1]}" if lines else ""


def _node(url: str) -> tuple[str, ...]:
    """The CLI's options for a node: the URL without port, and the port."""
    address, _, port = url.rpartition(":")
    return ("-u", address, "-p", port) if port.isdecimal() else ("-u", url)


async def _run(name: str, step: Step) -> Row:
    began = time.perf_counter()
    detail = ""
    try:
        await step()
    except (IntegriteeError, OSError, ValueError) as failed:
        detail = str(failed)
    result = Result.FAILED if detail else Result.PASSED
    return Row(AREA, name, result, detail, (time.perf_counter() - began) * 1000)

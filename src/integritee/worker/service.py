"""The running worker: an enclave, its parentchains, block store, HTTP, and an operator's view on stdout."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Final

from aiohttp import web

from integritee.boundary.endpoint import RemoteFailure
from integritee.boundary.interface import Ecalls, Ocalls
from integritee.boundary.messages import (
    EnclaveStatus,
    InitParams,
    Nothing,
    PhaseChanged,
    SlotReport,
    StoreBlocks,
    SubmitExtrinsics,
)
from integritee.errors import IntegriteeError

from . import announce
from .block_store import BlockStore
from .config import Config
from .console import Console
from .enclave_process import EnclaveProcess
from .errors import FAILURE, EnclaveDied, EnclaveSilent
from .http import health_app, metrics_app, serve
from .launch import Launched
from .metrics import Metrics
from .parentchains import Parentchains
from .readiness import Readiness, readiness

STATUS_LIMIT: Final = 2.0
"""Seconds the enclave may take to answer a supervisor."""

log = logging.getLogger(__name__)


class Worker:
    """One worker. `run` returns when the enclave ended or `stop` was called."""

    def __init__(self, config: Config, launched: Launched) -> None:
        self._config, self._launched = config, launched
        self._console = Console(sys.stdout)
        self._stopping = asyncio.Event()
        self._runners: list[web.AppRunner] = []
        self._blocks: BlockStore | None = None
        self._following: asyncio.Task[None] | None = None
        self._produced_at: float | None = None

    async def run(self) -> int:
        """Serve; the exit code: 0 after `stop`, 101 if the enclave died or a part of the host failed."""
        self._enclave = await EnclaveProcess.attach(
            self._launched,
            {
                Ocalls.submit_extrinsics: self._on_submit,
                Ocalls.store_blocks: self._on_blocks,
                Ocalls.phase_changed: self._on_phase,
                Ocalls.slot_report: self._on_slot,
            },
        )
        try:
            await self._start()
            return await self._until_end()
        finally:
            await self._close()

    def stop(self) -> None:
        self._stopping.set()

    # -- start ---------------------------------------------------------------------------------------

    async def _start(self) -> None:
        identity = await self._enclave.call(Ecalls.init, init_params(self._config))
        self._metrics = Metrics(identity)
        self._parentchains = Parentchains(self._config, self._enclave, identity, self._console)
        self._open_blocks()
        announce.introduce(self._console.say, identity, self._config)
        await self._serve_http()
        self._following = asyncio.create_task(self._parentchains.run())

    def _open_blocks(self) -> None:
        self._blocks = BlockStore(self._config.data_dir / "sidechain_db")
        if self._config.clean_reset:
            self._blocks.clear()

    async def _serve_http(self) -> None:
        config = self._config
        health = health_app(lambda: self._produced_at is not None, self._readiness, self._is_alive)
        runner, port = await serve(health, config.bind_host, config.http_port)
        self._runners.append(runner)
        self._console.say(f"[+] HTTP /is_initialized on port {port}")
        if config.enable_metrics:
            runner, port = await serve(
                metrics_app(self._metrics, self._refresh_metrics), config.bind_host, config.metrics_port
            )
            self._runners.append(runner)
            self._console.say(f"[+] HTTP /metrics on port {port}")

    # -- end -----------------------------------------------------------------------------------------

    async def _until_end(self) -> int:
        assert self._following is not None
        died = asyncio.create_task(self._watch_enclave())
        stopped = asyncio.create_task(self._stopping.wait())
        await asyncio.wait((died, stopped, self._following), return_when=asyncio.FIRST_COMPLETED)
        failed = next((task for task in (died, self._following) if task.done()), None)
        stopped.cancel()
        died.cancel()
        if failed is None or self._stopping.is_set():
            return 0
        error = failed.exception()
        if isinstance(error, IntegriteeError):
            log.error("%s (%s)", error, error.code)
        else:
            log.error("the host failed", exc_info=error)
        return FAILURE

    async def _watch_enclave(self) -> None:
        raise EnclaveDied(await self._enclave.ended())

    async def _close(self) -> None:
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        await self._enclave.stop()
        for runner in self._runners:
            await runner.cleanup()
        if self._blocks is not None:
            self._blocks.close()

    # -- what the enclave says -----------------------------------------------------------------------

    async def _on_submit(self, request: SubmitExtrinsics) -> Nothing:
        await self._parentchains.submit(request)
        return Nothing()

    async def _on_blocks(self, request: StoreBlocks) -> Nothing:
        if self._blocks is not None:
            self._blocks.put(request.blocks)
        return Nothing()

    async def _on_phase(self, change: PhaseChanged) -> Nothing:
        announce.phase(self._console.say, change)
        if change.needed_funds:
            await self._parentchains.fund(change.id, change.needed_funds)
        return Nothing()

    async def _on_slot(self, report: SlotReport) -> Nothing:
        if self._produced_at is None:
            self._console.say("READY")
        self._produced_at = asyncio.get_running_loop().time()
        self._metrics.on_slot(report)
        log.info(
            "[Sidechain] block %d: executed %d, failed %d, from %d in queue in %d us",
            report.block_number,
            report.executed,
            report.failed,
            report.queued_before,
            report.execution_us,
        )
        return Nothing()

    # -- what supervisors ask ------------------------------------------------------------------------

    async def _status(self) -> EnclaveStatus | None:
        """None if the enclave does not answer in time."""
        try:
            async with asyncio.timeout(STATUS_LIMIT):
                return await self._enclave.call(Ecalls.status, Nothing())
        except (TimeoutError, RemoteFailure, EnclaveDied, EnclaveSilent):
            return None

    async def _is_alive(self) -> bool:
        return await self._status() is not None

    async def _readiness(self) -> Readiness:
        now = asyncio.get_running_loop().time()
        silence = None if self._produced_at is None else now - self._produced_at
        return readiness(await self._status(), self._parentchains.feeds, silence, self._config.slot_ms)

    async def _refresh_metrics(self) -> None:
        status = await self._status()
        if status is not None:
            self._metrics.on_status(status)
            await self._parentchains.measure(self._metrics.chains, status)


def init_params(config: Config) -> InitParams:
    """What the enclave is started with."""
    return InitParams(
        data_dir=str(config.data_dir),
        shard=config.shard,
        trusted_host=config.bind_host,
        trusted_port=config.trusted_port,
        trusted_url=config.trusted_url,
        untrusted_url=config.untrusted_url,
        mu_ra_url=config.mu_ra_url,
        slot_ms=config.slot_ms,
        apps=list(config.apps),
        development=config.dev,
        seal_to_signer=config.seal_to_signer,
        skip_ra=config.skip_ra,
        clean_reset=config.clean_reset,
        check_invariants=config.check_invariants,
        shielding_target=config.shielding_target,
        max_parentchain_age_ms=config.max_parentchain_age * 1000,
    )

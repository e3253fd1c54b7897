"""The running worker: an enclave, its parentchain feed, block store, HTTP, and an operator's view on stdout."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Final

import base58
from aiohttp import web

from integritee.boundary.endpoint import RemoteFailure
from integritee.boundary.interface import Ecalls, Ocalls
from integritee.boundary.messages import (
    EnclaveIdentity,
    EnclaveStatus,
    InitParams,
    Nothing,
    PhaseChanged,
    SlotReport,
    StoreBlocks,
    SubmitExtrinsics,
)
from integritee.client.errors import ClientError
from integritee.client.parentchain import ParentchainClient
from integritee.crypto import ss58_encode
from integritee.errors import IntegriteeError

from .block_store import BlockStore
from .config import Config
from .enclave_process import EnclaveProcess
from .errors import FAILURE, EnclaveDied, FundingFailed
from .funding import Funding, estimate, fund_from_alice
from .http import initialized_app, metrics_app, serve
from .launch import Launched
from .metrics import Metrics
from .sync import ParentchainSync

FUNDS_CHECK: Final = 5.0
"""Seconds between two looks at the enclave account's balance."""

log = logging.getLogger(__name__)


def say(text: str) -> None:
    """A progress line for people and scripts."""
    print(text, flush=True)


class Worker:
    """One worker. `run` returns when the enclave ended or `stop` was called."""

    def __init__(self, config: Config, launched: Launched) -> None:
        self._config, self._launched = config, launched
        self._stopping = asyncio.Event()
        self._runners: list[web.AppRunner] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._blocks: BlockStore | None = None
        self._produced = False
        self._announced = False
        self._funding = Funding(0, 0)
        self._funding_now = asyncio.Lock()
        self.identity: EnclaveIdentity | None = None
        self.metrics: Metrics | None = None

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
        config = self._config
        params = InitParams(
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
        )
        identity = self.identity = await self._enclave.call(Ecalls.init, params)
        self.metrics = Metrics(identity)
        self._open_blocks()
        self._introduce(identity)
        await self._serve_http()
        self._sync = ParentchainSync(config.integritee_url, self._enclave, self._on_connected)
        self._tasks.append(asyncio.create_task(self._sync.run()))
        self._tasks.append(asyncio.create_task(self._keep_funded()))

    def _open_blocks(self) -> None:
        self._blocks = BlockStore(self._config.data_dir / "sidechain_db")
        if self._config.clean_reset:
            self._blocks.clear()

    def _introduce(self, identity: EnclaveIdentity) -> None:
        if identity.kind == "simulation":
            say("*** TEE simulation: no hardware protects this enclave. Development only. ***")
        if self._config.seal_to_signer:
            say("*** --seal-to-signer: any other code can open this enclave's state. Development only. ***")
        if self._config.skip_ra:
            say("*** --skip-ra: peers' attestation is not verified. ***")
        say(f"MRENCLAVE={base58.b58encode(identity.fingerprint).decode()}")
        say(f"MRENCLAVE (hex): 0x{identity.fingerprint.hex()}")
        say(f"Shard: {base58.b58encode(identity.shard).decode()}")
        say(f"Enclave account: {ss58_encode(identity.account)}")
        say(f"Shard vault: {ss58_encode(identity.vault)}")
        say(f"[+] Trusted RPC listening on wss://{self._config.bind_host}:{identity.trusted_port}")

    async def _serve_http(self) -> None:
        ready = initialized_app(lambda: self._produced)
        runner, port = await serve(ready, self._config.bind_host, self._config.http_port)
        self._runners.append(runner)
        say(f"[+] HTTP /is_initialized on port {port}")
        if self._config.enable_metrics and self.metrics is not None:
            app = metrics_app(self.metrics, self._refresh_metrics)
            runner, port = await serve(app, self._config.bind_host, self._config.metrics_port)
            self._runners.append(runner)
            say(f"[+] HTTP /metrics on port {port}")

    async def _until_end(self) -> int:
        died = asyncio.create_task(self._watch_enclave())
        stopped = asyncio.create_task(self._stopping.wait())
        await asyncio.wait((died, stopped, *self._tasks), return_when=asyncio.FIRST_COMPLETED)
        failed = next((t for t in (died, *self._tasks) if t.done()), None)
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
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._enclave.stop()
        for runner in self._runners:
            await runner.cleanup()
        if self._blocks is not None:
            self._blocks.close()

    # -- parentchain ---------------------------------------------------------------------------------

    async def _on_connected(self, chain: ParentchainClient) -> Funding:
        self._funding = await estimate(chain)
        say(f"[Integritee] connected to {self._config.integritee_url}, spec {chain.runtime.spec_version}")
        return self._funding

    async def _keep_funded(self) -> None:
        """Top up the enclave account in --dev, else tell the operator."""
        while True:
            with suppress(RemoteFailure):
                status = await self._enclave.call(Ecalls.status, Nothing())
                for amount in status.needed_funds.values():
                    await self._fund(amount)
            await asyncio.sleep(FUNDS_CHECK)

    async def _fund(self, amount: int) -> None:
        assert self.identity is not None
        account = ss58_encode(self.identity.account)
        chain = self._sync.chain
        if chain is None or self._funding_now.locked():
            return
        if not self._config.dev:
            say(f"[!] the enclave account {account} needs {amount} more base units on the parentchain")
            return
        async with self._funding_now:
            say(f"[Integritee] //Alice sends {amount} base units to {account}")
            try:
                await fund_from_alice(chain, self.identity.account, amount)
            except FundingFailed as failed:
                log.error("%s (%s)", failed, failed.code)

    # -- what the enclave says -----------------------------------------------------------------------

    async def _on_submit(self, request: SubmitExtrinsics) -> Nothing:
        await self._sync.submit(request.extrinsics)
        return Nothing()

    async def _on_blocks(self, request: StoreBlocks) -> Nothing:
        if self._blocks is not None:
            self._blocks.put(request.blocks)
        return Nothing()

    async def _on_phase(self, change: PhaseChanged) -> Nothing:
        say(f"[Integritee] {PHASE_TEXT.get(change.phase, change.phase)}")
        if change.needed_funds:
            await self._fund(change.needed_funds)
        return Nothing()

    async def _on_slot(self, report: SlotReport) -> Nothing:
        self._produced = True
        if self.metrics is not None:
            self.metrics.on_slot(report)
        if not self._announced:
            self._announced = True
            say("READY")
        log.info(
            "[Sidechain] block %d: executed %d, failed %d, from %d in queue in %d us",
            report.block_number,
            report.executed,
            report.failed,
            report.queued_before,
            report.execution_us,
        )
        return Nothing()

    async def _refresh_metrics(self) -> None:
        assert self.metrics is not None and self.identity is not None
        status: EnclaveStatus = await self._enclave.call(Ecalls.status, Nothing())
        self.metrics.on_status(status)
        chain = self._sync.chain
        if chain is not None:
            with suppress(ClientError):
                enclave = await chain.free_balance(self.identity.account)
                self.metrics.on_balances(enclave, await chain.free_balance(self.identity.vault))


PHASE_TEXT: Final = {
    "unfunded": "the enclave account needs funds",
    "registering": "registering the enclave",
    "claiming_shard": "registered; claiming the shard",
    "funding_vault": "shard claimed; funding its vault",
    "adding_vault_proxy": "vault funded; making the enclave its proxy",
    "running": "onboarding complete; starting block production",
}

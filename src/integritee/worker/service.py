"""The running worker: an enclave, its parentchains and peers, block store, HTTP, and an operator's view on stdout.

Ports, block store and HTTP belong to the worker; the enclave's process may be replaced below them.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Final

from aiohttp import web
from msgspec.structs import replace

import integritee
from integritee.boundary.advertised import with_port
from integritee.boundary.messages import EnclaveIdentity, InitParams
from integritee.errors import IntegriteeError

from . import announce
from .block_store import BlockStore
from .config import Config
from .console import Console
from .errors import FAILURE
from .http import health_app, metrics_app, serve
from .launch import Launched, launch
from .peers.untrusted_rpc import UntrustedRpc
from .peers.untrusted_server import untrusted_app
from .readiness import Readiness
from .session import Session

NO_ENCLAVE: Final = Readiness(["the enclave does not run"], {})
log = logging.getLogger(__name__)


class Worker:
    """One worker. `run` returns when the enclave ended or `stop` was called."""

    def __init__(self, config: Config, launched: Launched) -> None:
        self._config, self._launched = config, launched
        self._console = Console(sys.stdout)
        self._stopping = asyncio.Event()
        self._runners: list[web.AppRunner] = []
        self._listening: list[str] = []
        self._blocks: BlockStore | None = None
        self._session: Session | None = None

    async def run(self) -> int:
        """Serve; the exit code: 0 after `stop`, 101 if the enclave died or a part of the host failed."""
        try:
            await self._open()
            return await self._serve()
        finally:
            await self._launched.abandon()
            await self._close()

    def stop(self) -> None:
        self._stopping.set()

    # -- doors ---------------------------------------------------------------------------------------

    async def _open(self) -> None:
        """Listen. Raises PortUnavailable."""
        config = self._config
        version = f"integritee-worker: {integritee.__version__}"
        self._rpc = UntrustedRpc(version, asyncio.get_running_loop().time())
        self._untrusted_url = config.untrusted_url
        if config.command != "run":
            return
        untrusted = untrusted_app(self._rpc)
        port = await self._listen(untrusted, config.untrusted_port, "Untrusted RPC listening on ws://{}:{}")
        self._untrusted_url = with_port(config.untrusted_url, port)
        health = health_app(self._has_produced, self._readiness, self._is_alive)
        await self._listen(health, config.http_port, "HTTP /is_initialized on port {1}")
        if config.enable_metrics:
            await self._listen(metrics_app(self._exposition), config.metrics_port, "HTTP /metrics on port {1}")

    async def _listen(self, app: web.Application, port: int, text: str) -> int:
        runner, port = await serve(app, self._config.bind_host, port)
        self._runners.append(runner)
        self._listening.append("[+] " + text.format(self._config.bind_host, port))
        return port

    def _store(self) -> BlockStore:
        """Opened not before an enclave holds the data directory: another worker may be at work there. Raises
        BlockStoreError."""
        if self._blocks is None:
            self._blocks = BlockStore(self._config.data_dir / "sidechain_db", self._config.block_store_budget)
            if self._config.clean_reset:
                self._blocks.clear()
        return self._blocks

    async def _close(self) -> None:
        for runner in self._runners:
            await runner.cleanup()
        if self._blocks is not None:
            self._blocks.close()

    # -- the enclave's lives -------------------------------------------------------------------------

    async def _serve(self) -> int:
        params = init_params(self._config, self._untrusted_url)
        while True:
            session = await Session.begin(self._launched, params, self._config, self._console, self._store)
            try:
                self._introduce(session)
                code = await self._until_end(session)
            finally:
                self._session = None
                await session.close()
            if code is not None:
                return code
            params = params_again(params, session.identity)
            self._console.say("[+] starting the enclave again")
            self._launched = await launch()

    def _introduce(self, session: Session) -> None:
        self._session = session
        self._rpc.serve(self._store(), session.identity.shard)
        announce.introduce(self._console.say, session.identity, self._config)
        for line in self._listening:
            self._console.say(line)

    async def _until_end(self, session: Session) -> int | None:
        """The exit code; None if the enclave is to be started again."""
        serving = asyncio.create_task(session.run())
        stopped = asyncio.create_task(self._stopping.wait())
        await asyncio.wait((serving, stopped), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        serving.cancel()
        (failed,) = await asyncio.gather(serving, return_exceptions=True)
        if self._stopping.is_set():
            return 0
        if failed is None:
            return 0 if self._config.command == "request-state" else None
        if isinstance(failed, IntegriteeError):
            log.error("%s (%s)", failed, failed.code)
        else:
            log.error("the host failed", exc_info=failed)
        return FAILURE

    # -- what supervisors ask ------------------------------------------------------------------------

    def _has_produced(self) -> bool:
        return self._session is not None and self._session.has_produced

    async def _is_alive(self) -> bool:
        return self._session is not None and await self._session.is_alive()

    async def _readiness(self) -> Readiness:
        return NO_ENCLAVE if self._session is None else await self._session.readiness()

    async def _exposition(self) -> bytes:
        return b"" if self._session is None else await self._session.exposition(self._rpc)


def params_again(params: InitParams, identity: EnclaveIdentity) -> InitParams:
    """How an enclave is started in place of one that ended: on what that left, and on the ports that it had."""
    mu_ra_port = identity.mu_ra_port or params.mu_ra_port
    return replace(params, clean_reset=False, trusted_port=identity.trusted_port, mu_ra_port=mu_ra_port)


def init_params(config: Config, untrusted_url: str) -> InitParams:
    """What the enclave is started with."""
    return InitParams(
        data_dir=str(config.data_dir),
        shard=config.shard,
        trusted_host=config.bind_host,
        trusted_port=config.trusted_port,
        trusted_url=config.trusted_url,
        untrusted_url=untrusted_url,
        mu_ra_url=config.mu_ra_url,
        slot_ms=config.slot_ms,
        apps=list(config.apps),
        custodians=list(config.custodians),
        custodian_threshold=config.custodian_threshold,
        development=config.dev,
        seal_to_signer=config.seal_to_signer,
        skip_ra=config.skip_ra,
        clean_reset=config.clean_reset,
        check_invariants=config.check_invariants,
        shielding_target=config.shielding_target,
        max_connections=config.max_connections,
        max_parentchain_age_ms=config.max_parentchain_age * 1000,
        mu_ra_host=config.bind_host,
        mu_ra_port=config.mu_ra_port if config.command == "run" else None,
        has_ipfs=config.ipfs_url is not None,
    )

"""The enclave process: ``python -m integritee.enclave.main --fd N``, started by the worker.

`N` is one end of a socket pair; the host's other end speaks the boundary protocol. The process ends when the
stream does, so no enclave outlives its host.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Final

import uvloop

from integritee.apps.catalog import LedgerConfig
from integritee.boundary.advertised import with_port
from integritee.boundary.endpoint import Endpoint
from integritee.boundary.interface import Ecalls
from integritee.boundary.messages import EnclaveIdentity, InitParams, LedgerChoice, Measurement, Nothing
from integritee.errors import IntegriteeError

from .bootstrap import beginning, config_of, identity, measured, start
from .collector import collector_paused, keep_survivors
from .errors import AlreadyInitialised, NotReady, OtherLedgerLoaded
from .frontend.ledger_api import FrontEnd
from .frontend.local import LocalFrontEnd
from .frontend.process import fork_front_end
from .frontend.served import RemoteFrontEnd
from .recovery.ecalls import RecoveryEcalls
from .selftest.ecall import self_test
from .service import EnclaveService, unix_ms

READ_LIMIT: Final = 1 << 20
SWITCH_INTERVAL: Final = 0.001
"""Seconds a thread may keep the interpreter lock when others want it; decryption threads need it briefly."""

COLLECTOR: Final = (1_000, 5, 1_200)
"""Objects, young and middle-aged collections before the next older one. Full ones stop everything for tens of
milliseconds while much is under way; with the usual thresholds a flood of requests brings several a second."""

log = logging.getLogger(__name__)


class EnclaveProcess:
    """Serves the ecalls of one host until it goes away. `link`: to the front end that was forked; without one, that
    is in this process. `clock`: Unix ms."""

    def __init__(self, link: socket.socket | None = None, clock: Callable[[], int] = unix_ms) -> None:
        self._link, self._clock = link, clock
        self._service: EnclaveService | None = None
        self._loaded: LedgerConfig | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._ended = asyncio.Event()
        self._endpoint: Endpoint | None = None

    async def serve(self, descriptor: int) -> None:
        """Run until the stream on `descriptor` ends or the host asks for it."""
        stream = socket.socket(fileno=descriptor)
        reader, writer = await asyncio.open_connection(sock=stream, limit=READ_LIMIT)
        endpoint = Endpoint(
            reader,
            writer,
            Ecalls,
            {
                Ecalls.init: self._init,
                Ecalls.init_parentchain: lambda p: self._ready().init_parentchain(p),
                Ecalls.import_blocks: lambda p: self._ready().import_parentchain(p),
                Ecalls.set_runtime: lambda p: self._ready().set_runtime(p),
                Ecalls.status: lambda p: self._ready().status(p),
                Ecalls.shutdown: self._shutdown,
                Ecalls.measure: self._measure,
                Ecalls.import_sidechain_blocks: lambda p: self._ready().import_sidechain(p),
                Ecalls.provision: lambda p: self._ready().provision(p),
                Ecalls.content_stored: lambda p: self._ready().content_stored(p),
                Ecalls.content_fetched: lambda p: self._ready().content_fetched(p),
                Ecalls.self_test: lambda p: self_test(p, self._expect_idle),
                **RecoveryEcalls(self._expect_idle).handlers(),
            },
        )
        self._endpoint = endpoint
        streaming = asyncio.create_task(endpoint.run())
        ended = asyncio.create_task(self._ended.wait())
        await asyncio.wait((streaming, ended), return_when=asyncio.FIRST_COMPLETED)
        for task in (*self._tasks, ended):
            task.cancel()
        if self._service is not None:
            await self._service.close()
        writer.close()  # who waits for an answer waits no more

    @property
    def service(self) -> EnclaveService | None:
        """What serves the shard; None before `init`."""
        return self._service

    def _ready(self) -> EnclaveService:
        if self._service is None:
            raise NotReady("init")
        return self._service

    async def _init(self, params: InitParams) -> EnclaveIdentity:
        if self._service is not None:
            raise AlreadyInitialised
        self._expect_ledger(config_of(params))
        with collector_paused():
            enclave = start(params)
            gc.freeze()  # the state stays: cyclic collections need not look at it again
        core, tee = enclave.core, enclave.tee
        service = EnclaveService(core, enclave.store, tee, params.skip_ra, self._clock)
        mu_ra_url, mu_ra_port = params.mu_ra_url, 0
        try:
            if params.mu_ra_port is not None:
                mu_ra_port = await service.peering.listen(params.mu_ra_host, params.mu_ra_port)
                mu_ra_url = with_port(mu_ra_url, mu_ra_port)
            service.front_end = await self._front_end(service)
            trusted_port = await service.front_end.begin(beginning(core, params, mu_ra_url, self._clock()))
            core.serves_at(trusted_port)
        except IntegriteeError:
            await service.close()
            raise
        service.host = self._endpoint
        if params.has_ipfs and self._endpoint is not None:
            service.use_ipfs(self._endpoint)
        self._service = service
        self._tasks.append(asyncio.create_task(service.run_slots(params.slot_ms)))
        return identity(core, tee, trusted_port, mu_ra_port)

    async def _front_end(self, service: EnclaveService) -> FrontEnd:
        """In the process that was forked for it, if any; the enclave ends with that."""
        if self._link is None:
            return LocalFrontEnd(service)
        return await RemoteFrontEnd.over(self._link, service, self._ended.set)

    async def _measure(self, choice: LedgerChoice) -> Measurement:
        """Try a ledger out without opening any state."""
        config = config_of(choice)
        self._expect_ledger(config)
        return Measurement(measured(config))

    def _expect_idle(self, config: LedgerConfig) -> None:
        """Raises AlreadyInitialised in a process that serves a shard, OtherLedgerLoaded."""
        if self._service is not None:
            raise AlreadyInitialised
        self._expect_ledger(config)

    def _expect_ledger(self, config: LedgerConfig) -> None:
        """Loading an app runs its code, which is in this process from then on: in no ledger but the one measured.

        Raises OtherLedgerLoaded.
        """
        if self._loaded is not None and self._loaded != config:
            raise OtherLedgerLoaded
        self._loaded = config

    async def _shutdown(self, _: Nothing) -> Nothing:
        asyncio.get_running_loop().call_later(0.01, self._ended.set)  # after the answer is on its way
        return Nothing()


def main() -> None:
    parser = argparse.ArgumentParser(prog="integritee-enclave", description="The enclave of an integritee worker.")
    parser.add_argument("--fd", type=int, required=True, help="descriptor of the stream to the host")
    arguments = parser.parse_args()
    logging.basicConfig(
        level=os.environ.get("INTEGRITEE_LOG", "WARNING").upper(),
        format="%(asctime)s.%(msecs)03d %(levelname)-5s [enclave] %(name)s: %(message)s",
        datefmt="%H:%M:%S",
        stream=sys.stderr,
    )
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the host decides; Ctrl-C reaches the whole process group
    sys.setswitchinterval(SWITCH_INTERVAL)
    gc.set_threshold(*COLLECTOR)
    gc.callbacks.append(keep_survivors)
    uvloop.run(_serve(arguments.fd, fork_front_end()))


async def _serve(descriptor: int, link: socket.socket) -> None:
    await EnclaveProcess(link).serve(descriptor)


if __name__ == "__main__":
    main()

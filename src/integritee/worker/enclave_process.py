"""The enclave as a child process: start, boundary stream, orderly and disorderly end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, Self, TypeVar

from integritee.boundary.endpoint import Endpoint, StreamClosed
from integritee.boundary.interface import Ecalls, Method, Ocalls
from integritee.boundary.messages import Nothing
from integritee.scale import Struct

from .errors import EnclaveDied, EnclaveSilent
from .launch import Launched

CALL_TIMEOUT: Final = 120.0
"""Seconds; importing a thousand blocks is the longest ecall."""

STOP_TIMEOUT: Final = 1.0
"""Seconds an enclave may take to stop before it is killed; its journal makes that harmless."""

READ_LIMIT: Final = 1 << 20

Q = TypeVar("Q", bound=Struct)
A = TypeVar("A", bound=Struct)
Ocall = Callable[[Any], Awaitable[Nothing]]


class EnclaveProcess:
    """A running enclave. Make it with `attach`."""

    def __init__(self, process: asyncio.subprocess.Process, endpoint: Endpoint) -> None:
        self.process = process
        self._endpoint = endpoint
        self._serving = asyncio.create_task(endpoint.run())

    @classmethod
    async def attach(cls, launched: Launched, ocalls: dict[Method[Any, Any], Ocall]) -> Self:
        """Begin to talk to a launched enclave; `ocalls` handle what it tells the host."""
        reader, writer = await asyncio.open_connection(sock=launched.stream, limit=READ_LIMIT)
        return cls(launched.process, Endpoint(reader, writer, Ocalls, ocalls))

    async def call(self, method: Method[Q, A], request: Q, timeout: float = CALL_TIMEOUT) -> A:
        """An ecall, which may take `timeout` seconds. Raises RemoteFailure with the enclave's error, EnclaveDied,
        EnclaveSilent."""
        try:
            async with asyncio.timeout(timeout):
                return await self._endpoint.call(method, request)
        except StreamClosed:
            raise EnclaveDied(await self._exit_code()) from None
        except TimeoutError:
            raise EnclaveSilent(method.request.__name__, timeout) from None

    async def _exit_code(self) -> int | None:
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_TIMEOUT):
                return await self.process.wait()
        return None

    async def ended(self) -> int:
        """Wait for the process to end; its exit code."""
        return await self.process.wait()

    async def stop(self) -> None:
        """End the enclave: ask, wait, kill."""
        if self.process.returncode is None:
            with suppress(TimeoutError, EnclaveDied, EnclaveSilent):
                async with asyncio.timeout(STOP_TIMEOUT):
                    await self.call(Ecalls.shutdown, Nothing())
                    await self.process.wait()
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        self._serving.cancel()
        with suppress(asyncio.CancelledError):
            await self._serving

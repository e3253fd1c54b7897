"""A worker's enclave that does what a test says, over a real boundary stream."""

from __future__ import annotations

import asyncio
import socket
from collections import defaultdict
from typing import Any

from integritee.boundary.endpoint import Endpoint
from integritee.boundary.interface import Ecalls, Method, Ocalls
from integritee.boundary.messages import (
    EnclaveIdentity,
    EnclaveStatus,
    InitParams,
    Nothing,
    Provisioned,
    SidechainState,
)
from integritee.worker.launch import Launched

from .statuses import IDENTITY, enclave_status

PROVISIONED = Provisioned(7, b"\x07" * 32, 3, 1000)


class Process:
    """Ends when it is told to."""

    def __init__(self) -> None:
        self.returncode: int | None = None
        self._ended = asyncio.Event()

    def end(self, code: int) -> None:
        self.returncode = code
        self._ended.set()

    async def wait(self) -> int:
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def kill(self) -> None:
        self.end(-9)


class Enclave:
    """Answers with what is set on it; `requests` are those it got, by method."""

    def __init__(self, status: EnclaveStatus | None = None, identity: EnclaveIdentity = IDENTITY) -> None:
        self.status, self.identity = status or enclave_status(), identity
        self.process = Process()
        self.requests: dict[int, asyncio.Queue[Any]] = defaultdict(asyncio.Queue)
        self.first_words: list[tuple[Method[Any, Any], Any]] = []
        """Notices it gives before it has answered `init`."""
        self.refusal: Exception | None = None
        """Raised instead of an identity."""
        self._theirs: Endpoint | None = None

    async def launch(self) -> Launched:
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=theirs)
        answers: dict[Method[Any, Any], Any] = {
            Ecalls.init: self._init,
            Ecalls.status: lambda: self.status,
            Ecalls.provision: lambda: PROVISIONED,
            Ecalls.import_sidechain_blocks: lambda: SidechainState(0, bytes(32), 0),
            Ecalls.shutdown: self._shut_down,
        }
        self._theirs = Endpoint(
            reader, writer, Ecalls, {m: self._handler(m, answer) for m, answer in answers.items()}
        )
        self._serving = asyncio.create_task(self._theirs.run())
        return Launched(self.process, ours)  # type: ignore[arg-type]

    def _handler(self, method: Method[Any, Any], answer: Any) -> Any:
        async def handle(request: Any) -> Any:
            self.requests[method.number].put_nowait(request)
            return answer()

        return handle

    def _init(self) -> EnclaveIdentity:
        if self.refusal is not None:
            raise self.refusal
        for method, notice in self.first_words:
            self.say(method, notice)
        return self.identity

    def _shut_down(self) -> Nothing:
        self.process.end(0)
        return Nothing()

    def say(self, method: Method[Any, Any], notice: Any) -> None:
        assert self._theirs is not None
        self._theirs.notify(method, notice)

    async def asked(self, method: Method[Any, Any]) -> Any:
        """The next request for this method."""
        return await self.requests[method.number].get()

    async def params(self) -> InitParams:
        params: InitParams = await self.asked(Ecalls.init)
        return params


__all__ = ["PROVISIONED", "Enclave", "Ocalls"]

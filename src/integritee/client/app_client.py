"""What the generated methods of `typed` share: calls for the signer's account or another one, getters likewise."""

from __future__ import annotations

from typing import Any, TypedDict, Unpack

from integritee.crypto import KeyPair
from integritee.primitives.rpc import TrustedOperationStatus

from .worker import CallResult, WorkerClient


class CallOptions(TypedDict, total=False):
    """How a call is sent, as in `WorkerClient.call`: `timeout` in seconds, `until` the status to wait for."""

    nonce: int | None
    until: type[TrustedOperationStatus]
    timeout: float


class AppClient:
    """Base of the generated clients.

    A call is made, and a trusted getter asked, for `account` (32 bytes), by default that of the `signer`. Methods
    raise what `WorkerClient.call` and `WorkerClient.get` raise.
    """

    def __init__(self, worker: WorkerClient) -> None:
        self.worker = worker

    async def _call(
        self, name: str, account: bytes | None, *args: Any, signer: KeyPair, **options: Unpack[CallOptions]
    ) -> CallResult:
        return await self.worker.call(name, account or signer.public, *args, signer=signer, **options)

    async def _ask(self, name: str, account: bytes | None, *args: Any, signer: KeyPair) -> Any:
        return await self.worker.get(name, account or signer.public, *args, signer=signer)

    async def _ask_publicly(self, name: str, *args: Any) -> Any:
        return await self.worker.get(name, *args)

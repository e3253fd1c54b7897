"""Errors of the client side.

ClientError
├── ConnectionFailed     the server cannot be reached or went away
├── RequestTimeout       no answer in time
├── RpcError             the server answered with a JSON-RPC error
├── RequestRefused       a worker refused a request; carries its stable code and facts
├── ExtrinsicFailed      an extrinsic was rejected, dropped, or its dispatch failed
├── UnknownAccount       a text names no account, or one whose secret is not here
└── MalformedAnswer      an answer that does not follow the protocol
"""

from __future__ import annotations

from typing import Any

from integritee.errors import IntegriteeError


class ClientError(IntegriteeError):
    code = "client"


class ConnectionFailed(ClientError):
    code = "client.connection_failed"

    def __init__(self, url: str, reason: str) -> None:
        self.url, self.reason = url, reason
        super().__init__(f"cannot talk to {url}: {reason}")


class RequestTimeout(ClientError):
    code = "client.timeout"

    def __init__(self, what: str, seconds: float) -> None:
        self.what, self.seconds = what, str(seconds)
        super().__init__(f"no answer to {what} within {seconds} s")


class RpcError(ClientError):
    """A JSON-RPC error object; `rpc_code` is its number, `details` its data."""

    code = "client.rpc_error"

    def __init__(self, method: str, rpc_code: int, message: str, details: Any = None) -> None:
        self.method, self.rpc_code, self.details = method, rpc_code, str(details) if details is not None else None
        super().__init__(f"{method}: {message} ({rpc_code}){f': {details}' if details is not None else ''}")


class RequestRefused(ClientError):
    """A worker's refusal; `code` is the worker's."""

    code = "client.refused"

    def __init__(self, text: str, code: str | None, facts: dict[str, Any] | None) -> None:
        self.code = code or "client.refused"  # type: ignore[misc]  # the code is a fact of the instance here
        self._facts = facts or {}
        super().__init__(text)

    def data(self) -> dict[str, str | int | bool | None]:
        return dict(self._facts)


class ExtrinsicFailed(ClientError):
    code = "client.extrinsic_failed"

    def __init__(self, status: str, reason: str) -> None:
        self.status, self.reason = status, reason
        super().__init__(
            f"the extrinsic ended as {status}: {reason}" if reason else f"the extrinsic ended as {status}"
        )


class UnknownAccount(ClientError):
    code = "client.unknown_account"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class MalformedAnswer(ClientError):
    code = "client.malformed_answer"

    def __init__(self, method: str, reason: str) -> None:
        self.method, self.reason = method, reason
        super().__init__(f"{method}: {reason}")

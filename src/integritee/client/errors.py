"""Errors of the client side.

ClientError
├── ConnectionFailed     the server cannot be reached or went away
├── RequestTimeout       no answer in time
├── RpcError             the server answered with a JSON-RPC error
├── RequestRefused       a worker refused a request; carries its stable code and facts
├── OperationCancelled   a trusted operation ended without success; carries the code and facts of the reason
├── ValueNotPresent      a getter's answer is withheld from the asker, or there is none
├── UnknownName          the ledger declares no call or getter of this name
├── ExtrinsicFailed      an extrinsic was rejected, dropped, or its dispatch failed
├── UnknownAccount       a text names no account, or one whose secret is not here
├── UnusableKeyFile      a file of the key store that holds no key, or another one than its name says
├── NoCollateral         Intel's collateral cannot be fetched
├── BadCollateral        what should be Intel's collateral is something else
├── UntrustedSession     whoever answers a hello is not the enclave that it was sealed for
└── MalformedAnswer      an answer that does not follow the protocol
"""

from __future__ import annotations

from typing import Any, TypeAlias

from integritee.errors import IntegriteeError

Facts: TypeAlias = dict[str, str | int | bool | None]


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


class WorkerRefusal(ClientError):
    """What a worker says no to; `code` and facts are the worker's where it gives them."""

    def __init__(self, text: str, code: str | None, facts: Facts | None) -> None:
        self.code = code or type(self).code  # type: ignore[misc]  # the code is a fact of the instance here
        self._facts = facts or {}
        super().__init__(text)

    def data(self) -> Facts:
        return dict(self._facts)


class RequestRefused(WorkerRefusal):
    code = "client.refused"


class OperationCancelled(WorkerRefusal):
    """`status` is the last one: Invalid, Dropped, Usurped, Retracted or FinalityTimeout."""

    code = "client.operation_cancelled"

    def __init__(
        self, top_hash: bytes, status: str, text: str = "", code: str | None = None, facts: Facts | None = None
    ) -> None:
        self.top_hash, self.status = top_hash, status
        super().__init__(text or f"the trusted operation 0x{top_hash.hex()} is {status}", code, facts)

    def data(self) -> Facts:
        return {"top_hash": "0x" + self.top_hash.hex(), "status": self.status, **self._facts}


class ValueNotPresent(ClientError):
    code = "client.value_not_present"

    def __init__(self, getter: str) -> None:
        self.getter = getter
        super().__init__(f"{getter}: value not present")


class UnknownName(ClientError):
    code = "client.unknown_name"

    def __init__(self, kind: str, name: str) -> None:
        self.kind, self.name = kind, name
        super().__init__(f"the ledger declares no {kind} {name!r}")


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


class UnusableKeyFile(ClientError):
    code = "client.unusable_key_file"

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path}: {reason}")


class MalformedAnswer(ClientError):
    code = "client.malformed_answer"

    def __init__(self, method: str, reason: str) -> None:
        self.method, self.reason = method, reason
        super().__init__(f"{method}: {reason}")


class UntrustedSession(ClientError):
    """Whoever answers a hello is not the enclave that it was sealed for, or not the one that is expected."""

    code = "client.untrusted_session"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"no session with the enclave: {reason}")


class NoCollateral(ClientError):
    """Intel's collateral cannot be fetched from the service that publishes it."""

    code = "client.no_collateral"

    def __init__(self, url: str, reason: str) -> None:
        self.url, self.reason = url, reason
        super().__init__(f"cannot fetch {url}: {reason}")


class BadCollateral(ClientError):
    """An answer or a file that should hold Intel's collateral holds something else."""

    code = "client.bad_collateral"

    def __init__(self, source: str, reason: str) -> None:
        self.source, self.reason = source, reason
        super().__init__(f"{source}: {reason}")

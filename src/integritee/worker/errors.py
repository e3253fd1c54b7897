"""Errors of the host.

WorkerError
├── EnclaveDied        the enclave process ended on its own
├── EnclaveSilent      the enclave did not answer in time
├── InvalidOption      a command-line value that cannot be used
├── PortUnavailable    a port of the host's own services cannot be had
├── FundingFailed      the enclave account could not be funded
└── NoJustification    the node offers no finality proof for a range of blocks
"""

from __future__ import annotations

from typing import Final

from integritee.errors import IntegriteeError

FAILURE: Final = 101
"""Exit code of the service when something broke; the original's panics end with it."""


class WorkerError(IntegriteeError):
    code = "worker"


class EnclaveDied(WorkerError):
    code = "worker.enclave_died"

    def __init__(self, exit_code: int | None) -> None:
        self.exit_code = exit_code
        super().__init__(f"the enclave process ended with exit code {exit_code}")


class EnclaveSilent(WorkerError):
    code = "worker.enclave_silent"

    def __init__(self, what: str, seconds: float) -> None:
        self.what, self.seconds = what, str(seconds)
        super().__init__(f"the enclave did not answer {what} within {seconds} s")


class InvalidOption(WorkerError):
    code = "worker.invalid_option"

    def __init__(self, option: str, found: str, expected: str) -> None:
        self.option, self.found, self.expected = option, found, expected
        super().__init__(f"{option}: expected {expected}, found {found!r}")


class PortUnavailable(WorkerError):
    code = "worker.port_unavailable"

    def __init__(self, host: str, port: int, reason: str) -> None:
        self.host, self.port, self.reason = host, port, reason
        super().__init__(f"cannot listen on {host} port {port}: {reason}")


class FundingFailed(WorkerError):
    code = "worker.funding_failed"

    def __init__(self, account: str, amount: int, reason: str) -> None:
        self.account, self.amount, self.reason = account, str(amount), reason
        super().__init__(f"cannot send {amount} base units to {account}: {reason}")


class NoJustification(WorkerError):
    code = "worker.no_justification"

    def __init__(self, first: int, last: int) -> None:
        self.first, self.last = first, last
        super().__init__(f"the node has no GRANDPA justification in blocks {first} to {last}")

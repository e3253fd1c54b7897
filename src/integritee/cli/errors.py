"""Errors of the command line.

CliError
├── UsageError             the command line itself is wrong
├── NotAvailable           a feature of a later release
├── InvalidIdentifier      a text that is not the base58 form of 32 bytes
├── ConfirmationTimeout    the enclave did not process the block of an invocation in time
├── ConfirmationSkipped    the enclave went past the block of an invocation
├── ConfirmationMismatch   the enclave processed another block of the same number
└── SystemFailure          the system refused a file
"""

from __future__ import annotations

from integritee.errors import IntegriteeError


class CliError(IntegriteeError):
    code = "cli"


class UsageError(CliError):
    code = "cli.usage"


class NotAvailable(CliError):
    code = "cli.not_available"

    def __init__(self, feature: str) -> None:
        self.feature = feature
        super().__init__(f"{feature} is a feature of a later release")


class InvalidIdentifier(CliError):
    code = "cli.invalid_identifier"

    def __init__(self, option: str) -> None:
        self.option = option
        super().__init__(f"{option} is not the base58 text of 32 bytes")


class ConfirmationTimeout(CliError):
    code = "cli.confirmation_timeout"

    def __init__(self, block_number: int, blocks: int) -> None:
        self.block_number, self.blocks = block_number, blocks
        super().__init__(f"block {block_number} was not processed within {blocks} blocks")


class ConfirmationSkipped(CliError):
    code = "cli.confirmation_skipped"

    def __init__(self, found: int, expected: int) -> None:
        self.found, self.expected = found, expected
        super().__init__(f"block {found} was processed, but never block {expected} with the invocation")


class ConfirmationMismatch(CliError):
    code = "cli.confirmation_mismatch"

    def __init__(self, found: bytes, expected: bytes) -> None:
        self.found, self.expected = found, expected
        super().__init__(f"block 0x{found.hex()} was processed in place of 0x{expected.hex()}")


class SystemFailure(CliError):
    code = "cli.system"

    def __init__(self, reason: str, path: str) -> None:
        self.reason, self.path = reason, path
        super().__init__(f"{path}: {reason}" if path else reason)


class Tolerated(Exception):
    """No error of its own: ends a command because of `error`, which the original reports with exit code 0."""

    def __init__(self, error: IntegriteeError) -> None:
        self.error = error
        super().__init__(str(error))

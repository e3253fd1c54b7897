"""Errors of the session envelope, answered with a JSON-RPC error object of code -32010 and the `reason`.

    ProtocolFault
    └── SessionFault             session
        ├── HelloMalformed       session.hello_malformed     no hello of a known version
        ├── HelloUnreadable      session.hello_unreadable    sealed for another shielding key, or altered
        ├── ForeignEnclave       session.foreign_enclave     the hello means another MRENCLAVE
        ├── ForeignShard         session.foreign_shard       the hello means another shard
        ├── TooManyHellos        session.too_many_hellos     faster than hellos are taken from one connection
        ├── FrameMalformed       session.frame_malformed     no frame at all
        ├── UnknownSession       session.unknown             this connection has no such session
        ├── CounterReplayed      session.replayed            the counter was used already
        ├── SessionExpired       session.expired             a limit is reached; the session is over
        └── SealBroken           session.broken_seal         sealed with another key, or altered; the session is over

None of them says that anything was executed: what was in the frame can be sent again in another one.
"""

from __future__ import annotations

from .errors import ProtocolFault


class SessionFault(ProtocolFault):
    """Something sealed for a session that cannot be taken."""

    code = "session"
    fault_code = -32010
    fault = "Session refused"


class HelloMalformed(SessionFault):
    """What should be a hello is none of a version known here."""

    code = "session.hello_malformed"

    def __init__(self, detail: str) -> None:
        super().__init__(f"no hello: {detail}")
        self.detail = detail


class HelloUnreadable(SessionFault):
    """A hello was sealed for another shielding key, or altered on its way."""

    code = "session.hello_unreadable"

    def __init__(self) -> None:
        super().__init__("the hello is not sealed for the shielding key of this enclave")


class ForeignEnclave(SessionFault):
    """A hello is meant for an enclave of other code (MRENCLAVE, 32 bytes)."""

    code = "session.foreign_enclave"

    def __init__(self, found: bytes, expected: bytes) -> None:
        super().__init__(f"the hello is for MRENCLAVE 0x{found.hex()}, this is 0x{expected.hex()}")
        self.found, self.expected = found, expected


class ForeignShard(SessionFault):
    """A hello is meant for a shard (32 bytes) that is not served here."""

    code = "session.foreign_shard"

    def __init__(self, found: bytes, expected: bytes) -> None:
        super().__init__(f"the hello is for shard 0x{found.hex()}, which is not served here")
        self.found, self.expected = found, expected


class TooManyHellos(SessionFault):
    """A connection says hello too often; `retry_ms` says when it may again."""

    code = "session.too_many_hellos"

    def __init__(self, retry_ms: int) -> None:
        super().__init__(f"too many hellos on one connection; try again in {retry_ms} ms")
        self.retry_ms = retry_ms


class FrameMalformed(SessionFault):
    """What should be a frame is not the base64 of one."""

    code = "session.frame_malformed"

    def __init__(self, detail: str) -> None:
        super().__init__(f"no frame: {detail}")
        self.detail = detail


class UnknownSession(SessionFault):
    """A frame of session `found` came where session `expected` is open, or none (0)."""

    code = "session.unknown"

    def __init__(self, found: int, expected: int) -> None:
        super().__init__(f"session {found} is not that of this connection")
        self.found, self.expected = found, expected


class CounterReplayed(SessionFault):
    """A frame with counter `found` came after one that had `last`."""

    code = "session.replayed"

    def __init__(self, found: int, last: int) -> None:
        super().__init__(f"counter {found} is not above {last}: the frame is a repetition, or late")
        self.found, self.last = found, last


class SessionExpired(SessionFault):
    """A session has reached its limit of `kind`, and is over: requests, bytes, or seconds."""

    code = "session.expired"

    def __init__(self, kind: str, limit: int) -> None:
        super().__init__(f"the session lasts for {limit} {kind}; say hello again")
        self.kind, self.limit = kind, limit


class SealBroken(SessionFault):
    """A frame does not open with the key of its session, which is over therefore."""

    code = "session.broken_seal"

    def __init__(self) -> None:
        super().__init__("the frame was altered, or sealed with another key; the session is over")

"""Errors of runtimes that are Wasm blobs; what is above `RuntimeFailure` is in `integritee.node.errors`.

RuntimeFailure
├── InvalidRuntimeCode           the blob is none that runs here
└── RuntimePanic                 it aborted, in its own words if it had any
    ├── HostFunctionMissing          it called something of its host that is not offered here
    └── RuntimeLimitExceeded         it was stopped
NodeError
└── HostTrap                     what a host function refuses; the engine makes a RuntimePanic of it
    ├── BadPointer                   an address outside of the memory
    ├── BadFree                      an address that was not allocated
    ├── LimitReached                 more than one call may have
    ├── NoOpenTransaction            the runtime closes a storage transaction it did not open
    ├── RuntimeAborted               the runtime panicked and says why
    ├── UndecodableArgument          bytes that are not what the function takes
    └── ChildStateUnavailable        child storage over a state that is not a trie
"""

from __future__ import annotations

from integritee.node.errors import NodeError, RuntimeFailure, RuntimePanic


class InvalidRuntimeCode(RuntimeFailure):
    """The blob is no runtime for this node: not Wasm, too large, or without what a Substrate runtime exports."""

    code = "node.runtime.invalid_code"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the runtime's code cannot be run: {reason}")


class HostFunctionMissing(RuntimePanic):
    """The runtime called a host function that this node does not offer; `function` is its import name."""

    code = "node.runtime.host_function_missing"

    def __init__(self, name: str, function: str) -> None:
        self.function = function
        super().__init__(name, f"the host function {function} is not offered by this node")


class RuntimeLimitExceeded(RuntimePanic):
    """A call took more than it may have; `limit` says of what, and how much that is."""

    code = "node.runtime.limit_exceeded"

    def __init__(self, name: str, limit: str) -> None:
        self.limit = limit
        super().__init__(name, f"it exceeded {limit}")


class HostTrap(NodeError):
    """A host function ends the call."""

    code = "node.runtime.host"


class BadPointer(HostTrap):
    code = "node.runtime.host.bad_pointer"

    def __init__(self, address: int, length: int) -> None:
        self.address, self.length = address, length
        super().__init__(f"{length} bytes at {address:#x} are not all in the memory")


class BadFree(HostTrap):
    code = "node.runtime.host.bad_free"

    def __init__(self, address: int) -> None:
        self.address = address
        super().__init__(f"nothing is allocated at {address:#x}")


class LimitReached(HostTrap):
    """`limit` says of what, and how much that is."""

    code = "node.runtime.host.limit_reached"

    def __init__(self, limit: str) -> None:
        self.limit = limit
        super().__init__(f"the call exceeds {limit}")


class NoOpenTransaction(HostTrap):
    code = "node.runtime.host.no_open_transaction"

    def __init__(self) -> None:
        super().__init__("there is no storage transaction that the runtime could close")


class RuntimeAborted(HostTrap):
    code = "node.runtime.host.aborted"

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


class UndecodableArgument(HostTrap):
    code = "node.runtime.host.undecodable_argument"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"an argument does not decode: {reason}")


class ChildStateUnavailable(HostTrap):
    code = "node.runtime.host.child_state_unavailable"

    def __init__(self) -> None:
        super().__init__("child storage needs a trie below the overlay")

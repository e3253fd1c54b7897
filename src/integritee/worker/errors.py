"""Errors of the host.

WorkerError
├── EnclaveDied        the enclave process ended on its own
├── EnclaveSilent      the enclave did not answer in time
├── InvalidOption      a command-line value that cannot be used
├── PortUnavailable    a port of the host's own services cannot be had
├── FundingFailed      the enclave account could not be funded
├── CheckpointUnusable a checkpoint that cannot be read, or not be made
├── BlockStoreError    the database of sidechain blocks does not do
│   ├── BlockStoreFull     no place for more blocks
│   └── BlockStoreBroken   its files are damaged, or cannot be used
└── NodeFault          an endpoint does not do
    ├── WrongChain         a node serves another chain than the one that is followed
    ├── NodeBehind         a node has fewer finalized blocks than others or the enclave
    ├── NodeSilent         a node tells of no new blocks
    ├── NoGenesisState     a node has pruned the state of the first block, which a fresh light client needs
    └── NoJustification    a node offers no finality proof for a range of blocks
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


class CheckpointUnusable(WorkerError):
    """A checkpoint that cannot be read, or not be made; `where` is a file or a block."""

    code = "worker.checkpoint_unusable"

    def __init__(self, where: str, reason: str) -> None:
        self.where, self.reason = where, reason
        super().__init__(f"{where}: no checkpoint: {reason}")


class BlockStoreError(WorkerError):
    code = "worker.block_store"


class BlockStoreFull(BlockStoreError):
    """Blocks do not fit into the database's budget, or onto the disk. What was stored before is still there."""

    code = "worker.block_store_full"

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path}: no place for more blocks: {reason}")


class BlockStoreBroken(BlockStoreError):
    """The files are no database of blocks. Its content is fetched from other validateers again once it is removed."""

    code = "worker.block_store_broken"

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path}: the database of blocks cannot be used: {reason}")


class NodeFault(WorkerError):
    code = "worker.node_fault"


class WrongChain(NodeFault):
    """A node serves another chain than the one that is followed; the facts are hashes of first blocks."""

    code = "worker.wrong_chain"

    def __init__(self, found: bytes, expected: bytes) -> None:
        self.found, self.expected = found, expected
        super().__init__(f"the node serves the chain of genesis 0x{found.hex()}, not of 0x{expected.hex()}")


class NodeBehind(NodeFault):
    """A node has fewer finalized blocks than others or the enclave; `head` is the number of its last one."""

    code = "worker.node_behind"

    def __init__(self, head: int) -> None:
        self.head = head
        super().__init__(f"the node's finalized head {head} is far behind the others'")


class NodeSilent(NodeFault):
    code = "worker.node_silent"

    def __init__(self, seconds: float) -> None:
        self.seconds = str(seconds)
        super().__init__(f"the node has told of no finalized block for {seconds:g} s")


class NoGenesisState(NodeFault):
    code = "worker.no_genesis_state"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"the node cannot prove who the first authorities are ({reason}): use one that keeps all states, "
            "or begin at a checkpoint"
        )


class NoJustification(NodeFault):
    code = "worker.no_justification"

    def __init__(self, first: int, last: int) -> None:
        self.first, self.last = first, last
        super().__init__(f"the node has no GRANDPA justification in blocks {first} to {last}")

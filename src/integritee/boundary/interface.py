"""The two interfaces of the trust boundary.

`Ecalls` is what the host may ask of the enclave, `Ocalls` what the enclave tells the host. Both are lists of
typed methods; end points derive encoding, dispatch and errors from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from integritee.scale import Struct, codec

from .messages import (
    ContentFetched,
    ContentStored,
    EnclaveIdentity,
    EnclaveStatus,
    Examination,
    Examine,
    ExportShard,
    FetchBlocks,
    FetchContent,
    GossipBlocks,
    GossipOperations,
    ImportBlocks,
    ImportShard,
    InitParams,
    LedgerChoice,
    Measurement,
    Nothing,
    ParentchainParams,
    PhaseChanged,
    Provisioned,
    Provisioning,
    ProvisioningProgress,
    RuntimeUpdate,
    SelfTest,
    SelfTested,
    ShardExported,
    ShareRelease,
    ShareRequest,
    SharesHeld,
    SidechainBlocks,
    SidechainState,
    SlotReport,
    StoreBlocks,
    StoreContent,
    SubmitExtrinsics,
    SyncState,
)

Q = TypeVar("Q", bound=Struct)
A = TypeVar("A", bound=Struct)


@dataclass(frozen=True)
class Method(Generic[Q, A]):
    """A method: number on the wire, request and answer types. A notice is answered by nobody."""

    number: int
    request: type[Q]
    answer: type[A]
    is_notice: bool = False

    def encode_request(self, request: Q) -> bytes:
        return codec(self.request).encode(request)

    def decode_request(self, payload: bytes) -> Q:
        value: Q = codec(self.request).decode(payload)
        return value

    def encode_answer(self, answer: A) -> bytes:
        return codec(self.answer).encode(answer)

    def decode_answer(self, payload: bytes) -> A:
        value: A = codec(self.answer).decode(payload)
        return value


class Ecalls:
    """Host → enclave."""

    init: Final = Method(1, InitParams, EnclaveIdentity)
    init_parentchain: Final = Method(2, ParentchainParams, SyncState)
    import_blocks: Final = Method(3, ImportBlocks, SyncState)
    set_runtime: Final = Method(4, RuntimeUpdate, Nothing)
    status: Final = Method(5, Nothing, EnclaveStatus)
    shutdown: Final = Method(6, Nothing, Nothing)
    measure: Final = Method(7, LedgerChoice, Measurement)
    import_sidechain_blocks: Final = Method(8, SidechainBlocks, SidechainState)
    provision: Final = Method(9, Provisioning, Provisioned)
    examine: Final = Method(10, Examine, Examination)
    export_shard: Final = Method(11, ExportShard, ShardExported)
    import_shard: Final = Method(12, ImportShard, ShareRequest)
    offer_share: Final = Method(13, ShareRelease, SharesHeld)
    finish_import: Final = Method(14, Nothing, Provisioned)
    self_test: Final = Method(15, SelfTest, SelfTested)
    content_stored: Final = Method(16, ContentStored, Nothing)
    content_fetched: Final = Method(17, ContentFetched, Nothing)


class Ocalls:
    """Enclave → host. All are notices: the enclave waits for nothing the host says."""

    submit_extrinsics: Final = Method(1, SubmitExtrinsics, Nothing, is_notice=True)
    store_blocks: Final = Method(2, StoreBlocks, Nothing, is_notice=True)
    phase_changed: Final = Method(3, PhaseChanged, Nothing, is_notice=True)
    slot_report: Final = Method(4, SlotReport, Nothing, is_notice=True)
    gossip_blocks: Final = Method(5, GossipBlocks, Nothing, is_notice=True)
    gossip_operations: Final = Method(6, GossipOperations, Nothing, is_notice=True)
    fetch_blocks: Final = Method(7, FetchBlocks, Nothing, is_notice=True)
    provisioning_progress: Final = Method(8, ProvisioningProgress, Nothing, is_notice=True)
    store_content: Final = Method(9, StoreContent, Nothing, is_notice=True)
    fetch_content: Final = Method(10, FetchContent, Nothing, is_notice=True)


def methods_of(interface: type) -> dict[int, Method[Any, Any]]:
    """Methods of `Ecalls` or `Ocalls` by number."""
    return {m.number: m for m in vars(interface).values() if isinstance(m, Method)}

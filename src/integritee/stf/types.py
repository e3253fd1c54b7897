"""Values that the ledger stores and getters return (worker `app-libs/stf`, `core-primitives/types`)."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Annotated, ClassVar, TypeAlias

from integritee.frame.pallets.system import AccountInfo
from integritee.primitives.enclave_bridge import ShardStatus, UpgradableShardConfig
from integritee.primitives.ids import H256, Balance, BlockNumber, Moment, ParentchainId
from integritee.scale import Bytes32, Enum, Fixed, Struct, u16, u32, u64

from .asset_map import AssetId


class ShardMode(enum.IntEnum):
    Initializing = 0
    Normal = 1
    MaintenanceOngoing = 2
    Retired = 3


class ParentchainInfo(Struct, frozen=True):
    id: ParentchainId
    genesis_hash: H256 | None
    block_number: BlockNumber | None
    now: Moment | None
    creation_block_number: BlockNumber | None
    creation_timestamp: Moment | None


class ParentchainsInfo(Struct, frozen=True):
    integritee: ParentchainInfo
    target_a: ParentchainInfo
    target_b: ParentchainInfo
    shielding_target: ParentchainId


class ShardInfo(Struct, frozen=True):
    config: UpgradableShardConfig | None
    config_updated_at: BlockNumber | None
    status: ShardStatus | None
    mode: ShardMode


class SessionProxyRole(Enum, frozen=True):
    """What a session proxy may do for its account."""


class ReadBalance(SessionProxyRole, frozen=True):
    index: ClassVar[int] = 0


class ReadAny(SessionProxyRole, frozen=True):
    index: ClassVar[int] = 1


class NonTransfer(SessionProxyRole, frozen=True):
    index: ClassVar[int] = 2


class AnyRole(SessionProxyRole, frozen=True):
    index: ClassVar[int] = 3
    variant_name: ClassVar[str] = "Any"


class TransferAllowance(SessionProxyRole, frozen=True):
    index: ClassVar[int] = 4
    allowance: Balance


class SessionProxyCredentials(Struct, frozen=True):
    """`expiry` in Unix ms."""

    role: SessionProxyRole
    expiry: u64 | None
    seed: Bytes32


class AccountInfoAndSessionProxies(Struct, frozen=True):
    account_info: AccountInfo
    session_proxies: list[SessionProxyCredentials]


class AssetBalance(Struct, frozen=True):
    asset_id: AssetId
    balance: Balance


class AccountEssentials(Struct, frozen=True):
    """All a wallet shows of an account in one answer."""

    account_info: AccountInfo
    session_proxies: list[SessionProxyCredentials]
    asset_balances: list[AssetBalance]


# -- notes -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Utf8:
    """Marks bytes that are text to clients; the ledger takes any."""


NoteText: TypeAlias = Annotated[bytes, Utf8()]
BucketIndex: TypeAlias = u32
NoteIndex: TypeAlias = u64


class TrustedNote(Enum, frozen=True):
    """What accounts find in their buckets. Payloads are opaque to the ledger: clients know what is in them."""


class SuccessfulTrustedCall(TrustedNote, frozen=True):
    """A trusted call (SCALE, without its signature) that went through."""

    index: ClassVar[int] = 0
    call: bytes


class SgxRuntimeEvent(TrustedNote, frozen=True):
    """An event of the ledger's runtime (SCALE)."""

    index: ClassVar[int] = 1
    event: bytes


class NoteString(TrustedNote, frozen=True):
    """Plain text (UTF-8)."""

    index: ClassVar[int] = 2
    variant_name: ClassVar[str] = "String"
    text: NoteText


class Ipfs(TrustedNote, frozen=True):
    """A content identifier, version 0: 46 characters of base58."""

    index: ClassVar[int] = 3
    cid: Annotated[bytes, Fixed(46)]


class TimestampedTrustedNote(Struct, frozen=True):
    """A note and when it was left; `version` of the payload's format."""

    timestamp: Moment
    version: u16
    note: TrustedNote


class BucketInfo(Struct, frozen=True):
    """A bucket of notes: how many bytes it holds, and the times of its first and its latest note. 24 bytes."""

    index: BucketIndex
    bytes_: u32
    begins_at: Moment
    ends_at: Moment


class BucketRange(Struct, frozen=True):
    """The oldest and the newest bucket there is."""

    maybe_first: BucketInfo | None
    maybe_last: BucketInfo | None

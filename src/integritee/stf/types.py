"""Values that getters return (worker `app-libs/stf`, `core-primitives/types`)."""

from __future__ import annotations

import enum
from typing import ClassVar

from integritee.frame.pallets.system import AccountInfo
from integritee.primitives.enclave_bridge import ShardStatus, UpgradableShardConfig
from integritee.primitives.ids import H256, Balance, BlockNumber, Moment, ParentchainId
from integritee.scale import Bytes32, Enum, Struct, u8, u64


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


class AssetBalance(Struct, frozen=True):
    asset_id: u8
    balance: Balance


class AccountEssentials(Struct, frozen=True):
    """All a wallet shows of an account in one answer."""

    account_info: AccountInfo
    session_proxies: list[SessionProxyCredentials]
    asset_balances: list[AssetBalance]

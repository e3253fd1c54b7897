"""How an enclave takes its place: registration and shard on Integritee, then the vault where funds come from.

Pure functions of proven finalized state. Each step is taken again until its effect is proven, so a crash at
any moment, or a host that drops extrinsics, only delays it::

    unfunded → registering → claiming_shard → awaiting_target → funding_vault → adding_vault_proxy → running

For a shard that others serve already::

    unfunded → registering → awaiting_state → (provisioned, started again) → running, listed in the shard's status
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from integritee.frame.pallets.system import AccountInfo
from integritee.primitives.enclave_bridge import ShardStatus
from integritee.primitives.ids import AccountId, BlockNumber
from integritee.primitives.storage import blake2_map_key
from integritee.primitives.teerex import MultiEnclave, Sgx
from integritee.scale import Struct, codec, u8, u128

from .bridge import BridgeContract
from .contract import ParentchainContract
from .vault import VaultContract


class Phase(enum.Enum):
    CONNECTING = "connecting"
    UNFUNDED = "unfunded"
    REGISTERING = "registering"
    CLAIMING_SHARD = "claiming_shard"
    AWAITING_TARGET = "awaiting_target"
    """The vault is to be on a chain that the enclave has not met yet."""
    AWAITING_STATE = "awaiting_state"
    """Others serve the shard: their keys and state are needed."""
    CATCHING_UP = "catching_up"
    """Blocks of others are missing."""
    FUNDING_VAULT = "funding_vault"
    ADDING_VAULT_PROXY = "adding_vault_proxy"
    RUNNING = "running"
    SUPERSEDED = "superseded"
    """The shard's configuration entitles other code: this enclave produces no blocks any more."""


class ProxyDefinition(Struct, frozen=True):
    delegate: AccountId
    proxy_type: u8
    delay: BlockNumber


@dataclass(frozen=True)
class Step:
    """What to do next: `call` signed by the enclave account, or by the vault if `by_vault`."""

    phase: Phase
    call: bytes | None = None
    by_vault: bool = False
    needed_funds: int = 0


@dataclass(frozen=True)
class Goal:
    """What the enclave wants to be: its measurement and advertised URL."""

    mrenclave: bytes
    url: str


@dataclass(frozen=True)
class Funds:
    """Base units the enclave account should have on a chain, and the vault's part of that until it is there."""

    required: int = 0
    vault: int = 0

    @property
    def own(self) -> int:
        """The account's own, once the vault has its part."""
        return max(self.required - self.vault, 0)

    @property
    def enough_for_fees(self) -> int:
        """With less than this in its account the enclave takes on no payment."""
        return self.own // 100


ACCOUNT = codec(AccountInfo)
REGISTRATION = codec(MultiEnclave)
STATUS = codec(ShardStatus)
PROXIES = codec(tuple[list[ProxyDefinition], u128])

REMEMBERED_STATUSES: Final = 64
"""A shard's status is looked at several times in a slot and seldom changes; so many of them stay decoded."""

Values: TypeAlias = Mapping[bytes, bytes | None]
"""The watched storage of a chain as proven at a finalized block."""


def membership_step(contract: ParentchainContract, goal: Goal, funds: Funds, values: Values) -> Step | None:
    """The next step on Integritee; None once the enclave is on record and serves the shard."""
    bridge = contract.bridge
    assert bridge is not None
    if not is_registered(bridge, goal, values):
        free = account_info(values.get(contract.enclave_account)).data.free
        if free < funds.required // 10 * 9:
            return Step(Phase.UNFUNDED, needed_funds=max(funds.required - free, 0))
        return Step(Phase.REGISTERING, bridge.register(goal.mrenclave, goal.url))
    present = authorities(bridge, values)
    if present and bridge.account not in present:
        return Step(Phase.AWAITING_STATE)
    if not present:
        return Step(Phase.CLAIMING_SHARD, bridge.claim_shard(goal.mrenclave))
    return None


def leads_fresh_shard(contract: ParentchainContract, values: Values) -> bool:
    """Whether the shard is this enclave's to begin: it was the first to serve it, and nobody can have gone on with
    it since."""
    bridge = contract.bridge
    assert bridge is not None
    present = authorities(bridge, values)
    if len(present) > 1 and bridge.confirmation(values) is not None:
        return False
    return present[:1] == [bridge.account]


def vault_step(contract: ParentchainContract, funds: Funds, values: Values, deposited: int) -> Step | None:
    """The next step on the chain of the vault; None once the enclave is its proxy.

    `deposited` base units in the vault belong to users: they do not count towards what the enclave owes it.
    """
    vault = contract.vault
    assert vault is not None
    if is_proxy(vault, vault.proxy, values):
        return None
    held = account_info(values.get(vault.keys.account)).data
    missing = funds.vault - (held.free + held.reserved - deposited)
    if missing <= funds.vault // 10:
        return Step(Phase.ADDING_VAULT_PROXY, vault.add_proxy(contract.account), by_vault=True)
    free = account_info(values.get(contract.enclave_account)).data.free
    if free <= missing:
        return Step(Phase.UNFUNDED, needed_funds=max(funds.required, missing) - free)
    return Step(Phase.FUNDING_VAULT, contract.fund_vault(missing))


def account_info(raw: bytes | None) -> AccountInfo:
    """An account's proven record; the default for one that does not exist."""
    found: AccountInfo = ACCOUNT.decode(raw) if raw else AccountInfo()
    return found


def authorities(bridge: BridgeContract, values: Values) -> list[bytes]:
    """Signers of the shard in the order of their first activity: the validateers that take turns."""
    raw = values.get(bridge.keys.shard_status)
    return list(_signers(raw)) if raw else []


@lru_cache(REMEMBERED_STATUSES)
def _signers(status: bytes) -> tuple[bytes, ...]:
    return tuple(entry.signer for entry in STATUS.decode(status))


def fingerprints(bridge: BridgeContract, values: Values) -> set[bytes]:
    """The code of the shard's signers, as the chain let them serve it."""
    raw = values.get(bridge.keys.shard_status)
    return {entry.fingerprint for entry in STATUS.decode(raw)} if raw else set()


def mirrored_authorities(get: Callable[[bytes], bytes | None], shard: bytes) -> list[bytes]:
    """The same out of a mirror of the chain's storage."""
    raw = get(blake2_map_key("EnclaveBridge", "ShardStatus", shard))
    return list(_signers(raw)) if raw else []


def is_entitled(bridge: BridgeContract, mrenclave: bytes, values: Values, number: int) -> bool:
    """Whether the shard's configuration in force at block `number` names this code, or there is none."""
    config = bridge.config(values)
    return config is None or config.at(number).enclave_fingerprint == mrenclave


def is_registered(bridge: BridgeContract, goal: Goal, values: Values) -> bool:
    """True iff the chain lists this enclave with its measurement and URL."""
    raw = values.get(bridge.keys.registration)
    if raw is None:
        return False
    match REGISTRATION.decode(raw):
        case Sgx(enclave=enclave):
            return bool(enclave.mr_enclave == goal.mrenclave and enclave.url == goal.url.encode())
    return False


def is_proxy(vault: VaultContract, account: bytes, values: Values) -> bool:
    """Whether an account may do anything in the vault's name, at once."""
    raw = values.get(vault.keys.proxies)
    if raw is None:
        return False
    proxies, _ = PROXIES.decode(raw)
    return any(p.delegate == account and p.proxy_type == 0 and p.delay == 0 for p in proxies)

"""How an enclave takes its place on the parentchain: registration, shard, vault.

A pure function of proven finalized state. Each step is taken again until its effect is proven, so a crash at
any moment, or a host that drops extrinsics, only delays it::

    unfunded → registering → claiming_shard → funding_vault → adding_vault_proxy → running
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from integritee.frame.pallets.system import AccountInfo
from integritee.primitives.enclave_bridge import ShardStatus
from integritee.primitives.ids import AccountId, BlockNumber
from integritee.primitives.teerex import MultiEnclave, Sgx
from integritee.scale import Struct, codec, u8, u128

from .contract import ParentchainContract


class Phase(enum.Enum):
    CONNECTING = "connecting"
    UNFUNDED = "unfunded"
    REGISTERING = "registering"
    CLAIMING_SHARD = "claiming_shard"
    FUNDING_VAULT = "funding_vault"
    ADDING_VAULT_PROXY = "adding_vault_proxy"
    RUNNING = "running"


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
    """What the enclave wants to be: its measurement, advertised URL, and how much money where (base units)."""

    mrenclave: bytes
    url: str
    required_funds: int
    vault_funding: int


ACCOUNT = codec(AccountInfo)
REGISTRATION = codec(MultiEnclave)
STATUS = codec(ShardStatus)
PROXIES = codec(tuple[list[ProxyDefinition], u128])


def next_step(contract: ParentchainContract, goal: Goal, values: dict[bytes, bytes | None], deposited: int) -> Step:
    """The next step, given the watched storage as proven at a finalized block.

    `deposited` base units in the vault belong to users: they do not count towards what the enclave owes it.
    """
    keys = contract.watched
    account = account_info(values.get(keys.enclave_account))
    if not is_registered(contract, goal, values):
        if account.data.free < goal.required_funds // 10 * 9:
            return Step(Phase.UNFUNDED, needed_funds=goal.required_funds - account.data.free)
        return Step(Phase.REGISTERING, contract.register(goal.mrenclave, goal.url))
    if not is_validateer(contract, values):
        return Step(Phase.CLAIMING_SHARD, contract.claim_shard(goal.mrenclave))
    if _has_proxy(contract, values.get(keys.vault_proxies)):
        return Step(Phase.RUNNING)
    vault = account_info(values.get(keys.vault_account)).data
    missing = goal.vault_funding - (vault.free + vault.reserved - deposited)
    if missing > goal.vault_funding // 10:
        return Step(Phase.FUNDING_VAULT, contract.fund_vault(missing))
    return Step(Phase.ADDING_VAULT_PROXY, contract.add_vault_proxy(), by_vault=True)


def account_info(raw: bytes | None) -> AccountInfo:
    """An account's proven record; the default for one that does not exist."""
    found: AccountInfo = ACCOUNT.decode(raw) if raw else AccountInfo()
    return found


def authorities(contract: ParentchainContract, values: dict[bytes, bytes | None]) -> list[bytes]:
    """Signers of the shard in the order of their first activity: the validateers that take turns."""
    raw = values.get(contract.watched.shard_status)
    return [entry.signer for entry in STATUS.decode(raw)] if raw else []


def is_registered(contract: ParentchainContract, goal: Goal, values: dict[bytes, bytes | None]) -> bool:
    """True iff the chain lists this enclave with its measurement and URL."""
    raw = values.get(contract.watched.registration)
    if raw is None:
        return False
    match REGISTRATION.decode(raw):
        case Sgx(enclave=enclave):
            return bool(enclave.mr_enclave == goal.mrenclave and enclave.url == goal.url.encode())
    return False


def is_validateer(contract: ParentchainContract, values: dict[bytes, bytes | None]) -> bool:
    return contract.account in authorities(contract, values)


def _has_proxy(contract: ParentchainContract, raw: bytes | None) -> bool:
    if raw is None:
        return False
    proxies, _ = PROXIES.decode(raw)
    return any(p.delegate == contract.account and p.proxy_type == 0 and p.delay == 0 for p in proxies)

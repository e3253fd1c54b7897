"""Laws that hold in every state of a ledger, whatever was done to it.

Tests check them after each block; so does an enclave that runs with `--check-invariants`, at the cost of reading
its whole state.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Protocol, runtime_checkable

from integritee.frame.pallets.system import AccountInfo
from integritee.primitives.storage import blake2_map_key
from integritee.scale import decode

from .errors import InvariantBroken
from .retirement import HoldsDeposits
from .runtime import LedgerRuntime


@runtime_checkable
class HasLaws(Protocol):
    """A pallet with laws of its own."""

    def check_laws(self) -> None:
        """Raises InvariantBroken."""
        ...


def check_invariants(runtime: LedgerRuntime) -> None:
    """Raises InvariantBroken.

    Every unit in circulation is on some account; reserved funds are deposits; each asset's supply is on accounts,
    and accounts are alive for a reason; the vault holds what was issued, as far as the parentchain is known. Beside
    these the laws of pallets.
    """
    accounts = dict(runtime.system.account.items())
    _check_issuance(runtime, accounts)
    _check_deposits(runtime, accounts)
    _check_assets(runtime, accounts)
    for info in accounts.values():
        _check_references(info, runtime.balances.existential_deposit)
    _check_backing(runtime)
    for pallet in runtime.pallets.values():
        if isinstance(pallet, HasLaws):
            pallet.check_laws()


def _expect(law: str, found: int, expected: int) -> None:
    if found != expected:
        raise InvariantBroken(law, found, expected)


def _check_issuance(runtime: LedgerRuntime, accounts: dict[bytes, AccountInfo]) -> None:
    total = sum(info.data.free + info.data.reserved for info in accounts.values())
    _expect("issuance is the sum of balances", runtime.balances.total_issuance.get(), total)


def _check_deposits(runtime: LedgerRuntime, accounts: dict[bytes, AccountInfo]) -> None:
    deposits: Counter[bytes] = Counter()
    for pallet in runtime.pallets.values():
        if isinstance(pallet, HoldsDeposits):
            for who, amount in pallet.deposits():
                deposits[who] += amount
    for who in accounts.keys() | deposits.keys():
        reserved = accounts[who].data.reserved if who in accounts else 0
        _expect("reserved funds are deposits", reserved, deposits[who])


def _check_assets(runtime: LedgerRuntime, accounts: dict[bytes, AccountInfo]) -> None:
    held: defaultdict[int, int] = defaultdict(int)
    holders: Counter[int] = Counter()
    sufficients: Counter[bytes] = Counter()
    for (asset, who), account in runtime.assets.account.items():
        held[asset] += account.balance if account else 0
        holders[asset] += 1
        sufficients[who] += 1
    for asset, details in runtime.assets.asset.items():
        assert details is not None
        _expect(f"supply of {asset.symbol} is the sum of its holdings", details.supply, held.pop(asset, 0))
        _expect(f"holders of {asset.symbol} are counted", details.accounts, holders[asset])
    _expect("only assets that exist are held", len(held), 0)
    for who, info in accounts.items():
        _expect("an account is sufficient once per asset", info.sufficients, sufficients[who])


def _check_references(info: AccountInfo, existential_deposit: int) -> None:
    """Who keeps an account alive is counted right; the dead own nothing and only leave a nonce behind."""
    _expect("free funds are one provider", info.providers, int(info.data.free >= existential_deposit))
    _expect("reserved funds are one consumer", info.consumers, int(info.data.reserved > 0))
    if not info.exists():
        _expect("the dead own nothing", info.data.free + info.data.reserved, 0)


def _check_backing(runtime: LedgerRuntime) -> None:
    """The vault may hold more: the enclave funds it, and payments leave it after what they pay out was burned."""
    vault = runtime.vault()
    if vault is None:
        return
    account, which = vault
    raw = runtime.parentchain(which).mirror.get(blake2_map_key("System", "Account", account))
    if raw is None:
        return
    info: AccountInfo = decode(AccountInfo, raw)
    issued = runtime.balances.total_issuance.get() - runtime.shard_management.unbacked.get()
    if info.data.free < issued:
        raise InvariantBroken("the vault holds what was issued", info.data.free, issued)

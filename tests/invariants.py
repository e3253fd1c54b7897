"""Laws that hold in every state of every runtime, whatever was done to it. Call them at the end of any test."""

from __future__ import annotations

from collections.abc import Iterable

from integritee.frame.pallets.balances import Balances
from integritee.frame.pallets.system import AccountInfo, System
from integritee.frame.runtime import Runtime


def assert_invariants(runtime: Runtime) -> None:
    """Every unit in circulation is on some account, and accounts are as System and Balances keep them."""
    accounts = dict(runtime.pallet(System).account.items())
    total = sum(info.data.free + info.data.reserved for info in accounts.values())
    assert runtime.pallet(Balances).total_issuance.get() == total
    for who, info in accounts.items():
        assert_sound(info, runtime.pallet(Balances).existential_deposit, runtime.pallet(System).retain_nonce), who


def assert_sound(info: AccountInfo, existential_deposit: int, retain_nonce: bool) -> None:
    """Who keeps an account alive is counted right; the dead own nothing and only leave a nonce behind."""
    data = info.data
    assert (info.providers > 0) is (data.free >= existential_deposit)
    if info.exists():
        assert data.free >= existential_deposit or data.reserved or info.sufficients
    else:
        assert retain_nonce and info == AccountInfo(info.nonce) and info.nonce


def nonces(runtime: Runtime) -> dict[bytes, int]:
    return {who: info.nonce for who, info in runtime.pallet(System).account.items()}


def assert_nonces_grow(before: dict[bytes, int], after: dict[bytes, int]) -> None:
    """Nonces never decrease, not even those of accounts that died meanwhile: no signed call counts twice."""
    for who, nonce in before.items():
        assert after.get(who, 0) >= nonce, who.hex()


def assert_backed(issuance: int, unbacked: int, owed: Iterable[int], vault: int) -> None:
    """The vault holds what the ledger has issued and what it still owes. Amounts in base units.

    `unbacked` is what genesis issued out of nothing, `owed` payments that have not left the vault yet.
    """
    assert vault >= issuance - unbacked + sum(owed)

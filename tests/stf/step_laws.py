"""Laws of a single trusted call: what it may change, by how it ended.

refused   no fee, no nonce: nothing changed, nothing happened
failed    fee and nonce, and what a session proxy may still spend; nothing else
done      nonces grow; what arrived, what was paid out and what accounts hold add up, asset by asset
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from integritee.apps.encointer.free_calls import FreeCalls
from integritee.frame.pallets.balances import Balances
from integritee.stf.asset_map import AssetId, in_asset
from integritee.stf.declare import Authority
from integritee.stf.effects import BridgePayment, VaultPayment
from integritee.stf.errors import CallCrashed
from integritee.stf.runtime import EXISTENTIAL_DEPOSIT, MAINTAINER
from integritee.stf.types import ShardMode, TransferAllowance

from .cast import KEYS
from .step import Step

SHIELDS: Final = {
    "balance_shield": (2, None),
    "balance_shield_through_enclave_bridge_pallet": (2, None),
    "assets_shield": (3, 2),
}
"""Calls that credit what arrived from outside: positions of the amount and of the asset."""

ISSUES_AT_WILL: Final = "balance_set_balance"

BURN_AT_WILL: Final = ("evm_call", "evm_create", "evm_create2")
"""Calls of contracts, which may destroy themselves with all that they hold."""


class LawBroken(AssertionError):
    """A law does not hold: a defect of the ledger."""


def expect(law: str, found: Any, expected: Any) -> None:
    if found != expected:
        raise LawBroken(f"{law}: found {found}, expected {expected}")


def expect_that(law: str, holds: bool) -> None:
    if not holds:
        raise LawBroken(law)


def check_step(step: Step) -> None:
    """Raises LawBroken."""
    expect("no transaction is left open", step.runtime.state.depth, 0)
    if not step.outcome.charged:
        _check_refused(step)
        return
    _check_right(step)
    _check_nonces(step)
    if step.outcome.error is not None:
        _check_failed(step)
    else:
        _check_sums(step)


# -- refused -----------------------------------------------------------------------------------------


def _check_refused(step: Step) -> None:
    expect("a refused call says why", step.outcome.error is None, False)
    expect("a refused call changes nothing", step.changed, {})
    expect("a refused call has no effects", step.outcome.effects, ())
    expect("a refused call deposits no events", step.events, [])


# -- allowed -----------------------------------------------------------------------------------------


def _check_right(step: Step) -> None:
    """Who was charged was allowed to act, by a second reading of the rules."""
    call, runtime = step.signed.call, step.runtime
    definition = call.definition
    enclave = runtime.enclave_account
    match definition.authority:
        case Authority.ENCLAVE:
            expect("only the enclave acts as the enclave", call.sender, enclave.account.get())
        case Authority.MAINTAINER:
            expect("only the maintainer acts as maintainer", call.sender, MAINTAINER)
        case Authority.ROOT:
            expect("only the sudo key acts as root", call.sender, enclave.key.get())
    if definition.authority is not Authority.ENCLAVE:
        mode = runtime.shard_management.mode.get()
        expect("maintenance stops all but the enclave", mode in (ShardMode.Initializing, ShardMode.Normal), True)
    if not definition.in_production:
        expect("load tests stay out of production", runtime.chain_spec().production, False)
    if step.signed.delegate is not None:
        _check_proxy(step)


def _check_proxy(step: Step) -> None:
    credentials, _ = step.credentials()
    if credentials is None:
        raise LawBroken("who acts for an account is its session proxy")
    expect_that("a session proxy acts until it expires", credentials.expiry is None or step.now < credentials.expiry)
    definition = step.signed.call.definition
    by_allowance = isinstance(credentials.role, TransferAllowance) and definition.spends is not None
    expect_that("a role allows the call", by_allowance or type(credentials.role) in definition.roles)


def _check_nonces(step: Step) -> None:
    sender = step.signed.call.sender
    before, after = step.accounts[sender]
    expect("a call carries its sender's next nonce", step.signed.nonce, before.nonce)
    expect("a call uses up one nonce", after.nonce, before.nonce + 1)
    for who in step.accounts.keys() & KEYS.keys():
        # Contracts, to which nobody has a key, start over when they destroy themselves.
        was, now = step.accounts[who]
        expect_that(f"nonces of {who.hex()} never decrease", now.nonce >= was.nonce)


# -- failed ------------------------------------------------------------------------------------------


def _check_failed(step: Step) -> None:
    """Nothing is left of a failed call but nonce and fee, be it native or of an asset."""
    expect_that("no call crashes", not isinstance(step.outcome.error, CallCrashed))
    expect("a failed call has no effects", step.outcome.effects, ())
    expect("what a failed call changed beside nonce and fee", _traces(step), set())
    assets = {asset for asset, _ in step.holdings}
    sender, enclave = step.signed.call.sender, step.runtime.enclave_account.account.get()
    if sender == enclave or step.fee == 0:
        expect("no fee moves assets", assets, set())
        expect("no fee moves funds", {_funds(pair) for pair in step.accounts.values()}, {0})
    elif assets:
        _check_fee_in_asset(step, assets, sender, enclave)
    else:
        _check_native_fee(step, sender, enclave)
    _check_allowance(step, step.fee)


def _traces(step: Step) -> set[bytes]:
    """Keys that changed although neither nonce nor fee stands there, nor how many calls were free."""
    runtime, sender = step.runtime, step.signed.call.sender
    payers = (sender, runtime.enclave_account.account.get())
    allowed = {runtime.system.account.key_of(who) for who in payers}
    allowed.add(runtime.balances.total_issuance.key)
    if (free := runtime.find(FreeCalls)) is not None:
        allowed.add(free.used_until.key_of(sender))
    for asset in runtime.chain_spec().assets:
        allowed.add(runtime.assets.asset.key_of(asset))
        allowed.update(runtime.assets.account.key_of(asset, who) for who in payers)
    return step.changed.keys() - allowed - {step.proxy_key}


def _funds(pair: tuple[Any, Any]) -> int:
    before, after = pair
    return int(after.data.free + after.data.reserved - before.data.free - before.data.reserved)


def _check_native_fee(step: Step, sender: bytes, enclave: bytes) -> None:
    before, after = step.accounts[sender]
    rest = before.data.free - step.fee
    dust = 0 if rest >= EXISTENTIAL_DEPOSIT or before.data.reserved else rest
    expect("the sender paid the fee", after.data.free, rest - dust)
    expect("the enclave account has the fee", _funds(step.accounts[enclave]), step.fee)
    expect("dust leaves circulation", step.issued, -dust)


def _check_fee_in_asset(step: Step, assets: set[AssetId], sender: bytes, enclave: bytes) -> None:
    expect("a fee is paid in one asset", len(assets), 1)
    (asset,) = assets
    definition, args = step.signed.call.definition, step.signed.call.args
    fee = in_asset(definition.fee(asset.one_unit, args), asset)
    moved = {who: after - before for (_, who), (before, after) in step.holdings.items()}
    expect("a fee goes from sender to enclave account", moved, {sender: -fee, enclave: fee})
    expect("a fee in an asset moves no funds", {_funds(pair) for pair in step.accounts.values()}, {0})
    expect("a fee leaves supplies alone", step.supplies, {})


# -- done --------------------------------------------------------------------------------------------


def _check_sums(step: Step) -> None:
    call = step.signed.call
    _check_holdings(step)
    arrived = _arrived(step)
    arrived.subtract(_paid_out(step))
    native = arrived.pop(None, 0)
    for asset in step.supplies.keys() | arrived.keys():
        expect(f"supply of {asset} follows what arrives and leaves", _grown(step, asset), arrived[asset])
    if call.name != ISSUES_AT_WILL:
        _check_issuance(step, native)
    if call.definition.spends is not None:
        _check_allowance(step, step.fee + (call.definition.spent(call.args) or 0))


def _check_holdings(step: Step) -> None:
    """What changed on accounts is what changed in circulation."""
    moved: Counter[AssetId | None] = Counter()
    for (held, _), (before, after) in step.holdings.items():
        moved[held] += after - before
    for pair in step.accounts.values():
        moved[None] += _funds(pair)
    expect("issuance grows by what accounts have more", step.issued, moved.pop(None, 0))
    for asset in step.supplies.keys() | moved.keys():
        expect(f"supply of {asset} grows by what accounts have more", _grown(step, asset), moved[asset])


def _grown(step: Step, asset: AssetId | None) -> int:
    before, after = step.supplies.get(asset, (0, 0)) if asset is not None else (0, 0)
    return after - before


def _arrived(step: Step) -> Counter[AssetId | None]:
    call = step.signed.call
    amount, asset = SHIELDS.get(call.name, (None, None))
    if amount is None:
        return Counter()
    return Counter({None if asset is None else call.args[asset]: call.args[amount]})


def _paid_out(step: Step) -> Counter[AssetId | None]:
    paid: Counter[AssetId | None] = Counter()
    for effect in step.outcome.effects:
        match effect:
            case VaultPayment(amount=amount, asset=asset):
                paid[asset] += amount
            case BridgePayment(amount=amount):
                paid[None] += amount
    return paid


def _check_issuance(step: Step, net: int) -> None:
    """Issuance follows what arrives and leaves, less dust."""
    if step.issued == net:
        return
    dust = sum(amount for _, amount in step.events_of(Balances.Event.DustLost))
    if step.signed.call.name in BURN_AT_WILL:
        expect_that(f"contracts issue nothing, but {step.issued}", step.issued <= -dust)
    else:
        expect("issuance grows by net arrivals less dust", step.issued, net - dust)


def _check_allowance(step: Step, spent: int) -> None:
    """A transfer allowance shrinks by what was spent; nothing else about credentials changes."""
    before, after = step.credentials()
    if before is None:
        return
    if isinstance(before.role, TransferAllowance) and after is not None:
        left = TransferAllowance(before.role.allowance - spent)
        expect("an allowance shrinks by what is spent", after, type(before)(left, before.expiry, before.seed))
    elif step.outcome.error is not None:
        expect("a failed call leaves credentials alone", after, before)

"""pallet Sudo: one key that may act as root. For development chains.

Source: pallet-sudo 41 (polkadot-sdk stable2503).
"""

from __future__ import annotations

from typing import ClassVar

from integritee.frame.declare import Errors, Events, call, error, event
from integritee.frame.errors import DispatchResult
from integritee.frame.origin import Origin, Root, Signed, ensure_signed
from integritee.frame.outer import RuntimeCall
from integritee.frame.pallet import Pallet
from integritee.frame.pallets.balances import account_of
from integritee.frame.storage_items import StorageValue
from integritee.frame.weights import DispatchClass, Pays, PostInfo, Weight, weight
from integritee.primitives.ids import AccountId, MultiAddress


def _with_inner(pallet: Sudo, *args: RuntimeCall | MultiAddress) -> Weight:
    inner = next(a for a in args if isinstance(a, RuntimeCall))
    return weight(11_000_000, reads=1) + pallet.runtime.info_of(inner).weight


def _class_of_inner(pallet: Sudo, *args: RuntimeCall | MultiAddress | Weight) -> DispatchClass:
    inner = next(a for a in args if isinstance(a, RuntimeCall))
    return pallet.runtime.info_of(inner).class_


class Sudo(Pallet):
    """Calls of the key's holder with root's powers; they are free."""

    path = "pallet_sudo"
    storage_version: ClassVar[int | None] = 0

    key: StorageValue[AccountId | None]

    class Event(Events):
        Sudid = event(0, sudo_result=DispatchResult)
        KeyChanged = event(1, old=AccountId | None, new=AccountId)
        KeyRemoved = event(2)
        SudoAsDone = event(3, sudo_result=DispatchResult)

    class Error(Errors):
        RequireSudo = error("the sender must be the sudo account")

    @call(0, weight=_with_inner, dispatch_class=_class_of_inner)
    def sudo(self, origin: Origin, call: RuntimeCall) -> PostInfo:
        """Make a call as root."""
        self._ensure_sudo(origin)
        self.deposit(self.Event.Sudid(self.runtime.try_dispatch(call, Root())))
        return PostInfo(pays_fee=Pays.No)

    @call(1, weight=lambda _, call, weight: weight, dispatch_class=_class_of_inner)
    def sudo_unchecked_weight(self, origin: Origin, call: RuntimeCall, weight: Weight) -> PostInfo:
        """Make a call as root, its weight as stated."""
        return self.sudo(origin, call)

    @call(2, weight=weight(11_000_000, reads=1, writes=1))
    def set_key(self, origin: Origin, new: MultiAddress) -> PostInfo:
        """Hand the powers on to another account."""
        old = self._ensure_sudo(origin)
        key = account_of(new)
        self.key.put(key)
        self.deposit(self.Event.KeyChanged(old, key))
        return PostInfo(pays_fee=Pays.No)

    @call(3, weight=_with_inner, dispatch_class=_class_of_inner)
    def sudo_as(self, origin: Origin, who: MultiAddress, call: RuntimeCall) -> PostInfo:
        """Make a call in the name of any account."""
        self._ensure_sudo(origin)
        self.deposit(self.Event.SudoAsDone(self.runtime.try_dispatch(call, Signed(account_of(who)))))
        return PostInfo(pays_fee=Pays.No)

    @call(4, weight=weight(11_000_000, reads=1, writes=1))
    def remove_key(self, origin: Origin) -> PostInfo:
        """Give the powers up for good."""
        self._ensure_sudo(origin)
        self.key.kill()
        self.deposit(self.Event.KeyRemoved())
        return PostInfo(pays_fee=Pays.No)

    def _ensure_sudo(self, origin: Origin) -> bytes:
        """The key's holder. Raises BadOrigin, RequireSudo."""
        sender = ensure_signed(origin)
        if sender != self.key.get():
            raise self.Error.RequireSudo()
        return sender

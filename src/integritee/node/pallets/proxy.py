"""pallet Proxy: accounts that let others act for them, at once or after an announcement.

Source: pallet-proxy 40 (polkadot-sdk stable2503); what the proxy types permit: integritee-node runtime 410.

Deposits are reserved from the account that causes the entry: the delegator for its proxies, the delegate for its
announcements. `proxy` succeeds whatever becomes of the call inside; `ProxyExecuted` tells.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Annotated, ClassVar, Final

from integritee.crypto import blake2_256
from integritee.frame.declare import Constant, Errors, Events, call, constant, error, event
from integritee.frame.errors import DispatchResult
from integritee.frame.origin import Origin, Signed, ensure_signed
from integritee.frame.outer import RuntimeCall
from integritee.frame.pallet import Pallet
from integritee.frame.pallets.balances import Balances, account_of
from integritee.frame.pallets.system import System
from integritee.frame.storage_items import StorageMap, Twox64Concat
from integritee.frame.weights import DispatchClass, Pays, PostInfo, Weight, weight
from integritee.primitives.ids import H256, AccountId, Balance, BlockNumber, MultiAddress
from integritee.scale import Bounded, Compact, Struct, encode, u16, u32

from .deposits import storage_deposit

MAX_PROXIES: Final = 32
MAX_PENDING: Final = 32

NON_TRANSFER: Final = frozenset({"System", "Timestamp", "Grandpa", "Treasury", "Proxy", "Multisig"})
"""Pallets that a NonTransfer proxy may call."""


class ProxyType(enum.IntEnum):
    """What a delegate may do."""

    scale_path = enum.nonmember("integritee_node_runtime::ProxyType")
    Any = 0
    NonTransfer = 1
    Governance = 2
    CancelProxy = 3

    def permits(self, call: RuntimeCall) -> bool:
        match self:
            case ProxyType.Any:
                return True
            case ProxyType.NonTransfer:
                return call.pallet in NON_TRANSFER
            case ProxyType.Governance:
                return call.pallet == "Treasury"
            case ProxyType.CancelProxy:
                return (call.pallet, call.function) == ("Proxy", "reject_announcement")

    def covers(self, other: ProxyType) -> bool:
        """Whether it permits all that `other` does."""
        if self is ProxyType.NonTransfer:
            return other is not ProxyType.Any
        return self is other or self is ProxyType.Any


class DepositKind(enum.IntEnum):
    scale_path = enum.nonmember("pallet_proxy::DepositKind")
    Proxies = 0
    Announcements = 1


class ProxyDefinition(Struct, frozen=True, order=True):
    """`delay` is how many blocks an announcement must precede a call; entries are kept in order."""

    scale_path: ClassVar[str] = "pallet_proxy::ProxyDefinition"
    delegate: AccountId
    proxy_type: ProxyType
    delay: BlockNumber


class Announcement(Struct, frozen=True):
    """A call to be made for `real`, announced in block `height`."""

    scale_path: ClassVar[str] = "pallet_proxy::Announcement"
    real: AccountId
    call_hash: H256
    height: BlockNumber


Proxies = Annotated[list[ProxyDefinition], Bounded(MAX_PROXIES, "BoundedVec")]
Announcements = Annotated[list[Announcement], Bounded(MAX_PENDING, "BoundedVec")]


def pure_account(who: bytes, proxy_type: ProxyType, index: int, height: int, extrinsic: int) -> bytes:
    """Account id of the pure proxy that `who` made in an extrinsic of block `height`."""
    made = encode(tuple[AccountId, u32, u32, ProxyType, u16], (who, height, extrinsic, proxy_type, index))
    return blake2_256(b"modlpy/proxy____" + made)


def _with_inner(base: Weight) -> Callable[..., Weight]:
    """`base`, the touch of the account acted for, and what the call inside weighs."""
    return lambda pallet, *args: base + weight(0, 1, 1) + pallet.runtime.info_of(args[-1]).weight


def _class_of_inner(pallet: Proxy, *args: RuntimeCall) -> DispatchClass:
    return pallet.runtime.info_of(args[-1]).class_


class Proxy(Pallet):
    """Delegates, their permissions, and calls made through them."""

    path = "pallet_proxy"
    storage_version: ClassVar[int | None] = 0
    system: System
    balances: Balances

    proxies: StorageMap[Twox64Concat[AccountId], tuple[Proxies, Balance]]
    announcements: StorageMap[Twox64Concat[AccountId], tuple[Announcements, Balance]]

    proxy_deposit_base: Constant[Balance] = constant(storage_deposit(1, 8))
    proxy_deposit_factor: Constant[Balance] = constant(storage_deposit(0, 33))
    max_proxies: Constant[u32] = constant(MAX_PROXIES)
    max_pending: Constant[u32] = constant(MAX_PENDING)
    announcement_deposit_base: Constant[Balance] = constant(storage_deposit(1, 8))
    announcement_deposit_factor: Constant[Balance] = constant(storage_deposit(0, 66))

    class Event(Events):
        ProxyExecuted = event(0, result=DispatchResult)
        PureCreated = event(1, pure=AccountId, who=AccountId, proxy_type=ProxyType, disambiguation_index=u16)
        Announced = event(2, real=AccountId, proxy=AccountId, call_hash=H256)
        ProxyAdded = event(3, delegator=AccountId, delegatee=AccountId, proxy_type=ProxyType, delay=BlockNumber)
        ProxyRemoved = event(4, delegator=AccountId, delegatee=AccountId, proxy_type=ProxyType, delay=BlockNumber)
        DepositPoked = event(5, who=AccountId, kind=DepositKind, old_deposit=Balance, new_deposit=Balance)

    class Error(Errors):
        TooMany = error("there are too many proxies or announcements")
        NotFound = error("no such proxy or announcement")
        NotProxy = error("the sender is not a proxy of the account")
        Unproxyable = error("a call that proxies of this type may not make")
        Duplicate = error("the account is this proxy already")
        NoPermission = error("the call needs the permissions of the pure proxy's creator")
        Unannounced = error("the call was not announced, or not long enough ago")
        NoSelfProxy = error("an account cannot be its own proxy")

    # -- acting for others ---------------------------------------------------------------------------

    @call(0, weight=_with_inner(weight(15_562_885, 1)), dispatch_class=_class_of_inner)
    def proxy(
        self, origin: Origin, real: MultiAddress, force_proxy_type: ProxyType | None, call: RuntimeCall
    ) -> None:
        """Make a call for an account that trusts the sender, without delay."""
        who, account = ensure_signed(origin), account_of(real)
        definition = self.find(account, who, force_proxy_type)
        if definition.delay:
            raise self.Error.Unannounced()
        self._act(account, definition.proxy_type, call)

    @call(
        9,
        weight=_with_inner(weight(35_281_164 + 159_081 * MAX_PENDING + 43_263 * MAX_PROXIES, 3, 2)),
        dispatch_class=_class_of_inner,
    )
    def proxy_announced(
        self,
        origin: Origin,
        delegate: MultiAddress,
        real: MultiAddress,
        force_proxy_type: ProxyType | None,
        call: RuntimeCall,
    ) -> None:
        """Make a call that a delegate announced long enough ago; anyone may send it."""
        ensure_signed(origin)
        who, account = account_of(delegate), account_of(real)
        definition = self.find(account, who, force_proxy_type)
        call_hash = blake2_256(self.runtime.codec(RuntimeCall).encode(call))
        newest = self.system.number.get() - definition.delay

        def ripe(pending: Announcement) -> bool:
            return (pending.real, pending.call_hash) == (account, call_hash) and pending.height <= newest

        if not any(map(ripe, self.announcements.get(who)[0])):
            raise self.Error.Unannounced()
        self._withdraw_announcements(who, ripe)
        self._act(account, definition.proxy_type, call)

    def find(self, real: bytes, delegate: bytes, wanted: ProxyType | None = None) -> ProxyDefinition:
        """What `delegate` may do for `real`, of type `wanted` if given. Raises NotProxy."""
        for definition in self.proxies.get(real)[0]:
            if definition.delegate == delegate and wanted in (None, definition.proxy_type):
                return definition
        raise self.Error.NotProxy()

    def _act(self, real: bytes, granted: ProxyType, call: RuntimeCall) -> None:
        origin = Signed(real).restricted(lambda inner: self._permits(granted, inner))
        self.deposit(self.Event.ProxyExecuted(self.runtime.try_dispatch(call, origin)))

    def _permits(self, granted: ProxyType, call: RuntimeCall) -> bool:
        """Whether a delegate may make a call: nobody can give out more than he has."""
        if call.pallet == self.name:
            if call.function in ("add_proxy", "remove_proxy") and not granted.covers(call.args[1]):
                return False
            if call.function in ("remove_proxies", "kill_pure") and granted is not ProxyType.Any:
                return False
        return granted.permits(call)

    # -- delegates -----------------------------------------------------------------------------------

    @call(1, weight=weight(21_854_051 + 71_695 * MAX_PROXIES, 1, 1))
    def add_proxy(self, origin: Origin, delegate: MultiAddress, proxy_type: ProxyType, delay: BlockNumber) -> None:
        """Let another account act for the sender, at the price of a deposit."""
        who, delegatee = ensure_signed(origin), account_of(delegate)
        if who == delegatee:
            raise self.Error.NoSelfProxy()
        definition = ProxyDefinition(delegatee, proxy_type, delay)
        known, held = self.proxies.get(who)
        if definition in known:
            raise self.Error.Duplicate()
        if len(known) >= self.max_proxies:
            raise self.Error.TooMany()
        self._store_proxies(who, sorted([*known, definition]), held)
        self.deposit(self.Event.ProxyAdded(who, delegatee, proxy_type, delay))

    @call(2, weight=weight(22_810_297 + 31_872 * MAX_PROXIES, 1, 1))
    def remove_proxy(self, origin: Origin, delegate: MultiAddress, proxy_type: ProxyType, delay: BlockNumber) -> None:
        """Take a permission back."""
        who, delegatee = ensure_signed(origin), account_of(delegate)
        definition = ProxyDefinition(delegatee, proxy_type, delay)
        known, held = self.proxies.get(who)
        if definition not in known:
            raise self.Error.NotFound()
        self._store_proxies(who, [d for d in known if d != definition], held)
        self.deposit(self.Event.ProxyRemoved(who, delegatee, proxy_type, delay))

    @call(3, weight=weight(20_287_262 + 38_738 * MAX_PROXIES, 1, 1))
    def remove_proxies(self, origin: Origin) -> None:
        """Take all permissions back."""
        who = ensure_signed(origin)
        _, held = self.proxies.take(who)
        self.balances.unreserve(who, held)

    # -- accounts without a key ----------------------------------------------------------------------

    @call(4, weight=weight(23_953_464 + 12_236 * MAX_PROXIES, 1, 1))
    def create_pure(self, origin: Origin, proxy_type: ProxyType, delay: BlockNumber, index: u16) -> None:
        """Make an account without a key, with the sender as its only proxy."""
        who = ensure_signed(origin)
        height, extrinsic = self.system.number.get(), self.runtime.current_extrinsic()
        pure = pure_account(who, proxy_type, index, height, extrinsic)
        if self.proxies.contains(pure):
            raise self.Error.Duplicate()
        price = self.proxy_deposit_base + self.proxy_deposit_factor
        self.balances.reserve(who, price)
        self.proxies.put(pure, ([ProxyDefinition(who, proxy_type, delay)], price))
        self.deposit(self.Event.PureCreated(pure, who, proxy_type, index))

    @call(5, weight=weight(22_601_724 + 11_293 * MAX_PROXIES, 1, 1))
    def kill_pure(
        self,
        origin: Origin,
        spawner: MultiAddress,
        proxy_type: ProxyType,
        index: u16,
        height: Compact[BlockNumber],
        ext_index: Compact[u32],
    ) -> None:
        """Give up a pure proxy for good, sent by itself; what it still owns is lost."""
        who, creator = ensure_signed(origin), account_of(spawner)
        if who != pure_account(creator, proxy_type, index, height, ext_index):
            raise self.Error.NoPermission()
        _, held = self.proxies.take(who)
        self.balances.unreserve(creator, held)

    # -- announcements -------------------------------------------------------------------------------

    @call(6, weight=weight(31_103_544 + 175_029 * MAX_PENDING + 55_018 * MAX_PROXIES, 3, 2))
    def announce(self, origin: Origin, real: MultiAddress, call_hash: H256) -> None:
        """Announce a call that the sender is going to make for `real`, at the price of a deposit."""
        who, account = ensure_signed(origin), account_of(real)
        self.find(account, who)
        pending, held = self.announcements.get(who)
        if len(pending) >= self.max_pending:
            raise self.Error.TooMany()
        announcement = Announcement(account, call_hash, self.system.number.get())
        self._store_announcements(who, [*pending, announcement], held)
        self.deposit(self.Event.Announced(account, who, call_hash))

    @call(7, weight=weight(23_427_483 + 173_937 * MAX_PENDING + 11_928 * MAX_PROXIES, 2, 2))
    def remove_announcement(self, origin: Origin, real: MultiAddress, call_hash: H256) -> None:
        """Withdraw an own announcement."""
        who, account = ensure_signed(origin), account_of(real)
        self._withdraw_announcements(who, lambda a: (a.real, a.call_hash) == (account, call_hash))

    @call(8, weight=weight(18_218_225 + 272_845 * MAX_PENDING + 174_607 * MAX_PROXIES, 2, 2))
    def reject_announcement(self, origin: Origin, delegate: MultiAddress, call_hash: H256) -> None:
        """Forbid a call that a delegate announced to make for the sender."""
        who, delegatee = ensure_signed(origin), account_of(delegate)
        self._withdraw_announcements(delegatee, lambda a: (a.real, a.call_hash) == (who, call_hash))

    def _withdraw_announcements(self, delegate: bytes, unwanted: Callable[[Announcement], bool]) -> None:
        """Raises NotFound if there is none to withdraw."""
        pending, held = self.announcements.get(delegate)
        kept = [a for a in pending if not unwanted(a)]
        if len(kept) == len(pending):
            raise self.Error.NotFound()
        self._store_announcements(delegate, kept, held)

    # -- deposits ------------------------------------------------------------------------------------

    @call(10, weight=weight(42_819_000, 3, 3))
    def poke_deposit(self, origin: Origin) -> PostInfo:
        """Bring the sender's deposits to today's price; free if that changed anything."""
        who = ensure_signed(origin)
        changed = False
        definitions, held = self.proxies.get(who)
        price = self._store_proxies(who, definitions, held)
        if price != held:
            changed = True
            self.deposit(self.Event.DepositPoked(who, DepositKind.Proxies, held, price))
        pending, held = self.announcements.get(who)
        price = self._store_announcements(who, pending, held)
        if price != held:
            changed = True
            self.deposit(self.Event.DepositPoked(who, DepositKind.Announcements, held, price))
        return PostInfo(pays_fee=Pays.No if changed else Pays.Yes)

    def _store_proxies(self, who: bytes, definitions: list[ProxyDefinition], held: int) -> int:
        """Keep the definitions at today's price, which is returned; raises as `Balances.reserve`."""
        price = self.proxy_deposit_base + self.proxy_deposit_factor * len(definitions) if definitions else 0
        self._adjust(who, held, price)
        if definitions:
            self.proxies.put(who, (definitions, price))
        else:
            self.proxies.remove(who)
        return price

    def _store_announcements(self, who: bytes, pending: list[Announcement], held: int) -> int:
        price = self.announcement_deposit_base + self.announcement_deposit_factor * len(pending) if pending else 0
        self._adjust(who, held, price)
        if pending:
            self.announcements.put(who, (pending, price))
        else:
            self.announcements.remove(who)
        return price

    def _adjust(self, who: bytes, held: int, price: int) -> None:
        if price > held:
            self.balances.reserve(who, price - held)
        else:
            self.balances.unreserve(who, held - price)

"""pallet Credits: points that an account hands out, and that their holders spend with it.

Whoever creates a class owns it. The owner mints credits to accounts, with an expiry if it likes; a holder redeems
them, those that expire first. There are no transfers from account to account, but vouchers: credits minted to the
account blake2_256(secret) go to whoever shows the secret first.

Credits that expire are not looked for: a holder's go when the holder's credits are touched, all others when the
class is to be destroyed. The JavaScript types of the calls are `@encointer/types`; the rules are documented in
docs/credits.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from integritee.crypto import blake2_256
from integritee.frame.declare import Constant, constant
from integritee.frame.pallet import Pallet
from integritee.frame.pallets.balances import MAX_BALANCE, Balances
from integritee.frame.storage_items import Blake2_128Concat, StorageDoubleMap, StorageMap
from integritee.primitives.ids import AccountId, Balance
from integritee.scale import Struct, u32
from integritee.stf.errors import InvariantBroken, MissingFunds

from .batches import after_spending, merged, total, unexpired
from .errors import (
    ClassTaken,
    CreditsOutstanding,
    ExpiryPassed,
    InsufficientCredits,
    NoAmount,
    NotClassOwner,
    NothingToClaim,
    SupplyExhausted,
    TooManyBatches,
    TooManyClasses,
    UnknownClass,
)
from .types import CreditBatch, CreditClassId, CreditClassInfo, HeldCredits

SWEPT_PER_CALL: Final = 512
"""Holders of expired credits that one call to destroy a class clears away."""


class CreditClass(Struct, frozen=True):
    """A class: who mints, and what became of all credits ever `minted`. `expired` ones were dropped."""

    owner: AccountId
    outstanding: Balance = 0
    minted: Balance = 0
    redeemed: Balance = 0
    expired: Balance = 0


class CreditsPallet(Pallet):
    """Classes, holdings and deposits. `now` is Unix time in ms."""

    path = "pallet_credits"
    balances: Balances

    classes: StorageMap[Blake2_128Concat[CreditClassId], CreditClass | None]
    class_deposits: StorageDoubleMap[Blake2_128Concat[AccountId], Blake2_128Concat[CreditClassId], Balance | None]
    """Base units reserved, by owner and class."""
    holdings: StorageDoubleMap[Blake2_128Concat[CreditClassId], Blake2_128Concat[AccountId], list[CreditBatch]]
    """Batches by class and holder; none is empty, and nobody holds an empty list."""

    max_classes_per_owner: Constant[u32] = constant(100)
    max_batches: Constant[u32] = constant(16)
    """Different expiries of one holder's credits in one class, never being one of them."""

    # -- classes -------------------------------------------------------------------------------------

    def create_class(self, sender: bytes, class_id: int, deposit: int) -> None:
        """Found a class and reserve its deposit. Raises ClassTaken, TooManyClasses, MissingFunds."""
        if self.classes.contains(class_id):
            raise ClassTaken(class_id)
        if len(list(self.class_deposits.items_under(sender))) >= self.max_classes_per_owner:
            raise TooManyClasses(self.max_classes_per_owner)
        needed, free = deposit + self.balances.existential_deposit, self.balances.free(sender)
        if free < needed:
            raise MissingFunds(needed, free)
        self.balances.reserve(sender, deposit)
        self.class_deposits.put(sender, class_id, deposit)
        self.classes.put(class_id, CreditClass(sender))

    def destroy_class(self, sender: bytes, class_id: int, now: int) -> None:
        """End a class whose credits are all redeemed or expired; its deposit is free again.

        If more than `SWEPT_PER_CALL` accounts hold expired credits, that many are cleared and the class stays for
        the next call. Raises UnknownClass, NotClassOwner, CreditsOutstanding.
        """
        class_ = self._expect_owner(class_id, sender)
        holders = list(islice(self.holdings.items_under(class_id), SWEPT_PER_CALL))
        if any(unexpired(batches, now) for _, batches in holders):
            raise CreditsOutstanding(class_id, class_.outstanding)
        for holder, batches in holders:
            self._count(class_id, expired=total(batches))
            self.holdings.remove(class_id, holder)
        if len(holders) < SWEPT_PER_CALL:
            self.classes.remove(class_id)
            self._release(sender, class_id)

    def _release(self, owner: bytes, class_id: int) -> None:
        self.balances.unreserve(owner, self.class_deposits.get(owner, class_id) or 0)
        self.class_deposits.remove(owner, class_id)

    # -- credits -------------------------------------------------------------------------------------

    def mint(
        self, sender: bytes, class_id: int, beneficiary: bytes, amount: int, expiry: int | None, now: int
    ) -> None:
        """Give an account credits; the owner of the class may.

        Raises UnknownClass, NotClassOwner, NoAmount, ExpiryPassed, SupplyExhausted, TooManyBatches.
        """
        class_ = self._expect_owner(class_id, sender)
        if amount == 0:
            raise NoAmount
        if expiry is not None and expiry <= now:
            raise ExpiryPassed(expiry, now)
        if class_.minted + amount > MAX_BALANCE:
            raise SupplyExhausted(class_id, class_.minted + amount, MAX_BALANCE)
        held = self._unexpired(class_id, beneficiary, now)
        self._store(class_id, beneficiary, merged(held, [CreditBatch(amount, expiry)]))
        self._count(class_id, minted=amount)

    def claim(self, sender: bytes, class_id: int, secret: bytes, now: int) -> None:
        """Move all credits of the account blake2_256(secret) to the sender.

        Raises UnknownClass, NothingToClaim, TooManyBatches.
        """
        self._expect_class(class_id)
        voucher = blake2_256(secret)
        claimed = self._unexpired(class_id, voucher, now)
        if not claimed:
            raise NothingToClaim(class_id)
        self._store(class_id, voucher, [])
        self._store(class_id, sender, merged(self._unexpired(class_id, sender, now), claimed))

    def redeem(self, sender: bytes, class_id: int, amount: int, now: int) -> None:
        """Burn credits of the sender, those that expire first. Raises UnknownClass, NoAmount, InsufficientCredits."""
        self._expect_class(class_id)
        if amount == 0:
            raise NoAmount
        held = self._unexpired(class_id, sender, now)
        if total(held) < amount:
            raise InsufficientCredits(class_id, amount, total(held))
        self._store(class_id, sender, after_spending(held, amount))
        self._count(class_id, redeemed=amount)

    def _unexpired(self, class_id: int, holder: bytes, now: int) -> list[CreditBatch]:
        """A holder's credits, after the expired ones were counted out. The caller stores what becomes of them."""
        held = self.holdings.get(class_id, holder)
        left = unexpired(held, now)
        if len(left) < len(held):
            self._count(class_id, expired=total(held) - total(left))
        return left

    def _store(self, class_id: int, holder: bytes, batches: list[CreditBatch]) -> None:
        if len(batches) > self.max_batches:
            raise TooManyBatches(holder, len(batches), self.max_batches)
        if batches:
            self.holdings.put(class_id, holder, batches)
        else:
            self.holdings.remove(class_id, holder)

    def _count(self, class_id: int, minted: int = 0, redeemed: int = 0, expired: int = 0) -> None:
        class_ = self._expect_class(class_id)
        counted = CreditClass(
            class_.owner,
            class_.outstanding + minted - redeemed - expired,
            class_.minted + minted,
            class_.redeemed + redeemed,
            class_.expired + expired,
        )
        self.classes.put(class_id, counted)

    def _expect_class(self, class_id: int) -> CreditClass:
        class_ = self.classes.get(class_id)
        if class_ is None:
            raise UnknownClass(class_id)
        return class_

    def _expect_owner(self, class_id: int, sender: bytes) -> CreditClass:
        class_ = self._expect_class(class_id)
        if class_.owner != sender:
            raise NotClassOwner(class_id, sender)
        return class_

    # -- queries -------------------------------------------------------------------------------------

    def held(self, holder: bytes, class_id: int, now: int) -> HeldCredits | None:
        """What an account could redeem; None if there is no such class."""
        if not self.classes.contains(class_id):
            return None
        batches = unexpired(self.holdings.get(class_id, holder), now)
        return HeldCredits(total(batches), batches)

    def info(self, class_id: int) -> CreditClassInfo | None:
        """None if there is no such class."""
        class_ = self.classes.get(class_id)
        if class_ is None:
            return None
        deposit = self.class_deposits.get(class_.owner, class_id) or 0
        return CreditClassInfo(class_.owner, class_.outstanding, class_.minted, class_.redeemed, deposit)

    # -- deposits and laws ---------------------------------------------------------------------------

    def deposits(self) -> Iterator[tuple[bytes, int]]:
        """(account, base units) of every deposit."""
        for (owner, _), deposit in self.class_deposits.items():
            yield owner, deposit or 0

    def release_deposits(self, who: bytes) -> None:
        """Give an owner its deposits back; its classes and all credits stay as they are."""
        for class_id, _ in list(self.class_deposits.items_under(who)):
            self._release(who, class_id)

    def check_laws(self) -> None:
        """Raises InvariantBroken.

        What a class has outstanding is what its holders have; what it has minted is outstanding, redeemed or
        expired; credits belong to classes that exist, and so do deposits, to their owners.
        """
        held: dict[int, int] = {}
        for (class_id, _), batches in self.holdings.items():
            _expect("a holding is in order", int(batches == merged(batches, ())), 1)
            _expect("a holding has credits", int(all(batch.amount for batch in batches) and bool(batches)), 1)
            held[class_id] = held.get(class_id, 0) + total(batches)
        for class_id, class_ in self.classes.items():
            assert class_ is not None
            _expect(f"credits of class {class_id} are held", held.pop(class_id, 0), class_.outstanding)
            spent = class_.redeemed + class_.expired
            _expect(f"credits of class {class_id} are accounted for", class_.outstanding + spent, class_.minted)
        _expect("only classes that exist have credits", len(held), 0)
        for (owner, class_id), _ in self.class_deposits.items():
            class_ = self.classes.get(class_id)
            _expect("deposits are class owners'", int(class_ is not None and class_.owner == owner), 1)


def _expect(law: str, found: int, expected: int) -> None:
    if found != expected:
        raise InvariantBroken(law, found, expected)

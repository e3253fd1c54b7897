"""Why a call about credits was refused. Its fee and nonce are used, nothing else has changed.

StfError
└── CreditsError
    ├── UnknownClass          there is no such class
    ├── ClassTaken            the id belongs to a class already
    ├── TooManyClasses        the account owns as many classes as it may
    ├── NotClassOwner         only the owner of the class may do this
    ├── CreditsOutstanding    a class cannot go while somebody holds credits of it
    ├── NoAmount              nothing was to be minted or redeemed
    ├── ExpiryPassed          credits cannot be minted that are expired already
    ├── SupplyExhausted       the class cannot count so many credits
    ├── TooManyBatches        the holder has credits of too many different expiries
    ├── NothingToClaim        the secret opens no credits of the class
    └── InsufficientCredits   the holder has fewer credits than it wants to redeem
"""

from __future__ import annotations

from integritee.stf.errors import StfError


class CreditsError(StfError):
    code = "credits"


class UnknownClass(CreditsError):
    code = "credits.unknown_class"

    def __init__(self, class_id: int) -> None:
        self.class_id = class_id
        super().__init__(f"there is no credit class {class_id}")


class ClassTaken(CreditsError):
    """Ids of classes go to who comes first; choose another one."""

    code = "credits.class_taken"

    def __init__(self, class_id: int) -> None:
        self.class_id = class_id
        super().__init__(f"credit class {class_id} exists already")


class TooManyClasses(CreditsError):
    """The account owns as many classes as it may; destroy one first."""

    code = "credits.too_many_classes"

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"an account may own {limit} credit classes")


class NotClassOwner(CreditsError):
    """Only who created the class may mint its credits and destroy it."""

    code = "credits.not_class_owner"

    def __init__(self, class_id: int, sender: bytes) -> None:
        self.class_id, self.sender = class_id, sender
        super().__init__(f"credit class {class_id} belongs to another account")


class CreditsOutstanding(CreditsError):
    """Somebody holds credits of the class that have not expired."""

    code = "credits.outstanding"

    def __init__(self, class_id: int, outstanding: int) -> None:
        self.class_id, self.outstanding = class_id, str(outstanding)
        super().__init__(f"credit class {class_id} has {outstanding} credits outstanding")


class NoAmount(CreditsError):
    code = "credits.no_amount"

    def __init__(self) -> None:
        super().__init__("the amount is zero")


class ExpiryPassed(CreditsError):
    """The expiry of minted credits has to be in the future. Times in Unix ms."""

    code = "credits.expiry_passed"

    def __init__(self, expiry: int, now: int) -> None:
        self.expiry, self.now = expiry, now
        super().__init__(f"the credits would have expired at {expiry}, it is {now} (Unix ms)")


class SupplyExhausted(CreditsError):
    """All credits that a class ever mints are counted in 128 bits."""

    code = "credits.supply_exhausted"

    def __init__(self, class_id: int, found: int, limit: int) -> None:
        self.class_id, self.found, self.limit = class_id, str(found), str(limit)
        super().__init__(f"credit class {class_id} would have minted {found} credits, {limit} is the limit")


class TooManyBatches(CreditsError):
    """The holder would have credits of too many different expiries in the class; redeem some first."""

    code = "credits.too_many_batches"

    def __init__(self, holder: bytes, found: int, limit: int) -> None:
        self.holder, self.found, self.limit = holder, found, limit
        super().__init__(f"the holder would have credits of {found} expiries, {limit} is the limit")


class NothingToClaim(CreditsError):
    """The secret is wrong, its credits were claimed before, or they have expired."""

    code = "credits.nothing_to_claim"

    def __init__(self, class_id: int) -> None:
        self.class_id = class_id
        super().__init__(f"the secret opens no credits of class {class_id}")


class InsufficientCredits(CreditsError):
    """The holder has fewer unexpired credits of the class than it wants to redeem."""

    code = "credits.insufficient"

    def __init__(self, class_id: int, needed: int, available: int) -> None:
        self.class_id, self.needed, self.available = class_id, str(needed), str(available)
        super().__init__(f"{needed} credits of class {class_id} needed, {available} available")

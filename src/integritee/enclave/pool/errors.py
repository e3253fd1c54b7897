"""Why the pool refuses a trusted operation or lets go of one.

PoolError                     pool
├── refused at submission
│   ├── TooLarge              pool.too_large
│   ├── TemporarilyBanned     pool.temporarily_banned
│   ├── AlreadyImported       pool.already_imported
│   ├── StaleNonce            pool.stale_nonce          (also: overtaken while waiting)
│   ├── NonceTooFar           pool.nonce_too_far
│   ├── TooLowPriority        pool.too_low_priority
│   └── LimitReached          pool.limit_reached
└── removed later, reported as the reason of a status
    ├── Replaced              pool.replaced
    ├── Evicted               pool.evicted
    ├── Expired               pool.expired
    └── RefusedElsewhere      the code of the other enclave's error

`legacy_text` is the fixed sentence that clients of the original know (worker `core-primitives/top-pool`,
`error.rs`); it reaches them inside the error string of a failing submission. Causes that the original lacks
borrow the sentence closest to them.
"""

from __future__ import annotations

import re
from typing import ClassVar, Final, TypeAlias

import msgspec

from integritee.errors import IntegriteeError


class PoolError(IntegriteeError):
    code = "pool"
    legacy_text: ClassVar[str] = "Invalid trusted operation"


class TooLarge(PoolError):
    """The operation alone has more bytes than any may have."""

    code = "pool.too_large"
    legacy_text = "TrustedOperation couldn't enter the pool because of the limit"

    def __init__(self, found: int, limit: int) -> None:
        super().__init__(f"operation of {found} bytes, at most {limit} are allowed")
        self.found = found
        self.limit = limit


class TemporarilyBanned(PoolError):
    """The same operation failed recently without using up its nonce, and would again."""

    code = "pool.temporarily_banned"
    legacy_text = "Trusted Operation temporarily Banned"

    def __init__(self, hash: bytes, until: int) -> None:
        super().__init__(f"operation 0x{hash.hex()} is banned until {until} ms")
        self.hash = hash
        self.until = until


class AlreadyImported(PoolError):
    """The pool holds this very operation."""

    code = "pool.already_imported"
    legacy_text = "Already imported"

    def __init__(self, hash: bytes) -> None:
        super().__init__(f"operation 0x{hash.hex()} is in the pool already")
        self.hash = hash


class StaleNonce(PoolError):
    """The account has moved past the nonce."""

    code = "pool.stale_nonce"

    def __init__(self, found: int, expected: int) -> None:
        super().__init__(f"nonce {found} is used up, the next one is {expected}")
        self.found = found
        self.expected = expected


class NonceTooFar(PoolError):
    """More nonces are missing before this one than the pool waits for."""

    code = "pool.nonce_too_far"
    legacy_text = "The pool is not accepting future trusted operations"

    def __init__(self, found: int, expected: int, limit: int) -> None:
        super().__init__(f"nonce {found} is more than {limit} ahead of {expected}")
        self.found = found
        self.expected = expected
        self.limit = limit


class TooLowPriority(PoolError):
    """Another operation with this sender and nonce is ready and will be executed."""

    code = "pool.too_low_priority"
    legacy_text = "Too low priority"

    def __init__(self, nonce: int, held: bytes) -> None:
        super().__init__(f"nonce {nonce} is taken by the ready operation 0x{held.hex()}")
        self.nonce = nonce
        self.held = held


class LimitReached(PoolError):
    """No room, and nobody holds so much more than the sender that it had to yield.

    `scope` is "sender", "pool" or "future"; `limit` counts slots (`PoolLimits`).
    """

    code = "pool.limit_reached"
    legacy_text = "TrustedOperation couldn't enter the pool because of the limit"

    def __init__(self, scope: str, limit: int) -> None:
        super().__init__(f"the {scope} limit of {limit} slots is reached")
        self.scope = scope
        self.limit = limit


class Replaced(PoolError):
    """A newer operation with the same sender and nonce took the place."""

    code = "pool.replaced"

    def __init__(self, by: bytes) -> None:
        super().__init__(f"replaced by operation 0x{by.hex()}")
        self.by = by


class Evicted(PoolError):
    """The pool was full, and this sender held the most of it."""

    code = "pool.evicted"
    legacy_text = "TrustedOperation couldn't enter the pool because of the limit"

    def __init__(self, held: int) -> None:
        super().__init__(f"evicted from a full pool, the sender held {held} slots")
        self.held = held


class Expired(PoolError):
    """The nonces before this one did not arrive in time."""

    code = "pool.expired"

    def __init__(self, nonce: int, expected: int, waited: int) -> None:
        super().__init__(f"nonce {nonce} waited {waited} ms for nonce {expected}")
        self.nonce = nonce
        self.expected = expected
        self.waited = waited


MAX_REASON_LENGTH: Final = 4096
"""Characters of a reason's text, and of its facts as JSON."""

Facts: TypeAlias = dict[str, str | int | bool | None]

CODE_FORM: Final = re.compile(r"[a-z0-9_.]{1,100}")


class RefusedElsewhere(PoolError):
    """Another enclave of the shard executed the operation in its block, and it failed there; the error is that one's.

    `code`, text and facts (a JSON object) are as reported. What has another form is not passed on: then the code is
    ``pool.refused_elsewhere``.
    """

    code = "pool.refused_elsewhere"

    def __init__(self, code: str, message: str, data: str) -> None:
        is_sound = CODE_FORM.fullmatch(code) and max(len(message), len(data)) <= MAX_REASON_LENGTH
        if is_sound:
            self.code = code  # type: ignore[misc]  # the code is a fact of the instance here
        self._facts = _facts(data) if is_sound else {}
        super().__init__(message if is_sound else "another enclave refused the operation")

    def data(self) -> Facts:
        return dict(self._facts)


def _facts(data: str) -> Facts:
    # Not `json`: it gives up on deep nesting, and passes on halves of surrogate pairs, which are no text.
    try:
        return msgspec.json.decode(data, type=Facts)
    except (msgspec.DecodeError, UnicodeError):
        return {}

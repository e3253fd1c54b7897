"""What goes wrong between front end and ledger.

FrontEndError
├── LinkFailed               the stream between them makes no sense, or has ended
└── Refused                  what the ledger refused, with the code and the facts that it gave
    ├── PrivilegesRefused    the same, as a MissingPrivileges
    └── PoolRefused          the same, as a PoolError
"""

from __future__ import annotations

from integritee.errors import IntegriteeError
from integritee.stf.errors import MissingPrivileges

from ..pool.errors import PoolError
from ..rpc.errors import Reason


class FrontEndError(IntegriteeError):
    """Any failure of this package."""

    code = "frontend"


class LinkFailed(FrontEndError):
    """Front end and ledger cannot talk to each other any more."""

    code = "frontend.link_failed"

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"front end and ledger: {what}")


class Refused(FrontEndError):
    """The ledger refused a request; `code` and facts are those of its error."""

    code = "frontend.refused"

    def __init__(self, reason: Reason) -> None:
        self.code = reason.code  # type: ignore[misc]  # the code is a fact of the instance here
        self._facts = reason.data
        Exception.__init__(self, reason.message)

    def data(self) -> dict[str, str | int | bool | None]:
        return self._facts


class PrivilegesRefused(Refused, MissingPrivileges):
    """Whoever signed a getter may not ask it; told as the ledger's error."""

    code = "frontend.privileges_refused"


class PoolRefused(Refused, PoolError):
    """The pool refused an operation; told as the ledger's error."""

    code = "frontend.pool_refused"

    def __init__(self, reason: Reason, legacy_text: str) -> None:
        super().__init__(reason)
        self.legacy_text = legacy_text  # type: ignore[misc]  # as is the code

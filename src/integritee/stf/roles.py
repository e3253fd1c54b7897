"""What a session proxy may do in its account's place, by the role the account gave it (worker `app-libs/stf`).

A declaration names the roles it is open to; the owner may do everything. Expiry and roles are checked with every
call and getter. `TransferAllowance` is a spending limit: it opens calls that declare what they spend, and what
they spend, fee included, lowers it.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from .types import AnyRole, NonTransfer, ReadAny, ReadBalance, SessionProxyRole

Roles: TypeAlias = frozenset[type[SessionProxyRole]]

ALL_CALLS: Final[Roles] = frozenset({AnyRole})
"""Calls that move funds."""

HARMLESS_CALLS: Final[Roles] = ALL_CALLS | {NonTransfer}
"""Calls that cost no more than their fee."""

ALL_READS: Final[Roles] = HARMLESS_CALLS | {ReadAny}
BALANCE_READS: Final[Roles] = ALL_READS | {ReadBalance}

OWNER_ONLY: Final[Roles] = frozenset()
"""What a proxy must never do, whatever its role."""

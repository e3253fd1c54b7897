"""The enclave's place among those that serve the running shard: on record with its code and address, listed in the
shard's status; and whom else it lets pay out of the vault. How a shard begins: `parentchain.onboarding`.

    what is proven                          what is sent
    ──────────────────────────────────────  ─────────────────────────────────────────────────────────────────
    on record, with other code or address   registration, with the next block
    not listed: provisioned, or struck off  the shard's configuration as it is, once nothing else is under way
    a validateer, admitted, is no proxy     that it becomes one of the vault, with the next block

Each is sent again until its effect is proven.
"""

from __future__ import annotations

from typing import Final

from .errors import TooManyValidateers
from .parentchain.inbound import InboundBlock
from .parentchain.link import is_due
from .parentchain.links import Links
from .parentchain.onboarding import Goal, Phase, Step, authorities, is_proxy, is_registered
from .parentchain.outbox import ONBOARDING_PERIOD

RETRY_STRIDE: Final = 4
"""Parentchain blocks between two attempts at the same step."""

MAX_ADMITTED: Final = 10
"""Further validateers that may wait to become proxies of the vault: as many as a shard has at most."""


class Membership:
    """Of enclave `own` (32-byte account) that wants to be `goal`; `is_listed` is what the ledger says of it, None
    before the shard runs."""

    def __init__(self, own: bytes, goal: Goal, links: Links, is_listed: bool | None) -> None:
        self._own, self.goal, self._links = own, goal, links
        self._is_listed = bool(is_listed)
        self._registered_at: int | None = None
        """Parentchain block at which the enclave last asked to be put on record again."""
        self.admitted: list[bytes] = []
        links.integritee.joins = is_listed is False

    def begin(self) -> None:
        """The enclave has opened the shard, which it is the first to serve."""
        self._is_listed = True

    # -- being listed --------------------------------------------------------------------------------

    def step_to_join(self, read: list[InboundBlock], is_caught_up: bool) -> Step | None:
        """What to do to be listed, now that these blocks of Integritee were read; None if nothing.

        Not while anything else of the enclave is under way: it has the same effect, and the nonces.
        """
        link, follower = self._links.integritee, self._links.integritee.connected
        was_listed, self._is_listed = self._is_listed, self._own in authorities(follower.bridge, follower.values)
        if self._is_listed != was_listed:
            link.adopt_nonce()
            link.joins = not self._is_listed
        config = follower.bridge.config(follower.values)
        if self._is_listed or config is None or not is_caught_up or link.outbox.entries:
            return None
        if not is_registered(follower.bridge, self.goal, follower.values) or not is_due(read, RETRY_STRIDE):
            return None
        return Step(Phase.CLAIMING_SHARD, follower.bridge.join_shard(config, follower.head.number))

    # -- being on record -----------------------------------------------------------------------------

    def due_registration(self) -> bytes | None:
        """The call that puts a running enclave on record again: it runs other code now, or has another address.

        If the chain refuses it, the next attempt is a while away: each one costs a fee.
        """
        follower, at = self._links.integritee.connected, self._registered_at
        if is_registered(follower.bridge, self.goal, follower.values):
            return None
        if at is not None and follower.head.number < at + ONBOARDING_PERIOD:
            return None
        return follower.bridge.register(self.goal.mrenclave, self.goal.url)

    def note_registration(self, number: int) -> None:
        """It was asked for at parentchain block `number`."""
        self._registered_at = number

    # -- admitting others ----------------------------------------------------------------------------

    def admit(self, account: bytes) -> None:
        """Have the account of another enclave made a proxy of the vault. Raises TooManyValidateers."""
        if account in self.admitted:
            return
        if len(self.admitted) >= MAX_ADMITTED:
            raise TooManyValidateers(len(self.admitted), MAX_ADMITTED)
        self.admitted.append(account)

    def due_proxies(self) -> list[bytes]:
        """Admitted accounts that are not proxies yet, as far as is proven."""
        follower = self._links.vault.follower
        vault = follower.contract.vault if follower is not None else None
        if follower is not None and vault is not None:
            self.admitted = [who for who in self.admitted if not is_proxy(vault, who, follower.values)]
        return self.admitted

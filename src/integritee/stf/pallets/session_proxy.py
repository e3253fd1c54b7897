"""pallet SessionProxy: keys that act for an account, and the deposit that is reserved for each.

What a key may do and until when is in its credentials; `authorisation` heeds them. Source: worker
`app-libs/sgx-runtime/pallets/session-proxy`. The original neither lowers allowances nor lets accounts take a key's
rights away.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from integritee.frame.declare import Constant, Errors, constant, error
from integritee.frame.pallet import Pallet
from integritee.frame.pallets.balances import Balances
from integritee.frame.storage_items import Blake2_128Concat, StorageDoubleMap
from integritee.primitives.ids import AccountId, Balance
from integritee.scale import u8
from integritee.stf.errors import AllowanceExceeded
from integritee.stf.types import SessionProxyCredentials, TransferAllowance


class SessionProxy(Pallet):
    """Amounts in base units. `delegator` is the account, `delegate` the key that acts for it."""

    path = "pallet_session_proxy"
    balances: Balances

    session_proxies: StorageDoubleMap[
        Blake2_128Concat[AccountId], Blake2_128Concat[AccountId], tuple[SessionProxyCredentials, Balance] | None
    ]
    """Credentials and deposit by account and key."""

    max_proxies_per_owner: Constant[u8] = constant(10)

    class Error(Errors):
        SelfProxyForbidden = error("an account cannot be its own session proxy")
        TooManyProxies = error("the account has as many session proxies as it may have")
        NotProxy = error("the key is no session proxy of the account")
        NoAllowance = error("the session proxy's role is no transfer allowance")

    # -- queries -------------------------------------------------------------------------------------

    def get(self, delegator: bytes, delegate: bytes) -> SessionProxyCredentials | None:
        """What a key may do for an account; None if it is no session proxy of it."""
        found = self.session_proxies.get(delegator, delegate)
        return found[0] if found else None

    def shown_to(self, asker: bytes, delegator: bytes) -> list[SessionProxyCredentials]:
        """`credentials_of` as the account itself sees them; one of its proxies sees no seed but its own, which would
        make it whoever the seed belongs to."""
        blind = bytes(32)
        return [
            credentials if asker in (delegator, delegate) else replace(credentials, seed=blind)
            for delegate, (credentials, _) in self._of(delegator)
        ]

    def credentials_of(self, delegator: bytes) -> list[SessionProxyCredentials]:
        """Credentials of all session proxies of an account, by ascending storage key."""
        return [credentials for _, (credentials, _) in self._of(delegator)]

    def deposits(self) -> Iterator[tuple[bytes, int]]:
        """(account, base units) of every deposit."""
        for (delegator, _), entry in self.session_proxies.items():
            if entry:
                yield delegator, entry[1]

    def _of(self, delegator: bytes) -> list[tuple[bytes, tuple[SessionProxyCredentials, int]]]:
        return [(delegate, entry) for delegate, entry in self.session_proxies.items_under(delegator) if entry]

    # -- changes -------------------------------------------------------------------------------------

    def add_proxy(
        self, delegator: bytes, delegate: bytes, credentials: SessionProxyCredentials, deposit: int
    ) -> None:
        """Let a key act for an account, or change how; the reserve follows the deposit.

        Raises SelfProxyForbidden, TooManyProxies, and what `Balances.reserve` raises.
        """
        if delegator == delegate:
            raise self.Error.SelfProxyForbidden()
        known = self.session_proxies.get(delegator, delegate)
        if known is None and len(self._of(delegator)) >= self.max_proxies_per_owner:
            raise self.Error.TooManyProxies()
        reserved = known[1] if known else 0
        self.balances.reserve(delegator, max(deposit - reserved, 0))
        self.balances.unreserve(delegator, max(reserved - deposit, 0))
        self.session_proxies.put(delegator, delegate, (credentials, deposit))

    def remove_proxy(self, delegator: bytes, delegate: bytes) -> None:
        """Take a key's rights away; the deposit is free again. Raises NotProxy."""
        _, deposit = self._expect(delegator, delegate)
        self.session_proxies.remove(delegator, delegate)
        self.balances.unreserve(delegator, deposit)

    def release_deposits(self, who: bytes) -> None:
        """Take the rights of all keys of an account away; their deposits are free again."""
        for delegate, _ in self._of(who):
            self.remove_proxy(who, delegate)

    def spend(self, delegator: bytes, delegate: bytes, amount: int) -> None:
        """Lower a transfer allowance. Raises NotProxy, NoAllowance, AllowanceExceeded."""
        credentials, deposit = self._expect(delegator, delegate)
        role = credentials.role
        if not isinstance(role, TransferAllowance):
            raise self.Error.NoAllowance()
        if amount > role.allowance:
            raise AllowanceExceeded(delegate, amount, role.allowance)
        lowered = SessionProxyCredentials(
            TransferAllowance(role.allowance - amount), credentials.expiry, credentials.seed
        )
        self.session_proxies.put(delegator, delegate, (lowered, deposit))

    def _expect(self, delegator: bytes, delegate: bytes) -> tuple[SessionProxyCredentials, int]:
        found = self.session_proxies.get(delegator, delegate)
        if found is None:
            raise self.Error.NotProxy()
        return found

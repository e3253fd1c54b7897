"""Session proxies: keys that act for an account within a role, until they expire or are removed.

Giving and taking rights is up to the account alone: a proxy of whatever role could outlive its expiry otherwise, by
adding itself once more.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec.structs import replace

from integritee.primitives.ids import AccountId
from integritee.stf.declare import App, Context, trusted_call, trusted_getter
from integritee.stf.fees import session_proxy_deposit, transaction_fee
from integritee.stf.operation import TrustedCall
from integritee.stf.roles import OWNER_ONLY
from integritee.stf.types import AccountInfoAndSessionProxies, SessionProxyCredentials


class SessionProxies(App):
    """Who may act for whom."""

    name: ClassVar[str] = "session_proxies"

    @trusted_call(30, fee=transaction_fee, roles=OWNER_ONLY, linked=("delegator",))
    def add_session_proxy(
        self, ctx: Context, delegator: AccountId, delegate: AccountId, credentials: SessionProxyCredentials
    ) -> None:
        """Let another key act for the account, or change what it may do; a deposit is reserved for each.

        The receipt leaves the seed out: session proxies that may read find it, too.
        """
        deposit = session_proxy_deposit(self.runtime.chain_spec().one)
        self.runtime.session_proxy.add_proxy(delegator, delegate, credentials, deposit)
        ctx.receipt = TrustedCall(ctx.call.definition, (delegator, delegate, replace(credentials, seed=bytes(32))))

    @trusted_call(31, fee=transaction_fee, roles=OWNER_ONLY, linked=("delegator",))
    def remove_session_proxy(self, ctx: Context, delegator: AccountId, delegate: AccountId) -> None:
        """Take a session proxy's rights away; its deposit is free again."""
        self.runtime.session_proxy.remove_proxy(delegator, delegate)

    @trusted_getter(1)
    def account_info_and_session_proxies(self, who: AccountId) -> AccountInfoAndSessionProxies:
        """Account info and session proxies. Older clients ask this; `account_essentials` says more."""
        info = self.runtime.system.account.get(who)
        return AccountInfoAndSessionProxies(info, self.runtime.session_proxy.shown_to(self.runtime.asker, who))

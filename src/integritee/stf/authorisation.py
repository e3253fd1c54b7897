"""May this signer make this call, or ask this getter, now?

The owner of an account may do everything with it; a session proxy what its role allows until it expires
(`roles`). Some calls are only for the enclave, the maintainer or the sudo key, some only for test networks, and
while the shard is in maintenance only the enclave acts.
"""

from __future__ import annotations

from .declare import Authority
from .errors import (
    AllowanceExceeded,
    Filtered,
    MissingPrivileges,
    NotInProduction,
    RequireEnclaveSigner,
    RequireMaintainer,
    RequireRoot,
    RoleTooSmall,
    SessionProxyExpired,
)
from .operation import TrustedCall, TrustedCallSigned, TrustedGetterSigned
from .roles import Roles
from .runtime import MAINTAINER, LedgerRuntime
from .types import SessionProxyCredentials, SessionProxyRole, ShardMode, TransferAllowance


class Authorisation:
    """Answers over the runtime's present state."""

    def __init__(self, runtime: LedgerRuntime) -> None:
        self._runtime = runtime

    def check_call(self, signed: TrustedCallSigned, now: int) -> None:
        """Raises MissingPrivileges, RequireEnclaveSigner, RequireMaintainer, RequireRoot, Filtered,
        NotInProduction."""
        call = signed.call
        if signed.delegate is not None:
            self._check_delegate_of_call(call, signed.delegate, now)
        self._check_authority(call)
        self._check_mode(call)

    def check_getter(self, signed: TrustedGetterSigned, now: int) -> None:
        """Raises MissingPrivileges."""
        if signed.delegate is not None:
            role = self._credentials(signed.getter.sender, signed.delegate, now).role
            _expect_role(role, signed.getter.definition.roles, signed.delegate)

    def spend(self, signed: TrustedCallSigned, amount: int) -> None:
        """Take `amount` from the signer's allowance, if that is what it acts by. Raises AllowanceExceeded."""
        delegate = signed.delegate
        if delegate is None or amount == 0:
            return
        proxies = self._runtime.session_proxy
        found = proxies.get(signed.call.sender, delegate)
        if found is not None and isinstance(found.role, TransferAllowance):
            proxies.spend(signed.call.sender, delegate, amount)

    # -- session proxies -----------------------------------------------------------------------------

    def _check_delegate_of_call(self, call: TrustedCall, delegate: bytes, now: int) -> None:
        role = self._credentials(call.sender, delegate, now).role
        spent = call.definition.spent(call.args)
        if isinstance(role, TransferAllowance) and spent is not None:
            fee = call.definition.fee(self._runtime.chain_spec().one, call.args)
            _expect_allowance(role, spent + fee, delegate)
        else:
            _expect_role(role, call.definition.roles, delegate)

    def _credentials(self, account: bytes, delegate: bytes, now: int) -> SessionProxyCredentials:
        found = self._runtime.session_proxy.get(account, delegate)
        if found is None:
            raise MissingPrivileges(delegate)
        latest = max(now, self._runtime.timestamp.now.get())  # a clock set back revives nobody
        if found.expiry is not None and latest >= found.expiry:
            raise SessionProxyExpired(delegate, found.expiry, latest)
        return found

    # -- who and when --------------------------------------------------------------------------------

    def _check_authority(self, call: TrustedCall) -> None:
        account = self._runtime.enclave_account
        match call.definition.authority:
            case Authority.ENCLAVE if call.sender != account.account.get():
                raise RequireEnclaveSigner(call.sender)
            case Authority.MAINTAINER if call.sender != MAINTAINER:
                raise RequireMaintainer(call.sender)
            case Authority.ROOT if call.sender != account.key.get():
                raise RequireRoot(call.sender)

    def _check_mode(self, call: TrustedCall) -> None:
        if call.definition.authority is not Authority.ENCLAVE:
            mode = self._runtime.shard_management.mode.get()
            if mode in (ShardMode.MaintenanceOngoing, ShardMode.Retired):
                raise Filtered(mode.name)
        if not call.definition.in_production and (spec := self._runtime.chain_spec()).production:
            raise NotInProduction(call.name, spec.name)


def _expect_role(found: SessionProxyRole, expected: Roles, delegate: bytes) -> None:
    if type(found) not in expected:
        names = " or ".join(sorted(map(_name, expected)))
        raise RoleTooSmall(delegate, _name(type(found)), names or "the account itself")


def _name(role: type[SessionProxyRole]) -> str:
    return role.variant_name or role.__name__


def _expect_allowance(role: TransferAllowance, needed: int, delegate: bytes) -> None:
    if needed > role.allowance:
        raise AllowanceExceeded(delegate, needed, role.allowance)

"""What a single trusted call did to a ledger, read from the storage that it changed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from integritee.frame.outer import EventRecord
from integritee.frame.overlay import Overlay
from integritee.frame.pallets.assets import AssetAccount, AssetDetails
from integritee.frame.pallets.system import AccountInfo
from integritee.primitives.ids import Balance
from integritee.scale import codec
from integritee.stf.asset_map import AssetId
from integritee.stf.executor import Outcome
from integritee.stf.operation import TrustedCallSigned
from integritee.stf.runtime import LedgerRuntime
from integritee.stf.types import SessionProxyCredentials

ACCOUNT = codec(AccountInfo)
HOLDING = codec(AssetAccount)
DETAILS = codec(AssetDetails)
PROXY = codec(tuple[SessionProxyCredentials, Balance])

DIGEST: Final = 16
"""Bytes of hash before the plain key of a Blake2_128Concat map."""


@dataclass
class Step:
    """A call that was executed over `before`; `after` are its writes, None for deletions."""

    runtime: LedgerRuntime
    """Still at the state after the call."""
    signed: TrustedCallSigned
    outcome: Outcome
    now: int
    before: Overlay
    after: dict[bytes, bytes | None]
    events: list[bytes]
    """Encoded records that it deposited."""

    @cached_property
    def changed(self) -> dict[bytes, tuple[bytes | None, bytes | None]]:
        """Values before and after, by key, without those that were written as they were."""
        pairs = {key: (self.before.get(key), value) for key, value in self.after.items()}
        return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}

    def _under(self, prefix: bytes) -> dict[bytes, tuple[bytes | None, bytes | None]]:
        return {k[len(prefix) :]: pair for k, pair in self.changed.items() if k.startswith(prefix)}

    @cached_property
    def accounts(self) -> dict[bytes, tuple[AccountInfo, AccountInfo]]:
        """Accounts that changed."""
        found = self._under(self.runtime.system.account.prefix)
        return {key[DIGEST:]: (account_of(a), account_of(b)) for key, (a, b) in found.items()}

    @cached_property
    def holdings(self) -> dict[tuple[AssetId, bytes], tuple[int, int]]:
        """Holdings of assets that changed."""
        found = self._under(self.runtime.assets.account.prefix)
        return {
            (AssetId(key[DIGEST]), key[2 * DIGEST + 1 :]): (_balance(a), _balance(b)) for key, (a, b) in found.items()
        }

    @cached_property
    def supplies(self) -> dict[AssetId, tuple[int, int]]:
        """Supplies of assets that changed."""
        found = self._under(self.runtime.assets.asset.prefix)
        pairs = {AssetId(key[DIGEST]): (_supply(a), _supply(b)) for key, (a, b) in found.items()}
        return {asset: (before, after) for asset, (before, after) in pairs.items() if before != after}

    @cached_property
    def issued(self) -> int:
        """How much issuance grew."""
        before, after = self.changed.get(self.runtime.balances.total_issuance.key, (None, None))
        return _number(after) - _number(before)

    @property
    def fee(self) -> int:
        """Base units of the native token."""
        return self.signed.call.definition.fee(self.runtime.chain_spec().one, self.signed.call.args)

    @property
    def proxy_key(self) -> bytes | None:
        """Where storage holds what the signer may do for the sender; None if the sender signed itself."""
        if self.signed.delegate is None:
            return None
        return self.runtime.session_proxy.session_proxies.key_of(self.signed.call.sender, self.signed.delegate)

    def credentials(self) -> tuple[SessionProxyCredentials | None, SessionProxyCredentials | None]:
        """What the signer might do for the sender before the call, and may after it."""
        key = self.proxy_key
        if key is None:
            return None, None
        before = self.before.get(key)
        after = self.after.get(key, before)
        return _credentials(before), _credentials(after)

    def events_of(self, definition: Any) -> list[tuple[Any, ...]]:
        """Values of the events of one kind."""
        decoded = (self.runtime.codec(EventRecord).decode(raw).event for raw in self.events)
        return [event.values for event in decoded if event.definition is definition]


def account_of(raw: bytes | None) -> AccountInfo:
    info: AccountInfo = AccountInfo() if raw is None else ACCOUNT.decode(raw)
    return info


def _balance(raw: bytes | None) -> int:
    return 0 if raw is None else int(HOLDING.decode(raw).balance)


def _supply(raw: bytes | None) -> int:
    return 0 if raw is None else int(DETAILS.decode(raw).supply)


def _number(raw: bytes | None) -> int:
    return int.from_bytes(raw or b"", "little")


def _credentials(raw: bytes | None) -> SessionProxyCredentials | None:
    if raw is None:
        return None
    credentials: SessionProxyCredentials = PROXY.decode(raw)[0]
    return credentials

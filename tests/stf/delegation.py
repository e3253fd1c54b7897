"""A ledger on which CHARLIE has money and BOB, who has no account of his own, may become his session proxy."""

from __future__ import annotations

from typing import Any

from integritee.stf.asset_map import AssetId
from integritee.stf.executor import Outcome
from integritee.stf.types import SessionProxyCredentials, SessionProxyRole

from .kit import BOB, CHARLIE, DEVELOPMENT_LEDGER, EVE, NOW, ONE, Bench

DEPOSIT = ONE // 10
ME, YOU, HER = CHARLIE.public, BOB.public, EVE.public


def credentials(role: SessionProxyRole, expiry: int | None = None) -> SessionProxyCredentials:
    return SessionProxyCredentials(role, expiry, b"\x5e" * 32)


def rich() -> Bench:
    bench = Bench({CHARLIE: 100 * ONE}, DEVELOPMENT_LEDGER)
    bench.hold(CHARLIE, AssetId.USDC, 10**9)
    return bench


def grant(bench: Bench, role: SessionProxyRole, expiry: int | None = None) -> None:
    """BOB becomes a session proxy of CHARLIE."""
    assert bench.run(CHARLIE, "add_session_proxy", YOU, credentials(role, expiry)).error is None


def as_proxy(bench: Bench, name: str, *args: Any, now: int = NOW) -> Outcome:
    """BOB makes a call of CHARLIE's account."""
    return bench.act(BOB, bench.call(name, ME, *args), now)


def facts(outcome: Outcome) -> dict[str, Any]:
    assert outcome.error is not None
    return outcome.error.data()

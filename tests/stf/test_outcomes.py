"""How each refusal reaches a sender: its code and its facts, word for word.

A row is a way to be refused. Those of calls and getters go through the executor, as in a block; what calls cannot
meet is provoked where it arises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest

from integritee.enclave.rpc.errors import Reason
from integritee.errors import IntegriteeError
from integritee.primitives.ids import AccountId, ParentchainId
from integritee.primitives.signature import sign
from integritee.reference.raises import codes_raised
from integritee.stf import errors
from integritee.stf.asset_map import AssetId
from integritee.stf.declare import App, Context, trusted_call
from integritee.stf.effects import MAX_EFFECTS, Delay
from integritee.stf.errors import StfError
from integritee.stf.executor import Outcome
from integritee.stf.fees import transaction_fee
from integritee.stf.ledger import Ledger
from integritee.stf.native import NATIVE_APPS, NativeToken
from integritee.stf.operation import TrustedCallSigned
from integritee.stf.relayed_notes import NoteRelayType, RelayedNoteRequest
from integritee.stf.runtime import MAINTAINER
from integritee.stf.types import ReadAny, SessionProxyCredentials, SessionProxyRole, ShardMode, TransferAllowance

from .kit import (
    ALICE,
    BOB,
    DEVELOPMENT_LEDGER,
    ENCLAVE,
    FEE,
    LOCAL_ASSET_HUB,
    NOW,
    ONE,
    SHARD,
    VAULT,
    Bench,
)

KUSAMA = bytes.fromhex("b0a8d493285c2df73290dfb7e61f870f17b41801197a149ca93654499ea3dafe")
ALICES, BOBS, MAINTAINERS = ("0x" + account.hex() for account in (ALICE.public, BOB.public, MAINTAINER))
OTHER = b"\x0f" * 32
HELD = 10 * ONE

Refusal = tuple[IntegriteeError, dict[str, Any]]
"""The error, and the facts it should have."""


class Clumsy(App):
    """A call that no app should have."""

    name: ClassVar[str] = "clumsy"
    index: ClassVar[int | None] = 206

    @trusted_call(0, fee=transaction_fee)
    def flood(self, ctx: Context, sender: AccountId) -> None:
        """Make too much happen."""
        for _ in range(MAX_EFFECTS + 1):
            ctx.emit(Delay(1))


CLUMSY = Ledger((*NATIVE_APPS, Clumsy))


class NativeTwice(App):
    """Has a discriminant of the ledger's."""

    name: ClassVar[str] = "native_twice"

    @trusted_call(2)
    def other_transfer(self, ctx: Context, sender: AccountId) -> None: ...


def bench(**options: Any) -> Bench:
    return Bench({ALICE: HELD}, **options)


def failed(outcome: Outcome) -> IntegriteeError:
    assert outcome.error is not None
    assert outcome.effects == ()
    return outcome.error


def by_alice(name: str, *args: Any, **options: Any) -> IntegriteeError:
    return failed(bench(**options).run(ALICE, name, *args))


def by_maintainer(name: str, *args: Any, **options: Any) -> IntegriteeError:
    return failed(bench(**options).order(name, *args))


def by_proxy(role: SessionProxyRole | None, *args: Any, expiry: int | None = None) -> IntegriteeError:
    """BOB makes a transfer of ALICE's account."""
    ledger = bench()
    if role is not None:
        credentials = SessionProxyCredentials(role, expiry, bytes(32))
        assert ledger.run(ALICE, "add_session_proxy", BOB.public, credentials).error is None
    return failed(ledger.act(BOB, ledger.call("balance_transfer", ALICE.public, *args)))


def raised_by(act: Callable[[], Any]) -> IntegriteeError:
    with pytest.raises(IntegriteeError) as caught:
        act()
    return caught.value


# -- who signed ----------------------------------------------------------------------------------------


def invalid_signature() -> Refusal:
    ledger = bench()
    call = ledger.call("noop", ALICE.public)
    return failed(ledger.execute(TrustedCallSigned(call, 0, None, sign(BOB, b"something else")))), {"signer": ALICES}


def missing_privileges() -> Refusal:
    return by_proxy(None, OTHER, ONE), {"delegate": BOBS}


def session_proxy_expired() -> Refusal:
    facts = {"expiry": NOW, "now": NOW, "delegate": BOBS}
    return by_proxy(TransferAllowance(HELD), OTHER, ONE, expiry=NOW), facts


def role_too_small() -> Refusal:
    return by_proxy(ReadAny(), OTHER, ONE), {"found": "ReadAny", "expected": "Any", "delegate": BOBS}


def allowance_exceeded() -> Refusal:
    facts = {"needed": str(ONE + FEE), "remaining": str(ONE), "delegate": BOBS}
    return by_proxy(TransferAllowance(ONE), OTHER, ONE), facts


def not_public() -> Refusal:
    return raised_by(lambda: bench().read("credits.credits_of", ALICE.public, 1)), {"delegate": ALICES}


def invalid_nonce() -> Refusal:
    ledger = bench()
    signed = ledger.signed(ALICE, ledger.call("noop", ALICE.public), nonce=5)
    return failed(ledger.execute(signed)), {"found": 5, "expected": 0}


def require_enclave_signer() -> Refusal:
    return by_alice("balance_shield", BOB.public, ONE, ParentchainId.Integritee), {"sender": ALICES}


def require_maintainer() -> Refusal:
    return by_alice("note_bloat", 1), {"sender": ALICES}


def require_root() -> Refusal:
    outcome = Bench({}, DEVELOPMENT_LEDGER).run(BOB, "balance_set_balance", BOB.public, ONE, 0)
    return failed(outcome), {"sender": BOBS}


# -- when and where ------------------------------------------------------------------------------------


def filtered() -> Refusal:
    ledger = bench()
    ledger.runtime.shard_management.set_mode(ShardMode.MaintenanceOngoing)
    return failed(ledger.run(ALICE, "noop")), {"mode": "MaintenanceOngoing"}


def not_in_production() -> Refusal:
    return by_maintainer("note_bloat", 1, genesis_hash=KUSAMA), {"call": "note_bloat", "chain": "kusama"}


def wrong_shard() -> Refusal:
    facts = {"found": "0x" + OTHER.hex(), "expected": "0x" + SHARD.hex()}
    return by_alice("balance_unshield", BOB.public, ONE, OTHER), facts


def no_shard_vault() -> Refusal:
    return by_alice("balance_unshield", BOB.public, ONE, SHARD, vault=False), {}


def wrong_parentchain_for_vault() -> Refusal:
    error = failed(bench().run(ENCLAVE, "balance_shield", BOB.public, ONE, ParentchainId.TargetA))
    return error, {"found": "TargetA", "expected": "Integritee"}


def bridge_disabled() -> Refusal:
    return by_alice("balance_unshield_through_enclave_bridge_pallet", BOB.public, ONE, SHARD), {}


def asset_not_shieldable() -> Refusal:
    return by_alice("assets_unshield", BOB.public, AssetId.USDC_E, 1, SHARD), {"asset": "USDC.e", "chain": "unknown"}


# -- how much ------------------------------------------------------------------------------------------


def missing_funds() -> Refusal:
    """The fee is paid by then."""
    return by_alice("balance_transfer", OTHER, HELD), {"needed": str(HELD), "available": str(HELD - FEE)}


def missing_assets() -> Refusal:
    error = by_alice("assets_transfer", OTHER, AssetId.USDT_E, 5, genesis_hash=LOCAL_ASSET_HUB)
    return error, {"asset": "USDT.e", "needed": "5", "available": "0"}


def amount_too_large() -> Refusal:
    return by_maintainer("note_bloat", 1100), {"found": "1100", "limit": "1099", "unit": "kB"}


def too_many_effects() -> Refusal:
    return by_alice("clumsy.flood", ledger=CLUMSY), {"limit": MAX_EFFECTS}


def relay_unavailable() -> Refusal:
    request = RelayedNoteRequest(False, NoteRelayType.Ipfs, "hello", None)
    return by_alice("send_relayed_note", OTHER, 1, request), {"relay": "Ipfs"}


# -- what no call meets -------------------------------------------------------------------


def invariant_broken() -> Refusal:
    ledger = bench()
    issued = ledger.issued()
    ledger.runtime.balances.total_issuance.put(issued + 1)
    facts = {"law": "issuance is the sum of balances", "found": str(issued + 1), "expected": str(issued)}
    return raised_by(ledger.check), facts


def vault_already_set() -> Refusal:
    mirror = bench().runtime.parentchain(ParentchainId.Integritee)
    facts = {"found": "0x" + OTHER.hex(), "expected": "0x" + VAULT.hex()}
    return raised_by(lambda: mirror.set_vault(OTHER)), facts


def genesis_already_set() -> Refusal:
    mirror = bench().runtime.parentchain(ParentchainId.Integritee)
    facts = {"found": "0x" + OTHER.hex(), "expected": "0x" + bytes(32).hex()}
    return raised_by(lambda: mirror.set_genesis(OTHER)), facts


def index_clash() -> Refusal:
    facts = {"kind": "trusted_call", "index": 2, "first": "NativeToken", "second": "NativeTwice"}
    return raised_by(lambda: Ledger((NativeToken, NativeTwice))), facts


def unknown_asset_symbol() -> Refusal:
    return raised_by(lambda: AssetId.parse("DOGE")), {"found": "DOGE"}


REFUSALS = [
    *(invalid_signature, missing_privileges, session_proxy_expired, role_too_small, allowance_exceeded, not_public),
    *(invalid_nonce, require_enclave_signer, require_maintainer, require_root, filtered, not_in_production),
    *(wrong_shard, no_shard_vault, wrong_parentchain_for_vault, bridge_disabled, asset_not_shieldable),
    *(missing_funds, missing_assets, amount_too_large, too_many_effects, relay_unavailable),
    *(invariant_broken, vault_already_set, genesis_already_set, index_clash, unknown_asset_symbol),
]

ELSEWHERE = {
    errors.NotACall: "the service refuses getters before, with rpc.unsupported_operation",
    errors.CallCrashed: "what a block makes of a call that breaks",
}


@pytest.mark.parametrize("refuse", REFUSALS, ids=lambda refuse: refuse.__name__)
def test_code_and_facts(refuse: Callable[[], Refusal]) -> None:
    """What a worker makes of the error is what it hands to the sender."""
    error, facts = refuse()
    reason = Reason.of(error)
    assert (reason.code, reason.data) == (f"stf.{refuse.__name__}", facts)
    assert reason.message


def leaves(kind: type[StfError]) -> Iterator[type[StfError]]:
    """Errors of the ledger itself that are raised."""
    for below in kind.__subclasses__():
        if below.__module__.startswith("integritee.stf."):
            yield below
            yield from leaves(below)


def test_no_error_of_the_ledger_is_left_out() -> None:
    codes = {f"stf.{refuse.__name__}" for refuse in REFUSALS}
    assert {kind.code for kind in leaves(StfError)} == codes | {kind.code for kind in ELSEWHERE}


# -- the reference tells the truth ---------------------------------------------------------------------

CALLS = {
    "balance_transfer": missing_funds,
    "balance_unshield": wrong_shard,
    "balance_shield": wrong_parentchain_for_vault,
    "balance_unshield_through_enclave_bridge_pallet": bridge_disabled,
    "assets_transfer": missing_assets,
    "assets_unshield": asset_not_shieldable,
    "note_bloat": amount_too_large,
    "send_relayed_note": relay_unavailable,
}


@pytest.mark.parametrize(("name", "refuse"), CALLS.items())
def test_the_reference_lists_how_a_call_fails(name: str, refuse: Callable[[], Refusal]) -> None:
    """Codes read from the source are those that the call ends with."""
    ledger = DEVELOPMENT_LEDGER
    definition = ledger.calls[name]
    assert refuse()[0].code in codes_raised(definition.method, ledger.owners[definition], ledger.runtime)

"""Every trusted call: who may make it, what it costs, what it does, how it fails, and that failure leaves no trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from integritee.frame.errors import DispatchFailure
from integritee.primitives.enclave_bridge import ShardConfig, UpgradableShardConfig
from integritee.primitives.ids import AccountId, Balance, ParentchainId
from integritee.primitives.signature import Ecdsa, Ed25519, sign
from integritee.stf.declare import App, Authority, Context, trusted_call
from integritee.stf.effects import VaultPayment
from integritee.stf.executor import Executor
from integritee.stf.fees import shielding_fee, transaction_fee, unshielding_fee
from integritee.stf.ledger import Ledger
from integritee.stf.native import NATIVE_APPS, Development, NativeToken
from integritee.stf.operation import TrustedCallSigned
from integritee.stf.runtime import ENCLAVE_ENDOWMENT

from ..invariants import assert_invariants
from .kit import ALICE, BOB, ED, ENCLAVE, EVE, FEE, MRENCLAVE, NOW, ONE, SHARD, VAULT, Bench, code

INTEGRITEE, TARGET_A = ParentchainId.Integritee, ParentchainId.TargetA
PASEO = bytes.fromhex("77afd6190f1554ad45fd0d31aee62aacc33c6db0ea801129acb813f913e0764f")


@pytest.fixture
def bench() -> Bench:
    return Bench({ALICE: 100 * ONE, BOB: 10 * ONE})


# -- what each call does


ANYONE, ENCLAVES, MAINTAINERS = Authority.ANYONE, Authority.ENCLAVE, Authority.MAINTAINER

DECLARED = {
    0: ("noop", ANYONE, "transaction_fee", ()),
    1: ("timestamp_set", ENCLAVES, "no_fee", ()),
    2: ("balance_transfer", ANYONE, "transaction_fee", ("from", "to")),
    3: ("balance_unshield", ANYONE, "unshielding_fee", ("from", "beneficiary")),
    4: ("balance_shield", ENCLAVES, "no_fee", ("who",)),
    5: ("balance_transfer_with_note", ANYONE, "note_fee", ("from", "to")),
    6: ("balance_shield_through_enclave_bridge_pallet", ENCLAVES, "no_fee", ("who",)),
    7: ("balance_unshield_through_enclave_bridge_pallet", ANYONE, "unshielding_fee", ("from", "beneficiary")),
    10: ("note_bloat", MAINTAINERS, "no_fee", ()),
    11: ("waste_time", MAINTAINERS, "no_fee", ()),
    12: ("spam_extrinsics", MAINTAINERS, "no_fee", ()),
    20: ("send_note", ANYONE, "transaction_fee", ("from", "to")),
    21: ("send_relayed_note", ANYONE, "transaction_fee", ()),
    22: ("send_relayed_note_stripped", ANYONE, "transaction_fee", ("from", "to")),
    30: ("add_session_proxy", ANYONE, "transaction_fee", ("delegator",)),
    31: ("remove_session_proxy", ANYONE, "transaction_fee", ("delegator",)),
    42: ("assets_transfer", ANYONE, "transaction_fee", ("from", "to")),
    43: ("assets_unshield", ANYONE, "unshielding_fee", ("from", "beneficiary")),
    44: ("assets_shield", ENCLAVES, "no_fee", ("who",)),
    45: ("assets_transfer_with_note", ANYONE, "note_fee", ("from", "to")),
    46: ("force_unshield_all", ENCLAVES, "no_fee", ("who",)),
    255: ("balance_set_balance", Authority.ROOT, "no_fee", ("who",)),
}
"""Discriminant → name, sender, fee, and whose buckets find a note of it."""


def test_declarations() -> None:
    calls = Ledger((*NATIVE_APPS, Development)).calls.values()
    assert {d.index: (d.name, d.authority, d.fee.__name__, d.linked) for d in calls} == DECLARED


def test_noop(bench: Bench) -> None:
    outcome = bench.run(ALICE, "noop")
    assert (outcome.error, outcome.effects, outcome.charged) == (None, (), True)
    assert bench.free(ALICE) == 100 * ONE - FEE
    assert bench.free(ENCLAVE) == ENCLAVE_ENDOWMENT + FEE
    assert bench.nonce(ALICE) == 1


def test_transfer(bench: Bench) -> None:
    assert bench.run(ALICE, "balance_transfer", BOB.public, 3 * ONE).error is None
    assert bench.free(ALICE) == 97 * ONE - FEE
    assert bench.free(BOB) == 13 * ONE
    assert bench.events() == ["Balances.Transfer", "Balances.Transfer"]


def test_transfer_to_a_new_account_emits_four_events(bench: Bench) -> None:
    assert bench.run(ALICE, "balance_transfer", EVE.public, ONE).error is None
    assert bench.events() == ["Balances.Transfer", "System.NewAccount", "Balances.Endowed", "Balances.Transfer"]


def test_transfer_of_everything_kills_the_sender(bench: Bench) -> None:
    outcome = bench.run(BOB, "balance_transfer", ALICE.public, 10 * ONE - FEE)
    assert outcome.error is None
    assert not bench.runtime.system.account.get(BOB.public).exists()
    assert bench.nonce(BOB) == 1
    assert bench.events()[-2:] == ["System.KilledAccount", "Balances.Transfer"]


@pytest.mark.parametrize("left", [1, ED - 1])
def test_dust_is_burned_and_leaves_the_issuance(bench: Bench, left: int) -> None:
    issued = bench.issued()
    assert bench.run(BOB, "balance_transfer", ALICE.public, 10 * ONE - FEE - left).error is None
    assert bench.free(BOB) == 0
    assert bench.issued() == issued - left


def test_transfer_to_oneself_and_of_nothing(bench: Bench) -> None:
    assert bench.run(ALICE, "balance_transfer", ALICE.public, 50 * ONE).error is None
    assert bench.run(ALICE, "balance_transfer", BOB.public, 0).error is None
    assert bench.run(ALICE, "balance_transfer", EVE.public, 0).error is None
    assert bench.free(ALICE) == 100 * ONE - 3 * FEE
    assert not bench.runtime.system.account.get(EVE.public).exists()


def test_unshield(bench: Bench) -> None:
    issued = bench.issued()
    outcome = bench.run(ALICE, "balance_unshield", EVE.public, 7 * ONE, SHARD)
    assert outcome.error is None
    assert outcome.effects == (VaultPayment(INTEGRITEE, EVE.public, 7 * ONE),)
    assert bench.free(ALICE) == 93 * ONE - 3 * FEE
    assert bench.issued() == issued - 7 * ONE


def test_unshield_of_everything(bench: Bench) -> None:
    outcome = bench.run(BOB, "balance_unshield", BOB.public, 10 * ONE - 3 * FEE, SHARD)
    assert outcome.effects == (VaultPayment(INTEGRITEE, BOB.public, 10 * ONE - 3 * FEE),)
    assert not bench.runtime.system.account.get(BOB.public).exists()
    assert bench.issued() == 100 * ONE + ENCLAVE_ENDOWMENT + 3 * FEE


def test_timestamp_set(bench: Bench) -> None:
    for chain in ParentchainId:
        assert bench.run(ENCLAVE, "timestamp_set", NOW + chain, chain).error is None
    assert bench.run(ENCLAVE, "timestamp_set", NOW + 6000, INTEGRITEE).error is None
    mirrors = [bench.runtime.parentchain(chain) for chain in ParentchainId]
    assert [m.now.get() for m in mirrors] == [NOW + 6000, NOW + 1, NOW + 2]
    assert [m.creation_timestamp.get() for m in mirrors] == [NOW, NOW + 1, NOW + 2]
    assert bench.free(ENCLAVE) == ENCLAVE_ENDOWMENT
    assert bench.nonce(ENCLAVE) == 4


@pytest.mark.parametrize(
    ("amount", "user", "enclave"),
    [
        (0, 0, 0),
        (1, 0, 1),
        (499, 0, 499),
        (500, 500, 0),
        (570, 570, 0),
        (571, 570, 1),
        (571 * 1000 - 1, 571 * 1000 - 1 - 999, 999),
        (10**18, 10**18 - 10**18 // 571, 10**18 // 571),
    ],
)
def test_shield(bench: Bench, amount: int, user: int, enclave: int) -> None:
    """Fee is a 571st, rounded down; what could not keep an account alive is the enclave's. Nothing disappears."""
    issued = bench.issued()
    assert bench.run(ENCLAVE, "balance_shield", EVE.public, amount, INTEGRITEE).error is None
    assert bench.free(EVE) == user
    assert bench.free(ENCLAVE) == ENCLAVE_ENDOWMENT + enclave
    assert bench.issued() == issued + amount


def test_shield_to_the_enclave_itself(bench: Bench) -> None:
    assert bench.run(ENCLAVE, "balance_shield", ENCLAVE.public, 571, INTEGRITEE).error is None
    assert bench.free(ENCLAVE) == ENCLAVE_ENDOWMENT + 571


# -- fees


@pytest.mark.parametrize(("one", "fee"), [(10**12, 10**10), (10**10, 10**8), (199, 1), (99, 0)])
def test_fees(one: int, fee: int) -> None:
    assert transaction_fee(one, ()) == fee
    assert unshielding_fee(one, ()) == 3 * fee


@pytest.mark.parametrize(("amount", "fee"), [(0, 0), (570, 0), (571, 1), (1141, 1), (1142, 2)])
def test_shielding_fee(amount: int, fee: int) -> None:
    assert shielding_fee(amount) == fee


def test_fees_follow_the_decimals_of_the_shielding_target() -> None:
    bench = Bench({ALICE: 100 * 10**10}, genesis_hash=PASEO)
    assert bench.run(ALICE, "noop").error is None
    assert bench.run(ALICE, "balance_unshield", BOB.public, 1, SHARD).error is None
    assert bench.free(ENCLAVE) == ENCLAVE_ENDOWMENT + 10**8 + 3 * 10**8


@pytest.mark.parametrize(("short", "expected"), [(0, None), (1, "stf.missing_funds")])
def test_a_fee_is_payable_to_the_last_unit(short: int, expected: str | None) -> None:
    bench = Bench({ALICE: FEE - short})
    outcome = bench.run(ALICE, "noop")
    assert code(outcome) == expected
    assert outcome.charged is (expected is None)
    assert bench.nonce(ALICE) == (0 if expected else 1)


def test_the_fee_itself_may_kill_and_the_nonce_stays() -> None:
    """The enclave gets the fee; what was left below the existential deposit is dust."""
    bench = Bench({ALICE: FEE + ED - 1})
    assert bench.run(ALICE, "noop").error is None
    assert bench.free(ENCLAVE) == ENCLAVE_ENDOWMENT + FEE
    assert bench.issued() == ENCLAVE_ENDOWMENT + FEE
    info = bench.runtime.system.account.get(ALICE.public)
    assert (info.nonce, info.exists()) == (1, False)
    assert_invariants(bench.runtime)


def test_the_dead_pay_nothing_and_leave_no_trace() -> None:
    bench = Bench()
    before = bench.root()
    outcome = bench.run(EVE, "noop")
    assert code(outcome) == "stf.missing_funds"
    assert outcome.error is not None
    assert outcome.error.data() == {"needed": str(FEE), "available": "0"}
    assert bench.root() == before


# -- failures that are charged: fee and nonce stay, nothing else


def maintenance(bench: Bench) -> None:
    config = UpgradableShardConfig(ShardConfig(MRENCLAVE, maintenance_mode=True))
    bench.runtime.shard_management.set_config(config, 7)


def no_vault(bench: Bench) -> None:
    bench.runtime.integritee.shard_vault.kill()


CHARGED: list[Any] = [
    pytest.param(ALICE, "balance_transfer", (BOB.public, 101 * ONE), None, "stf.missing_funds", id="too_much"),
    pytest.param(ALICE, "balance_transfer", (EVE.public, ED - 1), None, "token.below_minimum", id="too_little"),
    pytest.param(ALICE, "balance_transfer", (BOB.public, 2**128 - 1), None, "stf.missing_funds", id="absurd"),
    pytest.param(ALICE, "balance_unshield", (EVE.public, ONE, bytes(32)), None, "stf.wrong_shard", id="shard"),
    pytest.param(ALICE, "balance_unshield", (EVE.public, ONE, SHARD), no_vault, "stf.no_shard_vault", id="vault"),
    pytest.param(ALICE, "balance_unshield", (EVE.public, 100 * ONE, SHARD), None, "stf.missing_funds", id="funds"),
    pytest.param(
        ENCLAVE, "balance_shield", (EVE.public, ONE, INTEGRITEE), no_vault, "stf.no_shard_vault", id="s_vault"
    ),
    pytest.param(
        ENCLAVE, "balance_shield", (EVE.public, ONE, TARGET_A), None, "stf.wrong_parentchain_for_vault", id="chain"
    ),
    pytest.param(
        ENCLAVE, "balance_shield", (ALICE.public, 2**128 - 1, INTEGRITEE), None, "arithmetic.overflow", id="overflow"
    ),
]


@pytest.mark.parametrize(("pair", "name", "args", "arrange", "expected"), CHARGED)
def test_a_failed_call_keeps_fee_and_nonce_only(
    pair: Any, name: str, args: tuple[Any, ...], arrange: Callable[[Bench], None] | None, expected: str
) -> None:
    bench, twin = (Bench({ALICE: 100 * ONE, BOB: 10 * ONE}) for _ in range(2))
    for each in (bench, twin):
        if arrange is not None:
            arrange(each)
    outcome = bench.run(pair, name, *args)
    assert (code(outcome), outcome.charged, outcome.effects) == (expected, True, ())
    fee = twin.ledger.call(name, pair.public, *args).definition.fee(ONE, ())
    if fee:
        twin.runtime.balances.transfer(pair.public, ENCLAVE.public, fee)
    twin.runtime.system.increment_nonce(pair.public)
    assert bench.root() == twin.root()


def test_enclave_calls_pass_in_maintenance(bench: Bench) -> None:
    maintenance(bench)
    assert bench.run(ENCLAVE, "timestamp_set", NOW, INTEGRITEE).error is None
    assert bench.run(ENCLAVE, "balance_shield", EVE.public, ONE, INTEGRITEE).error is None


# -- refusals before anything is charged


def test_order_of_checks(bench: Bench) -> None:
    """Signature, session proxy, authority, mode, nonce, fee, dispatch: each call has all the faults that follow its
    first one."""
    call = bench.call("balance_transfer", EVE.public, BOB.public, 10**6 * ONE)
    enclaves = bench.call("balance_shield", EVE.public, EVE.public, ONE, TARGET_A)
    unsigned = bench.signed(BOB, call, 7)
    steps = [
        (TrustedCallSigned(call, 7, None, unsigned.signature), "stf.invalid_signature"),
        (bench.signed(BOB, call, 7), "stf.missing_privileges"),
        (bench.signed(EVE, enclaves, 7), "stf.require_enclave_signer"),
        (bench.signed(EVE, call, 7), "stf.filtered"),
        (bench.signed(EVE, call, 7), "stf.invalid_nonce"),
        (bench.signed(EVE, call, 0), "stf.missing_funds"),
    ]
    maintenance(bench)
    before = bench.root()
    for signed, expected in steps:
        if expected == "stf.invalid_nonce":
            bench.runtime.shard_management.set_config(UpgradableShardConfig(ShardConfig(MRENCLAVE)), 8)
            before = bench.root()
        outcome = bench.execute(signed)
        assert (code(outcome), outcome.charged) == (expected, False)
        assert bench.root() == before
    bench.runtime.balances.mint(EVE.public, ONE)
    failed = bench.execute(bench.signed(EVE, call, 0))
    assert (code(failed), failed.charged) == ("stf.missing_funds", True)


@pytest.mark.parametrize("name", ["noop", "balance_transfer"])
def test_maintenance_refuses_and_charges_nothing(bench: Bench, name: str) -> None:
    maintenance(bench)
    before = bench.root()
    outcome = bench.run(ALICE, name, *([BOB.public, ONE] if name == "balance_transfer" else []))
    assert (code(outcome), outcome.charged) == ("stf.filtered", False)
    assert bench.root() == before


@pytest.mark.parametrize("nonce", [0, 2, 3, 2**32 - 1])
def test_only_the_next_nonce_runs(bench: Bench, nonce: int) -> None:
    bench.run(ALICE, "noop")
    outcome = bench.execute(bench.signed(ALICE, bench.call("noop", ALICE.public), nonce))
    assert outcome.error is not None
    assert outcome.error.data() == {"found": nonce, "expected": 1}
    assert bench.nonce(ALICE) == 1


def test_no_call_runs_twice(bench: Bench) -> None:
    signed = bench.signed(ALICE, bench.call("balance_transfer", ALICE.public, BOB.public, ONE))
    assert bench.execute(signed).error is None
    assert code(bench.execute(signed)) == "stf.invalid_nonce"
    assert bench.free(BOB) == 11 * ONE


def test_no_call_runs_twice_even_after_death_and_resurrection(bench: Bench) -> None:
    signed = bench.signed(BOB, bench.call("balance_transfer", BOB.public, ALICE.public, 10 * ONE - FEE))
    assert bench.execute(signed).error is None
    assert bench.run(ALICE, "balance_transfer", BOB.public, 10 * ONE).error is None
    assert code(bench.execute(signed)) == "stf.invalid_nonce"
    assert bench.free(BOB) == 10 * ONE


@pytest.mark.parametrize(
    "alter",
    [
        pytest.param(lambda b, s: Executor(b.ledger, b.runtime, bytes(32), SHARD), id="other_enclave"),
        pytest.param(lambda b, s: Executor(b.ledger, b.runtime, MRENCLAVE, bytes(32)), id="other_shard"),
    ],
)
def test_a_signature_is_for_one_enclave_and_shard(bench: Bench, alter: Callable[..., Executor]) -> None:
    signed = bench.signed(ALICE, bench.call("noop", ALICE.public))
    assert code(alter(bench, signed).execute(signed, NOW)) == "stf.invalid_signature"
    assert bench.execute(signed).error is None


def test_altered_calls(bench: Bench) -> None:
    call = bench.call("balance_transfer", ALICE.public, BOB.public, ONE)
    signed = bench.signed(ALICE, call)
    more = bench.call("balance_transfer", ALICE.public, BOB.public, 2 * ONE)
    away = bench.call("balance_transfer", ALICE.public, EVE.public, ONE)
    for altered in (
        TrustedCallSigned(more, 0, None, signed.signature),
        TrustedCallSigned(away, 0, None, signed.signature),
        TrustedCallSigned(call, 1, None, signed.signature),
        TrustedCallSigned(call, 0, BOB.public, signed.signature),
        TrustedCallSigned(call, 0, None, Ecdsa(bytes(65))),
        TrustedCallSigned(call, 0, None, Ed25519(bytes(64))),
    ):
        assert code(bench.execute(altered)) == "stf.invalid_signature"


def test_the_wrapped_signature_counts_as_much(bench: Bench) -> None:
    call = bench.call("noop", ALICE.public)
    payload = bench.ledger.call_payload(call, 0, MRENCLAVE, SHARD)
    wrapped = TrustedCallSigned(call, 0, None, sign(ALICE, b"<Bytes>" + payload + b"</Bytes>"))
    assert bench.execute(wrapped).error is None


def test_a_verified_call_is_not_verified_again(bench: Bench) -> None:
    signed = TrustedCallSigned(bench.call("noop", ALICE.public), 0, None, Ed25519(bytes(64)))
    assert bench.executor.execute(signed, NOW, verified=True).error is None


# -- apps


class Probe(App):
    """Calls that go wrong half-way."""

    @trusted_call(200, fee=transaction_fee)
    def waste(self, ctx: Context, sender: AccountId, to: AccountId, value: Balance) -> None:
        """Transfer, promise a payment, and fail."""
        self.runtime.balances.transfer(sender, to, value)
        ctx.effects.append(VaultPayment(ParentchainId.Integritee, to, value))
        self.runtime.balances.burn_from(to, 10**30)

    @trusted_call(201, authority=Authority.ENCLAVE)
    def free_for_the_enclave(self, ctx: Context, sender: AccountId) -> None:
        """Nothing."""

    @trusted_call(202)
    def overrun(self, ctx: Context, sender: AccountId) -> None:
        """Write what no codec can."""
        self.runtime.balances.mint(sender, ONE)
        self.runtime.timestamp.now.put(1 << 64)


def test_half_done_work_is_undone() -> None:
    ledger = Ledger((NativeToken, Probe))
    bench, twin = Bench({ALICE: 100 * ONE}, ledger), Bench({ALICE: 100 * ONE}, ledger)
    outcome = bench.run(ALICE, "waste", EVE.public, ONE)
    assert isinstance(outcome.error, DispatchFailure)
    assert (outcome.charged, outcome.effects) == (True, ())
    assert twin.run(ALICE, "noop").error is None
    assert bench.root() == twin.root()
    assert bench.events() == twin.events()


def test_an_error_of_any_layer_fails_its_call_only() -> None:
    bench = Bench({ALICE: 100 * ONE}, Ledger((NativeToken, Probe)))
    outcome = bench.run(ALICE, "overrun")
    assert (code(outcome), outcome.charged) == ("scale.encode", True)
    assert bench.free(ALICE) == 100 * ONE
    assert bench.nonce(ALICE) == 1
    assert bench.runtime.state.depth == 0


def test_authority_is_the_sender_not_the_signer() -> None:
    bench = Bench({ALICE: ONE}, Ledger((NativeToken, Probe)))
    as_delegate = bench.signed(ALICE, bench.call("free_for_the_enclave", ENCLAVE.public), 0)
    assert as_delegate.delegate == ALICE.public
    assert code(bench.execute(as_delegate)) == "stf.missing_privileges"
    assert code(bench.run(ALICE, "free_for_the_enclave")) == "stf.require_enclave_signer"
    assert bench.run(ENCLAVE, "free_for_the_enclave").error is None


def test_the_vaults_chain_is_named_in_the_payment() -> None:
    bench = Bench({ALICE: 100 * ONE}, vault=False)
    bench.runtime.target_b.set_vault(VAULT)
    outcome = bench.run(ALICE, "balance_unshield", EVE.public, ONE, SHARD)
    assert outcome.effects == (VaultPayment(ParentchainId.TargetB, EVE.public, ONE),)

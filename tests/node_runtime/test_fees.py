"""Fees: how much, from whom, to whom, and in which order the events tell of it."""

from __future__ import annotations

from typing import Any

import pytest

from integritee.frame.extrinsic import EXTENSION_WEIGHT, UncheckedExtrinsic
from integritee.frame.fees import FeeDetails, InclusionFee, RuntimeDispatchInfo
from integritee.frame.limits import BASE_EXTRINSIC
from integritee.frame.outer import RuntimeCall
from integritee.frame.pallets.transaction_payment import TREASURY
from integritee.frame.weights import DispatchClass, DispatchInfo, Pays, Weight
from integritee.primitives.ids import Balance, Id
from integritee.scale import Err, Ok, decode, encode, u32

from .chain_kit import ALICE, BOB, CHARLIE, DAVE, ENGINE, Chain, call, codec, transfer

TO_BOB = transfer(BOB.public, 10**12)
TRANSFER_WEIGHT = 35_421_000 + 25_000_000 + 100_000_000
TEER = 10**12


def fee_of(extrinsic: bytes, weight: int = TRANSFER_WEIGHT) -> int:
    return BASE_EXTRINSIC.ref_time + len(extrinsic) * 10**6 + weight + EXTENSION_WEIGHT.ref_time


def free(chain: Chain, who: bytes) -> int:
    return chain.runtime().balances.free(who)


def issued(chain: Chain) -> int:
    return chain.runtime().balances.total_issuance.get()


def paid(chain: Chain, position: int = 1) -> tuple[Any, ...]:
    """Fields of TransactionFeePaid of an extrinsic of the best block."""
    (found,) = [r.event.values for r in chain.events(position) if r.event.name == "TransactionFeePaid"]
    return found


def test_a_transfer_pays_base_length_and_weight(chain: Chain) -> None:
    extrinsic = chain.sign(TO_BOB)
    fee = fee_of(extrinsic)
    chain.make(extrinsic)
    assert paid(chain) == (ALICE.public, fee, 0)
    assert free(chain, ALICE.public) == 1000 * TEER - TEER - fee
    assert free(chain, BOB.public) == 1001 * TEER
    assert free(chain, TREASURY) == 1000 * TEER + fee // 100
    assert issued(chain) == 5000 * TEER - fee + fee // 100


def test_order_of_events(chain: Chain) -> None:
    chain.make(chain.sign(TO_BOB), chain.sign(transfer(DAVE.public, 10**9), BOB))
    assert chain.names(0) == ["System.ExtrinsicSuccess"]
    assert chain.names(1) == [
        "Balances.Withdraw",
        "Balances.Transfer",
        "Balances.Deposit",
        "TransactionPayment.TransactionFeePaid",
        "System.ExtrinsicSuccess",
    ]
    assert chain.names(2) == [
        "Balances.Withdraw",
        "System.NewAccount",
        "Balances.Endowed",
        "Balances.Transfer",
        "Balances.Deposit",
        "TransactionPayment.TransactionFeePaid",
        "System.ExtrinsicSuccess",
    ]


def test_a_failing_call_keeps_fee_and_nonce(chain: Chain) -> None:
    extrinsic = chain.sign(transfer(BOB.public, 10**18))
    (outcome,) = chain.make(extrinsic)
    assert isinstance(outcome.value, Err)
    assert chain.names(1) == [
        "Balances.Withdraw",
        "Balances.Deposit",
        "TransactionPayment.TransactionFeePaid",
        "System.ExtrinsicFailed",
    ]
    assert chain.events(1)[-1].event.values[0] == outcome.value.error
    assert free(chain, ALICE.public) == 1000 * TEER - fee_of(extrinsic)
    assert chain.runtime().system.nonce(ALICE.public) == 1


def test_tips_go_to_the_treasury(chain: Chain) -> None:
    extrinsic = chain.sign(TO_BOB, tip=7 * TEER)
    chain.make(extrinsic)
    fee = fee_of(extrinsic)
    assert paid(chain) == (ALICE.public, fee + 7 * TEER, 7 * TEER)
    assert free(chain, TREASURY) == 1007 * TEER + fee // 100
    assert issued(chain) == 5000 * TEER - fee + fee // 100


def test_free_calls_are_refunded(chain: Chain) -> None:
    inner = call("System", "remark", b"")
    chain.make(chain.sign(call("Sudo", "sudo", inner)))
    assert chain.names(1) == [
        "Balances.Withdraw",
        "Sudo.Sudid",
        "Balances.Deposit",
        "TransactionPayment.TransactionFeePaid",
        "System.ExtrinsicSuccess",
    ]
    assert paid(chain) == (ALICE.public, 0, 0)
    assert free(chain, ALICE.public) == 1000 * TEER
    (info,) = chain.events(1)[-1].event.values
    assert info.pays_fee is Pays.No
    assert issued(chain) == 5000 * TEER
    chain.make(chain.sign(call("Sudo", "sudo", inner), tip=5))
    assert paid(chain) == (ALICE.public, 5, 5)
    assert chain.names(1)[2:4] == ["Balances.Deposit", "Balances.Deposit"]
    assert free(chain, TREASURY) == 1000 * TEER + 5


def test_a_dead_account_gets_no_refund(chain: Chain) -> None:
    """Root sets its own balance to nothing while its fee is withheld."""
    chain.make(chain.sign(call("Sudo", "sudo", call("Balances", "force_set_balance", Id(ALICE.public), 0))))
    assert free(chain, ALICE.public) == 0
    assert "System.KilledAccount" in chain.names(1)
    runtime = chain.runtime()
    total = sum(info.data.free + info.data.reserved for _, info in runtime.system.account.items())
    assert runtime.balances.total_issuance.get() == total


def test_the_account_must_survive_its_fee(chain: Chain) -> None:
    probe = chain.sign(transfer(BOB.public, 0), CHARLIE)
    fee = fee_of(probe)
    chain.make(chain.sign(call("Sudo", "sudo", call("Balances", "force_set_balance", Id(CHARLIE.public), fee + 499))))
    assert chain.make(probe)[0].__class__ is Err
    chain.make(chain.sign(call("Sudo", "sudo", call("Balances", "force_set_balance", Id(CHARLIE.public), fee + 500))))
    assert chain.make(probe) == [Ok(Ok(None))]
    assert free(chain, CHARLIE.public) == 500


def test_conservation_over_many_extrinsics(chain: Chain) -> None:
    for n in range(4):
        chain.make(
            chain.sign(transfer(bytes([n + 1]) * 32, 10**9)),
            chain.sign(call("Balances", "transfer_all", Id(ALICE.public), True), BOB),
            chain.sign(call("Balances", "burn", 10**11, False), CHARLIE),
        )
    runtime = chain.runtime()
    total = sum(info.data.free + info.data.reserved for _, info in runtime.system.account.items())
    assert issued(chain) == total


# -- queries -------------------------------------------------------------------------------------


def query(name: str, *args: bytes) -> bytes:
    return ENGINE.call(name, Chain().overlay(), b"".join(args))


def test_query_info_agrees_with_what_is_paid(chain: Chain) -> None:
    extrinsic = chain.sign(TO_BOB, tip=9)
    raw = query("TransactionPaymentApi_query_info", extrinsic, encode(u32, len(extrinsic)))
    weight = Weight(TRANSFER_WEIGHT + EXTENSION_WEIGHT.ref_time)
    assert decode(RuntimeDispatchInfo, raw) == RuntimeDispatchInfo(weight, DispatchClass.Normal, fee_of(extrinsic))
    chain.make(extrinsic)
    assert paid(chain)[1] == fee_of(extrinsic) + 9


def test_fee_details(chain: Chain) -> None:
    extrinsic = chain.sign(TO_BOB)
    raw = query("TransactionPaymentApi_query_fee_details", extrinsic, encode(u32, len(extrinsic)))
    details = decode(FeeDetails, raw)
    weight = TRANSFER_WEIGHT + EXTENSION_WEIGHT.ref_time
    assert details == FeeDetails(InclusionFee(108_157_000, len(extrinsic) * 10**6, weight), 0)
    assert details.total() == fee_of(extrinsic)


@pytest.mark.parametrize(
    "make",
    [
        lambda c: c.sign(TO_BOB, nonce=77),
        lambda c: c.sign(TO_BOB, DAVE),
        lambda c: c.sign(TO_BOB, genesis_hash=bytes(32)),
        lambda c: c.sign(call("System", "remark", bytes(5000))),
    ],
    ids=["other nonce", "no account", "other chain", "long"],
)
def test_any_decodable_extrinsic_has_a_price(chain: Chain, make: Any) -> None:
    extrinsic = make(chain)
    raw = query("TransactionPaymentApi_query_fee_details", extrinsic, encode(u32, len(extrinsic)))
    assert decode(FeeDetails, raw).inclusion_fee.len_fee == len(extrinsic) * 10**6


def test_inherents_are_free(chain: Chain) -> None:
    chain.make()
    inherent = chain.bodies[-1][0]
    details = query("TransactionPaymentApi_query_fee_details", inherent, encode(u32, len(inherent)))
    assert details == bytes(17)
    info = decode(
        RuntimeDispatchInfo, query("TransactionPaymentApi_query_info", inherent, encode(u32, len(inherent)))
    )
    assert info == RuntimeDispatchInfo(Weight(162_023_000), DispatchClass.Mandatory, 0)


def test_calls_have_a_price_before_they_are_signed() -> None:
    encoded = codec(RuntimeCall).encode(TO_BOB)
    raw = query("TransactionPaymentCallApi_query_call_info", encoded, encode(u32, 100))
    expected = RuntimeDispatchInfo(
        Weight(TRANSFER_WEIGHT), DispatchClass.Normal, 108_157_000 + 10**8 + TRANSFER_WEIGHT
    )
    assert decode(RuntimeDispatchInfo, raw) == expected
    raw = query("TransactionPaymentCallApi_query_call_fee_details", encoded, encode(u32, 100))
    assert decode(FeeDetails, raw).total() == expected.partial_fee


@pytest.mark.parametrize("api", ["TransactionPaymentApi", "TransactionPaymentCallApi"])
def test_prices_of_weight_and_length(api: str) -> None:
    assert decode(Balance, query(f"{api}_query_weight_to_fee", encode(Weight, Weight(5_000, 9)))) == 5_000
    assert decode(Balance, query(f"{api}_query_weight_to_fee", encode(Weight, Weight(10**15)))) == 2 * 10**12
    assert decode(Balance, query(f"{api}_query_length_to_fee", encode(u32, 7))) == 7 * 10**6


def test_the_multiplier_scales_the_weight_fee_only() -> None:
    payment = Chain().runtime().transaction_payment
    payment.next_fee_multiplier.put(3 * 10**18 // 2)
    details = payment.fee_details(10, DispatchInfo(Weight(1001)))
    assert details.inclusion_fee == InclusionFee(108_157_000, 10**7, 1501)


def test_free_calls_have_no_inclusion_fee() -> None:
    payment = Chain().runtime().transaction_payment
    details = payment.fee_details(10, DispatchInfo(Weight(1001), pays_fee=Pays.No), tip=4)
    assert (details, details.total()) == (FeeDetails(None, 4), 4)


@pytest.mark.parametrize(
    ("class_", "tip", "priority"),
    [
        (DispatchClass.Normal, 0, 20),
        (DispatchClass.Normal, 9, 200),
        (DispatchClass.Operational, 0, 20 * (1 + 5 * 100)),
    ],
)
def test_priority(class_: DispatchClass, tip: int, priority: int) -> None:
    """A tenth of a second each: twenty fit a block."""
    payment = Chain().runtime().transaction_payment
    assert payment.priority(100, DispatchInfo(Weight(10**11), class_), tip, 100) == priority


def test_priority_is_bounded() -> None:
    payment = Chain().runtime().transaction_payment
    assert payment.priority(0, DispatchInfo(Weight()), 1 << 127, 0) == (1 << 64) - 1


def test_extrinsics_are_counted_whole(chain: Chain) -> None:
    """The length that is paid for is that of the bytes in the body, prefix included."""
    extrinsic = chain.sign(TO_BOB)
    assert codec(UncheckedExtrinsic).decode(extrinsic).raw == extrinsic
    chain.make(extrinsic)
    assert paid(chain)[1] - fee_of(b"") == len(extrinsic) * 10**6

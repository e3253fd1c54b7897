"""Money in the EVM: values, gas, tips, existential deposits, withdrawals. No unit appears or disappears untold."""

from __future__ import annotations

import pytest

from integritee.apps.evm import pallet
from integritee.apps.evm.addresses import create_address, mapped_account
from integritee.crypto import KeyPair

from ...stf.kit import ALICE, BOB, ED, ENCLAVE, code
from .assembler import assemble
from .contracts import COUNTER, FACTORY, FORWARDER, INC, MORTAL
from .kit import ALICE_EVM, BOB_EVM, GAS, STRANGER, EvmBench

TRANSFER_GAS = 21_000


def word(address: bytes) -> bytes:
    return address.rjust(32, b"\0")


def test_spendable_is_what_exceeds_the_existential_deposit() -> None:
    bench = EvmBench(spendable=1234)
    assert bench.spendable(ALICE_EVM) == 1234
    assert bench.free(mapped_account(ALICE_EVM)) == 1234 + ED
    assert bench.spendable(STRANGER) == 0


@pytest.mark.parametrize("value", [0, 1, ED - 1, ED, 10**12])
def test_value_arrives_whole_and_gas_is_burned(value: int) -> None:
    bench = EvmBench()
    alice, bob, issued = bench.spendable(ALICE_EVM), bench.spendable(BOB_EVM), bench.issued()
    assert bench.invoke(ALICE, BOB_EVM, value=value).error is None
    assert bench.spendable(BOB_EVM) == bob + value
    assert bench.spendable(ALICE_EVM) == alice - value - TRANSFER_GAS
    assert bench.issued() == issued - TRANSFER_GAS
    bench.check()


@pytest.mark.parametrize("value", [1, ED - 1, ED, 10**12])
def test_who_brings_an_account_to_life_pays_its_deposit(value: int) -> None:
    bench = EvmBench()
    alice, issued = bench.spendable(ALICE_EVM), bench.issued()
    assert bench.invoke(ALICE, STRANGER, value=value).error is None
    assert bench.spendable(STRANGER) == value
    assert bench.free(mapped_account(STRANGER)) == value + ED
    assert bench.spendable(ALICE_EVM) == alice - value - ED - TRANSFER_GAS
    assert bench.issued() == issued - TRANSFER_GAS
    bench.check()


def test_an_account_that_is_sent_nothing_stays_unborn() -> None:
    bench = EvmBench()
    assert bench.invoke(ALICE, STRANGER).error is None
    assert mapped_account(STRANGER) not in bench.all_accounts()
    bench.check()


def test_a_deposit_that_cannot_be_paid() -> None:
    bench = EvmBench(spendable=TRANSFER_GAS + 10 + ED - 1)
    given = {"value": 10, "gas_limit": TRANSFER_GAS}
    outcome = bench.invoke(ALICE, STRANGER, **given)
    assert code(outcome) == "evm.deposit_unpaid"
    assert outcome.error is not None
    assert outcome.error.data() == {"needed": str(ED), "available": str(ED - 1)}
    assert bench.spendable(STRANGER) == 0
    bench.runtime.balances.mint(mapped_account(ALICE_EVM), 1)
    assert bench.invoke(ALICE, STRANGER, **given).error is None
    assert (bench.spendable(ALICE_EVM), bench.spendable(STRANGER)) == (0, 10)
    assert bench.free(mapped_account(ALICE_EVM)) == ED
    bench.check()


def test_deposits_of_accounts_that_contracts_bring_to_life() -> None:
    """The source of the call pays for them, not the contract."""
    bench = EvmBench()
    forwarder = bench.deployed(FORWARDER)
    alice, issued = bench.spendable(ALICE_EVM), bench.issued()
    assert bench.invoke(ALICE, forwarder, word(STRANGER), value=1000).error is None
    assert (bench.spendable(STRANGER), bench.spendable(forwarder)) == (1000, 0)
    assert alice - bench.spendable(ALICE_EVM) == 1000 + ED + issued - bench.issued()
    bench.check()


def test_contracts_may_live_without_funds() -> None:
    bench = EvmBench()
    counter = bench.deployed(COUNTER)
    info = bench.all_accounts()[mapped_account(counter)]
    assert (info.nonce, info.providers, info.data.free) == (1, 0, 0)
    bench.check()


def test_tips_go_to_the_enclave_account() -> None:
    bench = EvmBench()
    before, issued, alice = bench.free(ENCLAVE), bench.issued(), bench.spendable(ALICE_EVM)
    fee = 10**10
    assert bench.invoke(ALICE, BOB_EVM, max_fee=10, priority_fee=4).error is None
    assert bench.free(ENCLAVE) == before + fee + 4 * TRANSFER_GAS
    assert bench.issued() == issued - TRANSFER_GAS
    assert bench.spendable(ALICE_EVM) == alice - 5 * TRANSFER_GAS
    bench.check()


def test_a_tip_is_no_more_than_the_maximum_leaves() -> None:
    bench = EvmBench()
    alice = bench.spendable(ALICE_EVM)
    assert bench.invoke(ALICE, BOB_EVM, max_fee=3, priority_fee=3).error is None
    assert bench.spendable(ALICE_EVM) == alice - 3 * TRANSFER_GAS


def test_gas_that_was_not_used_is_given_back() -> None:
    bench = EvmBench()
    counter = bench.deployed(COUNTER)
    costs = []
    for gas_limit in (60_000, 10_000_000):
        before = bench.spendable(ALICE_EVM)
        assert bench.invoke(ALICE, counter, INC, gas_limit=gas_limit).error is None
        costs.append(before - bench.spendable(ALICE_EVM))
    assert costs[0] == costs[1]


def test_withdrawal() -> None:
    bench = EvmBench()
    account, evm, issued = bench.free(BOB), bench.spendable(BOB_EVM), bench.issued()
    assert bench.run(BOB, "evm_withdraw", BOB_EVM, 10**9).error is None
    assert bench.free(BOB) == account - 10**10 + 10**9
    assert (bench.spendable(BOB_EVM), bench.issued()) == (evm - 10**9, issued)
    bench.check()


@pytest.mark.parametrize(
    ("left", "burned"),
    [
        pytest.param(0, 0, id="all of it"),
        pytest.param(1, 1, id="a dust unit is burned"),
        pytest.param(ED - 1, ED - 1, id="most dust"),
        pytest.param(ED, 0, id="the deposit stays"),
    ],
)
def test_withdrawal_may_end_an_account(left: int, burned: int) -> None:
    bench = EvmBench()
    assert bench.invoke(BOB, ALICE_EVM).error is None
    source, issued = mapped_account(BOB_EVM), bench.issued()
    assert bench.run(BOB, "evm_withdraw", BOB_EVM, bench.free(source) - left).error is None
    assert bench.free(source) == left - burned
    assert bench.issued() == issued - burned
    assert bench.evm_nonce(BOB_EVM) == 1, "the nonce outlives the account"
    bench.check()


def test_withdrawal_of_too_much() -> None:
    bench = EvmBench(spendable=100)
    outcome = bench.run(BOB, "evm_withdraw", BOB_EVM, 101 + ED)
    assert code(outcome) == "evm.insufficient_balance"
    assert outcome.error is not None
    assert outcome.error.data() == {"needed": str(101 + ED), "available": str(100 + ED)}


# -- self-destruction --------------------------------------------------------------------------------


def test_self_destruction_clears_the_contract_and_gives_its_deposit_back() -> None:
    bench = EvmBench()
    untouched = bench.contracts()
    mortal = bench.deployed(MORTAL, value=10_000)
    assert bench.evm.slot(mortal, 0) == 7
    alice, bob, issued = bench.spendable(ALICE_EVM), bench.spendable(BOB_EVM), bench.issued()
    assert bench.invoke(ALICE, mortal, word(BOB_EVM)).error is None
    burned = issued - bench.issued()
    assert bench.spendable(BOB_EVM) == bob + 10_000
    assert bench.spendable(ALICE_EVM) == alice + ED - burned
    assert bench.contracts() == untouched
    assert mapped_account(mortal) not in bench.all_accounts()
    bench.check()


@pytest.mark.parametrize("pair", [ALICE, BOB])
def test_the_deposit_goes_to_whoever_ends_the_contract(pair: KeyPair) -> None:
    bench = EvmBench()
    mortal = bench.deployed(MORTAL, value=10_000)
    address = pair.public[:20]
    before, issued = bench.spendable(address), bench.issued()
    assert bench.invoke(pair, mortal, word(STRANGER)).error is None
    assert bench.spendable(address) == before - (issued - bench.issued()), "one deposit back, one for the stranger"
    assert bench.spendable(STRANGER) == 10_000
    bench.check()


def test_funds_left_to_oneself_at_the_end_are_burned() -> None:
    bench = EvmBench()
    mortal = bench.deployed(MORTAL, value=10_000)
    alice, issued = bench.spendable(ALICE_EVM), bench.issued()
    assert bench.invoke(ALICE, mortal, word(mortal)).error is None
    gas = alice + ED - bench.spendable(ALICE_EVM)
    assert issued - bench.issued() == 10_000 + gas
    assert mapped_account(mortal) not in bench.all_accounts()
    bench.check()


def test_self_destruction_before_life() -> None:
    """Init code that destroys itself leaves no contract; what it was given has gone on."""
    bench = EvmBench()
    address = create_address(ALICE_EVM, 0)
    contracts = bench.contracts()
    heir = int.from_bytes(STRANGER, "big")
    assert bench.create(ALICE, assemble(f"1 0 SSTORE {heir} SELFDESTRUCT"), value=5).error is None
    assert bench.contracts() == contracts
    assert (bench.spendable(STRANGER), bench.evm_nonce(address)) == (5, 0)
    assert mapped_account(address) not in bench.all_accounts()
    bench.check()


@pytest.mark.parametrize(("stored", "expected"), [(4, None), (5, "evm.storage_too_large")])
def test_storage_that_is_destroyed_has_a_limit(
    stored: int, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It costs next to no gas, however much there is; the limit is that of a call, whatever it destroys."""
    monkeypatch.setattr(pallet, "MAX_WIPED_SLOTS", 4)
    bench = EvmBench()
    mortals = [bench.deployed(MORTAL) for _ in range(2)]  # each has one slot
    for slot in range(1, stored - 1):
        bench.evm.account_storages.put(mortals[0], bytes([slot]) * 32, b"\x01" * 32)
    contracts = bench.contracts()
    both = " ".join(f"0 0 32 0 0 {int.from_bytes(who, 'big')} GAS CALL POP" for who in mortals)
    outcome = bench.create(ALICE, assemble(both + " STOP"))
    assert code(outcome) == expected
    assert (bench.contracts() == contracts) == (expected is not None)
    bench.check()


def test_assets_keep_the_account_of_a_destroyed_contract() -> None:
    """What the ledger knows of the account beside the EVM stays."""
    bench = EvmBench()
    mortal = bench.deployed(MORTAL, value=10_000)
    who = mapped_account(mortal)
    info = bench.runtime.system.account.get(who)
    bench.runtime.system.store_account(who, bench.runtime.system.add_sufficient(info))
    assert bench.invoke(ALICE, mortal, word(BOB_EVM)).error is None
    left = bench.all_accounts()[who]
    assert (left.nonce, left.data.free, left.sufficients) == (0, 0, 1)


def test_values_pass_through_nested_creation() -> None:
    bench = EvmBench()
    factory = bench.deployed(FACTORY)
    alice, issued = bench.spendable(ALICE_EVM), bench.issued()
    assert bench.invoke(ALICE, factory, COUNTER, value=77).error is None
    child = create_address(factory, 1)
    assert (bench.spendable(child), bench.spendable(factory)) == (77, 0)
    assert alice - bench.spendable(ALICE_EVM) == 77 + ED + issued - bench.issued()
    assert issued - bench.issued() < GAS
    bench.check()

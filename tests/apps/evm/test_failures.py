"""Calls that fail: each has its code, and nothing but fee and nonce remains of them."""

from __future__ import annotations

from typing import Any

import pytest

from integritee.apps.evm.addresses import create_address, evm_address
from integritee.apps.evm.engine import MAX_REVERT_BYTES, revert_reason
from integritee.apps.evm.transaction import BLOCK_GAS_LIMIT, MAX_STEPS

from ...stf.kit import ALICE, BOB, FEE, code
from .assembler import assemble, deployable
from .contracts import COUNTER, INC, LOOP, REVERTING, STUCK, invoke
from .kit import ALICE_EVM, BOB_EVM, GAS, RICH, EvmBench

FAILING = {
    "evm.reverted": REVERTING,
    "evm.out_of_gas": LOOP,
    "evm.halted": STUCK,
}


@pytest.mark.parametrize(("expected", "init"), FAILING.items())
def test_a_failing_call_leaves_nothing(expected: str, init: bytes) -> None:
    bench = EvmBench()
    contract = bench.deployed(init)
    accounts, contracts, events = bench.all_accounts(), bench.contracts(), bench.events()
    outcome = bench.invoke(ALICE, contract, value=7, gas_limit=100_000)
    assert (code(outcome), outcome.charged) == (expected, True)
    assert bench.contracts() == contracts
    assert [e for e in bench.events()[len(events) :] if e != "Balances.Transfer"] == []
    changed = {who for who, info in bench.all_accounts().items() if accounts.get(who) != info}
    assert changed == {ALICE.public, bench.runtime.enclave_account.account.get()}
    assert bench.all_accounts()[ALICE.public].nonce == accounts[ALICE.public].nonce + 1
    assert bench.free(ALICE) == accounts[ALICE.public].data.free - FEE
    bench.check()


@pytest.mark.parametrize(
    "init", [assemble("0 0 REVERT"), assemble("@x JUMP x:")[:-1], assemble("0 DUP1 SSTORE 1 ADD")]
)
def test_a_failing_creation_leaves_nothing(init: bytes) -> None:
    bench = EvmBench()
    contracts, nonce = bench.contracts(), bench.evm_nonce(ALICE_EVM)
    assert code(bench.create(ALICE, init, value=1000)) in {"evm.reverted", "evm.halted"}
    assert (bench.contracts(), bench.evm_nonce(ALICE_EVM)) == (contracts, nonce)
    assert bench.spendable(create_address(ALICE_EVM, nonce)) == 0
    bench.check()


def test_a_frame_that_fails_inside_a_call_that_succeeds() -> None:
    """The outer frame goes on; of the inner one nothing remains."""
    bench = EvmBench()
    inner = int.from_bytes(bench.deployed(REVERTING), "big")
    outer = bench.deployed(deployable(assemble(f"0 0 0 0 0 {inner} GAS CALL 5 ADD 0 SSTORE STOP")))
    assert bench.invoke(ALICE, outer).error is None
    assert bench.evm.slot(outer, 0) == 5
    assert bench.evm.slot(inner.to_bytes(20, "big"), 0) == 0
    assert bench.spendable((0xDEAD).to_bytes(20, "big")) == 0


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        pytest.param("evm.gas_limit_too_high", {"gas_limit": BLOCK_GAS_LIMIT + 1}, id="more gas than a block"),
        pytest.param("evm.gas_limit_too_high", {"gas_limit": 2**64 - 1}, id="all gas"),
        pytest.param("evm.gas_limit_too_low", {"gas_limit": 21_063}, id="call data is not paid"),
        pytest.param(None, {"gas_limit": 60_000, "max_fee": 2}, id="a generous maximum costs nothing"),
        pytest.param("evm.max_fee_too_low", {"max_fee": 0}, id="less than the base fee"),
        pytest.param("evm.priority_fee_too_high", {"priority_fee": 2}, id="tip above the maximum"),
        pytest.param("evm.wrong_nonce", {"nonce": 0}, id="used nonce"),
        pytest.param("evm.wrong_nonce", {"nonce": 2}, id="later nonce"),
        pytest.param("evm.wrong_nonce", {"nonce": 2**256 - 1}, id="the last nonce"),
        pytest.param(None, {"nonce": 1}, id="next nonce"),
        pytest.param("evm.insufficient_balance", {"value": 2**256 - 1}, id="all money"),
        pytest.param("evm.insufficient_balance", {"max_fee": 2**256 - 1}, id="highest fee"),
        pytest.param("evm.insufficient_balance", {"value": RICH - GAS}, id="gas is not covered"),
        pytest.param("evm.gas_limit_too_low", {"gas_limit": 23_000, "access_list": [(b"a" * 20, [])]}, id="listed"),
    ],
)
def test_validation(expected: str | None, given: dict[str, Any]) -> None:
    bench = EvmBench()
    counter = bench.deployed(COUNTER)
    before, contracts = bench.spendable(ALICE_EVM), bench.contracts()
    assert code(bench.invoke(ALICE, counter, INC, **given)) == expected
    if expected is not None:
        assert (bench.spendable(ALICE_EVM), bench.contracts()) == (before, contracts)
    bench.check()


@pytest.mark.parametrize("name", ["evm_call", "evm_create", "evm_create2", "evm_withdraw"])
def test_nobody_acts_as_another_address(name: str) -> None:
    bench = EvmBench()
    rest = (0, GAS, 1, None, None, [])
    arguments = {
        "evm_call": (BOB_EVM, ALICE_EVM, b"", *rest),
        "evm_create": (BOB_EVM, COUNTER, *rest),
        "evm_create2": (BOB_EVM, COUNTER, bytes(32), *rest),
        "evm_withdraw": (BOB_EVM, 1),
    }
    outcome = bench.run(ALICE, name, *arguments[name])
    assert code(outcome) == "evm.wrong_address"
    assert outcome.error is not None
    assert outcome.error.data() == {"found": "0x" + BOB_EVM.hex(), "expected": "0x" + ALICE_EVM.hex()}


def test_contracts_do_not_send_transactions() -> None:
    """Should ever an account have the address of a contract, it cannot act as that."""
    bench = EvmBench()
    bench.evm.account_codes.put(evm_address(BOB.public), b"\x00")
    assert code(bench.invoke(BOB, ALICE_EVM)) == "evm.sender_has_code"


def test_steps_are_limited_whatever_gas_is_paid() -> None:
    bench = EvmBench()
    loop = bench.deployed(LOOP)
    outcome = bench.invoke(ALICE, loop, gas_limit=BLOCK_GAS_LIMIT)
    assert code(outcome) == "evm.too_many_steps"
    assert outcome.error is not None
    assert outcome.error.data() == {"limit": MAX_STEPS}
    bench.check()


def test_the_machine_may_break_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect of the machine fails the call and nothing else."""
    from integritee.apps.evm import interpreter

    bench = EvmBench()
    counter = bench.deployed(COUNTER)
    contracts = bench.contracts()

    def broken(*_: object) -> int:
        raise RecursionError

    monkeypatch.setattr(interpreter.State, "get_storage", broken)
    outcome = bench.invoke(ALICE, counter, INC)
    assert code(outcome) == "evm.machine_fault"
    assert bench.contracts() == contracts


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        pytest.param(b"", "", id="nothing"),
        pytest.param(b"\xab\xcd", "", id="bare bytes"),
        pytest.param(invoke("Error(string)", 32, 2, b"no".ljust(32, b"\0")), "no", id="a text"),
        pytest.param(
            invoke("Error(string)", 32, 9, b"no".ljust(32, b"\0")), "no" + "\0" * 7, id="zeros are text, too"
        ),
        pytest.param(invoke("Error(string)", 32, 2**255, b"no".ljust(32, b"\0")), "no" + "\0" * 30, id="too long"),
        pytest.param(invoke("Error(string)", 2**255, 2), "", id="text far outside"),
        pytest.param(invoke("Error(string)", 32), "", id="cut off"),
        pytest.param(invoke("Error(string)", 32, 2, b"\xff\xfe".ljust(32, b"\0")), "��", id="not a text"),
        pytest.param(invoke("Panic(uint256)", 0x11), "panic 0x11", id="panic"),
        pytest.param(invoke("Panic(uint256)", 0x11) + b"\0", "", id="no panic"),
    ],
)
def test_reasons(output: bytes, reason: str) -> None:
    assert revert_reason(output) == reason


def test_long_answers_are_cut() -> None:
    bench = EvmBench()
    talkative = bench.deployed(deployable(assemble("0xffff 0 REVERT")))
    error = bench.invoke(ALICE, talkative).error
    assert error is not None
    assert error.data()["output"] == "0x" + "00" * MAX_REVERT_BYTES

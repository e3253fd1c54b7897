"""The smart-contract demo: //Alice creates a counter, counts, and reads it."""

from __future__ import annotations

from integritee.apps.evm.addresses import create_address

from ...stf.kit import ALICE, FEE
from .contracts import ADD_3, COUNTER, INC
from .kit import ALICE_EVM, GAS, EvmBench

DEMO_ADDRESS = bytes.fromhex("8a50db1e0f9452cfd91be8dc004ceb11cb08832f")
FIRST_SLOT = bytes(32)


def test_counter_counts_from_34_to_38() -> None:
    bench = EvmBench()
    counts = []
    for run in (
        lambda: bench.create(ALICE, COUNTER, gas_limit=967_295),
        lambda: bench.invoke(ALICE, DEMO_ADDRESS, INC, gas_limit=10_000_000, nonce=1),
        lambda: bench.invoke(ALICE, DEMO_ADDRESS, ADD_3, gas_limit=10_000_000, nonce=2),
    ):
        assert run().error is None
        counts.append(bench.ask(ALICE, "evm_account_storages", DEMO_ADDRESS, FIRST_SLOT))
    assert counts == [n.to_bytes(32, "big") for n in (0x22, 0x23, 0x26)]
    assert bench.ask(ALICE, "evm_nonce") == (3).to_bytes(4, "little")
    bench.check()


def test_contract_remembers_who_called() -> None:
    bench = EvmBench()
    counter = bench.deployed(COUNTER)
    assert bench.evm.slot(counter, 1) == int.from_bytes(ALICE_EVM, "big")


def test_addresses_of_the_demo() -> None:
    expected = (
        "8a50db1e0f9452cfd91be8dc004ceb11cb08832f",
        "b49a2a41bbd68b6f49f03810f299d752875bcf89",
        "29673710367ecc4b9239b4cd51bd1c798e3b2ca3",
    )
    assert tuple(create_address(ALICE_EVM, nonce).hex() for nonce in range(3)) == expected


def test_answers_about_nothing() -> None:
    """A contract that is not there has no code and no storage; what is there answers with its bare bytes."""
    bench = EvmBench()
    assert bench.ask(ALICE, "evm_account_codes", DEMO_ADDRESS) is None
    assert bench.ask(ALICE, "evm_account_storages", DEMO_ADDRESS, FIRST_SLOT) is None
    bench.create(ALICE, COUNTER)
    code = bench.ask(ALICE, "evm_account_codes", DEMO_ADDRESS)
    assert code is not None
    assert COUNTER.endswith(code)


def test_events_and_costs() -> None:
    bench = EvmBench()
    bench.create(ALICE, COUNTER)
    assert [e for e in bench.events() if e.startswith("Evm.")] == ["Evm.Created"]
    before, issued = bench.free(ALICE), bench.issued()
    spendable = bench.spendable(ALICE_EVM)
    assert bench.invoke(ALICE, DEMO_ADDRESS, INC).error is None
    assert [e for e in bench.events() if e.startswith("Evm.")] == ["Evm.Created", "Evm.Executed"]
    assert bench.free(ALICE) == before - FEE
    burned = issued - bench.issued()
    assert spendable - bench.spendable(ALICE_EVM) == burned
    assert 21_000 < burned < GAS

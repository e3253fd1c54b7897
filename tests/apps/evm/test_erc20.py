"""A token contract: transfers conserve the supply, and its events reach the ledger's."""

from __future__ import annotations

import random

from integritee.frame.outer import EventRecord

from ...stf.kit import ALICE, BOB, code
from .contracts import ERC20, TOKENS, TRANSFER_EVENT, balance_slot, invoke
from .kit import ALICE_EVM, BOB_EVM, EvmBench

HOLDERS = [bytes([n]) * 20 for n in range(1, 9)]


def transfer(to: bytes, amount: int) -> bytes:
    return invoke("transfer(address,uint256)", to, amount)


def test_a_thousand_transfers_conserve_the_supply() -> None:
    bench = EvmBench()
    token = bench.deployed(ERC20)
    held = dict.fromkeys([ALICE_EVM, BOB_EVM, *HOLDERS], 0) | {ALICE_EVM: TOKENS}
    dice = random.Random(20)
    for _ in range(1000):
        pair, source = dice.choice([(ALICE, ALICE_EVM), (BOB, BOB_EVM)])
        to, amount = dice.choice([ALICE_EVM, BOB_EVM, *HOLDERS]), dice.randrange(TOKENS // 300)
        signed = bench.signed(pair, bench.call("evm_call", pair.public, source, token, transfer(to, amount), *REST))
        outcome = bench.executor.execute(signed, 0, verified=True)
        if amount > held[source]:
            assert code(outcome) == "evm.reverted"
        else:
            assert outcome.error is None
            held[source] -= amount
            held[to] += amount
    assert {who: bench.evm.slot(token, balance_slot(who)) for who in held} == held
    assert sum(held.values()) == bench.evm.slot(token, 1) == TOKENS
    bench.check()


REST = (0, 200_000, 1, None, None, [])


def test_transfer_leaves_a_log() -> None:
    bench = EvmBench()
    token = bench.deployed(ERC20)
    assert bench.invoke(ALICE, token, transfer(BOB_EVM, 5)).error is None
    records = [bench.runtime.codec(EventRecord).decode(raw).event for raw in bench.runtime.events]
    (log,) = [event.values[0] for event in records if event.name == "Log"]
    assert log.address == token
    assert log.topics == [TRANSFER_EVENT, ALICE_EVM.rjust(32, b"\0"), BOB_EVM.rjust(32, b"\0")]
    assert log.data == (5).to_bytes(32, "big")


def test_refusal_gives_its_reason() -> None:
    bench = EvmBench()
    token = bench.deployed(ERC20)
    outcome = bench.invoke(BOB, token, transfer(ALICE_EVM, 1))
    assert code(outcome) == "evm.reverted"
    assert outcome.error is not None
    assert outcome.error.data()["reason"] == "poor"
    assert str(outcome.error) == "the contract reverted: poor"

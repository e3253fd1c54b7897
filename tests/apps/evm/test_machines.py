"""Three states under one machine: read on demand from the ledger, held in full, and py-evm's own database."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from eth.constants import BLANK_ROOT_HASH, CREATE_CONTRACT_ADDRESS
from eth.db.atomic import AtomicDB
from eth.db.backends.memory import MemoryDB
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.london.computation import LondonComputation
from eth.vm.forks.london.state import LondonState
from hypothesis import given, settings
from msgspec import structs

from integritee.apps.evm.addresses import mapped_account
from integritee.apps.evm.engine import execute, intrinsic_gas
from integritee.apps.evm.errors import EvmError
from integritee.apps.evm.transaction import Surroundings, Transaction

from ...stf.kit import ED
from .kit import ALICE_EVM, EvmBench
from .programs import EVERYBODY, transactions, worlds
from .state_tests import World

AROUND = Surroundings(number=1, timestamp=0)


def ledger_of(world: World) -> EvmBench:
    """A ledger that holds a world."""
    bench = EvmBench(0)
    for address in world.balances.keys() | world.nonces.keys():
        nonce, balance = world.account(address)
        who = mapped_account(address)
        info = bench.runtime.system.account.get(who)
        bench.runtime.system.account.put(who, structs.replace(info, nonce=nonce))
        bench.runtime.balances.mint(who, balance + (0 if info.exists() else ED))
    for address, code in ((a, c) for a, c in world.codes.items() if c):
        bench.evm.account_codes.put(address, code)
    for address, slots in world.storage.items():
        for slot, value in slots.items():
            bench.evm.account_storages.put(address, slot.to_bytes(32, "big"), value.to_bytes(32, "big"))
    bench.runtime.shard_management.unbacked.put(bench.issued())
    return bench


@given(worlds(), transactions)
@settings(max_examples=300, deadline=None)
def test_the_ledger_is_as_good_as_all_state_at_hand(world: World, tx: Transaction) -> None:
    bench = ledger_of(world)
    expected = execute(tx, bench.evm.surroundings(), world)
    contracts, issued = bench.contracts(), bench.issued()
    try:
        with bench.runtime.transaction():
            receipt = bench.evm.transact(tx)
    except EvmError as failure:
        assert expected.failure is not None or failure.code == "evm.deposit_unpaid"
        assert expected.failure is None or failure.data() == expected.failure.data()
        assert (bench.contracts(), bench.issued()) == (contracts, issued)
    else:
        assert receipt == expected
        spent = sum(world.balances.values())
        world.keep(expected.changes)
        assert bench.contracts() == ledger_of(world).contracts()
        for address in {change.address for change in expected.changes} - {tx.source}:
            assert bench.evm.account(address) == world.account(address)
        burned = spent - sum(world.balances.values()) - expected.tip
        assert bench.issued() == issued - burned
    bench.check()


# -- against py-evm's own state ----------------------------------------------------------------------


class PlainComputation(LondonComputation):
    _precompiles: dict[Any, Any] = {}


class PlainState(LondonState):
    computation_class = PlainComputation


def pyevm_state(world: World, around: Surroundings) -> PlainState:
    context = ExecutionContext(
        around.coinbase, around.timestamp, around.number, 0, bytes(32), around.gas_limit, (), 42, around.base_fee
    )
    state = PlainState(AtomicDB(MemoryDB()), context, BLANK_ROOT_HASH)
    for address in world.balances.keys() | world.nonces.keys():
        nonce, balance = world.account(address)
        state.set_nonce(address, nonce)
        state.set_balance(address, balance)
        state.set_code(address, world.code(address))
        for slot, value in world.storage.get(address, {}).items():
            state.set_storage(address, slot, value)
    state.lock_changes()
    state.make_state_root()
    return state


@given(worlds(), transactions)
@settings(max_examples=300, deadline=None)
def test_the_journal_is_as_good_as_a_state_trie(world: World, tx: Transaction) -> None:
    """Same gas, logs and root as py-evm finds with its own state, transaction rules and refunds."""
    receipt = execute(tx, AROUND, world)
    state = pyevm_state(world, AROUND)
    theirs = SimpleNamespace(
        sender=tx.source,
        to=CREATE_CONTRACT_ADDRESS if tx.target is None else tx.target,
        data=tx.data,
        value=tx.value,
        gas=tx.gas_limit,
        intrinsic_gas=intrinsic_gas(tx),
        max_fee_per_gas=tx.max_fee,
        max_priority_fee_per_gas=tx.priority_fee or 0,
        access_list=tx.access_list,
    )
    executor = state.get_transaction_executor()
    computation = executor.build_computation(executor.build_evm_message(theirs), theirs)
    executor.finalize_computation(theirs, computation)
    world.keep(receipt.changes)
    world.balances[AROUND.coinbase] = world.balances.get(AROUND.coinbase, 0) + receipt.tip
    assert computation.is_error == (receipt.failure is not None)
    assert [log[0] for log in computation.get_log_entries()] == [log.address for log in receipt.logs]
    assert state.make_state_root() == world.root()


# -- what is read ------------------------------------------------------------------------------------


@dataclass
class Watched:
    """Accounts that note what is asked of them."""

    world: World
    asked: list[Any] = field(default_factory=list)

    def account(self, address: bytes) -> tuple[int, int]:
        self.asked.append(address)
        return self.world.account(address)

    def code(self, address: bytes) -> bytes:
        self.asked.append(("code", address))
        return self.world.code(address)

    def slot(self, address: bytes, slot: int) -> int:
        self.asked.append((address, slot))
        return self.world.slot(address, slot)


@given(worlds(), transactions)
@settings(max_examples=50, deadline=None)
def test_nothing_is_read_twice_and_nothing_unasked(world: World, tx: Transaction) -> None:
    """What else the state holds neither matters nor costs."""
    small, large = Watched(world), Watched(copy.deepcopy(world))
    for n in range(100):
        address = n.to_bytes(20, "big")
        large.world.balances[address] = n + 1
        for contract in EVERYBODY:
            large.world.storage.setdefault(contract, {})[1000 + n] = 1
    first, second = execute(tx, AROUND, small), execute(tx, AROUND, large)
    assert replace(first, failure=None) == replace(second, failure=None)
    assert small.asked == large.asked
    assert len(small.asked) == len(set(small.asked))


def test_a_transfer_reads_two_accounts() -> None:
    world = Watched(World({}, {ALICE_EVM: 10**9}, {}, {}))
    execute(Transaction(ALICE_EVM, b"\x09" * 20, b"", 1, 21_000), AROUND, world)
    both = [ALICE_EVM, b"\x09" * 20]
    assert sorted(world.asked, key=str) == sorted([*both, *(("code", who) for who in both)], key=str)

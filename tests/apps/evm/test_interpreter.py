"""The machine and hostile code: jumps, depth, memory, and what is loaded when."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.apps.evm.engine import execute
from integritee.apps.evm.errors import Halted, OutOfGas, TooManySteps
from integritee.apps.evm.jumps import JUMPDEST, MAX_CODE_BYTES, PUSH1, PUSH_BYTES, jump_destinations
from integritee.apps.evm.transaction import (
    ANALYSED_BYTES_PER_STEP,
    BLOCK_GAS_LIMIT,
    COPIED_BYTES_PER_STEP,
    FRAME_STEPS,
    Receipt,
    Surroundings,
    Transaction,
)
from integritee.crypto import keccak_256

from .assembler import assemble
from .state_tests import World

SOURCE, TARGET = b"\x01" * 20, b"\x02" * 20
AROUND = Surroundings(number=7, timestamp=1_700_000_000)


def run(code: bytes, gas_limit: int = BLOCK_GAS_LIMIT, around: Surroundings = AROUND) -> Receipt:
    world = World({}, {SOURCE: 10**18}, {TARGET: code}, {})
    return execute(Transaction(SOURCE, TARGET, b"", 0, gas_limit), around, world)


def slots(receipt: Receipt) -> dict[int, int]:
    return next((change.slots for change in receipt.changes if change.address == TARGET), {})


# -- jumps -------------------------------------------------------------------------------------------


def walked(code: bytes) -> bytes:
    """Jump destinations found by walking through the instructions."""
    found, at = bytearray(len(code)), 0
    while at < len(code):
        found[at] = code[at] == JUMPDEST
        at += 1 + (code[at] - PUSH1 + 1 if PUSH1 <= code[at] < PUSH1 + PUSH_BYTES else 0)
    return bytes(found)


bytes_of_interest = st.sampled_from([0x00, 0x0A, 0x5A, JUMPDEST, 0x5C, 0x5F, 0x60, 0x61, 0x7E, 0x7F, 0x80, 0xFF])


@given(st.lists(bytes_of_interest | st.integers(0, 255), max_size=120).map(bytes))
def test_jump_destinations(code: bytes) -> None:
    assert jump_destinations(code) == walked(code)


@pytest.mark.parametrize("filler", [0x5B, 0x60, 0x7F, 0x00])
@pytest.mark.parametrize("size", [MAX_CODE_BYTES, 4 * MAX_CODE_BYTES])
def test_jump_destinations_of_long_code(filler: int, size: int) -> None:
    code = bytes([filler]) * size
    assert jump_destinations(code) == walked(code)


def test_jump_far_behind_code_that_is_all_pushes() -> None:
    """py-evm's own search would go back byte by byte, one Python call deeper each time."""
    pushes = b"\x60" * 20_000
    head = bytes([PUSH1 + 1]) + (4 + len(pushes)).to_bytes(2, "big") + assemble("JUMP")
    assert slots(run(head + pushes + assemble("far: 1 0 SSTORE"))) == {0: 1}


@pytest.mark.parametrize(
    "source", ["0xffff JUMP", f"{2**256 - 1} JUMP", "4 JUMP 0x5b", "1 0 SUB JUMP", "3 JUMP STOP"], ids=str
)
def test_jumps_into_nowhere(source: str) -> None:
    failure = run(assemble(source)).failure
    assert isinstance(failure, Halted)
    data_of_a_push = source.endswith("0x5b")
    expected = "invalid instruction" if data_of_a_push else "invalid jump destination"
    assert failure.data() == {"exception": expected}


# -- depth, steps, memory ----------------------------------------------------------------------------

CALL_MYSELF = assemble("0 SLOAD 1 ADD 0 SSTORE 0 0 0 0 0 ADDRESS GAS CALL STOP")


def test_calls_nest_as_deeply_as_gas_allows() -> None:
    """The usual limit of the interpreter is back afterwards."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(2000)
    try:
        receipt = run(CALL_MYSELF)
        assert sys.getrecursionlimit() == 2000
    finally:
        sys.setrecursionlimit(before)
    assert receipt.failure is None
    assert 300 < slots(receipt)[0] < 1025


def test_calls_nest_1024_deep_and_no_deeper() -> None:
    plenty = replace(AROUND, gas_limit=2**62)
    receipt = run(CALL_MYSELF, gas_limit=2**50, around=plenty)
    assert slots(receipt) == {0: 1025}


@pytest.mark.parametrize("steps", [1, 7, 100])
def test_steps_are_counted(steps: int) -> None:
    """Each frame counts as some, each instruction as one; the code below takes 4."""
    code = assemble("1 0 SSTORE STOP")
    limit = FRAME_STEPS + 4
    assert run(code, around=replace(AROUND, max_steps=limit)).failure is None
    with pytest.raises(TooManySteps):
        run(code, around=replace(AROUND, max_steps=limit - 1))
    with pytest.raises(TooManySteps):
        run(assemble("again: @again JUMP"), around=replace(AROUND, max_steps=limit + 3 * steps))


def test_a_frame_that_ends_is_not_caught_by_the_one_around_it() -> None:
    """No contract can catch the end of the steps, as it can that of gas."""
    inner = int.from_bytes(TARGET, "big")
    with pytest.raises(TooManySteps):
        run(
            assemble(f"CALLER {inner} EQ @deep JUMPI 0 0 0 0 0 {inner} 100000 CALL STOP deep: again: @again JUMP"),
            around=replace(AROUND, max_steps=10_000),
        )


BIG = 500_000
COPIES = BIG // COPIED_BYTES_PER_STEP


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param(f"0 0 {BIG} 0 0 0x1234 GAS CALL STOP", 2 * FRAME_STEPS + 9 + COPIES, id="call data"),
        pytest.param(f"0 0 {BIG} 0 1 0x1234 GAS CALL STOP", FRAME_STEPS + 9 + COPIES, id="call nobody can pay"),
        pytest.param(f"{BIG} 0 0 CREATE STOP", 2 * FRAME_STEPS + 6 + COPIES, id="init code"),
        pytest.param(f"{BIG} 0 RETURN", FRAME_STEPS + 3 + COPIES, id="output"),
        pytest.param(
            "@end JUMP " + "STOP " * 4096 + "end: STOP",
            FRAME_STEPS + 4 + (4 + 4096 + 2) // ANALYSED_BYTES_PER_STEP,
            id="search for jump destinations",
        ),
    ],
)
def test_work_that_grows_with_data_counts_as_steps(source: str, expected: int) -> None:
    """Gas does not count it, or hardly: a call of a megabyte each costs no more than an empty one."""
    code = assemble(source)
    assert run(code, around=replace(AROUND, max_steps=expected)).failure is None
    with pytest.raises(TooManySteps):
        run(code, around=replace(AROUND, max_steps=expected - 1))


@pytest.mark.parametrize(
    "body",
    [f"0 0 {BIG} 0 0 0x1234 GAS CALL", f"{BIG} 0 0 CREATE", f"GAS {BIG} 0 0 CREATE2"],
    ids=["call", "create", "create2"],
)
def test_frames_that_ended_keep_no_data(body: str) -> None:
    code = assemble(f"{body} POP " * 30 + "STOP")
    run(code)  # loads what stays
    tracemalloc.start()
    try:
        assert run(code).failure is None
        assert tracemalloc.get_traced_memory()[1] < 10 * BIG
    finally:
        tracemalloc.stop()


def test_the_hash_of_a_code_is_taken_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gas is that of looking the hash up, however long the code."""
    from integritee.apps.evm import interpreter

    hashed: list[int] = []

    def counted(data: bytes) -> bytes:
        hashed.append(len(data))
        return keccak_256(data)

    monkeypatch.setattr(interpreter, "keccak_256", counted)
    code = assemble("ADDRESS EXTCODEHASH POP " * 50 + "ADDRESS EXTCODEHASH 0 SSTORE STOP")
    assert slots(run(code)) == {0: int.from_bytes(keccak_256(code), "big")}
    assert hashed == [len(code)]


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(f"1 {2**255} MSTORE", id="memory"),
        pytest.param(f"{2**256 - 1} {2**256 - 1} KECCAK256", id="hash"),
        pytest.param(f"{2**256 - 1} 0 0 CALLDATACOPY", id="call data"),
        pytest.param(f"{2**256 - 1} {2**256 - 1} RETURN", id="answer"),
        pytest.param(f"0 0 {2**256 - 1} {2**256 - 1} ADDRESS GAS STATICCALL", id="call"),
        pytest.param(f"{2**256 - 1} 0 0 CREATE", id="creation"),
        pytest.param(f"{2**256 - 1} 0 0 ADDRESS EXTCODECOPY", id="code"),
        pytest.param(f"{2**256 - 1} 0 LOG0", id="log"),
    ],
)
def test_nobody_gets_memory_without_paying(source: str) -> None:
    assert isinstance(run(assemble(source)).failure, OutOfGas)


# -- surroundings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("NUMBER", 7),
        ("TIMESTAMP", 1_700_000_000),
        ("CHAINID", 42),
        ("BASEFEE", 1),
        ("GASPRICE", 1),
        ("GASLIMIT", BLOCK_GAS_LIMIT),
        ("COINBASE", 0),
        ("DIFFICULTY", 0),
        ("6 BLOCKHASH", 0),
        ("ORIGIN", int.from_bytes(SOURCE, "big")),
        ("COINBASE BALANCE", 0),
        pytest.param("32 0 0 0 0 4 GAS CALL RETURNDATASIZE ADD", 1, id="no precompiled contract answers"),
    ],
)
def test_what_contracts_learn(question: str, answer: int) -> None:
    assert slots(run(assemble(f"{question} 0 SSTORE"))).get(0, 0) == answer


@pytest.mark.parametrize("opcode", [0x5F, 0x5C, 0x5E, 0x49])
def test_later_instructions_do_not_exist(opcode: int) -> None:
    """PUSH0, TLOAD, MCOPY and BLOBHASH came after London."""
    failure = run(bytes([opcode])).failure
    assert isinstance(failure, Halted)
    assert failure.data() == {"exception": "invalid instruction"}


# -- loading -----------------------------------------------------------------------------------------


def test_the_machine_is_loaded_with_the_first_call_only() -> None:
    program = """
import sys
from integritee.apps.evm.app import EvmApp
from integritee.stf.ledger import Ledger
from integritee.stf.native import NATIVE_APPS
Ledger((*NATIVE_APPS, EvmApp)).runtime()
limit = sys.getrecursionlimit()
assert not {"eth", "trie", "pydantic", "Crypto"} & {name.partition(".")[0] for name in sys.modules}
from integritee.apps.evm.engine import execute
from integritee.apps.evm.transaction import Surroundings, Transaction
class Rich:
    def account(self, address): return 0, 10**9
    def code(self, address): return b""
    def slot(self, address, slot): return 0
assert execute(Transaction(bytes(20), bytes(20), b"", 0, 21_000), Surroundings(1, 1), Rich()).failure is None
assert "eth" in sys.modules and sys.getrecursionlimit() == limit
"""
    subprocess.run([sys.executable, "-c", program], check=True)

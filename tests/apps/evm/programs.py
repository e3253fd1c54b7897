"""Random worlds of contracts that call, create, pay and destroy each other, for tests that compare two machines."""

from __future__ import annotations

from hypothesis import strategies as st

from integritee.apps.evm.transaction import Transaction

from .assembler import assemble
from .kit import ALICE_EVM, BOB_EVM, STRANGER
from .state_tests import World

CONTRACTS = [bytes([0xC0 + n]) * 20 for n in range(3)]
EVERYBODY = [ALICE_EVM, BOB_EVM, STRANGER, *CONTRACTS]
GAS_LIMITS = (70_000, 500_000, 1_000_000)

slots = st.integers(0, 3)
addresses = st.sampled_from(EVERYBODY).map(lambda address: int.from_bytes(address, "big"))
values = st.sampled_from([0, 0, 0, 1, 700])

LAY_DOWN = "0x6001600055600160015560006000f3"
DIE_YOUNG = "0x6005600055" + "33ff"
FAIL_YOUNG = "0x600560005560006000fd"


def _put(slot: int) -> str:
    return f"{slot} SSTORE"


reads = st.one_of(
    slots.map(lambda slot: f"{slot} SLOAD"),
    addresses.map(lambda who: f"{who} BALANCE"),
    addresses.map(lambda who: f"{who} EXTCODESIZE"),
    addresses.map(lambda who: f"{who} EXTCODEHASH"),
    st.sampled_from(
        [
            "SELFBALANCE",
            "GAS",
            "CALLER",
            "ORIGIN",
            "CALLVALUE",
            "RETURNDATASIZE",
            "GASPRICE",
            "BASEFEE",
            "CHAINID",
            "NUMBER",
        ]
    ),
    st.integers(0, 300).map(str),
)
calls = st.one_of(
    st.builds(lambda who, value: f"0 0 0 0 {value} {who} GAS CALL", addresses, values),
    st.builds(lambda who: f"0 0 0 0 {who} 30000 DELEGATECALL", addresses),
    st.builds(lambda who: f"0 0 0 0 {who} 30000 STATICCALL", addresses),
    st.builds(lambda who, value: f"0 0 0 0 {value} {who} 30000 CALLCODE", addresses, values),
)
creations = st.builds(
    lambda init, salt, value: (
        f"{init} {256 - 8 * ((len(init) - 2) // 2)} SHL 0 MSTORE "
        + ("" if salt is None else f"{salt} ")
        + f"{(len(init) - 2) // 2} 0 {value} "
        + ("CREATE" if salt is None else "CREATE2")
    ),
    st.sampled_from([LAY_DOWN, DIE_YOUNG, FAIL_YOUNG]),
    st.none() | st.integers(0, 1),
    values,
)
steps = st.one_of(
    *(
        st.builds(lambda question, slot: f"{question} {_put(slot)}", kind, slots)
        for kind in (reads, calls, creations)
    ),
    st.builds(lambda slot: f"0 {_put(slot)}", slots),
    st.sampled_from(["1 2 0 0 LOG2", "7 0 MSTORE 32 0 LOG0"]),
)
endings = st.one_of(
    st.sampled_from(["STOP", "32 0 RETURN", "32 0 REVERT", "INVALID"]),
    addresses.map(lambda who: f"{who} SELFDESTRUCT"),
)
programs = st.builds(
    lambda body, end: assemble(" ".join([*body, end])), st.lists(steps, min_size=1, max_size=8), endings
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """//Alice is rich, the contracts own a little, and their storage is not empty."""
    storage = {
        contract: draw(st.dictionaries(slots, st.integers(1, 2**256 - 1), max_size=3)) for contract in CONTRACTS
    }
    return World(
        nonces={ALICE_EVM: 5, **dict.fromkeys(CONTRACTS, 1)},
        balances={ALICE_EVM: 10**9, BOB_EVM: 3, **dict.fromkeys(CONTRACTS, 1000)},
        codes={contract: draw(programs) for contract in CONTRACTS},
        storage=storage,
    )


transactions = st.builds(
    Transaction,
    source=st.just(ALICE_EVM),
    target=st.sampled_from([*CONTRACTS, *CONTRACTS, BOB_EVM, STRANGER, None]),
    data=st.sampled_from([b"", bytes.fromhex(LAY_DOWN[2:]), bytes.fromhex(DIE_YOUNG[2:])]),
    value=values,
    gas_limit=st.sampled_from(GAS_LIMITS),
    max_fee=st.integers(1, 4),
    priority_fee=st.none() | st.just(1),
    access_list=st.lists(
        st.tuples(st.sampled_from(EVERYBODY), st.lists(slots, max_size=2).map(tuple)), max_size=2
    ).map(tuple),
)

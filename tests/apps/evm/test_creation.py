"""Contracts come to lie where they should."""

from __future__ import annotations

import pytest

from integritee.apps.evm.addresses import create2_address, create_address, evm_address, mapped_account
from integritee.apps.evm.jumps import MAX_CODE_BYTES

from ...stf.kit import ALICE, BOB, code
from .assembler import assemble, deployable
from .contracts import COUNTER, FACTORY, MORTAL
from .kit import ALICE_EVM, BOB_EVM, EvmBench

SALT = bytes(31) + b"\x07"


@pytest.mark.parametrize(
    ("source", "nonce", "expected"),
    [
        ("2f8c6129d816cf51c374bc7f08c3e63ed156cf78", 0, "ce2c9e7f9c10049996173b2ca2d9a6815a70e890"),
        ("6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0", 0, "cd234a471b72ba2f1ccf0a70fcaba648a5eecd8d"),
        ("6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0", 1, "343c43a37d37dff08ae8c4a11544c718abb4fcf8"),
        ("6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0", 2, "f778b86fa74e846c4f0a1fbd1335fe81c00a0c91"),
    ],
)
def test_create_addresses(source: str, nonce: int, expected: str) -> None:
    assert create_address(bytes.fromhex(source), nonce).hex() == expected


@pytest.mark.parametrize("nonce", [0, 1, 0x7F, 0x80, 0xFF, 0x100, 2**32 - 1])
def test_create_addresses_as_another_rlp_has_them(nonce: int) -> None:
    import rlp

    from integritee.crypto import keccak_256

    assert create_address(ALICE_EVM, nonce) == keccak_256(rlp.encode([ALICE_EVM, nonce]))[12:]


@pytest.mark.parametrize(
    ("source", "salt", "init", "expected"),
    [
        ("00" * 20, "00" * 32, "00", "4d1a2e2bb4f88f0250f26ffff098b0b30b26bf38"),
        ("deadbeef" + "00" * 16, "00" * 32, "00", "b928f69bb1d91cd65274e3c79d8986362984fda3"),
        ("deadbeef" + "00" * 16, "00" * 12 + "feed" + "00" * 18, "00", "d04116cdd17bebe565eb2422f2497e06cc1c9833"),
        ("00" * 20, "00" * 32, "deadbeef", "70f2b2914a2a4b783faefb75f459a580616fcb5e"),
        ("00" * 16 + "deadbeef", "00" * 28 + "cafebabe", "deadbeef", "60f3f640a8508fc6a86d45df051962668e1e8ac7"),
        ("00" * 20, "00" * 32, "", "e33c0c7f7df4809055c3eba6c09cfe4baf1bd9e0"),
    ],
)
def test_create2_addresses_of_the_eip(source: str, salt: str, init: str, expected: str) -> None:
    found = create2_address(bytes.fromhex(source), bytes.fromhex(salt), bytes.fromhex(init))
    assert found.hex() == expected


def test_mapped_accounts() -> None:
    seed_account = bytes.fromhex("2f8c6129d816cf51c374bc7f08c3e63ed156cf78aefb4a6550d97b87997977ee")
    mapped = "89a0ba893e240e97a0b91cbecfd9ff9d9a2233332731de08df8562b090df116f"
    assert mapped_account(evm_address(seed_account)).hex() == mapped
    assert mapped_account(ALICE_EVM).hex() == "a7839fbfca6da129ff9e2ff521115b7eb4213b215086fc3416c7a340e944cc49"


def test_create2_does_not_depend_on_the_nonce() -> None:
    bench = EvmBench()
    address = create2_address(ALICE_EVM, SALT, COUNTER)
    bench.deployed(COUNTER)
    assert bench.create2(ALICE, COUNTER, SALT).error is None
    assert bench.evm.slot(address, 0) == 0x22
    assert bench.evm_nonce(ALICE_EVM) == 2
    assert [e for e in bench.events() if e.startswith("Evm")] == ["Evm.Created", "Evm.Created"]
    bench.check()


def test_two_contracts_cannot_lie_at_one_address() -> None:
    bench = EvmBench()
    assert bench.create2(ALICE, COUNTER, SALT).error is None
    contracts = bench.contracts()
    outcome = bench.create2(ALICE, COUNTER, SALT)
    assert code(outcome) == "evm.halted"
    assert outcome.error is not None
    assert outcome.error.data() == {"exception": "contract creation collision"}
    assert bench.contracts() == contracts
    assert bench.create2(BOB, COUNTER, SALT).error is None, "another source, another address"


def test_an_address_is_free_again_after_self_destruction() -> None:
    bench = EvmBench()
    address = create2_address(ALICE_EVM, SALT, MORTAL)
    for _ in range(2):
        assert bench.create2(ALICE, MORTAL, SALT).error is None
        assert (bench.evm_nonce(address), bench.evm.slot(address, 0)) == (1, 7)
        assert bench.invoke(ALICE, address, BOB_EVM.rjust(32, b"\0")).error is None
        assert (bench.evm_nonce(address), bench.evm.code(address)) == (0, b"")
    bench.check()


def test_contracts_create_contracts() -> None:
    bench = EvmBench()
    factory = bench.deployed(FACTORY)
    children = []
    for nonce in (1, 2):
        assert bench.invoke(ALICE, factory, COUNTER).error is None
        children.append(create_address(factory, nonce))
        assert bench.evm.slot(factory, 0) == int.from_bytes(children[-1], "big")
    assert [bench.evm.slot(child, 0) for child in children] == [0x22, 0x22]
    assert [bench.evm.slot(child, 1) for child in children] == [int.from_bytes(factory, "big")] * 2
    bench.check()


def test_creation_two_levels_deep() -> None:
    bench = EvmBench()
    outer = bench.deployed(FACTORY)
    assert bench.invoke(ALICE, outer, FACTORY).error is None
    inner = create_address(outer, 1)
    assert bench.invoke(ALICE, inner, COUNTER).error is None
    assert bench.evm.slot(create_address(inner, 1), 0) == 0x22


def test_a_contract_without_code_exists_by_its_nonce() -> None:
    bench = EvmBench()
    address = bench.deployed(b"")
    assert (bench.evm_nonce(address), bench.evm.account_codes.get(address)) == (1, None)
    bench.check()


@pytest.mark.parametrize(
    ("runtime", "exception"),
    [
        pytest.param(bytes(MAX_CODE_BYTES), None, id="largest"),
        pytest.param(bytes(MAX_CODE_BYTES + 1), "code too large", id="larger"),
        pytest.param(b"\xef\x00", "reserved bytes in code", id="reserved (EIP-3541)"),
    ],
)
def test_code_that_may_not_be(runtime: bytes, exception: str | None) -> None:
    bench = EvmBench()
    outcome = bench.create(ALICE, deployable(runtime), gas_limit=10_000_000)
    assert code(outcome) == (None if exception is None else "evm.halted")
    if outcome.error is not None:
        assert outcome.error.data() == {"exception": exception}


def test_code_too_expensive_to_keep() -> None:
    bench = EvmBench()
    assert code(bench.create(ALICE, deployable(assemble("STOP") * 1000), gas_limit=200_000)) == "evm.out_of_gas"

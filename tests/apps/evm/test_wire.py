"""Bytes of the EVM's calls and getters, written out from the original's declarations."""

from __future__ import annotations

from typing import Any

import pytest

from integritee.scale import DecodeError
from integritee.stf.operation import TrustedCall, TrustedGetter

from .kit import LEDGER

WHO, SOURCE, TARGET = bytes([1]) * 32, bytes([2]) * 20, bytes([3]) * 20
SALT, SLOT = bytes([4]) * 32, bytes([5]) * 32


def le(number: int, size: int) -> bytes:
    return number.to_bytes(size, "little")


MONEY = (7, 967_295, 9, 8, 6, [(TARGET, [SLOT])])
MONEY_BYTES = (
    le(7, 32) + le(967_295, 8) + le(9, 32) + b"\x01" + le(8, 32) + b"\x01" + le(6, 32)
    + b"\x04" + TARGET + b"\x04" + SLOT
)  # fmt: skip
PLAIN = (0, 1, 1, None, None, [])
PLAIN_BYTES = bytes(32) + le(1, 8) + le(1, 32) + b"\0\0\0"


@pytest.mark.parametrize(
    ("name", "args", "encoded"),
    [
        ("evm_withdraw", (SOURCE, 10**20), b"\x5a" + WHO + SOURCE + le(10**20, 16)),
        ("evm_call", (SOURCE, TARGET, b"in", *MONEY), b"\x5b" + WHO + SOURCE + TARGET + b"\x08in" + MONEY_BYTES),
        ("evm_call", (SOURCE, TARGET, b"", *PLAIN), b"\x5b" + WHO + SOURCE + TARGET + b"\0" + PLAIN_BYTES),
        ("evm_create", (SOURCE, b"init", *MONEY), b"\x5c" + WHO + SOURCE + b"\x10init" + MONEY_BYTES),
        ("evm_create2", (SOURCE, b"init", SALT, *MONEY), b"\x5d" + WHO + SOURCE + b"\x10init" + SALT + MONEY_BYTES),
    ],
)
def test_calls(name: str, args: tuple[Any, ...], encoded: bytes) -> None:
    call = LEDGER.call(name, WHO, *args)
    codec = LEDGER.codec(TrustedCall)
    assert codec.encode(call) == encoded
    assert codec.decode(encoded) == call
    with pytest.raises(DecodeError):
        codec.decode(encoded[:-1])


@pytest.mark.parametrize(
    ("name", "args", "encoded"),
    [
        ("evm_nonce", (), b"\x5a" + WHO),
        ("evm_account_codes", (TARGET,), b"\x5b" + WHO + TARGET),
        ("evm_account_storages", (TARGET, SLOT), b"\x5c" + WHO + TARGET + SLOT),
    ],
)
def test_getters(name: str, args: tuple[Any, ...], encoded: bytes) -> None:
    getter = LEDGER.trusted_getter(name, WHO, *args)
    codec = LEDGER.codec(TrustedGetter)
    assert codec.encode(getter) == encoded
    assert codec.decode(encoded) == getter


def test_storage_keys() -> None:
    """twox128 of pallet and items, as the original's clients know them."""
    runtime = LEDGER.runtime()
    evm = runtime.pallets["Evm"]
    assert evm.index == 20
    assert evm.account_codes.prefix.hex().startswith("f9d65810b249ea5349c69bbedafb11d6")
    key = evm.account_storages.key_of(TARGET, SLOT)
    assert key.endswith(SLOT)
    assert len(key) == 32 + 16 + 20 + 16 + 32

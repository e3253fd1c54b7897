"""EVM addresses: whose they are, which ledger account holds their funds, and where contracts come to lie.

Source: pallet-evm (`EnsureAddressTruncated`, `HashedAddressMapping<BlakeTwo256>`), Ethereum yellow paper (79) and
EIP-1014.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Final, TypeAlias

from integritee.crypto import blake2_256, keccak_256
from integritee.scale import Fixed

H160: TypeAlias = Annotated[bytes, Fixed(20, "primitive_types::H160")]
"""A 20-byte EVM address."""

ADDRESS_BYTES: Final = 20
ACCOUNT_PREFIX: Final = b"evm:"
REMEMBERED_ACCOUNTS: Final = 8192


def evm_address(account: bytes) -> bytes:
    """The address an account may act as: its first 20 bytes."""
    return account[:ADDRESS_BYTES]


@lru_cache(REMEMBERED_ACCOUNTS)
def mapped_account(address: bytes) -> bytes:
    """The ledger account with funds and nonce of an address: blake2_256("evm:" ‖ address). Nobody has its key."""
    return blake2_256(ACCOUNT_PREFIX + address)


def create_address(source: bytes, nonce: int) -> bytes:
    """Where a contract lies that `source` creates with its `nonce`."""
    return keccak_256(_rlp_list(_rlp_bytes(source) + _rlp_bytes(_big_endian(nonce))))[-ADDRESS_BYTES:]


def create2_address(source: bytes, salt: bytes, init: bytes) -> bytes:
    """Where a contract lies that `source` creates from `init` code under a 32-byte `salt`, whatever its nonce."""
    return keccak_256(b"\xff" + source + salt + keccak_256(init))[-ADDRESS_BYTES:]


def _big_endian(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _rlp_bytes(data: bytes) -> bytes:
    """RLP of fewer than 56 bytes."""
    return data if len(data) == 1 and data[0] < 0x80 else bytes([0x80 + len(data)]) + data


def _rlp_list(payload: bytes) -> bytes:
    return bytes([0xC0 + len(payload)]) + payload

"""Keys of FRAME storage: twox128(pallet) ‖ twox128(item) ‖ hashed map keys (frame-support `storage`)."""

from __future__ import annotations

from functools import cache

from integritee.crypto import blake2_128_concat, twox_128


@cache
def storage_prefix(pallet: str, item: str) -> bytes:
    """32-byte key of a storage value, or prefix of a map."""
    return twox_128(pallet.encode()) + twox_128(item.encode())


def blake2_map_key(pallet: str, item: str, *keys: bytes) -> bytes:
    """Key in a Blake2_128Concat map of SCALE-encoded `keys`."""
    return storage_prefix(pallet, item) + b"".join(blake2_128_concat(k) for k in keys)


def pallet_version_key(pallet: str) -> bytes:
    """Key of a pallet's storage version (u16)."""
    return storage_prefix(pallet, ":__STORAGE_VERSION__:")

"""Root of a binary Merkle tree over Keccak-256 (polkadot-sdk `binary-merkle-tree`).

Leaves are hashed, inner nodes hash their concatenated children, an odd node moves up unhashed.
"""

from __future__ import annotations

from collections.abc import Sequence

from integritee.crypto import keccak_256


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """32-byte root; zeros without leaves."""
    level = [keccak_256(leaf) for leaf in leaves]
    if not level:
        return bytes(32)
    while len(level) > 1:
        paired = [keccak_256(a + b) for a, b in zip(level[::2], level[1::2], strict=False)]
        level = paired + level[len(level) & ~1 :]
    return level[0]

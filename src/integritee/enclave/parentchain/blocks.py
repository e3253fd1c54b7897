"""Contents of a finalized parentchain block: extrinsics and state values, each shown to belong to its header.

Block bodies and storage values come from the host beside the header. The header commits to the extrinsics by
the root of an ordered trie and to the storage after the block by the state root (sp-runtime `Header`,
sp-trie). A value is taken out of the proof, so there is no second copy that could differ from it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from integritee.primitives.header import Header
from integritee.trie import Layout, TrieError, ordered_root, verify_proof

from .errors import BlockTooLarge, ExtrinsicsRootMismatch, StateNotProven

MAX_EXTRINSICS: Final = 16_384
MAX_BODY_BYTES: Final = 16 * 1024 * 1024
"""Above any block length limit in use (5 MiB of normal and mandatory extrinsics is common)."""

MAX_WATCHED_KEYS: Final = 1024


def verify_block(
    header: Header,
    extrinsics: Sequence[bytes],
    proof: Sequence[bytes],
    watched_keys: Collection[bytes],
    *,
    extrinsics_layout: Layout = Layout.V0,
) -> dict[bytes, bytes | None]:
    """Check what the host supplies for a header that the light client has finalized; the proven values.

    `extrinsics` are encoded with their length prefix. The result has every watched key, None where the proof
    shows that it is absent. The proof must cover exactly these keys. Nodes of the state say themselves of which
    trie layout they are; `extrinsics_layout` is V1 where the runtime's `system_version` is 2 or higher.
    Raises BlockTooLarge, ExtrinsicsRootMismatch or StateNotProven.
    """
    _check_sizes(extrinsics, watched_keys)
    root = ordered_root(extrinsics, extrinsics_layout)
    if root != header.extrinsics_root:
        raise ExtrinsicsRootMismatch(header.extrinsics_root, root)
    try:
        return verify_proof(header.state_root, proof, watched_keys)
    except TrieError as error:
        raise StateNotProven(header.state_root, error.code, str(error)) from error


def _check_sizes(extrinsics: Sequence[bytes], watched_keys: Collection[bytes]) -> None:
    sizes = (
        ("extrinsics", len(extrinsics), MAX_EXTRINSICS),
        ("bytes", sum(map(len, extrinsics)), MAX_BODY_BYTES),
        ("keys", len(watched_keys), MAX_WATCHED_KEYS),
    )
    for unit, found, limit in sizes:
        if found > limit:
            raise BlockTooLarge(unit, found, limit)

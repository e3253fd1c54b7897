"""Parachains as their relay chain sees them (polkadot-runtime-parachains, `paras`)."""

from __future__ import annotations

from integritee.crypto import twox_64_concat
from integritee.scale import encode, u32

from .storage import storage_prefix


def para_head_key(para_id: int) -> bytes:
    """Where the relay chain keeps a parachain's head: `Paras.Heads`, a Twox64Concat map by u32 id.

    The value is `HeadData`, a byte vector; in it is the SCALE form of the parachain's header (cumulus).
    """
    return storage_prefix("Paras", "Heads") + twox_64_concat(encode(u32, para_id))

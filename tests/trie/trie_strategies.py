"""Hypothesis strategies and small fixtures for tries: keys that share prefixes, values around the limits."""

from __future__ import annotations

from hypothesis import strategies as st

from integritee.trie import Layout

layouts = st.sampled_from(Layout)
keys = st.one_of(
    st.lists(st.sampled_from([0x00, 0x01, 0x10, 0x11, 0xFF]), max_size=4).map(bytes),
    st.binary(min_size=1, max_size=2),
    st.binary(min_size=30, max_size=34).map(lambda tail: b"\x26\xaa" * 15 + tail[:4]),
)
values = st.one_of(
    st.binary(max_size=3),
    st.sampled_from([b"", b"v" * 31, b"v" * 32, b"v" * 33, b"w" * 63, b"w" * 64, b"x" * 300]),
)
maps = st.dictionaries(keys, values, max_size=40)
changes = st.dictionaries(keys, st.one_of(values, st.none()), max_size=12)


def hashed_keys(items: dict[bytes, bytes], layout: Layout) -> set[bytes]:
    """Keys whose value layout V1 keeps outside of the node."""
    return {key for key, value in items.items() if layout is Layout.V1 and len(value) >= 33}


def apply(items: dict[bytes, bytes], change: dict[bytes, bytes | None]) -> dict[bytes, bytes]:
    return {key: value for key, value in {**items, **change}.items() if value is not None}


def size(items: dict[bytes, bytes]) -> int:
    """Bytes of keys and values."""
    return sum(len(key) + len(value) for key, value in items.items())

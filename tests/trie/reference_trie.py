"""A second trie, written for clarity from the table of node encodings, to compare with.

It builds every encoding from the sorted items, recursively, and shares no code with the package.
"""

from __future__ import annotations

from hashlib import blake2b

HEADERS = {
    "leaf": (0b01, 2),
    "branch": (0b10, 2),
    "branch+value": (0b11, 2),
    "leaf+hash": (0b001, 3),
    "branch+hash": (0b0001, 4),
}


def blake2_256(data: bytes) -> bytes:
    return blake2b(data, digest_size=32).digest()


def compact(n: int) -> bytes:
    mode, width = (0, 1) if n < 2**6 else (1, 2) if n < 2**14 else (2, 4)
    return (n * 4 + mode).to_bytes(width, "little")


def header(kind: str, nibbles: int) -> bytes:
    prefix, bits = HEADERS[kind]
    room = 8 - bits
    limit = 2**room - 1
    first = prefix << room | min(nibbles, limit)
    rest = b""
    if nibbles >= limit:
        nibbles -= limit
        while nibbles >= 255:
            rest += b"\xff"
            nibbles -= 255
        rest += bytes([nibbles])
    return bytes([first]) + rest


def common_prefix(left: str, right: str) -> str:
    return left[: next((i for i, pair in enumerate(zip(left, right, strict=False)) if len(set(pair)) > 1), len(left))]


def reference_trie(items: dict[bytes, bytes], hashed: set[bytes] = frozenset()) -> tuple[bytes, dict[bytes, bytes]]:
    """Root, and all nodes and outside values by hash. Values of the keys in `hashed` are kept outside."""
    nodes: dict[bytes, bytes] = {}

    def store(data: bytes) -> bytes:
        nodes[blake2_256(data)] = data
        return blake2_256(data)

    def node(entries: list[tuple[str, bytes]], depth: int) -> bytes:
        partial = common_prefix(entries[0][0], entries[-1][0])[depth:]  # first and last differ earliest
        depth += len(partial)
        kind, value = "branch", b""
        path, key = entries[0]
        if len(path) == depth:
            entries = entries[1:]
            kind = "branch+value" if entries else "leaf"
            value = compact(len(items[key])) + items[key]
            if key in hashed:
                kind = kind.split("+")[0] + "+hash"
                value = store(items[key])
        bitmap, children = 0, b""
        for slot, digit in enumerate("0123456789abcdef"):
            below = [entry for entry in entries if entry[0][depth] == digit]
            if below:
                bitmap |= 1 << slot
                child = node(below, depth + 1)
                children += compact(len(child)) + child if len(child) < 32 else compact(32) + store(child)
        packed = bytes.fromhex("0" * (len(partial) % 2) + partial)
        return (
            header(kind, len(partial))
            + packed
            + (bitmap.to_bytes(2, "little") if entries else b"")
            + value
            + children
        )

    top = node(sorted((key.hex(), key) for key in items), 0) if items else b"\0"
    return store(top), nodes

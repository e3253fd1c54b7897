"""Turning a module's imported memory into one of its own.

Most runtimes import ``env.memory``, as the linker's ``--import-memory`` makes them. A memory of its own with the
same bounds is as good for them, and lets one linker serve every instance. The same is done by sc-executor.

Binary format: WebAssembly core specification, chapter 5 (sections are id ‖ length ‖ content, in order of id
except for custom ones; lengths and counts are unsigned LEB128).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .errors import InvalidRuntimeCode

PREAMBLE_BYTES: Final = 8
MEMORY: Final = "memory"
"""Name of the memory, imported or exported."""

_IMPORT, _MEMORY, _EXPORT = 2, 5, 7
_FUNCTION_KIND, _TABLE_KIND, _MEMORY_KIND, _GLOBAL_KIND = range(4)


def with_own_memory(wasm: bytes) -> bytes:
    """The module with an exported memory where it imported one; as it is if it imports none.

    Raises InvalidRuntimeCode if the sections before the code do not parse.
    """
    try:
        return _converted(wasm)
    except IndexError:
        raise InvalidRuntimeCode("its sections do not parse") from None


def _converted(wasm: bytes) -> bytes:
    sections = list(_sections(wasm))
    imports = next((content for id, content in sections if id == _IMPORT), b"\0")
    others, memory = _split_imports(imports)
    if memory is None:
        return wasm
    export = _name(MEMORY) + bytes((_MEMORY_KIND, 0))
    written: list[bytes] = [wasm[:PREAMBLE_BYTES]]
    is_placed = False
    for id, content in sections:
        if id > _MEMORY and not is_placed:
            written.append(_section(_MEMORY, b"\1" + memory))
            is_placed = True
        if id == _IMPORT:
            content = others
        elif id == _EXPORT:
            count, at = _leb(content, 0)
            content = _to_leb(count + 1) + export + content[at:]
        written.append(_section(id, content))
    return b"".join(written)


def _sections(wasm: bytes) -> Iterator[tuple[int, bytes]]:
    at = PREAMBLE_BYTES
    while at < len(wasm):
        id = wasm[at]
        size, at = _leb(wasm, at + 1)
        yield id, wasm[at : at + size]
        at += size


def _split_imports(content: bytes) -> tuple[bytes, bytes | None]:
    """The import section without its memory, and the limits of that."""
    count, at = _leb(content, 0)
    kept: list[bytes] = []
    memory: bytes | None = None
    for _ in range(count):
        start = at
        for _ in ("module", "name"):
            length, at = _leb(content, at)
            at += length
        kind, at = content[at], at + 1
        described = at
        at = _skip_description(kind, content, at)
        if kind == _MEMORY_KIND:
            memory = content[described:at]
        else:
            kept.append(content[start:at])
    return _to_leb(len(kept)) + b"".join(kept), memory


def _skip_description(kind: int, content: bytes, at: int) -> int:
    """Offset behind what an import is described with."""
    if kind == _FUNCTION_KIND:  # its type
        return _leb(content, at)[1]
    if kind == _TABLE_KIND:  # type of its elements, limits
        return _skip_limits(content, at + 1)
    if kind == _MEMORY_KIND:
        return _skip_limits(content, at)
    if kind == _GLOBAL_KIND:  # type, mutability
        return at + 2
    raise InvalidRuntimeCode(f"it imports something of kind {kind}")


def _skip_limits(content: bytes, at: int) -> int:
    has_maximum = content[at] & 1
    _, at = _leb(content, at + 1)
    return _leb(content, at)[1] if has_maximum else at


def _section(id: int, content: bytes) -> bytes:
    return bytes((id,)) + _to_leb(len(content)) + content


def _name(text: str) -> bytes:
    return _to_leb(len(text)) + text.encode()


def _leb(data: bytes, at: int) -> tuple[int, int]:
    """(number, offset behind it)."""
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7


def _to_leb(number: int) -> bytes:
    digits = bytearray()
    while number >= 0x80:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    digits.append(number)
    return bytes(digits)

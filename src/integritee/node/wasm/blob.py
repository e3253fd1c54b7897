"""Runtime code as chains store it: Wasm, bare or compressed (sp-maybe-compressed-blob)."""

from __future__ import annotations

from typing import Final

from .errors import InvalidRuntimeCode

COMPRESSED: Final = bytes.fromhex("52bc537646db8e05")
"""What compressed code begins with; one Zstandard frame follows."""

WASM: Final = b"\0asm"
"""What Wasm begins with."""

MAX_WASM_BYTES: Final = 50 * 1024 * 1024
"""Largest code, unpacked (`CODE_BLOB_BOMB_LIMIT`)."""


def is_wasm_code(code: bytes) -> bool:
    """Whether the value of ``:code`` is to be run as Wasm."""
    return code.startswith((COMPRESSED, WASM))


def decode_blob(code: bytes) -> bytes:
    """The Wasm binary of a value of ``:code``. Raises InvalidRuntimeCode."""
    if code.startswith(COMPRESSED):
        code = _unpacked(code[len(COMPRESSED) :])
    if not code.startswith(WASM):
        raise InvalidRuntimeCode("it is not Wasm")
    if len(code) > MAX_WASM_BYTES:
        raise InvalidRuntimeCode(f"it is longer than {MAX_WASM_BYTES} bytes")
    return code


def _unpacked(frame: bytes) -> bytes:
    """At most one byte more than allowed: what the frame says of its own length is not believed."""
    import zstandard  # what no chain in Python needs

    reader = zstandard.ZstdDecompressor().stream_reader(frame)
    try:
        return reader.read(MAX_WASM_BYTES + 1)
    except zstandard.ZstdError as error:
        raise InvalidRuntimeCode(f"it does not unpack ({error})") from None

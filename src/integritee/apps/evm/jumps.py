"""Where code may be jumped into: JUMPDEST instructions that are not the data of a PUSH (yellow paper, 9.4.3)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

JUMPDEST: Final = 0x5B
PUSH1: Final = 0x60
PUSH_BYTES: Final = 32

MAX_CODE_BYTES: Final = 24_576
"""Largest code of a contract (EIP-170). Code to create one may be longer."""

REMEMBERED_CODES: Final = 256

_PUSHES: Final = b"|".join(b"\\x%02x.{0,%d}" % (PUSH1 + n, n + 1) for n in range(PUSH_BYTES))
_INSTRUCTIONS: Final = re.compile(b"\\x5b|[^\\x5b\\x60-\\x7f]+|" + _PUSHES, re.DOTALL)


def jump_destinations(code: bytes) -> bytes:
    """One byte per byte of code: 1 where a jump may go, else 0. The cost is linear in the code."""
    return _remembered(code) if len(code) <= MAX_CODE_BYTES else _analyse(code)


def _analyse(code: bytes) -> bytes:
    found = bytearray(len(code))
    end = 0
    for instruction in _INSTRUCTIONS.findall(code):
        end += len(instruction)
        if instruction[0] == JUMPDEST:
            found[end - 1] = 1
    return bytes(found)


_remembered = lru_cache(REMEMBERED_CODES)(_analyse)

"""Known answers that come with the package: a small selection of those of the test suite, made by others' clients.

JSON; byte strings are 0x-hex.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

VECTORS: Final = Path(__file__).parent / "vectors"


@cache
def known_answers() -> dict[str, Any]:
    """Raises OSError and ValueError if the installation lacks them."""
    found: dict[str, Any] = json.loads((VECTORS / "known_answers.json").read_text())
    return found


def solo_metadata() -> bytes:
    """SCALE metadata (V14) of the solo parentchain's runtime, spec 410. Raises OSError."""
    return (VECTORS / "solo-410.scale").read_bytes()


def raw(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def recorded_evidence() -> tuple[bytes, bytes]:
    """A quote of a real SGX machine, and its collateral as JSON. Raises OSError."""
    return (VECTORS / "recorded-quote.bin").read_bytes(), (VECTORS / "recorded-collateral.json").read_bytes()

"""Golden vectors by file name."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parent.parent / "vectors"


@cache
def load(name: str) -> Any:
    return json.loads((VECTORS / name).read_text())


def raw(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))

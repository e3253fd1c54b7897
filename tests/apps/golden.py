"""What the JavaScript client makes of an app's calls and getters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from integritee.crypto import ss58_decode
from integritee.frame.errors import camel

VALUES = json.loads((Path(__file__).parents[1] / "vectors" / "js-types.json").read_text())["values"]


def golden(type_: str, app: str) -> list[Any]:
    """(SCALE bytes, the client's JSON form) of all values of an enum that belong to an app."""
    found = [(v["hex"], v["json"][spelt(app)]) for v in VALUES if v["type"] == type_ and v["note"] == app]
    return [pytest.param(bytes.fromhex(raw[2:]), json_, id=f"{raw[:6]}-{i}") for i, (raw, json_) in enumerate(found)]


def golden_return(type_: str) -> tuple[bytes, dict[str, Any]]:
    """SCALE bytes of a getter's answer, and the client's JSON form."""
    (found,) = [v for v in VALUES if v["type"] == type_]
    return bytes.fromhex(found["hex"][2:]), found["json"]


def spelt(name: str) -> str:
    """A name as the client spells it: ``set_winnings`` → ``setWinnings``."""
    return name[:1] + camel(name)[1:]


def plain(value: Any) -> Any:
    """The client's JSON form of an argument in ours."""
    if isinstance(value, str):
        return bytes.fromhex(value[2:]) if value.startswith("0x") else ss58_decode(value)[0]
    return value

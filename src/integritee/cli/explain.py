"""`explain CODE`: what an error code means, and what to do about it.

The texts are generated: the command line must not import what can fail in a worker.
"""

from __future__ import annotations

import json
from difflib import get_close_matches
from importlib.resources import files
from typing import Any, Final

from .arguments import Commands, Options, command
from .errors import CliError
from .output import Output

DATA: Final = "error_codes.json"
MAX_SUGGESTIONS: Final = 5
SIMILARITY: Final = 0.5
"""Of a suggestion, from 0 to 1."""


class UnknownCode(CliError):
    """There is no such error code; `closest` lists the most similar ones."""

    code = "cli.unknown_code"

    def __init__(self, found: str, closest: list[str]) -> None:
        self.found, self.closest = found, ", ".join(closest)
        super().__init__(f"no error has the code {found!r}" + (f"; similar are {self.closest}" if closest else ""))


def add_command(commands: Commands) -> None:
    added = command(commands, "explain", explain, "tell what an error code means and what to do about it")
    added.add_argument("code", help="as errors state it, such as stf.missing_funds")


async def explain(options: Options, output: Output) -> None:
    codes = _codes()
    found = codes.get(options.code)
    if found is None:
        raise UnknownCode(options.code, get_close_matches(options.code.lower(), codes, MAX_SUGGESTIONS, SIMILARITY))
    output.line(f"{options.code}: {found['meaning']}")
    if found["facts"]:
        output.line("facts: " + ", ".join(f"{name} ({form})" for name, form in found["facts"].items()))
    output.line(f"met in: {found['met']}")
    output.line(f"what to do: {found['advice']}")
    for name, value in {"code": options.code, **found}.items():
        output.fact(name, value)


def _codes() -> dict[str, Any]:
    codes: dict[str, Any] = json.loads((files("integritee.cli") / DATA).read_text())
    return codes

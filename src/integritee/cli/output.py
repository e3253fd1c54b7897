"""What commands print: results on stdout, everything else on stderr.

As text, stdout has exactly the lines of the original. As JSON it has one object, written at the end of a
command that succeeded; amounts of 128 bits are decimal strings in it. Errors and notices are one line (or one
object) each on stderr.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Protocol

from integritee.errors import IntegriteeError


class Output(Protocol):
    """Where a command puts its results."""

    def line(self, text: str) -> None:
        """A line of the text form only."""
        ...

    def fact(self, name: str, value: Any) -> None:
        """A member of the JSON form only."""
        ...

    def append(self, name: str, value: Any) -> None:
        """A further item of a list in the JSON form."""
        ...

    def answer(self, name: str, value: object) -> None:
        """A line in the text form, and in the JSON form a member."""
        ...

    def notice(self, text: str) -> None:
        """Something the user should know, on stderr."""
        ...

    def error(self, error: IntegriteeError) -> None:
        """A failure, on stderr."""
        ...

    def finish(self) -> None:
        """The command has succeeded."""
        ...


class TextOutput:
    def line(self, text: str) -> None:
        print(text, flush=True)

    def fact(self, name: str, value: Any) -> None:
        return

    def append(self, name: str, value: Any) -> None:
        return

    def answer(self, name: str, value: object) -> None:
        self.line(str(value))

    def notice(self, text: str) -> None:
        print(f"notice: {text}", file=sys.stderr, flush=True)

    def error(self, error: IntegriteeError) -> None:
        facts = ", ".join(f"{name}={value}" for name, value in error.data().items())
        text = f"error: {error.code}: {error}" + (f" [{facts}]" if facts else "")
        print(" ".join(text.splitlines()), file=sys.stderr, flush=True)

    def finish(self) -> None:
        return


class JsonOutput:
    def __init__(self) -> None:
        self._members: dict[str, Any] = {}

    def line(self, text: str) -> None:
        return

    def fact(self, name: str, value: Any) -> None:
        self._members[name] = value

    def append(self, name: str, value: Any) -> None:
        self._members.setdefault(name, []).append(value)

    def answer(self, name: str, value: object) -> None:
        self.fact(name, value)

    def notice(self, text: str) -> None:
        print(json.dumps({"notice": text}), file=sys.stderr, flush=True)

    def error(self, error: IntegriteeError) -> None:
        body = {"code": error.code, "message": str(error), "data": error.data()}
        print(json.dumps({"error": body}), file=sys.stderr, flush=True)

    def finish(self) -> None:
        print(json.dumps(self._members), flush=True)

"""How a foreign client reports to the tests: one JSON object per line on standard output, one line per step.

``{"step": name, "seconds": n, "facts": {…}}`` for a step that went through, ``{"step": name, "error": traceback}``
for one that failed. `tests/js/report.mjs` speaks the same. Numbers beyond 2^53 travel as decimal strings.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

_out: TextIO = sys.stdout
sys.stdout = sys.stderr
"""What libraries print goes elsewhere."""


@contextmanager
def step(name: str) -> Iterator[dict[str, Any]]:
    """Fill in the facts in its body. A step that raises is reported and does not keep later ones from trying."""
    facts: dict[str, Any] = {}
    started = time.monotonic()
    try:
        yield facts
        _say({"step": name, "seconds": round(time.monotonic() - started, 3), "facts": facts})
    except Exception:  # whatever a foreign library raises is what is to be reported
        _say({"step": name, "error": traceback.format_exc()})


def _say(line: dict[str, Any]) -> None:
    _out.write(json.dumps(line) + "\n")
    _out.flush()

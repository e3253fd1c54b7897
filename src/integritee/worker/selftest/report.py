"""The self-test's table, for people as it grows, or as JSON at the end."""

from __future__ import annotations

import enum
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

AREA_WIDTH: Final = 20
CHECK_WIDTH: Final = 62
RESULT_WIDTH: Final = 8

PASSED: Final = 0
FAILED: Final = 1
INTERRUPTED: Final = 130
"""Exit codes: all that was run passed; something failed, or nothing was run; a signal ended it."""


class Result(enum.Enum):
    PASSED = "passed"
    FAILED = "FAILED"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Row:
    """One check. `detail` says what was found and what was expected, or why it was not run."""

    area: str
    check: str
    result: Result
    detail: str = ""
    milliseconds: float = 0.0


HEADING: Final = f"{'area':<{AREA_WIDTH}} {'check':<{CHECK_WIDTH}} {'result':<{RESULT_WIDTH}} {'ms':>9}"


def line(row: Row) -> str:
    """A row of the table; what did not pass has its reason below."""
    text = (
        f"{row.area:<{AREA_WIDTH}} {row.check:<{CHECK_WIDTH}} {row.result.value:<{RESULT_WIDTH}} "
        f"{row.milliseconds:9.1f}"
    )
    return f"{text}\n{'':{AREA_WIDTH}} {row.detail}" if row.detail else text


def verdict(rows: Sequence[Row]) -> str:
    """``N passed, N failed``."""
    count = Counter(row.result for row in rows)
    text = f"{count[Result.PASSED]} passed, {count[Result.FAILED]} failed"
    return f"{text}, {count[Result.NOT_RUN]} not run" if count[Result.NOT_RUN] else text


def exit_code(rows: Sequence[Row]) -> int:
    """That nothing failed is no success if nothing was run."""
    results = {row.result for row in rows}
    return PASSED if Result.PASSED in results and Result.FAILED not in results else FAILED


def to_json(rows: Sequence[Row]) -> str:
    """One object; times in milliseconds."""
    count = Counter(row.result for row in rows)
    view = {
        "passed": count[Result.PASSED],
        "failed": count[Result.FAILED],
        "notRun": count[Result.NOT_RUN],
        "checks": [
            {
                "area": row.area,
                "check": row.check,
                "result": row.result.name.lower(),
                "detail": row.detail,
                "ms": round(row.milliseconds, 3),
            }
            for row in rows
        ],
    }
    return json.dumps(view, indent=2)

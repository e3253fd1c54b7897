"""The catalogue of error codes as a page and as data of the command line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Final

from .advice import PLACES
from .catalogue import Entry
from .markdown import GENERATED, sentence, table

INTRODUCTION: Final = """\
# Error codes

Codes are stable, and so are the names of the facts that come with them: programs may rely on both. Errors reach
clients of a worker as `reason` with `code`, `message` and `data`, which holds the facts; `integritee-cli --json`
prints the same. Numbers beyond 2^53 are decimal text. `integritee-cli explain CODE` prints what is written here.
"""


def errors_page(entries: Mapping[str, Entry]) -> str:
    """All entries by where they are met and by area; groups introduce their area."""
    order = list(dict.fromkeys(PLACES.values()))
    met = sorted((e for e in entries.values() if not e.family), key=lambda e: (order.index(e.place), e.code))
    parts = [GENERATED, INTRODUCTION]
    for place, there in groupby(met, lambda entry: entry.place):
        parts.append(f"\n## {place}\n")
        for area, of_area in groupby(there, lambda entry: entry.area):
            parts.append(f"\n### {area}\n\n{_about(entries, area)}{_rows(of_area)}")
    return "".join(parts)


def _about(entries: Mapping[str, Entry], area: str) -> str:
    return f"{entries[area].meaning}\n\n" if area in entries and entries[area].family else ""


def _rows(entries: Iterable[Entry]) -> str:
    return table(
        ("code", "meaning", "facts", "what to do"),
        (
            (f"`{entry.code}`", entry.meaning, ", ".join(f"`{f.name}`: {f.form}" for f in entry.facts), entry.advice)
            for entry in entries
        ),
    )


def error_codes_json(entries: Mapping[str, Entry]) -> str:
    """What `integritee-cli explain` reads."""
    data = {
        entry.code: {
            "meaning": entry.meaning,
            "facts": {fact.name: fact.form for fact in entry.facts},
            "met": sentence(entry.place),
            "advice": entry.advice,
        }
        for entry in entries.values()
    }
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"

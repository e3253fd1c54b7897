"""The tutorial is done as a reader would: commands run, files are written, and it says what the page says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from .tutorial import Reader, blocks

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.timeout(300)
def test_the_tutorial_works_as_printed(tmp_path: Path) -> None:
    found = list(blocks(DOCS / "apps-tutorial.md"))
    assert Counter(block.kind for block in found) == {"sh": 8, "text": 6, "python": 6}
    reader = Reader(tmp_path)
    try:
        for block in found:
            reader.follow(block)
    finally:
        reader.close()

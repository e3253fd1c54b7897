from __future__ import annotations

import pytest

from .small_runtime import Chain


@pytest.fixture
def chain() -> Chain:
    return Chain()

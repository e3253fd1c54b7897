from __future__ import annotations

import pytest

from .chain_kit import Chain


@pytest.fixture
def chain() -> Chain:
    """A fresh development chain."""
    return Chain()

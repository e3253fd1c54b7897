from __future__ import annotations

import pytest

from .faulty_directory import FaultyDirectory
from .machine import Machine


@pytest.fixture
def directory() -> FaultyDirectory:
    return FaultyDirectory()


@pytest.fixture
def machine(directory: FaultyDirectory) -> Machine:
    return Machine(directory)

"""Processes of the generator that cannot do what they should."""

from __future__ import annotations

import pytest

from integritee.load.errors import GeneratorFailed
from integritee.load.fleet import Load, measure
from integritee.load.mix import Mix


async def test_a_process_that_finds_nobody(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(GeneratorFailed):
        await measure(Load(["ws://127.0.0.1:1"], ["//A"], Mix({"noop": 1}), 10, 1, connections=1))
    said = capfd.readouterr().err
    assert said.startswith("integritee bench: a process of the generator: ")
    assert "Traceback" not in said

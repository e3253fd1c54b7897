"""Checkpoint files: what is written can be read, what cannot be meant is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from integritee.boundary.messages import Checkpoint
from integritee.primitives.header import Digest, Header, Other
from integritee.worker import checkpoint as module
from integritee.worker.checkpoint import parse, read_checkpoints, to_json
from integritee.worker.errors import CheckpointUnusable

HEADER = Header(b"\x01" * 32, 1234, b"\x02" * 32, b"\x03" * 32, Digest([Other(b"x")]))
FULL = Checkpoint(HEADER, 17, [(b"\x09" * 32, 1), (b"\x08" * 32, 2**64 - 1)])
BARE = Checkpoint(HEADER, 0, [])


def test_round_trip(tmp_path: Path) -> None:
    checkpoints = {"integritee": FULL, "target-a": BARE, "target-a-relay": FULL}
    path = tmp_path / "checkpoint.json"
    path.write_text(to_json(checkpoints))
    assert read_checkpoints(path) == checkpoints


def entry(**changes: Any) -> str:
    view = json.loads(to_json({"integritee": FULL}))["integritee"]
    return json.dumps({"integritee": view | changes})


def test_the_unchanged_entry_is_good() -> None:
    assert parse(entry()) == {"integritee": FULL}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "7",
        '{"integritee": 7}',
        '{"integritee": {}}',
        entry().replace('"integritee"', '"kusama"'),
        entry(number=1235),
        entry(hash="0x" + "00" * 32),
        entry(header="0x00"),
        entry(header=7),
        entry(setId=-1),
        entry(setId="17"),
        entry(setId=2**64),
        entry(authorities={"0x00": 1}),
        entry(authorities={"0x" + "00" * 32: 0}),
        entry(authorities={"0x" + "00" * 32: 2**64}),
        entry(authorities={"0x" + "00" * 32: "1"}),
        entry(authorities=["0x" + "00" * 32]),
    ],
)
def test_unusable_files(text: str, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.json"
    path.write_text(text)
    with pytest.raises(CheckpointUnusable, match=r"checkpoint\.json"):
        read_checkpoints(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(CheckpointUnusable, match="No such file"):
        read_checkpoints(tmp_path / "none")


def test_a_file_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FILE", 10)
    path = tmp_path / "checkpoint.json"
    path.write_text(to_json({"integritee": FULL}))
    with pytest.raises(CheckpointUnusable, match="longer"):
        read_checkpoints(path)

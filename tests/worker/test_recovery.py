"""The host's part of an import: shares in any order and under any name, and what is said of those that are no use."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from integritee.boundary.endpoint import RemoteFailure
from integritee.boundary.interface import Ecalls, Method
from integritee.boundary.messages import MAX_RELEASE, Failure, Provisioned, ShareRequest, SharesHeld
from integritee.worker.config import parse
from integritee.worker.errors import InvalidOption
from integritee.worker.recovery import collect, read_shares

DONE = Provisioned(7, b"\x07" * 32, 3, 99)
KEY = "0x" + "ab" * 32


class Enclave:
    """Takes shares that begin with ``good``."""

    def __init__(self) -> None:
        self.held: list[bytes] = []
        self.offered: list[bytes] = []

    async def call(self, method: Method[Any, Any], request: Any, timeout: float = 0) -> Any:
        if method is Ecalls.finish_import:
            return DONE
        self.offered.append(request.release)
        if not request.release.startswith(b"good"):
            raise RemoteFailure(Failure("recovery.release_refused", "the share cannot be used", "{}"))
        self.held.append(request.release)
        return SharesHeld(len(self.held), 2)


@pytest.mark.parametrize(
    ("looks", "offered", "said"),
    [
        ([{"a": b"good 1", "b": b"good 2"}], 2, ["a: share 1 of 2", "b: share 2 of 2"]),
        ([{}, {"a": b"good 1"}, {"a": b"good 1"}, {"z": b"good 2"}], 2, ["a: share 1 of 2", "z: share 2 of 2"]),
        (
            [{"a": b"half"}, {"a": b"half"}, {"a": b"good 1", "b": b"good 2", "c": b"good 3"}],
            3,
            ["a: the share cannot be used (recovery.release_refused)", "a: share 1 of 2", "b: share 2 of 2"],
        ),
        ([{"a": b"good 1", "copy": b"good 1"}, {"b": b"good 2"}], 2, ["a: share 1 of 2", "b: share 2 of 2"]),
    ],
)
def test_shares_are_collected(looks: list[dict[str, bytes]], offered: int, said: list[str]) -> None:
    enclave, heard, pauses = Enclave(), [], []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    left = iter(looks)
    done = asyncio.run(collect(enclave, ShareRequest(b"", 2), lambda: next(left), heard.append, pause))
    assert done == DONE
    assert (len(enclave.offered), heard, len(pauses)) == (offered, said, len(looks) - 1)


def test_files_that_may_be_shares(tmp_path: Path) -> None:
    (tmp_path / "ann").write_bytes(b"a")
    (tmp_path / "long").write_bytes(bytes(MAX_RELEASE + 1))
    (tmp_path / "folder").mkdir()
    assert read_shares(tmp_path) == {"ann": b"a"}


def test_options() -> None:
    line = f"-d d export-shard FILE --dev --custodian {KEY} --custodian-threshold 1 --slot-ms 250"
    config = parse(line.split())
    assert (config.bundle, config.slot_ms, config.dev) == (Path("FILE"), 250, True)
    assert (config.custodians, config.custodian_threshold) == ((b"\xab" * 32,), 1)
    config = parse(["import-shard", "FILE", "--request", "R", "--shares", "S"])
    assert (config.bundle, config.request, config.shares) == (Path("FILE"), Path("R"), Path("S"))
    assert parse(["doctor", "--json"]).as_json and not parse(["doctor", "--json"]).repair
    assert parse(["run", "--custodian", KEY[2:], "--custodian-threshold", "1"]).custodians == (b"\xab" * 32,)


@pytest.mark.parametrize("line", ["run --custodian 0xab", "run --custodian xyz", "run --custodian-threshold 33"])
def test_unusable_options(line: str) -> None:
    with pytest.raises(InvalidOption, match="--custodian"):
        parse(line.split())


@pytest.mark.parametrize("line", ["import-shard FILE", "import-shard FILE --request R", "export-shard"])
def test_missing_options(line: str) -> None:
    with pytest.raises(SystemExit):
        parse(line.split())

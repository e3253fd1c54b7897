"""Checkpoint files: what is written can be read, what cannot be meant is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from integritee.boundary.messages import Checkpoint
from integritee.client.errors import ConnectionFailed
from integritee.client.parentchain import ParentchainClient
from integritee.primitives.grandpa import Authority
from integritee.primitives.header import Digest, Header, Other
from integritee.primitives.ids import ParentchainId
from integritee.scale import encode
from integritee.worker import checkpoint as module
from integritee.worker.chain_config import ChainConfig, RelayConfig
from integritee.worker.checkpoint import observe, observe_all, parse, read_checkpoints, to_json
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


class Observed:
    """A chain at `HEADER`, with GRANDPA or without, in a change of authorities or not."""

    def __init__(self, has_grandpa: bool = True, is_changing: bool = False, head: Header = HEADER) -> None:
        self.has_grandpa, self.is_changing, self.head = has_grandpa, is_changing, head
        self.runtime = self.metadata = self

    async def __aenter__(self) -> Observed:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    def has_pallet(self, name: str) -> bool:
        return name == "Grandpa" and self.has_grandpa

    async def finalized_head(self) -> bytes:
        return self.head.hash()

    async def header(self, block_hash: bytes) -> Header:
        assert block_hash == self.head.hash()
        return self.head

    async def raw_storage(self, key: bytes, at: bytes) -> bytes | None:
        return b"pending" if self.is_changing else None

    async def runtime_call(self, name: str, at: bytes) -> bytes:
        assert at == HEADER.hash() and self.has_grandpa
        if name == "GrandpaApi_current_set_id":
            return FULL.set_id.to_bytes(8, "little")
        return encode(list[Authority], FULL.authorities)


@pytest.mark.parametrize("has_grandpa, expected", [(True, FULL), (False, BARE)])
async def test_what_a_node_shows(has_grandpa: bool, expected: Checkpoint) -> None:
    assert await observe(cast(ParentchainClient, Observed(has_grandpa))) == expected


async def test_no_checkpoint_while_authorities_change() -> None:
    with pytest.raises(CheckpointUnusable, match="block 1234"):
        await observe(cast(ParentchainClient, Observed(is_changing=True)))


async def test_no_checkpoint_at_genesis() -> None:
    genesis = Header(bytes(32), 0, b"\x02" * 32, b"\x03" * 32, Digest([]))
    with pytest.raises(CheckpointUnusable, match="nothing but genesis"):
        await observe(cast(ParentchainClient, Observed(head=genesis)))


async def test_all_chains_by_whoever_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = {"ws://b:1": Observed(), "ws://t:1": Observed(has_grandpa=False), "ws://r:1": Observed()}

    async def connect(url: str, attempts: int) -> Observed:
        if url not in nodes:
            raise ConnectionFailed(url, "refused")
        return nodes[url]

    monkeypatch.setattr(ParentchainClient, "connect", connect)
    target = ChainConfig(ParentchainId.TargetA, ("ws://t:1",), relay=RelayConfig(("ws://gone:1", "ws://r:1")))
    chains = (ChainConfig(ParentchainId.Integritee, ("ws://gone:1", "ws://b:1")), target)
    assert await observe_all(chains) == {"integritee": FULL, "target-a": BARE, "target-a-relay": FULL}
    with pytest.raises(ConnectionFailed):
        await observe_all((ChainConfig(ParentchainId.Integritee, ("ws://gone:1", "ws://gone:2")),))

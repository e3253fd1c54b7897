"""What a community says of itself: put on IPFS, registered in the ledger, and read by others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import base58
import pytest

from integritee.apps.encointer.communities import EncointerCommunities
from integritee.apps.encointer.types import Community
from integritee.cli.community_metadata import MAX_METADATA, expect_metadata
from integritee.cli.errors import UsageError
from integritee.primitives.cid import cid_v0

from ..client.ledger_enclave import ALICE, LedgerEnclave
from ..ipfs.fake_kubo import FakeKubo, served
from .conftest import Cli

COMMUNITY = b"\xc1" * 32
TEXT = base58.b58encode(COMMUNITY).decode()
META = {"name": "Zürich", "symbol": "ZRH", "assets": cid_v0(b"an icon")}
CONTENT = json.dumps(META).encode()
CID = cid_v0(CONTENT)


@pytest.fixture
def daemon() -> Iterator[FakeKubo]:
    with served() as daemon:
        yield daemon


@pytest.fixture
def founded(enclave: LedgerEnclave) -> LedgerEnclave:
    """Alice is a bootstrapper of the community."""
    communities = enclave.runtime.pallet(EncointerCommunities)
    communities._keep(COMMUNITY, Community([], [ALICE.public]))
    return enclave


def publish(cli: Cli, who: str, daemon: FakeKubo) -> int:
    verb = ["--direct", "encointer", "publish-metadata", who, TEXT, "meta.json", "--ipfs-url", daemon.url]
    return cli("trusted", *verb).code


def test_from_a_file_to_a_reader(
    with_enclave: Cli, founded: LedgerEnclave, daemon: FakeKubo, directory: Path
) -> None:
    (directory / "meta.json").write_bytes(CONTENT)
    assert publish(with_enclave, "//Alice", daemon) == 0
    assert daemon.content == {CID: CONTENT}
    founded.content[CID] = CONTENT
    told = with_enclave("trusted", "encointer", "fetch-metadata", TEXT)
    assert told.lines == ["name: Zürich", "symbol: ZRH", f"assets: {META['assets']}"]
    assert with_enclave("--json", "trusted", "encointer", "fetch-metadata", TEXT).json == {
        "ipfs_cid": CID,
        "metadata": META,
    }


def test_what_is_not_stored_is_not_registered(
    with_enclave: Cli, founded: LedgerEnclave, daemon: FakeKubo, directory: Path
) -> None:
    communities = founded.runtime.pallet(EncointerCommunities)
    (directory / "meta.json").write_bytes(b"[]")
    assert publish(with_enclave, "//Alice", daemon) == 2
    daemon.url = "http://127.0.0.1:1"
    (directory / "meta.json").write_bytes(CONTENT)
    assert publish(with_enclave, "//Alice", daemon) == 101
    assert (communities.metadata.get(COMMUNITY), daemon.content) == (None, {})


def test_none_is_registered(with_enclave: Cli, founded: LedgerEnclave) -> None:
    told = with_enclave("--json", "trusted", "encointer", "fetch-metadata", TEXT)
    assert told.error["code"] == "client.value_not_present"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'"text"',
        b"[" * 10_000,
        b"\xff",
        b" " * (MAX_METADATA + 1),
        b'{"assets": "Qm"}',
        b'{"assets": 7}',
    ],
    ids=lambda content: content[:20].decode(errors="replace"),
)
def test_what_is_no_metadata(content: bytes) -> None:
    with pytest.raises(UsageError):
        expect_metadata(content)

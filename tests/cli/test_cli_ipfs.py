"""Public files on IPFS from the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from integritee.primitives.cid import CHUNK_BYTES, cid_v0, cid_v1

from ..client.ledger_enclave import LedgerEnclave
from ..ipfs.fake_kubo import FakeKubo, served
from .conftest import Cli

CONTENT = bytes(CHUNK_BYTES + 1)
CID = cid_v0(CONTENT)


@pytest.fixture
def daemon() -> Iterator[FakeKubo]:
    with served() as daemon:
        yield daemon


def test_a_file_there_and_back(cli: Cli, daemon: FakeKubo, directory: Path) -> None:
    (directory / "meta.json").write_bytes(CONTENT)
    assert cli("ipfs", "add", "meta.json", "--ipfs-url", daemon.url).out == f"{CID}\n"
    assert daemon.content == {CID: CONTENT}
    assert cli("ipfs", "get", CID, "copy", "--ipfs-url", daemon.url).out == "wrote copy\n"
    assert (directory / "copy").read_bytes() == CONTENT


@pytest.mark.parametrize(("version", "cid"), [([], CID), (["--cid-version", "1"], cid_v1(CONTENT))])
def test_identifiers_need_no_daemon(cli: Cli, directory: Path, version: list[str], cid: str) -> None:
    (directory / "file").write_bytes(CONTENT)
    assert cli("ipfs", "cid", "file", *version).out == f"{cid}\n"


def test_a_file_through_a_worker(with_enclave: Cli, enclave: LedgerEnclave, directory: Path) -> None:
    enclave.content[CID] = CONTENT
    assert with_enclave("ipfs", "get", CID, "copy", "--through-worker").out == "wrote copy\n"
    assert (directory / "copy").read_bytes() == CONTENT


def test_what_goes_wrong_has_a_code(cli: Cli, daemon: FakeKubo, directory: Path) -> None:
    daemon.content[CID] = CONTENT[:-1]
    told = cli("--json", "ipfs", "get", CID, "copy", "--ipfs-url", daemon.url).error
    assert (told["code"], told["data"]["expected"]) == ("ipfs.cid_mismatch", CID)
    assert (
        cli("--json", "ipfs", "get", CID, "copy", "--ipfs-url", "http://127.0.0.1:1").error["code"]
        == "ipfs.unavailable"
    )
    assert cli("--json", "ipfs", "add", "nothing", "--ipfs-url", daemon.url).error["code"] == "cli.system"
    assert list(directory.iterdir()) == []

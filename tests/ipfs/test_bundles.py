"""Bundles of a shard on IPFS: the host's part of `export-shard --ipfs` and `import-shard --ipfs`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from integritee.boundary.endpoint import RemoteFailure
from integritee.boundary.interface import Ecalls, Method
from integritee.boundary.messages import Failure, ShardExported
from integritee.errors import IntegriteeError
from integritee.primitives.cid import cid_v0, cid_v1
from integritee.worker import recovery
from integritee.worker.config import Config, parse

from .fake_kubo import NO_SPACE, FakeKubo, answering, failed, fake_kubo

BUNDLE = b"ITEEXPRT" + bytes(300_000)
CID = cid_v0(BUNDLE)


class Enclave:
    """Writes a bundle, and looks at the one it is given; an import goes no further here."""

    def __init__(self) -> None:
        self.found: bytes | None = None

    async def call(self, method: Method[Any, Any], request: Any, timeout: float = 0) -> Any:
        return self._answer(method, request)

    def _answer(self, method: Method[Any, Any], request: Any) -> Any:
        if method is Ecalls.export_shard:
            Path(request.path).write_bytes(BUNDLE)
            return ShardExported(bytes(32), 7, bytes(32), 3, 99)
        self.found = Path(request.path).read_bytes()
        raise RemoteFailure(Failure("recovery.seen", "seen", "{}"))


@pytest.fixture
async def daemon() -> AsyncIterator[FakeKubo]:
    async with fake_kubo() as daemon:
        yield daemon


@pytest.fixture
def enclave(monkeypatch: pytest.MonkeyPatch) -> Enclave:
    enclave = Enclave()

    async def with_enclave(ask: Callable[[Enclave], Awaitable[Any]]) -> int:
        await ask(enclave)
        return 0

    monkeypatch.setattr(recovery, "_with_enclave", with_enclave)
    return enclave


def config(daemon: FakeKubo, directory: Path, line: str) -> Config:
    return parse(["--ipfs-url", daemon.url, *(word.replace("@", f"{directory}/") for word in line.split())])


async def test_there_and_back(
    daemon: FakeKubo, enclave: Enclave, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await recovery.export(config(daemon, tmp_path, "export-shard @bundle --ipfs")) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"on IPFS as {CID}"
    assert daemon.content == {CID: BUNDLE}
    line = f"import-shard @copy --request @request --shares @shares --ipfs {CID}"
    with pytest.raises(RemoteFailure):
        await recovery.restore(config(daemon, tmp_path, line))
    assert enclave.found == BUNDLE
    assert capsys.readouterr().out.splitlines() == [f"fetched {CID} into {tmp_path}/copy"]


async def test_a_full_daemon_leaves_the_file(daemon: FakeKubo, enclave: Enclave, tmp_path: Path) -> None:
    daemon.trouble["add"] = answering(lambda: failed(NO_SPACE))
    with pytest.raises(IntegriteeError) as told:
        await recovery.export(config(daemon, tmp_path, "export-shard @bundle --ipfs"))
    assert told.value.code == "ipfs.full"
    assert written(tmp_path) == {"bundle": BUNDLE}


@pytest.mark.parametrize(
    ("cid", "code"), [(CID, "ipfs.not_found"), (cid_v1(BUNDLE), "ipfs.cid_mismatch"), ("Qm", "ipfs.invalid_cid")]
)
async def test_the_enclave_is_not_asked_about_what_is_not_the_bundle(
    daemon: FakeKubo, enclave: Enclave, tmp_path: Path, cid: str, code: str
) -> None:
    daemon.content[cid_v1(BUNDLE)] = BUNDLE[:-1]
    line = f"import-shard @copy --request @request --shares @shares --ipfs {cid}"
    with pytest.raises(IntegriteeError) as told:
        await recovery.restore(config(daemon, tmp_path, line))
    assert (told.value.code, enclave.found, written(tmp_path)) == (code, None, {})


async def test_without_the_option_ipfs_is_left_alone(daemon: FakeKubo, enclave: Enclave, tmp_path: Path) -> None:
    assert await recovery.export(config(daemon, tmp_path, "export-shard @bundle")) == 0
    assert daemon.asked == []


def written(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}

"""The worker's client of an IPFS daemon, with one that does its work and with all that do not."""

from __future__ import annotations

import asyncio
import hashlib
import re
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web

from integritee.boundary.messages import ContentFetched, ContentStored, FetchContent, Nothing, StoreContent
from integritee.errors import IntegriteeError
from integritee.primitives.cid import CHUNK_BYTES, cid_v0, cid_v1
from integritee.primitives.ipfs import MAX_DETAIL, CidMismatch, InvalidCid
from integritee.worker.ipfs import MAX_WAITING_SEARCHES, IpfsDesk
from integritee.worker.kubo import MAX_ANSWER, Kubo, Patience, fetch_file, store_file

from .fake_kubo import NO_SPACE, SLOW, Answer, FakeKubo, answering, breaks_off, failed, fake_kubo, never, said

CONTENT = hashlib.shake_128(b"content of a file").digest(CHUNK_BYTES + 1)
CID = cid_v0(CONTENT)
HURRIED = Patience(connect=2.0, total=0.2)


@pytest.fixture
async def daemon() -> AsyncIterator[FakeKubo]:
    async with fake_kubo() as daemon:
        yield daemon


@pytest.fixture
async def kubo(daemon: FakeKubo) -> AsyncIterator[Kubo]:
    kubo = Kubo(daemon.url + "/")
    yield kubo
    await kubo.close()


async def test_content_there_and_back(daemon: FakeKubo, kubo: Kubo) -> None:
    assert await kubo.store(CONTENT, CID) == CID
    assert daemon.content == {CID: CONTENT}
    assert await kubo.is_pinned(CID)
    assert await kubo.cat(CID) == CONTENT
    (added, options), *_ = daemon.asked
    assert (added, options["pin"], options["cid-version"], options["chunker"], options["raw-leaves"]) == (
        "add",
        "true",
        "0",
        "size-262144",
        "false",
    )


@pytest.mark.parametrize("limit", [0, 1, len(CONTENT) - 1])
async def test_content_is_read_up_to_a_limit(daemon: FakeKubo, kubo: Kubo, limit: int) -> None:
    daemon.content[CID] = CONTENT
    with pytest.raises(IntegriteeError) as refused:
        await kubo.cat(CID, limit)
    assert refused.value.code == "ipfs.refused"
    assert daemon.asked == [("cat", {"arg": CID, "length": str(limit + 1), "progress": "false"})]
    assert await kubo.cat(CID, len(CONTENT)) == CONTENT


ENDLESS = answering(lambda: web.Response(body=bytes(MAX_ANSWER + 1)))

TROUBLES: dict[str, tuple[str, Answer, str]] = {
    "full": ("add", answering(lambda: failed(NO_SPACE)), "ipfs.full"),
    "over its quota": ("add", answering(lambda: failed("Disk quota exceeded")), "ipfs.full"),
    "its own patience ends": ("cat", answering(lambda: failed(SLOW)), "ipfs.timeout"),
    "says nothing to add": ("add", never, "ipfs.timeout"),
    "says nothing to cat": ("cat", never, "ipfs.timeout"),
    "says nothing to pin/ls": ("pin/ls", never, "ipfs.timeout"),
    "breaks off": ("cat", breaks_off, "ipfs.refused"),
    "breaks off in JSON": ("add", breaks_off, "ipfs.refused"),
    "something else": ("add", answering(lambda: failed("merkledag exploded")), "ipfs.refused"),
    "an error of another form": ("add", answering(lambda: web.Response(status=500, text="oops")), "ipfs.refused"),
    "an error that nests": ("add", answering(lambda: web.Response(status=500, text="[" * 60_000)), "ipfs.refused"),
    "forbidden": ("add", answering(lambda: web.Response(status=403, text="403 - Forbidden\n")), "ipfs.refused"),
    "elsewhere": (
        "add",
        answering(lambda: web.Response(status=307, headers={"Location": "http://169.254.169.254/"})),
        "ipfs.refused",
    ),
    "no JSON": ("add", answering(lambda: web.Response(text="<html>")), "ipfs.refused"),
    "JSON that nests": ("add", answering(lambda: web.Response(text="[" * 60_000)), "ipfs.refused"),
    "no object": ("add", answering(lambda: said([1])), "ipfs.refused"),
    "no answer at all": ("add", answering(lambda: said()), "ipfs.refused"),
    "no hash": ("add", answering(lambda: said({"Name": "content"})), "ipfs.refused"),
    "a hash that is none": ("add", answering(lambda: said({"Hash": 7})), "ipfs.refused"),
    "an endless hash": ("add", answering(lambda: said({"Hash": "Q" * 65})), "ipfs.refused"),
    "an endless answer": ("add", ENDLESS, "ipfs.refused"),
    "forgets at once": ("pin/ls", answering(lambda: failed(f"path '{CID}' is not pinned")), "ipfs.refused"),
    "knows no pins": ("pin/ls", answering(lambda: said({"Keys": {}})), "ipfs.refused"),
    "does not find it": ("cat", answering(lambda: failed("merkledag: not found")), "ipfs.not_found"),
}


@pytest.mark.parametrize(("command", "answer", "code"), TROUBLES.values(), ids=TROUBLES)
async def test_trouble_has_a_name(daemon: FakeKubo, command: str, answer: Answer, code: str) -> None:
    daemon.trouble[command] = answer
    kubo = Kubo(daemon.url, HURRIED)
    with pytest.raises(IntegriteeError) as told:
        await (kubo.cat(CID) if command == "cat" else kubo.store(CONTENT, CID))
    assert told.value.code == code
    await kubo.close()


async def test_an_absent_daemon() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    kubo = Kubo(f"http://127.0.0.1:{port}")
    for asked in (kubo.add(CONTENT), kubo.cat(CID), kubo.is_pinned(CID)):
        with pytest.raises(IntegriteeError) as told:
            await asked
        assert told.value.code == "ipfs.unavailable"
        assert f"no connection to http://127.0.0.1:{port}: Connection refused" in str(told.value)
    await kubo.close()


@pytest.mark.parametrize(
    ("url", "code", "told"),
    [
        ("127.0.0.1:5001", "ipfs.unavailable", "127.0.0.1:5001 is no URL of the form http://host:port"),
        ("localhost:5001", "ipfs.unavailable", "localhost:5001 is no URL of the form http://host:port"),
        ("ftp://127.0.0.1:5001", "ipfs.unavailable", "is no URL of the form http://host:port"),
        ("http://name.invalid:5001", "ipfs.unavailable", "no connection to http://name.invalid:5001: "),
    ],
)
async def test_a_url_that_leads_nowhere(url: str, code: str, told: str) -> None:
    kubo = Kubo(url)
    with pytest.raises(IntegriteeError, match=re.escape(told)) as refused:
        await kubo.add(CONTENT)
    assert refused.value.code == code
    await kubo.close()


@pytest.mark.parametrize(
    ("says", "code", "told"),
    [
        (b"SSH-2.0-OpenSSH\r\n", "ipfs.refused", "is no HTTP; something else is at http://127.0.0.1:"),
        (b"", "ipfs.unavailable", "broke off at `cat`"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "ipfs.refused", "is it the RPC of an IPFS daemon?"),
    ],
)
async def test_somebody_else_has_its_port(says: bytes, code: str, told: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(says)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        kubo = Kubo(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        with pytest.raises(IntegriteeError, match=re.escape(told)) as refused:
            await kubo.cat(CID)
        assert refused.value.code == code
        await kubo.close()


# -- for the enclave


class Enclave:
    """Hears reports."""

    def __init__(self) -> None:
        self.reports: asyncio.Queue[ContentStored | ContentFetched] = asyncio.Queue()

    async def hear(self, report: ContentStored | ContentFetched) -> Nothing:
        self.reports.put_nowait(report)
        return Nothing()


def store(desk: IpfsDesk) -> None:
    desk.store(StoreContent(CID, CONTENT))


def fetch(desk: IpfsDesk) -> None:
    desk.fetch(FetchContent(7, CID))


@pytest.fixture
async def desk(daemon: FakeKubo) -> AsyncIterator[tuple[IpfsDesk, Enclave]]:
    enclave = Enclave()
    desk = IpfsDesk(Kubo(daemon.url, HURRIED), enclave.hear, enclave.hear)
    yield desk, enclave
    await desk.close()


async def lies(request: web.Request) -> web.StreamResponse:
    await request.read()
    return said({"Name": "content", "Hash": cid_v0(b"other"), "Size": "1"})


REPORTS: list[tuple[Callable[[IpfsDesk], None], tuple[str, Answer] | None, ContentStored | ContentFetched]] = [
    (store, None, ContentStored(CID, reported=CID)),
    (store, ("add", lies), ContentStored(CID, reported=cid_v0(b"other"))),
    (store, ("add", answering(lambda: failed(NO_SPACE))), ContentStored(CID, code="ipfs.full", detail=NO_SPACE)),
    (
        store,
        ("add", answering(lambda: failed("ü" * 10_000))),
        ContentStored(CID, code="ipfs.refused", detail="ü" * MAX_DETAIL),
    ),
    (fetch, None, ContentFetched(7, CONTENT)),
    (fetch, ("cat", answering(lambda: web.Response(body=b"else"))), ContentFetched(7, b"else")),
]


@pytest.mark.parametrize(("ask", "trouble", "report"), REPORTS)
async def test_the_enclave_is_told_in_any_case(
    daemon: FakeKubo,
    desk: tuple[IpfsDesk, Enclave],
    ask: Callable[[IpfsDesk], None],
    trouble: tuple[str, Answer] | None,
    report: ContentStored | ContentFetched,
) -> None:
    daemon.content[CID] = CONTENT
    if trouble is not None:
        daemon.trouble[trouble[0]] = trouble[1]
    ask(desk[0])
    assert await desk[1].reports.get() == report


async def test_what_the_daemon_lacks_is_searched_for(daemon: FakeKubo, desk: tuple[IpfsDesk, Enclave]) -> None:
    daemon.elsewhere[CID] = CONTENT
    for _ in range(2):
        fetch(desk[0])
        assert await desk[1].reports.get() == ContentFetched(7, CONTENT)
    assert [options.get("offline") for _, options in daemon.asked] == ["true", None, "true"]


async def test_searches_keep_nobody_from_what_is_here(daemon: FakeKubo) -> None:
    """Far more is asked for that does not exist than is searched for; what the daemon has comes nevertheless."""

    async def cat(request: web.Request) -> web.StreamResponse:
        return await (daemon._cat if "offline" in request.query else never)(request)

    daemon.trouble["cat"] = cat
    daemon.content[CID] = CONTENT
    enclave = Enclave()
    desk = IpfsDesk(Kubo(daemon.url), enclave.hear, enclave.hear)
    for number in range(MAX_WAITING_SEARCHES + 3):
        desk.fetch(FetchContent(number, cid_v0(b"%d" % number)))
    refused = [await enclave.reports.get() for _ in range(3)]
    assert {report.code for report in refused} == {"ipfs.not_found"}
    fetch(desk)
    assert await enclave.reports.get() == ContentFetched(7, CONTENT)
    await desk.close()


async def test_without_a_daemon_the_enclave_is_told_so() -> None:
    enclave = Enclave()
    desk = IpfsDesk(None, enclave.hear, enclave.hear)
    store(desk)
    fetch(desk)
    assert {(await enclave.reports.get()).code for _ in range(2)} == {"ipfs.unavailable"}
    await desk.close()


async def test_what_is_under_way_ends_with_the_desk(daemon: FakeKubo) -> None:
    daemon.trouble["add"] = never
    enclave = Enclave()
    desk = IpfsDesk(Kubo(daemon.url), enclave.hear, enclave.hear)
    for _ in range(9):
        store(desk)
    await daemon.heard.wait()
    await desk.close()
    assert enclave.reports.empty()


# -- files


async def test_a_file_there_and_back(daemon: FakeKubo, kubo: Kubo, tmp_path: Path) -> None:
    (tmp_path / "bundle").write_bytes(CONTENT)
    assert await store_file(kubo, tmp_path / "bundle") == CID
    await fetch_file(kubo, CID, tmp_path / "copy", len(CONTENT))
    assert (tmp_path / "copy").read_bytes() == CONTENT
    daemon.content[cid_v1(CONTENT)] = CONTENT
    await fetch_file(kubo, cid_v1(CONTENT), tmp_path / "copy", len(CONTENT))


def held_in(directory: Path) -> list[bytes]:
    return [path.read_bytes() for path in directory.iterdir()]


@pytest.mark.parametrize(
    ("cid", "held", "error"),
    [
        pytest.param(CID, CONTENT[:-1], CidMismatch, id="cut"),
        pytest.param(CID, CONTENT[::-1], CidMismatch, id="another file"),
        pytest.param("../bundle", CONTENT, InvalidCid, id="no identifier"),
    ],
)
async def test_a_file_that_is_not_the_one_leaves_nothing(
    daemon: FakeKubo, kubo: Kubo, tmp_path: Path, cid: str, held: bytes, error: type[IntegriteeError]
) -> None:
    daemon.content[cid] = held
    (tmp_path / "bundle").write_bytes(b"before")
    with pytest.raises(error):
        await fetch_file(kubo, cid, tmp_path / "bundle", len(CONTENT))
    assert held_in(tmp_path) == [b"before"]


async def test_a_file_that_the_daemon_calls_something_else(daemon: FakeKubo, kubo: Kubo, tmp_path: Path) -> None:
    daemon.trouble["add"] = lies
    (tmp_path / "bundle").write_bytes(CONTENT)
    with pytest.raises(CidMismatch):
        await store_file(kubo, tmp_path / "bundle")

"""An IPFS daemon in a few lines: `add`, `cat` and `pin/ls` as Kubo answers them, and as one in trouble does.

The answers have the form of those of Kubo 0.3x: status, headers and texts.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from aiohttp import web

from integritee.primitives.cid import cid_v0

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

NO_SPACE = "write /data/ipfs/blocks/.temp/temp-1: no space left on device"
NOT_FOUND = (
    "block was not found locally (offline): ipld: could not find QmQBD7wbCmfPjuYUWLR9N5vhn2DRBs459XCiw8oEAvwzXs"
)
NOT_PINNED = "path '{}' is not pinned"
SLOW = 'Post "http://": context deadline exceeded'


@dataclass
class FakeKubo:
    """Serves what is in `content`, by CID. `trouble` replaces the answer to a command."""

    content: dict[str, bytes] = field(default_factory=dict)
    elsewhere: dict[str, bytes] = field(default_factory=dict)
    """What others have and it would find."""
    trouble: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once anything was asked."""
    url: str = ""

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        command = request.match_info["command"]
        self.asked.append((command, dict(request.query)))
        self.heard.set()
        if request.method != "POST":
            return web.Response(status=405, text="405 - Method Not Allowed\n")
        if command in self.trouble:
            return await self.trouble[command](request)
        known = {"add": self._add, "cat": self._cat, "pin/ls": self._pins}
        return (
            await known[command](request) if command in known else web.Response(status=404, text="404 page not found")
        )

    async def _add(self, request: web.Request) -> web.StreamResponse:
        part = await (await request.multipart()).next()
        assert part is not None
        data = bytes(await part.read(decode=False))  # type: ignore[union-attr, call-arg]
        cid = cid_v0(data)
        self.content[cid] = data
        return said({"Name": "content", "Hash": cid, "Size": str(len(data) + 11)})

    async def _cat(self, request: web.Request) -> web.StreamResponse:
        cid = request.query["arg"]
        if cid in self.elsewhere and request.query.get("offline") != "true":
            self.content[cid] = self.elsewhere[cid]
        if cid not in self.content:
            return failed(NOT_FOUND)
        return web.Response(body=self.content[cid][: int(request.query["length"])], content_type="text/plain")

    async def _pins(self, request: web.Request) -> web.StreamResponse:
        cid = request.query["arg"]
        return (
            said({"Keys": {cid: {"Type": "recursive", "Name": ""}}})
            if cid in self.content
            else failed(NOT_PINNED.format(cid))
        )


def said(*values: object) -> web.Response:
    """A line of JSON for each."""
    return web.Response(text="".join(json.dumps(value) + "\n" for value in values), content_type="application/json")


def failed(message: str) -> web.Response:
    return web.json_response({"Message": message, "Code": 0, "Type": "error"}, status=500)


def answering(answer: Callable[[], web.StreamResponse]) -> Answer:
    """Whatever is asked."""

    async def run(request: web.Request) -> web.StreamResponse:
        await request.read()
        return answer()

    return run


async def never(request: web.Request) -> web.StreamResponse:
    """Takes the request and says nothing."""
    await request.read()
    await asyncio.Event().wait()
    raise AssertionError


async def breaks_off(request: web.Request) -> web.StreamResponse:
    """Begins an answer of 100 bytes and hangs up after 10."""
    response = web.StreamResponse(headers={"Content-Length": "100"})
    await response.prepare(request)
    await response.write(b"0123456789")
    assert request.transport is not None
    request.transport.close()
    return response


@asynccontextmanager
async def fake_kubo() -> AsyncIterator[FakeKubo]:
    """On any free port."""
    kubo = FakeKubo()
    app = web.Application(client_max_size=1 << 26)
    app.router.add_route("*", "/api/v0/{command:.*}", kubo._answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        kubo.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield kubo
    finally:
        await runner.cleanup()


@contextmanager
def served() -> Iterator[FakeKubo]:
    """As `fake_kubo`, from a thread of its own: for command lines, which have the loop of the test's."""
    ready, kubos, ends = threading.Event(), list[FakeKubo](), list[Callable[[], object]]()

    async def serve() -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        async with fake_kubo() as kubo:
            kubos.append(kubo)
            ends.append(lambda: loop.call_soon_threadsafe(stop.set))
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    ready.wait()
    try:
        yield kubos[0]
    finally:
        ends[0]()
        thread.join()

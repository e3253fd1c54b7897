"""Client of an IPFS daemon's RPC (Kubo, `/api/v0`), with limits on all that it may say and on how long it may take.

Every method raises DaemonError: the daemon is a stranger's program, and its trouble is nobody's failure here.

Source: Kubo RPC API reference, commands `add`, `cat` and `pin ls`; errors are HTTP 500 with {Message, Code, Type}, or
the trailer `X-Stream-Error` behind an answer that had begun.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import aiohttp

from integritee.primitives.cid import CHUNK_BYTES, Cid, cid_of
from integritee.primitives.ipfs import (
    MAX_CID_LENGTH,
    MAX_CONTENT_BYTES,
    CidMismatch,
    ContentNotFound,
    ContentTooLong,
    IpfsFull,
    IpfsRefused,
    IpfsTimeout,
    IpfsUnavailable,
)

MAX_ANSWER: Final = 64 * 1024
"""Bytes of an answer that is not content."""

PIECE: Final = 256 * 1024
"""Bytes of content that are read at once."""

FULL: Final = ("no space left", "quota", "storage max", "max storage", "disk full", "not enough space")
NOT_FOUND: Final = ("not found", "could not find", "not pinned", "no link named", "failed to resolve", "merkledag:")
SLOW: Final = ("context deadline exceeded", "timeout", "timed out")
"""What a daemon's text says if it means that; in small letters."""


@dataclass(frozen=True)
class Patience:
    """Seconds: to connect, and for a whole request."""

    connect: float = 5.0
    total: float = 20.0


class Kubo:
    """A daemon at ``http://host:port``. Make it inside a running event loop; `close` it."""

    def __init__(self, url: str, patience: Patience | None = None) -> None:
        self._url = url.rstrip("/")
        self.patience = patience or Patience()
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self.patience.total, sock_connect=self.patience.connect),
            auto_decompress=False,
        )

    async def close(self) -> None:
        await self._session.close()

    async def add(self, content: bytes | BinaryIO) -> str:
        """Store and pin a file; its CID (version 0) as the daemon says. Raises DaemonError."""
        form = aiohttp.FormData()
        form.add_field("file", content, filename="content", content_type="application/octet-stream")
        options = {
            "pin": "true",
            "cid-version": "0",
            "raw-leaves": "false",
            "chunker": f"size-{CHUNK_BYTES}",
            "hash": "sha2-256",
            "progress": "false",
        }
        async with self._request("add", options, form) as response:
            answers = await _lines(response)
        name = answers[-1].get("Hash") if answers else None
        if not isinstance(name, str) or not 0 < len(name) <= MAX_CID_LENGTH:
            raise IpfsRefused("the answer to `add` names no hash")
        return name

    async def is_pinned(self, cid: str) -> bool:
        """Whether the daemon will keep content. Raises DaemonError."""
        try:
            async with self._request("pin/ls", {"arg": cid, "type": "recursive"}) as response:
                answers = await _lines(response)
        except ContentNotFound:
            return False
        keys = answers[-1].get("Keys") if answers else None
        return isinstance(keys, dict) and cid in keys

    async def store(self, content: bytes | BinaryIO, cid: str) -> str:
        """As `add`; and look whether the daemon keeps what it says it has. Raises DaemonError."""
        reported = await self.add(content)
        if reported == cid and not await self.is_pinned(cid):
            raise IpfsRefused("it took the content and does not keep it")
        return reported

    async def cat(self, cid: str, limit: int = MAX_CONTENT_BYTES, *, offline: bool = False) -> bytes:
        """Content of at most `limit` bytes, unchecked; `offline`, only what the daemon has. Raises DaemonError."""
        async with aclosing(self.pieces(cid, limit, offline=offline)) as pieces:
            return b"".join([piece async for piece in pieces])

    async def pieces(self, cid: str, limit: int, *, offline: bool = False) -> AsyncGenerator[bytes, None]:
        """As `cat`, as it comes. What is longer is a refusal, when that is seen."""
        found = 0
        # One byte more than may be, so that the daemon does not send all of what is too long.
        options = {"arg": cid, "length": str(limit + 1), "progress": "false"}
        if offline:
            options["offline"] = "true"
        async with self._request("cat", options) as response:
            async for piece in response.content.iter_chunked(PIECE):
                found += len(piece)
                if found > limit:
                    raise IpfsRefused(str(ContentTooLong(found, limit)))
                yield piece

    @asynccontextmanager
    async def _request(
        self, command: str, options: dict[str, str], form: aiohttp.FormData | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            url = f"{self._url}/api/v0/{command}"
            async with self._session.post(url, params=options, data=form, allow_redirects=False) as response:
                if response.status != 200:
                    raise _refusal(response.status, await response.content.read(MAX_ANSWER))
                yield response
        except TimeoutError:
            raise IpfsTimeout(f"no answer to `{command}` within {self.patience.total:g} s") from None
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
            raise IpfsUnavailable(f"{self._url} is no URL of the form http://host:port") from None
        except aiohttp.ClientConnectorError as failed:
            raise IpfsUnavailable(f"no connection to {self._url}: {_reason(failed.os_error)}") from None
        except aiohttp.ClientResponseError:
            raise IpfsRefused(f"the answer to `{command}` is no HTTP; something else is at {self._url}") from None
        except aiohttp.ClientPayloadError as broken:
            raise IpfsRefused(f"the answer to `{command}` broke off: {broken}") from None
        except aiohttp.ClientError as failed:
            raise IpfsUnavailable(f"{self._url} broke off at `{command}` ({type(failed).__name__})") from None


async def fetch_file(kubo: Kubo, text: str, path: Path, limit: int) -> None:
    """Bring content to `path`; under its name only once it is whole and has that CID.

    Raises InvalidCid, CidMismatch, DaemonError, OSError.
    """
    cid = Cid.parse(text)
    temporary = path.with_name(path.name + ".fetched")
    try:
        with await asyncio.to_thread(temporary.open, "wb") as file:
            async with aclosing(kubo.pieces(text, limit)) as pieces:
                async for piece in pieces:
                    await asyncio.to_thread(file.write, piece)
        found = await asyncio.to_thread(file_cid, temporary, cid.version)
        if found != cid:
            raise CidMismatch(str(found), text)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


async def store_file(kubo: Kubo, path: Path) -> str:
    """Store the content of a file; its CID, which was computed here. Raises CidMismatch, DaemonError, OSError."""
    cid = str(await asyncio.to_thread(file_cid, path, 0))
    with await asyncio.to_thread(path.open, "rb") as file:
        reported = await kubo.store(file, cid)
    if reported != cid:
        raise CidMismatch(reported, cid)
    return cid


def file_cid(path: Path, version: int) -> Cid:
    """The identifier of a file, which need not fit into memory. Raises OSError."""
    with path.open("rb") as file:
        return cid_of(iter(lambda: file.read(CHUNK_BYTES), b""), version)


def _reason(failed: OSError) -> str:
    """The system's words, without what asyncio says around them; of a name that is not found, the resolver's."""
    if failed.errno is not None and failed.errno > 0:
        return os.strerror(failed.errno)
    return failed.strerror or str(failed)


async def _lines(response: aiohttp.ClientResponse) -> list[dict[str, Any]]:
    """An answer of one JSON object per line. Raises IpfsRefused."""
    data = bytearray()
    async for piece in response.content.iter_chunked(PIECE):
        data += piece
        if len(data) > MAX_ANSWER:
            raise IpfsRefused(f"an answer of more than {MAX_ANSWER} bytes")
    try:
        answers = [json.loads(line) for line in data.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        raise IpfsRefused("an answer that is no JSON") from None
    if not all(isinstance(answer, dict) for answer in answers):
        raise IpfsRefused("an answer that is no JSON object")
    return answers


def _refusal(status: int, body: bytes) -> IpfsFull | IpfsTimeout | ContentNotFound | IpfsRefused:
    """What the daemon means, as far as its text tells."""
    try:
        answer = json.loads(body)
        message = str(answer["Message"])
    except (ValueError, RecursionError, KeyError, TypeError):
        message = f"HTTP {status} without a reason; is it the RPC of an IPFS daemon?"
    said = message.lower()
    for texts, kind in ((FULL, IpfsFull), (SLOW, IpfsTimeout), (NOT_FOUND, ContentNotFound)):
        if any(text in said for text in texts):
            return kind(message)
    return IpfsRefused(message)

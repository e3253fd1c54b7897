"""The network between two enclaves, in hostile hands."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from integritee.enclave.provisioning.tls import client_tls, server_tls

from ...attestation.forge import NOW


@dataclass
class Relay:
    """Forwards connections to a port. `cuts` says after how many bytes from the server each of them breaks."""

    target: int
    cuts: list[int] = field(default_factory=list)
    port: int = 0
    connections: int = 0
    forwarded: int = 0
    """Bytes from the server."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = self.cuts[self.connections] if self.connections < len(self.cuts) else 1 << 60
        self.connections += 1
        away_reader, away_writer = await self.connect()
        try:
            forth = asyncio.create_task(pump(reader, away_writer))
            while left > 0 and (data := await away_reader.read(min(left, 65536))):
                left -= len(data)
                self.forwarded += len(data)
                writer.write(data)
                await writer.drain()
            forth.cancel()
        except OSError:
            pass
        finally:
            away_writer.transport.abort()
            writer.transport.abort()

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.target)


@dataclass
class ManInTheMiddle(Relay):
    """Speaks TLS with both sides and reads along."""

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.target, ssl=client_tls(), server_hostname="")


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


@asynccontextmanager
async def running(relay: Relay) -> AsyncIterator[Relay]:
    tls: ssl.SSLContext | None = server_tls(NOW).context if isinstance(relay, ManInTheMiddle) else None
    listener = await asyncio.start_server(relay.serve, "127.0.0.1", 0, ssl=tls)
    relay.port = listener.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        listener.close()

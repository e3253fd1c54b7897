"""A connection that carries messages, each in its time."""

from __future__ import annotations

import asyncio
import ssl
from typing import Final

from .errors import CertificateUnusable, ConnectionFailed, MessageTruncated, PeerStalled
from .messages import HEAD, length_of
from .tls import public_key_of

LINGER_SECONDS: Final = 1.0
"""How long the peer may take note of a refusal."""
LINGER_BYTES: Final = 1024 * 1024
"""What it may say meanwhile, unheard."""
CLOSE_SECONDS: Final = 1.0
"""Time for TLS to end in order."""


class Link:
    """One end of a TLS connection. A message has `seconds` to arrive or to leave, however its bytes trickle."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
        self._reader = reader
        self._writer = writer
        self._seconds = seconds

    def peer_public_key(self) -> bytes:
        """Of the peer's certificate (DER, SubjectPublicKeyInfo). Raises CertificateUnusable."""
        tls: ssl.SSLObject = self._writer.get_extra_info("ssl_object")
        certificate = tls.getpeercert(binary_form=True)
        if certificate is None:
            raise CertificateUnusable("there is none")
        return public_key_of(certificate)

    async def receive(self, limit: int, state: str) -> bytes:
        """The next message of at most `limit` bytes, without its length.

        Raises PeerStalled (with `state`), ConnectionFailed, MessageTruncated or MessageTooLong.
        """
        try:
            async with asyncio.timeout(self._seconds):
                head = await self._reader.readexactly(HEAD)
                length = length_of(head, limit)
                return await self._reader.readexactly(length)
        except TimeoutError:
            raise PeerStalled(state) from None
        except asyncio.IncompleteReadError as error:
            if not error.partial and error.expected == HEAD:
                raise ConnectionFailed("the peer has closed it") from None
            raise MessageTruncated(error.expected or 0, len(error.partial)) from None
        except OSError as error:
            raise ConnectionFailed(str(error)) from None

    async def send(self, data: bytes, state: str) -> None:
        """Hand over bytes; returns when most have left. Raises PeerStalled or ConnectionFailed."""
        try:
            async with asyncio.timeout(self._seconds):
                self._writer.write(data)
                await self._writer.drain()
        except TimeoutError:
            raise PeerStalled(state) from None
        except OSError as error:
            raise ConnectionFailed(str(error)) from None

    async def say_last(self, data: bytes) -> None:
        """Send a refusal, and listen without hearing until the peer has had time to read it.

        Who closes with bytes unread resets the connection, and the refusal is lost.
        """
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                self._writer.write(data)
                await self._writer.drain()
                unheard = 0
                while unheard < LINGER_BYTES and (ignored := await self._reader.read(LINGER_BYTES)):
                    unheard += len(ignored)
        except (OSError, TimeoutError):
            return

    async def close(self) -> None:
        """End the connection, in order if the peer plays along."""
        self._writer.close()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            self._writer.transport.abort()

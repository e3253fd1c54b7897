"""A listening socket of the enclave: whoever connects is handed over, and nothing that goes wrong with one client, or
with the system's files, ends it.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Final

ACCEPT_PAUSE_SECONDS: Final = 0.1
"""Pause after the system refused us a socket."""

log = logging.getLogger(__name__)

Admit = Callable[[socket.socket, str], None]
"""Told of a connected socket and the address at its other end."""


class Listener:
    """Accepts on `host` and `port` (0: any free one) until `stop`. To be made on a running event loop. `pause` says
    how many seconds the next one is to wait.

    Raises OSError if the address cannot be had.
    """

    def __init__(
        self, host: str, port: int, backlog: int, admit: Admit, pause: Callable[[], float] = lambda: 0.0
    ) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=backlog)
        self._socket.setblocking(False)
        self._admit, self._pause = admit, pause
        self._accepting = asyncio.create_task(self._accept_all())

    @property
    def port(self) -> int:
        """The port listened on."""
        number: int = self._socket.getsockname()[1]
        return number

    async def stop(self) -> None:
        """Accept nobody any more."""
        self._accepting.cancel()
        await asyncio.wait({self._accepting})
        self._socket.close()

    async def _accept_all(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, address = await loop.sock_accept(self._socket)
            except ConnectionAbortedError:  # the client left while it was queued
                continue
            except OSError as error:
                log.warning("cannot accept a client: %s", error)
                await asyncio.sleep(ACCEPT_PAUSE_SECONDS)
                continue
            self._admit(accepted, address[0])
            await asyncio.sleep(self._pause())  # those who come in a crowd are let in one in a turn of the loop

"""Who knocks is let in, in a crowd one after the other."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from integritee.enclave.listening import Listener

CROWD = 20


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_others_have_their_turns_while_a_crowd_comes(run: Callable[[Coroutine[Any, Any, None]], None]) -> None:
    async def come() -> None:
        inside: list[socket.socket] = []
        listener = Listener("127.0.0.1", 0, CROWD, lambda accepted, _: inside.append(accepted))
        crowd = [socket.create_connection(("127.0.0.1", listener.port)) for _ in range(CROWD)]
        before = 0
        while len(inside) < CROWD:
            await asyncio.sleep(0)
            assert len(inside) - before <= 1
            before = len(inside)
        await listener.stop()
        for each in (*inside, *crowd):
            each.close()

    run(come())

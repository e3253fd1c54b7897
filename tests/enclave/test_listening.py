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


def test_whoever_listens_may_have_the_next_one_wait() -> None:
    async def come() -> None:
        inside: list[socket.socket] = []
        pauses = iter((0.0, 3600.0))
        listener = Listener("127.0.0.1", 0, CROWD, lambda accepted, _: inside.append(accepted), lambda: next(pauses))
        crowd = [socket.create_connection(("127.0.0.1", listener.port)) for _ in range(CROWD)]
        for _ in range(10 * CROWD):
            await asyncio.sleep(0)
        assert len(inside) == 2
        await listener.stop()
        for each in (*inside, *crowd):
            each.close()

    asyncio.run(come())

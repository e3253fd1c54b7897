"""Round trips of the node's JSON-RPC: one client, one connection, one question after the other.

Beside them are those of a bare WebSocket server of the same library, with messages as long: ``python -m bench.rpc``
is that server.
"""

from __future__ import annotations

import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiohttp import web
from tests.system.processes import Node
from websockets.sync.client import ClientConnection, connect

SECONDS = 0.5
ROUNDS = 4
"""Both servers in turn, so that drifts of the machine hit them alike."""

REQUEST = b'{"jsonrpc":"2.0","id":1,"method":"chain_getHeader","params":[]}'


def round_trips_per_second() -> dict[str, float]:
    """Median rates of the node and of the bare server, and their ratio."""
    with tempfile.TemporaryDirectory() as scratch, _node(Path(scratch)) as node:
        answer = _ask(node)
        with _bare(answer) as bare:
            assert _ask(bare) == answer
            rates = [(_rate(node), _rate(bare)) for _ in range(ROUNDS)]
    own, bound = (statistics.median(several) for several in zip(*rates, strict=True))
    return {"rpc_round_trips_per_s": own, "bare_round_trips_per_s": bound, "rpc_ratio": own / bound}


def _ask(connection: ClientConnection) -> str | bytes:
    connection.send(REQUEST, text=True)
    return connection.recv()


def _rate(connection: ClientConnection) -> float:
    done, start = 0, time.perf_counter()
    while time.perf_counter() < start + SECONDS:
        _ask(connection)
        done += 1
    return done / (time.perf_counter() - start)


@contextmanager
def _node(directory: Path) -> Iterator[ClientConnection]:
    """A node that makes no blocks meanwhile."""
    node = Node(directory, seal="manual")
    try:
        with connect(node.start().url) as connection:
            yield connection
    finally:
        node.destroy()


@contextmanager
def _bare(answer: str | bytes) -> Iterator[ClientConnection]:
    """A server in a process of its own that has one answer to all questions."""
    command = [sys.executable, "-m", "bench.rpc", str(answer)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parent.parent) as server:
        try:
            assert server.stdout is not None
            with connect(f"ws://127.0.0.1:{int(server.stdout.readline())}") as connection:
                yield connection
        finally:
            server.terminate()


def main(answer: str) -> None:
    async def serve(request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse()
        await response.prepare(request)
        async for _ in response:
            await response.send_str(answer)
        return response

    app = web.Application()
    app.router.add_get("/", serve)
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    web.run_app(app, sock=listener, print=None)


if __name__ == "__main__":
    main(sys.argv[1])

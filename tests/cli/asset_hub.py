"""An asset hub's node as far as the command line notices: real metadata, storage that a test fills, one block."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from integritee.primitives.storage import storage_prefix

METADATA = (Path(__file__).parent.parent / "vectors" / "metadata" / "pah.scale").read_bytes()
HEAD = "0x" + "0c" * 32
HEADER = {
    "parentHash": "0x" + "0b" * 32,
    "number": "0x64",
    "stateRoot": "0x" + "0d" * 32,
    "extrinsicsRoot": "0x" + "0e" * 32,
    "digest": {"logs": []},
}
EVENTS = "0x" + storage_prefix("System", "Events").hex()
NO_EVENTS = "0x00"
WATCH = "author_submitAndWatchExtrinsic"


class AssetHub:
    """Serves from a thread of its own."""

    def __init__(self, genesis_hash: bytes) -> None:
        self.genesis_hash = genesis_hash
        self.storage: dict[bytes, bytes] = {}
        self.submitted: list[bytes] = []
        self.port = ""
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        async with serve(self._client, "127.0.0.1", 0) as server:
            self.port = str(server.sockets[0].getsockname()[1])
            self._ready.set()
            await self._over.wait()

    async def _client(self, socket: ServerConnection) -> None:
        async for message in socket:
            request = json.loads(message)
            result = self._answer(request["method"], request["params"])
            await socket.send(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}))
            if request["method"] == WATCH:
                params = {"subscription": result, "result": {"inBlock": HEAD}}
                update = {"jsonrpc": "2.0", "method": "author_extrinsicUpdate", "params": params}
                await socket.send(json.dumps(update))

    def _answer(self, method: str, params: list[Any]) -> Any:
        match method:
            case "chain_getBlockHash":
                return "0x" + self.genesis_hash.hex()
            case "state_getMetadata":
                return "0x" + METADATA.hex()
            case "state_getRuntimeVersion":
                return {"specVersion": 1, "transactionVersion": 1}
            case "state_getStorage" if params[0] == EVENTS:
                return NO_EVENTS
            case "state_getStorage":
                found = self.storage.get(bytes.fromhex(params[0][2:]))
                return None if found is None else "0x" + found.hex()
            case "chain_getFinalizedHead":
                return HEAD
            case "chain_getHeader":
                return HEADER
            case "system_accountNextIndex":
                return 3
            case "chain_getBlock":
                extrinsics = ["0x" + extrinsic.hex() for extrinsic in self.submitted]
                return {"block": {"header": HEADER, "extrinsics": extrinsics}}
        if method == WATCH:
            self.submitted.append(bytes.fromhex(params[0][2:]))
            return "watched"
        return True

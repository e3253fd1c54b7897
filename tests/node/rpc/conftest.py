"""A node over the toy runtime, and a caller that talks JSON-RPC to it without sockets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.node.toy_runtime import genesis

from integritee.node.chain_spec import dev_spec
from integritee.node.database import Database
from integritee.node.keystore import Keystore
from integritee.node.node import Node, NodeOptions
from integritee.node.rpc.api import node_methods
from integritee.node.rpc.jsonrpc import Dispatcher
from integritee.node.rpc.sessions import Session

from .rpc_engine import RpcEngine

START_MS = 1_700_000_000_000


class RpcFailure(Exception):
    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(str(error))
        self.code, self.message, self.data = error["code"], error["message"], error.get("data")


class Caller:
    """One session. `sent` is everything it was sent and has not been asked about."""

    def __init__(self, dispatcher: Dispatcher, **options: Any) -> None:
        self.dispatcher = dispatcher
        self.sent: list[Any] = []
        self.session = Session(lambda text: self.sent.append(json.loads(text)), **options)

    def raw(self, text: str | bytes) -> Any:
        """The reply to a message, None if there is none; notifications stay in `sent`."""
        before = len(self.sent)
        self.dispatcher.serve(text, self.session)
        return self.sent.pop(before) if len(self.sent) > before else None

    def call(self, method: str, *params: Any, **named: Any) -> Any:
        reply = self.raw(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": named or list(params)}))
        if "error" in reply:
            raise RpcFailure(reply["error"])
        assert reply.keys() == {"jsonrpc", "result", "id"}
        return reply["result"]

    def notifications(self, subscription: str, method: str) -> list[Any]:
        """Results a subscription got since last asked, all under that method."""
        found = [frame for frame in self.sent if frame["params"]["subscription"] == subscription]
        self.sent = [frame for frame in self.sent if frame not in found]
        for frame in found:
            assert frame.keys() == {"jsonrpc", "method", "params"}
            assert (frame["jsonrpc"], frame["method"]) == ("2.0", method)
            assert frame["params"].keys() == {"subscription", "result"}
        return [frame["params"]["result"] for frame in found]


class RpcNode(Node):
    """A node whose clock moves a slot per block."""

    now_ms: int

    def __init__(self, path: Path, **options: Any) -> None:
        self.now_ms = START_MS
        self.engine = RpcEngine()
        super().__init__(
            dev_spec(genesis()),
            self.engine,
            Database(path, durable=False),
            Keystore.dev("alice"),
            lambda: self.now_ms,
            NodeOptions(**options),
        )
        self.dispatcher = Dispatcher(node_methods(self))

    def produce(self, count: int = 1, parent: bytes | None = None) -> bytes:
        """Hash of the last of the new blocks."""
        for _ in range(count):
            self.now_ms += 6000
            hash = self.seal(parent).block.hash
        return hash

    def caller(self, **options: Any) -> Caller:
        return Caller(self.dispatcher, **options)


@pytest.fixture
def make_node(tmp_path: Path) -> Iterator[Any]:
    made: list[RpcNode] = []

    def make(**options: Any) -> RpcNode:
        made.append(RpcNode(tmp_path / f"chain{len(made)}", **options))
        return made[-1]

    yield make
    for node in made:
        node.close()


@pytest.fixture
def node(make_node: Any) -> RpcNode:
    return make_node()


@pytest.fixture
def rpc(node: RpcNode) -> Caller:
    return node.caller()

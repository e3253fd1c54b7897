"""A fresh development chain of the toy runtime, in a temporary directory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from integritee.node.authoring import AuthoredBlock
from integritee.node.chain import Chain, ChainEvent
from integritee.node.database import Database
from integritee.node.keystore import Keystore
from integritee.node.pool import PoolLimits, TransactionPool, TransactionStatus
from integritee.node.producer import Producer
from integritee.scale import decode

from .toy_runtime import Account, ToyEngine, account_key, genesis

START_MS = 1_700_000_000_000


@dataclass
class Node:
    """Chain, pool and producer over one database, with a clock that only tests move."""

    path: Path
    keys: Keystore = field(default_factory=lambda: Keystore.dev("alice"))
    storage: dict[bytes, bytes] = field(default_factory=genesis)
    options: dict[str, Any] = field(default_factory=dict)
    limits: PoolLimits | None = None
    now_ms: int = START_MS
    events: list[ChainEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        self.database = Database(self.path, durable=False)
        self.chain = Chain(self.database, ToyEngine(), self.storage)
        self.chain.subscribe(self.events.append)
        self.pool = TransactionPool(self.chain, self.limits)
        self.producer = Producer(self.chain, self.pool, self.keys, **self.options)

    def reopen(self) -> None:
        self.database.close()
        self.open()

    def produce(self, count: int = 1, **options: Any) -> AuthoredBlock:
        for _ in range(count):
            self.now_ms += 6000
            authored = self.producer.produce(self.now_ms, **options)
        return authored

    def submit(self, extrinsic: bytes) -> bytes:
        return self.pool.submit(extrinsic, self.now_ms)

    def watch(self, extrinsic: bytes) -> list[TransactionStatus]:
        heard: list[TransactionStatus] = []
        self.pool.submit(extrinsic, self.now_ms, watcher=heard.append)
        return heard

    def account(self, who: bytes, at: bytes | None = None) -> Any:
        data = self.chain.state_at(at or self.chain.best_hash).get(account_key(who))
        return decode(Account, data) if data else Account()


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    node = Node(tmp_path / "chain")
    yield node
    node.database.close()


@pytest.fixture
def make_node(tmp_path: Path) -> Iterator[Any]:
    made: list[Node] = []

    def make(name: str = "chain", **facts: Any) -> Node:
        made.append(Node(tmp_path / name, **facts))
        return made[-1]

    yield make
    for node in made:
        node.database.close()

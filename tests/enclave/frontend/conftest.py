"""A ledger that says what a test wants, behind a real link."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from integritee.enclave.frontend.ledger_api import Bound
from integritee.primitives.ids import ParentchainId
from integritee.primitives.sidechain import SidechainHeader, SignedBlock

from ..core.gateway import FarEnd, linked

HEADER = SidechainHeader(b"\x01" * 32, 7, b"\x05" * 32, b"\x02" * 32, 51)
VAULT = (b"\x0a" * 32, ParentchainId.TargetA)


@dataclass
class ScriptedLedger:
    """`failure` is raised by everything; `asked` is all that was asked, in order."""

    failure: Exception | None = None
    vault: tuple[bytes, ParentchainId] | None = VAULT
    value: bytes | None = b"\x2a"
    gate: asyncio.Event | None = None
    """Holds content back."""
    asked: list[object] = field(default_factory=list)

    def _note(self, *what: object) -> None:
        self.asked.append(what if len(what) > 1 else what[0])
        if self.failure is not None:
            raise self.failure

    def admit(self, plain: bytes, bound: Bound) -> bytes:
        self._note("admit", plain)
        top_hash = plain.ljust(32, b"\0")
        bound(top_hash)
        return top_hash

    def query(self, getter: bytes) -> bytes | None:
        self._note("query", getter)
        return self.value

    def latest_header(self) -> SidechainHeader:
        self._note("header")
        return HEADER

    def shard_vault(self) -> tuple[bytes, ParentchainId] | None:
        self._note("vault")
        return self.vault

    def pending(self, shards: list[bytes]) -> list[list[bytes]]:
        self._note("pending", *shards)
        return [[shard, b"\x01" * 32] for shard in shards]

    def next_nonce(self, account: bytes) -> int:
        self._note("nonce", account)
        return 2**32 - 1

    async def read_content(self, cid: str) -> bytes:
        self._note("content", cid)
        if self.gate is not None:
            await self.gate.wait()
        return cid.encode() * 3

    def import_blocks(self, blocks: list[SignedBlock]) -> None:
        self._note("blocks", *blocks)

    def import_operations(self, sealed: bytes) -> None:
        self._note("operations", sealed)


@pytest.fixture
def ledger() -> ScriptedLedger:
    return ScriptedLedger()


@pytest.fixture
async def far(ledger: ScriptedLedger) -> AsyncIterator[FarEnd]:
    """Where the front end would be."""
    async with linked(ledger) as (_, far):
        yield far

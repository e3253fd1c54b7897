"""The ledger of another process, as the front end asks it."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

from integritee.primitives.ids import H256, AccountId, ParentchainId, ShardIdentifier
from integritee.primitives.sidechain import SidechainHeader, SignedBlock
from integritee.scale import Bounded, codec, u32

from ..rpc.caller import CALLER
from ..rpc.limits import MAX_BLOCKS_PER_MESSAGE, MAX_SHARDS_PER_QUERY
from .ledger_api import Bound, Figures
from .link import Frame, Kind, Link
from .payloads import decode_refusal

ACCOUNT_LENGTH: Final = 32

GETTER_ANSWER: Final = codec(bytes | None)
HEADER: Final = codec(SidechainHeader)
SHARDS: Final = codec(Annotated[list[H256], Bounded(MAX_SHARDS_PER_QUERY)])
HASHES: Final = codec(list[list[bytes]])
NONCE: Final = codec(u32)
FIGURES: Final = codec(Figures)
BLOCKS: Final = codec(Annotated[list[SignedBlock], Bounded(MAX_BLOCKS_PER_MESSAGE)])


class LedgerDefect(Exception):
    """The ledger failed as it should not, which it has logged."""


class RemoteLedger:
    """A `LedgerApi` at the other end of a link. Requests are sent at once, in the order in which they are made."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._asked: dict[int, tuple[asyncio.Future[bytes], Bound | None]] = {}
        self._last = 0

    def __len__(self) -> int:
        """Requests under way."""
        return len(self._asked)

    def answered(self, frame: Frame) -> None:
        """An ANSWER, a REFUSAL or a DEFECT came; the first one counts. Raises LinkFailed if it makes no sense."""
        answer, bound = self._asked.pop(frame.number, (None, None))
        if answer is None:
            return
        if frame.kind == Kind.ANSWER:
            if bound is not None:
                bound(frame.payload)
            if not answer.done():
                answer.set_result(frame.payload)
        elif not answer.done():
            is_refusal = frame.kind == Kind.REFUSAL
            answer.set_exception(decode_refusal(frame.payload) if is_refusal else LedgerDefect())

    def lost(self) -> None:
        """There will be no answers any more. Clients are not told so, who would take it for a refusal, while nobody
        knows what has become of their calls; they find their connections closed."""
        asked, self._asked = self._asked, {}
        for answer, _ in asked.values():
            answer.cancel()

    def _ask(self, kind: Kind, payload: bytes = b"", bound: Bound | None = None) -> asyncio.Future[bytes]:
        self._last = number = self._last % 0xFFFF_FFFF + 1
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer, bound
        self._link.send(kind, payload, number, CALLER.get(), hurries=bound is None)
        return answer

    # -- LedgerApi -----------------------------------------------------------------------------------

    def admit(self, plain: bytes, bound: Bound) -> asyncio.Future[bytes]:
        return self._ask(Kind.ADMIT, plain, bound)

    async def query(self, getter: bytes) -> bytes | None:
        answer: bytes | None = GETTER_ANSWER.decode(await self._ask(Kind.QUERY, getter))
        return answer

    async def latest_header(self) -> SidechainHeader:
        header: SidechainHeader = HEADER.decode(await self._ask(Kind.HEADER))
        return header

    async def shard_vault(self) -> tuple[AccountId, ParentchainId] | None:
        answer = await self._ask(Kind.VAULT)
        return (answer[:ACCOUNT_LENGTH], ParentchainId(answer[ACCOUNT_LENGTH])) if answer else None

    async def pending(self, shards: list[ShardIdentifier]) -> list[list[bytes]]:
        hashes: list[list[bytes]] = HASHES.decode(await self._ask(Kind.PENDING, SHARDS.encode(shards)))
        return hashes

    async def next_nonce(self, account: AccountId) -> int:
        nonce: int = NONCE.decode(await self._ask(Kind.NONCE, account))
        return nonce

    async def read_content(self, cid: str) -> bytes:
        return await self._ask(Kind.CONTENT, cid.encode(errors="surrogatepass"))

    async def import_blocks(self, blocks: list[SignedBlock]) -> None:
        await self._ask(Kind.BLOCKS, BLOCKS.encode(blocks))

    async def import_operations(self, sealed: bytes) -> None:
        await self._ask(Kind.OPERATIONS, sealed)

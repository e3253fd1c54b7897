"""Where the authorities of a chain changed: what spares a fresh enclave the headers between.

Each change is looked up in the chain's state, which needs a node that keeps it. Nothing here is trusted: the
enclave verifies what is found, and what is missing it reads block by block.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, Protocol

from integritee.boundary.messages import MAX_HEADERS_PER_LEAP, Leap
from integritee.client.errors import MalformedAnswer
from integritee.client.parentchain import Block
from integritee.primitives.storage import storage_prefix

SET_ID_KEY: Final = storage_prefix("Grandpa", "CurrentSetId")
PENDING_CHANGE_KEY: Final = storage_prefix("Grandpa", "PendingChange")

MAX_SEARCHED: Final = 256
"""Changes to look up; each takes up to two requests per bit of the chain's length."""


class Chain(Protocol):
    """What is asked of a node."""

    async def block_hash(self, number: int) -> bytes | None: ...

    async def block(self, block_hash: bytes) -> Block: ...

    async def raw_storage(self, key: bytes, at: bytes | None = None) -> bytes | None: ...


async def find_leaps(chain: Chain, finalized: int) -> list[Leap]:
    """Leaps from genesis on over all changes up to block `finalized`, or up to the first that cannot be shown.

    Raises ClientError if the node does not have the state.
    """
    leaps: list[Leap] = []
    last, newest = 0, await _set_id(chain, finalized)
    while len(leaps) < MAX_SEARCHED and (now := await _set_id(chain, last)) < newest:
        last = await _first(partial(_is_beyond, chain, now), last, finalized)
        leap = await _leap(chain, last)
        if leap is None:
            break
        leaps.append(leap)
    return leaps


async def _first(holds: Callable[[int], Awaitable[bool]], after: int, known: int) -> int:
    """The first number beyond `after` for which the condition holds, as it does from then on and for `known`."""
    step = 1
    while after + step < known and not await holds(after + step):
        after, step = after + step, step * 2
    low, high = after, min(after + step, known)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if await holds(middle) else (middle, high)
    return high


async def _leap(chain: Chain, last: int) -> Leap | None:
    """From the announcement of the change that takes effect with block `last`; None if nothing justifies that."""
    pending = await _value(chain, PENDING_CHANGE_KEY, last - 1)
    first = int.from_bytes(pending[:4], "little") if pending else last  # `scheduled_at` stands first
    if not 0 <= last - first < MAX_HEADERS_PER_LEAP:
        return None
    blocks = [await _block(chain, number) for number in range(first, last + 1)]
    justification = blocks[-1].justification
    return Leap([block.header for block in blocks], justification) if justification is not None else None


async def _is_beyond(chain: Chain, set_id: int, number: int) -> bool:
    return await _set_id(chain, number) > set_id


async def _set_id(chain: Chain, number: int) -> int:
    return int.from_bytes(await _value(chain, SET_ID_KEY, number) or b"", "little")


async def _value(chain: Chain, key: bytes, number: int) -> bytes | None:
    return await chain.raw_storage(key, await _hash(chain, number))


async def _block(chain: Chain, number: int) -> Block:
    return await chain.block(await _hash(chain, number))


async def _hash(chain: Chain, number: int) -> bytes:
    found = await chain.block_hash(number)
    if found is None:
        raise MalformedAnswer("chain_getBlockHash", f"no block {number}, although a later one is final")
    return found

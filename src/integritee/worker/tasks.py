"""Work that goes on side by side and ends together."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine


async def until_one_ends(*works: Coroutine[None, None, None]) -> None:
    """Do all at once; when one ends or fails, so do the others, and this.

    A task group would forget that it is cancelled itself if one of its tasks fails at that very moment.
    """
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

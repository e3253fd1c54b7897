"""The RPC method that reads content from IPFS, for readers of relayed notes. The original has none.

`notes_readContent [cid]` → RpcReturnValue with the content itself, as it is stored: who has the key of a note opens
it (`stf.relayed_content`). The enclave has checked that it is what the identifier says; so can the reader.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from integritee.errors import IntegriteeError
from integritee.primitives.ipfs import READ_METHOD, RelayBusy

from . import params as read
from .backend import Backend
from .error_text import parameter_text
from .jsonrpc import Connection, Method, Outcome, Params
from .outcomes import failure, success

MAX_READS_PER_CONNECTION: Final = 2
"""At a time."""


def content_methods(backend: Backend) -> dict[str, Method]:
    """By name."""
    return {READ_METHOD: Method(_ReadContent(backend).run)}


class _ReadContent:
    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._under_way: Counter[int] = Counter()

    async def run(self, params: Params, connection: Connection) -> Outcome:
        if self._under_way[connection.id] >= MAX_READS_PER_CONNECTION:
            return failure(RelayBusy("a connection", MAX_READS_PER_CONNECTION), parameter_text)
        self._under_way[connection.id] += 1
        try:
            return success(await self._backend.read_content(read.first_text(params)))
        except IntegriteeError as e:
            return failure(e, parameter_text)
        finally:
            self._under_way[connection.id] -= 1
            self._under_way += Counter()  # without those that have none

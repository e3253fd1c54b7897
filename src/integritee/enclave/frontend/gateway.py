"""What the trusted RPC asks of an enclave: some it knows, calls it verifies, the rest it asks the ledger."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from integritee.crypto import Ed25519Pair, ShieldingKey
from integritee.primitives.enclave_bridge import Request
from integritee.primitives.ids import AccountId, ParentchainId, ShardIdentifier
from integritee.primitives.sidechain import SidechainHeader, SignedBlock

from ..decipherers import AHEAD, Forked, Processes, Threads, step_back
from ..deciphering import Deciphering
from ..errors import UnknownShard
from ..operations import CallSignatures
from ..rpc.caller import CALLER
from ..rpc.order import Turn, at_once
from ..rpc.watch import Watcher
from .begin import Facts
from .ledger_api import LedgerApi

ROUNDS_DECIPHERING: Final = 3
"""Full rounds of the event loop before it rests, while somebody deciphers. With one, a few submissions would cost
clients with sessions a third of their rate."""

ROUNDS_READING: Final = 5
"""The same unless most of what comes are calls. A flood of getters keeps front end and ledger busy, and if there are
not more cores than that, whoever asks seldom waits at each step until the kernel gives one away: three times as long
as with rests, which take a fifth of the getters per second (and half, after every third round). It is the same with
frames that bring no request at all."""


class Gateway:
    """Implements the trusted RPC's `Backend`. `shielding` deciphers what clients send, `signatures` judges it,
    `signing` vouches for what they are told."""

    def __init__(
        self,
        facts: Facts,
        shielding: ShieldingKey,
        signing: Ed25519Pair,
        signatures: CallSignatures,
        ledger: LedgerApi,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._facts, self._shielding, self._signing, self._ledger = facts, shielding, signing, ledger
        self._signatures = signatures
        cores = os.cpu_count() or 1
        self._executor = ThreadPoolExecutor(cores, thread_name_prefix="decipher", initializer=step_back)
        self._threads = Threads(shielding.decrypt, self._executor, cores + AHEAD)
        self._processes = Processes(self._threads)
        self._deciphering = Deciphering(self._processes, clock)
        self.requests = self._requests_seen = 0
        self.getters = self._getters_seen = 0
        self.calls = 0

    async def use_decipherers(self, forked: Forked) -> None:
        """From here on processes decipher."""
        await self._processes.begin(forked, self._shielding)

    def count(self, method: str) -> None:
        """Observe a request."""
        self.requests += 1

    def rounds_per_rest(self) -> int:
        """After how many full rounds a busy event loop should rest; 0 for never. It depends on the requests since
        this was asked last, and on whether somebody deciphers, who would otherwise wait for the core that the loop
        holds; threads until the interpreter lock is taken from it, several times per decryption."""
        requests, self._requests_seen = self.requests - self._requests_seen, self.requests
        getters, self._getters_seen = self.getters - self._getters_seen, self.getters
        if self._threads.are_at_work or self._processes.are_at_work:
            return ROUNDS_DECIPHERING
        return ROUNDS_READING if 2 * getters >= requests else 0

    def close(self) -> None:
        """Have decipherers end."""
        self._processes.close()
        self._executor.shutdown(wait=False, cancel_futures=True)

    # -- what is known -------------------------------------------------------------------------------

    def shielding_key_json(self) -> str:
        return self._shielding.public.to_json()

    def shard(self) -> ShardIdentifier:
        return self._facts.shard

    def fingerprint(self) -> bytes:
        return self._facts.fingerprint

    def mu_ra_url(self) -> str:
        return self._facts.mu_ra_url

    def untrusted_url(self) -> str:
        return self._facts.untrusted_url

    def stf_metadata(self) -> bytes:
        return self._facts.stf_metadata

    def version(self) -> str:
        return self._facts.version

    def account(self) -> AccountId:
        return self._signing.public

    def sign(self, message: bytes) -> bytes:
        return self._signing.sign(message)

    # -- operations ----------------------------------------------------------------------------------

    async def execute_getter(self, request: Request) -> bytes | None:
        self._check_shard(request)
        self.getters += 1
        return await self._ledger.query(request.cyphertext)

    async def submit(self, request: Request, watcher: Watcher | None, turn: Turn = at_once) -> bytes:
        self._check_shard(request)
        plain = await self.decipher(request.cyphertext)
        await turn()
        return await self.submit_plain(plain, watcher, turn)

    async def submit_plain(self, plain: bytes, watcher: Watcher | None, turn: Turn = at_once) -> bytes:
        self.calls += 1
        self._signatures.expect_valid(plain)
        admission = self._ledger.admit(plain, _ignore if watcher is None else watcher.bind)
        turn.taken()
        return await admission

    async def decipher(self, cyphertext: bytes) -> bytes:
        """Beside the event loop. Raises Undecipherable, RateExceeded, ServerBusy, DecipheringInterrupted."""
        return await self._deciphering.decipher(CALLER.get(), cyphertext)

    def _check_shard(self, request: Request) -> None:
        if request.shard != self._facts.shard:
            raise UnknownShard(request.shard, self._facts.shard)

    # -- what the ledger knows -----------------------------------------------------------------------

    async def shard_vault(self) -> tuple[AccountId, ParentchainId] | None:
        return await self._ledger.shard_vault()

    async def latest_header(self) -> SidechainHeader:
        return await self._ledger.latest_header()

    async def pending(self, shards: list[ShardIdentifier]) -> list[list[bytes]]:
        return await self._ledger.pending(shards)

    async def next_nonce(self, account: AccountId) -> int:
        return await self._ledger.next_nonce(account)

    async def read_content(self, cid: str) -> bytes:
        return await self._ledger.read_content(cid)

    async def import_blocks(self, blocks: list[SignedBlock]) -> None:
        await self._ledger.import_blocks(blocks)

    async def import_operations(self, sealed: bytes) -> None:
        await self._ledger.import_operations(sealed)


def _ignore(top_hash: bytes) -> None:
    """Nobody watches the operation."""

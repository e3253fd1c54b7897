"""What the enclave is told of a chain: first contact, then blocks, and the runtimes it asks for with them."""

from __future__ import annotations

import asyncio
import logging
from typing import Final, Protocol, TypeVar

from integritee.boundary.endpoint import RemoteFailure
from integritee.boundary.interface import Ecalls, Method
from integritee.boundary.messages import (
    ImportBlocks,
    Leap,
    ParentchainParams,
    RelayParams,
    RuntimeFacts,
    RuntimeUpdate,
    SyncState,
)
from integritee.client.errors import RpcError
from integritee.client.parentchain import ParentchainClient, Runtime
from integritee.primitives.storage import storage_prefix
from integritee.scale import Struct

from .chain_config import ChainConfig
from .errors import NoGenesisState
from .funding import Funding
from .leaps import find_leaps

LEAPS_FROM: Final = 256
"""Length of a chain in blocks from which on looking for changes of authorities beats reading from genesis."""

AUTHORITY_KEYS: Final = (
    storage_prefix("Grandpa", "Authorities"),
    storage_prefix("Grandpa", "CurrentSetId"),
    b":grandpa_authorities",
)
NOT_PROVEN: Final = "parentchain.authorities_not_proven"
UNKNOWN_VERSION: Final = "enclave.spec_version_unproven"
"""The enclave needs the metadata of a runtime that a block is proven to have run; it names the version."""

INBOX_FULL: Final = "enclave.inbox_full"
INBOX_PAUSE: Final = 2.0
"""Seconds after which blocks are offered again that the enclave had no room for."""

MAX_OFFERS: Final = 8
"""Runtime versions the enclave may ask for while it reads one batch."""

Q = TypeVar("Q", bound=Struct)
A = TypeVar("A", bound=Struct)
log = logging.getLogger(__name__)


class Enclave(Protocol):
    """What is asked of the enclave's process."""

    async def call(self, method: Method[Q, A], request: Q) -> A: ...


async def introduce(
    enclave: Enclave,
    chain: ParentchainClient,
    config: ChainConfig,
    funding: Funding,
    relay: RelayParams | None,
    search_leaps: bool,
) -> SyncState:
    """Tell the enclave of a chain; the answer says where it goes on.

    With `search_leaps`, they are looked for if that is at genesis; an enclave that did not like some should not be
    shown any again. Raises NoGenesisState, ClientError, RemoteFailure.
    """
    genesis = await chain.header(chain.genesis_hash)
    proof, missing = await authorities_proof(chain)

    def params(leaps: list[Leap]) -> ParentchainParams:
        facts = facts_of(chain.runtime)
        return ParentchainParams(
            id=config.id,
            genesis=genesis,
            authorities_proof=proof,
            runtime=facts,
            required_funds=funding.required,
            vault_funding=funding.vault,
            leaps=leaps,
            checkpoint=config.checkpoint,
            relay=relay,
            token=config.token,
        )

    try:
        state = await enclave.call(Ecalls.init_parentchain, params([]))
    except RemoteFailure as refused:
        if refused.code == NOT_PROVEN and missing is not None:
            raise NoGenesisState(missing) from None
        raise
    if search_leaps and state.number == 0 and (leaps := await _leaps(chain)):
        state = await enclave.call(Ecalls.init_parentchain, params(leaps))
    return state


async def authorities_proof(chain: ParentchainClient) -> tuple[list[bytes], str | None]:
    """The proof, or why there is none: only an enclave that is new to the chain needs it."""
    try:
        return await chain.read_proof(list(AUTHORITY_KEYS), chain.genesis_hash), None
    except RpcError as pruned:
        return [], str(pruned)


async def _leaps(chain: ParentchainClient) -> list[Leap]:
    finalized = (await chain.header(await chain.finalized_head())).number
    if finalized < LEAPS_FROM:
        return []
    try:
        return await find_leaps(chain, finalized)
    except RpcError as unknown:
        log.info("no leaps over changes of authorities: %s", unknown)
        return []


def facts_of(runtime: Runtime) -> RuntimeFacts:
    return RuntimeFacts(runtime.raw_metadata, runtime.spec_version, runtime.transaction_version)


async def feed(enclave: Enclave, chain: ParentchainClient, batch: ImportBlocks) -> SyncState:
    """Have the enclave take a batch: wait while it has no room, offer it the runtimes it asks for.

    Raises RemoteFailure, ClientError.
    """
    offers = 0
    while True:
        try:
            return await enclave.call(Ecalls.import_blocks, batch)
        except RemoteFailure as refused:
            version = refused.data().get("expected")
            if refused.code == INBOX_FULL:
                await asyncio.sleep(INBOX_PAUSE)
            elif refused.code == UNKNOWN_VERSION and isinstance(version, int) and offers < MAX_OFFERS:
                offers += 1
                await offer_runtime(enclave, chain, batch, version)
            else:
                raise


async def offer_runtime(enclave: Enclave, chain: ParentchainClient, batch: ImportBlocks, version: int) -> None:
    """Give the enclave the runtime of this spec version, which one of the blocks is the first to run.

    Raises ClientError, RemoteFailure.
    """
    blocks = batch.blocks
    low, high = 0, len(blocks) - 1
    while low < high:  # the first block that runs `version` or a later one
        middle = (low + high) // 2
        if await chain.spec_version_at(blocks[middle].header.parent_hash) < version:
            low = middle + 1
        else:
            high = middle
    runtime = await chain.runtime_at(blocks[low].header.parent_hash)
    await enclave.call(Ecalls.set_runtime, RuntimeUpdate(batch.id, facts_of(runtime)))

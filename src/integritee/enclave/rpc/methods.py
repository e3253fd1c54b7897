"""The methods of the trusted RPC and the form of their results.

Source: integritee-worker `enclave-runtime/src/rpc/common_api.rs` and `worker_api_direct.rs`,
`sidechain/rpc-handler`. Nearly every result is the hex of a SCALE `RpcReturnValue`, for success and for
failure; the exceptions are noted at each method.

Two things differ on purpose: a missing parameter is an error (the original's enclave panics), and
`author_getShardVault` reports its failure once encoded, like all others (the original's is hex of hex, which
no client can read).
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from integritee.errors import IntegriteeError
from integritee.primitives.sidechain import SidechainHeader
from integritee.scale import encode

from . import params as read
from .backend import Backend
from .content_methods import content_methods
from .error_text import getter_text, parameter_text, submit_text
from .errors import RateExceeded, ShardVaultUnknown, TooManyShards
from .jsonrpc import AnyMethod, Connection, Method, OrderedMethod, Outcome, Params
from .limits import IMPORT_TOKEN_BYTES, MAX_BLOCKS_MESSAGE_BYTES, MAX_SHARDS_PER_QUERY
from .order import Turn
from .outcomes import failure, got, submitted, success, watched
from .rate import TokenBucket
from .session_methods import session_methods
from .watch import WATCH_METHOD, WatchRegistry

PLACEHOLDER: Final = "hello, world"
"""What the original answers to queries it does not implement."""

IMPORT_BLOCKS: Final = "sidechain_importBlock"
IMPORT_OPERATIONS: Final = "sidechain_importOperations"

Clock = Callable[[], float]
"""Seconds, for rates and lifetimes."""


def trusted_methods(
    backend: Backend,
    watches: WatchRegistry,
    clock: Clock = time.monotonic,
    random: Callable[[int], bytes] = os.urandom,
) -> dict[str, AnyMethod]:
    """All methods by name, on top of one enclave."""
    api = _TrustedApi(backend, watches, clock)
    methods: dict[str, AnyMethod] = {
        WATCH_METHOD: OrderedMethod(api.submit_and_watch),
        "author_submitExtrinsic": OrderedMethod(api.submit),
        "author_pendingExtrinsics": Method(api.pending),
        "author_getShieldingKey": _query(lambda: encode(str, backend.shielding_key_json())),
        "author_getShardVault": _asked(api.shard_vault),
        "author_getShard": _query(backend.shard),
        "author_getFingerprint": _query(backend.fingerprint),
        "author_getMuRaUrl": _query(lambda: encode(str, backend.mu_ra_url())),
        "author_getUntrustedUrl": _query(lambda: encode(str, backend.untrusted_url())),
        "chain_getHeader": _asked(api.header),
        "state_getMetadata": _query(backend.stf_metadata),
        "state_executeGetter": Method(api.execute_getter),
        "state_getRuntimeVersion": _constant(PLACEHOLDER),
        "system_health": _constant(PLACEHOLDER),
        "system_name": _constant(PLACEHOLDER),
        "system_version": _query(lambda: f"enclave-runtime: {backend.version()}".encode()),
        "system_accountNextIndex": Method(api.account_next_index),
        IMPORT_BLOCKS: Method(api.import_blocks, max_message_bytes=MAX_BLOCKS_MESSAGE_BYTES, takes_bytes=True),
        IMPORT_OPERATIONS: Method(api.import_operations),
        **session_methods(backend, watches, clock, random),
        **content_methods(backend),
    }
    names = sorted([*methods, "rpc_methods"])
    methods["rpc_methods"] = _constant({"methods": names})
    return methods


class _TrustedApi:
    """Methods that take parameters."""

    def __init__(self, backend: Backend, watches: WatchRegistry, clock: Clock) -> None:
        self._backend = backend
        self._watches = watches
        self._clock = clock

    async def submit_and_watch(self, params: Params, connection: Connection, turn: Turn) -> Outcome:
        """[hex Request] → the bare hash of the operation, not an RpcReturnValue; then updates follow."""
        try:
            request = read.request(params)
        except IntegriteeError as e:
            return failure(e, submit_text)
        return await watched(self._watches, connection, partial(self._backend.submit, request, turn=turn))

    async def submit(self, params: Params, connection: Connection, turn: Turn) -> Outcome:
        """[hex Request] → the 32 bytes of the hash, with status Submitted."""
        try:
            request = read.request(params)
        except IntegriteeError as e:
            return failure(e, submit_text)
        return await submitted(connection, self._backend.submit(request, None, turn))

    async def execute_getter(self, params: Params, connection: Connection) -> Outcome:
        """[hex Request with a plain getter] → SCALE Option<Vec<u8>> of the getter's own SCALE result."""
        try:
            request = read.request(params)
        except IntegriteeError as e:
            return failure(e, getter_text)
        return await got(self._backend.execute_getter(request))

    async def pending(self, params: Params, connection: Connection) -> Outcome:
        """[base58 shard, …] → SCALE Vec<Vec<Vec<u8>>>: per shard, the hashes of the ready operations.

        The original hands out the *decrypted* operations to whoever asks, which undoes the shielding. The
        type stays; an entry is the 32-byte hash, which its submitter knows and which tells others nothing.
        """
        try:
            texts = read.texts(params)
            if len(texts) > MAX_SHARDS_PER_QUERY:
                raise TooManyShards(limit=MAX_SHARDS_PER_QUERY, found=len(texts))
            hashes = await self._backend.pending([read.shard(text) for text in texts])
        except IntegriteeError as e:
            return failure(e, parameter_text)
        return success(encode(list[list[bytes]], hashes))

    async def header(self) -> bytes:
        """SCALE SidechainHeader."""
        return encode(SidechainHeader, await self._backend.latest_header())

    async def shard_vault(self) -> bytes:
        """AccountId ‖ ParentchainId, 33 bytes."""
        vault = await self._backend.shard_vault()
        if vault is None:
            raise ShardVaultUnknown
        account, parentchain = vault
        return account + bytes([parentchain])

    async def account_next_index(self, params: Params, connection: Connection) -> Outcome:
        """[SS58 or 0x-hex account] → plain JSON number: the nonce to sign the account's next call with."""
        return Outcome(await self._backend.next_nonce(read.account(params)))

    async def import_blocks(self, params: Params, connection: Connection) -> Outcome:
        """[hex Vec<SignedBlock>] → plain JSON string "ok", which does not mean that a block is good."""
        self._charge(connection.block_tokens, IMPORT_BLOCKS, params)
        await self._backend.import_blocks(await read.signed_blocks(params, connection.turn))
        return Outcome("ok")

    async def import_operations(self, params: Params, connection: Connection) -> Outcome:
        """[hex of sealed operations] → plain JSON string "ok", which does not mean that one is admitted.

        The original's enclaves do not tell each other what their users submit.
        """
        self._charge(connection.operation_tokens, IMPORT_OPERATIONS, params)
        await self._backend.import_operations(read.sealed_operations(params))
        return Outcome("ok")

    def _charge(self, bucket: TokenBucket, method: str, params: Params) -> None:
        """Before any work is done for whoever claims to be a peer. Raises RateExceeded, InvalidParams."""
        tokens = 1 + len(read.first(params)) // IMPORT_TOKEN_BYTES
        if wait := bucket.take(tokens, self._clock()):
            raise RateExceeded(method, math.ceil(wait * 1000))


def _query(value: Callable[[], bytes]) -> Method:
    """A method that ignores its parameters."""

    async def known() -> bytes:
        return value()

    return _asked(known)


def _asked(value: Callable[[], Awaitable[bytes]]) -> Method:
    """As `_query`, of what the ledger knows."""

    async def run(params: Params, connection: Connection) -> Outcome:
        try:
            return success(await value())
        except IntegriteeError as e:
            return failure(e, parameter_text)

    return Method(run)


def _constant(result: object) -> Method:
    async def run(params: Params, connection: Connection) -> Outcome:
        return Outcome(result)

    return Method(run)

"""Client of a Substrate node: chain, state and extrinsics, resolved through the chain's own metadata."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Self, TypeVar

from integritee.crypto import KeyPair, blake2_256, ss58_encode
from integritee.metadata import (
    EventRecord,
    RuntimeMetadata,
    UndecodableEvent,
    Variant,
    dummy_signed_extrinsic,
    sign_extrinsic,
)
from integritee.primitives.era import Era
from integritee.primitives.grandpa import FinalityProof
from integritee.primitives.header import Header
from integritee.scale import DecodeError, decode

from .errors import ConnectionFailed, ExtrinsicFailed, MalformedAnswer
from .jsonrpc import REQUEST_TIMEOUT, RpcConnection, Subscription

CONNECT_ATTEMPTS: Final = 5
CONNECT_PAUSE: Final = 0.2
"""Seconds between attempts; doubles each time."""

MORTALITY: Final = 64
"""Blocks a user's extrinsic stays valid."""

DECIMALS: Final = 12
"""Of most chains' native tokens."""

FAILED_STATUSES: Final = ("usurped", "dropped", "invalid", "finalityTimeout")
"""Statuses that end an extrinsic. One that is ``retracted`` waits for another block."""

T = TypeVar("T")


@dataclass(frozen=True)
class Runtime:
    """A chain's metadata and versions."""

    metadata: RuntimeMetadata
    raw_metadata: bytes
    spec_version: int
    transaction_version: int


@dataclass(frozen=True)
class Block:
    """A block as a node serves it; `justification` is the SCALE GRANDPA justification if the node has one."""

    header: Header
    extrinsics: list[bytes]
    justification: bytes | None


@dataclass(frozen=True)
class Inclusion:
    """Where an extrinsic ended up and what it caused there."""

    extrinsic_hash: bytes
    block_hash: bytes
    events: list[EventRecord]


@dataclass(frozen=True)
class BlockEvents:
    """All events of a block, beside those that the metadata does not explain."""

    block_hash: bytes
    number: int
    events: list[EventRecord]
    undecodable: list[UndecodableEvent] = field(default_factory=list)


def from_hex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def to_hex(data: bytes) -> str:
    return "0x" + data.hex()


class ParentchainClient:
    """One connection to a node. Make it with `connect`."""

    def __init__(self, rpc: RpcConnection, genesis_hash: bytes, runtime: Runtime) -> None:
        self.rpc, self.genesis_hash, self.runtime = rpc, genesis_hash, runtime

    @classmethod
    async def connect(
        cls, url: str, attempts: int = CONNECT_ATTEMPTS, request_timeout: float = REQUEST_TIMEOUT
    ) -> Self:
        """Connect, retrying while the node is not there yet; requests may take `request_timeout` seconds.

        Raises ConnectionFailed, and as requests do; MetadataError if the metadata is no such.
        """
        pause = CONNECT_PAUSE
        for attempt in range(attempts):
            try:
                rpc = await RpcConnection.open(url, request_timeout=request_timeout, verify_tls=True)
                break
            except ConnectionFailed:
                if attempt == attempts - 1:
                    raise
                await asyncio.sleep(pause)
                pause *= 2
        try:
            genesis = await _ask(rpc, "chain_getBlockHash", [0], from_hex)
            return cls(rpc, genesis, await _runtime(rpc))
        except BaseException:
            await rpc.close()
            raise

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self.rpc.close()

    async def refresh_runtime(self) -> Runtime:
        """Read metadata and versions again, after an upgrade."""
        self.runtime = await _runtime(self.rpc)
        return self.runtime

    async def runtime_at(self, block_hash: bytes) -> Runtime:
        """The runtime whose code is in the state of a block: it runs the next one."""
        return await _runtime(self.rpc, block_hash)

    async def spec_version_at(self, block_hash: bytes) -> int:
        """Spec version of the runtime whose code is in the state of a block."""
        return await self._ask("state_getRuntimeVersion", _at(block_hash), lambda found: int(found["specVersion"]))

    @asynccontextmanager
    async def runtime_versions(self) -> AsyncIterator[Subscription]:
        """Spec versions of the best block's runtime: the present one and each that follows."""
        async with self.rpc.subscribe(
            "state_subscribeRuntimeVersion", [], "state_unsubscribeRuntimeVersion"
        ) as versions:
            yield versions

    async def runtime_call(self, name: str, data: bytes = b"", at: bytes | None = None) -> bytes:
        """The SCALE answer of a runtime API such as ``GrandpaApi_current_set_id``."""
        return await self._ask("state_call", [name, to_hex(data), *_at(at)], from_hex)

    # -- chain ---------------------------------------------------------------------------------------
    # A node that does not know what it is asked for answers null; for a block that is a MalformedAnswer.

    async def header(self, block_hash: bytes | None = None) -> Header:
        """A header; the best one without argument."""
        return await self._ask("chain_getHeader", _at(block_hash), Header.from_rpc)

    async def block_hash(self, number: int) -> bytes | None:
        return await self._ask("chain_getBlockHash", [number], _optional_hex)

    async def finalized_head(self) -> bytes:
        return await self._ask("chain_getFinalizedHead", [], from_hex)

    async def block(self, block_hash: bytes) -> Block:
        return await self._ask("chain_getBlock", [to_hex(block_hash)], _block)

    async def prove_finality(self, number: int) -> FinalityProof | None:
        """What the node can show for a block's finality; None if nothing. Raises RpcError if it is not final yet."""
        return await self._ask("grandpa_proveFinality", [number], _finality_proof)

    @asynccontextmanager
    async def finalized_heads(self) -> AsyncIterator[Subscription]:
        """Headers as they become final (the node may skip some)."""
        async with self.rpc.subscribe(
            "chain_subscribeFinalizedHeads", [], "chain_unsubscribeFinalizedHeads"
        ) as heads:
            yield heads

    # -- state ---------------------------------------------------------------------------------------

    async def raw_storage(self, key: bytes, at: bytes | None = None) -> bytes | None:
        return await self._ask("state_getStorage", [to_hex(key), *_at(at)], _optional_hex)

    async def storage(self, pallet: str, item: str, *keys: Any, at: bytes | None = None) -> Any:
        """A decoded storage value; its default if absent."""
        metadata = self.runtime.metadata
        raw = await self.raw_storage(metadata.storage_key(pallet, item, *keys), at)
        return metadata.decode_storage(pallet, item, raw)

    async def keys(self, prefix: bytes, limit: int = 1000) -> list[bytes]:
        """Storage keys with a prefix, at most `limit` ≤ 1000, in key order."""
        return await self._ask("state_getKeysPaged", [to_hex(prefix), limit], lambda found: [*map(from_hex, found)])

    async def read_proof(self, keys: list[bytes], at: bytes) -> list[bytes]:
        """Trie nodes that prove the keys' values at a block."""
        params = [[to_hex(k) for k in keys], to_hex(at)]
        return await self._ask("state_getReadProof", params, lambda found: [*map(from_hex, found["proof"])])

    async def events(self, at: bytes) -> list[EventRecord]:
        """Events of a block, without any that the metadata does not explain. Raises EventsOutOfStep."""
        raw = await self.raw_storage(self.runtime.metadata.storage_key("System", "Events"), at)
        return self._events(raw)[0]

    def _events(self, raw: bytes | None) -> tuple[list[EventRecord], list[UndecodableEvent]]:
        found = self.runtime.metadata.read_events(raw) if raw else []
        return (
            [event for event in found if isinstance(event, EventRecord)],
            [event for event in found if isinstance(event, UndecodableEvent)],
        )

    @asynccontextmanager
    async def event_stream(self) -> AsyncIterator[AsyncIterator[BlockEvents]]:
        """Events of the best block and of every one that becomes the best, for the length of a block."""
        key = to_hex(self.runtime.metadata.storage_key("System", "Events"))

        async def batches(changes: Subscription) -> AsyncIterator[BlockEvents]:
            async for message in changes:
                block_hash = from_hex(message["result"]["block"])
                raw = next((value for _, value in message["result"]["changes"] if value), None)
                number = (await self.header(block_hash)).number
                yield BlockEvents(block_hash, number, *self._events(from_hex(raw) if raw else None))

        async with self.rpc.subscribe("state_subscribeStorage", [[key]], "state_unsubscribeStorage") as changes:
            yield batches(changes)

    async def free_balance(self, account: bytes) -> int:
        """Free base units; 0 for an account that does not exist."""
        info = await self.storage("System", "Account", account)
        return int(info["data"]["free"])

    async def token_decimals(self) -> int:
        """Decimals of the native token, 12 if the chain does not tell."""
        return await self._ask("system_properties", [], _decimals)

    async def next_nonce(self, account: bytes) -> int:
        """Next nonce, transactions in the node's pool counted."""
        return await self._ask("system_accountNextIndex", [ss58_encode(account)], int)

    # -- extrinsics ----------------------------------------------------------------------------------

    def call(self, pallet: str, call: str, args: dict[str, Any]) -> bytes:
        return self.runtime.metadata.call(pallet, call, args)

    def transfer(self, to: bytes, amount: int) -> bytes:
        """A payment of native funds that may end the payer's account; runtimes before 2023 call it ``transfer``."""
        names = self.runtime.metadata.pallet("Balances").calls
        name = "transfer_allow_death" if "transfer_allow_death" in names else "transfer"
        return self.call("Balances", name, {"dest": to, "value": amount})

    async def sign(self, call: bytes, pair: KeyPair, nonce: int | None = None, asset: Any = None) -> bytes:
        """A mortal extrinsic anchored at the finalized head.

        `asset` is what pays the fee, by its id as the chain's extrinsics have it; None is the native token.
        Raises MissingExtension, ExtensionValueRefused if the chain takes no fee in it.
        """
        head = await self.header(await self.finalized_head())
        return sign_extrinsic(
            self.runtime.metadata,
            call,
            pair,
            nonce=await self.next_nonce(pair.public) if nonce is None else nonce,
            era=Era.mortal(MORTALITY, head.number),
            birth_hash=head.hash(),
            genesis_hash=self.genesis_hash,
            spec_version=self.runtime.spec_version,
            transaction_version=self.runtime.transaction_version,
            asset=asset,
        )

    async def submit(self, extrinsic: bytes) -> bytes:
        """Hand an extrinsic to the node; its hash. Raises RpcError if the node refuses it."""
        return await self._ask("author_submitExtrinsic", [to_hex(extrinsic)], from_hex)

    async def submit_and_watch(self, extrinsic: bytes, until: str = "inBlock") -> Inclusion:
        """Submit and wait until ``inBlock`` or ``finalized``.

        Raises RpcError if refused, ExtrinsicFailed if it falls out of the pool or its dispatch fails.
        """
        async with self.rpc.subscribe(
            "author_submitAndWatchExtrinsic", [to_hex(extrinsic)], "author_unwatchExtrinsic"
        ) as updates:
            async for update in updates:
                status = update["result"]
                name = status if isinstance(status, str) else next(iter(status))
                if name in FAILED_STATUSES:
                    raise ExtrinsicFailed(name, "")
                if name == until or name == "finalized":
                    return await self._inclusion(extrinsic, from_hex(status[name]))
        raise ConnectionFailed(self.rpc.url, "the subscription ended")

    async def _inclusion(self, extrinsic: bytes, block_hash: bytes) -> Inclusion:
        block = await self.block(block_hash)
        index = block.extrinsics.index(extrinsic)
        events = [e for e in await self.events(block_hash) if e.extrinsic_index == index]
        for event in events:
            if (event.pallet, event.name) == ("System", "ExtrinsicFailed"):
                raise ExtrinsicFailed("inBlock", self.describe(event.fields["dispatch_error"]))
        return Inclusion(blake2_256(extrinsic), block_hash, events)

    def describe(self, error: Variant) -> str:
        """A dispatch error in words: ``Balances.InsufficientBalance: …``, ``Token.BelowMinimum``, ``BadOrigin``."""
        name = self.runtime.metadata.dispatch_error_name(error)
        if error.name != "Module":
            return name
        docs = self.runtime.metadata.error(error.value["index"], error.value["error"][0])[2]
        return f"{name}: {docs}" if docs else name

    async def fee(self, call: bytes, account: bytes) -> int:
        """Inclusion fee of a call in base units, estimated on an unsigned dummy."""
        dummy = dummy_signed_extrinsic(self.runtime.metadata, call, account)
        return await self._ask("payment_queryFeeDetails", [to_hex(dummy), None], _inclusion_fee)

    async def _ask(self, method: str, params: list[Any], read: Callable[[Any], T]) -> T:
        return await _ask(self.rpc, method, params, read)


async def _ask(rpc: RpcConnection, method: str, params: list[Any], read: Callable[[Any], T]) -> T:
    """An answer as `read` understands it. Raises as `request`; MalformedAnswer if it is of another shape."""
    found = await rpc.request(method, params)
    try:
        return read(found)
    except (TypeError, ValueError, LookupError, AttributeError, DecodeError) as wrong:
        raise MalformedAnswer(method, "null" if found is None else f"unexpected shape ({wrong})") from None


async def _runtime(rpc: RpcConnection, at: bytes | None = None) -> Runtime:
    metadata, versions = await asyncio.gather(
        _ask(rpc, "state_getMetadata", _at(at), from_hex),
        _ask(rpc, "state_getRuntimeVersion", _at(at), _versions),
    )
    return Runtime(RuntimeMetadata.parse(metadata), metadata, *versions)


def _versions(found: Any) -> tuple[int, int]:
    return int(found["specVersion"]), int(found["transactionVersion"])


def _at(block_hash: bytes | None) -> list[str]:
    return [] if block_hash is None else [to_hex(block_hash)]


def _finality_proof(found: Any) -> FinalityProof | None:
    return decode(FinalityProof, from_hex(found)) if found else None


def _optional_hex(found: Any) -> bytes | None:
    return from_hex(found) if found else None


def _block(found: Any) -> Block:
    body = found["block"]
    extrinsics = [from_hex(extrinsic) for extrinsic in body["extrinsics"]]
    return Block(Header.from_rpc(body["header"]), extrinsics, _grandpa(found.get("justifications")))


def _decimals(properties: Any) -> int:
    """Chains with several tokens list the decimals of each, the native one's first."""
    found = properties.get("tokenDecimals")
    return int(found[0] if isinstance(found, list) else DECIMALS if found is None else found)


def _inclusion_fee(found: Any) -> int:
    return sum(_number(part) for part in (found["inclusionFee"] or {}).values())


def _grandpa(justifications: Any) -> bytes | None:
    for engine, data in justifications or []:
        if bytes(engine) == b"FRNK":
            return from_hex(data) if isinstance(data, str) else bytes(data)
    return None


def _number(value: Any) -> int:
    return int(value, 0) if isinstance(value, str) else int(value)

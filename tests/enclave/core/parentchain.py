"""The real node's chain in one process: accounts with money, blocks on request, and what a host reads from it."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from msgspec.structs import replace as replace_version

from integritee.boundary.messages import ParentchainBlock, ParentchainParams, RuntimeFacts, RuntimeUpdate
from integritee.crypto import Ed25519Pair, Sr25519Pair, blake2_256
from integritee.enclave.parentchain.light_client import GENESIS_KEYS
from integritee.frame.metadata import metadata_v14
from integritee.frame.pallets.system import AccountInfo, LastRuntimeUpgradeInfo, System
from integritee.frame.runtime import use
from integritee.metadata import EventRecord, RuntimeMetadata, decode_extrinsic, sign_extrinsic
from integritee.node.chain import Chain
from integritee.node.database import Database
from integritee.node.engine import RuntimeEngine
from integritee.node.keystore import Keystore
from integritee.node.pallets.proxy import Proxy
from integritee.node.pallets.utility import Utility
from integritee.node.pool import PoolError, TransactionPool
from integritee.node.producer import Producer
from integritee.node.runtime.api import NODE_APIS, PythonRuntimeEngine
from integritee.node.runtime.genesis import genesis
from integritee.node.runtime.presets import DEVELOPMENT, NodeRuntime
from integritee.node.runtime.runtime import TEER, VERSION, IntegriteeNodeRuntime, engine
from integritee.node.runtime.target_b import TargetBRuntime
from integritee.primitives.era import Era
from integritee.primitives.header import Header
from integritee.primitives.ids import Id, ParentchainId
from integritee.primitives.storage import blake2_map_key, storage_prefix
from integritee.scale import decode

START_MS = 1_700_000_000_000
BLOCK_MS = 6000

ALICE = Sr25519Pair.from_uri("//Alice")
USERS = {name: Ed25519Pair.from_seed(blake2_256(name.encode())) for name in ("ann", "ben", "cat", "dan")}
"""Each holds 1000 TEER on the parentchain."""


@cache
def raw_genesis() -> dict[bytes, bytes]:
    balances = {**DEVELOPMENT.balances, **{pair.public: 1000 * TEER for pair in USERS.values()}}
    return genesis(replace(DEVELOPMENT, balances=balances))


_engine = cache(engine)


@cache
def _keystore() -> Keystore:
    return Keystore.dev("alice")


class UpgradedRuntime(IntegriteeNodeRuntime):
    """The next version: calls of two pallets have other indexes, so old ones mean nothing or something else."""

    name = "integritee_node_runtime"

    system = use(0, System, version=replace_version(VERSION, spec_version=411, transaction_version=9), ss58_prefix=13)
    proxy = use(9, Proxy)
    utility = use(7, Utility)


@cache
def upgraded_engine() -> PythonRuntimeEngine:
    return PythonRuntimeEngine(UpgradedRuntime, NODE_APIS)


_RUNTIMES: dict[int, type[NodeRuntime]] = {1: TargetBRuntime, 410: IntegriteeNodeRuntime, 411: UpgradedRuntime}
"""By spec version. Target A's is that of the solo chain by another name."""


@cache
def raw_metadata(spec_version: int = 410) -> bytes:
    return metadata_v14(_RUNTIMES[spec_version])


@cache
def metadata(spec_version: int = 410) -> RuntimeMetadata:
    return RuntimeMetadata.parse(raw_metadata(spec_version))


@cache
def target_genesis(runtime: type[NodeRuntime]) -> dict[bytes, bytes]:
    """Block 0 of a further chain on which the users have money, too, and of each asset."""
    preset = runtime.presets["development"]
    balances = {**preset.balances, **{pair.public: 1000 * TEER for pair in USERS.values()}}
    assets = tuple(
        replace(
            asset, holders={**asset.holders, **{pair.public: 1000 * 10**asset.decimals for pair in USERS.values()}}
        )
        for asset in preset.assets
    )
    return genesis(replace(preset, balances=balances, assets=assets), runtime)


def runtime_update(facts: RuntimeFacts) -> RuntimeUpdate:
    return RuntimeUpdate(ParentchainId.Integritee, facts)


class Parentchain:
    """A chain that grows by `produce`; every block is final and justified at once, by all `keys` in the set."""

    def __init__(
        self,
        path: Path | None = None,
        storage: Mapping[bytes, bytes] | None = None,
        keys: Keystore | None = None,
        foreign: RuntimeEngine | None = None,
    ) -> None:
        """With a `foreign` engine, a chain of whatever runtime `storage` holds, without GRANDPA."""
        self.path = path or Path(tempfile.mkdtemp(prefix="integritee-test-"))
        self.storage = storage or raw_genesis()
        self.keys = keys or _keystore()
        self.database = Database(self.path, durable=False)
        self.is_foreign = foreign is not None
        self.chain = Chain(self.database, foreign or _engine(), self.storage)
        self.pool = TransactionPool(self.chain)
        self.producer = Producer(self.chain, self.pool, self.keys, votes=not self.is_foreign)
        self.refused: list[str] = []
        self._included: set[bytes] = set()
        self._included_to = 0
        self._remove = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)

    def close(self) -> None:
        """Close the database and remove its files; a chain that nobody closes is removed with its last reference."""
        self.database.close()
        self._remove()

    def fork(self) -> Parentchain:
        """The same chain once more, to go its own way from here; its pool is empty."""
        path = Path(tempfile.mkdtemp(prefix="integritee-test-"))
        shutil.copytree(self.path, path, dirs_exist_ok=True)
        return Parentchain(path, self.storage, self.keys)

    # -- growing -------------------------------------------------------------------------------------

    def upgrade(self) -> None:
        """From the next block on the chain runs `UpgradedRuntime`."""
        self.chain.engine = upgraded_engine()

    def produce(self, now: int) -> Header:
        return self.producer.produce(now).block.header

    def submit(self, extrinsic: bytes, now: int) -> None:
        """As a node's RPC: what the pool refuses is noted, nobody else is told."""
        try:
            self.pool.submit(extrinsic, now)
        except PoolError as refused:
            self.refused.append(f"{refused}")

    def sign(self, pair: Any, pallet: str, call: str, args: dict[str, Any]) -> bytes:
        """The next extrinsic of an account, pending ones counted."""
        version = self.chain.runtime_version()
        known = self.metadata(version.spec_version)
        return sign_extrinsic(
            known,
            known.call(pallet, call, args),
            pair,
            nonce=self.pool.next_index(pair.public),
            era=Era(),
            birth_hash=self.chain.genesis_hash,
            genesis_hash=self.chain.genesis_hash,
            spec_version=version.spec_version,
            transaction_version=version.transaction_version,
        )

    def transfer(self, pair: Any, dest: bytes, amount: int, now: int) -> None:
        args = {"dest": Id(dest), "value": amount}
        call = "transfer" if self.is_foreign else "transfer_allow_death"
        self.submit(self.sign(pair, "Balances", call, args), now)

    # -- metadata ------------------------------------------------------------------------------------

    def raw_metadata(self, spec_version: int) -> bytes:
        return self._own_metadata if self.is_foreign else raw_metadata(spec_version)

    def metadata(self, spec_version: int) -> RuntimeMetadata:
        return self._own_parsed if self.is_foreign else metadata(spec_version)

    @cached_property
    def _own_metadata(self) -> bytes:
        return bytes(decode(bytes, self.chain.runtime_call("Metadata_metadata")))

    @cached_property
    def _own_parsed(self) -> RuntimeMetadata:
        return RuntimeMetadata.parse(self._own_metadata)

    # -- reading -------------------------------------------------------------------------------------

    @property
    def height(self) -> int:
        return self.chain.finalized.number

    def value(self, key: bytes, at: bytes | None = None) -> bytes | None:
        return self.chain.state_at(at or self.chain.best_hash).get(key)

    def account(self, who: bytes) -> AccountInfo:
        raw = self.value(blake2_map_key("System", "Account", who))
        return decode(AccountInfo, raw) if raw else AccountInfo()

    def free(self, who: bytes) -> int:
        return int(self.account(who).data.free)

    def events(self, number: int | None = None) -> list[EventRecord]:
        """Events of a block, the best one if none is named."""
        hash = self.chain.best_hash if number is None else self._hash(number)
        raw = self.value(storage_prefix("System", "Events"), hash)
        return self.metadata(self.version(hash)).decode_events(raw) if raw else []

    def version(self, hash: bytes) -> int:
        """Spec version of the runtime that ran a block."""
        raw = self.value(storage_prefix("System", "LastRuntimeUpgrade"), hash)
        return int(decode(LastRuntimeUpgradeInfo, raw or b"").spec_version)

    def all_events(self, name: str) -> list[dict[str, Any]]:
        """Fields of every ``Pallet.Event`` since genesis, oldest first."""
        return [
            dict(event.fields)
            for number in range(1, self.height + 1)
            for event in self.events(number)
            if f"{event.pallet}.{event.name}" == name
        ]

    def included(self) -> set[bytes]:
        """Hashes of all extrinsics in blocks."""
        for number in range(self._included_to + 1, self.height + 1):
            self._included.update(blake2_256(raw) for raw in self._extrinsics(number))
        self._included_to = self.height
        return self._included

    def _extrinsics(self, number: int) -> tuple[bytes, ...]:
        block = self.chain.block(self._hash(number))
        return block.extrinsics if block else ()

    def _hash(self, number: int) -> bytes:
        hash = self.chain.hash_at(number)
        assert hash is not None
        return hash

    def signed_by(self, who: bytes) -> list[bytes]:
        """Extrinsics of an account that are in blocks, oldest first."""
        return [
            raw
            for number in range(1, self.height + 1)
            for raw in self._extrinsics(number)
            if decode_extrinsic(self.metadata(self.version(self._hash(number))), raw).signer == who
        ]

    # -- what a host hands over ----------------------------------------------------------------------

    def facts(self) -> RuntimeFacts:
        version = self.chain.runtime_version()
        raw = self.raw_metadata(version.spec_version)
        return RuntimeFacts(raw, version.spec_version, version.transaction_version)

    def params(
        self,
        required_funds: int = 60 * TEER,
        vault_funding: int = 25 * TEER,
        id: ParentchainId = ParentchainId.Integritee,
    ) -> ParentchainParams:
        header = self.chain.header(self.chain.genesis_hash)
        assert header is not None
        proof = self.chain.state_at(self.chain.genesis_hash).prove(GENESIS_KEYS)
        return ParentchainParams(id, header, proof, self.facts(), required_funds, vault_funding)

    def block(self, number: int, keys: Iterable[bytes]) -> ParentchainBlock:
        """A finalized block with justification and read proof."""
        hash = self.chain.hash_at(number)
        assert hash is not None
        block = self.chain.block(hash)
        assert block is not None
        proof = self.chain.state_at(hash).prove(keys)
        return ParentchainBlock(block.header, list(block.extrinsics), self.chain.justification(hash), proof)

"""The parentchain: the node's runtime, pool and chain, in memory. Blocks may be retracted until they are final."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final, cast

from integritee.boundary.messages import ParentchainBlock, ParentchainParams, RuntimeFacts
from integritee.crypto import KeyPair
from integritee.enclave.parentchain.light_client import GENESIS_KEYS
from integritee.frame.metadata import metadata_v14
from integritee.frame.pallets.system import AccountInfo
from integritee.metadata import EventRecord, RuntimeMetadata, sign_extrinsic
from integritee.node.chain import Chain
from integritee.node.database import Database
from integritee.node.keystore import Keystore
from integritee.node.pool import PoolError, TransactionPool
from integritee.node.producer import Producer
from integritee.node.runtime.genesis import genesis
from integritee.node.runtime.presets import GenesisConfig
from integritee.node.runtime.runtime import TEER, IntegriteeNodeRuntime, engine
from integritee.primitives.enclave_bridge import ShardStatus
from integritee.primitives.era import Era
from integritee.primitives.ids import Id, ParentchainId
from integritee.primitives.sidechain import SidechainBlockConfirmation
from integritee.primitives.storage import blake2_map_key, storage_prefix
from integritee.scale import codec, decode

from .archive import Archive
from .keys import AURA, GOVERNOR, GRANDPA, USERS

START_MS: Final = 1_700_000_000_000
BLOCK_MS: Final = 12_000
FORTUNE: Final = 1_000_000 * TEER
"""What the governor and each user have in the beginning."""

MAX_READ: Final = 1024
"""Blocks kept as hosts hand them over."""

REQUIRED_FUNDS: Final = 60 * TEER
VAULT_FUNDS: Final = 25 * TEER
EVENTS: Final = storage_prefix("System", "Events")
STATUS: Final = codec(ShardStatus)
CONFIRMATION: Final = codec(SidechainBlockConfirmation)


@cache
def raw_metadata() -> bytes:
    return metadata_v14(IntegriteeNodeRuntime)


@cache
def metadata() -> RuntimeMetadata:
    return RuntimeMetadata.parse(raw_metadata())


@cache
def raw_genesis() -> dict[bytes, bytes]:
    rich = {pair.public: FORTUNE for pair in (GOVERNOR, *USERS.values())}
    return genesis(
        GenesisConfig(
            balances=rich,
            aura=(AURA.public,),
            grandpa=((GRANDPA.public, 1),),
            allow_skipping_attestation=True,
        )
    )


_engine = cache(engine)


@dataclass(frozen=True)
class Transfer:
    """Base units that moved in a block."""

    sender: bytes
    receiver: bytes
    amount: int


class Parentchain:
    """A chain that grows by `produce`; blocks become final `lag` blocks later."""

    def __init__(self, archive: Archive | None = None, lag: int = 0) -> None:
        self.archive = archive or Archive()
        self.chain = Chain(cast(Database, self.archive), _engine(), raw_genesis())
        self._version = self.chain.runtime_version()
        keys = Keystore({AURA.public: AURA}, {GRANDPA.public: GRANDPA})  # type: ignore[dict-item]
        self.pool = TransactionPool(self.chain)
        self._producer = Producer(self.chain, self.pool, keys, finality_lag=lag)
        self.lag = lag
        self.reorgs = 0
        self._block = lru_cache(MAX_READ)(self._made)

    def copy(self, lag: int) -> Parentchain:
        """The same chain once more, to go its own way; its pool is empty."""
        return Parentchain(self.archive.copy(), lag)

    # -- growing -------------------------------------------------------------------------------------

    def produce(self, now: int) -> None:
        """Make a block at Unix time `now` (ms)."""
        self._producer.produce(now)

    def fork(self, depth: int, now: int) -> int:
        """Replace the `depth` latest blocks, as far as they are not final, by one more; how many that were."""
        chain = self.chain
        depth = min(depth, chain.best.number - chain.finalized.number)
        if depth <= 0:
            return 0
        hash = chain.hash_at(chain.best.number - depth)
        for _ in range(depth + 1):
            hash = self._producer.produce(now, parent=hash).block.hash
        self.reorgs += 1
        return depth

    def stall(self, is_stalled: bool) -> None:
        """Whether blocks are made, but none becomes final."""
        self._producer.finalizer.lag = None if is_stalled else self.lag

    def submit(self, extrinsic: bytes, now: int) -> bool:
        """As a node's RPC; whether the pool took it."""
        try:
            self.pool.submit(extrinsic, now)
        except PoolError:
            return False
        return True

    def transfer(self, pair: KeyPair, dest: bytes, amount: int, now: int) -> None:
        """Send base units, pending extrinsics of the account counted."""
        args = {"dest": Id(dest), "value": amount}
        self.submit(self._signed(pair, "Balances", "transfer_allow_death", args), now)

    def _signed(self, pair: KeyPair, pallet: str, call: str, args: dict[str, Any]) -> bytes:
        return sign_extrinsic(
            metadata(),
            metadata().call(pallet, call, args),
            pair,
            nonce=self.pool.next_index(pair.public),
            era=Era(),
            birth_hash=self.chain.genesis_hash,
            genesis_hash=self.chain.genesis_hash,
            spec_version=self._version.spec_version,
            transaction_version=self._version.transaction_version,
        )

    # -- reading what is final -----------------------------------------------------------------------

    @property
    def height(self) -> int:
        """Number of the latest final block."""
        return self.chain.finalized.number

    def hash_at(self, number: int) -> bytes:
        hash = self.chain.hash_at(number)
        assert hash is not None
        return hash

    def value(self, key: bytes, number: int | None = None) -> bytes | None:
        """Storage after a block, by default the latest final one."""
        return self.chain.state_at(self.hash_at(self.height if number is None else number)).get(key)

    def free(self, who: bytes, number: int | None = None) -> int:
        """Base units on an account."""
        raw = self.value(blake2_map_key("System", "Account", who), number)
        return int(decode(AccountInfo, raw).data.free) if raw else 0

    def authorities(self, shard: bytes) -> list[bytes]:
        """Signers of a shard, its primary first."""
        raw = self.value(blake2_map_key("EnclaveBridge", "ShardStatus", shard))
        return [status.signer for status in STATUS.decode(raw)] if raw else []

    def confirmation(self, shard: bytes, number: int | None = None) -> SidechainBlockConfirmation | None:
        """The latest confirmation of a sidechain block after a block."""
        raw = self.value(blake2_map_key("Sidechain", "LatestSidechainBlockConfirmation", shard), number)
        return CONFIRMATION.decode(raw) if raw else None

    def events(self, number: int) -> list[EventRecord]:
        return metadata().decode_events(self.value(EVENTS, number) or b"\0")

    # -- what a host hands over ----------------------------------------------------------------------

    def params(self) -> ParentchainParams:
        header = self.chain.header(self.chain.genesis_hash)
        assert header is not None
        proof = self.chain.state_at(self.chain.genesis_hash).prove(GENESIS_KEYS)
        facts = RuntimeFacts(raw_metadata(), self._version.spec_version, self._version.transaction_version)
        return ParentchainParams(ParentchainId.Integritee, header, proof, facts, REQUIRED_FUNDS, VAULT_FUNDS)

    def block(self, number: int, keys: list[bytes]) -> ParentchainBlock:
        """A final block with justification and read proof; the same object to whoever asks for the same."""
        return self._block(self.hash_at(number), tuple(keys))

    def _made(self, hash: bytes, keys: tuple[bytes, ...]) -> ParentchainBlock:
        block = self.chain.block(hash)
        assert block is not None
        proof = self.chain.state_at(hash).prove(keys)
        return ParentchainBlock(block.header, list(block.extrinsics), self.chain.justification(hash), proof)

"""A parentchain of several nodes in one process, whose links and machines may fail.

One node makes the blocks; the others execute what they hear of. Each has its own database, pool and opinion of the
best chain. Finality is declared by the author for blocks so many below its best one, and travels like blocks do.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias

from msgspec.structs import replace as replace_version

from integritee.boundary.messages import ParentchainBlock, ParentchainParams, RuntimeFacts
from integritee.crypto import Ed25519Pair, KeyPair, blake2_256
from integritee.enclave.parentchain.light_client import GENESIS_KEYS
from integritee.frame.metadata import metadata_v14
from integritee.frame.overlay import Overlay
from integritee.frame.pallets.system import AccountInfo, System
from integritee.frame.runtime import use
from integritee.metadata import RuntimeMetadata, sign_extrinsic
from integritee.node.block import Block, encode_body
from integritee.node.chain import ChainEvent
from integritee.node.chain_spec import ChainSpec
from integritee.node.database import Database, Finalization
from integritee.node.errors import ConflictsWithFinalized, NotCanonical, UnknownBlock
from integritee.node.keystore import Keystore
from integritee.node.node import NO_FINALITY, Node, NodeOptions
from integritee.node.pallets.proxy import Proxy
from integritee.node.pallets.utility import Utility
from integritee.node.pool import PoolError
from integritee.node.runtime.api import NODE_APIS, PythonRuntimeEngine
from integritee.node.runtime.genesis import genesis
from integritee.node.runtime.presets import NodeRuntime
from integritee.node.runtime.runtime import TEER, VERSION, IntegriteeNodeRuntime
from integritee.node.runtime.target_a import NAME, TargetARuntime
from integritee.primitives.era import Era
from integritee.primitives.header import Header
from integritee.primitives.ids import ParentchainId
from integritee.primitives.storage import blake2_map_key
from integritee.scale import decode
from integritee.simulation.clock import Clock

from ..enclave.core.parentchain import USERS, UpgradedRuntime

Message: TypeAlias = Block | Finalization
"""What nodes tell each other."""

CODE: Final = b":code"
NEXT_CODE: Final = b"the next version"
TRANSACTION_VERSIONS: Final = {410: 8, 411: 9}
SPAMMERS: Final = tuple(Ed25519Pair.from_seed(blake2_256(b"spammer" + bytes([n]))) for n in range(3))
BLOCK_MS: Final = 6000
GOSSIP_MS: Final = 2000


class UpgradedTargetA(TargetARuntime):
    """The next version, in which two pallets have other indexes."""

    name = "integritee_node_runtime"

    system = use(
        0,
        System,
        version=replace_version(VERSION, spec_name=NAME, impl_name=NAME, spec_version=411, transaction_version=9),
        ss58_prefix=13,
    )
    proxy = use(9, Proxy)
    utility = use(7, Utility)


RUNTIMES: Final[dict[ParentchainId, dict[int, type[NodeRuntime]]]] = {
    ParentchainId.Integritee: {410: IntegriteeNodeRuntime, 411: UpgradedRuntime},
    ParentchainId.TargetA: {410: TargetARuntime, 411: UpgradedTargetA},
}
"""Of each chain, by spec version: the first one and the next."""


@cache
def raw_metadata(which: ParentchainId, version: int) -> bytes:
    return metadata_v14(RUNTIMES[which][version])


@cache
def metadata(which: ParentchainId, version: int) -> RuntimeMetadata:
    return RuntimeMetadata.parse(raw_metadata(which, version))


@cache
def _spec(which: ParentchainId) -> ChainSpec:
    runtime = RUNTIMES[which][410]
    preset = runtime.presets["development"]
    rich = [*USERS.values(), *SPAMMERS]
    balances = {**preset.balances, **{pair.public: 1000 * TEER for pair in rich}}
    return ChainSpec(
        which.name, which.name, "Development", None, {}, genesis(replace(preset, balances=balances), runtime)
    )


_authority = cache(lambda: Keystore.dev("alice"))
_engine = cache(lambda runtime: PythonRuntimeEngine(runtime, NODE_APIS))


class EngineByCode:
    """Runs the version whose code is in the state that a block builds on, so that an upgrade may be retracted."""

    def __init__(self, which: ParentchainId) -> None:
        self._runtimes = RUNTIMES[which]

    def call(self, name: str, overlay: Overlay, args: bytes) -> bytes:
        version = 411 if overlay.backend.get(CODE) == NEXT_CODE else 410
        answer: bytes = _engine(self._runtimes[version]).call(name, overlay, args)
        return answer


class NodeDown(Exception):
    """Nobody answers at this address."""


class Peer:
    """One node of a chain, its machine and what it has not heard yet. `capacity` bounds the transactions of a block."""

    def __init__(self, which: ParentchainId, name: str, clock: Clock, justification_period: int) -> None:
        self.which, self.name, self._clock = which, name, clock
        self.path = Path(tempfile.mkdtemp(prefix="integritee-chaos-"))
        self._options = NodeOptions(name, NO_FINALITY, justification_period)
        self._node: Node | None = None
        self.capacity: int | None = None
        self.unheard: list[Message] = []
        self.start()

    # -- the machine ---------------------------------------------------------------------------------

    def start(self) -> None:
        database = Database(self.path, durable=False)
        spec, engine = _spec(self.which), EngineByCode(self.which)
        self._node = Node(spec, engine, database, _authority(), self._clock.read, self._options, self._closing)

    def kill(self) -> None:
        """End the process. What it had in its database stays, its pool does not."""
        if self._node is not None:
            self._node.close()
            self._node = None

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.path, ignore_errors=True)

    @property
    def is_up(self) -> bool:
        return self._node is not None

    @property
    def node(self) -> Node:
        """Raises NodeDown."""
        if self._node is None:
            raise NodeDown(self.name)
        return self._node

    def _closing(self) -> Callable[[], bool]:
        taken = 0

        def is_full() -> bool:
            nonlocal taken
            taken += 1
            return self.capacity is not None and taken > self.capacity

        return is_full

    # -- the network ---------------------------------------------------------------------------------

    def hear(self) -> None:
        """Take in what others said, as far as it can be understood yet."""
        progress = self.is_up
        while progress:
            progress = False
            for message in list(self.unheard):
                if self._take_in(message):
                    self.unheard.remove(message)
                    progress = True

    def _take_in(self, message: Message) -> bool:
        """Whether it is done with."""
        chain = self.node.chain
        if isinstance(message, Finalization):
            if message.number <= chain.finalized.number:
                return True
            if chain.finalized.number + 1 < message.number:
                return False
            try:
                self._follow(chain.finalize([message]))
            except (UnknownBlock, NotCanonical):
                return False
            return True
        if chain.header(message.hash) is not None:
            return True
        if chain.header(message.header.parent_hash) is None:
            return False
        overlay = chain.overlay_at(message.header.parent_hash)
        chain.engine.call("Core_execute_block", overlay, message.header.encoded() + encode_body(message.extrinsics))
        with suppress(ConflictsWithFinalized):  # it came too late to matter
            self._follow(chain.import_block(message, overlay.settled()))  # type: ignore[arg-type]
        return True

    def _follow(self, events: tuple[ChainEvent, ...]) -> None:
        for event in events:
            self.node.pool.handle(event, self._clock.now)

    def submit(self, extrinsic: bytes) -> str | None:
        """As the node's RPC does; why it was refused, if it was. Raises NodeDown."""
        try:
            self.node.pool.submit(extrinsic, self._clock.now)
        except PoolError as refused:
            return str(refused)
        return None

    # -- what hosts and users read -------------------------------------------------------------------

    @property
    def finalized(self) -> int:
        return self.node.chain.finalized.number

    def account(self, who: bytes, *, final: bool = False) -> AccountInfo:
        chain = self.node.chain
        hash = chain.finalized_hash if final else chain.best_hash
        raw = chain.state_at(hash).get(blake2_map_key("System", "Account", who))
        return decode(AccountInfo, raw) if raw else AccountInfo()

    def runtime(self, spec_version: int | None = None) -> RuntimeFacts:
        """The version in force after the best block, or one that was in force before."""
        version = spec_version or self.node.chain.runtime_version().spec_version
        return RuntimeFacts(raw_metadata(self.which, version), version, TRANSACTION_VERSIONS[version])

    def params(self, required_funds: int, vault_funding: int) -> ParentchainParams:
        chain = self.node.chain
        header = chain.header(chain.genesis_hash)
        assert header is not None
        proof = chain.state_at(chain.genesis_hash).prove(GENESIS_KEYS)
        return ParentchainParams(self.which, header, proof, self.runtime(), required_funds, vault_funding)

    def block(self, number: int, keys: list[bytes]) -> ParentchainBlock:
        """A block of the best chain with its justification, if it has one, and read proof."""
        chain = self.node.chain
        hash = chain.hash_at(number)
        block = chain.block(hash) if hash else None
        assert hash is not None and block is not None
        proof = chain.state_at(hash).prove(keys)
        return ParentchainBlock(block.header, list(block.extrinsics), chain.justification(hash), proof)

    def signed(self, pair: KeyPair, nonce: int, pallet: str, call: str, args: dict[str, Any], tip: int = 0) -> bytes:
        """An immortal extrinsic for the version after the best block."""
        chain = self.node.chain
        version = chain.runtime_version()
        known = metadata(self.which, version.spec_version)
        return sign_extrinsic(
            known,
            known.call(pallet, call, args),
            pair,
            nonce=nonce,
            era=Era(),
            birth_hash=chain.genesis_hash,
            genesis_hash=chain.genesis_hash,
            spec_version=version.spec_version,
            transaction_version=version.transaction_version,
            tip=tip,
        )


@dataclass
class Conditions:
    """How the network is doing: what faults change and calm restores."""

    deaf_to_finality: bool = False
    """Nothing becomes final, though blocks are made."""
    delay_ms: int = 0
    """How long messages between nodes are under way."""
    gossip: bool = True
    """Whether transactions get from one node to the other."""


@dataclass
class Network:
    """Nodes of one parentchain; the first one makes the blocks, `lag` above those that it calls final."""

    which: ParentchainId
    clock: Clock
    dice: random.Random
    lag: int
    justification_period: int
    conditions: Conditions = field(default_factory=Conditions)
    reorgs: int = 0
    deepest: int = 0

    def __post_init__(self) -> None:
        self.peers = [Peer(self.which, name, self.clock, self.justification_period) for name in ("north", "south")]
        self.clock.every(BLOCK_MS, self.grow)
        self.clock.every(GOSSIP_MS, self.gossip)

    @property
    def author(self) -> Peer:
        return self.peers[0]

    @property
    def witness(self) -> Peer | None:
        """Of the nodes that are up the one that knows most to be final."""
        up = [peer for peer in self.peers if peer.is_up]
        return max(up, key=lambda peer: peer.finalized) if up else None

    def close(self) -> None:
        for peer in self.peers:
            peer.remove()

    def grow(self) -> None:
        if self.author.is_up:
            self.seal()

    def seal(self, parent: bytes | None = None) -> Header:
        """Make a block and tell the others."""
        block = self.author.node.seal(parent).block
        self._tell(block)
        if parent is None:
            self._declare_finality()
        return block.header

    def _declare_finality(self) -> None:
        node = self.author.node
        before, number = node.chain.finalized.number, node.chain.best.number - self.lag
        if self.conditions.deaf_to_finality or number <= before:
            return
        hash = node.chain.hash_at(number)
        assert hash is not None
        node.finalize(hash)
        for final in range(before + 1, number + 1):
            hash = node.chain.hash_at(final)
            assert hash is not None
            self._tell(Finalization(hash, final, node.chain.justification(hash)))

    def fork(self, depth: int) -> int:
        """Replace the `depth` latest blocks, as far as they are not final, by one more; how many that were."""
        chain = self.author.node.chain
        depth = min(depth, chain.best.number - chain.finalized.number)
        if depth <= 0:
            return 0
        hash, before = chain.hash_at(chain.best.number - depth), chain.best_hash
        for _ in range(depth + 1):
            hash = self.seal(hash).hash()
        assert not chain.is_canonical(before)
        self.reorgs, self.deepest = self.reorgs + 1, max(self.deepest, depth)
        return depth

    def _tell(self, message: Message) -> None:
        for peer in self.peers[1:]:
            delay = self.dice.randint(0, self.conditions.delay_ms)
            self.clock.after(delay, lambda peer=peer: peer.unheard.append(message) or peer.hear())  # type: ignore[misc]

    def gossip(self) -> None:
        """Nodes tell each other of their ready transactions, and a node that was down of what it missed."""
        up = [peer for peer in self.peers if peer.is_up]
        for peer in up:
            peer.hear()
        if not self.conditions.gossip:
            return
        for source in up:
            for extrinsic in source.node.pool.pending():
                for other in up:
                    if other is not source:
                        other.submit(extrinsic)

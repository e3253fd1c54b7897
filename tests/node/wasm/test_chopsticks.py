"""The same blob under chopsticks: Asset Hub Rococo, three blocks with 20 signed extrinsics.

Our node makes the blocks: it chooses slots and timestamps, makes the parachain's inherents up, and signs for the
hash of its own genesis. Chopsticks, with its own executor (smoldot's) and its own storage layers, begins each block
with the same header, applies the same bytes in the same order, and ends it. Compared are each extrinsic's outcome,
the header that the runtime ends the block with, and every key and value of the state, events included. The state
root is that of chopsticks' state in the trie of its executor: what the runtime gets from the host as the root
while chopsticks runs it is no root, so `state_root` is left out of the header's comparison.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

import pytest

from integritee.crypto import Sr25519Pair
from integritee.frame.overlay import Overlay
from integritee.metadata import RuntimeMetadata, Variant, sign_extrinsic
from integritee.node.authoring import AuthoredBlock, author_block
from integritee.node.block import Block
from integritee.node.chain import Chain
from integritee.node.chain_spec import ChainSpec
from integritee.node.database import Database
from integritee.node.dev_genesis import with_dev_accounts
from integritee.node.keystore import Keystore
from integritee.node.wasm.engine import WasmEngine
from integritee.primitives.era import Era
from integritee.primitives.header import Digest, Seal
from integritee.primitives.storage import storage_prefix
from integritee.scale import decode
from integritee.trie import Trie

from ...conformance.chopsticks import Replayed, replay
from ...conformance.environments import node_packages

pytestmark = pytest.mark.timeout(900)  # the first test of all may install the packages, and compiles

START_MS: Final = 1_700_000_000_000
SLOT_MS: Final = 12_000
UNIT: Final = 10**12
ALICE, BOB, CHARLIE, DAVE, EVE = (
    Sr25519Pair.from_uri(f"//{name}") for name in ("Alice", "Bob", "Charlie", "Dave", "Eve")
)
STRANGER: Final = Sr25519Pair.from_uri("//Stranger")
FEE_ASSET: Final = 1
"""In the genesis, for only the relay chain can make an asset good for fees."""

ASSET: Final = 7
CLASS: Final = 3
"""Of things, each one of its kind."""

EVENTS: Final = storage_prefix("System", "Events")


def to(pair: Sr25519Pair) -> Variant:
    return Variant("Id", pair.public)


@dataclass(frozen=True)
class Signed:
    """A call ("Pallet.call" and its arguments) by an account; `asset` is what the fee is paid in."""

    signer: Sr25519Pair
    name: str
    arguments: tuple[Any, ...]
    asset: int | None = None

    def encoded(self, metadata: RuntimeMetadata) -> bytes:
        """The call; those in its arguments are encoded first."""
        pallet, name = self.name.split(".")
        return metadata.call(pallet, name, [_encoded(value, metadata) for value in self.arguments])


def _encoded(value: Any, metadata: RuntimeMetadata) -> Any:
    match value:
        case Signed():
            return value.encoded(metadata)
        case list():
            return [_encoded(one, metadata) for one in value]
    return value


def by(signer: Sr25519Pair, name: str, *arguments: Any) -> Signed:
    return Signed(signer, name, arguments)


def pay(signer: Sr25519Pair, dest: Sr25519Pair, value: int, asset: int | None = None) -> Signed:
    return Signed(signer, "Balances.transfer_keep_alive", (to(dest), value), asset)


TOO_MUCH: Final = 10**30

BLOCKS: Final[tuple[tuple[Signed, ...], ...]] = (
    (),
    (
        pay(ALICE, BOB, UNIT),
        by(ALICE, "Balances.transfer", to(STRANGER), 5 * UNIT),
        pay(BOB, CHARLIE, TOO_MUCH),
        by(DAVE, "Balances.transfer_all", to(EVE), False),
        by(CHARLIE, "System.remark_with_event", b"the same bytes"),
        by(ALICE, "Assets.create", ASSET, to(ALICE), 1),
        by(ALICE, "Assets.set_metadata", ASSET, b"Seven", b"SVN", 3),
        by(ALICE, "Assets.mint", ASSET, to(BOB), 1000),
        by(BOB, "Assets.transfer", ASSET, to(CHARLIE), 300),
        by(ALICE, "Utility.batch", [pay(ALICE, BOB, 1), pay(ALICE, BOB, TOO_MUCH), pay(ALICE, BOB, 2)]),
        by(ALICE, "Uniques.create", CLASS, to(ALICE)),
        by(ALICE, "Uniques.mint", CLASS, 1, to(EVE)),
    ),
    (
        by(EVE, "Utility.batch_all", [pay(EVE, BOB, 1), pay(EVE, STRANGER, UNIT)]),
        by(BOB, "Assets.approve_transfer", ASSET, to(CHARLIE), 100),
        by(CHARLIE, "Assets.transfer_approved", ASSET, to(BOB), to(EVE), 50),
        by(ALICE, "Proxy.add_proxy", BOB.public, "Any", 0),
        by(BOB, "Proxy.proxy", ALICE.public, None, pay(ALICE, CHARLIE, UNIT)),
        pay(BOB, CHARLIE, UNIT, asset=FEE_ASSET),
        by(ALICE, "Uniques.destroy", CLASS, {"instances": 1, "instance_metadatas": 0, "attributes": 0}),
        by(BOB, "Assets.cancel_approval", ASSET, to(CHARLIE)),
    ),
)
"""What is signed for each block, from number 1 on."""

FAILED: Final = [(2, 2 + 2)]
"""(block, index) of what is in its block to no effect, behind two inherents."""

SEEN: Final = {
    "System.KilledAccount",
    "System.Remarked",
    "Assets.MetadataSet",
    "Assets.Transferred",
    "Assets.ApprovalCancelled",
    "Balances.Deposit",
    "Utility.BatchInterrupted",
    "Utility.BatchCompleted",
    "Proxy.ProxyExecuted",
    "Uniques.Destroyed",
}
"""Some that tell that the calls above did what they are there for."""


@dataclass(frozen=True)
class Both:
    """A block, the state after it, and what chopsticks made of it."""

    block: Block
    state: Trie
    replayed: Replayed


@pytest.fixture(scope="module")
def metadata(asset_hub_engine: WasmEngine, genesis: Trie) -> RuntimeMetadata:
    answer = asset_hub_engine.call("Metadata_metadata", Overlay(genesis), b"")
    return RuntimeMetadata.parse(decode(bytes, answer))


@pytest.fixture(scope="module")
def spec(asset_hub: ChainSpec, asset_hub_engine: WasmEngine, metadata: RuntimeMetadata) -> ChainSpec:
    """The chain with funds for the development accounts, and Bob's of the asset for fees."""
    roles = {role: ALICE.public for role in ("owner", "issuer", "admin", "freezer")}
    counts = {"accounts": 1, "sufficients": 1, "approvals": 0}
    asset = {"supply": UNIT, "deposit": 0, "min_balance": 10**9, "is_sufficient": True, "is_frozen": False}
    held = {"balance": UNIT, "is_frozen": False, "reason": "Sufficient", "extra": ()}
    added = {
        metadata.storage_key("Assets", item, *keys): metadata.encode_storage("Assets", item, value)
        for item, keys, value in (
            ("Asset", (FEE_ASSET,), roles | counts | asset),
            ("Account", (FEE_ASSET, BOB.public), held),
        )
    }
    return replace(asset_hub, genesis=with_dev_accounts(asset_hub.genesis, asset_hub_engine) | added)


@pytest.fixture(scope="module")
def blocks(
    spec: ChainSpec, asset_hub_engine: WasmEngine, metadata: RuntimeMetadata, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[AuthoredBlock]]:
    """Ours."""
    database = Database(tmp_path_factory.mktemp("asset-hub"), durable=False)
    chain = Chain(database, asset_hub_engine, spec.genesis)
    made = []
    for number, orders in enumerate(BLOCKS, 1):
        body = signed(chain, metadata, orders)
        made.append(author_block(chain, body, START_MS + number * SLOT_MS, Keystore.dev("alice").aura))
        chain.import_block(made[-1].block, made[-1].state)
    yield made
    database.close()


def signed(chain: Chain, metadata: RuntimeMetadata, orders: Sequence[Signed]) -> Iterator[bytes]:
    """Extrinsics for the next block."""
    version, nonces = chain.runtime_version(), Counter[bytes]()
    for order in orders:
        signer = order.signer.public
        yield sign_extrinsic(
            metadata,
            order.encoded(metadata),
            order.signer,
            nonce=chain.account_nonce(signer) + nonces[signer],
            era=Era(),
            birth_hash=chain.genesis_hash,
            genesis_hash=chain.genesis_hash,
            spec_version=version.spec_version,
            transaction_version=version.transaction_version,
            asset=order.asset,
        )
        nonces[signer] += 1


@pytest.fixture(scope="module")
def both(spec: ChainSpec, blocks: list[AuthoredBlock], tmp_path_factory: pytest.TempPathFactory) -> list[Both]:
    """Ours, and what chopsticks made of them."""
    scratch = tmp_path_factory.mktemp("chopsticks")
    replayed = replay(node_packages(), spec, [authored.block for authored in blocks], scratch)
    return [Both(ours.block, ours.state, theirs) for ours, theirs in zip(blocks, replayed, strict=True)]


def test_all_are_in_the_blocks(both: list[Both]) -> None:
    """Behind the two inherents: time, and what the relay chain says."""
    assert [len(each.block.extrinsics) for each in both] == [2 + len(orders) for orders in BLOCKS]
    assert sum(map(len, BLOCKS)) == 20


def test_outcomes(both: list[Both], metadata: RuntimeMetadata) -> None:
    """ApplyExtrinsicResult, with the error spelled out; of our blocks it shows in their events."""
    dispatch_error = metadata.type_id("sp_runtime::DispatchError")
    failed = []
    for each in both:
        for event in metadata.decode_events(each.replayed.state[EVENTS]):
            index = event.extrinsic_index or 0
            if event.name == "ExtrinsicSuccess":
                assert each.replayed.outcomes[index] == b"\0\0"
            elif event.name == "ExtrinsicFailed":
                error = metadata.encode_type(dispatch_error, event.fields["dispatch_error"])
                assert each.replayed.outcomes[index] == b"\0\1" + error
                failed.append((each.block.number, index))
    assert failed == FAILED


def test_events(both: list[Both], metadata: RuntimeMetadata) -> None:
    """The same bytes, in which the calls show."""
    seen: set[str] = set()
    for each in both:
        encoded = each.state.get(EVENTS)
        assert encoded is not None
        assert each.replayed.state[EVENTS] == encoded
        seen |= {f"{event.pallet}.{event.name}" for event in metadata.decode_events(encoded)}
    assert seen >= SEEN


def test_a_fee_in_an_asset(both: list[Both], metadata: RuntimeMetadata) -> None:
    account = metadata.storage_key("Assets", "Account", FEE_ASSET, BOB.public)
    held = [metadata.decode_storage("Assets", "Account", each.replayed.state[account])["balance"] for each in both]
    assert UNIT == held[0] == held[1] > held[2]


def test_state(both: list[Both]) -> None:
    """Key by key; and each block changed it."""
    for each in both:
        assert dict(each.state.items()) == each.replayed.state
    for before, after in pairwise(both):
        assert before.replayed.state != after.replayed.state


def test_roots(both: list[Both]) -> None:
    """Of the state in the trie of chopsticks' executor, of the extrinsics as it computed it for the runtime."""
    for each in both:
        assert each.replayed.state_root == each.block.header.state_root
        assert each.replayed.header.extrinsics_root == each.block.header.extrinsics_root


def test_headers(both: list[Both]) -> None:
    """Which the runtime ends a block with; the seal is the author's."""
    for each in both:
        ours, theirs = each.block.header, each.replayed.header
        unsealed = Digest([item for item in ours.digest.logs if not isinstance(item, Seal)])
        assert (theirs.parent_hash, theirs.number, theirs.digest) == (ours.parent_hash, ours.number, unsealed)

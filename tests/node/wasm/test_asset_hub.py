"""A real runtime, Asset Hub Rococo of the time of its genesis: it answers, makes blocks, and moves money."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from integritee.crypto import Sr25519Pair
from integritee.enclave.selftest.damage import flipped
from integritee.frame.overlay import Overlay
from integritee.frame.validity import (
    BadProof,
    Future,
    Invalid,
    Payment,
    Stale,
    TransactionSource,
    TransactionValidityError,
)
from integritee.metadata import RuntimeMetadata, sign_extrinsic
from integritee.metadata.values import Variant
from integritee.node import runtime_api
from integritee.node.block import encode_body
from integritee.node.chain import genesis_block
from integritee.node.chain_spec import ChainSpec
from integritee.node.database import Database
from integritee.node.dev_control import set_storage
from integritee.node.dev_genesis import ENDOWMENT, with_dev_accounts
from integritee.node.errors import RuntimeApiMissing, RuntimePanic
from integritee.node.finality import FinalityKind
from integritee.node.inherents import last_timestamp
from integritee.node.keystore import Keystore
from integritee.node.node import Node, NodeOptions
from integritee.node.wasm.blob import decode_blob
from integritee.node.wasm.engine import WasmEngine
from integritee.primitives.era import Era
from integritee.primitives.header import Digest, Header
from integritee.primitives.storage import blake2_map_key, storage_prefix
from integritee.scale import decode, encode, u32
from integritee.trie import Layout, Trie

pytestmark = pytest.mark.timeout(900)  # the first test of all may install the package, and compiles

START_MS: Final = 1_700_000_000_000
SLOT_MS: Final = 12_000
ALICE, BOB = (Sr25519Pair.from_uri(f"//{name}") for name in ("Alice", "Bob"))
UNIT: Final = 10**12
IMMORTAL: Final = Era()


@pytest.fixture(scope="session")
def metadata(asset_hub_engine: WasmEngine, genesis: Trie) -> RuntimeMetadata:
    answer = asset_hub_engine.call("Metadata_metadata", Overlay(genesis), b"")
    return RuntimeMetadata.parse(decode(bytes, answer))


@pytest.fixture(scope="session")
def dev_spec(asset_hub: ChainSpec, asset_hub_engine: WasmEngine) -> ChainSpec:
    """With funds for the development accounts, and //Alice as its only author."""
    return replace(asset_hub, genesis=with_dev_accounts(asset_hub.genesis, asset_hub_engine))


class DevChain:
    """A node of the chain with a clock that only tests move."""

    def __init__(self, spec: ChainSpec, engine: WasmEngine, metadata: RuntimeMetadata, path: Path) -> None:
        self.now_ms = START_MS
        options = NodeOptions(finality=FinalityKind.INSTANT)
        database = Database(path, durable=False)
        self.node = Node(spec, engine, database, Keystore.dev("alice"), lambda: self.now_ms, options)
        self.chain, self.metadata = self.node.chain, metadata

    def seal(self) -> tuple[bytes, ...]:
        """Make a block; its extrinsics."""
        self.now_ms += SLOT_MS
        return self.node.seal().block.extrinsics

    def transfer(self, nonce: int, value: int = UNIT, signer: Sr25519Pair = ALICE, era: Era = IMMORTAL) -> bytes:
        """A transfer to Bob, signed."""
        version = self.chain.runtime_version()
        arguments = {"dest": Variant("Id", BOB.public), "value": value}
        return sign_extrinsic(
            self.metadata,
            self.metadata.call("Balances", "transfer_keep_alive", arguments),
            signer,
            nonce=nonce,
            era=era,
            birth_hash=self.chain.genesis_hash if era == IMMORTAL else self.chain.best_hash,
            genesis_hash=self.chain.genesis_hash,
            spec_version=version.spec_version,
            transaction_version=version.transaction_version,
        )

    def free(self, account: bytes) -> int:
        data = self.chain.state_at(self.chain.best_hash).get(blake2_map_key("System", "Account", account))
        assert data is not None
        return int.from_bytes(data[16:32], "little")

    def events(self) -> list[tuple[str, str]]:
        """Pallet and name of each event of the best block."""
        data = self.chain.state_at(self.chain.best_hash).get(storage_prefix("System", "Events"))
        assert data is not None
        return [(event.pallet, event.name) for event in self.metadata.decode_events(data)]

    def overlay(self) -> Overlay:
        """On the state of the best block."""
        return self.chain.overlay_at(self.chain.best_hash)


@pytest.fixture
def dev_chain(
    dev_spec: ChainSpec, asset_hub_engine: WasmEngine, metadata: RuntimeMetadata, tmp_path: Path
) -> Iterator[DevChain]:
    chain = DevChain(dev_spec, asset_hub_engine, metadata, tmp_path / "db")
    yield chain
    chain.node.close()


# --- block 0


def test_the_genesis_is_that_of_the_public_chain(genesis: Trie) -> None:
    """Whose explorers show this hash."""
    assert genesis.layout is Layout.V0
    assert genesis.root().hex() == "ad0224198565f04f9f7a6120231d310f9280669ec3395b898dd2bb69e1deb87d"
    assert genesis_block(genesis).hash.hex() == "7c34d42fc815d392057c78b49f2755c753440ccd38bcb0405b3bcfb601d08734"


def test_version(state: Overlay, asset_hub_engine: WasmEngine) -> None:
    version = runtime_api.core_version(asset_hub_engine, state)
    assert (version.spec_name, version.spec_version, version.transaction_version) == ("statemine", 900, 6)
    assert version.system_version == 0
    assert version.apis[0] == (bytes.fromhex("dd718d5cc53262d4"), 1)  # AuraApi


def test_aura(state: Overlay, asset_hub_engine: WasmEngine) -> None:
    assert runtime_api.aura_slot_duration(asset_hub_engine, state) == SLOT_MS
    assert len(runtime_api.aura_authorities(asset_hub_engine, state)) == 4


def test_metadata(metadata: RuntimeMetadata) -> None:
    assert metadata.version == 14
    assert set(metadata.pallets) >= {
        "System",
        "ParachainSystem",
        "Balances",
        "Assets",
        "Proxy",
        "Utility",
        "AssetTxPayment",
    }


def test_the_runtime_reads_its_own_metadata_version(genesis: Trie, metadata: RuntimeMetadata) -> None:
    """Storage that the specification holds decodes as the blob says."""
    key = storage_prefix("System", "LastRuntimeUpgrade")
    value = genesis.get(key)
    assert value is not None
    assert metadata.decode_storage("System", "LastRuntimeUpgrade", value) == {
        "spec_version": 900,
        "spec_name": "statemine",
    }


# --- what it does not take


def test_an_api_it_does_not_have(state: Overlay, asset_hub_engine: WasmEngine) -> None:
    with pytest.raises(RuntimeApiMissing):
        runtime_api.grandpa_authorities(asset_hub_engine, state)


def test_its_panics_are_in_its_own_words(state: Overlay, asset_hub_engine: WasmEngine) -> None:
    with pytest.raises(RuntimePanic, match="Bad input data provided to initialize_block"):
        asset_hub_engine.call("Core_initialize_block", state, b"\1\2\3")


# --- blocks


def test_empty_blocks(dev_chain: DevChain) -> None:
    """Two inherents each: the relay chain's data and the time. What runtime and node compute agrees, or it raises."""
    for number in (1, 2, 3):
        assert len(dev_chain.seal()) == 2
        assert dev_chain.chain.best.number == dev_chain.chain.finalized.number == number
    state = dev_chain.chain.state_at(dev_chain.chain.best_hash)
    assert last_timestamp(state) == dev_chain.now_ms
    assert dev_chain.chain.best.state_root == Trie.from_items(state.items(), state.layout).root()


def test_a_transfer(dev_chain: DevChain) -> None:
    alice, bob = dev_chain.free(ALICE.public), dev_chain.free(BOB.public)
    dev_chain.node.pool.submit(extrinsic := dev_chain.transfer(0), dev_chain.now_ms)
    assert dev_chain.seal()[2:] == (extrinsic,)
    assert dev_chain.chain.finalized_hash == dev_chain.chain.best_hash
    assert dev_chain.free(BOB.public) == bob + UNIT
    fee = alice - UNIT - dev_chain.free(ALICE.public)
    assert 0 < fee < UNIT
    assert dev_chain.chain.account_nonce(ALICE.public) == 1
    events = dev_chain.events()
    assert ("Balances", "Transfer") in events
    assert events[-1] == ("System", "ExtrinsicSuccess")


def test_a_block_of_transfers_in_order(dev_chain: DevChain) -> None:
    extrinsics = [dev_chain.transfer(nonce, era=Era.mortal(64, 0)) for nonce in range(20)]
    for extrinsic in reversed(extrinsics):
        dev_chain.node.pool.submit(extrinsic, dev_chain.now_ms)
    assert list(dev_chain.seal()[2:]) == extrinsics
    assert dev_chain.free(BOB.public) == ENDOWMENT + 20 * UNIT


def test_a_call_that_fails_stays_in_its_block(dev_chain: DevChain) -> None:
    """More than there is: the fee is paid, nothing else."""
    dev_chain.node.pool.submit(dev_chain.transfer(0, value=10**30), dev_chain.now_ms)
    assert len(dev_chain.seal()) == 3
    assert dev_chain.events()[-1] == ("System", "ExtrinsicFailed")
    assert dev_chain.free(BOB.public) == ENDOWMENT


def test_the_runtime_confirms_the_blocks(dev_chain: DevChain) -> None:
    """`Core_execute_block` does all again and compares the roots."""
    dev_chain.seal()
    dev_chain.node.pool.submit(dev_chain.transfer(0), dev_chain.now_ms)
    before = dev_chain.overlay()
    dev_chain.seal()
    block = dev_chain.chain.block(dev_chain.chain.best_hash)
    assert block is not None
    header = block.header
    unsealed = Header(
        header.parent_hash, header.number, header.state_root, header.extrinsics_root, Digest(header.digest.logs[:-1])
    )
    encoded = unsealed.encoded() + encode_body(block.extrinsics)
    dev_chain.chain.engine.call("Core_execute_block", before, encoded)
    assert before.settled().root() == header.state_root

    wrong = replace_root(unsealed, bytes(32))
    with pytest.raises(RuntimePanic, match=r"(?i)storage root"):
        dev_chain.chain.engine.call(
            "Core_execute_block",
            dev_chain.chain.overlay_at(header.parent_hash),
            wrong + encode_body(block.extrinsics),
        )


def replace_root(header: Header, root: bytes) -> bytes:
    return Header(header.parent_hash, header.number, root, header.extrinsics_root, header.digest).encoded()


@pytest.mark.parametrize(
    "nonce, signer, verdict",
    [
        (0, Sr25519Pair.from_uri("//Nobody"), Invalid(Payment())),
        (1, ALICE, None),
    ],
    ids=["without-funds", "one-ahead"],
)
def test_validity(dev_chain: DevChain, nonce: int, signer: Sr25519Pair, verdict: Any) -> None:
    found = dev_chain.chain.validate_transaction(TransactionSource.External, dev_chain.transfer(nonce, signer=signer))
    if verdict is not None:
        assert found == verdict
    else:
        assert not isinstance(found, TransactionValidityError)
        assert (len(found.requires), len(found.provides)) == (1, 1)


def test_what_is_stale_or_ahead_stays_out(dev_chain: DevChain) -> None:
    first = dev_chain.transfer(0)
    dev_chain.node.pool.submit(first, dev_chain.now_ms)
    dev_chain.seal()
    validate = dev_chain.chain.validate_transaction
    assert validate(TransactionSource.External, first) == Invalid(Stale())
    overlay = dev_chain.overlay()
    opening = Header(dev_chain.chain.best_hash, dev_chain.chain.best.number + 1, bytes(32), bytes(32), Digest([]))
    runtime_api.initialize_block(dev_chain.chain.engine, overlay, opening)
    assert runtime_api.apply_extrinsic(dev_chain.chain.engine, overlay, dev_chain.transfer(5)) == Invalid(Future())


def test_a_signature_that_does_not_fit(dev_chain: DevChain) -> None:
    extrinsic = flipped(dev_chain.transfer(0), -1)  # another amount
    found = dev_chain.chain.validate_transaction(TransactionSource.External, extrinsic)
    assert found == Invalid(BadProof())


@pytest.mark.parametrize("extrinsic", [b"\x04\x09", b"\x00", b""])
def test_no_extrinsic(dev_chain: DevChain, extrinsic: bytes) -> None:
    with pytest.raises(RuntimePanic):
        dev_chain.chain.validate_transaction(TransactionSource.External, extrinsic)


def test_fees(dev_chain: DevChain) -> None:
    """The runtime's own estimate is what is then paid."""
    extrinsic = dev_chain.transfer(0)
    args = extrinsic + encode(u32, len(extrinsic))
    info = dev_chain.chain.runtime_call("TransactionPaymentApi_query_info", args)
    estimate = int.from_bytes(info[-16:], "little")
    before = dev_chain.free(ALICE.public)
    dev_chain.node.pool.submit(extrinsic, dev_chain.now_ms)
    dev_chain.seal()
    assert before - UNIT - dev_chain.free(ALICE.public) == estimate


def test_a_runtime_upgrade(dev_chain: DevChain, asset_hub: ChainSpec) -> None:
    """The same blob, bare, that says another version number: from the next block on it is the one that runs."""
    old, new = (version.to_bytes(4, "little") for version in (900, 901))
    upgraded = decode_blob(asset_hub.genesis[b":code"]).replace(old, new)
    dev_chain.seal()
    set_storage(dev_chain.node, {b":code": upgraded})
    assert dev_chain.chain.runtime_version().spec_version == 901
    assert len(dev_chain.seal()) == 2
    assert dev_chain.chain.runtime_version(dev_chain.chain.genesis_hash).spec_version == 900


def test_a_chain_goes_on_after_a_restart(
    dev_spec: ChainSpec, asset_hub_engine: WasmEngine, metadata: RuntimeMetadata, tmp_path: Path
) -> None:
    chain = DevChain(dev_spec, asset_hub_engine, metadata, tmp_path / "again")
    chain.seal()
    head, now_ms = chain.chain.best_hash, chain.now_ms
    chain.node.close()
    chain = DevChain(dev_spec, asset_hub_engine, metadata, tmp_path / "again")
    chain.now_ms = now_ms
    assert chain.chain.best_hash == head
    chain.seal()
    assert chain.chain.best.number == 2
    chain.node.close()

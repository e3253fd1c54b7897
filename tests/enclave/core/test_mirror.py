"""Storage of the parentchain that apps mirror: proven, in time, the same at all validateers, and not to be forged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from msgspec.structs import replace as replace_fields

from integritee.apps.encointer.ceremonies import EncointerCeremonies
from integritee.apps.encointer.communities import ASKED_AT_ONCE, EncointerCommunities
from integritee.apps.encointer.parentchain import (
    CURRENCY_IDENTIFIERS,
    CURRENT_PHASE,
    bootstrappers_key,
    community_identifier,
    locations_key,
)
from integritee.apps.encointer.scheduler import EncointerScheduler
from integritee.apps.encointer.types import CeremonyPhase, Location
from integritee.boundary.messages import ImportBlocks, ParentchainBlock
from integritee.enclave.parentchain.errors import StateNotProven
from integritee.frame.metadata import metadata_v14
from integritee.frame.pallet import Pallet
from integritee.frame.storage_items import StorageValue
from integritee.metadata import RuntimeMetadata
from integritee.node.runtime.encointer import EncointerRuntime
from integritee.node.runtime.genesis import genesis
from integritee.node.runtime.runtime import TEER
from integritee.primitives.ids import ParentchainId
from integritee.scale import u32
from integritee.stf import mirror
from integritee.stf.mirror import mirrored_storage, tell, wanted_storage
from integritee.stf.operation import IndirectCall, TrustedOperation
from integritee.trie import Trie

from ...apps.encointer.kit import GRID, LEDGER, account
from .harness import ANN, World
from .harness import LEDGER as PLAIN_LEDGER
from .parentchain import ALICE, USERS, Parentchain
from .test_indirect_calls import invocation
from .validateers import Network

REGISTERING, ASSIGNING, ATTESTING = CeremonyPhase
BOOTSTRAPPERS = [account(number).public for number in range(3)]


@cache
def raw_metadata() -> bytes:
    return metadata_v14(EncointerRuntime)


@cache
def metadata() -> RuntimeMetadata:
    return RuntimeMetadata.parse(raw_metadata())


@cache
def storage() -> dict[bytes, bytes]:
    preset = EncointerRuntime.presets["development"]
    balances = {**preset.balances, **{pair.public: 1000 * TEER for pair in USERS.values()}}
    return genesis(replace(preset, balances=balances), EncointerRuntime)


class EncointerChain(Parentchain):
    """A parentchain with ceremonies and communities."""

    def __init__(self) -> None:
        super().__init__(storage=storage())

    def raw_metadata(self, spec_version: int) -> bytes:
        return raw_metadata()

    def metadata(self, spec_version: int) -> RuntimeMetadata:
        return metadata()

    def make(self, pallet: str, call: str, args: dict[str, Any], now: int) -> None:
        self.submit(self.sign(ALICE, pallet, call, args), now)

    def next_phase(self, now: int) -> None:
        self.make("EncointerScheduler", "next_phase", {}, now)

    def found(self, places: list[Location], now: int) -> bytes:
        args = {
            "loc": [{"lat": {"bits": place.lat.bits}, "lon": {"bits": place.lon.bits}} for place in places],
            "bootstrappers": BOOTSTRAPPERS,
        }
        self.make("EncointerCurrencies", "new_currency", args, now)
        return community_identifier(places, BOOTSTRAPPERS)


class Shard(World):
    """A shard with the app, on such a parentchain."""

    chain: EncointerChain

    @property
    def phase(self) -> CeremonyPhase | None:
        schedule = self.runtime.pallet(EncointerScheduler).schedule.get()
        return None if schedule is None else schedule.phase

    @property
    def known(self) -> list[bytes]:
        return self.runtime.pallet(EncointerCommunities).identifiers.get()

    @property
    def awaited(self) -> list[bytes]:
        return self.runtime.pallet(EncointerCommunities).awaited.get()

    @property
    def watched(self) -> list[bytes]:
        return self.core.sync_state().watched_keys

    def go_on(self) -> None:
        self.block()
        self.slot()


@pytest.fixture
def shard() -> Iterator[Shard]:
    world = Shard(EncointerChain(), ledger=LEDGER)
    world.run()
    world.go_on()
    yield world
    world.check()
    world.close()


def test_the_phase_enters_with_its_block(shard: Shard) -> None:
    assert shard.phase is REGISTERING
    for phase in (ASSIGNING, ATTESTING, REGISTERING):
        shard.chain.next_phase(shard.now)
        shard.go_on()
        assert shard.phase is phase
    schedule = shard.runtime.pallet(EncointerScheduler).expect()
    assert (schedule.index, schedule.block) == (2, shard.chain.height)
    assert schedule.ceremony_master == ALICE.public


def test_phases_are_seen_that_were_over_when_the_enclave_came(shard: Shard) -> None:
    for _ in range(4):
        shard.chain.next_phase(shard.now)
        shard.grow()
    shard.sync()
    shard.slot()
    schedule = shard.runtime.pallet(EncointerScheduler).expect()
    assert (schedule.index, schedule.phase) == (2, ASSIGNING)


def test_a_community_is_asked_about_once(shard: Shard) -> None:
    cid = shard.chain.found(GRID[:3], shard.now)
    keys = {locations_key(cid), bootstrappers_key(cid)}
    shard.go_on()
    assert (shard.known, shard.awaited) == ([], [cid])
    assert keys <= {*shard.watched}
    shard.go_on()
    assert (shard.known, shard.awaited) == ([cid], [])
    assert not keys & {*shard.watched}
    community = shard.runtime.pallet(EncointerCommunities).communities.get(cid)
    assert community is not None
    assert (community.locations, community.bootstrappers) == (GRID[:3], BOOTSTRAPPERS)


def test_many_communities_are_asked_about_in_portions(shard: Shard) -> None:
    cids = []
    for number in range(ASKED_AT_ONCE + 2):
        cids.append(shard.chain.found(GRID[10 * number : 10 * number + 1], shard.now))
    shard.go_on()
    assert len(shard.watched) == len(shard.core.integritee.connected.contract.watched()) + 2 * ASKED_AT_ONCE
    shard.go_on()
    assert (len(shard.known), len(shard.awaited)) == (ASKED_AT_ONCE, 2)
    shard.go_on()
    assert ({*shard.known}, shard.awaited) == ({*cids}, [])


@pytest.mark.parametrize("blocks", [0, 1])
def test_what_is_asked_survives_a_restart(shard: Shard, blocks: int) -> None:
    cid = shard.chain.found(GRID[:3], shard.now)
    shard.go_on()
    for _ in range(blocks):
        shard.block()  # which has the content, but is in no sidechain block when the power fails
    shard.restart()
    shard.go_on()
    assert shard.known == [cid]
    assert shard.phase is REGISTERING


def test_a_chain_without_ceremonies_has_none() -> None:
    world = Shard(Parentchain(), ledger=LEDGER)  # type: ignore[arg-type]
    world.run()
    world.go_on()
    assert (world.phase, world.known) == (None, [])
    call = LEDGER.call("encointer.register_participant", ANN.public, bytes(32), None)
    hash = world.submit(world.signed(ANN, call))
    world.slot()
    assert (world.status(hash)[-1], world.reason(hash)) == ("Invalid", "encointer.no_scheduler")
    world.close()


def test_ledgers_without_such_apps_watch_nothing_more() -> None:
    assert mirrored_storage(PLAIN_LEDGER.runtime) == ()
    assert wanted_storage(PLAIN_LEDGER.runtime()) == ()


# -- the order of things


def test_calls_of_a_block_are_executed_under_the_phase_they_were_sent_in(shard: Shard) -> None:
    """Several blocks wait: one with a registration, and one in which registering is over."""
    cid = shard.chain.found(GRID[:3], shard.now)
    shard.go_on()
    shard.go_on()
    pair = account(0)
    signed = shard.signed(pair, LEDGER.call("encointer.register_participant", pair.public, cid, None))
    plain = LEDGER.codec(TrustedOperation).encode(IndirectCall(signed))
    call = invocation(shard.core.keys.shielding.public.encrypt(plain), shard.shard)
    decoded = metadata().decode_call(call)
    shard.chain.make(decoded.pallet, decoded.call, decoded.args, shard.now)
    shard.grow()
    shard.chain.next_phase(shard.now)
    shard.grow()
    shard.sync()
    shard.slot()
    index = shard.runtime.pallet(EncointerCeremonies).participant_index
    assert (shard.phase, index.get((cid, 1), pair.public)) == (REGISTERING, 1)
    shard.slot()
    assert shard.phase is ASSIGNING


def test_all_validateers_agree() -> None:
    world = Shard(EncointerChain(), ledger=LEDGER)
    world.run()
    network = Network(world)
    network.join()
    cid = world.chain.found(GRID[:3], world.now)
    network.run(24)
    for _ in range(2):
        world.chain.next_phase(world.now)
        network.run(6)
    network.run(2)
    assert len(network.heads()) == 1
    for worker in network.workers:
        assert worker.runtime.pallet(EncointerScheduler).expect().phase is ATTESTING
        assert worker.runtime.pallet(EncointerCommunities).identifiers.get() == [cid]
    network.check()
    network.close()


# -- hosts that lie


def forged(block: ParentchainBlock, key: bytes, value: bytes | None, keys: list[bytes]) -> ParentchainBlock:
    """The block with a proof of another value: that of a state that is the same but for it."""
    entries = Trie.empty()
    changed = entries.commit({key: value} if value is not None else {})
    return replace_fields(block, proof=[*block.proof, *changed.prove([key])])


Lie = Callable[[ParentchainBlock, list[bytes]], ParentchainBlock]


@pytest.mark.parametrize(
    "lie",
    [
        pytest.param(lambda block, keys: replace_fields(block, proof=[]), id="nothing is proven"),
        pytest.param(lambda block, keys: replace_fields(block, proof=block.proof[1:]), id="a node is withheld"),
        pytest.param(
            lambda block, keys: replace_fields(block, proof=[n.replace(b"\0", b"\1") for n in block.proof]),
            id="nodes are changed",
        ),
        pytest.param(lambda block, keys: forged(block, CURRENT_PHASE, b"\2", keys), id="another phase is added"),
        pytest.param(
            lambda block, keys: forged(block, CURRENCY_IDENTIFIERS, b"\4" + bytes(32), keys), id="another community"
        ),
    ],
)
def test_forgeries(shard: Shard, lie: Lie) -> None:
    shard.grow()
    keys = shard.watched
    block = shard.chain.block(shard.chain.height, keys)
    head = shard.core.sync_state()
    with pytest.raises(StateNotProven):
        shard.core.import_blocks(ImportBlocks(ParentchainId.Integritee, [lie(block, keys)]), shard.now)
    assert shard.core.sync_state() == head
    shard.go_on()
    assert (shard.phase, shard.known) == (REGISTERING, [])


@pytest.mark.parametrize("withheld", ["schedule", "locations"])
def test_keys_cannot_be_withheld(shard: Shard, withheld: str) -> None:
    """A value alone may be in a node that others need, too; all of the schedule, or a long one, is not."""
    cid = shard.chain.found(GRID[:3], shard.now)
    shard.go_on()
    shard.grow()
    keys = {*EncointerScheduler.mirrored_storage} if withheld == "schedule" else {locations_key(cid)}
    fewer = [key for key in shard.watched if key not in keys]
    block = shard.chain.block(shard.chain.height, fewer)
    with pytest.raises(StateNotProven):
        shard.core.import_blocks(ImportBlocks(ParentchainId.Integritee, [block]), shard.now)
    shard.go_on()
    assert shard.known == [cid]


def test_content_has_to_be_what_its_cid_stands_for(shard: Shard, caplog: pytest.LogCaptureFixture) -> None:
    """A parentchain whose registry is broken: the ledger leaves the community out, and goes on."""
    cid = shard.chain.found(GRID[:3], shard.now)
    shard.go_on()
    communities = shard.runtime.pallet(EncointerCommunities)
    with shard.runtime.transaction():
        values = {locations_key(cid): b"\4" + bytes(16), bootstrappers_key(cid): b"\0"}
        communities.on_parentchain_block(7, values)
        assert (communities.identifiers.get(), communities.awaited.get()) == ([], [])
        assert "left out" in caplog.text
        communities.awaited.put([cid])


# -- pallets that break


class Fragile(Pallet):
    """Writes, then breaks."""

    path = "pallet_fragile"
    mirrored_storage = (b"key",)
    seen: StorageValue[u32]

    def wanted_storage(self) -> list[bytes]:
        return [bytes([n]) for n in range(100)]

    def on_parentchain_block(self, number: int, values: mirror.Values) -> None:
        self.seen.put(number)
        if b"key" not in values:
            raise RuntimeError(number)


def test_a_pallet_that_breaks_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    from integritee.frame.runtime import Runtime, use

    class SmallRuntime(Runtime):
        fragile = use(1, Fragile)

    runtime = SmallRuntime()
    assert mirrored_storage(runtime) == (b"key",)
    assert len(wanted_storage(runtime)) == mirror.MAX_WANTED
    tell(runtime, 5, {b"key": None})
    tell(runtime, 6, {})
    assert runtime.fragile.seen.get() == 5
    assert "Fragile broke over parentchain block 6: RuntimeError" in caplog.text

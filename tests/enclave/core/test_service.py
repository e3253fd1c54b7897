"""The service around the core: submissions as ciphertext, slots, durability, snapshots, and what it tells the host."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
import pytest

from integritee.apps.catalog import DEFAULT_LEDGER as LEDGER
from integritee.boundary.interface import Method, Ocalls
from integritee.boundary.messages import ImportBlocks, Nothing
from integritee.crypto import blake2_256
from integritee.enclave.errors import HandedOver, InvalidTop, NotReady, Undecipherable, UnknownShard
from integritee.enclave.frontend.begin import Begin
from integritee.enclave.frontend.ledger_api import Figures
from integritee.enclave.peering import MAX_BATCHES
from integritee.enclave.pool import PoolError, StatusChanged
from integritee.enclave.pool.gossip import GossipError, OperationGossip
from integritee.enclave.rpc.errors import UnsupportedOperation
from integritee.enclave.service import EnclaveService
from integritee.enclave.sidechain.slots import slot_at
from integritee.enclave.store.errors import DiskFailed
from integritee.node.runtime.runtime import TEER
from integritee.primitives.enclave_bridge import Request
from integritee.primitives.ids import ParentchainId
from integritee.scale import DecodeError, decode, u32
from integritee.stf.errors import InvalidSignature
from integritee.stf.operation import DirectCall, Get, IndirectCall, TrustedCallSigned, TrustedOperation

from .gateway import VERSION, gateway_to
from .harness import ANN, BEN, CAT, SLOT_MS, TEE, World, getter_bytes, payments, public_getter, trusted_getter
from .parentchain import runtime_update


class Host:
    """Hears notices; extrinsics go on to the node."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.heard: list[tuple[str, Any]] = []

    def notify(self, method: Method[Any, Any], notice: Any) -> None:
        notice = method.decode_request(method.encode_request(notice))
        name = next(n for n, m in vars(Ocalls).items() if m is method)
        self.heard.append((name, notice))
        if method is Ocalls.submit_extrinsics:
            for extrinsic in notice.extrinsics:
                self.world.chain.submit(extrinsic, self.world.now)

    def named(self, name: str) -> list[Any]:
        return [notice for heard, notice in self.heard if heard == name]


class Office:
    """A service over a running world; slots are served by hand."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.host = Host(world)
        self.service = EnclaveService(world.core, world.store, TEE, clock=lambda: world.now)
        self.service.host = self.host  # type: ignore[assignment]
        self.gateway = gateway_to(world, self.service)

    async def block(self) -> None:
        world = self.world
        world.grow()
        state = world.core.sync_state()
        await self.service.import_parentchain(world.request(state.number + 1, world.chain.height))

    async def slot(self) -> None:
        world = self.world
        slot = slot_at(world.now - world.now % SLOT_MS + SLOT_MS, SLOT_MS)
        world.now = slot.start
        await self.service._serve_slot(slot, slot.start)

    def request(self, operation: TrustedOperation) -> Request:
        plain = LEDGER.codec(TrustedOperation).encode(operation)
        return Request(self.world.shard, self.world.core.keys.shielding.public.encrypt(plain))

    async def submit(self, signed: TrustedCallSigned) -> bytes:
        return await self.gateway.submit(self.request(DirectCall(signed)), None)

    def close(self) -> None:
        self.gateway.close()
        self.service._executor.shutdown()

    def transfer(self, amount: int = TEER, nonce: int | None = None) -> TrustedCallSigned:
        call = LEDGER.call("balance_transfer", ANN.public, BEN.public, amount)
        return self.world.signed(ANN, call, nonce)


@pytest.fixture
async def office(world: World) -> AsyncIterator[Office]:
    office = Office(world)
    world.shield(ANN, 100 * TEER)
    await office.block()
    await office.slot()
    yield office
    office.close()


async def test_a_payment_from_ciphertext_to_the_parentchain(office: Office) -> None:
    call = LEDGER.call("balance_unshield", ANN.public, CAT.public, TEER, office.world.shard)
    hash = await office.submit(office.world.signed(ANN, call))
    assert office.service.pending([office.world.shard, bytes(32)]) == [[hash], []]
    assert office.service.next_nonce(ANN.public) == 1
    await office.slot()
    assert office.service.pending([office.world.shard]) == [[]]
    await office.block()
    assert payments(office.world) == [(CAT.public, TEER)]


@pytest.mark.parametrize("ahead", [True, False])
async def test_an_invocation_from_the_parentchain_to_the_ledger(
    office: Office, monkeypatch: pytest.MonkeyPatch, ahead: bool
) -> None:
    """Deciphered in threads ahead of the slot; what a block that came since holds, on the spot."""
    request = office.request(IndirectCall(office.transfer()))
    args = {"request": {"shard": request.shard, "cyphertext": request.cyphertext}}
    office.world.chain.submit(office.world.chain.sign(CAT, "EnclaveBridge", "invoke", args), office.world.now)
    assert await office.service._decipher_due() == {}
    await office.block()
    assert list(await office.service._decipher_due()) == [request.cyphertext]
    if not ahead:
        monkeypatch.setattr("integritee.enclave.service.due", lambda inbox: ())
        assert await office.service._decipher_due() == {}
    await office.slot()
    assert office.world.free(BEN) == TEER


async def test_what_comes_after_another_enclave_took_over_is_refused(office: Office) -> None:
    """Nobody would ever execute it here."""
    office.service.core.halted = HandedOver(bytes(32))
    with pytest.raises(HandedOver):
        await office.submit(office.transfer())


async def test_refusals(office: Office) -> None:
    service, world = office.gateway, office.world
    good = office.request(DirectCall(office.transfer()))
    with pytest.raises(UnknownShard):
        await service.submit(Request(bytes(32), good.cyphertext), None)
    for bad in (b"", bytes(384), good.cyphertext[:-1], bytes(385)):
        with pytest.raises((Undecipherable, InvalidTop)):
            await service.submit(Request(world.shard, bad), None)
    for plain in (b"\x00", b"\x07" + bytes(200)):
        with pytest.raises(InvalidTop):
            await service.submit(Request(world.shard, world.core.keys.shielding.public.encrypt(plain)), None)
    with pytest.raises(UnsupportedOperation):
        await service.submit(office.request(Get(public_getter("some_value"))), None)
    forged = office.transfer()
    with pytest.raises(InvalidSignature):
        await office.submit(TrustedCallSigned(forged.call, 1, None, forged.signature))
    assert len(world.core.pool) == 0
    await service.submit(good, None)
    with pytest.raises(PoolError):
        await service.submit(good, None)


async def test_no_submission_before_the_shard_runs(fresh: World) -> None:
    office = Office(fresh)
    with pytest.raises(NotReady):
        await office.submit(office.transfer())
    assert office.service.shard_vault() is None
    assert (await office.service.status(Nothing())).phase == "connecting"
    office.close()


async def test_nobody_hears_of_a_vault_that_a_crash_could_undo(fresh: World) -> None:
    """Who pays into it before the shard's beginning is durable might have to see it begin again, behind the deposit."""
    office = Office(fresh)
    fresh.connect()
    fresh.fund_enclave()
    while not fresh.core.is_running:
        fresh.grow()
        effects = fresh.core.import_blocks(fresh.request(fresh.chain.height, fresh.chain.height))
        if not fresh.core.is_running:
            fresh.durable(effects)
    assert office.service.shard_vault() is None
    fresh.durable(effects)
    assert office.service.shard_vault() == (fresh.vault, ParentchainId.Integritee)
    office.close()


async def test_getters(office: Office) -> None:
    service, shard = office.gateway, office.world.shard
    answer = await service.execute_getter(Request(shard, getter_bytes(public_getter("some_value"))))
    assert decode(u32, answer or b"") == 42
    assert await service.execute_getter(Request(shard, getter_bytes(trusted_getter("account_info", ANN)))) is not None
    with pytest.raises(UnknownShard):
        await service.execute_getter(Request(bytes(32), b"\x00\x00"))
    with pytest.raises(DecodeError):
        await service.execute_getter(Request(shard, b"\x00\x63"))


async def test_what_the_enclave_says_of_itself(office: Office) -> None:
    gateway, world = office.gateway, office.world
    assert gateway.shard() == world.shard
    assert gateway.fingerprint() == world.core.config.mrenclave
    assert await gateway.shard_vault() == (world.vault, ParentchainId.Integritee)
    assert await gateway.latest_header() == world.core.head
    assert (gateway.mu_ra_url(), gateway.untrusted_url()) == ("ws://mura", "ws://host")
    assert gateway.stf_metadata()[:5] == b"meta\x0e"
    assert '"n":[' in gateway.shielding_key_json()
    assert gateway.version() == VERSION


async def test_status(office: Office) -> None:
    world = office.world
    service = office.service
    await office.submit(office.transfer())
    status = await service.status(Nothing())
    assert status.phase == "running"
    (integritee,) = status.chains
    assert integritee.trust == "grandpa"
    assert integritee.number == integritee.processed == world.chain.height
    assert (status.sidechain_number, status.sidechain_hash) == (
        world.core.latest_header.block_number,
        world.core.latest_header.hash(),
    )
    assert (status.pool_ready, status.pool_future, status.trusted_calls, status.rpc_requests) == (1, 0, 0, 0)
    assert status.total_issuance == 100 * TEER + 1000
    assert integritee.outbox == len(world.core.integritee.outbox.entries)
    assert status.state_bytes == sum(len(k) + len(v) for k, v in world.core.state.items())


async def test_a_block_that_a_crash_kept_from_the_host_is_repeated(world: World) -> None:
    """It was durable, nobody heard of it; after the start the host does, once."""
    world.slot()
    last = world.core.latest_header
    world.directory.reboot()
    world.boot()
    office = Office(world)
    params = world.chain.params(60 * TEER, 25 * TEER, ParentchainId.Integritee)
    for _ in range(2):
        await office.service.init_parentchain(params)
    (stored,) = office.host.named("store_blocks")
    assert [block.block.header for block in stored.blocks] == [last]


async def test_the_host_hears_of_every_block(office: Office) -> None:
    before = len(office.host.named("store_blocks"))
    await office.submit(office.transfer())
    await office.submit(office.transfer(10**6 * TEER))
    await office.slot()
    (stored,) = office.host.named("store_blocks")[before:]
    assert stored.blocks[0].block.header == office.world.core.head
    report = office.host.named("slot_report")[-1]
    assert (report.block_number, report.executed, report.failed, report.queued_before) == (
        office.world.core.latest_header.block_number,
        1,
        1,
        2,
    )
    assert 0 < report.remaining_before_us <= 1_000_000


async def test_import_answers_with_what_is_wanted_next(office: Office) -> None:
    world = office.world
    world.grow(2)
    number = world.core.sync_state().number
    state = await office.service.import_parentchain(world.request(number + 1, number + 2))
    assert (state.number, state.hash) == (number + 2, world.chain.chain.hash_at(number + 2))
    assert await office.service.import_parentchain(ImportBlocks(ParentchainId.Integritee, [])) == state
    assert await office.service.init_parentchain(world.chain.params()) == state
    assert await office.service.set_runtime(runtime_update(world.chain.facts())) == Nothing()


async def test_a_block_that_fails_on_the_way_gives_its_calls_back(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    hash = await office.submit(office.transfer())
    head = office.world.core.head

    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("integritee.enclave.sidechain.author.BlockBuilder.execute", fails)
    with pytest.raises(ZeroDivisionError):
        await office.slot()
    monkeypatch.undo()
    assert office.world.core.head == head
    assert office.service.pending([office.world.shard]) == [[hash]]
    await office.slot()
    assert office.world.free(BEN) == TEER


async def test_slots_go_on_after_any_failure(
    office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The slot clock: an error costs its slot, not the shard."""
    served: list[int] = []

    async def serve(slot: Any, now: int) -> None:
        served.append(slot.number)
        if len(served) == 1:
            raise ZeroDivisionError
        if len(served) == 2:
            raise NotReady("anything")
        if len(served) == 4:
            raise asyncio.CancelledError

    async def sleep(seconds: float) -> None:
        office.world.now += max(int(seconds * 1000), 1) // (2 if len(served) == 2 else 1) or 1

    monkeypatch.setattr(office.service, "_serve_slot", serve)
    monkeypatch.setattr("integritee.enclave.service.asyncio.sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await office.service.run_slots(SLOT_MS)
    assert served == list(range(served[0], served[0] + 4))
    assert "slot" in caplog.text
    assert "enclave.not_ready" in caplog.text


@pytest.mark.parametrize(
    ("took", "slots"),
    [
        (0, [0, 1, 2, 3]),
        (SLOT_MS // 5, [0, 1, 2, 3]),
        (SLOT_MS * 5 // 4, [0, 1, 2, 4]),
        (SLOT_MS * 9 // 5, [0, 2, 4, 6]),
    ],
    ids=["at once", "in time", "a quarter late", "much too late"],
)
async def test_a_late_end_costs_no_whole_slot(
    office: Office, monkeypatch: pytest.MonkeyPatch, took: int, slots: list[int]
) -> None:
    """Who is late serves what is left of the next slot, if that is half of it at least."""
    world, served = office.world, list[int]()
    world.now += -world.now % SLOT_MS

    async def serve(slot: Any, now: int) -> None:
        served.append(slot.number)
        if len(served) == len(slots):
            raise asyncio.CancelledError
        world.now += took

    async def sleep(seconds: float) -> None:
        world.now += round(seconds * 1000)

    monkeypatch.setattr(office.service, "_serve_slot", serve)
    monkeypatch.setattr("integritee.enclave.service.asyncio.sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await office.service.run_slots(SLOT_MS)
    assert [number - served[0] for number in served] == slots


async def test_a_disk_that_fails_to_sync_ends_production(office: Office) -> None:
    world = office.world
    await office.submit(office.transfer())
    blocks = len(office.host.named("store_blocks"))
    world.directory.breaks_with = DiskFailed
    world.directory.fail_at = 1
    with pytest.raises(DiskFailed):
        await office.slot()
    assert len(office.host.named("store_blocks")) == blocks
    status = await office.service.status(Nothing())
    assert status.phase == "halted:store.disk_failed"
    await office.slot()
    assert len(office.host.named("store_blocks")) == blocks
    world.directory.reboot()
    world.boot()
    world.connect()
    world.block()


async def test_snapshots_are_made_beside_the_slots(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    world = office.world
    monkeypatch.setattr(world.store, "snapshot_due", lambda size: True)
    await office.slot()
    assert office.service._snapshot is not None
    await office.service._snapshot
    monkeypatch.undo()
    assert any(name.startswith("snapshot") for name in world.directory.names())
    await office.submit(office.transfer())
    await office.slot()
    items, head = dict(world.core.state.items()), world.core.head
    world.directory.reboot()
    world.boot()
    assert (dict(world.core.state.items()), world.core.head) == (items, head)
    world.connect()
    world.block()


async def test_a_failing_snapshot_costs_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    world = office.world
    monkeypatch.setattr(world.store, "snapshot_due", lambda size: True)

    def full(*_: object) -> None:
        raise DiskFailed("write", "snapshot", 28)

    monkeypatch.setattr("integritee.enclave.service._write_all", full)
    await office.slot()
    assert office.service._snapshot is not None
    await office.service._snapshot
    monkeypatch.undo()
    assert "store.disk_failed" in caplog.text
    await office.submit(office.transfer())
    await office.slot()
    assert world.free(BEN) == TEER


async def test_close_releases_the_store(world: World) -> None:
    office = Office(world)
    await office.service.close()
    assert not world.directory._locked
    world.directory.reboot()
    world.boot()
    world.connect()


class Clients:
    """Stands where the front end and a watcher stand, and notes what they hear, in order."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes, str]] = []
        self.stopped = False

    def bind(self, hash: bytes) -> None:
        self.heard.append(("bound", hash, ""))

    def tell(self, changes: Sequence[StatusChanged], *, lingers: bool) -> None:
        assert not lingers, "blocks of the only validateer are final"
        self.heard += [
            (type(each.status).__name__, each.hash, each.reason.code if each.reason else "") for each in changes
        ]

    async def tell_all(self, changes: Sequence[StatusChanged], *, lingers: bool) -> None:
        self.tell(changes, lingers=lingers)

    def settle(self, top_hashes: Sequence[bytes]) -> None: ...

    async def begin(self, begin: Begin) -> int:
        raise NotImplementedError

    async def figures(self) -> Figures:
        return Figures(7, 8, 9)

    async def stop(self) -> None:
        self.stopped = True


async def test_clients_hear_in_order(office: Office) -> None:
    """A watch is bound before anything is told; an end comes with its reason."""
    clients = Clients()
    office.service.front_end = clients
    good = await office.gateway.submit(office.request(DirectCall(office.transfer())), clients)  # type: ignore[arg-type]
    bad = await office.submit(office.transfer(10**6 * TEER))
    await office.slot()
    assert clients.heard == [
        ("bound", good, ""),
        ("Ready", good, ""),
        ("Ready", bad, ""),
        ("InSidechainBlock", good, ""),
        ("Invalid", bad, "stf.missing_funds"),
    ]
    status = await office.service.status(Nothing())
    assert (status.connections, status.rpc_requests, status.trusted_calls) == (7, 8, 9)


async def test_the_host_hears_of_onboarding(fresh: World) -> None:
    fresh.connect()
    office = Office(fresh)
    fresh.fund_enclave()
    for _ in range(8):
        await office.block()
    assert [notice.phase for notice in office.host.named("phase_changed")] == [
        "registering",
        "claiming_shard",
        "funding_vault",
        "adding_vault_proxy",
        "running",
    ]
    office.close()


async def test_a_service_without_host_or_clients_works_on(world: World) -> None:
    office = Office(world)
    office.service.host = None
    head = world.core.head
    await office.slot()
    assert world.core.head != head
    office.close()


async def test_close_waits_for_a_running_snapshot(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    office, clients = Office(world), Clients()
    office.service.front_end = clients
    monkeypatch.setattr(world.store, "snapshot_due", lambda size: True)
    await office.slot()
    await office.service.close()
    assert clients.stopped
    assert any(name.startswith("snapshot") for name in world.directory.names())
    world.directory.reboot()
    world.boot()
    world.connect()


async def hear_of_a_peer(office: Office, *operations: bytes) -> None:
    """Operations that another enclave of the shard has sealed, and what becomes of them."""
    core = office.world.core
    another = OperationGossip(core.keys.state, core.config.shard, bytes(32), lambda size: bytes(size))
    for plain in operations:
        another.add(plain, office.world.now)
    sealed = another.batch(office.world.now + 1000)
    assert sealed is not None
    office.service.import_operations(sealed)
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_what_is_no_batch_takes_no_place_of_later_ones(office: Office) -> None:
    """Anybody can send garbage to the trusted RPC, as often as its rate allows."""
    for _ in range(MAX_BATCHES + 1):
        with pytest.raises(GossipError):
            office.service.import_operations(bytes(200))
    plain = LEDGER.codec(TrustedOperation).encode(DirectCall(office.transfer()))
    await hear_of_a_peer(office, plain)
    assert blake2_256(plain) in office.world.core.pool


async def test_what_peers_send_is_verified_here(office: Office) -> None:
    """No front end has seen it."""
    operation, pool = LEDGER.codec(TrustedOperation), office.world.core.pool
    signed, other = office.transfer(), office.world.signed(BEN, LEDGER.call("noop", BEN.public))
    forged = operation.encode(DirectCall(msgspec.structs.replace(signed, signature=other.signature)))
    plain = operation.encode(DirectCall(signed))
    await hear_of_a_peer(office, forged, plain)
    assert [blake2_256(each) in pool for each in (forged, plain)] == [False, True]

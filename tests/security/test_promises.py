"""What users are promised, one test each. How each is kept in detail is tested next to the code; this is the list.

1. The host reads ciphertext only.
2. A getter answers only its owner, and session proxies within their role and time.
3. No call runs twice.
4. Funds leave the vault only against a burn.
5. Secrets never reach logs, reprs or exceptions.
6. Nothing the host says about a parentchain counts unless it is proven (see `test_hostile_host`).
7. An old state put back by the host is noticed, and pays nobody twice.
8. Whatever fails, issued funds are backed by the vault.
9. What a client says in a session nobody reads, not even later with the enclave's keys, and nobody says again.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest

from integritee.apps.catalog import DEFAULT_LEDGER as LEDGER
from integritee.boundary.interface import Method
from integritee.client.session import ClientSession, Introduction
from integritee.crypto import Ed25519Pair, blake2_256
from integritee.crypto.errors import AeadTampered
from integritee.enclave.frontend.gateway import Gateway
from integritee.enclave.records import RecoveryError
from integritee.enclave.rpc.jsonrpc import Connection, Dispatcher
from integritee.enclave.rpc.methods import trusted_methods
from integritee.enclave.rpc.watch import WatchRegistry
from integritee.enclave.selftest.damage import flipped
from integritee.enclave.service import EnclaveService
from integritee.enclave.sidechain.slots import slot_at
from integritee.errors import IntegriteeError
from integritee.node.runtime.runtime import TEER
from integritee.primitives.enclave_bridge import Request
from integritee.primitives.ids import ParentchainId
from integritee.primitives.session import (
    GETTER_METHOD,
    HELLO_METHOD,
    SUBMIT_METHOD,
    Binding,
    Hello,
    SessionKeys,
    from_text,
    open_frame,
    transcript,
)
from integritee.primitives.sidechain import SidechainHeader
from integritee.scale import encode, u128
from integritee.stf.asset_map import AssetId
from integritee.stf.errors import InvalidSignature, MissingPrivileges
from integritee.stf.operation import (
    DirectCall,
    IndirectCall,
    Trusted,
    TrustedCallSigned,
    TrustedGetterSigned,
    TrustedOperation,
)
from integritee.stf.types import AnyRole, SessionProxyCredentials, SessionProxyRole, TransferAllowance

from ..enclave.core.gateway import gateway_to
from ..enclave.core.harness import (
    ANN,
    BEN,
    CAT,
    DAN,
    SLOT_MS,
    TEE,
    World,
    getter_bytes,
    payments,
    shielding_secret,
    trusted_getter,
)
from ..enclave.store.machine import SEAL_KEY

HIDDEN = Ed25519Pair.from_seed(blake2_256(b"an account that exists on the ledger only"))
HIDDEN_AMOUNT = 0x1234_5678_9ABC
"""Base units; its bytes occur nowhere by chance."""


@pytest.fixture(scope="module")
def template() -> Iterator[World]:
    world = World()
    world.run()
    yield world
    world.close()


@pytest.fixture
def world(template: World) -> Iterator[World]:
    world = template.fork()
    world.shield(ANN, 100 * TEER)
    world.block()
    world.slot()
    yield world
    world.check()
    world.close()


class Wiretap:
    """A host that keeps every byte the enclave lets out, and the disk as it was after every slot."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.bytes: list[bytes] = []
        self.service = EnclaveService(world.core, world.store, TEE, clock=lambda: world.now)
        self.gateway = gateway_to(world, self.service)
        self.service.host = self  # type: ignore[assignment]

    def notify(self, method: Method[Any, Any], notice: Any) -> None:
        self.bytes.append(method.encode_request(notice))

    async def submit(self, signed: TrustedCallSigned) -> bytes:
        plain = LEDGER.codec(TrustedOperation).encode(DirectCall(signed))
        shielded = self.world.core.keys.shielding.public.encrypt(plain)
        self.bytes.append(shielded)
        return await self.gateway.submit(Request(self.world.shard, shielded), None)

    async def slot(self) -> None:
        world = self.world
        slot = slot_at(world.now - world.now % SLOT_MS + SLOT_MS, SLOT_MS)
        world.now = slot.start
        await self.service._serve_slot(slot, slot.start)
        self.bytes += world.directory.contents().values()

    async def block(self) -> None:
        self.world.grow()
        state = self.world.core.sync_state()
        answer = await self.service.import_parentchain(self.world.request(state.number + 1, self.world.chain.height))
        self.bytes.append(encode(type(answer), answer))

    async def live(self) -> list[TrustedCallSigned]:
        """Private payments, one that fails, and a snapshot; what was signed."""
        world, calls = self.world, []
        for call in (
            LEDGER.call("balance_transfer", ANN.public, HIDDEN.public, HIDDEN_AMOUNT + TEER),
            LEDGER.call("balance_transfer", ANN.public, HIDDEN.public, HIDDEN_AMOUNT),
            LEDGER.call("balance_transfer", ANN.public, HIDDEN.public, HIDDEN_AMOUNT * 10**6),
        ):
            calls.append(world.signed(ANN, call))
            await self.submit(calls[-1])
        await self.slot()
        calls.append(world.signed(HIDDEN, LEDGER.call("balance_transfer", HIDDEN.public, ANN.public, TEER // 2)))
        await self.submit(calls[-1])
        await self.slot()
        await self.block()
        await self.slot()
        world.store.snapshot(world.core.state.items(), world.core.snapshot_meta())
        self.bytes += world.directory.contents().values()
        self.gateway.close()
        self.service._executor.shutdown()
        return calls


async def test_1_the_host_reads_ciphertext_only(world: World) -> None:
    tap = Wiretap(world)
    calls = await tap.live()
    assert world.free(HIDDEN) > HIDDEN_AMOUNT
    seen = b"\0".join(tap.bytes)
    assert len(seen) > 10_000
    markers = {
        "an account": HIDDEN.public,
        "the hash of its storage key": world.runtime.system.account.key_of(HIDDEN.public)[32:48],
        "an amount": encode(u128, HIDDEN_AMOUNT),
        "a balance": encode(u128, world.free(HIDDEN)),
        "another balance": encode(u128, world.free(ANN)),
        "a name of the ledger's storage": world.runtime.enclave_account.account.key,
    }
    for signed in calls:
        markers[f"call {signed.nonce}"] = LEDGER.codec(TrustedCallSigned).encode(signed)[:60]
        markers[f"signature {signed.nonce}"] = signed.signature.signature[:16]  # type: ignore[attr-defined]
    for what, marker in markers.items():
        assert marker not in seen, what
        assert marker.hex().encode() not in seen, what
    assert encode(SidechainHeader, world.core.latest_header) in seen  # the blocks themselves are public


def grant(world: World, delegate: Ed25519Pair, role: SessionProxyRole, expiry: int | None = None) -> None:
    """Make somebody a session proxy of ANN."""
    credentials = SessionProxyCredentials(role, expiry, bytes(32))
    call = LEDGER.call("add_session_proxy", ANN.public, delegate.public, credentials)
    world.submit(world.signed(ANN, call))
    world.slot()


GETTERS: dict[str, tuple[Any, ...]] = {
    name: (0,) if name == "notes_for" else (AssetId.USDC,) if name == "asset_balance" else ()
    for name, getter in LEDGER.trusted_getters.items()
    if len(getter.arguments) == 1 or name in ("notes_for", "asset_balance")
}
"""Getters that are about an account, with their other arguments."""


@pytest.mark.parametrize("name", GETTERS)
def test_2_a_getter_answers_only_its_owner_and_its_proxies(world: World, name: str) -> None:
    """Not strangers, whomever they pretend to be; not proxies that have expired or whose role is too small."""
    view, args = world.core.view, GETTERS[name]
    getter = LEDGER.trusted_getter(name, ANN.public, *args)
    soon = world.now + 10_000
    grant(world, CAT, AnyRole(), soon)
    grant(world, DAN, TransferAllowance(TEER))
    by_owner, by_stranger, by_proxy, by_spender = (LEDGER.sign_getter(getter, who) for who in (ANN, BEN, CAT, DAN))
    answer = view.query(Trusted(by_owner), soon)
    assert answer is not None
    assert view.query(Trusted(by_proxy), soon - 1) == answer
    refused = []
    for signed in (by_stranger, by_proxy, by_spender):
        with pytest.raises(MissingPrivileges) as caught:
            view.query(Trusted(signed), soon)
        refused.append(caught.value.code)
    assert refused == ["stf.missing_privileges", "stf.session_proxy_expired", "stf.role_too_small"]
    mine = LEDGER.sign_getter(LEDGER.trusted_getter(name, BEN.public, *args), BEN)
    for delegate, signature in (
        (None, by_stranger.signature),
        (None, by_proxy.signature),
        (None, mine.signature),
        (CAT.public, by_stranger.signature),
        (CAT.public, by_owner.signature),
    ):
        with pytest.raises(InvalidSignature):
            view.query(Trusted(TrustedGetterSigned(getter, delegate, signature)), 0)


def test_3_no_call_runs_twice(world: World) -> None:
    """Not at once, not later, not in its other form, not after a restart, not after its sender died and came back."""
    everything = world.free(ANN) - TEER // 100
    signed = world.signed(ANN, LEDGER.call("balance_transfer", ANN.public, BEN.public, everything))
    world.submit(signed)
    with pytest.raises(IntegriteeError, match="in the pool already"):
        world.submit(signed)
    world.slot()
    assert world.free(BEN) == everything
    forms = (DirectCall(signed), IndirectCall(signed))
    assert len({LEDGER.top_hash(form) for form in forms}) == 2
    for _ in range(2):
        with pytest.raises(IntegriteeError) as caught:
            world.submit(signed)
        assert caught.value.code == "pool.stale_nonce"
        outcome = world.core.view.execute(signed, world.now)
        assert outcome.error is not None
        assert outcome.error.code == "stf.invalid_nonce"
        world.restart()
        world.block()
    world.transfer(BEN, ANN, everything // 2)
    world.slot()
    assert world.free(ANN) == everything // 2
    with pytest.raises(IntegriteeError) as caught:
        world.submit(signed)
    assert caught.value.code == "pool.stale_nonce"


def test_4_funds_leave_the_vault_only_against_a_burn(world: World) -> None:
    """Every payment out of the vault is matched by one call that burned as much; failed calls pay nothing."""
    nonce = world.nonce(ANN)
    burned = []
    for i, (amount, shard) in enumerate(
        [
            (TEER, world.shard),
            (TEER, bytes(32)),
            (10**6 * TEER, world.shard),
            (2 * TEER, world.shard),
            (0, world.shard),
        ]
    ):
        call = LEDGER.call("balance_unshield", ANN.public, CAT.public, amount, shard)
        hash = world.submit(world.signed(ANN, call, nonce + i))
        burned.append((hash, amount))
    issued = world.runtime.balances.total_issuance.get()
    world.slot()
    done = [amount for hash, amount in burned if world.status(hash)[-1] == "InSidechainBlock"]
    assert done == [TEER, 2 * TEER, 0]
    assert world.runtime.balances.total_issuance.get() == issued - sum(done)
    world.settle()
    world.restart()
    world.settle()
    assert payments(world) == [(CAT.public, amount) for amount in done]
    out = sum(amount for _, amount in payments(world))
    assert world.runtime.balances.total_issuance.get() == issued - out


def secrets(world: World) -> dict[str, bytes]:
    keys = world.core.keys
    numbers = keys.shielding._key.private_numbers()
    return {
        "signing seed": keys.signing.seed,
        "ledger seed": keys.ledger.seed,
        "vault seed": keys.vault(world.shard).seed,
        "state key": keys.state,
        "seal key": SEAL_KEY,
        "shielding d": numbers.d.to_bytes(384, "big")[:32],
        "shielding p": numbers.p.to_bytes(192, "big")[:32],
        "shielding q": numbers.q.to_bytes(192, "little")[:32],
        "shielding JSON": shielding_secret()[3000:3032],
    }


def spellings(secret: bytes) -> list[str]:
    """Ways in which bytes get into text."""
    return [
        secret.hex(),
        secret[::-1].hex(),
        repr(secret)[2:-1],
        repr(list(secret))[1:-1],
        base64.b64encode(secret).decode()[:40],
        str(int.from_bytes(secret, "big")),
        str(int.from_bytes(secret, "little")),
    ]


def assert_silent(world: World, text: str, where: str) -> None:
    for name, secret in secrets(world).items():
        for spelling in spellings(secret):
            assert spelling not in text, f"{name} in {where}"


def described(thing: Any, depth: int = 6, seen: set[int] | None = None) -> Iterator[str]:
    """What every object of ours that is reachable from a thing says of itself."""
    seen = set() if seen is None else seen
    if depth == 0 or id(thing) in seen or isinstance(thing, str | bytes | bytearray | int | float):
        return
    seen.add(id(thing))
    if type(thing).__module__.startswith("integritee"):
        yield repr(thing)
        yield str(thing)
    slots = {name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())}
    inner = [getattr(thing, name, None) for name in slots] + list(getattr(thing, "__dict__", {}).values())
    if isinstance(thing, dict):
        inner += thing.values()
    elif isinstance(thing, list | tuple | set | frozenset):
        inner += thing
    for part in inner[:200]:
        yield from described(part, depth - 1, seen)


async def test_5_secrets_never_reach_logs_reprs_or_exceptions(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    asyncio.get_running_loop().set_debug(True)
    raised: list[BaseException] = []
    tap = Wiretap(world)
    await tap.live()
    production = world.begin()
    assert production is not None
    texts = (
        list(described(tap.service))
        + list(described(tap.gateway))
        + list(described(production))
        + list(described(world.store))
    )
    assert len(texts) > 200
    world.core.abandon_slot(production, world.now)

    def attempt(action: Any) -> None:
        try:
            action()
        except Exception as refused:
            raised.append(refused)

    attempt(lambda: world.core.keys.shielding.decrypt(bytes(384)))
    attempt(lambda: world.core.keys.shielding.decrypt(bytes(7)))
    attempt(lambda: world.store.append(1, bytes(1 << 30)))
    attempt(lambda: world.store.get_secret("NO LABEL"))
    attempt(lambda: world.core.connect(world.chain.params(required_funds=-1)))
    attempt(lambda: world.core.import_blocks(world.request(1, 1)))
    attempt(
        lambda: world.submit(
            TrustedCallSigned(
                world.signed(ANN, LEDGER.call("noop", BEN.public)).call,
                0,
                None,
                world.signed(ANN, LEDGER.call("noop", ANN.public)).signature,
            )
        )
    )
    contents = world.directory.contents()
    for name in contents:
        if name.startswith("secret"):
            spoilt = {**contents, name: flipped(contents[name], -1)}
            world.directory.reboot()
            world.directory.put_back(spoilt)
            attempt(world.boot)
    world.directory.reboot()
    world.directory.put_back(contents)
    world.boot()
    world.connect()
    attempt(lambda: (_ for _ in ()).throw(RecoveryError("nothing")))
    assert len(raised) >= 8
    for error in raised:
        texts.append(f"{error!r} {error} {error.args}")
        texts.append(str(error.data()) if isinstance(error, IntegriteeError) else "")
    for record in caplog.records:
        texts.append(f"{record.getMessage()} {record.args!r} {record.exc_text}")
    assert_silent(world, "\n".join(texts), "reprs, errors or logs")


def test_6_nothing_unproven_counts(world: World) -> None:
    """A deposit that the host only claims: the block is genuine, its events are not."""
    world.grow()
    number = world.core.sync_state().number + 1
    honest = world.request(number, number)
    block = honest.blocks[0]
    world.shield(BEN, 50 * TEER)
    world.grow()
    rich = world.chain.block(number + 1, world.core.sync_state().watched_keys)
    forged = type(honest)(
        ParentchainId.Integritee, [type(block)(block.header, block.extrinsics, block.justification, rich.proof)]
    )
    with pytest.raises(IntegriteeError) as caught:
        world.core.import_blocks(forged)
    assert caught.value.code == "parentchain.state_not_proven"
    world.slot()
    assert world.free(BEN) == 0


def test_7_an_old_state_is_noticed_and_pays_nobody_twice(world: World) -> None:
    world.settle()
    old = world.directory.contents()
    world.unshield(ANN, CAT.public, TEER)
    world.settle()
    world.directory.reboot()
    world.directory.put_back(old)
    world._nonces.clear()
    world.boot()
    world.connect()
    world.sync()
    world.unshield(ANN, CAT.public, TEER)
    with pytest.raises(IntegriteeError) as caught:
        world.slot()
    assert caught.value.code in ("outbox.nonce_overtaken", "enclave.state_rolled_back")
    world.block(5)
    assert payments(world) == [(CAT.public, TEER)]


def test_8_issued_funds_are_backed_by_the_vault(world: World) -> None:
    """Through deposits, refusals, refunds and restarts (`World.check` after each)."""
    for i in range(4):
        world.shield(BEN, 3 * TEER + i)
        world.unshield(ANN, bytes([i + 1]) * 32, 499 if i % 2 else TEER)
        for step in (world.slot, world.block, world.restart, world.block, world.slot):
            step()
            world.check()
    issued = world.runtime.balances.total_issuance.get()
    assert world.chain.free(world.vault) >= issued - 1000


class Wire:
    """A connection to the trusted RPC with somebody who hears all of it and says what he likes."""

    def __init__(self, gateway: Gateway) -> None:
        self.watches = WatchRegistry()
        self.dispatcher = Dispatcher(trusted_methods(gateway, self.watches))
        self.heard: list[bytes] = []
        self.connections = [Connection(number) for number in (1, 2)]

    async def ask(self, method: str, text: str, connection: int = 0) -> dict[str, Any]:
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": [text]}
        reply = await self.dispatcher.handle(json.dumps(message), self.connections[connection])
        assert reply is not None
        answer: dict[str, Any] = json.loads(reply.text)
        for said in (text, answer.get("result")):
            data = from_text(said) if isinstance(said, str) else None
            self.heard.append(data or b"")
        return answer

    async def hello(self, world: World, connection: int = 0) -> ClientSession:
        introduction = Introduction(world.core.keys.shielding.public, world.mrenclave, world.shard, 0.0, os.urandom)
        return introduction.accepted((await self.ask(HELLO_METHOD, introduction.text, connection))["result"])


async def test_9_sessions_are_read_and_repeated_by_nobody(world: World) -> None:
    service = EnclaveService(world.core, world.store, TEE, clock=lambda: world.now)
    gateway = gateway_to(world, service)
    wire = Wire(gateway)
    session = await wire.hello(world)
    payment = world.signed(ANN, LEDGER.call("balance_transfer", ANN.public, HIDDEN.public, HIDDEN_AMOUNT + TEER))
    plain = LEDGER.codec(TrustedOperation).encode(DirectCall(payment))
    call = session.seal_call(plain, SUBMIT_METHOD)
    assert "reason" not in await wire.ask(SUBMIT_METHOD, call)
    world.slot()
    text, counter = session.seal_getter(getter_bytes(trusted_getter("account_info", ANN)))
    answer = session.open_answer((await wire.ask(GETTER_METHOD, text))["result"], counter)

    # He who hears it, and has all keys that the enclave keeps, from the next day on.
    hello, acceptance, frame, _, asked, answered = wire.heard
    keys = world.core.keys
    said = Hello.decode(keys.shielding.decrypt(hello))
    assert said is not None
    binding = Binding(keys.shielding.public.to_json(), world.mrenclave, world.shard)
    transcript_hash = transcript(binding, hello, said.client_key, acceptance[:32])
    for private in (keys.signing.seed, keys.ledger.seed, keys.state, said.secret):
        for public in (said.client_key, acceptance[:32]):
            found = SessionKeys.derive(private, public, said.secret, transcript_hash)
            for key, sealed, method in (
                (found.calls, frame, SUBMIT_METHOD),
                (found.getters, asked, GETTER_METHOD),
                (found.answers, answered, GETTER_METHOD),
            ):
                with pytest.raises(AeadTampered):
                    open_frame(key, sealed, method)
    assert not any(secret in b"".join(wire.heard) for secret in (plain[8:], HIDDEN.public, ANN.public))
    assert answer["result"][2:] not in b"".join(wire.heard).hex()

    # He says it again: here, elsewhere, and after another hello, his own among them.
    codes = [
        (await wire.ask(SUBMIT_METHOD, call))["reason"]["code"],
        (await wire.ask(SUBMIT_METHOD, call, connection=1))["reason"]["code"],
        (await wire.ask(GETTER_METHOD, text))["reason"]["code"],
    ]
    await wire.hello(world)
    await wire.hello(world, connection=1)
    codes += [(await wire.ask(SUBMIT_METHOD, call, number))["reason"]["code"] for number in (0, 1)]
    assert codes == [
        "session.replayed",
        "session.unknown",
        "session.replayed",
        "session.unknown",
        "session.broken_seal",
    ]
    world.slot()
    assert world.free(HIDDEN) == HIDDEN_AMOUNT + TEER
    assert gateway.calls == 1
    gateway.close()
    service._executor.shutdown()


def test_getters_are_no_way_to_write(world: World) -> None:
    root = world.core.state.root()
    world.core.view.query(trusted_getter("account_info", ANN), 0)
    assert getter_bytes(trusted_getter("account_info", ANN))
    assert world.core.state.root() == root
    assert world.runtime.state.changes() == {}

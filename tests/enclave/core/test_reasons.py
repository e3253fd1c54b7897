"""What a client is told of a refused or failed call, in the very JSON that the worker sends: code, message, facts.

Submissions go in as text and ciphertext; replies and updates come out as text. Between them are the whole of the
service, the pool and the ledger. What is told does not depend on whether they come under RSA or in a session.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from integritee.boundary.messages import Nothing
from integritee.client.session import ClientSession, Introduction
from integritee.crypto import KeyPair
from integritee.enclave.errors import DecipheringInterrupted, EnclaveError
from integritee.enclave.frontend.gateway import Gateway
from integritee.enclave.pool import PoolError, RefusedElsewhere, StatusChanged
from integritee.enclave.rpc.jsonrpc import Connection, Dispatcher
from integritee.enclave.rpc.methods import trusted_methods
from integritee.enclave.rpc.watch import WATCH_METHOD, WatchRegistry
from integritee.enclave.service import EnclaveService
from integritee.enclave.sidechain.slots import slot_at
from integritee.errors import IntegriteeError
from integritee.node.runtime.runtime import TEER
from integritee.primitives.enclave_bridge import Request
from integritee.primitives.ids import ParentchainId
from integritee.primitives.rpc import DirectRequestStatus, RpcReturnValue, StatusOfOperation
from integritee.primitives.session import HELLO_METHOD
from integritee.primitives.session import SUBMIT_METHOD as SESSION_SUBMIT
from integritee.primitives.session import WATCH_METHOD as SESSION_WATCH
from integritee.reference.catalogue import catalogue
from integritee.scale import decode, encode
from integritee.stf.operation import DirectCall, Get, TrustedCallSigned, TrustedOperation

from .gateway import gateway_to, linked
from .harness import ANN, BEN, CAT, LEDGER, SLOT_MS, TEE, World, public_getter

FEE = TEER // 100
RICH = 100 * TEER - 100 * TEER // 571
HASH_LENGTH = 66
SUBMIT_METHOD = "author_submitExtrinsic"

Told = dict[str, Any]
"""A `reason`."""


class Client:
    """A connection to the front end, without a socket; it hears all updates. The ledger is behind a `link`."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.session: ClientSession | None = None
        self.service = EnclaveService(world.core, world.store, TEE, clock=lambda: world.now)
        self.gateway: Gateway
        self._watches = WatchRegistry()
        self._watches.connect(1)
        self._dispatcher: Dispatcher
        self._connection = Connection(1)
        self._ids = itertools.count()
        self.updates: dict[str, list[tuple[str, Told | None]]] = {}

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Client]:
        async with linked(self.service, self._told) as (front_end, far):
            self.service.front_end = front_end
            self.gateway = gateway_to(self.world, self.service, far.ledger)
            self._dispatcher = Dispatcher(trusted_methods(self.gateway, self._watches))
            yield self
        self.gateway.close()
        self.service._executor.shutdown()

    def _told(self, changes: list[StatusChanged], lingers: bool) -> None:
        for changed in changes:
            for push in self._watches.update(changed.hash, changed.status, changed.reason, lingers=lingers):
                self._hear(push.text)

    def _hear(self, text: bytes) -> None:
        params = json.loads(text)["params"]
        status = decode(DirectRequestStatus, bytes.fromhex(params["result"][2:]))
        assert isinstance(status, StatusOfOperation)
        heard = (type(status.status).__name__, params.get("reason"))
        self.updates.setdefault(params["subscription"], []).append(heard)

    async def ask(self, method: str, request: Request) -> dict[str, Any]:
        if self.session is None:
            return await self._ask(method, "0x" + encode(Request, request).hex())
        in_session = {WATCH_METHOD: SESSION_WATCH, SUBMIT_METHOD: SESSION_SUBMIT}[method]
        plain = self.world.core.keys.shielding.decrypt(request.cyphertext)
        return await self._ask(in_session, self.session.seal_call(plain, in_session))

    async def open_session(self) -> None:
        """Everything is asked for in a session from now on."""
        core = self.world.core
        identity = core.config.mrenclave, core.config.shard
        introduction = Introduction(core.keys.shielding.public, *identity, 0.0, os.urandom)
        self.session = introduction.accepted((await self._ask(HELLO_METHOD, introduction.text))["result"])

    async def _ask(self, method: str, param: str) -> dict[str, Any]:
        text = json.dumps({"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": [param]})
        reply = await self._dispatcher.handle(text, self._connection)
        assert reply is not None
        for watcher in reply.watchers:
            for push in self._watches.release(watcher):
                self._hear(push.text)
        answer: dict[str, Any] = json.loads(reply.text)
        return answer

    async def send(self, request: Request) -> str:
        """Admitted: the hash."""
        answer = await self.ask(WATCH_METHOD, request)
        assert "reason" not in answer
        result: str = answer["result"]
        assert len(result) == HASH_LENGTH
        return result

    async def refused(self, request: Request) -> Told:
        """Not admitted: why; the same whether or not the call was to be watched."""
        answer = await self.ask(WATCH_METHOD, request)
        assert decode(RpcReturnValue, bytes.fromhex(answer["result"][2:])).status.index == 2
        assert (await self.ask(SUBMIT_METHOD, request))["reason"]["code"] == answer["reason"]["code"]
        told: Told = answer["reason"]
        return told

    async def ended(self, hash: str, status: str) -> Told:
        """After the next slot, why an admitted call ended so."""
        await self.slot()
        last, reason = self.updates[hash][-1]
        assert (last, reason is not None) == (status, True)
        return reason or {}

    async def slot(self) -> None:
        slot = slot_at(self.world.now - self.world.now % SLOT_MS + SLOT_MS, SLOT_MS)
        self.world.now = slot.start
        await self.service._serve_slot(slot, slot.start)
        await self.service.status(Nothing())  # behind all that was told

    # -- what is sent ------------------------------------------------------------------------------------

    def shielded(self, plain: bytes) -> Request:
        return Request(self.world.shard, self.world.core.keys.shielding.public.encrypt(plain))

    def request(self, operation: TrustedOperation) -> Request:
        return self.shielded(LEDGER.codec(TrustedOperation).encode(operation))

    def call(self, who: KeyPair, name: str, *args: Any, nonce: int | None = None) -> Request:
        signed = self.world.signed(who, LEDGER.call(name, who.public, *args), nonce)
        return self.request(DirectCall(signed))

    def transfer(self, who: KeyPair = ANN, amount: int = TEER, nonce: int | None = None) -> Request:
        return self.call(who, "balance_transfer", CAT.public, amount, nonce=nonce)

    def limit(self, **limits: int) -> None:
        """Make the pool smaller."""
        pool = self.world.core.pool
        pool.limits = replace(pool.limits, **limits)


@pytest.fixture
async def client(world: World) -> AsyncIterator[Client]:
    """ANN and BEN hold money."""
    for who in (ANN, BEN):
        world.shield(who, 100 * TEER)
    world.block()
    world.slot()
    async with Client(world).connected() as client:
        yield client


# -- refused at once -----------------------------------------------------------------------------------


async def foreign_shard(client: Client) -> Told:
    return await client.refused(Request(bytes(32), client.transfer().cyphertext))


async def undecipherable(client: Client) -> Told:
    return await client.refused(Request(client.world.shard, bytes(384)))


async def no_operation(client: Client) -> Told:
    return await client.refused(client.shielded(b"\x07" + bytes(200)))


async def getter_as_call(client: Client) -> Told:
    return await client.refused(client.request(Get(public_getter("some_value"))))


async def foreign_signature(client: Client) -> Told:
    signed = client.world.signed(ANN, LEDGER.call("noop", ANN.public))
    return await client.refused(client.request(DirectCall(TrustedCallSigned(signed.call, 1, None, signed.signature))))


async def no_session_proxy(client: Client) -> Told:
    call = LEDGER.call("balance_transfer", ANN.public, CAT.public, 1)
    return await client.refused(client.request(DirectCall(client.world.signed(BEN, call, 0))))


async def enclave_s_call(client: Client) -> Told:
    return await client.refused(client.call(ANN, "balance_shield", BEN.public, 1, ParentchainId.Integritee))


async def maintainer_s_call(client: Client) -> Told:
    return await client.refused(client.call(ANN, "note_bloat", 1))


async def used_nonce(client: Client) -> Told:
    await client.send(client.transfer())
    await client.slot()
    return await client.refused(client.transfer(nonce=0))


async def far_nonce(client: Client) -> Told:
    client.limit(nonce_gap=3)
    return await client.refused(client.transfer(nonce=4))


async def same_again(client: Client) -> Told:
    request = client.transfer()
    await client.send(request)
    return await client.refused(request)


async def taken_nonce(client: Client) -> Told:
    await client.send(client.transfer(nonce=0))
    return await client.refused(client.transfer(amount=1, nonce=0))


async def failed_before(client: Client) -> Told:
    request = client.transfer(CAT, nonce=0)
    await client.send(request)
    await client.slot()
    return await client.refused(request)


async def full_sender(client: Client) -> Told:
    client.limit(sender_slots=1)
    await client.send(client.transfer())
    return await client.refused(client.transfer())


async def large_call(client: Client) -> Told:
    client.limit(entry_bytes=100)
    return await client.refused(client.transfer())


REFUSED = {
    foreign_shard: "pool.invalid_shard",
    undecipherable: "shielding.undecipherable",
    no_operation: "top.invalid_format",
    getter_as_call: "rpc.unsupported_operation",
    foreign_signature: "stf.invalid_signature",
    no_session_proxy: "stf.missing_privileges",
    enclave_s_call: "stf.require_enclave_signer",
    maintainer_s_call: "stf.require_maintainer",
    used_nonce: "pool.stale_nonce",
    far_nonce: "pool.nonce_too_far",
    same_again: "pool.already_imported",
    taken_nonce: "pool.too_low_priority",
    failed_before: "pool.temporarily_banned",
    full_sender: "pool.limit_reached",
    large_call: "pool.too_large",
}


# -- let go of later -----------------------------------------------------------------------------------


async def replaced(client: Client) -> Told:
    hash = await client.send(client.transfer(nonce=1))
    await client.send(client.transfer(amount=2, nonce=1))
    return await client.ended(hash, "Usurped")


async def evicted(client: Client) -> Told:
    client.limit(slots=3)
    hashes = [await client.send(client.transfer(nonce=nonce)) for nonce in range(3)]
    await client.send(client.transfer(BEN))
    return await client.ended(hashes[-1], "Dropped")


async def expired(client: Client) -> Told:
    client.limit(future_ms=SLOT_MS)
    hash = await client.send(client.transfer(nonce=1))
    client.world.now += SLOT_MS
    return await client.ended(hash, "Dropped")


async def beyond_the_balance(client: Client) -> Told:
    return await client.ended(await client.send(client.transfer(amount=RICH)), "Invalid")


async def no_account_for_the_fee(client: Client) -> Told:
    return await client.ended(await client.send(client.transfer(CAT)), "Invalid")


async def below_the_existential_deposit(client: Client) -> Told:
    return await client.ended(await client.send(client.transfer(amount=1)), "Invalid")


async def other_shard_named(client: Client) -> Told:
    hash = await client.send(client.call(ANN, "balance_unshield", CAT.public, 1, bytes(32)))
    return await client.ended(hash, "Invalid")


async def no_such_proxy(client: Client) -> Told:
    return await client.ended(await client.send(client.call(ANN, "remove_session_proxy", BEN.public)), "Invalid")


async def of_an_app(client: Client) -> Told:
    return await client.ended(await client.send(client.call(ANN, "credits.destroy_class", 7)), "Invalid")


ENDED = {
    replaced: "pool.replaced",
    evicted: "pool.evicted",
    expired: "pool.expired",
    beyond_the_balance: "stf.missing_funds",
    no_account_for_the_fee: "stf.missing_funds",
    below_the_existential_deposit: "token.below_minimum",
    other_shard_named: "stf.wrong_shard",
    no_such_proxy: "session_proxy.not_proxy",
    of_an_app: "credits.unknown_class",
}

CASES = {**REFUSED, **ENDED}


@pytest.mark.parametrize(("happens", "code"), CASES.items(), ids=lambda value: getattr(value, "__name__", None))
async def test_reason(client: Client, happens: Callable[[Client], Awaitable[Told]], code: str) -> None:
    """Its code is that of the catalogue, and so are the names of its facts."""
    told = await happens(client)
    assert told["code"] == code
    assert told["message"]
    assert set(told) == {"code", "message", "data"}
    assert list(told["data"]) == [fact.name for fact in catalogue()[code].facts]


OF_SHIELDING = {foreign_shard, undecipherable}
"""What a session has errors of its own for."""


@pytest.mark.parametrize(
    "happens", [case for case in CASES if case not in OF_SHIELDING], ids=lambda case: case.__name__
)
async def test_reason_in_a_session(client: Client, happens: Callable[[Client], Awaitable[Told]]) -> None:
    await client.open_session()
    await test_reason(client, happens, CASES[happens])


async def test_facts_are_exact_where_numbers_are_large(client: Client) -> None:
    told = await beyond_the_balance(client)
    assert told["data"] == {"needed": str(RICH), "available": str(RICH - FEE)}


async def test_before_the_shard_runs(fresh: World) -> None:
    async with Client(fresh).connected() as client:
        told = await client.refused(client.transfer())
    assert told["code"] == "enclave.not_ready"
    assert told["data"] == {"needed": "the shard has its vault"}


def leaves(kind: type[IntegriteeError]) -> set[str]:
    return {below.code for below in kind.__subclasses__() if below.__module__ == kind.__module__}


def test_no_refusal_of_the_pool_is_left_out() -> None:
    assert leaves(PoolError) - {RefusedElsewhere.code} <= set(CASES.values())  # that one is as many as there are


def test_no_refusal_of_a_request_is_left_out() -> None:
    """The rest of the enclave's errors are for its host."""
    told = {code for code in leaves(EnclaveError) if not code.startswith("enclave.")}
    assert told - {DecipheringInterrupted.code} <= set(CASES.values())  # that one is no request's fault

"""When the client says hello, when it goes on with RSA, and what it does not put up with."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from typing import Any

import pytest

from integritee.client.errors import MalformedAnswer, RequestRefused, UntrustedSession
from integritee.client.session import PAUSE, ClientSession, Introduction
from integritee.client.worker import GETTER, SUBMIT, WATCH, WorkerClient
from integritee.crypto import Ed25519Pair
from integritee.enclave.rpc.errors import ServerBusy
from integritee.enclave.rpc.jsonrpc import AnyMethod, Connection, Method, OrderedMethod, Outcome, Params
from integritee.enclave.rpc.methods import trusted_methods
from integritee.enclave.rpc.order import Turn
from integritee.enclave.rpc.session import Identity, Seat, SessionLimits
from integritee.enclave.rpc.session_errors import UnknownSession
from integritee.enclave.rpc.session_methods import session_methods
from integritee.enclave.selftest.damage import flipped
from integritee.primitives.session import (
    GETTER_METHOD,
    HELLO_METHOD,
    SUBMIT_METHOD,
    WATCH_METHOD,
    Binding,
    from_text,
    to_text,
)

from . import ledger_enclave
from .ledger_enclave import ALICE, BOB, MRENCLAVE, SHARD, SIGNING, UNIT, LedgerEnclave, shielding_key

SESSION = {HELLO_METHOD, WATCH_METHOD, SUBMIT_METHOD, GETTER_METHOD}
SEALED = SESSION | {WATCH, SUBMIT, GETTER}
Methods = dict[str, AnyMethod]


@pytest.fixture
def enclave() -> LedgerEnclave:
    return LedgerEnclave()


def offering(monkeypatch: pytest.MonkeyPatch, make: Any) -> None:
    """Have enclaves offer what `make` makes of an enclave, its watches and all methods."""
    monkeypatch.setattr(
        ledger_enclave,
        "trusted_methods",
        lambda enclave, watches: make(enclave, watches, trusted_methods(enclave, watches)),
    )


def without_sessions(enclave: LedgerEnclave, watches: Any, methods: Methods) -> Methods:
    return {name: method for name, method in methods.items() if name not in SESSION}


def short_sessions(enclave: LedgerEnclave, watches: Any, methods: Methods) -> Methods:
    return methods | session_methods(enclave, watches, time.monotonic, os.urandom, SessionLimits(requests=5))


def forgetful(enclave: LedgerEnclave, watches: Any, methods: Methods) -> Methods:
    """Hellos are accepted, sessions are not known."""

    async def forget(params: Params, connection: Connection) -> Outcome:
        raise UnknownSession(1, 0)

    return methods | {name: Method(forget) for name in SESSION - {HELLO_METHOD}}


def asked(enclave: LedgerEnclave) -> Counter[str]:
    """How often each method with something sealed was asked for."""
    return Counter(method for method in enclave.asked if method in SEALED)


async def noop(client: WorkerClient, nonce: int | None = None) -> None:
    await client.call("noop", ALICE.public, signer=ALICE, nonce=nonce)


# -- which way requests take -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("envelope", "ways"),
    [
        ("auto", {HELLO_METHOD: 1, WATCH_METHOD: 2, SUBMIT_METHOD: 1, GETTER: 2}),
        ("session", {HELLO_METHOD: 1, WATCH_METHOD: 2, SUBMIT_METHOD: 1, GETTER_METHOD: 2}),
        ("rsa", {WATCH: 2, SUBMIT: 1, GETTER: 2}),
    ],
)
async def test_ways(enclave: LedgerEnclave, envelope: Any, ways: dict[str, int]) -> None:
    async with enclave.serving() as url, await WorkerClient.connect(url, envelope=envelope) as client:
        assert await client.get("some_value") == 42
        await noop(client)
        await noop(client)
        await client.submit(await client.sign("noop", ALICE.public, signer=ALICE, nonce=2))
        assert (await client.account_info(ALICE)).nonce == 3
    assert asked(enclave) == ways


async def test_sessions_are_announced(enclave: LedgerEnclave) -> None:
    async with enclave.serving() as url, await WorkerClient.connect(url) as client:
        assert set((await client.rpc.request("rpc_methods", []))["methods"]) >= SESSION


async def test_every_connection_has_its_hello(enclave: LedgerEnclave) -> None:
    async with enclave.serving() as url:
        for _ in range(2):
            async with await WorkerClient.connect(url) as client:
                await noop(client)
    assert asked(enclave) == {HELLO_METHOD: 2, WATCH_METHOD: 2}


# -- RSA instead -----------------------------------------------------------------------------------------


async def test_an_enclave_that_knows_no_sessions(enclave: LedgerEnclave, monkeypatch: pytest.MonkeyPatch) -> None:
    offering(monkeypatch, without_sessions)
    async with enclave.serving() as url:
        async with await WorkerClient.connect(url) as client:
            await noop(client)
            await noop(client)
        async with await WorkerClient.connect(url, envelope="session") as client:
            for _ in range(2):
                with pytest.raises(RequestRefused) as refused:
                    await noop(client)
                assert refused.value.code == "rpc.method_not_found"
    assert asked(enclave) == {WATCH: 2}


@pytest.mark.parametrize("envelope", ["auto", "rsa"])
@pytest.mark.parametrize(
    ("mistake", "code"),
    [({"shard": bytes(32)}, "pool.invalid_shard"), ({"mrenclave": bytes(32)}, "stf.invalid_signature")],
)
async def test_mistakes_have_the_codes_they_always_had(
    enclave: LedgerEnclave, envelope: Any, mistake: dict[str, bytes], code: str
) -> None:
    async with enclave.serving() as url, await WorkerClient.connect(url, envelope=envelope, **mistake) as client:
        with pytest.raises(RequestRefused) as refused:
            await noop(client, nonce=0)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("mistake", "code"),
    [({"shard": bytes(32)}, "session.foreign_shard"), ({"mrenclave": bytes(32)}, "session.foreign_enclave")],
)
async def test_mistakes_of_who_insists_on_a_session(
    enclave: LedgerEnclave, mistake: dict[str, bytes], code: str
) -> None:
    async with enclave.serving() as url, await WorkerClient.connect(url, envelope="session", **mistake) as client:
        with pytest.raises(RequestRefused) as refused:
            await noop(client, nonce=0)
    assert refused.value.code == code


async def test_an_enclave_that_forgets_its_sessions(enclave: LedgerEnclave, monkeypatch: pytest.MonkeyPatch) -> None:
    offering(monkeypatch, forgetful)
    async with enclave.serving() as url:
        async with await WorkerClient.connect(url) as client:
            await noop(client)
            await noop(client)
        async with await WorkerClient.connect(url, envelope="session") as client:
            with pytest.raises(RequestRefused) as refused:
                await noop(client)
            assert refused.value.code == "session.unknown"
            with pytest.raises(RequestRefused):
                await client.get("some_value")
    assert asked(enclave) == {HELLO_METHOD: 6, WATCH_METHOD: 4, WATCH: 2, GETTER_METHOD: 2}
    assert enclave.runtime.system.nonce(ALICE.public) == 2


async def test_a_hello_that_is_refused_for_now(enclave: LedgerEnclave, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls go under RSA meanwhile, and a while later there is another hello."""
    now, busy = 0.0, True

    def often_busy(enclave: LedgerEnclave, watches: Any, methods: Methods) -> Methods:
        async def hello(params: Params, connection: Connection, turn: Turn) -> Outcome:
            if busy:
                raise ServerBusy(7)
            offered = methods[HELLO_METHOD]
            assert isinstance(offered, OrderedMethod)
            return await offered.run(params, connection, turn)

        return methods | {HELLO_METHOD: OrderedMethod(hello)}

    offering(monkeypatch, often_busy)
    async with enclave.serving() as url, await WorkerClient.connect(url) as client:
        client.sealed._clock = lambda: now
        await noop(client)
        await noop(client)
        now, busy = PAUSE, False
        await noop(client)
    assert asked(enclave) == {HELLO_METHOD: 2, WATCH: 2, WATCH_METHOD: 1}


# -- other sessions ---------------------------------------------------------------------------------------


async def test_a_spent_session_is_replaced(enclave: LedgerEnclave, monkeypatch: pytest.MonkeyPatch) -> None:
    """By one hello, however many requests wait for it."""
    offering(monkeypatch, short_sessions)
    async with enclave.serving() as url, await WorkerClient.connect(url, envelope="session") as client:
        calls = [await client.sign("noop", ALICE.public, signer=ALICE, nonce=nonce) for nonce in range(12)]
        await asyncio.gather(*map(client.submit, calls))
        assert await asyncio.gather(*(client.get("some_value") for _ in range(8))) == [42] * 8
    assert asked(enclave) == {HELLO_METHOD: 4, SUBMIT_METHOD: 12, GETTER_METHOD: 8}
    assert enclave.runtime.system.nonce(ALICE.public) == 12


async def test_a_session_that_another_client_of_the_connection_replaced(enclave: LedgerEnclave) -> None:
    async with enclave.serving() as url, await WorkerClient.connect(url) as client:
        await noop(client)
        await noop(WorkerClient(client.rpc))
        await noop(client)
    assert asked(enclave) == {HELLO_METHOD: 3, WATCH_METHOD: 4}
    assert enclave.runtime.system.nonce(ALICE.public) == 3


async def test_concurrent_requests_arrive_in_the_order_of_their_counters(enclave: LedgerEnclave) -> None:
    async with enclave.serving() as url, await WorkerClient.connect(url, envelope="session") as client:
        calls = [await client.sign("noop", ALICE.public, signer=ALICE, nonce=nonce) for nonce in range(200)]
        getters = (client.get("some_value") for _ in range(100))
        await asyncio.gather(*map(client.submit, calls), *getters)
    assert asked(enclave) == {HELLO_METHOD: 1, SUBMIT_METHOD: 200, GETTER_METHOD: 100}
    assert enclave.runtime.system.nonce(ALICE.public) == 200


# -- whom the client talks to -------------------------------------------------------------------------------


@pytest.mark.parametrize("envelope", ["auto", "session"])
async def test_the_account_that_signs(enclave: LedgerEnclave, envelope: Any) -> None:
    async with enclave.serving() as url:
        async with await WorkerClient.connect(url, envelope=envelope, account=SIGNING.public) as client:
            await noop(client)
        async with await WorkerClient.connect(url, envelope=envelope, account=BOB.public) as client:
            with pytest.raises(UntrustedSession):
                await noop(client)
    assert asked(enclave) == {HELLO_METHOD: 2, WATCH_METHOD: 1}


def sessions() -> tuple[ClientSession, Seat]:
    """Both sides of one."""
    key, seat, account = shielding_key(), Seat(), Ed25519Pair.from_seed(bytes(32))
    introduction = Introduction(key.public, MRENCLAVE, SHARD, 0.0, os.urandom)
    hello = from_text(introduction.text) or b""
    identity = Identity(Binding(key.public.to_json(), MRENCLAVE, SHARD), account.public, account.sign)
    acceptance = seat.accept(hello, key.decrypt(hello), identity, os.urandom(32), 0.0)
    return introduction.accepted(to_text(acceptance)), seat


ANSWER = b'{"result":"0x00"}'


@pytest.mark.parametrize("change", ["counter", "session", "byte", "length", "text", "none", "hex", "number", "json"])
async def test_answers_that_are_not_the_enclaves(change: str) -> None:
    client, seat = sessions()
    other, _ = sessions()
    text, counter = client.seal_getter(b"a getter")
    _, session, same = seat.open_getter(from_text(text) or b"", GETTER_METHOD, 0.0)
    sealed = session.seal(same, b"[]" if change == "json" else ANSWER, GETTER_METHOD)
    answers: dict[str, Any] = {
        "counter": to_text(session.seal(same + 1, ANSWER, GETTER_METHOD)),
        "session": to_text(sealed),
        "byte": to_text(flipped(sealed, -1)),
        "length": to_text(sealed[:20]),
        "text": "!",
        "none": None,
        "hex": "0x" + sealed.hex(),
        "number": 7,
        "json": to_text(sealed),
    }
    reader = other if change == "session" else client
    with pytest.raises(MalformedAnswer):
        reader.open_answer(answers[change], counter)


async def test_funds_move_once(enclave: LedgerEnclave) -> None:
    async with enclave.serving() as url, await WorkerClient.connect(url) as client:
        await client.call("balance_transfer", ALICE.public, BOB.public, UNIT, signer=ALICE)
    assert enclave.free(BOB.public) == UNIT

"""Sessions at the enclave: what they answer, and what becomes of everything that is not what the client sealed."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from integritee.client.session import ClientSession
from integritee.crypto import ShieldingKey
from integritee.enclave.pool.errors import StaleNonce
from integritee.enclave.rpc.limits import (
    HELLO_TOKENS,
    HELLO_TOKENS_PER_SECOND,
    SESSION_BYTES,
    SESSION_REQUESTS,
    SESSION_SECONDS,
)
from integritee.enclave.rpc.session import Seat, SessionLimits
from integritee.enclave.selftest.damage import flipped
from integritee.errors import IntegriteeError
from integritee.primitives.enclave_bridge import Request
from integritee.primitives.session import (
    FRAME_OVERHEAD,
    GETTER_METHOD,
    HELLO_METHOD,
    SUBMIT_METHOD,
    WATCH_METHOD,
    Hello,
    from_text,
    to_text,
)
from integritee.scale import encode
from integritee.stf.errors import InvalidSignature, MissingPrivileges

from .conftest import SHARD, SIGNING, TOP_HASH, VAULT, refusal
from .session_office import Answer, Caller, Office

OPERATION = b"\x01\x02\x03"
PLAIN_METHODS = {
    WATCH_METHOD: "author_submitAndWatchExtrinsic",
    SUBMIT_METHOD: "author_submitExtrinsic",
    GETTER_METHOD: "state_executeGetter",
}


@pytest.fixture(scope="module")
def key() -> ShieldingKey:
    return ShieldingKey.generate()


@pytest.fixture
def office(key: ShieldingKey) -> Office:
    return Office(key)


@pytest.fixture
def caller(office: Office) -> Caller:
    return office.connect()


def code(answer: Answer) -> str | None:
    """The code of a refusal that is a JSON-RPC error of sessions; None for anything else."""
    if "error" not in answer:
        return None
    assert answer["error"]["code"] == -32010
    assert answer["error"]["message"] == "Session refused"
    return str(answer["reason"]["code"])


async def works(caller: Caller, session: ClientSession) -> bool:
    """Whether the session takes another call."""
    answer = await caller.ask(SUBMIT_METHOD, session.seal_call(OPERATION, SUBMIT_METHOD))
    assert code(answer) in (None, "session.unknown")
    return "result" in answer


# -- what honest clients are answered ------------------------------------------------------------------


async def test_an_enclave_accepts_and_signs(caller: Caller) -> None:
    session = await caller.hello()
    assert (session.account, session.number) == (SIGNING.public, 1)
    assert await works(caller, session)


FAILURES: list[IntegriteeError | None] = [
    None,
    InvalidSignature(VAULT),
    StaleNonce(1, 2),
    MissingPrivileges(VAULT),
    refusal("stf.other"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda error: getattr(error, "code", "none"))
@pytest.mark.parametrize("method", PLAIN_METHODS)
async def test_answers_are_those_of_plain_methods(
    office: Office, caller: Caller, method: str, failure: IntegriteeError | None
) -> None:
    session = await caller.hello()
    office.backend.failure = failure
    request = "0x" + encode(Request, Request(SHARD, OPERATION)).hex()
    plain = await caller.ask(PLAIN_METHODS[method], request)
    if method == GETTER_METHOD:
        text, counter = session.seal_getter(OPERATION)
        answer = session.open_answer((await caller.ask(method, text))["result"], counter)
        assert answer == {name: plain[name] for name in ("result", "reason") if name in plain}
    else:
        assert await caller.ask(method, session.seal_call(OPERATION, method)) == plain
    assert office.backend.submitted == [Request(SHARD, OPERATION)] * 2


async def test_a_watched_call_is_told_of_under_its_hash(office: Office, caller: Caller) -> None:
    session = await caller.hello()
    await caller.ask(WATCH_METHOD, session.seal_call(OPERATION, WATCH_METHOD))
    (watcher,) = office.backend.watchers
    assert (watcher.top_hash, watcher.connection) == (TOP_HASH, caller.connection.id)


async def test_counters_may_be_left_out(caller: Caller) -> None:
    session = await caller.hello()
    for _ in range(3):
        session.seal_call(OPERATION, SUBMIT_METHOD)
    assert await works(caller, session)


async def test_calls_and_getters_are_counted_apart(caller: Caller) -> None:
    """A getter may overtake a call that waits for its turn."""
    session = await caller.hello()
    call = session.seal_call(OPERATION, SUBMIT_METHOD)
    text, counter = session.seal_getter(OPERATION)
    assert session.open_answer((await caller.ask(GETTER_METHOD, text))["result"], counter)
    assert code(await caller.ask(SUBMIT_METHOD, call)) is None


async def test_sessions_of_connections_are_their_own(office: Office) -> None:
    callers = [office.connect() for _ in range(3)]
    sessions = [await caller.hello() for caller in callers]
    for _ in range(2):
        for caller, session in zip(callers, sessions, strict=True):
            assert await works(caller, session)


@pytest.mark.parametrize("method", [SUBMIT_METHOD, WATCH_METHOD])
async def test_what_a_client_sends_takes_effect_in_its_order(office: Office, caller: Caller, method: str) -> None:
    """A call under RSA that takes its time, one in a session, and a hello that ends the session."""
    session = await caller.hello()
    office.backend.gate = asyncio.Event()
    request = "0x" + encode(Request, Request(SHARD, b"under RSA")).hex()
    sent = asyncio.gather(
        caller.ask(PLAIN_METHODS[SUBMIT_METHOD], request),
        caller.ask(method, session.seal_call(OPERATION, method)),
        caller.hello(),
    )
    for _ in range(10):
        await asyncio.sleep(0)
    office.backend.gate.set()
    _, answer, after = await sent
    assert code(answer) is None
    assert [request.cyphertext for request in office.backend.submitted] == [b"under RSA", OPERATION]
    assert await works(caller, after)


# -- frames that are not what the client sealed, where and when it did ------------------------------------


async def repeated(caller: Caller, session: ClientSession) -> Answer:
    text = session.seal_call(OPERATION, SUBMIT_METHOD)
    await caller.ask(SUBMIT_METHOD, text)
    return await caller.ask(SUBMIT_METHOD, text)


async def late(caller: Caller, session: ClientSession) -> Answer:
    first, second = (session.seal_call(OPERATION, SUBMIT_METHOD) for _ in range(2))
    await caller.ask(SUBMIT_METHOD, second)
    return await caller.ask(SUBMIT_METHOD, first)


async def repeated_getter(caller: Caller, session: ClientSession) -> Answer:
    text, _ = session.seal_getter(OPERATION)
    await caller.ask(GETTER_METHOD, text)
    return await caller.ask(GETTER_METHOD, text)


async def counter_of_the_acceptance(caller: Caller, session: ClientSession) -> Answer:
    return await caller.ask(SUBMIT_METHOD, to_text(changed(session, counter=0)))


async def of_no_session(caller: Caller, session: ClientSession) -> Answer:
    return await caller.ask(SUBMIT_METHOD, to_text(changed(session, number=7)))


async def with_another_counter(caller: Caller, session: ClientSession) -> Answer:
    return await caller.ask(SUBMIT_METHOD, to_text(changed(session, counter=2**64 - 1)))


async def cut_short(caller: Caller, session: ClientSession) -> Answer:
    return await caller.ask(SUBMIT_METHOD, to_text(changed(session)[:-1]))


async def longer(caller: Caller, session: ClientSession) -> Answer:
    return await caller.ask(SUBMIT_METHOD, to_text(changed(session) + b"\0"))


async def too_short(caller: Caller, session: ClientSession) -> Answer:
    return await caller.ask(SUBMIT_METHOD, to_text(changed(session)[: FRAME_OVERHEAD - 1]))


async def no_base64(caller: Caller, session: ClientSession) -> Answer:
    return await caller.ask(SUBMIT_METHOD, "0x" + changed(session).hex() + "é")


async def for_another_method(caller: Caller, session: ClientSession) -> Answer:
    return await caller.ask(WATCH_METHOD, session.seal_call(OPERATION, SUBMIT_METHOD))


async def a_call_as_getter(caller: Caller, session: ClientSession) -> Answer:
    return await caller.ask(GETTER_METHOD, session.seal_call(OPERATION, GETTER_METHOD))


async def a_getter_as_call(caller: Caller, session: ClientSession) -> Answer:
    return await caller.ask(SUBMIT_METHOD, session.seal_getter(OPERATION)[0])


async def an_answer_sent_back(caller: Caller, session: ClientSession) -> Answer:
    """With a counter that would do."""
    session.seal_getter(OPERATION)
    text, _ = session.seal_getter(OPERATION)
    answer = (await caller.ask(GETTER_METHOD, text))["result"]
    return await caller.ask(SUBMIT_METHOD, answer)


def changed(session: ClientSession, number: int | None = None, counter: int | None = None) -> bytes:
    """A frame for `session_submit` whose head says something else."""
    frame = from_text(session.seal_call(OPERATION, SUBMIT_METHOD))
    assert frame is not None
    head = frame[:4] if number is None else number.to_bytes(4, "little")
    return head + (frame[4:12] if counter is None else counter.to_bytes(8, "little")) + frame[12:]


ATTACKS: dict[Callable[[Caller, ClientSession], Awaitable[Answer]], tuple[str, bool]] = {
    repeated: ("session.replayed", True),
    late: ("session.replayed", True),
    repeated_getter: ("session.replayed", True),
    counter_of_the_acceptance: ("session.replayed", True),
    of_no_session: ("session.unknown", True),
    too_short: ("session.frame_malformed", True),
    no_base64: ("session.frame_malformed", True),
    with_another_counter: ("session.broken_seal", False),
    cut_short: ("session.broken_seal", False),
    longer: ("session.broken_seal", False),
    for_another_method: ("session.broken_seal", False),
    a_call_as_getter: ("session.broken_seal", False),
    a_getter_as_call: ("session.broken_seal", False),
    an_answer_sent_back: ("session.broken_seal", False),
}
"""The code of the refusal, and whether the session lives on."""

DELIVERED = {repeated: 1, late: 1, repeated_getter: 1, an_answer_sent_back: 1}
"""Frames of the attack that are the client's own."""


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
async def test_a_frame_that_is_not_taken(
    office: Office, caller: Caller, attack: Callable[[Caller, ClientSession], Awaitable[Answer]]
) -> None:
    refused_as, lives = ATTACKS[attack]
    session = await caller.hello()
    assert code(await attack(caller, session)) == refused_as
    assert len(office.backend.submitted) == DELIVERED.get(attack, 0)
    assert await works(caller, session) is lives


@pytest.mark.parametrize("bit", range(8))
async def test_every_flipped_bit_is_noticed(office: Office, bit: int) -> None:
    length = FRAME_OVERHEAD + len(OPERATION)
    for at in range(length):
        caller = office.connect()
        session = await caller.hello()
        frame = changed(session)
        assert len(frame) == length
        expected = {"session.unknown"} if at < 4 else {"session.replayed", "session.broken_seal"}
        assert code(await caller.ask(SUBMIT_METHOD, to_text(flipped(frame, at, 1 << bit)))) in expected
    assert office.backend.submitted == []


async def test_a_frame_on_another_connection(office: Office, caller: Caller) -> None:
    """Without a session, or with one that has the same number."""
    session, other = await caller.hello(), office.connect()
    text = session.seal_call(OPERATION, SUBMIT_METHOD)
    assert code(await other.ask(SUBMIT_METHOD, text)) == "session.unknown"
    assert (await other.hello()).number == session.number
    assert code(await other.ask(SUBMIT_METHOD, text)) == "session.broken_seal"
    assert office.backend.submitted == []
    assert await works(caller, session)


async def test_a_frame_of_the_session_before(office: Office, caller: Caller) -> None:
    before = await caller.hello()
    text = before.seal_call(OPERATION, SUBMIT_METHOD)
    session = await caller.hello()
    answer = await caller.ask(SUBMIT_METHOD, text)
    assert (code(answer), answer["reason"]["data"]) == ("session.unknown", {"found": 1, "expected": 2})
    assert await works(caller, session)
    assert len(office.backend.submitted) == 1


async def test_an_answer_under_way_is_sealed_for_the_session_that_asked(caller: Caller) -> None:
    before = await caller.hello()
    text, counter = before.seal_getter(OPERATION)
    answer = (await caller.ask(GETTER_METHOD, text))["result"]
    await caller.hello()
    assert before.open_answer(answer, counter)


@pytest.mark.parametrize("params", [[], [7], [None]])
@pytest.mark.parametrize("method", [HELLO_METHOD, *PLAIN_METHODS])
async def test_parameters_of_another_form(caller: Caller, method: str, params: list[object]) -> None:
    assert (await caller.ask(method, *params))["reason"]["code"] == "rpc.invalid_params"


# -- hellos ----------------------------------------------------------------------------------------------


def sealed(office: Office, **facts: Any) -> str:
    hello = Hello(
        **{"secret": bytes(32), "client_key": b"\x09" * 32, "mrenclave": b"\x0f" * 32, "shard": SHARD} | facts
    )
    return to_text(office.backend.key.public.encrypt(hello.encode()))


HELLOS: dict[str, tuple[Callable[[Office], str], str]] = {
    "another enclave's key": (lambda o: o.introduction(ShieldingKey.generate()).text, "session.hello_unreadable"),
    "altered": (lambda o: to_text(flipped(from_text(sealed(o)) or b"", -1)), "session.hello_unreadable"),
    "another MRENCLAVE": (lambda o: o.introduction(mrenclave=b"\x0e" * 32).text, "session.foreign_enclave"),
    "another shard": (lambda o: o.introduction(shard=b"\x04" * 32).text, "session.foreign_shard"),
    "a later version": (lambda o: sealed(o, version=2), "session.hello_malformed"),
    "a key of small order": (lambda o: sealed(o, client_key=bytes(32)), "session.hello_malformed"),
    "a call": (lambda o: to_text(o.backend.key.public.encrypt(OPERATION)), "session.hello_malformed"),
    "two blocks": (lambda o: to_text(o.backend.key.public.encrypt(bytes(400))), "session.hello_malformed"),
    "cut short": (lambda o: to_text((from_text(sealed(o)) or b"")[:-1]), "session.hello_malformed"),
    "no base64": (lambda o: "hello", "session.hello_malformed"),
    "empty": (lambda o: "", "session.hello_malformed"),
}


@pytest.mark.parametrize(("hello", "refused_as"), HELLOS.values(), ids=HELLOS)
async def test_a_hello_that_is_not_accepted(
    office: Office, caller: Caller, hello: Callable[[Office], str], refused_as: str
) -> None:
    """The session that is open stays so."""
    session = await caller.hello()
    assert code(await caller.ask(HELLO_METHOD, hello(office))) == refused_as
    assert await works(caller, session)


async def test_a_hello_said_again_by_another(office: Office, caller: Caller) -> None:
    """It is accepted, for it is one; but the keys are new, and who repeats it has none."""
    introduction, other = office.introduction(), office.connect()
    acceptance = (await caller.ask(HELLO_METHOD, introduction.text))["result"]
    text = introduction.accepted(acceptance).seal_call(OPERATION, SUBMIT_METHOD)
    assert (await other.ask(HELLO_METHOD, introduction.text))["result"] != acceptance
    assert code(await other.ask(SUBMIT_METHOD, text)) == "session.broken_seal"
    assert code(await other.ask(HELLO_METHOD, acceptance)) == "session.hello_malformed"
    assert office.backend.submitted == []


async def test_a_flood_of_hellos_costs_no_decryptions(office: Office, caller: Caller) -> None:
    session = await caller.hello()
    codes = [code(await caller.ask(HELLO_METHOD, to_text(bytes(384)))) for _ in range(100)]
    assert codes.count("session.hello_unreadable") == HELLO_TOKENS - 1
    assert codes.count("session.too_many_hellos") == 101 - HELLO_TOKENS
    assert office.backend.deciphered == HELLO_TOKENS
    assert await works(caller, session)
    assert await works(other := office.connect(), await other.hello())
    office.now += 1 / HELLO_TOKENS_PER_SECOND
    assert await works(caller, await caller.hello())


# -- the end of sessions ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "seconds", "kind", "limit"),
    [
        (SessionLimits(requests=2), 0, "requests", 2),
        (SessionLimits(bytes=2 * FRAME_OVERHEAD + 7), 0, "bytes", 2 * FRAME_OVERHEAD + 7),
        (SessionLimits(seconds=60), 60, "seconds", 60),
    ],
    ids=["requests", "bytes", "seconds"],
)
async def test_a_session_that_is_spent(
    office: Office, caller: Caller, limits: SessionLimits, seconds: int, kind: str, limit: int
) -> None:
    """The client could have known; its calls and getters count together."""
    caller.connection.seat = Seat(limits)
    session = await caller.hello()
    assert await works(caller, session)
    await caller.ask(GETTER_METHOD, session.seal_getter(OPERATION)[0])
    office.now += seconds
    assert session.is_spent(office.now) is (kind != "bytes")
    answer = await caller.ask(SUBMIT_METHOD, session.seal_call(OPERATION, SUBMIT_METHOD))
    assert (code(answer), answer["reason"]["data"]) == ("session.expired", {"kind": kind, "limit": limit})
    assert session.is_spent(office.now)
    assert not await works(caller, session)
    assert len(office.backend.submitted) == 2
    assert await works(caller, await caller.hello())


async def test_the_limits_told_are_those_kept(caller: Caller) -> None:
    session = await caller.hello()
    assert not session.is_spent(SESSION_SECONDS - 0.1)
    assert session.is_spent(SESSION_SECONDS)
    terms = session._terms
    assert (terms.requests, terms.bytes, terms.seconds) == (SESSION_REQUESTS, SESSION_BYTES, SESSION_SECONDS)


async def test_a_session_ends_with_its_connection(office: Office, caller: Caller) -> None:
    session = await caller.hello()
    again = office.connect()
    assert not await works(again, session)
    assert office.backend.submitted == []


# -- secrets ---------------------------------------------------------------------------------------------


async def test_secrets_are_not_shown(office: Office, caller: Caller, caplog: pytest.LogCaptureFixture) -> None:
    """Neither by what sessions are made of nor in refusals and logs."""
    caplog.set_level(logging.DEBUG)
    secret = b"\xd5" * 32
    hello = Hello(secret, b"\x09" * 32, b"\x0f" * 32, SHARD)
    session = await caller.hello()
    seen = [hello, session, session._keys, caller.connection, caller.connection.seat]
    seen += [await caller.ask(HELLO_METHOD, sealed(office, secret=secret, version=2))]
    seen += [await caller.ask(SUBMIT_METHOD, to_text(changed(session, counter=9)))]
    shown = json.dumps([repr(each) for each in seen]) + caplog.text
    for form in (secret.hex(), repr(secret)[2:-1], to_text(secret)):
        assert form not in shown

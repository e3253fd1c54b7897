"""A ledger in another process answers as one in the same: every question, refusal and defect; and what it tells."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from integritee.enclave.errors import NotReady
from integritee.enclave.frontend.errors import PrivilegesRefused, Refused
from integritee.enclave.frontend.ledger_api import Figures, LedgerApi
from integritee.enclave.frontend.link import Kind
from integritee.enclave.frontend.local import LocalLedger
from integritee.enclave.frontend.remote import LedgerDefect
from integritee.enclave.frontend.served import CHANGES_PER_FRAME
from integritee.enclave.pool import StatusChanged
from integritee.enclave.rpc.caller import CALLER
from integritee.enclave.rpc.limits import MAX_BLOCKS_PER_MESSAGE, MAX_SHARDS_PER_QUERY
from integritee.enclave.rpc.outcomes import got
from integritee.primitives.rpc import InSidechainBlock, Ready, TrustedOperationStatus
from integritee.stf.errors import MissingPrivileges

from ..core.gateway import FarEnd, linked
from .conftest import HEADER, VAULT, ScriptedLedger

SHARD = b"\x05" * 32


def _ignore(top_hash: bytes) -> None: ...


Question = Callable[[LedgerApi], Awaitable[Any]]

QUESTIONS: dict[str, tuple[Question, Any]] = {
    "admit": (lambda api: api.admit(b"call", _ignore), b"call".ljust(32, b"\0")),
    "query": (lambda api: api.query(b"getter"), b"\x2a"),
    "header": (lambda api: api.latest_header(), HEADER),
    "vault": (lambda api: api.shard_vault(), VAULT),
    "pending": (
        lambda api: api.pending([SHARD] * MAX_SHARDS_PER_QUERY),
        [[SHARD, b"\x01" * 32]] * MAX_SHARDS_PER_QUERY,
    ),
    "nonce": (lambda api: api.next_nonce(SHARD), 2**32 - 1),
    "content": (lambda api: api.read_content("bafy\ud800"[:4]), b"bafy" * 3),
    "blocks": (lambda api: api.import_blocks([]), None),
    "operations": (lambda api: api.import_operations(b"sealed"), None),
}


@pytest.mark.parametrize("name", QUESTIONS)
async def test_answers_are_those_of_a_ledger_at_hand(ledger: ScriptedLedger, far: FarEnd, name: str) -> None:
    question, answer = QUESTIONS[name]
    found = [await question(api) for api in (far.ledger, LocalLedger(ledger))]
    assert found == [answer, answer]
    assert ledger.asked[0] == ledger.asked[1]


@pytest.mark.parametrize("name", QUESTIONS)
async def test_a_refusal_says_why(ledger: ScriptedLedger, far: FarEnd, name: str) -> None:
    ledger.failure = NotReady("init")
    with pytest.raises(Refused) as refused:
        await QUESTIONS[name][0](far.ledger)
    assert (refused.value.code, refused.value.data()) == ("enclave.not_ready", {"needed": "init"})
    assert str(refused.value) == str(ledger.failure)
    ledger.failure = None
    assert await QUESTIONS[name][0](far.ledger) == QUESTIONS[name][1]


@pytest.mark.parametrize("name", QUESTIONS)
async def test_a_defect_is_logged_without_what_clients_sent(
    ledger: ScriptedLedger, far: FarEnd, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    ledger.failure = ValueError("secret text")
    with pytest.raises(LedgerDefect):
        await QUESTIONS[name][0](far.ledger)
    assert "ValueError" in caplog.text
    assert "secret" not in caplog.text
    ledger.failure = None
    assert await QUESTIONS[name][0](far.ledger) == QUESTIONS[name][1]


async def test_values_that_are_not_there(ledger: ScriptedLedger, far: FarEnd) -> None:
    ledger.vault = ledger.value = None
    assert (await far.ledger.shard_vault(), await far.ledger.query(b"")) == (None, None)
    ledger.failure = MissingPrivileges(bytes(32))
    with pytest.raises(PrivilegesRefused):
        await far.ledger.query(b"")


async def test_operations_are_admitted_in_the_order_in_which_they_were_sent(
    ledger: ScriptedLedger, far: FarEnd
) -> None:
    plain = [b"%d" % number for number in range(200)]
    await asyncio.gather(*(far.ledger.admit(each, _ignore) for each in plain))
    assert ledger.asked == [("admit", each) for each in plain]


async def test_a_hash_is_known_before_anything_is_told_of_it(ledger: ScriptedLedger) -> None:
    heard: list[str] = []

    def told(changes: list[StatusChanged], lingers: bool) -> None:
        heard.extend(type(each.status).__name__ for each in changes)

    async with linked(ledger, told) as (near, far):
        admit = ledger.admit

        def admit_and_tell(plain: bytes, bound: Callable[[bytes], None]) -> bytes:
            top_hash = admit(plain, bound)
            near.tell([StatusChanged(top_hash, Ready())], lingers=False)
            return top_hash

        ledger.admit = admit_and_tell  # type: ignore[method-assign]
        await asyncio.gather(*(far.ledger.admit(b"%d" % n, lambda _: heard.append("bound")) for n in range(3)))
        await near.figures()
    assert heard == ["bound", "Ready"] * 3


async def test_who_sends_many_has_others_wait_for_few(ledger: ScriptedLedger, far: FarEnd) -> None:
    async def ask(connection: int, count: int) -> None:
        CALLER.set(connection)
        await asyncio.gather(*(far.ledger.query(b"%d" % connection) for _ in range(count)))

    await asyncio.gather(ask(1, 2000), ask(2, 1))
    assert ledger.asked.index(("query", b"2")) < 1000


async def test_content_keeps_nobody_waiting(ledger: ScriptedLedger, far: FarEnd) -> None:
    ledger.gate = asyncio.Event()
    reading = asyncio.create_task(far.ledger.read_content("bafy"))
    assert await far.ledger.next_nonce(SHARD)
    assert not reading.done()
    ledger.gate.set()
    assert await reading == b"bafy" * 3


async def test_all_of_a_block_is_told_in_order_and_then_settled(ledger: ScriptedLedger) -> None:
    told: list[tuple[bytes, TrustedOperationStatus, bool]] = []
    count = 2 * CHANGES_PER_FRAME + 1
    changes = [StatusChanged(n.to_bytes(32, "big"), InSidechainBlock(b"\x07" * 32)) for n in range(count)]

    def hear(heard: list[StatusChanged], lingers: bool) -> None:
        told.extend((each.hash, each.status, lingers) for each in heard)

    async with linked(ledger, hear) as (near, far):
        await near.tell_all(changes, lingers=True)
        near.settle([each.hash for each in changes])
        near.settle([])
        near.tell([], lingers=False)
        await near.figures()
    assert told == [(each.hash, each.status, True) for each in changes]
    assert far.settled == [b"".join(each.hash for each in changes)]


async def test_the_front_end_counts(ledger: ScriptedLedger) -> None:
    async with linked(ledger) as (near, far):
        far.figures = Figures(1, 2, 3)
        assert await near.figures() == Figures(1, 2, 3)
        assert await asyncio.gather(near.figures(), near.figures()) == [far.figures] * 2
    assert await near.figures() == Figures()


@pytest.mark.parametrize("is_asked", [True, False])
async def test_the_end_of_the_front_end(ledger: ScriptedLedger, is_asked: bool) -> None:
    """Unasked, the enclave ends with it. Who asks for figures at that moment is not kept waiting."""
    ended = asyncio.Event()
    async with linked(ledger, ended=ended.set) as (near, far):
        if is_asked:
            await near.stop()
        else:
            counting = asyncio.create_task(near.figures())
            far.link.close()
            await ended.wait()
            assert await counting == Figures()
    assert ended.is_set() is not is_asked


async def test_the_end_of_the_ledger(ledger: ScriptedLedger, far: FarEnd) -> None:
    """Clients are told nothing: who hears a refusal takes it that the call was not admitted."""
    ledger.gate = asyncio.Event()
    answering = asyncio.create_task(got(far.ledger.read_content("bafy")))
    await far.ledger.next_nonce(SHARD)
    far.link.close()
    with pytest.raises(asyncio.CancelledError):
        await answering
    assert len(far.ledger) == 0


async def test_a_client_that_leaves_leaves_nothing_behind(ledger: ScriptedLedger, far: FarEnd) -> None:
    """Its operation is admitted all the same, and its watch bound: what comes of it goes nowhere."""
    bound: list[bytes] = []
    admission = far.ledger.admit(b"call", bound.append)
    admission.cancel()
    await far.ledger.next_nonce(SHARD)
    assert bound == [b"call".ljust(32, b"\0")]
    assert len(far.ledger) == 0


async def test_more_of_a_list_than_a_client_may_send_is_no_request(ledger: ScriptedLedger, far: FarEnd) -> None:
    """The ledger does not rely on the front end's limits."""
    too_many = (MAX_BLOCKS_PER_MESSAGE + 1) << 2
    far.link.send(Kind.BLOCKS, (too_many | 1).to_bytes(2, "little") + bytes(100), 7)
    far.link.send(Kind.PENDING, bytes([(MAX_SHARDS_PER_QUERY + 1) << 2]) + bytes(32 * 17), 8)
    far.link.send(Kind.ANSWER, b"", 9)
    await far.ledger.next_nonce(SHARD)
    assert ledger.asked == [("nonce", SHARD)]

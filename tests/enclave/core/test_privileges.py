"""Strangers and session proxies at the door of a running enclave: what its trusted RPC tells them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from integritee.crypto import KeyPair
from integritee.enclave.rpc.jsonrpc import Connection, Dispatcher
from integritee.enclave.rpc.methods import trusted_methods
from integritee.enclave.rpc.watch import WatchRegistry
from integritee.enclave.service import EnclaveService
from integritee.node.runtime.runtime import TEER
from integritee.primitives.enclave_bridge import Request
from integritee.primitives.rpc import RpcReturnValue, StatusOk
from integritee.scale import decode, encode
from integritee.stf.operation import DirectCall, Trusted, TrustedOperation
from integritee.stf.types import (
    AnyRole,
    ReadAny,
    ReadBalance,
    SessionProxyCredentials,
    SessionProxyRole,
    TransferAllowance,
)

from .gateway import gateway_to
from .harness import ANN, BEN, CAT, DAN, LEDGER, SLOT_MS, TEE, World, getter_bytes

FEE = TEER // 100


class Door:
    """The trusted RPC of a world, asked in JSON."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.service = EnclaveService(world.core, world.store, TEE, clock=lambda: world.now)
        self.watches = WatchRegistry()
        self.watches.connect(1)
        self.dispatcher = Dispatcher(trusted_methods(gateway_to(world, self.service), self.watches))
        self.connection = Connection(1)

    async def _call(self, method: str, cyphertext: bytes) -> dict[str, Any]:
        request = "0x" + encode(Request, Request(self.world.shard, cyphertext)).hex()
        message = {"jsonrpc": "2.0", "method": method, "params": [request], "id": 1}
        reply = await self.dispatcher.handle(json.dumps(message), self.connection)
        assert reply is not None
        answer: dict[str, Any] = json.loads(reply.text)
        return answer

    async def ask(self, pair: KeyPair, name: str, who: bytes, *args: Any) -> dict[str, Any]:
        """As `pair`, which is `who` or its session proxy."""
        getter = Trusted(LEDGER.sign_getter(LEDGER.trusted_getter(name, who, *args), pair))
        return await self._call("state_executeGetter", getter_bytes(getter))

    async def submit(self, pair: KeyPair, name: str, who: KeyPair, *args: Any) -> dict[str, Any]:
        call = LEDGER.call(name, who.public, *args)
        signed = LEDGER.sign_call(
            call, self.world.nonce(who), pair, self.world.core.config.mrenclave, self.world.shard
        )
        plain = LEDGER.codec(TrustedOperation).encode(DirectCall(signed))
        return await self._call("author_submitExtrinsic", self.world.core.keys.shielding.public.encrypt(plain))

    async def grant(self, delegate: KeyPair, role: SessionProxyRole, expiry: int | None = None) -> None:
        """Make somebody a session proxy of ANN."""
        credentials = SessionProxyCredentials(role, expiry, bytes(32))
        assert "reason" not in await self.submit(ANN, "add_session_proxy", ANN, delegate.public, credentials)
        self.world.slot()


def value(answer: dict[str, Any]) -> bytes | None:
    """What a getter's answer holds."""
    envelope = decode(RpcReturnValue, bytes.fromhex(answer["result"][2:]))
    assert envelope.status == StatusOk()
    found: bytes | None = decode(bytes | None, envelope.value)
    return found


@pytest.fixture
async def door(world: World) -> AsyncIterator[Door]:
    door = Door(world)
    world.shield(ANN, 100 * TEER)
    world.block()
    world.slot()
    yield door
    door.service._executor.shutdown()


async def test_getters_through_the_door(door: Door) -> None:
    """A stranger, an expired proxy and one with too small a role get status Ok, nothing, and a reason each."""
    soon = door.world.now + 60_000
    await door.grant(BEN, AnyRole(), soon)
    await door.grant(CAT, ReadBalance())
    assert value(await door.ask(BEN, "account_essentials", ANN.public)) is not None
    assert value(await door.ask(CAT, "account_info", ANN.public)) is not None
    door.world.now = soon
    for pair, expected in (
        (DAN, ("stf.missing_privileges", {})),
        (BEN, ("stf.session_proxy_expired", {"expiry": soon, "now": soon})),
        (CAT, ("stf.role_too_small", {"found": "ReadBalance", "expected": "Any or NonTransfer or ReadAny"})),
    ):
        answer = await door.ask(pair, "account_essentials", ANN.public)
        assert value(answer) is None
        code, facts = expected
        assert answer["reason"]["code"] == code
        assert answer["reason"]["data"] == {"delegate": "0x" + pair.public.hex()} | facts


async def test_calls_through_the_door(door: Door) -> None:
    """Refused before they enter the pool, and at no cost."""
    world = door.world
    soon = world.now + 60_000
    await door.grant(BEN, AnyRole(), soon)
    await door.grant(CAT, ReadAny())
    await door.grant(DAN, TransferAllowance(2 * TEER))
    free, nonce = world.free(ANN), world.nonce(ANN)
    world.now = soon
    found = []
    for pair, amount in ((BEN, TEER), (CAT, TEER), (DAN, 2 * TEER)):
        answer = await door.submit(pair, "balance_transfer", ANN, BEN.public, amount)
        found.append(answer["reason"]["code"])
    assert found == ["stf.session_proxy_expired", "stf.role_too_small", "stf.allowance_exceeded"]
    assert len(world.core.pool) == 0
    world.slot()
    assert (world.free(ANN), world.nonce(ANN)) == (free, nonce)


async def test_an_allowance_that_two_waiting_calls_share(door: Door) -> None:
    """Each would be covered alone; the second is refused at its turn, at no cost."""
    world = door.world
    await door.grant(DAN, TransferAllowance(3 * TEER))
    free = world.free(ANN)
    for _ in range(2):
        assert "reason" not in await door.submit(DAN, "balance_transfer", ANN, BEN.public, 2 * TEER)
    effects = world.slot()
    assert effects is not None
    assert [changed.reason.code for changed in effects.statuses if changed.reason] == ["stf.allowance_exceeded"]
    assert (world.free(ANN), world.free(BEN)) == (free - 2 * TEER - FEE, 2 * TEER)


async def test_a_proxy_that_expires_while_its_call_waits(door: Door) -> None:
    """The time of the block counts."""
    world = door.world
    await door.grant(BEN, AnyRole(), world.now + SLOT_MS + SLOT_MS // 2)
    assert "reason" not in await door.submit(BEN, "balance_transfer", ANN, BEN.public, TEER)
    effects = world.slot()
    assert effects is not None
    assert [changed.reason.code for changed in effects.statuses if changed.reason] == ["stf.session_proxy_expired"]
    assert world.free(BEN) == 0

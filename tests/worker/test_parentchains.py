"""What operators are told of chains and purses."""

from __future__ import annotations

import asyncio
import io
from types import SimpleNamespace
from typing import Any, cast

import pytest

from integritee.boundary.endpoint import RemoteFailure
from integritee.boundary.messages import ChainStatus, Failure
from integritee.client.errors import ConnectionFailed, ExtrinsicFailed
from integritee.client.parentchain import ParentchainClient
from integritee.crypto import ss58_encode
from integritee.metadata.errors import UnknownExtension
from integritee.worker.config import Config
from integritee.worker.console import Console
from integritee.worker.errors import EnclaveDied, EnclaveSilent
from integritee.worker.funding import FUNDING_LIMIT, REMINDER_PAUSE, Purse, estimate
from integritee.worker.parentchains import Parentchains, changes

from .statuses import IDENTITY, chain_status
from .virtual_time import in_virtual_time

ACCOUNT = b"\x07" * 32


@pytest.mark.parametrize(
    "before, now, texts",
    [
        (None, chain_status(), []),
        (None, chain_status(is_stale=True), ["pauses"]),
        (chain_status(), chain_status(is_stale=True), ["pauses"]),
        (chain_status(is_stale=True), chain_status(is_stale=True), []),
        (chain_status(is_stale=True), chain_status(), ["goes on"]),
        (chain_status(), chain_status(refused=2), ["2 extrinsics"]),
        (chain_status(refused=2), chain_status(refused=2), []),
        (chain_status(refused=2), chain_status(refused=3, is_stale=True), ["pauses", "1 extrinsics"]),
        (chain_status(refused=2), chain_status(refused=0), []),
    ],
)
def test_changes(before: ChainStatus | None, now: ChainStatus, texts: list[str]) -> None:
    found = changes(before, now)
    assert len(found) == len(texts)
    assert all(text in line for text, line in zip(texts, found, strict=True))


class Bank:
    """A chain on which //Alice pays; `ends` says how."""

    def __init__(self, ends: Exception | None = None, takes: float = 6.0) -> None:
        self.ends, self.takes, self.paid = ends, takes, 0

    def call(self, pallet: str, call: str, args: dict[str, Any]) -> bytes:
        return int(args["value"]).to_bytes(16)

    async def sign(self, call: bytes, pair: Any) -> bytes:
        return call

    async def submit_and_watch(self, extrinsic: bytes) -> None:
        await asyncio.sleep(self.takes)
        if self.ends is not None:
            raise self.ends
        self.paid += int.from_bytes(extrinsic)


def filled(bank: Bank, dev: bool, wishes: list[tuple[float, int]]) -> list[str]:
    """What is said when amounts are missing at times."""
    said: list[str] = []

    async def fill() -> None:
        purse = Purse("TargetB", ACCOUNT, dev, said.append)
        tasks = []
        for pause, amount in wishes:
            await asyncio.sleep(pause)
            tasks.append(asyncio.create_task(purse.fill(cast(ParentchainClient, bank), amount)))
        await asyncio.gather(*tasks)

    in_virtual_time(fill())
    return said


def test_alice_pays_in_development() -> None:
    bank = Bank()
    said = filled(bank, True, [(0, 500)])
    assert bank.paid == 500
    assert said == [f"[TargetB] //Alice sends 500 base units to {ss58_encode(ACCOUNT)}"]


def test_alice_pays_once_at_a_time() -> None:
    bank = Bank(takes=6)
    filled(bank, True, [(0, 500), (5, 500), (5, 100)])
    assert bank.paid == 600


@pytest.mark.parametrize(
    "bank",
    [
        Bank(ExtrinsicFailed("invalid", "")),
        Bank(ConnectionFailed("ws://a:1", "lost")),
        Bank(UnknownExtension("ChargeMoon")),
        Bank(takes=FUNDING_LIMIT + 1),
    ],
    ids=["refused", "connection lost", "beyond us", "never included"],
)
def test_failures_are_logged_and_another_try_is_made(bank: Bank, caplog: pytest.LogCaptureFixture) -> None:
    filled(bank, True, [(0, 500), (FUNDING_LIMIT + 5, 500)])
    assert bank.paid == 0
    assert caplog.text.count("worker.funding_failed") == 2


def test_the_operator_is_reminded_now_and_then() -> None:
    said = filled(Bank(), False, [(0, 500), (5, 500), (5, 400), (REMINDER_PAUSE, 400), (5, 400)])
    assert [text.split(" needs ")[1] for text in said] == [
        "500 more base units",
        "400 more base units",
        "400 more base units",
    ]


class Moody:
    """An enclave that at first does not say how it is, and dies when it has."""

    def __init__(self, *moods: Exception) -> None:
        self.moods = [*moods, EnclaveDied(101)]

    async def call(self, method: Any, request: Any) -> Any:
        raise self.moods.pop(0)


def test_an_enclave_that_does_not_say_how_it_is_is_asked_again() -> None:
    """Only its death ends the host."""
    refusal = RemoteFailure(Failure("enclave.not_initialised", "too early", "{}"))
    moody = Moody(EnclaveSilent("Nothing", 120.0), refusal, EnclaveSilent("Nothing", 120.0))
    config = cast(Config, SimpleNamespace(chains=(), dev=True))
    with pytest.raises(EnclaveDied):
        in_virtual_time(Parentchains(config, moody, IDENTITY, Console(io.StringIO())).run())
    assert moody.moods == []


CALLS = {"transfer_keep_alive": 10, "register_sgx_enclave": 1000}
"""What calls cost; a transfer under the one name that it has had in all runtimes."""


class Fees:
    """A chain by its pallets' constants and `CALLS`."""

    def __init__(self, *pallets: str) -> None:
        self.runtime = self.metadata = self
        self.pallets = pallets

    def constant(self, pallet: str, name: str) -> int:
        assert pallet in self.pallets
        return {"ExistentialDeposit": 7, "ProxyDepositBase": 200, "ProxyDepositFactor": 30}[name]

    def has_pallet(self, name: str) -> bool:
        return name in self.pallets

    def call(self, pallet: str, call: str, args: dict[str, Any]) -> bytes:
        assert pallet in self.pallets
        return call.encode()

    async def fee(self, call: bytes, account: bytes) -> int:
        return CALLS[call.decode()]


VAULT = 200 + 10 * 30 + 500 * 10 + 7


@pytest.mark.parametrize(
    "pallets, holds_vault, required, vault",
    [
        (("Balances", "Proxy", "Teerex"), True, 7 + VAULT + 1000 * 10 + 5 * 1000, VAULT),
        (("Balances", "Proxy", "Teerex"), False, 7 + 1000 * 10 + 5 * 1000, 0),
        (("Balances", "Proxy"), True, 7 + VAULT + 1000 * 10, VAULT),
        (("Balances", "Proxy"), False, 7 + 1000 * 10, 0),
        (("Balances",), False, 7 + 1000 * 10, 0),
    ],
)
async def test_estimates(pallets: tuple[str, ...], holds_vault: bool, required: int, vault: int) -> None:
    funding = await estimate(cast(ParentchainClient, Fees(*pallets)), holds_vault)
    assert (funding.required, funding.vault) == (required, vault)

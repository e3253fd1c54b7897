"""Other code takes over a shard from the enclave that serves it, and gives it back, while money moves.

Successor and predecessor have different measurements: the successor knows one more app. It goes on with the account,
the vault, the payments under way; the predecessor is silent for good.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
import pytest_asyncio

from integritee.client.answers import read_value
from integritee.client.errors import RequestRefused
from integritee.crypto import Sr25519Pair
from integritee.scale import decode

from .processes import Node, run_here, run_once, soon
from .stage import UNIT
from .traffic import GRANT, PAYMENT, Payer, Traffic, new_account, receipts, spent
from .validateers import PATIENCE, PAUSE, Shard, Validateer, height, reach

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALICE: Final = Sr25519Pair.from_uri("//Alice")
OTHER_CODE: Final = ("--app", "evm")
DELAY: Final = "10"
"""Blocks of the parentchain."""

WRONG_SLOT: Final = ("--slot-ms", "500")


@dataclass
class Scene:
    """A shard under load, and the workers that served it one after the other."""

    shard: Shard
    payers: list[Payer]
    workers: list[Validateer] = field(default_factory=list)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def scene(node: Node, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    async with Shard(tmp_path_factory.mktemp("upgraded"), node) as shard:
        workers = [await shard.open("old")]
        await workers[0].said("^READY")
        await shard.shield(ALICE, 10 * UNIT)
        pairs = [new_account() for _ in range(3)]
        receivers = [pairs[1].public, pairs[0].public, None]
        payers = [
            Payer(pair, to, lambda: [one.url for one in workers], shard.id)
            for pair, to in zip(pairs, receivers, strict=True)
        ]
        async with workers[0].client() as client:
            for pair in pairs:
                await client.call("balance_transfer", ALICE.public, pair.public, GRANT, signer=ALICE)
        yield Scene(shard, payers, workers)


async def test_other_code_takes_over_under_load(scene: Scene) -> None:
    arguments = ["mrenclave", "--dev", *OTHER_CODE]
    done = await asyncio.to_thread(run_once, "integritee.worker.main", arguments, scene.shard.directory)
    await take_over(scene, done.stdout.strip(), "new", *OTHER_CODE)


async def test_the_old_code_takes_over_again(scene: Scene) -> None:
    """On a data directory of its own: the one that it left is of an enclave that handed over."""
    await take_over(scene, scene.workers[0].mrenclave, "back", stumbles=True)


async def test_predecessors_are_silent_for_good(scene: Scene) -> None:
    """Also when they are started again."""
    *gone, present = scene.workers
    assert len(gone) == 2
    reached = [await height(worker) for worker in gone]
    await asyncio.gather(*(asyncio.to_thread(worker.interrupt) for worker in gone))
    await asyncio.gather(*(worker.launch() for worker in gone))
    await reach(await height(present) + 5, present)
    assert [await height(worker) for worker in gone] == reached
    for worker in gone:
        assert (await worker.view())["phase"] == "halted:enclave.handed_over"
        assert "[Sidechain] block" not in worker.output()
        async with worker.client() as client:
            with pytest.raises(RequestRefused) as refused:
                await client.call("balance_transfer", ALICE.public, ALICE.public, 1, signer=ALICE)
        assert refused.value.code == "enclave.handed_over"
    await check_books(scene)


async def take_over(scene: Scene, fingerprint: str, name: str, *options: str, stumbles: bool = False) -> None:
    """Announce other code, have it take over from the worker that serves the shard, and compare.

    The successor is there before it may. One that `stumbles` gets everything and can do nothing with it at first.
    """
    shard, old = scene.shard, scene.workers[-1]
    stumbling = WRONG_SLOT if stumbles else ()
    async with Traffic(scene.payers) as traffic:
        await traffic.more(6)
        new = await shard.open(name, *options, "--takeover-from", await provisioning_address(old), *stumbling)
        await new.said(r"provisioning\.not_superseded")
        announced = await upgrade(shard, "announce", "//Alice", shard.text, fingerprint, "--delay", DELAY)
        assert announced["pending"] == fingerprint
        await shard.grows_to(announced["upgrade_at"])
        if stumbles:
            await new.said(r"enclave\.other_slot_duration")
            await asyncio.to_thread(new.exit_code, PATIENCE)
            del new.arguments[-len(WRONG_SLOT) :]
            await new.launch()
        await new.said("^READY")
        scene.workers.append(new)
        await traffic.more(6)
    assert (await old.view())["phase"] == "halted:enclave.handed_over"
    assert new.final_account == old.final_account
    assert await height(new) > await height(old)
    async with new.client() as client:
        assert (await client.shard_vault())[0] == shard.vault
    (listed,) = (await upgrade(shard, "status", shard.text))["validateers"]
    assert (listed["signer"], listed["fingerprint"]) == (old.final_account, fingerprint)
    await check_books(scene)


async def upgrade(shard: Shard, *words: str) -> dict[str, Any]:
    """What a command of the group says."""
    arguments = ["--json", "-p", str(shard.node.port), "upgrade", *words]
    done = await asyncio.to_thread(run_here, "integritee.cli.main", arguments, shard.directory)
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


async def provisioning_address(validateer: Validateer) -> str:
    """Host and port."""
    async with validateer.client() as client:
        method = "author_getMuRaUrl"
        address: str = decode(str, read_value(method, await client.rpc.exchange(method, [])))
    return address


async def check_books(scene: Scene) -> None:
    """Every call was executed once, and every payment to the parentchain made once."""
    async with scene.workers[-1].client() as client:
        for payer in scene.payers:
            received = receipts(scene.payers, payer.pair.public)
            info = await client.account_info(payer.pair)
            assert (info.nonce, info.data.free) == (payer.nonce, GRANT + received - spent(payer))
    beneficiaries = [
        payer.beneficiary(nonce) for payer in scene.payers if payer.receiver is None for nonce in range(payer.nonce)
    ]

    async def are_paid() -> bool:
        async with scene.shard.parentchain() as chain:
            found = [await chain.free_balance(account) for account in beneficiaries]
        assert set(found) <= {0, PAYMENT}
        return 0 not in found

    await soon(are_paid, "the payments", PATIENCE, PAUSE)

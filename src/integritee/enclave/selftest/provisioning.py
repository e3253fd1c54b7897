"""Provisioning: an enclave of the same code gets keys and state over a real connection; others get nothing.

Between two enclaves of this process, or of two machines: then each end makes the same parentchain for itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Final

from integritee.boundary.interface import Ecalls, Ocalls
from integritee.boundary.messages import (
    EnclaveIdentity,
    Examine,
    LedgerChoice,
    Provisioned,
    Provisioning,
    SidechainBlocks,
)
from integritee.crypto import blake2_256
from integritee.primitives.sidechain import SignedBlock

from .check import Check, Mismatch, NotReached, Setup, expect, expect_refused, expect_that
from .own_time import within
from .small_chain import BLOCK_MS, SmallChain
from .small_host import LEDGER, SHARD, SmallHost, enlist, settle

LOOPBACK: Final = "127.0.0.1"
OTHER_SHARD: Final = blake2_256(b"self-test/another shard")
OTHER_LEDGER: Final = LedgerChoice([], True)
"""Without custodians, and so with another measurement."""
SOMEBODY: Final = blake2_256(b"self-test/somebody else")
WAIT_PAUSE: Final = 0.2
CONNECT_LIMIT: Final = 15.0
"""Seconds a server may take to accept a connection."""
PARTING: Final = 1.0
"""Seconds for the last words to reach who was provisioned."""


def checks(setup: Setup) -> Iterator[Check]:
    play = Play(setup)
    yield Check("a shard begins", play.begins)
    yield Check("keys and state arrive", play.arrives)
    yield Check("who received them can go on with the shard", play.goes_on)
    yield Check("an enclave of another shard is refused", play.other_shard)
    yield Check("an enclave of other code is refused", play.other_code)
    yield Check("an enclave of other code is not believed", play.other_provider)


async def hosted(setup: Setup, name: str, clock: Callable[[], int] | None = None) -> SmallHost:
    """A fresh enclave, or the next life of one, that ends with the area; on the area's own time if no `clock` is
    said."""
    host = await SmallHost.start(setup.directory / name, clock or setup.own_clock)
    setup.stack.push_async_callback(host.stop)
    return host


def past_chain(setup: Setup) -> SmallChain:
    """A chain with room for blocks up to the present."""
    return SmallChain(setup.own_clock() - 100 * BLOCK_MS)


class Play:
    """Two enclaves, ann with a shard and ben without; each check is a step on from those before."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._chain = past_chain(setup)
        self._ann: tuple[SmallHost, EnclaveIdentity] | None = None
        self._is_provisioned = False

    @property
    def ann(self) -> tuple[SmallHost, EnclaveIdentity]:
        if self._ann is None:
            raise NotReached("the beginning of a shard")
        return self._ann

    async def begins(self) -> None:
        ann = await hosted(self._setup, "ann")
        identity = await ann.init()
        settle(self._chain, identity)
        self._chain.grow()
        await ann.follow(self._chain)
        await ann.told(Ocalls.store_blocks)
        self._ann = ann, identity

    async def _applicant(
        self, name: str, shard: bytes = SHARD, ledger: LedgerChoice = LEDGER, code: bytes | None = None
    ) -> SmallHost:
        """An enclave that waits for the state, on a chain that says the shard is others', of the same `code` if it is
        not said."""
        host = await hosted(self._setup, name)
        identity = await host.init(shard, ledger)
        chain = past_chain(self._setup)
        enlist(chain, identity)
        chain.serve(shard, code or identity.fingerprint, [SOMEBODY])
        chain.grow()
        await host.follow(chain)
        return host

    async def _ask(self, host: SmallHost) -> Provisioned:
        return await host.call(Ecalls.provision, Provisioning(LOOPBACK, self.ann[1].mu_ra_port))

    async def arrives(self) -> None:
        ann, _ = self.ann
        ben = await self._applicant("ben")
        found = await self._ask(ben)
        await ann.told(Ocalls.store_blocks, lambda stored: found.hash in map(SignedBlock.hash, stored.blocks))
        expect_that(found.entries > 0 and found.state_bytes > 0, found, "entries and their bytes")
        await ben.stop()
        self._is_provisioned = True

    async def goes_on(self) -> None:
        """It has the shielding key, an account of its own, and can read the blocks that follow."""
        ann, identity = self.ann
        if not self._is_provisioned:
            raise NotReached("the arrival of keys and state")
        ben = await hosted(self._setup, "ben")
        own = await ben.init()
        expect(own.shielding_key, identity.shielding_key, "shielding key")
        expect(own.ledger_account, identity.ledger_account, "account in the ledger")
        expect(own.account == identity.account, False, "both have one account")
        await ben.follow(self._chain)
        began = (await ben.status()).sidechain_number
        later = await ann.becomes(lambda status: status.sidechain_number > began, f"a block after {began}")
        await ann.told(
            Ocalls.store_blocks, lambda stored: later.sidechain_hash in map(SignedBlock.hash, stored.blocks)
        )
        blocks = [block for stored in ann.notices[Ocalls.store_blocks] for block in stored.blocks]
        await ben.call(Ecalls.import_sidechain_blocks, SidechainBlocks(blocks, is_complete=True))
        await ben.becomes(lambda status: status.sidechain_number >= later.sidechain_number, "the same block")

    async def other_shard(self) -> None:
        applicant = await self._applicant("stranger", shard=OTHER_SHARD)
        await expect_refused("provisioning.refused", "another shard", self._ask(applicant))

    async def other_code(self) -> None:
        """Although it would take the keys: its chain says that the shard has run the other code."""
        believed = self.ann[1].fingerprint
        applicant = await self._applicant("other code", ledger=OTHER_LEDGER, code=believed)
        await expect_refused("provisioning.refused", "other code", self._ask(applicant))

    async def other_provider(self) -> None:
        applicant = await self._applicant("other code that doubts", ledger=OTHER_LEDGER)
        await expect_refused("attestation.measurement", "a provider of other code", self._ask(applicant))


# -- between two machines, which have one time -------------------------------------------------------


def server_checks(setup: Setup) -> Iterator[Check]:
    async def serve() -> None:
        server = await hosted(setup, "server", setup.clock)
        identity = await server.init(host=setup.host, port=setup.port)
        chain = past_chain(setup)
        settle(chain, identity)
        chain.grow()
        await server.follow(chain)
        while not server.admitted():  # noqa: ASYNC110  # for as long as it takes
            await asyncio.sleep(WAIT_PAUSE)
        await asyncio.sleep(PARTING)

    yield Check("an enclave of another machine is provisioned", serve, limit=None)


def client_checks(setup: Setup) -> Iterator[Check]:
    async def ask() -> None:
        host = await hosted(setup, "client", setup.clock)
        identity = await host.init()
        chain = past_chain(setup)
        enlist(chain, identity)
        chain.serve(SHARD, identity.fingerprint, [SOMEBODY])
        chain.grow()
        await host.follow(chain)
        await _expect_somebody(setup.host, setup.port)
        found = await host.call(Ecalls.provision, Provisioning(setup.host, setup.port))
        await host.stop()
        sealed = await (await hosted(setup, "client")).call(Ecalls.examine, Examine(host.place, False))
        expect(
            (sealed.shard, sealed.head_number, sealed.head_hash), (SHARD, found.number, found.hash), "sealed state"
        )

    yield Check("keys and state of another machine's enclave arrive", ask)


async def _expect_somebody(host: str, port: int) -> None:
    """Raises Mismatch if nobody is there: the enclave itself would try again for a long time."""
    try:
        async with within(CONNECT_LIMIT):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError) as failed:
        raise Mismatch(f"{host}:{port}", str(failed) or "no answer", "a provisioning server") from None
    writer.close()

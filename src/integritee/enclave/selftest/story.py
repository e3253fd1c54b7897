"""What the checks of the boundary tell: enclaves in this process, with real streams, sockets, slots and disks.

Ann's enclave begins a shard, users call it, ben's is provisioned and follows; then ann's state is examined, exported
for its custodian, and brought back in a third place.
"""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from integritee.apps.catalog import ledger_of
from integritee.boundary.interface import Ecalls, Method, Ocalls
from integritee.boundary.messages import (
    ContentFetched,
    ContentStored,
    EnclaveIdentity,
    Examine,
    ExportShard,
    ImportShard,
    Nothing,
    Provisioning,
    RuntimeUpdate,
    SelfTest,
    ShareRelease,
    SidechainBlocks,
    SubmitExtrinsics,
)
from integritee.crypto import ShieldingPublicKey, Sr25519Pair, blake2_256
from integritee.metadata import decode_extrinsic
from integritee.primitives.cid import cid_v0
from integritee.primitives.enclave_bridge import Request
from integritee.primitives.ids import ParentchainId
from integritee.primitives.ipfs import READ_METHOD
from integritee.primitives.sidechain import SignedBlock
from integritee.scale import encode
from integritee.stf.operation import DirectCall, TrustedOperation
from integritee.stf.relayed_notes import NoteRelayType, RelayedNoteRequest

from ..bootstrap import config_of
from ..recovery.bundle import read_front
from ..recovery.custodian import Judgement, release
from . import pools
from .check import NotReached, Setup, expect, expect_refused, expect_that
from .provisioning import LOOPBACK, hosted, past_chain
from .small_chain import FUNDS, SPEC_VERSION, TRANSACTION_VERSION, VAULT_FUNDS, SmallChain, metadata
from .small_client import SmallClient
from .small_host import CUSTODIAN, LEDGER, SHARD, SmallHost, enlist

ALICE: Final = Sr25519Pair.from_uri("//Alice")
"""Rich in a development ledger."""
BOB: Final = Sr25519Pair.from_uri("//Bob")
CONTENT: Final = b"content that somebody put on IPFS"
CONVERSATION: Final = 1
NOTE: Final = "a note that goes to IPFS"

Step = Callable[[], Awaitable[None]]


class Story:
    """Each step goes on from those before."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._chain = past_chain(setup)
        self._ledger = ledger_of(config_of(LEDGER))
        self._hosts: dict[str, tuple[SmallHost, EnclaveIdentity]] = {}
        self._path = setup.directory
        self._nonce = 0
        self._note = b""
        self._importing: SmallHost | None = None

    def steps(self) -> list[tuple[Method[Any, Any], Step]]:
        return [
            (Ecalls.measure, self.measure),
            (Ecalls.init, self.init),
            (Ecalls.init_parentchain, self.init_parentchain),
            (Ecalls.import_blocks, self.import_blocks),
            (Ecalls.set_runtime, self.set_runtime),
            (Ocalls.phase_changed, self.phase_changed),
            (Ocalls.submit_extrinsics, self.submit_extrinsics),
            (Ocalls.slot_report, self.slot_report),
            (Ocalls.store_blocks, self.store_blocks),
            (Ecalls.status, self.status),
            (Ocalls.store_content, self.store_content),
            (Ecalls.content_stored, self.content_stored),
            (Ocalls.fetch_content, self.fetch_content),
            (Ecalls.content_fetched, self.content_fetched),
            (Ecalls.provision, self.provision),
            (Ocalls.provisioning_progress, self.provisioning_progress),
            (Ocalls.fetch_blocks, self.fetch_blocks),
            (Ecalls.import_sidechain_blocks, self.import_sidechain_blocks),
            (Ocalls.gossip_blocks, self.gossip_blocks),
            (Ocalls.gossip_operations, self.gossip_operations),
            (Ecalls.self_test, self.self_test),
            (Ecalls.shutdown, self.shutdown),
            (Ecalls.examine, self.examine),
            (Ecalls.export_shard, self.export_shard),
            (Ecalls.import_shard, self.import_shard),
            (Ecalls.offer_share, self.offer_share),
            (Ecalls.finish_import, self.finish_import),
        ]

    # -- what steps have in common -------------------------------------------------------------------

    def _of(self, name: str) -> tuple[SmallHost, EnclaveIdentity]:
        if name not in self._hosts:
            raise NotReached(f"the start of {name}'s enclave")
        return self._hosts[name]

    async def _start(self, name: str) -> tuple[SmallHost, EnclaveIdentity]:
        host = await hosted(self._setup, name)
        self._hosts[name] = host, await host.init()
        return self._hosts[name]

    async def _runs(self) -> tuple[SmallHost, EnclaveIdentity]:
        """Ann's enclave, if it has come to making blocks."""
        ann, identity = self._of("ann")
        if not ann.notices[Ocalls.store_blocks]:
            raise NotReached("the shard's first block")
        return ann, identity

    # -- a shard begins ------------------------------------------------------------------------------

    async def measure(self) -> None:
        host = await hosted(self._setup, "nobody")
        first = await host.call(Ecalls.measure, LEDGER)
        expect(await host.call(Ecalls.measure, LEDGER), first, "a second measurement")
        other = host.call(Ecalls.measure, replace(LEDGER, development=False))
        await expect_refused("enclave.other_ledger_loaded", "another ledger in this process", other)

    async def init(self) -> None:
        ann, identity = await self._start("ann")
        measurer = await hosted(self._setup, "another nobody")
        expect(identity.fingerprint, (await measurer.call(Ecalls.measure, LEDGER)).fingerprint, "measurement")
        expect(identity.shard, SHARD, "shard")
        expect_that(identity.trusted_port > 0, identity.trusted_port, "a port", "trusted RPC")
        await expect_refused("enclave.already_initialised", "a second time", ann.init())

    async def init_parentchain(self) -> None:
        ann, _ = self._of("ann")
        state = await ann.call(Ecalls.init_parentchain, self._chain.params())
        found = (state.number, state.hash, state.trust)
        expect(found, (0, self._chain.genesis.hash(), "grandpa"), "light client")
        other = SmallChain(0)
        params = replace(other.params(), genesis=replace(other.genesis, number=1))
        await expect_refused("enclave.foreign_genesis", "another chain", ann.call(Ecalls.init_parentchain, params))

    async def import_blocks(self) -> None:
        """From the first contact to the shard's first state; what does not fit a header changes nothing."""
        ann, identity = self._of("ann")
        chain = self._chain
        chain.grow()
        blocks = await ann.missing(chain)
        forged = replace(blocks, blocks=[replace(blocks.blocks[0], extrinsics=[])])
        await expect_refused(
            "parentchain.extrinsics_root_mismatch",
            "a block without its extrinsics",
            ann.call(Ecalls.import_blocks, forged),
        )
        await ann.follow(chain)
        for note in (
            partial(chain.endow, identity.account, FUNDS + VAULT_FUNDS),
            partial(enlist, chain, identity),
            partial(chain.serve, SHARD, identity.fingerprint, [identity.account]),
            partial(chain.endow, identity.vault, VAULT_FUNDS),
            partial(chain.delegate, identity.vault, identity.account),
        ):
            note()
            chain.grow()
            await ann.follow(chain)
        await ann.becomes(lambda status: status.phase == "running", "a running shard")

    async def set_runtime(self) -> None:
        ann, _ = self._of("ann")
        facts = self._chain.facts()
        later = replace(facts, spec_version=SPEC_VERSION + 1, transaction_version=TRANSACTION_VERSION + 1)
        await ann.call(Ecalls.set_runtime, RuntimeUpdate(ParentchainId.Integritee, later))
        changed = RuntimeUpdate(ParentchainId.Integritee, replace(facts, metadata=facts.metadata[:-1]))
        await expect_refused("enclave.metadata_changed", "other metadata", ann.call(Ecalls.set_runtime, changed))

    # -- what it says meanwhile ----------------------------------------------------------------------

    async def phase_changed(self) -> None:
        ann, _ = self._of("ann")
        phases = [notice.phase for notice in ann.notices[Ocalls.phase_changed]]
        onboarding = ["unfunded", "registering", "claiming_shard", "funding_vault", "adding_vault_proxy", "running"]
        expect(phases[: len(onboarding)], onboarding, "phases")

    async def submit_extrinsics(self) -> None:
        """Signed by the enclave's account and by the vault's, and what the chain's metadata says they are."""
        ann, identity = self._of("ann")
        submitted: list[SubmitExtrinsics] = ann.notices[Ocalls.submit_extrinsics]
        found = [decode_extrinsic(metadata(), raw) for notice in submitted for raw in notice.extrinsics]
        calls = [(f"{each.call.pallet}.{each.call.call}", each.signer) for each in found]
        for call, signer in (
            ("Teerex.register_sgx_enclave", identity.account),
            ("EnclaveBridge.update_shard_config", identity.account),
            ("Balances.transfer_keep_alive", identity.account),
            ("Proxy.add_proxy", identity.vault),
        ):
            expect_that((call, signer) in calls, [name for name, _ in calls], f"{call} by the right account")

    async def slot_report(self) -> None:
        ann, _ = self._of("ann")
        report = await ann.told(Ocalls.slot_report)
        expect_that(report.block_number >= 1 and report.execution_us > 0, report, "a block, and the time it took")

    async def store_blocks(self) -> None:
        """A user's call comes into a block, which is signed by the enclave."""
        ann, identity = self._of("ann")
        await ann.told(Ocalls.store_blocks)
        hash = await self._submit("balance_transfer", BOB.public, 10**12)
        stored = await ann.told(Ocalls.store_blocks, lambda notice: any(_has(block, hash) for block in notice.blocks))
        block = next(block for block in stored.blocks if _has(block, hash))
        expect(block.has_valid_signature(), True, "the signature is valid")
        expect(block.block.block_data.block_author, identity.account, "author")

    async def status(self) -> None:
        ann, _ = await self._runs()
        status = await ann.status()
        expect(status.phase, "running", "phase")
        expect((status.authorities, status.is_primary), (1, True), "validateers, and whether it is the primary")
        expect([(chain.number, chain.trust) for chain in status.chains], [(self._chain.height, "grandpa")], "chains")
        expect_that(status.trusted_calls >= 1, status.trusted_calls, "at least 1", "calls over the trusted RPC")

    async def _submit(self, name: str, *args: Any) -> bytes:
        """A call of //Alice's over the trusted RPC; its hash."""
        _, identity = self._of("ann")
        signed = self._ledger.sign_call(
            self._ledger.call(name, ALICE.public, *args), self._nonce, ALICE, identity.fingerprint, SHARD
        )
        plain = self._ledger.codec(TrustedOperation).encode(DirectCall(signed))
        sealed = ShieldingPublicKey.from_json(identity.shielding_key).encrypt(plain)
        client = await self._client()
        answer = await client.ask("author_submitExtrinsic", "0x" + encode(Request, Request(SHARD, sealed)).hex())
        expect(answer, blake2_256(plain), "hash of the call")
        self._nonce += 1
        return answer

    async def _client(self) -> SmallClient:
        client = await SmallClient.open(self._of("ann")[1].trusted_port)
        self._setup.stack.push_async_callback(client.close)
        return client

    # -- content on IPFS -----------------------------------------------------------------------------

    async def store_content(self) -> None:
        ann, _ = await self._runs()
        request = RelayedNoteRequest(False, NoteRelayType.Ipfs, NOTE, None)
        self._note = await self._submit("send_relayed_note", BOB.public, CONVERSATION, request)
        found = await ann.told(Ocalls.store_content)
        expect(cid_v0(found.content), found.cid, "identifier")
        expect(NOTE.encode() in found.content, False, "the note can be read")

    async def content_stored(self) -> None:
        """The call goes on once its content is there."""
        ann, _ = self._of("ann")
        if not ann.notices[Ocalls.store_content]:
            raise NotReached("ocall store_content")
        cid = ann.notices[Ocalls.store_content][0].cid
        await ann.call(Ecalls.content_stored, ContentStored(cid, reported=cid))
        await ann.told(Ocalls.store_blocks, lambda stored: any(_has(block, self._note) for block in stored.blocks))

    async def fetch_content(self) -> None:
        ann, _ = await self._runs()
        client = await self._client()
        self._reading = self._setup.start(client.ask(READ_METHOD, cid_v0(CONTENT)))
        found = await ann.told(Ocalls.fetch_content)
        expect(found.cid, cid_v0(CONTENT), "identifier")

    async def content_fetched(self) -> None:
        ann, _ = self._of("ann")
        if not ann.notices[Ocalls.fetch_content]:
            raise NotReached("ocall fetch_content")
        wanted = ann.notices[Ocalls.fetch_content][0]
        await ann.call(Ecalls.content_fetched, ContentFetched(wanted.number, CONTENT))
        expect(await self._reading, CONTENT, "content")

    # -- another validateer --------------------------------------------------------------------------

    async def provision(self) -> None:
        _, identity = await self._runs()
        ben, own = await self._start("ben")
        enlist(self._chain, own)
        self._chain.grow()
        await ben.follow(self._chain)
        found = await ben.call(Ecalls.provision, Provisioning(LOOPBACK, identity.mu_ra_port))
        expect_that(found.entries > 0, found.entries, "some", "entries of the state")

    async def provisioning_progress(self) -> None:
        ben, _ = self._of("ben")
        if not ben.notices[Ocalls.provisioning_progress]:
            raise NotReached("ecall provision")
        last = ben.notices[Ocalls.provisioning_progress][-1]
        expect_that(0 < last.received <= 2 * last.expected, last, "bytes received, of about so many")

    async def fetch_blocks(self) -> None:
        """Ben's enclave begins again, with the state: it asks for blocks that it has missed."""
        ben, _ = self._of("ben")
        ann, first = await self._runs()
        if not ben.notices[Ocalls.provisioning_progress]:
            raise NotReached("ecall provision")
        await ben.stop()
        ben, second = await self._start("ben")
        self._chain.serve(SHARD, first.fingerprint, [first.account, second.account])
        self._chain.grow()
        await ben.follow(self._chain)
        await ann.follow(self._chain)
        wanted = await ben.told(Ocalls.fetch_blocks)
        expect_that(len(wanted.locator) > 0, wanted, "blocks that it has")

    async def import_sidechain_blocks(self) -> None:
        ann, _ = await self._runs()
        ben, _ = self._of("ben")
        if not ben.notices[Ocalls.fetch_blocks]:
            raise NotReached("ocall fetch_blocks")
        status = await ann.status()
        await ann.told(
            Ocalls.store_blocks, lambda notice: status.sidechain_hash in map(SignedBlock.hash, notice.blocks)
        )
        blocks = [block for notice in ann.notices[Ocalls.store_blocks] for block in notice.blocks]
        await ben.call(Ecalls.import_sidechain_blocks, SidechainBlocks(blocks, is_complete=True))
        await ben.becomes(
            lambda now: now.sidechain_number >= status.sidechain_number, f"block {status.sidechain_number}"
        )

    async def gossip_blocks(self) -> None:
        """Ann's enclave is not alone any more, and makes blocks again once nobody has others."""
        ann, _ = await self._runs()
        self._of("ben")
        await ann.call(Ecalls.import_sidechain_blocks, SidechainBlocks([], is_complete=True))
        gossip = await ann.told(Ocalls.gossip_blocks)
        expect(all(block.has_valid_signature() for block in gossip.blocks), True, "signatures are valid")

    async def gossip_operations(self) -> None:
        ann, _ = await self._runs()
        self._of("ben")
        await self._submit("noop")
        operations = await ann.told(Ocalls.gossip_operations)
        expect(ALICE.public in operations.sealed, False, "the operation can be read")

    # -- an end, and after it ------------------------------------------------------------------------

    async def self_test(self) -> None:
        nobody = await hosted(self._setup, "a third nobody")
        tested = await nobody.call(Ecalls.self_test, SelfTest("pool", str(self._path)))
        expect([each.name for each in tested.results], [check.name for check in pools.checks(self._setup)], "checks")
        ann, _ = self._of("ann")
        serving = ann.call(Ecalls.self_test, SelfTest("pool", str(self._path)))
        await expect_refused("enclave.already_initialised", "of an enclave that serves", serving)

    async def shutdown(self) -> None:
        for name in ("ben", "ann"):
            host, _ = self._of(name)
            await host.call(Ecalls.shutdown, Nothing())
            await host.ended()

    async def examine(self) -> None:
        ann, _ = await self._runs()
        found = await (await hosted(self._setup, "examiner")).call(Ecalls.examine, Examine(ann.place, False))
        expect([each.code for each in found.observations], [], "what is wrong")
        expect(found.shard, SHARD, "shard")
        last = ann.notices[Ocalls.store_blocks][-1].blocks[-1].block.header.block_number
        expect_that(found.head_number in (last, last + 1), found.head_number, f"{last}, or one that came too late")

    # -- recovery ------------------------------------------------------------------------------------

    @property
    def _bundle(self) -> Path:
        return self._path / "bundle"

    async def export_shard(self) -> None:
        ann, _ = await self._runs()
        asked = ExportShard(ann.place, str(self._bundle), 100, self._setup.own_clock())
        exported = await (await hosted(self._setup, "exporter")).call(Ecalls.export_shard, asked)
        expect_that(exported.number > 0 and exported.entries > 0, exported, "a state")

    async def import_shard(self) -> None:
        if not self._bundle.exists():
            raise NotReached("ecall export_shard")
        host = await hosted(self._setup, "importer")
        asked = ImportShard(host.place, str(self._bundle), self._setup.own_clock())
        self._request = await host.call(Ecalls.import_shard, asked)
        expect(self._request.threshold, 1, "custodians that it takes")
        self._importing = host

    async def offer_share(self) -> None:
        host = self._importer()
        front = read_front(io.BytesIO(self._bundle.read_bytes()))
        judgement = Judgement(allow_simulation_insecure=True)
        now, random = self._setup.own_clock(), self._setup.random
        share = release(front, self._request.request, CUSTODIAN, judgement, now, random)
        held = await host.call(Ecalls.offer_share, ShareRelease(share))
        expect(held.held, 1, "shares held")

    async def finish_import(self) -> None:
        host = self._importer()
        restored = await host.call(Ecalls.finish_import, Nothing())
        await host.stop()
        next_life = await hosted(self._setup, "importer")
        identity = await next_life.init()
        expect(identity.shielding_key, self._of("ann")[1].shielding_key, "shielding key")
        expect((await next_life.status()).sidechain_number, restored.number, "latest block")

    def _importer(self) -> SmallHost:
        if self._importing is None:
            raise NotReached("ecall import_shard")
        return self._importing


def _has(block: SignedBlock, hash: bytes) -> bool:
    return hash in block.block.block_data.signed_top_hashes

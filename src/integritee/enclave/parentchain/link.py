"""One parentchain as the enclave knows it: what it follows there, what it sends there, what that may cost.

The host introduces the chain with `connect`, then hands over blocks. What must survive a restart is the light
client's progress and the outbox, both journalled with the sidechain block that used them, and what the chain's
metadata was, kept beside the journal.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Final

from integritee.boundary.messages import (
    ChainStatus,
    ImportBlocks,
    ParentchainParams,
    RuntimeFacts,
    SyncState,
)
from integritee.crypto import KeyPair
from integritee.primitives.ids import ParentchainId
from integritee.scale import Bytes32, codec, u32

from ..errors import ForeignGenesis, NotReady, StateTooOld
from ..store import SealedStore
from .contract import Place
from .finality import FinalizedChain
from .follower import Follower
from .inbound import InboundBlock
from .onboarding import Funds, Step, account_info
from .outbox import ONBOARDING_PERIOD, Outbox, sign_call
from .runtimes import proven_version

REBROADCAST_STRIDE: Final = 4
"""Parentchain blocks between two submissions of the same pending extrinsic."""

MAX_REMEMBERED: Final = 1_000_000
"""Bytes of metadata that are kept across restarts; for larger ones the host must be able to repeat itself."""

PINS: Final = codec(dict[u32, Bytes32])
RUNTIME: Final = codec(RuntimeFacts)
log = logging.getLogger(__name__)


def pins_label(id: ParentchainId) -> str:
    """Name of the sealed hashes of a chain's metadata."""
    return f"metadata-pins-{id.value}"


def runtime_label(id: ParentchainId) -> str:
    """Name of the sealed metadata of the runtime under which a chain's light client resumes."""
    return f"runtime-{id.value}"


class Link:
    """A parentchain, met or not. `resume` is where its light client stopped, None before the first contact.

    `genesis_hash` is that of the chain the shard is bound to, None as long as any will do.
    """

    def __init__(
        self,
        place: Place,
        store: SealedStore,
        outbox: Outbox,
        resume: bytes | None,
        genesis_hash: bytes | None,
        development: bool,
    ) -> None:
        self.place, self._store = place, store
        self.outbox, self.resume = outbox, resume
        self._genesis_hash = genesis_hash
        self._development = development
        self.follower: Follower | None = None
        self.funds = Funds()
        self.needed_funds = 0
        self.refused = 0
        """Extrinsics of ours that were included and failed, since the start."""
        self.wanted: Callable[[], tuple[bytes, ...]] = tuple
        """Storage that the ledger wants proven beyond what it always does, as its state is now."""
        self.joined = self.joins = False
        """Whether the shard was others' before the enclave sent anything here; whether it is about to join now."""
        self.followed: deque[InboundBlock] = deque()
        """Blocks whose effects are in the ledger by sidechain blocks that could still be given up."""
        self._has_rebroadcast = False
        """Since the start; what a crash kept from being submitted should not wait longer than necessary."""
        self._remembered: int | None = None
        self._resume_version: int | None = None
        """Runtime versions: whose metadata is sealed, and which is proven where the light client would resume."""

    @property
    def id(self) -> ParentchainId:
        return self.place.id

    @property
    def bound(self) -> bytes | None:
        """Genesis hash of the chain this must be; None as long as any will do."""
        return self.follower.genesis_hash if self.follower else self._genesis_hash

    @property
    def connected(self) -> Follower:
        """Raises NotReady before the chain was introduced."""
        if self.follower is None:
            raise NotReady(f"{self.id.name} is connected")
        return self.follower

    # -- ecalls --------------------------------------------------------------------------------------

    def connect(self, params: ParentchainParams, processed: int | None = None) -> None:
        """Meet the chain, or hear of it again: its runtime, the funds it takes, leaps as long as it is fresh.

        `processed` is its latest block in the ledger. Raises ForeignGenesis, StateTooOld if the light client would
        begin behind the block after that, and the errors of light client, metadata and proofs.
        """
        found = params.genesis.hash()
        if self.bound not in (None, found):
            raise ForeignGenesis(found, self.bound or b"")
        if self.follower is None:
            self._meet(params, processed)
        else:
            if processed is None:
                self.follower.leap(params)
            self.follower.adopt_runtime(params.runtime)
        self.funds = Funds(params.required_funds, params.vault_funding)

    def _meet(self, params: ParentchainParams, processed: int | None) -> None:
        pins = self._load_pins()
        remembered = self._load_runtime()
        follower = Follower(params, self.resume, remembered, pins, self.place, self._development)
        if processed is not None and follower.head.number > processed:
            raise StateTooOld(self.id.name, processed, follower.head.number)
        self.follower = follower
        self._save_pins(pins, self.follower.pins)
        self._log_trust(self.follower.chain)
        if remembered is None:
            self._resume_version = params.runtime.spec_version
            self.remember_runtime()

    def _log_trust(self, chain: FinalizedChain) -> None:
        log.info("%s: finality is %s, known up to block %d", self.id.name, chain.trust, chain.head.number)
        for which, start in (("chain", chain.checkpoint), ("relay chain", chain.relay_checkpoint)):
            if start is not None:
                text = "%s: the %s was begun at block %d 0x%s, on the operator's word"
                log.warning(text, self.id.name, which, start.number, start.hash.hex())

    def sync_state(self) -> SyncState:
        """What the host is told; the blocks it hands over next have to prove the storage that it names."""
        follower = self.connected
        follower.wanted = self.wanted()
        head, chain = follower.head, follower.chain
        return SyncState(head.number, head.hash(), follower.watched(), chain.trust, chain.relay_number)

    def import_blocks(self, request: ImportBlocks, keep: Callable[[InboundBlock], bool]) -> list[InboundBlock]:
        """Verify finalized blocks; from the first to `keep` on they wait for the sidechain.

        Raises NotReady, and as `Follower.import_blocks`.
        """
        follower = self.connected
        pins = follower.pins
        read = follower.import_blocks(request.blocks, keep, request.relay)
        self._save_pins(pins, follower.pins)
        return read

    def status(self, processed: int, now: int, max_age: int) -> ChainStatus:
        """What operators see; `processed` is the latest block whose effects are in the ledger."""
        follower = self.connected
        checkpoint = follower.chain.checkpoint
        return ChainStatus(
            id=self.id,
            trust=follower.chain.trust,
            number=follower.head.number,
            processed=processed,
            needed_funds=self.needed_funds,
            outbox=len(self.outbox.entries),
            refused=self.refused,
            is_stale=self.is_stale(now, max_age),
            checkpoint=None if checkpoint is None else checkpoint.hash,
            relay_number=follower.chain.relay_number,
        )

    def is_stale(self, now: int, max_age: int) -> bool:
        """Whether the latest verified block is older than `max_age` ms at Unix time `now` (ms); 0 is no limit."""
        time = self.follower.time if self.follower else None
        return bool(max_age) and time is not None and now - time > max_age

    # -- sending -------------------------------------------------------------------------------------

    @property
    def free(self) -> int:
        """Base units the enclave account can spend, as proven at the latest verified block."""
        follower = self.connected
        return int(account_info(follower.values.get(follower.contract.enclave_account)).data.free)

    def sign_step(self, step: Step, vault: KeyPair, account: KeyPair) -> bytes:
        """Sign a step with the account's proven nonce, so that only one of its forms can ever be included."""
        assert step.call is not None
        follower = self.connected
        contract, pair, key = follower.contract, account, follower.contract.enclave_account
        if step.by_vault:
            assert contract.vault is not None
            pair, key = vault, contract.vault.keys.account
        nonce = account_info(follower.values.get(key)).nonce
        return sign_call(follower.facts, pair, step.call, nonce, ONBOARDING_PERIOD, follower.head)

    def due_again(self, read: list[InboundBlock]) -> list[bytes]:
        """Extrinsics to submit once more now that these blocks were read."""
        if not is_due(read, REBROADCAST_STRIDE) and self._has_rebroadcast:
            return []
        self._has_rebroadcast = True
        return self.outbox.pending()

    @property
    def spends_nonces(self) -> bool:
        """Whether the enclave sends something here that is not in the outbox: what makes it a validateer."""
        return not self.outbox.entries and (self.joins or (self.joined and self.outbox.is_unused))

    def adopt_nonce(self) -> None:
        """Go on from the account's proven nonce: onboarding used some."""
        follower = self.connected
        self.outbox.adopt_nonce(account_info(follower.values.get(follower.contract.enclave_account)).nonce)

    def look_into_purse(self) -> None:
        """Ask for money once a tenth of what the account should have is left."""
        free, wanted = self.free, self.funds.own
        self.needed_funds = wanted - free if free < wanted // 10 else 0

    # -- what the sidechain made of it ------------------------------------------------------------------

    def follow(self, count: int) -> None:
        """The next `count` waiting blocks are in the ledger."""
        for _ in range(count):
            self.followed.append(self.connected.inbox.popleft())

    def unfollow(self, number: int) -> None:
        """Blocks above `number` are not in the ledger any more: they wait again."""
        while self.followed and self.followed[-1].header.number > number:
            self.connected.inbox.appendleft(self.followed.pop())

    def resumption(self, number: int, following: Sequence[InboundBlock] = ()) -> InboundBlock | None:
        """Where the light client resumes once blocks up to `number` are in the ledger for good, `following` among
        them; None if that stays as it was. Only some blocks carry the client's state."""
        known = [block for block in chain(self.followed, following) if block.header.number <= number]
        return next((block for block in reversed(known) if block.light_client), None)

    def settle(self, number: int) -> None:
        """Blocks up to `number` are in the ledger for good."""
        block = self.resumption(number)
        if block is not None:
            self.resume_behind(block)
        while self.followed and self.followed[0].header.number <= number:
            self.followed.popleft()

    # -- what survives a restart ---------------------------------------------------------------------

    def resume_behind(self, block: InboundBlock) -> None:
        """From now on the light client would resume behind this block."""
        self.resume = block.light_client
        self._resume_version = proven_version(block.values)

    def _load_pins(self) -> dict[int, bytes]:
        sealed = self._store.get_secret(pins_label(self.id))
        pins: dict[int, bytes] = PINS.decode(sealed) if sealed else {}
        return pins

    def _save_pins(self, before: dict[int, bytes], after: dict[int, bytes]) -> None:
        if before != after:
            self._store.put_secret(pins_label(self.id), PINS.encode(after))

    def _load_runtime(self) -> RuntimeFacts | None:
        """The runtime in force where the light client resumes: blocks from there on need its metadata."""
        sealed = self._store.get_secret(runtime_label(self.id))
        found: RuntimeFacts | None = RUNTIME.decode(sealed) if sealed else None
        self._remembered = found.spec_version if found else None
        return found

    def remember_runtime(self) -> None:
        """Keep the metadata that a restart will need, once it would resume under another runtime than before."""
        if self.follower is None or self._resume_version in (None, self._remembered):
            return
        stated = self.follower.runtimes.stated(self._resume_version)
        if stated is not None and len(stated.metadata) < MAX_REMEMBERED:
            self._store.put_secret(runtime_label(self.id), RUNTIME.encode(stated))
        self._remembered = self._resume_version


def is_due(read: list[InboundBlock], stride: int) -> bool:
    """Whether a multiple of `stride` is among the numbers of these consecutive blocks."""
    return read[-1].header.number % stride < len(read)


def forget_contacts(store: SealedStore) -> None:
    """Drop what earlier contacts left beside the journal, for a clean reset."""
    for id in ParentchainId:
        store.put_secret(pins_label(id), PINS.encode({}))
        store.put_secret(runtime_label(id), b"")

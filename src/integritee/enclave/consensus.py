"""Who may make blocks, which blocks to follow, when to ask for some.

Sans-IO: blocks and proven facts in, effects out.

    event                          what happens
    ─────────────────────────────  ────────────────────────────────────────────────────────────────────────────
    a block comes                  its seal is verified, its author must be an authority; it is a *candidate*
    candidates, or the             the best branch behind a block of the chain is adopted, as far as its blocks
    parentchain, moved on          build on parentchain blocks known here; for that the chain may have to go back
    a candidate's ancestor lacks   peers are asked, from a block on that they may share
    the parentchain confirmed      the chain goes back to where the confirmed one branches off, once that is known;
    another chain                  until then no blocks are made
    a slot begins                  it is ours if authorities[slot mod n] says so at the parentchain block that ours
                                   will build on, nothing is missing, and its time is after the block before
    peers have nothing more        having been away is over

Rules of choice: `sidechain.fork_choice`; of verification: `sidechain.verification`.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Final

from integritee.boundary.messages import MAX_LOCATOR, FetchBlocks
from integritee.crypto import CryptoError
from integritee.frame.overlay import Overlay
from integritee.primitives.ids import ParentchainId
from integritee.primitives.sidechain import FINALIZATION_STRIDE, SignedBlock
from integritee.scale import DecodeError

from .parentchain.follower import MAX_INBOX
from .parentchain.inbound import InboundBlock
from .parentchain.onboarding import authorities, mirrored_authorities
from .replica import Effects, Opened, Replica
from .sidechain.candidates import Candidates
from .sidechain.errors import (
    BlockRefused,
    BlockTooOld,
    InvalidAuthority,
    ParentchainWentBack,
    StateDiffUnreadable,
    StateRootMismatch,
    TimestampInFuture,
    UnknownAuthor,
    VerificationError,
)
from .sidechain.fork_choice import Anchor, Branch, prefers
from .sidechain.lane import due
from .sidechain.payload import decrypt, position
from .sidechain.production import Role, confirmation_key
from .sidechain.slots import claims_slot, slot_author, slot_number
from .sidechain.verification import NO_PARENT, Authorship, Tip, verify_place, verify_seal

MAX_KNOWN_PLACES: Final = 2 * MAX_INBOX
"""Parentchain blocks of which it is known who could build on them."""

MAX_EARLY_MS: Final = 5000
"""How far ahead of its time a block is kept until that comes."""

FETCH_PAUSE_MS: Final = 1000
"""Between two requests for blocks."""

MAX_FRUITLESS_FETCHES: Final = 15
"""After so many requests that did not help, peers cannot help with blocks: their state is needed."""

REVERT_STRIDE: Final = 8
"""Blocks that are given up with one record of the journal, whose size is limited."""

log = logging.getLogger(__name__)


class Consensus:
    """The decisions of validateer `own` (32-byte account) over its replica of the shard."""

    def __init__(self, replica: Replica, own: bytes, state_key: bytes, slot_ms: int) -> None:
        self._replica, self._own, self._state_key, self._slot_ms = replica, own, state_key, slot_ms
        self.candidates = Candidates(slot_ms)
        self.is_caught_up = False
        """Whether peers were asked, since the start, for what was missed."""
        self._places: OrderedDict[bytes, tuple[int, tuple[bytes, ...]]] = OrderedDict()
        """Parentchain blocks by hash: their numbers, and the authorities of the shard there."""
        self._fetched_at: int | None = None
        self._asked_for: bytes | None = None
        self._fruitless = 0
        self._was_at = self._replica.chain.number
        self._confirmed: Anchor | None = None
        self._confirmed_in: Mapping[bytes, bytes | None] | None = None
        """Proven storage that the confirmation was read from: each block brings other."""
        self._know_mirror()

    # -- what is proven ------------------------------------------------------------------------------

    def _know_mirror(self) -> None:
        """What the ledger itself knows of the last block it took in, and of those that branches of the tail may build
        on."""
        replica = self._replica
        runtime = replica.ledger.runtime()
        for state in (*(block.before for block in replica.chain.tail), replica.chain.state):
            runtime.state = Overlay(state)
            mirror = runtime.parentchain(ParentchainId.Integritee)
            block_hash = mirror.block_hash.get()
            if block_hash is not None:
                authorities = mirrored_authorities(mirror.mirror.get, replica.shard)
                self._places[block_hash] = (mirror.number.get() or 0, tuple(authorities))

    def mirrored_authorities(self) -> tuple[bytes, ...]:
        """Who may build on the last parentchain block that the ledger took in."""
        mirror = self._replica.runtime.parentchain(ParentchainId.Integritee).mirror
        return tuple(mirrored_authorities(mirror.get, self._replica.shard))

    def learn(self, blocks: Iterable[InboundBlock]) -> None:
        """Verified blocks of Integritee: sidechain blocks may build on them."""
        bridge = self._replica.links.integritee.connected.bridge
        for block in blocks:
            self._places[block.hash()] = (block.header.number, tuple(authorities(bridge, block.values)))
        while len(self._places) > MAX_KNOWN_PLACES:
            self._places.popitem(last=False)

    def present_authorities(self) -> tuple[bytes, ...]:
        """Who may build on the latest verified parentchain block."""
        follower = self._replica.links.integritee.follower
        return tuple(authorities(follower.bridge, follower.values)) if follower and follower.values else ()

    def next_authorities(self) -> tuple[bytes, ...]:
        """Who may build on the parentchain block that the next sidechain block will be built on."""
        follower = self._replica.links.integritee.connected
        known = self._replica.runtime.parentchain(ParentchainId.Integritee).number.get() or 0
        new = [block for block in due(follower.inbox) if block.header.number > known]
        return tuple(authorities(follower.bridge, new[-1].values)) if new else self.mirrored_authorities()

    @property
    def confirmed(self) -> Anchor | None:
        """What the parentchain confirmed, as far as is proven. Its number is 50 ahead of the block's."""
        follower = self._replica.links.integritee.follower
        if follower is None or not follower.values:
            return None
        if follower.values is not self._confirmed_in:
            found = follower.bridge.confirmation(follower.values)
            self._confirmed_in = follower.values
            number = found.block_number - FINALIZATION_STRIDE if found else 0
            self._confirmed = Anchor(number, found.block_header_hash) if found else None
        return self._confirmed

    def _anchors(self) -> list[Anchor]:
        """What must be in the chain: what is confirmed, and what this enclave asked to be confirmed."""
        outbox = self._replica.links.integritee.outbox
        own = [
            Anchor(block.number, block.hash)
            for block in (self._replica.chain.tail if outbox.entries else ())
            if block.author == self._own and outbox.is_queued(confirmation_key(block.hash))
        ]
        confirmed = self.confirmed
        return [*([confirmed] if confirmed else []), *reversed(own)]

    @property
    def is_alone(self) -> bool:
        return self.present_authorities() == (self._own,)

    @property
    def is_primary(self) -> bool:
        """Whether the parentchain counts this enclave's confirmations."""
        return self.present_authorities()[:1] == (self._own,)

    @property
    def lacks_confirmed(self) -> bool:
        """Whether the confirmed block is not in the chain."""
        confirmed = self.confirmed
        return confirmed is not None and (
            confirmed.number > self._replica.chain.number or self._contradicts_confirmed
        )

    @property
    def _contradicts_confirmed(self) -> bool:
        """Whether the chain has another block in the confirmed one's place."""
        confirmed = self.confirmed
        found = self._replica.chain.hash_at(confirmed.number) if confirmed else None
        return confirmed is not None and found is not None and found != confirmed.hash

    def final_number(self) -> int:
        """Number of the chain's last block that the parentchain confirmed; that of an earlier time if it lacks it."""
        confirmed, chain = self.confirmed, self._replica.chain
        if confirmed is None or self.lacks_confirmed:
            return chain.final
        return max(chain.final, confirmed.number)

    @property
    def is_behind(self) -> bool:
        """Whether blocks of others are missing, as far as is known."""
        return not self.is_caught_up or self.lacks_confirmed

    @property
    def is_stranded(self) -> bool:
        """Whether peers' blocks cannot help: the chain cannot go back far enough, or nobody has what it lacks."""
        confirmed, chain = self.confirmed, self._replica.chain
        if confirmed is None or not self.lacks_confirmed:
            return False
        return confirmed.number == chain.base_number or self._fruitless >= MAX_FRUITLESS_FETCHES

    # -- slots ---------------------------------------------------------------------------------------

    def role(self) -> Role:
        """What this enclave is to the shard in the next block."""
        who, chain, final = self.next_authorities(), self._replica.chain, self.final_number()
        due, open = ([each.planned for each in found(final)] for found in (chain.due, chain.open))
        if who == (self._own,):
            return Role(due=(*due, *open))
        confirmed = self.confirmed
        return Role(
            is_alone=False,
            is_primary=who[0] == self._own,
            due=tuple(due),
            open=tuple(open),
            taken=frozenset(each.planned.key for each in chain.held if each.payer == self._own),
            confirmed=confirmed.number if confirmed else 0,
        )

    def claims(self, slot: int, now: int) -> bool:
        """Whether to make the block of a slot at Unix time `now` (ms)."""
        who = self.next_authorities()
        if not claims_slot(slot, who, self._own):
            return False
        tip = self._replica.chain.tip
        if tip is not None and slot <= slot_number(tip.timestamp, self._slot_ms):
            return False
        if who == (self._own,) and not self._replica.chain.tail:
            return not self._contradicts_confirmed  # to lack it altogether is worse: see StateRolledBack
        return not self.lacks_confirmed and (self.is_caught_up or who == (self._own,))

    # -- blocks of peers -----------------------------------------------------------------------------

    def receive(self, blocks: Iterable[SignedBlock], now: int) -> BlockRefused | VerificationError | None:
        """Keep blocks of peers that can be of use at Unix time `now` (ms); the first reason why one is not."""
        reason: BlockRefused | VerificationError | None = None
        positions = self._replica.chain.positions
        for signed in blocks:
            if signed.hash() in positions or signed.hash() in self.candidates:
                continue
            try:
                self._check(signed, now)
                self.candidates.add(signed)
            except (BlockRefused, VerificationError) as refused:
                reason = reason or refused
        return reason

    def _check(self, signed: SignedBlock, now: int) -> None:
        header, data = signed.block.header, signed.block.block_data
        if data.timestamp > now + MAX_EARLY_MS:
            raise TimestampInFuture(data.timestamp, now + MAX_EARLY_MS)
        base = self._replica.chain.base_number
        if header.block_number <= base:
            raise BlockTooOld(header.block_number, base)
        place = self._places.get(data.layer_one_head)
        if place is None:
            if data.block_author not in {*self.present_authorities(), *self.mirrored_authorities()}:
                raise UnknownAuthor(data.block_author)
        else:
            slot = slot_number(data.timestamp, self._slot_ms)
            if not place[1] or (expected := slot_author(slot, place[1])) != data.block_author:
                raise InvalidAuthority(slot, expected if place[1] else b"", data.block_author)
        verify_seal(signed, self._replica.shard)

    def advance(self, now: int) -> Effects:
        """Adopt what is best by now. Raises StoreError, and what an outbox raises that cannot be trusted any more."""
        effects = Effects()
        while self.candidates and (branch := self._best(now)) is not None:
            opened = list(self._open(branch))
            if len(opened) < len(branch.blocks):
                continue  # what is wrong was dropped with all behind it: nothing is given up for less than it gains
            self._go_back(branch.fork, now, effects)
            for block in opened:
                self._adopt(block, now, effects)
        self.candidates.discard_up_to(self._replica.chain.base_number)
        return effects

    def _best(self, now: int) -> Branch | None:
        """The best branch, as far as it can be adopted now, if it is better than the chain."""
        branches = self.candidates.branches(self._replica.chain.positions)
        anchors = self._anchors() if branches else []
        best: Branch | None = None
        for found in branches:
            if not prefers(found, self._own_branch(found.fork), anchors):
                continue
            branch = self._usable(found, now)
            if not prefers(branch, self._own_branch(branch.fork), anchors):
                continue
            if best is None or self._is_better(branch, best, anchors):
                best = branch
        return best

    def _own_branch(self, fork: int, end: int | None = None) -> Branch:
        """The chain's blocks above `fork`, up to `end`."""
        chain = self._replica.chain
        tail = islice(chain.tail, fork - chain.base_number, None if end is None else end - chain.base_number)
        return Branch(fork, [block.signed for block in tail])

    def _is_better(self, branch: Branch, best: Branch, anchors: list[Anchor]) -> bool:
        """Whether a branch is better than another, which may begin elsewhere."""
        fork = min(branch.fork, best.fork)
        whole = [Branch(fork, [*self._own_branch(fork, b.fork).blocks, *b.blocks]) for b in (branch, best)]
        return prefers(whole[0], whole[1], anchors)

    def _usable(self, branch: Branch, now: int) -> Branch:
        """The part of a branch whose blocks build on known parentchain blocks and are verified; a block that is
        wrong is dropped with all that is built on it."""
        tip, place = self._tip_at(branch.fork), self._place_at(branch.fork)
        usable = []
        for signed in branch.blocks:
            data = signed.block.block_data
            found = self._places.get(data.layer_one_head)
            if found is None:
                break
            try:
                if found[0] < place:
                    raise ParentchainWentBack(found[0], place)
                authorship = Authorship(data.layer_one_head, found[1])
                verify_place(signed.block, tip, authorship, now, self._slot_ms)
            except TimestampInFuture:  # its author's clock is ahead of ours, or ours behind: its time will come
                break
            except VerificationError as wrong:
                self._drop(signed, wrong)
                break
            usable.append(signed)
            tip, place = Tip.of(signed.block), found[0]
        return Branch(branch.fork, usable)

    def _drop(self, signed: SignedBlock, reason: VerificationError) -> None:
        number, author = signed.block.header.block_number, signed.block.block_data.block_author
        log.warning("block %d of 0x%s is refused: %s (%s)", number, author.hex(), reason, reason.code)
        self.candidates.discard_branch(signed.hash())

    def _tip_at(self, number: int) -> Tip | None:
        found = self._replica.chain.at(number)
        return Tip.of(found.signed.block) if found else self._replica.chain.base

    def _place_at(self, number: int) -> int:
        """Number of the latest parentchain block in the ledger behind a block of the chain."""
        replica = self._replica
        return replica.processed(replica.chain.state_at(number))[ParentchainId.Integritee]

    def _open(self, branch: Branch) -> Iterator[Opened]:
        """Open the diffs of verified blocks, up to one that does not lead where it says: that is dropped."""
        state = self._replica.chain.state_at(branch.fork)
        for signed in branch.blocks:
            header = signed.block.header
            try:
                where = position(header.parent_hash, header.block_number, header.shard_id)
                payload = decrypt(signed.block.block_data.encrypted_state_diff, self._state_key, where)
                if payload.root_before != state.root():
                    raise StateRootMismatch(header.block_number, "before", payload.root_before, state.root())
                state, growth = state.grow(dict(payload.changes))
                if payload.root_after != state.root():
                    raise StateRootMismatch(header.block_number, "after", payload.root_after, state.root())
            except (CryptoError, DecodeError) as unreadable:
                return self._drop(signed, StateDiffUnreadable(header.block_number, unreadable.code))
            except StateRootMismatch as wrong:
                return self._drop(signed, wrong)
            yield Opened(signed, payload, state, growth)

    def _go_back(self, number: int, now: int, effects: Effects) -> None:
        replica, chain = self._replica, self._replica.chain
        if chain.number > number:
            text = "going back to block %d: %d blocks are given up for a better chain"
            log.warning(text, number, chain.number - number)
            effects.give_up(number)
        while chain.number > number:
            reverted, given_up = replica.revert(max(number, chain.number - REVERT_STRIDE), now)
            effects.statuses += reverted
            for signed in given_up:
                with suppress(BlockRefused):  # it can be asked for
                    self.candidates.add(signed)

    def _adopt(self, block: Opened, now: int, effects: Effects) -> None:
        self.candidates.discard(block.signed.hash())
        added = self._replica.add_peers(block, self.final_number(), now)
        effects.blocks += added.blocks
        effects.statuses += added.statuses
        effects.final += added.final

    # -- what is missing -----------------------------------------------------------------------------

    def hear_all(self, nobody_answered: bool = False) -> None:
        """Peers have nothing beyond what they have said. What they were asked for in vain is of no use."""
        number = self._replica.chain.number
        self.is_caught_up = True
        if nobody_answered:
            return
        self._fruitless = self._fruitless + 1 if self.lacks_confirmed and number == self._was_at else 0
        if self._asked_for is not None and self._asked_for == self._missing():
            self.candidates.discard_ancestry(self._asked_for)
        self._asked_for, self._was_at = None, number

    def _missing(self) -> bytes | None:
        return self.candidates.missing(self._replica.chain.positions)

    def wants(self, now: int) -> FetchBlocks | None:
        """Blocks to ask peers for, not too often."""
        if not self._replica.links.integritee.follower or self.is_alone:
            return None
        if self._fetched_at is not None and now - self._fetched_at < FETCH_PAUSE_MS:
            return None
        missing = self._missing()
        if self.is_caught_up and missing is None and not self.lacks_confirmed:
            return None
        self._fetched_at, self._asked_for = now, missing
        return FetchBlocks(self._locator(), missing)

    def _locator(self) -> list[bytes]:
        """Blocks of the chain that a peer may share: the latest, then ever older ones down to the base."""
        chain = self._replica.chain
        hashes: list[bytes] = []
        step, number = 1, chain.number
        while number > chain.base_number and len(hashes) < MAX_LOCATOR - 1:
            hashes.append(chain.hash_at(number) or NO_PARENT)
            number, step = number - step, step * 2
        return [*hashes, chain.hash_at(chain.base_number) or NO_PARENT]

"""Validateers that behave badly, by name: what can be done with an authority's keys, or from outside.

The last validateer makes the attack. Its own enclave is honest (no code can be told to lie), so what it lets out is
altered, signed again with its key, and sent instead or in addition. What nobody may adopt is told to the laws.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from integritee.apps.catalog import DEFAULT_LEDGER as LEDGER
from integritee.crypto import Ed25519Pair, blake2_256
from integritee.enclave.attestation import Evidence, Purpose
from integritee.enclave.pool.gossip import OperationGossip
from integritee.enclave.sidechain.payload import NONCE_SIZE, StatePayload, decrypt, encrypt, position
from integritee.enclave.sidechain.slots import SLOT_MS
from integritee.errors import IntegriteeError
from integritee.primitives.sidechain import SidechainBlock, SignedBlock
from integritee.stf.operation import DirectCall, TrustedOperation

from .enclave import MRENCLAVE
from .errors import LawBroken
from .keys import pair
from .provisioning import TLS_KEY, Machine, Thief, party_of
from .validateer import RUNNING, Validateer

if TYPE_CHECKING:
    from .simulation import Simulation

Sent = list[tuple[Validateer, SignedBlock]]
"""Which block goes to whom."""

WITHHELD_MS: Final = 9_000
FLOOD: Final = 24
"""Operations that a flooder sends at once."""

FLOOD_MS: Final = 3_000
THEFT_MS: Final = 15_000
OVERSIZE: Final = 3_000_000
"""Bytes of a block with a diff that nobody can want."""


@dataclass(frozen=True)
class Attack:
    """`begin` has a validateer misbehave for the rest of the run."""

    meaning: str
    begin: Callable[[Simulation, Validateer, random.Random], None]


# -- making wrong blocks


def forged(signed: SignedBlock, key: Ed25519Pair, header: dict[str, Any] | None = None, **data: Any) -> SignedBlock:
    """A block with other contents, sealed properly with `key`."""
    block_data = replace(signed.block.block_data, **data)
    changed = replace(signed.block.header, block_data_hash=block_data.hash(), **(header or {}))
    return SidechainBlock(changed, block_data).signed_by(key)


def with_payload(
    signed: SignedBlock, actor: Validateer, dice: random.Random, change: Callable[[StatePayload], StatePayload]
) -> SignedBlock:
    """A block whose diff says something else, sealed with the shard's state key and the actor's."""
    header, key = signed.block.header, actor.enclave.core.keys.state
    where = position(header.parent_hash, header.block_number, header.shard_id)
    payload = change(decrypt(signed.block.block_data.encrypted_state_diff, key, where))
    diff = encrypt(payload, key, dice.randbytes(NONCE_SIZE), where)
    return forged(signed, actor.enclave.signing, encrypted_state_diff=diff)


Forge = Callable[["Simulation", Validateer, random.Random, SignedBlock], SignedBlock]


def _instead(forge: Forge, why: str | None) -> Callable[[Simulation, Validateer, random.Random], None]:
    """Send a forgery before each block of its own; nobody may adopt it if there is a reason `why`."""

    def begin(world: Simulation, actor: Validateer, dice: random.Random) -> None:
        def gossips(actor: Validateer, signed: SignedBlock) -> Sent:
            forgery = forge(world, actor, dice, signed)
            world.laws.known.setdefault(forgery.hash(), forgery)
            if why is not None and forgery.hash() != signed.hash():
                world.laws.forbidden[forgery.hash()] = why
            return [(peer, block) for peer in actor.peers for block in (forgery, signed)]

        actor.gossips = gossips

    return begin


def _future_slot(world: Simulation, actor: Validateer, dice: random.Random, signed: SignedBlock) -> SignedBlock:
    ahead = len(world.authorities) * SLOT_MS * dice.randint(2, 20)
    return forged(signed, actor.enclave.signing, timestamp=signed.block.block_data.timestamp + ahead)


def _late_slot(world: Simulation, actor: Validateer, dice: random.Random, signed: SignedBlock) -> SignedBlock:
    """In the last slot of its own that is not behind the parent's."""
    parent, round_ms = world.laws.known[signed.block.header.parent_hash], len(world.authorities) * SLOT_MS
    ahead = signed.block.block_data.timestamp - parent.block.block_data.timestamp
    late = signed.block.block_data.timestamp - (ahead // round_ms + 1) * round_ms
    return forged(signed, actor.enclave.signing, timestamp=late)


def _stolen_slot(world: Simulation, actor: Validateer, dice: random.Random, signed: SignedBlock) -> SignedBlock:
    return forged(signed, actor.enclave.signing, timestamp=signed.block.block_data.timestamp + SLOT_MS - 1)


def _stale_parent(world: Simulation, actor: Validateer, dice: random.Random, signed: SignedBlock) -> SignedBlock:
    """Not wrong by itself, but its chain is shorter than the one that everybody has."""
    number = signed.block.header.block_number
    parent = actor.blocks.get(number - 3, signed).block
    header = {
        "parent_hash": parent.header.hash(),
        "block_number": parent.header.block_number + 1,
        "next_finalization_block_number": parent.header.next_finalization_block_number,
    }
    return forged(signed, actor.enclave.signing, header)


def _wrong_root(world: Simulation, actor: Validateer, dice: random.Random, signed: SignedBlock) -> SignedBlock:
    return with_payload(signed, actor, dice, lambda payload: replace(payload, root_after=dice.randbytes(32)))


def _wrong_beginning(world: Simulation, actor: Validateer, dice: random.Random, signed: SignedBlock) -> SignedBlock:
    return with_payload(signed, actor, dice, lambda payload: replace(payload, root_before=dice.randbytes(32)))


def _oversize(world: Simulation, actor: Validateer, dice: random.Random, signed: SignedBlock) -> SignedBlock:
    return forged(signed, actor.enclave.signing, encrypted_state_diff=bytes(OVERSIZE))


def _impersonated(world: Simulation, actor: Validateer, dice: random.Random, signed: SignedBlock) -> SignedBlock:
    """In the name of another authority and in its slot, but not with its key."""
    victim = dice.choice(actor.peers)
    own, theirs = world.authorities.index(actor.enclave.account), world.authorities.index(victim.enclave.account)
    ahead = (theirs - own) % len(world.authorities) * SLOT_MS
    timestamp = signed.block.block_data.timestamp + ahead
    return forged(signed, actor.enclave.signing, timestamp=timestamp, block_author=victim.enclave.account)


def _stranger(world: Simulation, actor: Validateer, dice: random.Random, signed: SignedBlock) -> SignedBlock:
    stranger = pair("stranger")
    return forged(signed, stranger, block_author=stranger.public)


def _wrong_shard(world: Simulation, actor: Validateer, dice: random.Random, signed: SignedBlock) -> SignedBlock:
    return forged(signed, actor.enclave.signing, {"shard_id": dice.randbytes(32)})


def _wrong_stride(world: Simulation, actor: Validateer, dice: random.Random, signed: SignedBlock) -> SignedBlock:
    number = signed.block.header.block_number
    return forged(signed, actor.enclave.signing, {"next_finalization_block_number": number + 1})


def _unknown_anchor(world: Simulation, actor: Validateer, dice: random.Random, signed: SignedBlock) -> SignedBlock:
    return forged(signed, actor.enclave.signing, layer_one_head=dice.randbytes(32))


def _old_anchor(world: Simulation, actor: Validateer, dice: random.Random, signed: SignedBlock) -> SignedBlock:
    """Builds on a parentchain block from before that of its parent, however old that is."""
    chain, parent = world.parentchain, world.laws.known[signed.block.header.parent_hash]
    anchor = parent.block.block_data.layer_one_head
    latest = next(number for number in range(chain.height, 0, -1) if chain.hash_at(number) == anchor)
    return forged(signed, actor.enclave.signing, layer_one_head=chain.hash_at(max(1, latest - dice.randint(1, 3))))


def _orphan(world: Simulation, actor: Validateer, dice: random.Random, signed: SignedBlock) -> SignedBlock:
    """Builds on a block that does not exist: nobody can fetch it."""
    number = signed.block.header.block_number + dice.randint(1, 400)
    return forged(signed, actor.enclave.signing, {"parent_hash": dice.randbytes(32), "block_number": number})


def _moved_diff(world: Simulation, actor: Validateer, dice: random.Random, signed: SignedBlock) -> SignedBlock:
    """Has the diff of an earlier block."""
    number = signed.block.header.block_number
    earlier = actor.blocks.get(number - 1, signed)
    return forged(signed, actor.enclave.signing, encrypted_state_diff=earlier.block.block_data.encrypted_state_diff)


def _other_data(world: Simulation, actor: Validateer, dice: random.Random, signed: SignedBlock) -> SignedBlock:
    """Other data under the header of an honest block, and so under its hash."""
    data = replace(signed.block.block_data, signed_top_hashes=[dice.randbytes(32)])
    return SidechainBlock(signed.block.header, data).signed_by(actor.enclave.signing)


# -- sending what is right in the wrong way


def _equivocate(world: Simulation, actor: Validateer, dice: random.Random) -> None:
    def gossips(actor: Validateer, signed: SignedBlock) -> Sent:
        twin = forged(signed, actor.enclave.signing, timestamp=signed.block.block_data.timestamp + 1)
        world.laws.known[twin.hash()] = twin
        return [(peer, dice.choice((signed, twin))) for peer in actor.peers]

    actor.gossips = gossips


def _withhold(world: Simulation, actor: Validateer, dice: random.Random) -> None:
    """Keeps blocks to itself for a while, then lets them out, or not."""

    def gossips(actor: Validateer, signed: SignedBlock) -> Sent:
        if dice.random() < 0.7:
            for peer in actor.peers:
                world.clock.after(WITHHELD_MS, lambda peer=peer: actor.send_block(peer, signed))  # type: ignore[misc]
        return []

    actor.gossips = gossips


def _replay(world: Simulation, actor: Validateer, dice: random.Random) -> None:
    """Sends old blocks of everybody again and again."""

    def gossips(actor: Validateer, signed: SignedBlock) -> Sent:
        number = signed.block.header.block_number
        old = [actor.blocks[n] for n in range(max(1, number - 60), number) if n in actor.blocks]
        return [(peer, block) for peer in actor.peers for block in (*dice.sample(old, min(6, len(old))), signed)]

    actor.gossips = gossips


def _flood(world: Simulation, actor: Validateer, dice: random.Random) -> None:
    """Fills pools with calls that can never be executed: of accounts without funds, and with gaps in their nonces."""
    paupers = [pair(f"pauper {number}") for number in range(8)]
    sent = 0

    def flood() -> None:
        nonlocal sent
        if not actor.enclave.is_up:
            return
        core = actor.enclave.core
        gossip = OperationGossip(core.keys.state, MRENCLAVE, actor.enclave.account, dice.randbytes)
        for _ in range(FLOOD):
            sent += 1
            who = dice.choice(paupers)
            call = LEDGER.call("balance_transfer", who.public, blake2_256(bytes([sent % 256])), 1)
            signed = LEDGER.sign_call(call, dice.randint(1, 60), who, MRENCLAVE, MRENCLAVE)
            gossip.add(LEDGER.codec(TrustedOperation).encode(DirectCall(signed)), actor.now - SLOT_MS)
        while (sealed := gossip.batch(actor.now)) is not None:
            actor.send_operations(sealed)

    world.clock.every(FLOOD_MS, flood)


def _thief(wrong: Callable[[Thief, random.Random, bytes], Evidence]) -> Callable[..., None]:
    """Asks honest validateers for the keys again and again, with evidence that is not its own, or of other code."""

    def begin(world: Simulation, actor: Validateer, dice: random.Random) -> None:
        stranger = pair("stranger")

        def try_it() -> None:
            victims = [peer for peer in actor.peers if peer.enclave.phase == RUNNING]
            if not victims:
                return
            core = dice.choice(victims).enclave.core
            party = replace(party_of(core), account=stranger.public)
            thief = Thief(party, dice.randbytes)
            try:
                has_keys = thief.steal(core, lambda report_data: wrong(thief, dice, report_data))
            except IntegriteeError as refused:
                world.around.refusals[refused.code] += 1
                return
            if has_keys:
                raise LawBroken("keys are for proven code only", f"{stranger.public.hex()[:8]} has them")

        world.clock.every(THEFT_MS, try_it)

    return begin


def _forged_quote(thief: Thief, dice: random.Random, report_data: bytes) -> Evidence:
    """Of other code, with a report that was altered behind the signature, or sealed by nobody."""
    other = Machine(blake2_256(b"integritee/simulation/other code"))
    if dice.random() < 0.3:
        return other.evidence(report_data)
    genuine, ours = Machine(MRENCLAVE).evidence(bytes(64)), other.evidence(report_data)
    place = ours.quote.index(report_data)
    quote = genuine.quote[:place] + report_data + genuine.quote[place + 64 :]
    return replace(genuine, quote=quote)


def _replayed_evidence(thief: Thief, dice: random.Random, report_data: bytes) -> Evidence:
    """What an honest enclave showed in another session, for another challenge."""
    theirs = replace(thief.party, account=pair("validateer 1").public)
    binding = theirs.binding(Purpose.PROVISIONING_CLIENT, TLS_KEY, dice.randbytes(32))
    return Machine(MRENCLAVE).evidence(binding.report_data())


def _garbage(world: Simulation, actor: Validateer, dice: random.Random) -> None:
    """Sends bytes that are no operations, and altered ones."""
    world.clock.every(FLOOD_MS, lambda: actor.send_operations(dice.randbytes(dice.randint(1, 4096))))


ATTACKS: Final[Mapping[str, Attack]] = {
    "equivocator": Attack("two blocks for one slot, to different peers", _equivocate),
    "withholder": Attack("blocks come late, in bunches, or never", _withhold),
    "replayer": Attack("old blocks again and again", _replay),
    "future-slot": Attack("blocks for slots of its own that are to come", _instead(_future_slot, None)),
    "late-slot": Attack("blocks older than their parents", _instead(_late_slot, "it is not behind its parent")),
    "slot-thief": Attack("blocks in the next one's slot", _instead(_stolen_slot, "the slot is another's")),
    "stale-parent": Attack("blocks on old parents", _instead(_stale_parent, "the diff is another block's")),
    "wrong-root": Attack("diffs that do not lead where they say", _instead(_wrong_root, "its root is wrong")),
    "wrong-beginning": Attack("diffs from another state", _instead(_wrong_beginning, "it begins elsewhere")),
    "moved-diff": Attack("diffs of other blocks", _instead(_moved_diff, "the diff is another block's")),
    "oversize": Attack("blocks of megabytes", _instead(_oversize, "its diff is garbage")),
    "impersonator": Attack("blocks in the name of others", _instead(_impersonated, "its seal is not its author's")),
    "stranger": Attack("blocks of somebody who is no authority", _instead(_stranger, "its author is no authority")),
    "wrong-shard": Attack("blocks of another shard", _instead(_wrong_shard, "it is of another shard")),
    "wrong-stride": Attack("blocks that ask to be confirmed early", _instead(_wrong_stride, "its stride is wrong")),
    "unknown-anchor": Attack("blocks on no parentchain block", _instead(_unknown_anchor, "its anchor is unknown")),
    "old-anchor": Attack("blocks on older parentchain blocks", _instead(_old_anchor, "the parentchain went back")),
    "orphan": Attack("blocks on parents that do not exist", _instead(_orphan, "it has no parent")),
    "other-data": Attack("other data under an honest header", _instead(_other_data, None)),
    "nonce-gap-flooder": Attack("calls that can never be executed", _flood),
    "forged-quote": Attack("wants the keys for other code", _thief(_forged_quote)),
    "replayed-evidence": Attack("wants the keys with another's evidence", _thief(_replayed_evidence)),
    "garbage": Attack("operations that are none", _garbage),
}

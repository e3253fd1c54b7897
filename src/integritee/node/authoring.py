"""Making a block: Aura slot, inherents, transactions, seal. No clock, no sockets, no change to the chain.

Order of runtime calls: sc-block-builder; skipping when the block is full: sc-basic-authorship; seal:
sc-consensus-aura (sr25519 over the hash of the header without seal).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from integritee.crypto import KeyPair
from integritee.frame.overlay import Overlay
from integritee.frame.validity import ExhaustsResources, Future, Invalid, TransactionValidityError
from integritee.primitives.header import AURA_ENGINE, Digest, DigestItem, Header, Seal, aura_slot_digest
from integritee.scale.errors import ScaleError
from integritee.trie import Trie, ordered_root

from . import inherents, runtime_api
from .block import Block, extrinsic_hash
from .chain import Chain, extrinsics_layout
from .engine import RuntimeEngine
from .errors import InherentRejected, NotSlotAuthor, RootMismatch, RuntimePanic, UnknownBlock, UnusableState
from .inherents import BlockTime, encode_inherents
from .parachain import ParachainBlock
from .runtime_api import Dispatched, ExtrinsicInclusionMode
from .validity import validity_text

MAX_SKIPPED: Final = 8
"""Transactions too big for what is left of the block that are passed over before it counts as full."""

MAX_BLOCK_EXTRINSICS: Final = 65_536

NOTHING: Final[Mapping[bytes, bytes | None]] = MappingProxyType({})

_ZERO: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class Refused:
    """A transaction (hash) that turned out invalid when its turn came, and why."""

    hash: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class AuthoredBlock:
    """A sealed block, the state after it, and the transactions found invalid on the way.

    `written` are the storage keys it put or deleted, those that got the value they had included.
    """

    block: Block
    state: Trie
    refused: tuple[Refused, ...] = ()
    written: frozenset[bytes] = frozenset()


def author_block(
    chain: Chain,
    transactions: Iterable[bytes],
    now_ms: int,
    keys: Mapping[bytes, KeyPair],
    *,
    parent: bytes | None = None,
    min_advance_ms: int | None = None,
    time_is_up: Callable[[], bool] = lambda: False,
    changes: Mapping[bytes, bytes | None] = NOTHING,
) -> AuthoredBlock:
    """A block on top of `parent` (default: the best block) with as many of `transactions` as fit, in order.

    `keys` are the local Aura keys by public key; `min_advance_ms` is how far the block's timestamp is at least
    past its parent's, None for what the runtime wants; `time_is_up` is asked before each transaction whether to
    close the block. `changes` are made to the state behind the runtime's back, after the block (None deletes): the
    state root holds them, but who executes the block gets another one.

    Raises NotSlotAuthor, UnusableState, InherentRejected, RootMismatch, UnknownBlock, RuntimeFailure.
    """
    parent = parent or chain.best_hash
    above = chain.header(parent)
    if above is None:
        raise UnknownBlock(parent)
    engine, overlay = chain.engine, chain.overlay_at(parent)

    slot_ms = runtime_api.aura_slot_duration(engine, overlay)
    advance_ms = inherents.min_advance_ms(overlay, slot_ms) if min_advance_ms is None else min_advance_ms
    time = BlockTime.after(overlay, now_ms, slot_ms, advance_ms)
    key = _slot_key(runtime_api.aura_authorities(engine, overlay), time.slot, keys)
    layout = extrinsics_layout(runtime_api.core_version(engine, overlay))

    data = _inherent_data(overlay, above, time, slot_ms)

    opening = Header(parent, above.number + 1, _ZERO, _ZERO, Digest([aura_slot_digest(time.slot)]))
    mode = runtime_api.initialize_block(engine, overlay, opening)
    body = _inherents(engine, overlay, data)
    refused: list[Refused] = []
    if mode is ExtrinsicInclusionMode.AllExtrinsics:
        refused = _fill(engine, overlay, transactions, body, time_is_up)
    closed = runtime_api.finalize_block(engine, overlay)
    _agreed("state root", overlay.settled().root(), closed.state_root)
    for item, value in changes.items():
        overlay.remove(item) if value is None else overlay.put(item, value)

    state = overlay.settled()
    assert isinstance(state, Trie)
    header = Header(
        parent_hash=parent,
        number=opening.number,
        state_root=state.root(),
        extrinsics_root=_agreed("extrinsics root", ordered_root(body, layout), closed.extrinsics_root),
        digest=closed.digest,
    )
    block = Block(_sealed(header, key), tuple(body))
    return AuthoredBlock(block, state, tuple(refused), frozenset(overlay.changes()))


def _slot_key(authorities: list[bytes], slot: int, keys: Mapping[bytes, KeyPair]) -> KeyPair:
    author = authorities[slot % len(authorities)] if authorities else b""
    if author not in keys:
        raise NotSlotAuthor(slot, author)
    return keys[author]


def _inherent_data(overlay: Overlay, above: Header, time: BlockTime, slot_ms: int) -> bytes:
    """For a child of `above`, whose state is given. That may hold anything: testers write to it."""
    try:
        on_relay = ParachainBlock.after(overlay, above, time, slot_ms)
        return encode_inherents(time.inherents() | (on_relay.inherents() if on_relay else {}))
    except (ScaleError, OverflowError) as error:
        raise UnusableState(above.hash(), str(error)) from None


def _inherents(engine: RuntimeEngine, overlay: Overlay, data: bytes) -> list[bytes]:
    """Apply the inherents that the inherent data makes; they are the beginning of the body."""
    body: list[bytes] = []
    for extrinsic in runtime_api.inherent_extrinsics(engine, overlay, data):
        outcome = runtime_api.apply_extrinsic(engine, overlay, extrinsic)
        if isinstance(outcome, TransactionValidityError):
            raise InherentRejected(len(body), validity_text(outcome))
        body.append(extrinsic)
    return body


def _fill(
    engine: RuntimeEngine,
    overlay: Overlay,
    transactions: Iterable[bytes],
    body: list[bytes],
    time_is_up: Callable[[], bool],
) -> list[Refused]:
    """Append transactions to `body` until the block is full; those that must leave the pool."""
    refused: list[Refused] = []
    skipped = 0
    for extrinsic in transactions:
        if skipped == MAX_SKIPPED or len(body) == MAX_BLOCK_EXTRINSICS or time_is_up():
            break
        match _apply(engine, overlay, extrinsic):
            case Dispatched():
                body.append(extrinsic)
            case Invalid(reason=ExhaustsResources()):
                skipped += 1
            case Invalid(reason=Future()):
                pass  # what it waits for was itself left out
            case TransactionValidityError() as error:
                refused.append(Refused(extrinsic_hash(extrinsic), validity_text(error)))
            case str(reason):
                refused.append(Refused(extrinsic_hash(extrinsic), reason))
    return refused


def _apply(engine: RuntimeEngine, overlay: Overlay, extrinsic: bytes) -> Dispatched | TransactionValidityError | str:
    """Outcome of a transaction, its writes undone unless it is part of the block; text if the runtime failed."""
    overlay.begin()
    try:
        outcome = runtime_api.apply_extrinsic(engine, overlay, extrinsic)
    except (RuntimePanic, ScaleError) as error:
        overlay.rollback()
        return str(error)
    except BaseException:
        overlay.rollback()
        raise
    if isinstance(outcome, Dispatched):
        overlay.commit()
    else:
        overlay.rollback()
    return outcome


def _agreed(field: str, computed: bytes, reported: bytes) -> bytes:
    if reported not in (computed, _ZERO):
        raise RootMismatch(field, computed, reported)
    return computed


def _sealed(header: Header, key: KeyPair) -> Header:
    items: list[DigestItem] = [*header.digest.logs, Seal(AURA_ENGINE, key.sign(header.hash()))]
    return Header(header.parent_hash, header.number, header.state_root, header.extrinsics_root, Digest(items))

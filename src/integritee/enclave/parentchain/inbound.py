"""What a verified parentchain block means for the ledger.

Input is a block whose header is final, whose extrinsics match the header and whose watched storage is proven.
Output is plain facts: the time, deposits to the vault, calls of users for the enclave, outcomes of the enclave's
own extrinsics, and the root that confirms the block on chain.
Source: worker `app-libs/parentchain-interface`, `indirect-calls-executor`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from integritee.crypto import blake2_256
from integritee.metadata import EventRecord, RuntimeMetadata, UndecodableEvent
from integritee.metadata.extrinsic import BARE_V4, BARE_V5
from integritee.primitives.header import Header
from integritee.scale import Err, decode_compact, encode_compact
from integritee.stf.asset_map import AssetId

from .bridge_calls import BridgeCall, read_calls
from .contract import EVENTS_KEY, ParentchainContract
from .merkle import merkle_root
from .vault import VaultContract

TIMESTAMP_SET_TAG: Final = b"\x02"
"""Discriminant of `TimestampSet` in the worker's `IndirectCall`, which the confirmed Merkle root hashes."""

NATIVE: Final = "native"
FUNGIBLE: Final = "fungible"
TRANSFERS: Final = {
    ("Balances", "Transfer"): NATIVE,
    ("Assets", "Transferred"): FUNGIBLE,
    ("ForeignAssets", "Transferred"): FUNGIBLE,
}
"""Events that tell of money moved from one account to another (pallet-balances, pallet-assets)."""

LOCKED: Final = ("Vesting", "VestingUpdated")
"""Event that tells of an account whose funds are locked (pallet-vesting)."""

MAX_MOMENT: Final = (1 << 64) - 1

DECISIVE_PALLETS: Final = frozenset(
    {"System", "Balances", "Assets", "ForeignAssets", "EnclaveBridge", "Proxy", "Utility", "Multisig", "Vesting"}
)
"""Pallets whose events say who paid the vault, which calls took effect and what became of extrinsics."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Deposit:
    """`amount` base units, native or of `asset`, arrived in the vault from `sender`."""

    sender: bytes
    amount: int
    asset: AssetId | None = None


@dataclass(frozen=True)
class ExtrinsicOutcome:
    """What became of an extrinsic in a block; `inner_ok` is the result of the call it proxied, if any."""

    ok: bool
    inner_ok: bool | None


@dataclass(frozen=True)
class InboundBlock:
    """Facts of one finalized parentchain block. `values` holds every watched key, None if proven absent."""

    header: Header
    values: dict[bytes, bytes | None]
    now: int | None
    deposits: tuple[Deposit, ...]
    outcomes: dict[bytes, ExtrinsicOutcome]
    """By extrinsic hash, for all extrinsics of the block."""
    light_client: bytes = field(repr=False)
    """Encoded light-client state after this block."""
    calls: tuple[BridgeCall, ...] = ()
    """What users ask of enclaves in this block, of those of other shards too."""

    @property
    def shielded_blocks(self) -> int:
        """RSA blocks to decipher, at most `MAX_SHIELDED_BLOCKS`."""
        return sum(call.shielded_blocks for call in self.calls)

    def hash(self) -> bytes:
        return self.header.hash()

    def trusted_calls_root(self, calls: Sequence[bytes] = ()) -> bytes:
        """Merkle root over the hashes of the indirect calls in this block: the time, then `calls` of users.

        `calls` are the hashes of all invocations, of whatever shard, and of the shieldings whose beneficiary
        could be deciphered, in the order of the block.
        """
        time = [] if self.now is None else [blake2_256(TIMESTAMP_SET_TAG + encode_compact(self.now))]
        return merkle_root([*time, *calls])


def read_block(
    contract: ParentchainContract,
    header: Header,
    extrinsics: list[bytes],
    values: dict[bytes, bytes | None],
    light_client: bytes,
) -> InboundBlock:
    """Read a verified block. Raises MetadataError or DecodeError if its events are not what metadata says."""
    raw_events = values.get(EVENTS_KEY)
    events = _events(contract.metadata, raw_events) if raw_events else []
    return InboundBlock(
        header,
        {k: v for k, v in values.items() if k != EVENTS_KEY},
        _timestamp(contract.metadata, extrinsics),
        tuple(_deposits(events, contract.vault)) if contract.vault else (),
        _outcomes(events, extrinsics),
        light_client,
        read_calls(contract.metadata, contract.bridge.shard, extrinsics, events) if contract.bridge else (),
    )


def _events(metadata: RuntimeMetadata, raw: bytes) -> list[EventRecord]:
    """The events of a block, without one that the metadata does not explain: it may be of any pallet but those above.

    What stands behind it is read only if there is one way to read it. Otherwise the block is refused and waits, for
    better metadata or a better enclave: passing over a payment would lose it, guessing one would invent it.
    """
    events = metadata.read_events(raw)
    strange = [event for event in events if isinstance(event, UndecodableEvent)]
    if any(event.name.partition(".")[0] in DECISIVE_PALLETS for event in strange):
        return metadata.decode_events(raw)
    for event in strange:
        log.warning("event %s of %d bytes is passed over: %s", event, len(event.raw), event.code)
    return [event for event in events if isinstance(event, EventRecord)]


def _timestamp(metadata: RuntimeMetadata, extrinsics: list[bytes]) -> int | None:
    """Unix ms of the block's `Timestamp.set` inherent; None for what is no time."""
    call = metadata.call_index("Timestamp", "set")
    wanted = (bytes((BARE_V4,)) + call, bytes((BARE_V5,)) + call)
    for raw in extrinsics:
        _, at = decode_compact(raw)
        if raw.startswith(wanted, at):
            time = decode_compact(raw, at + 3)[0]
            return time if time <= MAX_MOMENT else None
    return None


def _deposits(events: list[EventRecord], vault: VaultContract) -> Iterator[Deposit]:
    """Transfers to the vault, whoever ordered them. The enclave's own are its working capital, not deposits.

    An asset that the ledger does not know, or that cannot be shielded from this chain, is not credited. Neither is
    what came with a lock on the vault: its sender could take out at once what others can still use.
    """
    locking = {event.phase for event in events if _is_locked(event, vault.account)}
    for event in events:
        transfer = TRANSFERS.get((event.pallet, event.name))
        if transfer is None or event.fields["to"] != vault.account:
            continue
        if event.phase in locking:
            log.warning("a transfer that locks funds of the vault is not credited")
            continue
        sender, amount = event.fields["from"], event.fields["amount"]
        if sender in (vault.proxy, vault.account):
            continue
        if transfer is NATIVE:
            yield Deposit(sender, amount)
        elif (asset := vault.asset_at(event.pallet, event.fields["asset_id"])) is not None:
            yield Deposit(sender, amount, asset)
        else:
            log.warning("a transfer of unknown asset %s to the vault is not credited", event.fields["asset_id"])


def _is_locked(event: EventRecord, account: bytes) -> bool:
    return (event.pallet, event.name) == LOCKED and event.fields["account"] == account


def _outcomes(events: list[EventRecord], extrinsics: list[bytes]) -> dict[bytes, ExtrinsicOutcome]:
    ok: dict[int, bool] = {}
    inner: dict[int, bool] = {}
    for event in events:
        index = event.extrinsic_index
        if index is None:
            continue
        match event.pallet, event.name:
            case "System", "ExtrinsicSuccess":
                ok[index] = True
            case "System", "ExtrinsicFailed":
                ok[index] = False
            case "Proxy", "ProxyExecuted":
                inner[index] = not isinstance(event.fields["result"], Err)
    return {blake2_256(raw): ExtrinsicOutcome(ok[i], inner.get(i)) for i, raw in enumerate(extrinsics) if i in ok}

"""Transfers that come with a lock: whoever pays the vault that way would take out what others can use and leave behind
what nobody can (pallet-vesting, `vested_transfer`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from integritee.enclave.parentchain.contract import EVENTS_KEY
from integritee.enclave.parentchain.inbound import read_block
from integritee.metadata import EventRecord
from integritee.metadata.values import Variant
from integritee.primitives.header import Header
from integritee.scale import decode

from .test_strange_events import BLOCKS, CONTRACT, METADATA, VAULT, unhex

USER, OTHER = b"\x11" * 32, b"\x22" * 32


def event(extrinsic: int | None, name: str, **fields: Any) -> EventRecord:
    phase = Variant("Initialization", ()) if extrinsic is None else Variant("ApplyExtrinsic", extrinsic)
    pallet, _, kind = name.partition(".")
    return EventRecord(phase, pallet, kind, fields, [])


def paid(extrinsic: int | None, amount: int, sender: bytes = USER) -> EventRecord:
    return event(extrinsic, "Balances.Transfer", **{"from": sender, "to": VAULT, "amount": amount})


def locked(extrinsic: int | None, who: bytes = VAULT) -> EventRecord:
    return event(extrinsic, "Vesting.VestingUpdated", account=who, unvested=1000)


def freed(extrinsic: int) -> EventRecord:
    return event(extrinsic, "Vesting.VestingCompleted", account=VAULT)


@pytest.mark.parametrize(
    ("events", "credited"),
    [
        ([paid(1, 5), paid(1, 7)], [5, 7]),
        ([paid(1, 5), locked(1)], []),
        ([locked(1), paid(1, 5)], []),
        ([paid(1, 5), locked(1), paid(1, 7)], []),
        ([paid(1, 5), locked(1), paid(2, 7, OTHER)], [7]),
        ([paid(None, 5), locked(None), paid(2, 7, OTHER)], [7]),
        ([paid(1, 5), locked(1, OTHER)], [5]),
        ([paid(1, 5), freed(2)], [5]),
    ],
    ids=[
        "unlocked",
        "locked",
        "locked before",
        "batched",
        "other extrinsics",
        "no extrinsic",
        "others' lock",
        "freed",
    ],
)
def test_transfers_that_lock_funds_of_the_vault(events: Sequence[EventRecord], credited: list[int]) -> None:
    header = decode(Header, unhex(BLOCKS[0]["header_scale"]))
    raw = METADATA.encode_events(list(events))
    block = read_block(CONTRACT, header, [], {EVENTS_KEY: raw}, b"")
    assert [deposit.amount for deposit in block.deposits] == credited

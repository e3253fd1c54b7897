"""A data directory with a shard, made as an enclave makes it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from integritee.boundary.messages import LedgerChoice, SealedPlace
from integritee.crypto import ShieldingKey
from integritee.enclave import bootstrap
from integritee.enclave.bootstrap import config_of
from integritee.enclave.core import EnclaveCore
from integritee.enclave.records import ANCHOR, GENESIS, AnchorRecord, GenesisRecord, RecordKind
from integritee.enclave.recovery.place import Place, place_of
from integritee.enclave.store import SealedStore
from integritee.primitives.ids import ParentchainId

from ..core.harness import checked_key, shielding_secret

SHARD = b"\x02" * 32
ITEMS = {b"key": b"value", b"long": b"\x07" * 3_000_000, b"other": b""}
ANCHOR_PAYLOAD = ANCHOR.encode(AnchorRecord(ParentchainId.TargetB, b""))


def measure(apps: Sequence[str], config: bytes) -> bytes:
    """Quick, and as different as configurations are."""
    return hashlib.sha256(b"the code" + config).digest()


@pytest.fixture(autouse=True)
def quick_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ShieldingKey, "generate", staticmethod(lambda: checked_key(shielding_secret())))
    monkeypatch.setattr(ShieldingKey, "from_private_json", staticmethod(checked_key))
    monkeypatch.setattr(bootstrap, "measure", measure)


def sealed_place(
    directory: Path, custodians: Sequence[bytes] = (), threshold: int = 0, seal_to_signer: bool = False
) -> SealedPlace:
    return SealedPlace(str(directory), LedgerChoice([], True, list(custodians), threshold), seal_to_signer)


def measurement_of(asked: SealedPlace) -> bytes:
    return bootstrap.measured(config_of(asked.ledger))


def open_core(place: Place) -> tuple[SealedStore, EnclaveCore]:
    store, stored = SealedStore.open(place.directory, place.seal_key(), int(place.tee.kind))
    return store, place.recover(store, stored, os.urandom, SHARD)


def make_shard(asked: SealedPlace, snapshots: int = 0) -> None:
    """Give a data directory a shard, and so many snapshots with a record after each."""
    place = place_of(asked, os.urandom)
    store, _ = open_core(place)
    with store:
        store.append(RecordKind.GENESIS, GENESIS.encode(GenesisRecord(SHARD, list(ITEMS.items()), [])))
    for _ in range(snapshots):
        store, core = open_core(place)
        with store:
            store.snapshot(core.state.items(), core.snapshot_meta())
            store.append(RecordKind.ANCHOR, ANCHOR_PAYLOAD)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    def build(snapshots: int = 0) -> Path:
        make_shard(sealed_place(tmp_path / "data"), snapshots)
        return tmp_path / "data"

    return build

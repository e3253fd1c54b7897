"""A data directory with a shard, made as an enclave makes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from integritee.boundary.messages import InitParams, LedgerChoice, SealedPlace
from integritee.crypto import ShieldingKey
from integritee.enclave import bootstrap
from integritee.enclave.records import ANCHOR, GENESIS, AnchorRecord, GenesisRecord, RecordKind
from integritee.primitives.ids import ParentchainId

from ..core.harness import checked_key, shielding_secret

MEASUREMENT = b"\x1b" * 32
SHARD = b"\x02" * 32
ITEMS = {b"key": b"value", b"long": b"\x07" * 3_000_000, b"other": b""}

ANCHOR_PAYLOAD = ANCHOR.encode(AnchorRecord(ParentchainId.TargetB, b""))


@pytest.fixture(autouse=True)
def quick_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ShieldingKey, "generate", staticmethod(lambda: checked_key(shielding_secret())))
    monkeypatch.setattr(ShieldingKey, "from_private_json", staticmethod(checked_key))
    monkeypatch.setattr(bootstrap, "measure", lambda apps, config: MEASUREMENT)


def place(directory: Path, *custodians: bytes, threshold: int = 0, seal_to_signer: bool = False) -> SealedPlace:
    choice = LedgerChoice([], True, sorted(custodians), threshold)
    return SealedPlace(str(directory), choice, seal_to_signer)


def make_shard(directory: Path, *, seal_to_signer: bool = False, snapshots: int = 0) -> bootstrap.Enclave:
    """Start an enclave, give it a shard, and so many snapshots with a record after each; it is still open."""
    params = InitParams(
        str(directory), SHARD, "127.0.0.1", 0, "wss://w", "ws://w", "w:1", 1000, [], True, seal_to_signer, False,
        False, False,
    )  # fmt: skip
    enclave = bootstrap.start(params)
    genesis = GenesisRecord(SHARD, list(ITEMS.items()), [])
    enclave.store.append(RecordKind.GENESIS, GENESIS.encode(genesis))
    enclave.store.close()
    for _ in range(snapshots):
        enclave = bootstrap.start(params)
        enclave.store.snapshot(enclave.core.state.items(), enclave.core.snapshot_meta())
        enclave.store.append(RecordKind.ANCHOR, ANCHOR_PAYLOAD)
        enclave.store.close()
    return bootstrap.start(params)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    def build(**options: object) -> Path:
        make_shard(tmp_path / "data", **options).store.close()  # type: ignore[arg-type]
        return tmp_path / "data"

    return build

"""From a data directory to a core: identity, restarts, resets, and directories that are not ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integritee.attestation.anchors import TeeKind
from integritee.boundary.messages import InitParams, RuntimeFacts
from integritee.crypto import Ed25519Pair, ShieldingKey, blake2_256, hard_junction
from integritee.enclave import bootstrap
from integritee.enclave.attestation.simulation import SimulationTee
from integritee.enclave.attestation.tee import SealPolicy
from integritee.enclave.bootstrap import SEAL_ROOT_FILE, STORE_DIRECTORY, Enclave, identity, seal_policy, start
from integritee.enclave.errors import ForeignShard, SealPolicyRefused
from integritee.enclave.keys import EnclaveKeys
from integritee.enclave.parentchain.link import PINS, RUNTIME, pins_label, runtime_label
from integritee.enclave.records import ANCHOR, GENESIS, AnchorRecord, GenesisRecord, RecordKind
from integritee.enclave.store.errors import SealBroken, StoreLocked
from integritee.primitives.ids import ParentchainId

from .harness import checked_key, shielding_secret

SHARD = b"\x02" * 32


@pytest.fixture(autouse=True)
def quick_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ShieldingKey, "generate", staticmethod(lambda: checked_key(shielding_secret())))
    monkeypatch.setattr(ShieldingKey, "from_private_json", staticmethod(checked_key))
    monkeypatch.setattr(bootstrap, "measure", lambda apps, config: b"\x1b" * 32)


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"


def params(directory: Path, **changes: Any) -> InitParams:
    facts: dict[str, Any] = {
        "data_dir": str(directory),
        "shard": None,
        "trusted_host": "127.0.0.1",
        "trusted_port": 0,
        "trusted_url": "wss://worker:2000",
        "untrusted_url": "ws://worker:2001",
        "mu_ra_url": "ws://worker:3443",
        "slot_ms": 1000,
        "apps": [],
        "development": True,
        "seal_to_signer": False,
        "check_invariants": False,
        "skip_ra": False,
        "clean_reset": False,
    }
    return InitParams(**{**facts, **changes})


def begin_shard(enclave: Enclave) -> None:
    record = GenesisRecord(enclave.core.config.shard, [(b"key", b"value")], [])
    enclave.store.append(RecordKind.GENESIS, GENESIS.encode(record))
    enclave.store.put_secret(pins_label(ParentchainId.Integritee), PINS.encode({410: b"\x05" * 32}))
    enclave.store.put_secret(
        runtime_label(ParentchainId.Integritee), RUNTIME.encode(RuntimeFacts(b"metadata", 410, 8))
    )


def test_identity_survives_restarts(directory: Path) -> None:
    found = []
    for _ in range(2):
        enclave = start(params(directory))
        found.append(identity(enclave.core, enclave.tee, 2000))
        enclave.store.close()
    assert found[0] == found[1]
    assert found[0].fingerprint == found[0].shard == b"\x1b" * 32
    assert (found[0].kind, found[0].trusted_port) == ("simulation", 2000)
    assert found[0].shielding_key == checked_key(shielding_secret()).public.to_json()
    assert len({found[0].account, found[0].ledger_account, found[0].vault}) == 3
    assert (directory / SEAL_ROOT_FILE).stat().st_mode & 0o077 == 0
    assert (directory / STORE_DIRECTORY).is_dir()


def test_two_enclaves_differ(tmp_path: Path) -> None:
    accounts = set()
    for name in ("a", "b"):
        enclave = start(params(tmp_path / name))
        accounts.add(enclave.core.keys.signing.public)
        enclave.store.close()
    assert len(accounts) == 2


def test_one_enclave_at_a_time(directory: Path) -> None:
    enclave = start(params(directory))
    with pytest.raises(StoreLocked):
        start(params(directory))
    enclave.store.close()
    start(params(directory)).store.close()


def test_another_shard_is_refused_and_the_lock_released(directory: Path) -> None:
    enclave = start(params(directory, shard=SHARD))
    begin_shard(enclave)
    enclave.store.close()
    for _ in range(2):
        with pytest.raises(ForeignShard):
            start(params(directory, shard=b"\x03" * 32))
    enclave = start(params(directory))
    assert enclave.core.config.shard == SHARD
    enclave.store.close()


def test_other_code_cannot_open_the_store(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start(params(directory)).store.close()
    monkeypatch.setattr(bootstrap, "measure", lambda apps, config: b"\x1c" * 32)
    with pytest.raises(SealBroken):
        start(params(directory))


def test_state_sealed_to_the_signer_opens_for_other_code(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enclave = start(params(directory, seal_to_signer=True))
    begin_shard(enclave)
    before = enclave.core.keys
    enclave.store.close()
    monkeypatch.setattr(bootstrap, "measure", lambda apps, config: b"\x1c" * 32)
    enclave = start(params(directory, seal_to_signer=True))
    assert enclave.core.config.mrenclave == b"\x1c" * 32
    assert enclave.core.config.shard == b"\x1b" * 32
    assert enclave.core.keys == before
    assert dict(enclave.core.state.items()) == {b"key": b"value"}
    enclave.store.close()
    with pytest.raises(SealBroken):  # the two ways of sealing do not mix
        start(params(directory))


@pytest.mark.parametrize(("development", "hardware"), [(False, False), (True, True), (False, True)])
def test_only_simulated_development_enclaves_seal_to_the_signer(
    directory: Path, development: bool, hardware: bool
) -> None:
    tee = SimulationTee(bytes(32), bytes(32))
    if hardware:
        tee.kind = TeeKind.GRAMINE_SGX  # type: ignore[misc]
    assert seal_policy(tee, params(directory, development=development)) is SealPolicy.MRENCLAVE
    with pytest.raises(SealPolicyRefused):
        seal_policy(tee, params(directory, development=development, seal_to_signer=True))


def test_clean_reset_keeps_the_keys_and_nothing_else(directory: Path) -> None:
    enclave = start(params(directory, shard=SHARD))
    begin_shard(enclave)
    before = enclave.core.keys
    enclave.store.append(RecordKind.ANCHOR, ANCHOR.encode(AnchorRecord(ParentchainId.Integritee, b"light client")))
    enclave.store.close()
    enclave = start(params(directory, clean_reset=True))
    keys = enclave.core.keys
    assert (keys.signing.public, keys.state) == (before.signing.public, before.state)
    assert keys.shielding.public == before.shielding.public
    assert not enclave.core.is_running
    assert dict(enclave.core.state.items()) == {}
    assert enclave.core.config.shard == b"\x1b" * 32
    assert enclave.core.integritee._load_pins() == {}
    assert enclave.core.integritee._load_runtime() is None
    enclave.store.close()


def test_clean_reset_of_a_fresh_directory(directory: Path) -> None:
    enclave = start(params(directory, clean_reset=True))
    assert not enclave.core.is_running
    enclave.store.close()


def test_clean_reset_after_other_code_gives_new_keys_and_says_so(
    directory: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    enclave = start(params(directory))
    begin_shard(enclave)
    before = enclave.core.keys.signing.public
    enclave.store.close()
    monkeypatch.setattr(bootstrap, "measure", lambda apps, config: b"\x1c" * 32)
    enclave = start(params(directory, clean_reset=True))
    assert enclave.core.keys.signing.public != before
    assert "sealed by other code" in caplog.text
    enclave.store.close()
    start(params(directory)).store.close()


def test_derivations() -> None:
    """The vault of the recorded chain: ed25519 seed 01 x 32, shard 02 x 32."""
    keys = EnclaveKeys(Ed25519Pair.from_seed(b"\x01" * 32), checked_key(shielding_secret()), bytes(32))
    assert keys.vault(SHARD).public.hex() == "b6652a2864b006cea707e93b9e3e8b85ce892e94e20caccd2a01230ea5578f8d"
    assert hard_junction(SHARD).hex() == "0dda1791001c65c58e78cedad64c259e738982af921f5006345fef6285bb9eee"
    assert keys.ledger.public == Ed25519Pair.from_seed(blake2_256(shielding_secret())).public
    assert keys.signing.public.hex() in repr(keys)
    assert len(repr(keys)) < 100

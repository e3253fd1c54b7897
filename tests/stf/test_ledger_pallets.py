"""The ledger's own pallets: mirrors of parentchains, the shard's mode, the enclave account; and chain facts."""

from __future__ import annotations

import pytest

from integritee.frame.overlay import Overlay
from integritee.primitives.enclave_bridge import ShardConfig, UpgradableShardConfig
from integritee.primitives.header import Digest, Header
from integritee.primitives.ids import ParentchainId
from integritee.primitives.storage import storage_prefix
from integritee.stf.chain_specs import CHAIN_SPECS, UNKNOWN, spec_of
from integritee.stf.errors import GenesisAlreadySet, VaultAlreadySet
from integritee.stf.runtime import ENCLAVE_ENDOWMENT, LedgerRuntime
from integritee.stf.types import ShardMode
from integritee.trie import Trie

from ..invariants import assert_invariants
from .kit import ENCLAVE, VAULT, Bench


def runtime() -> LedgerRuntime:
    return LedgerRuntime(Overlay(Trie.empty()))


def header(number: int) -> Header:
    return Header(bytes([number]) * 32, number, b"\x02" * 32, b"\x03" * 32, Digest([]))


def test_first_state() -> None:
    fresh = runtime()
    fresh.initialize_genesis(ENCLAVE.public)
    assert len(fresh.state.changes()) == 4  # the original's, and what no vault holds
    assert fresh.system.account.get(ENCLAVE.public).data.free == ENCLAVE_ENDOWMENT == 1000
    assert fresh.system.nonce(ENCLAVE.public) == 0
    assert fresh.state.get(storage_prefix("Sudo", "Enclave_Account_Key")) == ENCLAVE.public
    assert_invariants(fresh)


@pytest.mark.parametrize(
    ("key", "prefix"),
    [
        (("System", "Account"), "26aa394eea5630e07c48ae0c9558cef7b99d880ec681799c0cf30e8886371da9"),
        (("Balances", "TotalIssuance"), "c2261276cc9d1f8598ea4b6a74b15c2f57c875e4cff74148e4628f264b974c80"),
        (("Sudo", "Enclave_Account_Key"), "5c0d1176a568c1f92944340dbfed9e9cb8415c47f78f5372616907f0195ba678"),
        (("ParentchainIntegritee", "ShardVault"), "b8e08f28d7875a415672bb885ecc7b52c0030650a95f2eaf188833b7d93041c8"),
    ],
)
def test_storage_keys_are_the_originals(key: tuple[str, str], prefix: str) -> None:
    assert storage_prefix(*key).hex() == prefix


# -- parentchain


def test_genesis_is_set_once() -> None:
    mirror = runtime().integritee
    mirror.set_genesis(b"\x01" * 32)
    mirror.set_genesis(b"\x01" * 32)
    with pytest.raises(GenesisAlreadySet) as caught:
        mirror.set_genesis(b"\x02" * 32)
    assert caught.value.found == b"\x02" * 32
    assert mirror.parentchain_genesis_hash.get() == b"\x01" * 32


def test_the_vault_is_set_once() -> None:
    mirror = runtime().integritee
    mirror.set_vault(VAULT)
    mirror.set_vault(VAULT)
    with pytest.raises(VaultAlreadySet):
        mirror.set_vault(ENCLAVE.public)
    assert mirror.shard_vault.get() == VAULT


def test_creation_block_stays() -> None:
    mirror = runtime().integritee
    mirror.set_creation_block(header(7))
    mirror.set_creation_block(header(8))
    assert mirror.creation_block_number.get() == 7
    assert mirror.creation_block_hash.get() == header(7).hash()


def test_mirror_follows_what_is_proven() -> None:
    fresh = runtime()
    mirror = fresh.integritee
    mirror.set_block(header(7), {b"a": b"1", b"b": b"2", b"c": None})
    assert {key: mirror.mirror.get(key) for key in (b"a", b"b", b"c")} == {b"a": b"1", b"b": b"2", b"c": None}
    assert (mirror.number.get(), mirror.parent_hash.get()) == (7, b"\x07" * 32)
    assert mirror.block_hash.get() == header(7).hash()
    fresh.state = Overlay(fresh.state.settled())
    mirror.set_block(header(8), {b"a": b"1", b"b": None})
    assert mirror.mirror.get(b"b") is None
    assert mirror.mirror.key_of(b"a") not in fresh.state.touched()  # what is as before is not written again
    assert mirror.number.get() == 8


def test_chains_do_not_mix() -> None:
    fresh = runtime()
    for chain in ParentchainId:
        fresh.parentchain(chain).set_block(header(chain + 1), {})
    assert [fresh.parentchain(chain).number.get() for chain in ParentchainId] == [1, 2, 3]


@pytest.mark.parametrize("chain", list(ParentchainId))
def test_the_vaults_chain_is_the_shielding_target(chain: ParentchainId) -> None:
    fresh = runtime()
    assert fresh.vault() is None
    assert fresh.shielding_target() is ParentchainId.Integritee
    fresh.parentchain(chain).set_vault(VAULT)
    assert fresh.vault() == (VAULT, chain)
    assert fresh.shielding_target() is chain


# -- shard management


def config(fingerprint: bytes = b"\x01" * 32, maintenance: bool = False) -> UpgradableShardConfig:
    return UpgradableShardConfig(ShardConfig(fingerprint, maintenance_mode=maintenance))


def test_modes() -> None:
    shard = runtime().shard_management
    assert shard.mode.get() is ShardMode.Initializing
    shard.on_initialize(1)
    assert shard.mode.get() is ShardMode.Normal
    shard.set_config(config(maintenance=True), 5)
    assert (shard.mode.get(), shard.maintenance_since.get()) == (ShardMode.MaintenanceOngoing, 5)
    shard.on_initialize(2)
    shard.set_config(config(b"\x02" * 32, maintenance=True), 6)
    assert (shard.mode.get(), shard.maintenance_since.get()) == (ShardMode.MaintenanceOngoing, 5)
    shard.set_config(config(), 7)
    assert (shard.mode.get(), shard.maintenance_since.get()) == (ShardMode.Normal, None)


def test_a_pending_upgrade_counts_from_its_block_on() -> None:
    """The parentchain need not have moved it to its place yet."""
    shard = runtime().shard_management
    pending = UpgradableShardConfig(ShardConfig(b"\x01" * 32), ShardConfig(b"\x02" * 32, maintenance_mode=True), 10)
    found = []
    for number in (8, 9, 10, 11):
        shard.set_config(pending, number)
        found.append(shard.mode.get())
    assert found == [ShardMode.Initializing] * 2 + [ShardMode.MaintenanceOngoing] * 2
    assert shard.config.get() == (pending, 8)


def test_retirement_is_final() -> None:
    shard = runtime().shard_management
    shard.set_mode(ShardMode.Retired)
    with pytest.raises(Exception) as caught:
        shard.set_mode(ShardMode.Normal)
    assert caught.value.code == "shard_management.retired"  # type: ignore[attr-defined]
    shard.set_config(config(maintenance=True), 5)
    shard.on_initialize(1)
    assert shard.mode.get() is ShardMode.Retired


def test_an_unchanged_configuration_keeps_its_age() -> None:
    shard = runtime().shard_management
    shard.set_config(config(), 5)
    shard.set_config(config(), 9)
    assert shard.config.get() == (config(), 5)
    shard.set_config(config(b"\x02" * 32), 10)
    assert shard.config.get() == (config(b"\x02" * 32), 10)


# -- chains


def test_chain_facts() -> None:
    assert spec_of(bytes(32)) is UNKNOWN
    assert (UNKNOWN.decimals, UNKNOWN.retirement_delay, UNKNOWN.production) == (12, 7200, False)
    by_name = {spec.name: spec for spec in CHAIN_SPECS.values()}
    assert len(by_name) == len(CHAIN_SPECS) == 11
    assert {name for name, spec in by_name.items() if spec.decimals == 10} == {
        "paseo",
        "asset-hub-paseo",
        "polkadot",
        "asset-hub-polkadot",
    }
    assert {name for name, spec in by_name.items() if not spec.production} == {
        "paseo",
        "asset-hub-paseo",
        "integritee-paseo",
        "local-test",
        "local-asset-hub",
    }
    assert by_name["polkadot"].one == 10**10


def test_facts_follow_the_genesis_hash() -> None:
    paseo = next(genesis for genesis, spec in CHAIN_SPECS.items() if spec.name == "paseo")
    assert Bench(genesis_hash=paseo).runtime.chain_spec().name == "paseo"
    assert Bench().runtime.chain_spec() is UNKNOWN

"""What a chain begins with, and the two well-known beginnings: `development` and `local_testnet`.

Source: integritee-node `node/src/chain_spec.rs`; what each pallet writes at genesis: the `genesis_config` of the
FRAME pallets. Storage keys and values are those of a real node's ``build-spec --raw``.
"""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final

from integritee.apps.encointer.types import CeremonyPhase
from integritee.crypto import ss58_encode
from integritee.frame.pallets.aura import Aura
from integritee.frame.pallets.balances import Balances
from integritee.frame.pallets.grandpa import Grandpa
from integritee.frame.pallets.sudo import Sudo
from integritee.frame.pallets.system import EXTRINSIC_INDEX, LastRuntimeUpgradeInfo, System
from integritee.frame.pallets.transaction_payment import MULTIPLIER_ONE, TREASURY, Releases, TransactionPayment
from integritee.frame.runtime import Runtime
from integritee.node.pallets.encointer_scheduler import EncointerScheduler
from integritee.primitives.grandpa import Authority
from integritee.primitives.storage import pallet_version_key, storage_prefix
from integritee.scale import encode, u16, u32

from .assets import GenesisAsset, assets_to_json, write_assets

CODE_KEY: Final = b":code"
CODE: Final = b"integritee-solo, in Python"
"""What stands for the runtime's Wasm. Other bytes give another genesis hash, so another chain."""

GENERIC_SS58: Final = 42
FIRST_CEREMONY: Final = 1
ENDOWMENT: Final = 1000 * 10**12
"""Base units each well-known account starts with (1000 TEER)."""

ALICE: Final = bytes.fromhex("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d")
BOB: Final = bytes.fromhex("8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48")
CHARLIE: Final = bytes.fromhex("90b5ab205c6974c9ea841be688864633dc9ca8a357843eeacf2314649965fe22")
MULTISIG: Final = bytes.fromhex("49daa32c7287890f38b7e1a8cd2961723d36d20baa0bf3b82e0c4bdda93b1c0a")
"""Two of Alice, Bob and Charlie."""
ALICE_GRANDPA: Final = bytes.fromhex("88dc3417d5058ec4b4503e0c12ea1a0a89be200fe98922423d4334014fa6b0ee")
"""//Alice, ed25519."""

BEFORE_GENESIS: Final = b"\x45" * 32
"""What FRAME takes for the hash of block 0 until block 1 knows better."""


@dataclass(frozen=True)
class GenesisConfig:
    """What differs between chains of one runtime.

    `balances` are base units by account; `aura` sr25519 keys; `grandpa` (ed25519 key, weight); `sudo` an account
    or None; the two flags relax Teerex for enclaves without real attestation. What a runtime has no pallet for does
    not count.
    """

    balances: Mapping[bytes, int] = field(default_factory=dict)
    aura: tuple[bytes, ...] = ()
    grandpa: tuple[Authority, ...] = ()
    sudo: bytes | None = None
    allow_sgx_debug_mode: bool = False
    allow_skipping_attestation: bool = False
    assets: tuple[GenesisAsset, ...] = ()
    ceremony_master: bytes | None = None
    phase_durations: Mapping[CeremonyPhase, int] = field(default_factory=dict)
    """Milliseconds."""
    code: bytes = CODE

    def to_json(self, pallets: Container[str]) -> bytes:
        """The form of chain specifications that are not raw, for a runtime of `pallets`."""
        document = {
            "aura": {"authorities": [_address(key) for key in self.aura]},
            "balances": {"balances": [[_address(who), free] for who, free in self.balances.items()]},
            "grandpa": {"authorities": [[_address(key), weight] for key, weight in self.grandpa]},
            "sudo": {"key": None if self.sudo is None else _address(self.sudo)},
            "teerex": {
                "allowSgxDebugMode": self.allow_sgx_debug_mode,
                "allowSkippingAttestation": self.allow_skipping_attestation,
            },
            "encointerScheduler": {
                "currentCeremonyIndex": FIRST_CEREMONY,
                "ceremonyMaster": None if self.ceremony_master is None else _address(self.ceremony_master),
                "phaseDurations": [[phase.name, ms] for phase, ms in self.phase_durations.items()],
            },
            **assets_to_json(self.assets),
        }
        return json.dumps({k: v for k, v in document.items() if k[0].upper() + k[1:] in pallets}).encode()


def _address(account: bytes) -> str:
    return ss58_encode(account, GENERIC_SS58)


DEVELOPMENT: Final = GenesisConfig(
    balances={account: ENDOWMENT for account in (ALICE, BOB, CHARLIE, TREASURY, MULTISIG)},
    aura=(ALICE,),
    grandpa=((ALICE_GRANDPA, 1),),
    sudo=ALICE,
    allow_sgx_debug_mode=True,
    allow_skipping_attestation=True,
)

PRESETS: Final[Mapping[str, GenesisConfig]] = {"development": DEVELOPMENT, "local_testnet": DEVELOPMENT}


class NodeRuntime(Runtime):
    """A runtime of a node: what its chains have for code, and their well-known beginnings."""

    code: ClassVar[bytes] = CODE
    presets: ClassVar[Mapping[str, GenesisConfig]] = PRESETS


def write_genesis(runtime: Runtime, config: GenesisConfig) -> None:
    """Write the storage of block 0 into the runtime's state."""
    runtime.record_events = False
    _write_system(runtime.pallet(System), config)
    for pallet in runtime.pallets.values():
        if pallet.storage_version is not None:
            runtime.state.put(pallet_version_key(pallet.name), encode(u16, pallet.storage_version))
    for account, free in config.balances.items():
        runtime.pallet(Balances).mint(account, free)
    runtime.pallet(Aura).authorities.put(list(config.aura))
    _write_grandpa(runtime.pallet(Grandpa), config)
    if config.sudo is not None:
        runtime.pallet(Sudo).key.put(config.sudo)
    payment = runtime.pallet(TransactionPayment)
    payment.next_fee_multiplier.put(MULTIPLIER_ONE)
    payment.layout.put(Releases.V2)
    _write_teerex(runtime, config)
    write_assets(runtime, config.assets)
    _write_ceremonies(runtime, config)
    runtime.record_events = True


def _write_system(system: System, config: GenesisConfig) -> None:
    state = system.runtime.state
    state.put(CODE_KEY, config.code)
    state.put(EXTRINSIC_INDEX, encode(u32, 0))
    system.block_hash.put(0, BEFORE_GENESIS)
    system.parent_hash.put(BEFORE_GENESIS)
    system.last_runtime_upgrade.put(LastRuntimeUpgradeInfo(system.version.spec_version, system.version.spec_name))
    system.upgraded_to_u32_ref_count.put(True)
    system.upgraded_to_triple_ref_count.put(True)


def _write_grandpa(grandpa: Grandpa, config: GenesisConfig) -> None:
    grandpa.authorities.put(list(config.grandpa))
    grandpa.current_set_id.put(0)
    grandpa.set_id_session.put(0, 0)


def _write_teerex(runtime: Runtime, config: GenesisConfig) -> None:
    """The attestation rules, if the runtime has any."""
    if "Teerex" in runtime.pallets:
        flags = (config.allow_sgx_debug_mode, config.allow_skipping_attestation)
        for item, flag in zip(("SgxAllowDebugMode", "AllowSkippingAttestation"), flags, strict=True):
            runtime.state.put(storage_prefix("Teerex", item), encode(bool, flag))


def _write_ceremonies(runtime: Runtime, config: GenesisConfig) -> None:
    """The schedule of ceremonies, if the runtime has one."""
    scheduler = runtime.find(EncointerScheduler)
    if scheduler is None:
        return
    scheduler.current_ceremony_index.put(FIRST_CEREMONY)
    scheduler.current_phase.put(CeremonyPhase.Registering)
    for phase, duration in config.phase_durations.items():
        scheduler.phase_durations.put(phase, duration)
    if config.ceremony_master is not None:
        scheduler.ceremony_master.put(config.ceremony_master)

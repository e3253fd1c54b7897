"""The sealed state of a data directory, opened without serving it: for examination, export and import."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from integritee.apps.catalog import LedgerConfig, ledger_of
from integritee.boundary.messages import SealedPlace
from integritee.stf.ledger import Ledger

from ..attestation.seal_root import load_or_create_root
from ..attestation.simulation import SimulationTee
from ..attestation.tee import SealPolicy, Tee
from ..bootstrap import SEAL_LABEL, SEAL_ROOT_FILE, STORE_DIRECTORY, Wishes, config_of, measured, recover
from ..core import EnclaveCore
from ..errors import SealPolicyRefused
from ..sidechain.slots import SLOT_MS
from ..store import DiskDirectory, Recovered, SealedStore


@dataclass(frozen=True)
class Place:
    """A data directory as the code of one ledger sees it."""

    directory: DiskDirectory
    tee: Tee
    policy: SealPolicy
    config: LedgerConfig
    ledger: Ledger

    @property
    def exists(self) -> bool:
        return self.directory.path.is_dir()

    @property
    def measurement(self) -> bytes:
        return self.tee.identity().fingerprint

    def seal_key(self, policy: SealPolicy | None = None) -> bytes:
        return self.tee.seal_key(SEAL_LABEL, self.policy if policy is None else policy)

    def recover(
        self,
        store: SealedStore,
        stored: Recovered,
        random: Callable[[int], bytes],
        shard: bytes | None = None,
        slot_ms: int = SLOT_MS,
    ) -> EnclaveCore:
        """The state that an open store holds. Raises as `bootstrap.recover`."""
        wishes = Wishes(url="", shard=shard, slot_ms=slot_ms)
        return recover(store, stored, self.measurement, wishes, self.ledger, random)


def place_of(asked: SealedPlace, random: Callable[[int], bytes]) -> Place:
    """Nothing is opened yet; a machine without a sealing root gets one.

    Raises what measuring raises, SealRootUnusable, SealPolicyRefused.
    """
    config, data_dir = config_of(asked.ledger), Path(asked.data_dir)
    data_dir.mkdir(parents=True, exist_ok=True)
    tee = SimulationTee(measured(config), load_or_create_root(data_dir / SEAL_ROOT_FILE, random), random)
    if asked.seal_to_signer and (not config.development or tee.kind.is_hardware):
        raise SealPolicyRefused(tee.kind.name.lower(), config.development)
    policy = SealPolicy.MRSIGNER if asked.seal_to_signer else SealPolicy.MRENCLAVE
    return Place(DiskDirectory(data_dir / STORE_DIRECTORY), tee, policy, config, ledger_of(config))

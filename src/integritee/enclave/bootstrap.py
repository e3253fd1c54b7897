"""From a data directory to a running core: measure, unseal, replay.

The only place where the enclave's parts are put together. Disk access goes through the sealed store.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import integritee
from integritee.apps.catalog import LedgerConfig, ledger_of
from integritee.boundary.messages import EnclaveIdentity, InitParams
from integritee.stf.ledger import Ledger
from integritee.trie import Trie

from .attestation.measurement import measure
from .attestation.seal_root import load_or_create_root
from .attestation.simulation import SimulationTee
from .attestation.tee import SealPolicy, Tee
from .core import PINS, PINS_LABEL, RUNTIME_LABEL, CoreConfig, EnclaveCore
from .errors import ForeignShard, SealPolicyRefused
from .keys import load_or_create
from .parentchain.outbox import Outbox
from .records import Recovered, from_snapshot
from .store import DiskDirectory, SealedStore, erase_history
from .store import Recovered as StoredState
from .store.errors import SealError

STORE_DIRECTORY: Final = "enclave"
SEAL_ROOT_FILE: Final = "simulated-seal-root"
SEAL_LABEL: Final = b"integritee/store/v1"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Enclave:
    """Everything a process needs to serve: core, open store, TEE."""

    core: EnclaveCore
    store: SealedStore
    tee: Tee


def start(params: InitParams, random: Callable[[int], bytes] = os.urandom) -> Enclave:
    """Open the sealed state below `params.data_dir`, or begin with none.

    Raises AppError and IndexClash for apps that cannot be had, SealPolicyRefused, StoreLocked if another enclave
    has the state, SealBroken if it was sealed by another measurement, the named errors of a tampered journal,
    ForeignShard if it holds another shard.
    """
    data_dir = Path(params.data_dir)
    config = LedgerConfig.of(params.apps, params.development)
    ledger = ledger_of(config)
    data_dir.mkdir(parents=True, exist_ok=True)
    tee = SimulationTee(measured(config), load_or_create_root(data_dir / SEAL_ROOT_FILE), random)
    policy = seal_policy(tee, params)
    store, stored = _open_store(data_dir, tee.seal_key(SEAL_LABEL, policy), int(tee.kind), params.clean_reset, random)
    try:
        mrenclave = tee.identity().fingerprint
        core = recover(
            store, stored, mrenclave, params.shard, params.trusted_url, ledger, random, params.check_invariants
        )
        return Enclave(core, store, tee)
    except BaseException:
        store.close()
        raise


def measured(config: LedgerConfig) -> bytes:
    """MRENCLAVE of this code with a ledger's configuration.

    Raises MeasuredTreeRefused, OSError, and what `ledger_of` raises: nothing is measured that would not run.
    """
    ledger_of(config)
    return measure(config.packages(), config.encode())


def seal_policy(tee: Tee, params: InitParams) -> SealPolicy:
    """Which code can open the state: this code alone, unless a development ledger is told otherwise.

    Whether a ledger is for development is measured: no host can have the state of another one sealed for code that
    its users never saw. Raises SealPolicyRefused.
    """
    if not params.seal_to_signer:
        return SealPolicy.MRENCLAVE
    if not params.development or tee.kind.is_hardware:
        raise SealPolicyRefused(tee.kind.name.lower(), params.development)
    return SealPolicy.MRSIGNER


def _open_store(
    data_dir: Path, seal_key: bytes, kind: int, clean_reset: bool, random: Callable[[int], bytes]
) -> tuple[SealedStore, StoredState]:
    """A clean reset keeps the keys, as long as they can be opened; everything else begins anew."""
    path = data_dir / STORE_DIRECTORY

    def open_store() -> tuple[SealedStore, StoredState]:
        return SealedStore.open(DiskDirectory(path), seal_key, kind, random=random)

    if not clean_reset or not path.exists():
        return open_store()
    erase_history(DiskDirectory(path))
    try:
        store, stored = open_store()
    except SealError as unreadable:
        log.warning("clean reset: the keys were sealed by other code (%s) and are replaced", unreadable.code)
        shutil.rmtree(path)
        return open_store()
    store.put_secret(PINS_LABEL, PINS.encode({}))
    store.put_secret(RUNTIME_LABEL, b"")
    return store, stored


def recover(
    store: SealedStore,
    stored: StoredState,
    mrenclave: bytes,
    shard: bytes | None,
    url: str,
    ledger: Ledger,
    random: Callable[[int], bytes] = os.urandom,
    check_invariants: bool = False,
) -> EnclaveCore:
    """The core as the open store remembers it. `shard` defaults to the stored one, else to `mrenclave`.

    Raises the named errors of a tampered journal, RecoveryError, ForeignShard.
    """
    keys = load_or_create(store, random)
    outbox = Outbox(keys.signing)
    recovered = Recovered(Trie.empty())
    if stored.snapshot is not None:
        recovered = from_snapshot(stored.snapshot.items(), stored.snapshot.meta, outbox)
    for record in stored.records:
        recovered.apply(record.kind, record.payload, outbox)
    wanted = shard or recovered.shard or mrenclave
    if recovered.shard not in (None, wanted):
        raise ForeignShard(wanted, recovered.shard or b"")
    config = CoreConfig(wanted, mrenclave, url, check_invariants)
    return EnclaveCore(config, keys, ledger, store, recovered, outbox, random)


def identity(core: EnclaveCore, tee: Tee, trusted_port: int) -> EnclaveIdentity:
    """What the enclave says of itself at start."""
    keys = core.keys
    return EnclaveIdentity(
        fingerprint=core.config.mrenclave,
        kind=tee.kind.name.lower(),
        version=integritee.__version__,
        account=keys.signing.public,
        ledger_account=keys.ledger.public,
        shard=core.config.shard,
        vault=keys.vault(core.config.shard).public,
        shielding_key=keys.shielding.public.to_json(),
        trusted_port=trusted_port,
    )

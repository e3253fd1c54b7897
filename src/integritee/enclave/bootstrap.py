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
from integritee.boundary.messages import EnclaveIdentity, InitParams, LedgerChoice
from integritee.frame.overlay import Overlay
from integritee.primitives.ids import ParentchainId
from integritee.stf.ledger import Ledger
from integritee.trie import Trie

from .attestation.measurement import measure
from .attestation.seal_root import load_or_create_root
from .attestation.simulation import SimulationTee
from .attestation.tee import SealPolicy, Tee
from .core import CoreConfig, EnclaveCore
from .errors import ForeignShard, SealPolicyRefused, VaultElsewhere
from .frontend.begin import Begin, Facts
from .keys import load_or_create
from .parentchain.link import forget_contacts
from .parentchain.outbox import Outbox
from .records import Recovered, from_snapshot
from .sidechain.chain import Chain
from .sidechain.slots import SLOT_MS
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
    ForeignShard if it holds another shard, VaultElsewhere if the shard's vault is not where it is wanted.
    """
    data_dir = Path(params.data_dir)
    config = config_of(params)
    ledger = ledger_of(config)
    data_dir.mkdir(parents=True, exist_ok=True)
    tee = SimulationTee(measured(config), load_or_create_root(data_dir / SEAL_ROOT_FILE), random)
    policy = seal_policy(tee, params)
    store, stored = _open_store(data_dir, tee.seal_key(SEAL_LABEL, policy), int(tee.kind), params.clean_reset, random)
    try:
        mrenclave = tee.identity().fingerprint
        wishes = Wishes(
            params.trusted_url,
            params.shard,
            params.shielding_target,
            params.max_parentchain_age_ms,
            params.check_invariants,
            params.slot_ms,
        )
        core = recover(store, stored, mrenclave, wishes, ledger, random)
        return Enclave(core, store, tee)
    except BaseException:
        store.close()
        raise


def config_of(choice: InitParams | LedgerChoice) -> LedgerConfig:
    """The ledger's configuration, all of which is measured. Raises AppError, CustodiansRefused."""
    return LedgerConfig.of(choice.apps, choice.development, choice.custodians, choice.custodian_threshold)


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
    forget_contacts(store)
    return store, stored


@dataclass(frozen=True)
class Wishes:
    """What the operator asks of the core; see `InitParams`."""

    url: str
    shard: bytes | None = None
    shielding_target: ParentchainId | None = None
    max_parentchain_age_ms: int = 0
    check_invariants: bool = False
    slot_ms: int = SLOT_MS


def recover(
    store: SealedStore,
    stored: StoredState,
    mrenclave: bytes,
    wishes: Wishes,
    ledger: Ledger,
    random: Callable[[int], bytes] = os.urandom,
) -> EnclaveCore:
    """The core as the open store remembers it. Its shard is the stored one, else the one asked for, else `mrenclave`.

    Raises the named errors of a tampered journal, RecoveryError, ForeignShard, VaultElsewhere.
    """
    keys = load_or_create(store, random)
    outboxes = {id: Outbox(keys.signing) for id in ParentchainId}
    own = keys.signing.public
    recovered = Recovered(Chain(Trie.empty(), own), outboxes)
    if stored.snapshot is not None:
        recovered = from_snapshot(stored.snapshot.items(), stored.snapshot.meta, outboxes, own)
    for record in stored.records:
        recovered.apply(record.kind, record.payload)
    shard = wishes.shard or recovered.shard or mrenclave
    if recovered.shard not in (None, shard):
        raise ForeignShard(shard, recovered.shard or b"")
    config = CoreConfig(
        shard,
        mrenclave,
        wishes.url,
        _shielding_target(ledger, recovered, wishes.shielding_target),
        wishes.max_parentchain_age_ms,
        wishes.check_invariants,
        wishes.slot_ms,
    )
    return EnclaveCore(config, keys, ledger, store, recovered, random)


def _shielding_target(ledger: Ledger, recovered: Recovered, wanted: ParentchainId | None) -> ParentchainId:
    """Where the vault is, or will be. Raises VaultElsewhere: it does not move."""
    vault = ledger.runtime(Overlay(recovered.chain.state)).vault() if recovered.shard is not None else None
    if vault is None:
        return ParentchainId.Integritee if wanted is None else wanted
    if wanted not in (None, vault[1]):
        raise VaultElsewhere(wanted.name, vault[1].name)
    return vault[1]


def beginning(core: EnclaveCore, params: InitParams, mu_ra_url: str, now: int) -> Begin:
    """What the front end is told; `mu_ra_url` with the port that was found, `now` in Unix ms."""
    facts = Facts(
        shard=core.config.shard,
        fingerprint=core.config.mrenclave,
        mu_ra_url=mu_ra_url,
        untrusted_url=params.untrusted_url,
        stf_metadata=core.ledger.metadata,
        version=integritee.__version__,
    )
    return Begin(
        facts=facts,
        apps=config_of(params).apps,
        development=params.development,
        shielding_key=core.keys.shielding.private_json(),
        seed=core.keys.signing.seed,
        host=params.trusted_host,
        port=params.trusted_port,
        connections=params.max_connections,
        now=now,
    )


def identity(core: EnclaveCore, tee: Tee, trusted_port: int, mu_ra_port: int = 0) -> EnclaveIdentity:
    """What the enclave says of itself at start."""
    keys = core.keys
    return EnclaveIdentity(
        fingerprint=core.config.mrenclave,
        kind=tee.kind.name.lower(),
        version=integritee.__version__,
        account=keys.signing.public,
        ledger_account=keys.ledger.public,
        shard=core.config.shard,
        vault=(core.runtime.vault() or (keys.vault(core.config.shard).public,))[0],
        shielding_target=core.config.shielding_target,
        shielding_key=keys.shielding.public.to_json(),
        trusted_port=trusted_port,
        mu_ra_port=mu_ra_port,
    )

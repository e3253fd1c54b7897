"""Exporting a shard: inside the enclave, for the custodians that are measured with its code and nobody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from integritee.apps.catalog import LedgerConfig
from integritee.crypto import envelope_seal
from integritee.primitives.ids import ParentchainId

from ..adoption import estate_of, share
from ..attestation.tee import Tee
from ..core import EnclaveCore
from ..errors import HandedOver
from ..keys import HANDED_OVER_LABEL
from .bundle import (
    SHARE_LENGTH,
    BundleFront,
    BundleHeader,
    BundleSecrets,
    SealedShare,
    share_context,
    share_hash,
    write_bundle,
)
from .errors import NoCustodians, NothingToExport
from .shamir import split


def export_shard(
    file: BinaryIO,
    core: EnclaveCore,
    tee: Tee,
    config: LedgerConfig,
    now: int,
    random: Callable[[int], bytes],
) -> BundleHeader:
    """Write the shard of `core` into `file`; `now` is unix ms, as the host says.

    Raises NoCustodians, NothingToExport, HandedOver for an identity that another enclave has now, OSError.
    """
    if not config.custodians:
        raise NoCustodians
    if not core.is_running:
        raise NothingToExport
    if successor := core.store.get_secret(HANDED_OVER_LABEL):
        raise HandedOver(successor)
    state, meta = share(core)
    data_key, nonce = random(SHARE_LENGTH), random(32)
    header = BundleHeader(
        shard=core.config.shard,
        genesis=genesis_of(core),
        number=core.head.block_number if core.head else 0,
        hash=core.head.hash() if core.head else bytes(32),
        state_root=state.root(),
        entries=sum(1 for _ in state.items()),
        state_bytes=core.state_bytes,
        measurement=tee.identity().fingerprint,
        account=core.keys.signing.public,
        shielding_key=core.keys.shielding.public.to_json().encode(),
        exported_at=now,
        nonce=nonce,
        threshold=config.custodian_threshold,
        shares=_shares(config, data_key, nonce, random),
    )
    front = BundleFront(header, tee.evidence(header.binding().report_data()))
    secrets = BundleSecrets(core.keys.shielding.private_json(), core.keys.state, meta, estate_of(core))
    write_bundle(file, front, data_key, secrets, state.items())
    return header


def genesis_of(core: EnclaveCore) -> bytes:
    """Of Integritee; zeros if the shard has not seen it."""
    return core.runtime.parentchain(ParentchainId.Integritee).parentchain_genesis_hash.get() or bytes(32)


def _shares(config: LedgerConfig, data_key: bytes, nonce: bytes, random: Callable[[int], bytes]) -> list[SealedShare]:
    parts = split(data_key, config.custodian_threshold, len(config.custodians), random)
    return [
        SealedShare(
            custodian,
            share_hash(nonce, index, part),
            envelope_seal(custodian, part, share_context(nonce, index), random),
        )
        for index, (custodian, part) in enumerate(zip(config.custodians, parts, strict=True), 1)
    ]

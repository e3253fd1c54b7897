"""The ecalls of examination and recovery, for an enclave process that serves no shard."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from integritee.apps.catalog import LedgerConfig
from integritee.boundary.endpoint import Handler
from integritee.boundary.interface import Ecalls, Method
from integritee.boundary.messages import (
    Examination,
    Examine,
    ExportShard,
    ImportShard,
    Nothing,
    Provisioned,
    ShardExported,
    ShareRelease,
    ShareRequest,
    SharesHeld,
)

from ..adoption import SHARED, adopt
from ..bootstrap import config_of
from ..store import Recovered, SealedStore
from ..store.files import TEMPORARY
from .errors import NoImport, ShardPresent
from .examination import examine
from .export import export_shard
from .place import Place, place_of
from .restore import ShardImport

Random = Callable[[int], bytes]


class RecoveryEcalls:
    """`expect_ledger` raises if this process has loaded another ledger, or serves one already."""

    def __init__(self, expect_ledger: Callable[[LedgerConfig], None], random: Random = os.urandom) -> None:
        self._expect_ledger, self._random = expect_ledger, random
        self._import: tuple[Place, ShardImport] | None = None
        self._file: BinaryIO | None = None

    def handlers(self) -> dict[Method[Any, Any], Handler]:
        """By method, for the boundary."""
        return {
            Ecalls.examine: self.examine,
            Ecalls.export_shard: self.export_shard,
            Ecalls.import_shard: self.import_shard,
            Ecalls.offer_share: self.offer_share,
            Ecalls.finish_import: self.finish_import,
        }

    async def examine(self, asked: Examine) -> Examination:
        """See `examination.examine`."""
        self._expect_ledger(config_of(asked.place.ledger))
        return examine(asked, self._random)

    async def export_shard(self, asked: ExportShard) -> ShardExported:
        """Write a bundle; under its name only once it is whole. Raises as `export_shard`, and as opening a store."""
        self._expect_ledger(config_of(asked.place.ledger))
        place = place_of(asked.place, self._random)
        store, stored = _open(place, self._random)
        path = Path(asked.path)
        temporary = path.with_name(path.name + TEMPORARY)
        with store:
            core = place.recover(store, stored, self._random, slot_ms=asked.slot_ms)
            try:
                with temporary.open("wb") as file:
                    header = export_shard(file, core, place.tee, place.config, asked.now, self._random)
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
        return ShardExported(header.identity, header.number, header.hash, header.entries, header.state_bytes)

    async def import_shard(self, asked: ImportShard) -> ShareRequest:
        """Begin an import; one before it is given up. Raises ShardPresent, and as `ShardImport`."""
        self._expect_ledger(config_of(asked.place.ledger))
        place = place_of(asked.place, self._random)
        store, stored = _open(place, self._random)
        with store:
            core = place.recover(store, stored, self._random)
            if core.is_running:
                raise ShardPresent
            account = core.keys.signing.public
        self._close()
        file = Path(asked.path).open("rb")  # noqa: SIM115, ASYNC230  # until the import ends
        try:
            pending = ShardImport(file, place.config, account, place.tee, asked.now, self._random)
        except BaseException:
            file.close()
            raise
        self._file, self._import = file, (place, pending)
        return ShareRequest(pending.request, pending.header.threshold)

    async def offer_share(self, offered: ShareRelease) -> SharesHeld:
        """Take a custodian's share. Raises NoImport, ShareError."""
        _, pending = self._pending()
        pending.offer(offered.release)
        return SharesHeld(pending.held, pending.header.threshold)

    async def finish_import(self, _: Nothing) -> Provisioned:
        """Open the bundle and seal what it holds, for the next start of this enclave.

        Raises NoImport, SharesMissing, BundleTampered, ShardPresent, and as `adopt`.
        """
        place, pending = self._pending()
        restored = pending.open()
        secrets = restored.secrets
        shared = SHARED.decode(secrets.meta)
        store, stored = _open(place, self._random)
        with store:
            core = place.recover(store, stored, self._random, shared.shard, shared.slot_ms)
            if core.is_running:
                raise ShardPresent
            adopt(core, secrets.shielding_key, secrets.state_key, secrets.meta, restored.state, secrets.estate)
        self._close()
        header = restored.header
        return Provisioned(header.number, header.hash, header.entries, header.state_bytes)

    def _pending(self) -> tuple[Place, ShardImport]:
        if self._import is None:
            raise NoImport
        return self._import

    def _close(self) -> None:
        self._import = None
        if self._file is not None:
            self._file.close()
            self._file = None


def _open(place: Place, random: Random) -> tuple[SealedStore, Recovered]:
    return SealedStore.open(place.directory, place.seal_key(), int(place.tee.kind), random=random)

"""Importing a shard: inside an enclave that has none, with as many shares as it takes.

Who the custodians are is measured with this enclave's code, and each share comes authenticated by one of them: a host
that makes up a bundle, whoever it says can open it, gets no further than its own custodians, who are not these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from integritee.apps.catalog import LedgerConfig
from integritee.crypto import envelope_open, envelope_public
from integritee.crypto.errors import AeadTampered
from integritee.trie import Trie

from ..attestation.tee import Tee
from .bundle import BundleHeader, BundleSecrets, entries_of, read_content, read_front, share_hash
from .errors import BundleTampered, ForeignBundle, NoCustodians, ReleaseRefused, ShareKnown, SharesMissing
from .request import REQUEST, VERSION, Request, RequestTerms, decode_release, release_context
from .shamir import combine


@dataclass(frozen=True, repr=False)
class RestoredShard:
    """What a bundle held, verified against its state root: `adoption.adopt` takes it."""

    secrets: BundleSecrets
    state: Trie
    header: BundleHeader

    def __repr__(self) -> str:
        return f"RestoredShard(root=0x{self.header.state_root.hex()})"


class ShardImport:
    """One import, from its request to the opened bundle. The key it asks with is in this process only."""

    def __init__(
        self,
        file: BinaryIO,
        config: LedgerConfig,
        account: bytes,
        tee: Tee,
        now: int,
        random: Callable[[int], bytes],
    ) -> None:
        """Begin with a bundle, of which the readable part is read. `account` is this enclave's; `now` unix ms.

        Raises NotABundle, NoCustodians, ForeignBundle, OSError.
        """
        if not config.custodians:
            raise NoCustodians
        self._file = file
        self.header = header = read_front(file).header
        self._content_at = file.tell()
        if header.custodians != config.custodians:
            raise ForeignBundle("set of custodians")
        if header.threshold != config.custodian_threshold:
            raise ForeignBundle("threshold")
        self._private = random(32)
        self._shares: dict[int, bytes] = {}
        terms = RequestTerms(
            VERSION,
            header.identity,
            header.genesis,
            header.shard,
            account,
            envelope_public(self._private),
            random(32),
            now,
        )
        self._digest = terms.digest
        self.request = REQUEST.encode(Request(terms, tee.evidence(terms.binding().report_data())))
        """What custodians are shown."""

    @property
    def held(self) -> int:
        """How many shares are here."""
        return len(self._shares)

    def offer(self, data: bytes) -> None:
        """Take a custodian's share. Raises ReleaseRefused, ShareKnown; what was held before is kept."""
        release = decode_release(data)
        if release.request != self._digest:
            raise ReleaseRefused("it answers another request")
        if not 1 <= release.index <= len(self.header.shares):
            raise ReleaseRefused("there is no such custodian")
        sealed = self.header.shares[release.index - 1]
        context = release_context(self._digest, release.index)
        try:
            share = envelope_open(self._private, release.sealed, context, sealed.custodian)
        except AeadTampered:
            raise ReleaseRefused("it is not from the custodian it names, or altered") from None
        if share_hash(self.header.nonce, release.index, share) != sealed.hash:
            raise ReleaseRefused("it is not the share of this bundle")
        if release.index in self._shares:
            raise ShareKnown(release.index)
        self._shares[release.index] = share

    def open(self) -> RestoredShard:
        """The shard, once there are shares enough; the file is read to its end.

        Raises SharesMissing, BundleTampered, OSError.
        """
        threshold = self.header.threshold
        if self.held < threshold:
            raise SharesMissing(self.held, threshold)
        self._file.seek(self._content_at)
        chosen = dict(sorted(self._shares.items())[:threshold])
        secrets, pieces = read_content(self._file, self.header, combine(chosen))
        state = Trie.from_items(entries_of(pieces))
        if state.root() != self.header.state_root:
            raise BundleTampered("the state does not have its root")
        return RestoredShard(secrets, state, self.header)

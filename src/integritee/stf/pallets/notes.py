"""pallet Notes: what accounts find about themselves, in buckets of limited size that are dropped when they are old.

Every note goes into the newest bucket, once, and is linked to the accounts it concerns. Source: worker
`app-libs/sgx-runtime/pallets/notes`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from integritee.frame.declare import Constant, Errors, constant, error
from integritee.frame.pallet import Pallet
from integritee.frame.storage_items import Blake2_128Concat, StorageDoubleMap, StorageMap, StorageValue
from integritee.primitives.ids import AccountId
from integritee.scale import codec, u32
from integritee.stf.types import (
    BucketIndex,
    BucketInfo,
    BucketRange,
    NoteIndex,
    TimestampedTrustedNote,
    TrustedNote,
)

from .timestamp import Timestamp

NOTE_VERSION: Final = 1
"""Grows when clients must read payloads of notes in another way."""

NOTE: Final = codec(TimestampedTrustedNote)
INDEX: Final = codec(NoteIndex)

MAX_LINKS: Final = 2
"""Accounts that one note concerns."""


class Notes(Pallet):
    """Sizes in bytes of encoded notes, times in Unix ms."""

    path = "pallet_notes"
    timestamp: Timestamp

    last_note_index: StorageValue[NoteIndex | None]
    last_bucket_index: StorageValue[BucketIndex | None]
    first_bucket_index: StorageValue[BucketIndex | None]
    closed_buckets_size: StorageValue[u32]
    buckets: StorageMap[Blake2_128Concat[BucketIndex], BucketInfo | None]
    notes: StorageDoubleMap[Blake2_128Concat[BucketIndex], Blake2_128Concat[NoteIndex], TimestampedTrustedNote | None]
    notes_lookup: StorageDoubleMap[Blake2_128Concat[BucketIndex], Blake2_128Concat[AccountId], list[NoteIndex]]

    max_note_size: Constant[u32] = constant(512)
    max_bucket_size: Constant[u32] = constant(51_200)
    max_total_size: Constant[u32] = constant(5_120_000)

    class Error(Errors):
        BucketPurged = error("the bucket is no longer there")
        Overflow = error("there are no numbers left")
        TooManyLinkedAccounts = error("a note concerns two accounts at most")
        NoteTooLong = error("the note does not fit into MaxNoteSize when encoded")
        EnforceRetentionLimitFailed = error("there is no bucket to drop")

    # -- queries -------------------------------------------------------------------------------------

    def notes_for(self, who: bytes, bucket: int) -> list[TimestampedTrustedNote]:
        """Notes of an account in one bucket, oldest first; none if the bucket was dropped."""
        found = (self.notes.get(bucket, index) for index in self.notes_lookup.get(bucket, who))
        return [note for note in found if note is not None]

    def bucket_range(self) -> BucketRange:
        """The oldest and the newest bucket; None while there is none."""
        first, last = self.first_bucket_index.get(), self.last_bucket_index.get()
        return BucketRange(self.buckets.get(first or 0), self.buckets.get(last or 0))

    # -- leaving notes -------------------------------------------------------------------------------

    def store(self, link_to: Iterable[bytes], note: TrustedNote) -> None:
        """Keep a note, for each of `link_to` to find. Raises TooManyLinkedAccounts, NoteTooLong."""
        accounts = sorted(set(link_to))
        if len(accounts) > MAX_LINKS:
            raise self.Error.TooManyLinkedAccounts()
        now = self.timestamp.now.get()
        stamped = NOTE.encode(TimestampedTrustedNote(now, NOTE_VERSION, note))
        size = len(stamped)
        if size > self.max_note_size:
            raise self.Error.NoteTooLong()
        bucket = self._bucket_with_room_for(size, now)
        index = self._next_note_index()
        self.buckets.put(bucket.index, BucketInfo(bucket.index, bucket.bytes_ + size, bucket.begins_at, now))
        state = self.runtime.state
        state.put(self.notes.key_of(bucket.index, index), stamped)
        self.last_note_index.put(index)
        link = [INDEX.encode(index)]
        for account in accounts:
            # Appended, not rewritten: a busy account has hundreds of notes in a bucket.
            state.append(self.notes_lookup.key_of(bucket.index, account), link)

    def _next_note_index(self) -> int:
        last = self.last_note_index.get()
        return 0 if last is None else last + 1

    def _bucket_with_room_for(self, size: int, now: int) -> BucketInfo:
        """The newest bucket, or the next one if that is full."""
        if self.first_bucket_index.get() is None:
            self.first_bucket_index.put(0)
        last = self.last_bucket_index.get()
        bucket = None if last is None else self.buckets.get(last)
        if bucket is not None:
            if bucket.bytes_ + size <= self.max_bucket_size:
                return bucket
            self.closed_buckets_size.put(self.closed_buckets_size.get() + bucket.bytes_)
        index = 0 if last is None else last + 1
        self.last_bucket_index.put(index)
        self._drop_old_buckets(index)
        return BucketInfo(index, 0, now, now)

    def _drop_old_buckets(self, newest: int) -> None:
        """Make room for a full bucket `newest`. A new size limit may drop several at once."""
        first = self.first_bucket_index.get() or 0
        while first < newest and self.closed_buckets_size.get() + self.max_bucket_size >= self.max_total_size:
            self._drop(first)
            first += 1
            self.first_bucket_index.put(first)

    def _drop(self, bucket: int) -> None:
        info = self.buckets.get(bucket)
        self.buckets.remove(bucket)
        self.notes.clear_under(bucket)
        self.notes_lookup.clear_under(bucket)
        if info is not None:
            self.closed_buckets_size.put(max(self.closed_buckets_size.get() - info.bytes_, 0))

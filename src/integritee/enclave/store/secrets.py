"""Small sealed files for keys, one per label, tied to the journal so that an old one cannot be put back.

Every version of a secret has a number. Each journal segment begins with number and tag of all secrets'
files, and so does each snapshot. A secret put since then is not noted yet: until the next record is
appended, the host can still put the version before it in its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Final

from integritee.crypto.aead import TAG_LENGTH
from integritee.scale import Bounded, Bytes16, Struct, u64

from .errors import FileMissing, InvalidLabel, SecretMissing, SecretReplayed, TooLarge
from .files import Directory, write_atomic
from .seal import MAX_HEADER, Sealer

MAX_SECRET: Final = 1 << 20
"""Bytes of one secret."""

MAX_SECRETS: Final = 64
"""Labels of one store."""

_NAME: Final = re.compile(r"secret-([a-z0-9-]{1,24})")


class SecretMark(Struct, frozen=True):
    """Which version of a secret is the current one."""

    label: str
    version: u64
    tag: Bytes16
    """The last 16 bytes of its file: two versions never share them, even if their numbers are the same."""


SecretMarks = Annotated[list[SecretMark], Bounded(MAX_SECRETS)]


class Secrets:
    """The secrets of one store. Labels are 1 to 24 of a-z, 0-9 and hyphen."""

    def __init__(self, directory: Directory, sealer: Sealer, noted: Iterable[SecretMark]) -> None:
        """Check all files against the marks `noted` in journal and snapshot (of a label, the newest counts).

        Raises `SecretMissing`, `SecretReplayed` or `SealError`.
        """
        self._directory = directory
        self._sealer = sealer
        self._marks: dict[str, SecretMark] = {}
        for mark in noted:
            known = self._marks.get(mark.label)
            if known is None or known.version < mark.version:
                self._marks[mark.label] = mark
        found = {match[1] for name in directory.names() if (match := _NAME.fullmatch(name))}
        for label in sorted(found | self._marks.keys()):
            self._marks[label] = self._newest(label)[0]

    @property
    def marks(self) -> list[SecretMark]:
        """The current version of every secret, by label."""
        return [mark for _, mark in sorted(self._marks.items())]

    def put(self, label: str, data: bytes) -> None:
        """Durably replace a secret. Raises `InvalidLabel`, `TooLarge` or `DiskError`."""
        name = _file_name(label)
        if len(data) > MAX_SECRET:
            raise TooLarge("secret", limit=MAX_SECRET, found=len(data))
        if label not in self._marks and len(self._marks) >= MAX_SECRETS:
            raise TooLarge("secrets", limit=MAX_SECRETS, found=len(self._marks) + 1)
        version = self._marks[label].version + 1 if label in self._marks else 1
        blob = self._sealer.seal_blob(name, version, data)
        write_atomic(self._directory, name, blob)
        self._marks[label] = SecretMark(label, version, blob[-TAG_LENGTH:])

    def get(self, label: str) -> bytes | None:
        """The secret as last put, None if it never was.

        Raises `SecretMissing`, `SecretReplayed`, `SealError`, `InvalidLabel` or `DiskError`.
        """
        _file_name(label)
        return self._newest(label)[1] if label in self._marks else None

    def _newest(self, label: str) -> tuple[SecretMark, bytes]:
        """The secret's file, which must be the marked version or a later one."""
        name = _file_name(label)
        mark = self._marks.get(label)
        try:
            blob = self._directory.read(name, 0, MAX_HEADER + MAX_SECRET + TAG_LENGTH)
        except FileMissing:
            raise SecretMissing(label) from None
        version, data = self._sealer.open_blob(name, blob, name)
        found = SecretMark(label, version, blob[-TAG_LENGTH:])
        if mark and (version < mark.version or (version == mark.version and found != mark)):
            raise SecretReplayed(label, expected=mark.version, found=version)
        return found, data


def _file_name(label: str) -> str:
    name = f"secret-{label}"
    if not _NAME.fullmatch(name):
        raise InvalidLabel(label)
    return name

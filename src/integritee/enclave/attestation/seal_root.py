"""The secret of a simulated machine, in place of the key that real ones burn into the processor.

A file of 32 random bytes that only its owner can read. Copying it copies the machine.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from .errors import SealRootUnusable
from .tee import SEAL_KEY_LENGTH

MODE: Final = 0o600


def load_or_create_root(path: Path, random: Callable[[int], bytes] = os.urandom) -> bytes:
    """The 32 bytes in `path`, drawn and made durable if the file does not exist.

    The file appears whole or not at all, and of several processes that create it one wins. Raises
    `SealRootUnusable` if it is not a regular file, is open to others, or has another length; `OSError`.
    """
    try:
        return _load(path)
    except FileNotFoundError:
        _create(path, random(SEAL_KEY_LENGTH))
        return _load(path)


def _load(path: Path) -> bytes:
    # O_NONBLOCK keeps a FIFO in the file's place from blocking us.
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise SealRootUnusable(str(path), "a symbolic link") from None
    try:
        _check_status(path, os.fstat(descriptor))
        root = os.read(descriptor, SEAL_KEY_LENGTH + 1)
    finally:
        os.close(descriptor)
    if len(root) != SEAL_KEY_LENGTH:
        raise SealRootUnusable(str(path), f"not {SEAL_KEY_LENGTH} bytes")
    return root


def _check_status(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise SealRootUnusable(str(path), "not a regular file")
    if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & ~MODE:
        raise SealRootUnusable(str(path), "readable or writable by others than its owner")


def _create(path: Path, root: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(root)
            file.flush()
            os.fsync(descriptor)
        # Unlike a rename, a link never replaces the root that another process has just created.
        try:
            os.link(temporary, path)
        except FileExistsError:
            return
        _sync_directory(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""The simulated MRENCLAVE: a digest of the code that an enclave process is made of.

    SHA-256("tee-sim/measurement/v1" ‖ interpreter digest ‖ SHA-256(config) ‖ number of files u32
            ‖ (length of path u32 ‖ path ‖ SHA-256 of content), sorted by path)

Integers are little-endian; paths are relative to the place that holds the packages, with ``/``
(``integritee/scale/codec.py``), so that the same files give the same digest wherever they are installed.

Covered: every file of the trusted packages of `integritee` and of the given app packages, the measured
configuration, and which Python this is (implementation, version, build, architecture). Not covered: the
interpreter's binary, the standard library, other distributions, the operating system; in hardware those are
part of the real measurement. A process that measures itself proves nothing to others: the value identifies
code among honest parties and gives other code other sealing keys.

``__pycache__`` is left out, since running code writes it. Python would prefer a byte-code file planted there
to the source, so the enclave process starts with ``-I -B -X pycache_prefix=…``, which makes it look elsewhere.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from .errors import MeasuredTreeRefused

DOMAIN: Final = b"tee-sim/measurement/v1"
INTERPRETER_DOMAIN: Final = b"tee-sim/interpreter/v1"

TRUSTED_PACKAGES: Final = (
    "apps",
    "attestation",
    "boundary",
    "crypto",
    "enclave",
    "frame",
    "metadata",
    "primitives",
    "scale",
    "stf",
    "trie",
)
"""Packages of `integritee` that run inside."""
TRUSTED_MODULES: Final = ("__init__.py", "errors.py")
"""Modules of `integritee` itself that run inside."""

MAX_FILES: Final = 10_000
MAX_FILE_LENGTH: Final = 64 * 1024 * 1024
"""Bytes of one file."""
MAX_DEPTH: Final = 32
"""Nested directories."""

_REFUSED_SUFFIXES: Final = (".pth", ".pyc", ".pyo")
_REFUSED_NAMES: Final = ("sitecustomize.py", "usercustomize.py")


class MeasuredRoot(msgspec.Struct, frozen=True):
    """A directory or a single file, and the path under which it enters the measurement."""

    name: str
    path: Path


def measure(apps: Iterable[str] = (), config: bytes = b"") -> bytes:
    """The measurement (32 bytes) of this installation with the given app packages and configuration.

    Raises `MeasuredTreeRefused` if something cannot be measured faithfully, `OSError` if it cannot be read.
    """
    roots = [*trusted_roots(), *(app_root(package) for package in apps)]
    return digest(read_files(roots), interpreter=interpreter_digest(), config=config)


def trusted_roots() -> tuple[MeasuredRoot, ...]:
    """The parts of `integritee` that run inside."""
    package = Path(__file__).parents[2]
    return tuple(
        MeasuredRoot(f"{package.name}/{name}", package / name) for name in (*TRUSTED_PACKAGES, *TRUSTED_MODULES)
    )


def app_root(package: str) -> MeasuredRoot:
    """The directory of an installed package, by its dotted name. Raises `MeasuredTreeRefused`."""
    try:
        spec = importlib.util.find_spec(package)
    except ModuleNotFoundError:  # a package above it does not exist
        spec = None
    locations = list(spec.submodule_search_locations or ()) if spec else []
    if spec is None or spec.origin is None or len(locations) != 1:
        raise MeasuredTreeRefused(package, "not a regular package")
    return MeasuredRoot(package.replace(".", "/"), Path(locations[0]))


def interpreter_digest() -> bytes:
    """Digest of which Python this is, 32 bytes. Costs nothing, for it hashes only what Python says of itself."""
    facts = (
        sys.implementation.name,
        ".".join(map(str, sys.implementation.version)),
        sys.implementation.cache_tag or "",
        sys.version,
        os.uname().machine,
        sys.byteorder,
    )
    return hashlib.sha256(INTERPRETER_DOMAIN + b"".join(_framed(fact.encode()) for fact in facts)).digest()


def read_files(roots: Iterable[MeasuredRoot]) -> dict[str, bytes]:
    """SHA-256 of every file below the roots, by measured path. Raises `MeasuredTreeRefused` or `OSError`."""
    files: dict[str, bytes] = {}
    for root in roots:
        for name, path in _walk(root.name, root.path, MAX_DEPTH):
            if name in files:
                raise MeasuredTreeRefused(name, "measured twice")
            if len(files) == MAX_FILES:
                raise MeasuredTreeRefused(root.name, f"more than {MAX_FILES} files")
            files[name] = hashlib.sha256(path.read_bytes()).digest()
    return files


def digest(files: Mapping[str, bytes], *, interpreter: bytes, config: bytes) -> bytes:
    """The measurement of files (path → SHA-256), an interpreter digest and a configuration."""
    measurement = hashlib.sha256(DOMAIN + interpreter + hashlib.sha256(config).digest())
    measurement.update(len(files).to_bytes(4, "little"))
    for path, content in sorted((os.fsencode(path), content) for path, content in files.items()):
        measurement.update(_framed(path) + content)
    return measurement.digest()


def _walk(name: str, path: Path, depth: int) -> Iterator[tuple[str, Path]]:
    """The regular files below `path`; anything that may lead elsewhere is refused."""
    status = path.lstat()
    if stat.S_ISREG(status.st_mode):
        _check_file(path, status.st_size)
        yield name, path
    elif stat.S_ISDIR(status.st_mode):
        if depth == 0:
            raise MeasuredTreeRefused(str(path), f"more than {MAX_DEPTH} nested directories")
        for entry in path.iterdir():
            if entry.name != "__pycache__":
                yield from _walk(f"{name}/{entry.name}", entry, depth - 1)
    else:
        raise MeasuredTreeRefused(str(path), "neither a regular file nor a directory")


def _check_file(path: Path, length: int) -> None:
    if path.suffix in _REFUSED_SUFFIXES or path.name in _REFUSED_NAMES:
        raise MeasuredTreeRefused(str(path), "a file that changes what Python executes")
    if length > MAX_FILE_LENGTH:
        raise MeasuredTreeRefused(str(path), f"longer than {MAX_FILE_LENGTH} bytes")


def _framed(data: bytes) -> bytes:
    return len(data).to_bytes(4, "little") + data

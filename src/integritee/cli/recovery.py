"""`recovery`: what custodians of a shard do, each on a machine of his own. See `docs/recovery.md`.

A custodian makes a key, has its public half measured with the workers of the shard, and keeps the other. When the
shard has to be brought back, he looks who asks for his share, and seals it to that enclave alone.
"""

from __future__ import annotations

import argparse
import os
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import base58

from .arguments import Commands, Options, command, group
from .output import Output

if TYPE_CHECKING:
    from integritee.enclave.recovery.bundle import BundleFront
    from integritee.enclave.recovery.custodian import Judgement

KEY_MODE: Final = 0o600
MAX_REQUEST: Final = 2 << 20
"""Bytes of a request: a quote with its collateral."""


def add_commands(commands: Commands) -> None:
    recovery = group(commands, "recovery", "bring a shard back as one of its custodians", "recovery_command")
    new = command(recovery, "new-custodian", new_custodian, "make a custodian's key")
    new.add_argument("file", type=Path, help="where the private half goes; must not exist")
    look = command(recovery, "inspect", inspect, "show what an exported shard says of itself, and judge who made it")
    look.add_argument("file", type=Path, help="as `integritee-worker export-shard` wrote it")
    answer = command(recovery, "release", release, "give a share to the enclave that asks for it")
    answer.add_argument("file", type=Path, help="the exported shard")
    answer.add_argument("request", type=Path, help="as `integritee-worker import-shard` wrote it")
    answer.add_argument("share", type=Path, help="where the answer goes, for that worker")
    answer.add_argument("--key", type=Path, required=True, metavar="FILE", help="as `new-custodian` made it")
    answer.add_argument(
        "--measurement", type=measurement, metavar="MRENCLAVE", help="code that may have the share; the exporter's"
    )
    answer.add_argument(
        "--tcb-evaluation",
        type=int,
        default=0,
        metavar="NUMBER",
        help="of Intel's latest TCB recovery: collateral of before it is not believed",
    )
    for verb in (look, answer):
        verb.add_argument(
            "--exported-by", type=measurement, metavar="MRENCLAVE", help="code that must have exported the shard"
        )
        verb.add_argument(
            "--allow-simulation-insecure",
            action="store_true",
            help="believe evidence that everybody can make; for development only",
        )


def measurement(text: str) -> bytes:
    """32 bytes in base58."""
    try:
        found = base58.b58decode(text)
    except ValueError:
        found = b""
    if len(found) != 32:
        raise argparse.ArgumentTypeError(f"{text!r} is not base58 of 32 bytes")
    return found


async def new_custodian(options: Options, output: Output) -> None:
    """The private key never leaves the file; the public one is for `integritee-worker --custodian`."""
    from integritee.crypto import envelope_public

    private = os.urandom(32)
    descriptor = os.open(options.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, KEY_MODE)
    with os.fdopen(descriptor, "w") as file:
        file.write(private.hex() + "\n")
        file.flush()
        os.fsync(descriptor)
    output.answer("custodian", "0x" + envelope_public(private).hex())


async def inspect(options: Options, output: Output) -> None:
    """Raises NotABundle, AttestationError, RequesterRefused."""
    from integritee.enclave.recovery.custodian import verify_bundle

    front = _front(options.file)
    for name, value in _facts(front).items():
        output.line(f"{name.replace('_', ' '):<13} {value}")
        output.fact(name, value)
    for custodian in front.header.custodians:
        output.line(f"custodian     0x{custodian.hex()}")
        output.append("custodians", "0x" + custodian.hex())
    verify_bundle(front, _judgement(options))


async def release(options: Options, output: Output) -> None:
    """Raises as `custodian.release`, KeyFileUnusable, NotABundle."""
    from integritee.enclave.recovery import custodian
    from integritee.enclave.recovery.request import decode_request

    front = _front(options.file)
    with options.request.open("rb") as file:
        request = file.read(MAX_REQUEST)
    private = _key(options.key)
    now = time.time_ns() // 1_000_000
    answer = custodian.release(front, request, private, _judgement(options), now, os.urandom)
    options.share.write_bytes(answer)
    terms = decode_request(request).terms
    output.line(f"released a share of shard {base58.b58encode(front.header.shard).decode()}")
    output.answer("requester", base58.b58encode(terms.account).decode())


def _front(path: Path) -> BundleFront:
    from integritee.enclave.recovery.bundle import read_front

    with path.open("rb") as file:
        return read_front(file)


def _facts(front: BundleFront) -> dict[str, Any]:
    header = front.header
    return {
        "identity": header.identity.hex(),
        "shard": base58.b58encode(header.shard).decode(),
        "block": header.number,
        "block_hash": "0x" + header.hash.hex(),
        "state_root": "0x" + header.state_root.hex(),
        "exported_by": base58.b58encode(header.measurement).decode(),
        "exported_at": header.exported_at,
        "threshold": header.threshold,
    }


def _judgement(options: Options) -> Judgement:
    from integritee.enclave.recovery.custodian import Judgement

    accepted, minimum = getattr(options, "measurement", None), getattr(options, "tcb_evaluation", 0)
    return Judgement(accepted, options.exported_by, options.allow_simulation_insecure, minimum)


def _key(path: Path) -> bytes:
    """Raises KeyFileUnusable, OSError."""
    from integritee.enclave.recovery.errors import KeyFileUnusable

    with path.open() as file:
        if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
            raise KeyFileUnusable(str(path), "readable or writable by others than its owner")
        try:
            private = bytes.fromhex(file.read(100).strip())
        except ValueError:
            private = b""
    if len(private) != 32:
        raise KeyFileUnusable(str(path), "not 64 hex digits")
    return private

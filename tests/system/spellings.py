"""How a secret could look if something printed it."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path
from typing import Final

import base58

from integritee.boundary.messages import InitParams
from integritee.crypto import ss58_encode
from integritee.enclave.bootstrap import start

TELLING_BYTES: Final = 12
"""So many bytes in a row are no coincidence."""


def spellings(secret: bytes) -> list[bytes]:
    """Raw, hex, base64, base58 and lists of numbers, each of the beginning of a secret."""
    begin = secret[:TELLING_BYTES]
    numbers = [str(octet) for octet in begin]
    found = [
        begin,
        begin.hex().encode(),
        begin.hex().upper().encode(),
        base64.b64encode(begin),
        ",".join(numbers).encode(),
        ", ".join(numbers).encode(),
        repr(begin)[2:-1].encode(),
    ]
    if len(secret) == 32:
        found += [base58.b58encode(secret), ss58_encode(secret).encode()]
    return found


def enclave_secrets(data_dir: Path, scratch: Path) -> dict[str, bytes]:
    """The keys of an enclave, unsealed from a copy of its files. Works in simulation only, as it should."""
    copy = scratch / "copy"
    shutil.copytree(data_dir, copy)
    enclave = start(InitParams(str(copy), None, "", 0, "", "", "", 1000, [], True, False, True, False, False))
    try:
        keys = enclave.core.keys
        numbers = keys.shielding._key.private_numbers()
        return {
            "signing key": keys.signing.seed,
            "ledger key": keys.ledger.seed,
            "vault key": keys.vault(enclave.core.config.shard).seed,
            "state key": keys.state,
            "seal root": (copy / "simulated-seal-root").read_bytes(),
            "RSA d": numbers.d.to_bytes(384, "little"),
            "RSA d, big-endian": numbers.d.to_bytes(384, "big"),
            "RSA d, decimal": str(numbers.d).encode(),
            "RSA p": numbers.p.to_bytes(192, "little"),
            "RSA p, big-endian": numbers.p.to_bytes(192, "big"),
            "RSA q": numbers.q.to_bytes(192, "little"),
            "RSA q, big-endian": numbers.q.to_bytes(192, "big"),
        }
    finally:
        enclave.store.close()

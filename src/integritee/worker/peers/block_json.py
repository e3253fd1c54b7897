"""Sidechain blocks in the JSON of the peers' RPC (serde forms of worker `sidechain/primitives`).

Hashes are 0x-hex, the author is an SS58 address, bytes are arrays of numbers, signatures hex without 0x.
"""

from __future__ import annotations

import re
from typing import Any, Final

from integritee.crypto import CryptoError, ss58_decode, ss58_encode
from integritee.primitives.sidechain import BlockData, SidechainBlock, SidechainHeader, SignedBlock
from integritee.primitives.signature import Ecdsa, Ed25519, MultiSignature, Sr25519

from .errors import MalformedBlock

HASH: Final = re.compile("0x[0-9a-fA-F]{64}")
U64: Final = 1 << 64
SIGNATURES: Final[dict[str, tuple[type[Any], int]]] = {
    "Ed25519": (Ed25519, 64),
    "Sr25519": (Sr25519, 64),
    "Ecdsa": (Ecdsa, 65),
}


def block_to_json(signed: SignedBlock) -> dict[str, Any]:
    """Members in the order of the original."""
    header, data = signed.block.header, signed.block.block_data
    return {
        "block": {
            "header": {
                "parent_hash": hash_to_json(header.parent_hash),
                "block_number": header.block_number,
                "shard_id": hash_to_json(header.shard_id),
                "block_data_hash": hash_to_json(header.block_data_hash),
                "next_finalization_block_number": header.next_finalization_block_number,
            },
            "block_data": {
                "timestamp": data.timestamp,
                "layer_one_head": hash_to_json(data.layer_one_head),
                "block_author": ss58_encode(data.block_author),
                "signed_top_hashes": [hash_to_json(h) for h in data.signed_top_hashes],
                "encrypted_state_diff": list(data.encrypted_state_diff),
            },
        },
        "signature": _signature_to_json(signed.signature),
    }


def block_from_json(found: Any) -> SignedBlock:
    """Raises MalformedBlock. Members nobody knows are ignored."""
    try:
        header, data = found["block"]["header"], found["block"]["block_data"]
        return SignedBlock(
            SidechainBlock(
                SidechainHeader(
                    parent_hash=hash_from_json(header["parent_hash"]),
                    block_number=_number(header["block_number"]),
                    shard_id=hash_from_json(header["shard_id"]),
                    block_data_hash=hash_from_json(header["block_data_hash"]),
                    next_finalization_block_number=_number(header["next_finalization_block_number"]),
                ),
                BlockData(
                    timestamp=_number(data["timestamp"]),
                    layer_one_head=hash_from_json(data["layer_one_head"]),
                    block_author=ss58_decode(data["block_author"])[0],
                    signed_top_hashes=[hash_from_json(h) for h in _array(data["signed_top_hashes"])],
                    encrypted_state_diff=bytes(_array(data["encrypted_state_diff"])),
                ),
            ),
            _signature_from_json(found["signature"]),
        )
    except (LookupError, TypeError, ValueError, CryptoError) as wrong:
        raise MalformedBlock(f"{type(wrong).__name__}: {wrong}") from None


def hash_to_json(value: bytes) -> str:
    return "0x" + value.hex()


def hash_from_json(found: Any) -> bytes:
    """32 bytes. Raises ValueError."""
    if not isinstance(found, str) or not HASH.fullmatch(found):
        raise ValueError("no 0x-hex of 32 bytes")
    return bytes.fromhex(found[2:])


def _signature_to_json(signature: MultiSignature) -> dict[str, str]:
    for name, (kind, _) in SIGNATURES.items():
        if isinstance(signature, kind):
            raw: bytes = signature.signature
            return {name: raw.hex()}
    raise TypeError(f"unknown signature {signature!r}")


def _signature_from_json(found: Any) -> MultiSignature:
    if not isinstance(found, dict):
        raise TypeError("no signature")
    ((name, text),) = found.items()
    kind, length = SIGNATURES[name]
    if not isinstance(text, str) or not re.fullmatch(f"[0-9a-fA-F]{{{2 * length}}}", text):
        raise ValueError(f"no hex of {length} bytes")
    signature: MultiSignature = kind(bytes.fromhex(text))
    return signature


def _number(found: Any) -> int:
    if type(found) is not int or not 0 <= found < U64:
        raise ValueError("no unsigned 64-bit number")
    return found


def _array(found: Any) -> list[Any]:
    if not isinstance(found, list):
        raise TypeError("no array")
    return found

"""Parentchain headers, digests and blocks (sp_runtime::generic::{Header, Digest, DigestItem}).

A header's hash is blake2_256 of its SCALE form, seal included.
"""

from __future__ import annotations

from typing import ClassVar, Final

from integritee.crypto import blake2_256
from integritee.scale import Bytes4, Compact, Enum, Struct, decode, encode, u32

from .ids import H256

AURA_ENGINE: Final = b"aura"
GRANDPA_ENGINE: Final = b"FRNK"


class DigestItem(Enum, frozen=True):
    scale_path: ClassVar[str] = "sp_runtime::generic::digest::DigestItem"
    named_fields: ClassVar[bool | None] = False


class Other(DigestItem, frozen=True):
    index: ClassVar[int] = 0
    data: bytes


class Consensus(DigestItem, frozen=True):
    index: ClassVar[int] = 4
    engine: Bytes4
    data: bytes


class Seal(DigestItem, frozen=True):
    index: ClassVar[int] = 5
    engine: Bytes4
    data: bytes


class PreRuntime(DigestItem, frozen=True):
    index: ClassVar[int] = 6
    engine: Bytes4
    data: bytes


class RuntimeEnvironmentUpdated(DigestItem, frozen=True):
    index: ClassVar[int] = 8


class Digest(Struct, frozen=True):
    scale_path: ClassVar[str] = "sp_runtime::generic::digest::Digest"
    logs: list[DigestItem]


class Header(Struct, frozen=True):
    """Header of a parentchain block; `number` is u32 compact."""

    scale_path: ClassVar[str] = "sp_runtime::generic::header::Header"
    parent_hash: H256
    number: Compact[u32]
    state_root: H256
    extrinsics_root: H256
    digest: Digest

    def encoded(self) -> bytes:
        return encode(Header, self)

    def hash(self) -> bytes:
        """blake2_256 of the SCALE form."""
        return blake2_256(self.encoded())

    def to_rpc(self) -> dict[str, object]:
        """The JSON form of `chain_getHeader`."""
        return {
            "parentHash": "0x" + self.parent_hash.hex(),
            "number": hex(self.number),
            "stateRoot": "0x" + self.state_root.hex(),
            "extrinsicsRoot": "0x" + self.extrinsics_root.hex(),
            "digest": {"logs": ["0x" + encode(DigestItem, item).hex() for item in self.digest.logs]},
        }

    @classmethod
    def from_rpc(cls, view: dict[str, object]) -> Header:
        """Parse the JSON form. Raises KeyError, ValueError or DecodeError on anything else."""
        digest = view["digest"]
        logs = digest["logs"] if isinstance(digest, dict) else []
        return cls(
            parent_hash=_hex(view["parentHash"]),
            number=int(str(view["number"]), 16),
            state_root=_hex(view["stateRoot"]),
            extrinsics_root=_hex(view["extrinsicsRoot"]),
            digest=Digest([decode(DigestItem, _hex(item)) for item in logs]),
        )


def _hex(text: object) -> bytes:
    return bytes.fromhex(str(text).removeprefix("0x"))


def aura_slot(header: Header) -> int | None:
    """Slot number in the header's Aura pre-runtime digest (sp-consensus-aura), if any."""
    for item in header.digest.logs:
        if isinstance(item, PreRuntime) and item.engine == AURA_ENGINE and len(item.data) == 8:
            return int.from_bytes(item.data, "little")
    return None


def aura_slot_digest(slot: int) -> DigestItem:
    return PreRuntime(AURA_ENGINE, slot.to_bytes(8, "little"))

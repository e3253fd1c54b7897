"""The SGX extension of a PCK certificate: which platform it is for, and its trusted computing base.

Source: Intel SGX PCK Certificate and CRL Profile Specification, section 1.3.5. The extension
(1.2.840.113741.1.13.1) is a sequence of pairs (identifier below it, value):

    .1 PPID   .2 TCB: .2.1 … .2.16 component SVNs, .2.17 PCE SVN, .2.18 CPU SVN   .3 PCE id   .4 FMSPC
    .5 SGX type   .6 platform instance   .7 configuration: .7.1 dynamic, .7.2 cached keys, .7.3 SMT

The last two occur in certificates of the Platform CA only.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Final, Self, TypeVar

import msgspec

from . import der
from .errors import SgxExtensionMalformed

SGX_EXTENSION: Final = "1.2.840.113741.1.13.1"
TCB_COMPONENTS: Final = 16

_BASE: Final = der.read_one(der.object_identifier(SGX_EXTENSION), der.OBJECT_IDENTIFIER)
_PCE_SVN: Final = 17
_CPU_SVN: Final = 18

Pairs = dict[int, tuple[int, bytes]]
T = TypeVar("T")


class SgxType(enum.IntEnum):
    """How the processor protects memory."""

    STANDARD = 0
    SCALABLE = 1
    SCALABLE_WITH_INTEGRITY = 2


class PckPlatform(msgspec.Struct, frozen=True, kw_only=True):
    """Facts from the extension. A feature is None where the certificate does not tell."""

    ppid: bytes
    """Identifies the processor package(s): 16 bytes."""
    components: tuple[int, ...]
    """The 16 TCB component SVNs, each 0 … 255."""
    pce_svn: int
    cpu_svn: bytes
    pce_id: bytes
    """2 bytes."""
    fmspc: bytes
    """Family, model, stepping, platform type and custom SKU: 6 bytes."""
    sgx_type: SgxType
    platform_instance: bytes | None = None
    dynamic_platform: bool | None = None
    cached_keys: bool | None = None
    smt: bool | None = None

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read the extension's value. Raises `SgxExtensionMalformed`: nothing may be missing or repeated."""
        try:
            return cls._decode(data)
        except ValueError as error:
            raise SgxExtensionMalformed(str(error)) from None

    @classmethod
    def _decode(cls, data: bytes) -> Self:
        fields = _pairs(der.read_one(data, der.SEQUENCE), _BASE)
        tcb = _pairs(_take(fields, 2, der.SEQUENCE, bytes), _BASE + b"\x02")
        configuration: Pairs = {}
        if 7 in fields:
            configuration = _pairs(_take(fields, 7, der.SEQUENCE, bytes), _BASE + b"\x07")
        platform = cls(
            ppid=_take(fields, 1, der.OCTET_STRING, _octets(16)),
            components=tuple(_take(tcb, n, der.INTEGER, _below(256)) for n in range(1, TCB_COMPONENTS + 1)),
            pce_svn=_take(tcb, _PCE_SVN, der.INTEGER, _below(65_536)),
            cpu_svn=_take(tcb, _CPU_SVN, der.OCTET_STRING, _octets(16)),
            pce_id=_take(fields, 3, der.OCTET_STRING, _octets(2)),
            fmspc=_take(fields, 4, der.OCTET_STRING, _octets(6)),
            sgx_type=SgxType(_take(fields, 5, der.ENUMERATED, der.read_unsigned)),
            platform_instance=_optional(fields, 6, der.OCTET_STRING, _octets(16)),
            dynamic_platform=_optional(configuration, 1, der.BOOLEAN, _boolean),
            cached_keys=_optional(configuration, 2, der.BOOLEAN, _boolean),
            smt=_optional(configuration, 3, der.BOOLEAN, _boolean),
        )
        for rest in (fields, tcb, configuration):
            if rest:
                raise ValueError("unknown field")
        return platform


def _pairs(content: bytes, base: bytes) -> Pairs:
    """The values of a sequence of (identifier, value), by the last arc of their identifiers."""
    found: Pairs = {}
    for tag, pair in der.read_all(content):
        members = der.read_all(pair)
        if tag != der.SEQUENCE or len(members) != 2:
            raise ValueError("not a pair of identifier and value")
        (identifier_tag, identifier), value = members
        if identifier_tag != der.OBJECT_IDENTIFIER or identifier[:-1] != base:
            raise ValueError("foreign identifier")
        if identifier[-1] in found:
            raise ValueError("repeated field")
        found[identifier[-1]] = value
    return found


def _take(fields: Pairs, arc: int, tag: int, read: Callable[[bytes], T]) -> T:
    """Remove and read a field, so that what remains in the end is unknown."""
    if arc not in fields:
        raise ValueError(f"field {arc} is missing")
    found, content = fields.pop(arc)
    if found != tag:
        raise ValueError(f"field {arc} has another type")
    return read(content)


def _optional(fields: Pairs, arc: int, tag: int, read: Callable[[bytes], T]) -> T | None:
    return _take(fields, arc, tag, read) if arc in fields else None


def _octets(length: int) -> Callable[[bytes], bytes]:
    def read(content: bytes) -> bytes:
        if len(content) != length:
            raise ValueError(f"{len(content)} bytes instead of {length}")
        return content

    return read


def _below(limit: int) -> Callable[[bytes], int]:
    def read(content: bytes) -> int:
        value = der.read_unsigned(content)
        if value >= limit:
            raise ValueError(f"{value} is not below {limit}")
        return value

    return read


def _boolean(content: bytes) -> bool:
    if content not in (b"\x00", b"\xff"):
        raise ValueError("not a boolean")
    return content == b"\xff"

"""Trusted operations as they come out of their shielding, whichever way they came in."""

from __future__ import annotations

from integritee.scale import DecodeError
from integritee.stf.ledger import Ledger
from integritee.stf.operation import Get, TrustedCallSigned, TrustedOperation

from .errors import InvalidTop
from .rpc.errors import UnsupportedOperation


def signed_call(ledger: Ledger, plain: bytes) -> TrustedCallSigned:
    """The call in an encoded operation. Raises InvalidTop, UnsupportedOperation for a getter."""
    try:
        operation = ledger.codec(TrustedOperation).decode(plain)
    except DecodeError as malformed:
        raise InvalidTop(malformed.code) from None
    if isinstance(operation, Get):
        raise UnsupportedOperation("getter")
    signed: TrustedCallSigned = operation.signed
    return signed

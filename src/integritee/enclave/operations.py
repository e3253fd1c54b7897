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


class CallSignatures:
    """Judges calls to one enclave and shard as far as that takes no state: not in the process that holds it, which
    has more to do for each call than any other."""

    def __init__(self, ledger: Ledger, mrenclave: bytes, shard: bytes) -> None:
        self._ledger, self._mrenclave, self._shard = ledger, mrenclave, shard

    def expect_valid(self, plain: bytes) -> None:
        """Raises InvalidTop, UnsupportedOperation, InvalidSignature."""
        self._ledger.verify_call(signed_call(self._ledger, plain), self._mrenclave, self._shard)

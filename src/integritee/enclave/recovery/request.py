"""How an importing enclave asks for shares, and how custodians answer.

The enclave shows a key that only this process of it has, and evidence that binds the key to one bundle. A custodian
seals his share to that key from his own: the enclave knows from whom it is, and no other process can open it.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Final

from integritee.crypto.envelope import ENVELOPE_OVERHEAD
from integritee.primitives.ids import H256, AccountId, ShardIdentifier
from integritee.scale import Bounded, Bytes32, DecodeError, Struct, codec, u8, u64

from ..attestation.report_data import Binding, Purpose
from ..attestation.tee import Evidence
from .bundle import SHARE_LENGTH
from .errors import NotARequest, ReleaseRefused

REQUEST_LABEL: Final = b"integritee/request/v1"
VERSION: Final = 1


class RequestTerms(Struct, frozen=True):
    """What is asked: shares of which bundle, sealed to which key; `made_at` is unix ms as the host says."""

    version: u8
    bundle: H256
    genesis: H256
    shard: ShardIdentifier
    account: AccountId
    key: Bytes32
    nonce: Bytes32
    made_at: u64

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(REQUEST_LABEL + TERMS.encode(self)).digest()

    def binding(self) -> Binding:
        """What the request's evidence has to vouch for."""
        return Binding(
            purpose=Purpose.SHARD_IMPORT,
            account=self.account,
            tls_public_key=self.key,
            shielding_key=b"",
            genesis_hash=self.genesis,
            shard=self.shard,
            challenge=self.digest,
        )


class Request(Struct, frozen=True):
    terms: RequestTerms
    evidence: Evidence


class Release(Struct, frozen=True):
    """Share `index` (from 1) for the request with this digest."""

    version: u8
    request: H256
    index: u8
    sealed: Annotated[bytes, Bounded(SHARE_LENGTH + ENVELOPE_OVERHEAD)]


TERMS: Final = codec(RequestTerms)
REQUEST: Final = codec(Request)
RELEASE: Final = codec(Release)


def release_context(request: bytes, index: int) -> bytes:
    return b"release" + request + bytes((index,))


def decode_request(data: bytes) -> Request:
    """Raises NotARequest. Nothing in it is verified."""
    try:
        request: Request = REQUEST.decode(data)
    except DecodeError as malformed:
        raise NotARequest(malformed.code) from None
    if request.terms.version != VERSION:
        raise NotARequest(f"version {request.terms.version}")
    return request


def decode_release(data: bytes) -> Release:
    """Raises ReleaseRefused."""
    try:
        release: Release = RELEASE.decode(data)
    except DecodeError as malformed:
        raise ReleaseRefused(malformed.code) from None
    if release.version != VERSION:
        raise ReleaseRefused(f"version {release.version}")
    return release

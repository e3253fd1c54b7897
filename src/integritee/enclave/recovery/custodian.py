"""A custodian's side: judge who asks, then seal his share to that enclave alone.

Runs on the custodian's own machine. What it needs of attestation is what enclaves use to judge each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from integritee.attestation.anchors import TeeKind
from integritee.crypto import envelope_open, envelope_public, envelope_seal
from integritee.crypto.errors import AeadTampered

from ..attestation.errors import MeasurementNotAllowed
from ..attestation.policy import EvidencePolicy
from ..attestation.report_data import Binding, check_report_data
from ..attestation.tee import Evidence
from ..attestation.verify import verify_evidence
from .bundle import BundleFront, share_context, share_hash
from .errors import NotACustodian, RequesterRefused, RequestForeign, RequestOutdated, ShareBroken
from .request import RELEASE, VERSION, Release, decode_request, release_context

MAX_REQUEST_AGE: Final = 7 * 24 * 3600 * 1000
"""Milliseconds within which custodians answer a request."""
CLOCK_TOLERANCE: Final = 10 * 60 * 1000
"""Milliseconds that a request may come from the future."""


@dataclass(frozen=True)
class Judgement:
    """What a custodian accepts: code of the enclave that asks and of the one that exported (by default the same, that
    of the bundle), and simulated enclaves or not; of the one that asks, the least TCB evaluation number."""

    measurement: bytes | None = None
    exported_by: bytes | None = None
    allow_simulation_insecure: bool = False
    minimum_tcb_evaluation_number: int = 0

    def verify(self, evidence: Evidence, binding: Binding, expected: bytes, now: int, minimum: int = 0) -> None:
        """Is this evidence of the expected code for just this? Raises AttestationError, RequesterRefused."""
        kinds = {TeeKind.GRAMINE_SGX} | ({TeeKind.SIMULATION} if self.allow_simulation_insecure else set())
        policy = EvidencePolicy(
            allowed_kinds=frozenset(kinds),
            allow_simulation_insecure=self.allow_simulation_insecure,
            mr_enclaves=frozenset({expected}),
            minimum_tcb_evaluation_number=minimum,
        )
        try:
            check_report_data(verify_evidence(evidence, policy, now), binding)
        except MeasurementNotAllowed as other:
            raise RequesterRefused(other.mr_enclave, expected) from None


def verify_bundle(front: BundleFront, judgement: Judgement) -> None:
    """Was the bundle made by the code it should be from? Its evidence is judged as of when it was made.

    Raises AttestationError, RequesterRefused.
    """
    header = front.header
    expected = judgement.exported_by or judgement.measurement or header.measurement
    judgement.verify(front.evidence, header.binding(), expected, header.exported_at)


def release(
    front: BundleFront,
    request: bytes,
    private: bytes,
    judgement: Judgement,
    now: int,
    random: Callable[[int], bytes],
) -> bytes:
    """The answer of the custodian with the key `private`; `now` is unix ms.

    Raises AttestationError, NotARequest, RequestForeign, RequestOutdated, RequesterRefused, NotACustodian,
    ShareBroken.
    """
    header = front.header
    verify_bundle(front, judgement)
    asked = decode_request(request)
    terms = asked.terms
    if (terms.bundle, terms.shard, terms.genesis) != (header.identity, header.shard, header.genesis):
        raise RequestForeign
    if not now - MAX_REQUEST_AGE <= terms.made_at <= now + CLOCK_TOLERANCE:
        raise RequestOutdated(terms.made_at, now)
    expected = judgement.measurement or header.measurement
    judgement.verify(asked.evidence, terms.binding(), expected, now, judgement.minimum_tcb_evaluation_number)
    index = _index_of(front, envelope_public(private))
    share = _own_share(front, index, private)
    context = release_context(terms.digest, index)
    return RELEASE.encode(
        Release(VERSION, terms.digest, index, envelope_seal(terms.key, share, context, random, private))
    )


def _index_of(front: BundleFront, public: bytes) -> int:
    custodians = front.header.custodians
    if public not in custodians:
        raise NotACustodian(public)
    return custodians.index(public) + 1


def _own_share(front: BundleFront, index: int, private: bytes) -> bytes:
    nonce, sealed = front.header.nonce, front.header.shares[index - 1]
    try:
        share = envelope_open(private, sealed.sealed, share_context(nonce, index))
    except AeadTampered:
        raise ShareBroken(index) from None
    if share_hash(nonce, index, share) != sealed.hash:
        raise ShareBroken(index)
    return share

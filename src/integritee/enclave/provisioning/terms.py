"""Who may provision whom. All facts come from proven parentchain state; nothing the peer says weakens a rule."""

from __future__ import annotations

from typing import Final

import msgspec

from integritee.attestation.anchors import TeeKind
from integritee.enclave.attestation import (
    Binding,
    Evidence,
    EvidencePolicy,
    Purpose,
    VerifiedEvidence,
    check_report_data,
    verify_evidence,
)
from integritee.primitives.enclave_bridge import MAX_SHARD_SIGNERS

from .errors import AccountNotListed, EvidenceMissing, HandedOver, NotSuperseded, ShardFull, SkipRaForbidden
from .messages import Role

SKIP_RA_BANNER: Final = """\
##################################################################################
#  REMOTE ATTESTATION IS SKIPPED (--skip-ra)                                     #
#  Whoever reaches the provisioning port gets every key and the whole state.     #
#  Whoever sits between two enclaves reads and replaces them.                    #
#  For development only: never let a ledger like this hold anything of value.    #
##################################################################################"""
"""To be printed where an enclave starts that skips attestation."""


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """What an enclave says of itself, and is bound to by its evidence. Raises SkipRaForbidden."""

    account: bytes
    """Ed25519 public key, 32 bytes."""
    shielding_key: bytes
    """JSON of the public shielding key, as clients fetch it. A joiner's own is of no use later."""
    shard: bytes
    genesis_hash: bytes
    kind: TeeKind
    skip_ra: bool = False
    """Neither show evidence nor ask for it."""
    is_development: bool = False
    """Whether the parentchain is one on which nothing is at stake."""

    def __post_init__(self) -> None:
        if self.skip_ra and self.kind.is_hardware:
            raise SkipRaForbidden("this enclave runs in hardware")
        if self.skip_ra and not self.is_development:
            raise SkipRaForbidden("the parentchain is not for development")

    def binding(self, purpose: Purpose, tls_public_key: bytes, challenge: bytes) -> Binding:
        """What own evidence has to vouch for in one session."""
        return Binding(
            purpose=purpose,
            account=self.account,
            tls_public_key=tls_public_key,
            shielding_key=self.shielding_key,
            genesis_hash=self.genesis_hash,
            shard=self.shard,
            challenge=challenge,
        )


class Trust(msgspec.Struct, frozen=True, kw_only=True):
    """Whose evidence is accepted now."""

    now: int
    """Time of the latest proven parentchain block, unix ms."""
    entitled: frozenset[bytes]
    """Fingerprints of the code that keys and state may go to (server) or come from (client): own, in force."""
    minimum_tcb_evaluation_number: int = 0
    """Of collateral: the highest of evidence that was accepted so far."""


class ShardTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the shard has a place for now."""

    signers: tuple[bytes, ...] = ()
    """Accounts in the shard's status."""
    listed: frozenset[bytes] | None = None
    """Accounts that its configuration lists, if it lists any (`ShardConfig.authorities`)."""
    max_instances: int | None = None
    """Of its configuration."""
    successor: bytes | None = None
    """Fingerprint of the code in force if that is not this enclave's any more."""
    handed_over_to: bytes | None = None
    """The account that took over from this enclave."""

    def check(self, account: bytes, role: Role) -> None:
        """Raises HandedOver, AccountNotListed or ShardFull.

        A successor takes over the identity of this enclave, and with it its place: its own account counts for
        nothing.
        """
        if self.handed_over_to is not None and (role is Role.JOIN or account != self.handed_over_to):
            raise HandedOver(self.handed_over_to)
        if role is Role.SUCCEED:
            return
        if self.listed is not None and account not in self.listed:
            raise AccountNotListed(account)
        if account in self.signers:
            return
        limit = MAX_SHARD_SIGNERS if self.max_instances is None else min(self.max_instances, MAX_SHARD_SIGNERS)
        if len(self.signers) >= limit:
            raise ShardFull(len(self.signers), limit)

    def entitled(self, trust: Trust, role: Role) -> frozenset[bytes]:
        """Code that may take a role. Raises NotSuperseded.

        Only the code in force succeeds: the estate never moves to another enclave of the old code.
        """
        if role is Role.JOIN:
            return trust.entitled
        if self.successor is None:
            raise NotSuperseded
        return frozenset((self.successor,))


def evidence_policy(own_kind: TeeKind, trust: Trust, entitled: frozenset[bytes]) -> EvidencePolicy:
    """Hardware trusts hardware, simulation simulation; each under its own root."""
    return EvidencePolicy(
        own_kind=own_kind,
        allowed_kinds=frozenset((own_kind,)),
        allow_simulation_insecure=not own_kind.is_hardware,
        mr_enclaves=entitled,
        minimum_tcb_evaluation_number=trust.minimum_tcb_evaluation_number,
    )


def verify_peer(
    evidence: Evidence | None, binding: Binding, own_kind: TeeKind, trust: Trust, entitled: frozenset[bytes]
) -> VerifiedEvidence:
    """Is the peer entitled code, and is this its session? Raises EvidenceMissing or an `AttestationError`."""
    if evidence is None:
        raise EvidenceMissing
    verified = verify_evidence(evidence, evidence_policy(own_kind, trust, entitled), trust.now)
    check_report_data(verified, binding)
    return verified

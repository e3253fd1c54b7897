"""What the two edges ask of the enclave around them."""

from __future__ import annotations

from typing import Protocol

from integritee.enclave.attestation import Evidence, VerifiedEvidence

from .messages import Role
from .snapshots import Secrets, Snapshot
from .terms import Party, ShardTerms, Trust


class Applicant(Protocol):
    """The enclave that wants to be provisioned."""

    @property
    def party(self) -> Party: ...

    def trust(self) -> Trust:
        """Whom to accept keys and state from, now."""

    async def evidence(self, report_data: bytes) -> Evidence:
        """Evidence for 64 bytes, with collateral."""

    def remember(self, peer: VerifiedEvidence) -> None:
        """Have `trust` demand from now on, durably, what the evidence of a peer shows that was accepted.

        Raises if it cannot be durable: the peer gets nothing then.
        """


class Provider(Applicant, Protocol):
    """The enclave that provisions others. Its `trust` says whom to give keys and state to."""

    def terms(self) -> ShardTerms:
        """Whom the shard has a place for, now."""

    def secrets(self) -> Secrets:
        """The keys that all enclaves of the shard share."""

    def snapshot(self) -> Snapshot:
        """The newest durable state."""

    async def hand_over(self, account: bytes) -> bytes:
        """Retire in favour of an account and return the estate.

        Returns when it is durable that this account succeeds; from then on `terms` says so and the state is
        final. Asked again for the same account, it returns the estate again. Raises if it cannot be: nothing
        has left then.
        """

    async def admit(self, account: bytes, role: Role) -> None:
        """Do what lets an enclave that has all in (make it a proxy of the vault). May be asked again."""

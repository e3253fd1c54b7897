"""What a trusted execution environment offers the enclave, and the claims that evidence proves.

Time is missing on purpose: none of the supported environments has a trusted clock. The enclave's time is
that of finalized parentchain blocks and is passed in as `now`.
"""

from __future__ import annotations

import enum
from typing import Annotated, Final, Protocol

import msgspec

from integritee.attestation.anchors import TeeKind
from integritee.attestation.collateral import Collateral, TcbStatus
from integritee.attestation.quote import MAX_QUOTE_LENGTH
from integritee.scale import Bounded, Struct

FINGERPRINT_LENGTH: Final = 32
SEAL_KEY_LENGTH: Final = 32


class SealPolicy(enum.IntEnum):
    """Which code can derive a sealing key again."""

    MRENCLAVE = 0
    """Exactly this code."""
    MRSIGNER = 1
    """Any code of the same signer: only for a planned upgrade."""


class TeeIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """Which code runs where. `measurement` and `signer` are MRENCLAVE and MRSIGNER (or stand for them)."""

    kind: TeeKind
    measurement: bytes
    signer: bytes
    product_id: int
    security_version: int
    debug: bool

    @property
    def fingerprint(self) -> bytes:
        """The 32 bytes by which the parentchain knows this code."""
        return self.measurement

    def __str__(self) -> str:
        """Hex of the measurement; ``sim:`` in front says that it was not measured by hardware."""
        return ("" if self.kind.is_hardware else "sim:") + self.measurement.hex()


class Evidence(Struct, frozen=True):
    """A quote with what is needed to verify it, and the claim which kind of environment made it.

    The claim selects the root of trust, never whether verification happens. An environment that cannot
    fetch collateral leaves it out; the host adds it on the way.
    """

    kind: TeeKind
    quote: Annotated[bytes, Bounded(MAX_QUOTE_LENGTH)]
    collateral: Collateral | None


class VerifiedEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """Claims that hold at `verified_at`. Made by the module `verify` only; code that needs trust takes this type.

    Times are unix ms. `report_data` (64 bytes) is authentic but still has to be compared with what it
    should bind (`report_data.check_report_data`).
    """

    identity: TeeIdentity
    report_data: bytes
    tcb_status: TcbStatus
    advisories: tuple[str, ...]
    """Security advisories that apply to the platform, sorted; the policy accepts each."""
    hardware_id: bytes
    """PPID: the same for every enclave of one machine."""
    tcb_evaluation_number: int
    """Lowest number in the collateral. The highest of them is demanded of the next (`LatestEvaluation`)."""
    expires_at: int
    """When the first certificate, list or document used here expires."""
    verified_at: int


class Tee(Protocol):
    """A trusted execution environment, seen from inside."""

    @property
    def kind(self) -> TeeKind: ...

    def identity(self) -> TeeIdentity:
        """Which code this is."""

    def evidence(self, report_data: bytes) -> Evidence:
        """Evidence that this code vouches for `report_data`, exactly 64 bytes. Raises `WrongLength`."""

    def seal_key(self, label: bytes, policy: SealPolicy) -> bytes:
        """The 32-byte key for one purpose, the same on every call; other labels give unrelated keys."""

    def random(self, length: int) -> bytes:
        """Unpredictable bytes."""

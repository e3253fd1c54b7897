"""What a verifier accepts beyond genuineness. The defaults accept nothing: every enclave has to be listed.

A policy is part of the measured configuration; nothing a peer or the host says may weaken it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from integritee.attestation.anchors import TeeKind
from integritee.attestation.collateral import TcbStatus
from integritee.attestation.pck import PckPlatform, SgxType
from integritee.attestation.quote import Flag, ReportBody
from integritee.attestation.tcb import Tcb

from .errors import (
    AdvisoryNotAccepted,
    DebugMismatch,
    EnclaveAttributeRefused,
    KindNotAllowed,
    MeasurementNotAllowed,
    PlatformFeatureRefused,
    SignerDenied,
    SimulationRefused,
    TcbGraceExpired,
    TcbStatusRefused,
)

DENIED_SIGNERS: Final = frozenset(
    {
        # RSA key of the SGX SDK samples, committed to integritee-worker as enclave-runtime/Enclave_private.pem.
        bytes.fromhex("83d719e77deaca1470f6baf62a4d774303c899db69020f9c70ee1dfc08c7ce9e"),
    }
)
"""MRSIGNER of keys whose private half is public."""

PERMITTED_FLAGS: Final = Flag.INIT | Flag.DEBUG | Flag.MODE64 | Flag.CET | Flag.KSS | Flag.AEX_NOTIFY
"""Any other flag, known (provisioning and launch keys) or not, is refused. Debug is judged on its own."""
REQUIRED_FLAGS: Final = Flag.INIT | Flag.MODE64
LEGACY_XFRM: Final = 0x3
"""x87 and SSE state: set in every enclave."""
PERMITTED_XFRM: Final = 0x602E7
"""x87, SSE, AVX, AVX-512, PKRU, AMX."""


class SignerRule(msgspec.Struct, frozen=True):
    """Trust in everything a signer releases as a product, from a security version on."""

    mr_signer: bytes
    product_id: int
    minimum_security_version: int


class EvidencePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Which evidence is acceptable. Durations in seconds."""

    own_kind: TeeKind | None = None
    """Where the verifier itself runs; None outside of any TEE."""
    allowed_kinds: frozenset[TeeKind] = frozenset({TeeKind.GRAMINE_SGX})
    allow_simulation_insecure: bool = False
    """Accept evidence that everybody can forge. Only where the parentchain allows to skip attestation."""
    expect_debug_insecure: bool = False
    """Accept debug enclaves, and only them."""

    mr_enclaves: frozenset[bytes] = frozenset()
    signers: tuple[SignerRule, ...] = ()
    permitted_xfrm: int = PERMITTED_XFRM
    permitted_misc_select: int = 0
    config_id: bytes = bytes(64)
    config_svn: int = 0

    statuses: frozenset[TcbStatus] = frozenset({TcbStatus.UP_TO_DATE, TcbStatus.SW_HARDENING_NEEDED})
    out_of_date_grace: int = 0
    """How long after its date an outdated TCB level is tolerated, if `statuses` lists it."""
    accepted_advisories: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Advisory → why it does not matter to this enclave. All others are refused."""
    minimum_tcb_evaluation_number: int = 0
    allow_smt: bool = False
    allow_dynamic_platform: bool = False
    allow_cached_keys: bool = False
    sgx_types: frozenset[SgxType] = frozenset(SgxType)

    def check_kind(self, kind: TeeKind) -> None:
        """Item 22. Raises `KindNotAllowed` or `SimulationRefused`."""
        if kind not in self.allowed_kinds:
            raise KindNotAllowed(kind.name)
        if kind.is_hardware:
            return
        if not self.allow_simulation_insecure:
            raise SimulationRefused("allow_simulation_insecure is not set")
        if self.own_kind is not None and self.own_kind.is_hardware:
            raise SimulationRefused("the verifier runs in hardware")

    def check_tcb(self, tcb: Tcb, now: int) -> None:
        """Items 17 and 18, `now` in unix seconds. Raises a `TcbError`."""
        if tcb.status is TcbStatus.REVOKED or tcb.status not in self.statuses:
            raise TcbStatusRefused(tcb.status)
        if tcb.outdated_since is not None and now > tcb.outdated_since + self.out_of_date_grace:
            raise TcbGraceExpired(tcb_date=tcb.outdated_since, grace=self.out_of_date_grace, now=now)
        for advisory in tcb.advisories:
            if advisory not in self.accepted_advisories:
                raise AdvisoryNotAccepted(advisory)

    def check_platform(self, platform: PckPlatform) -> None:
        """Item 19. A feature that the certificate does not tell is no reason to refuse.

        Raises `PlatformFeatureRefused`.
        """
        if platform.sgx_type not in self.sgx_types:
            raise PlatformFeatureRefused("SGX type", platform.sgx_type.name)
        for feature, present, allowed in (
            ("SMT", platform.smt, self.allow_smt),
            ("dynamic platform", platform.dynamic_platform, self.allow_dynamic_platform),
            ("cached keys", platform.cached_keys, self.allow_cached_keys),
        ):
            if present and not allowed:
                raise PlatformFeatureRefused(feature, "true")

    def check_enclave(self, body: ReportBody) -> None:
        """Items 20 and 21. Raises an `IdentityError`."""
        self._check_attributes(body)
        if body.mr_signer in DENIED_SIGNERS:
            raise SignerDenied(body.mr_signer)
        if body.mr_enclave in self.mr_enclaves or any(_signed_under(body, rule) for rule in self.signers):
            return
        raise MeasurementNotAllowed(
            mr_enclave=body.mr_enclave,
            mr_signer=body.mr_signer,
            product_id=body.product_id,
            security_version=body.security_version,
        )

    def _check_attributes(self, body: ReportBody) -> None:
        if body.debug != self.expect_debug_insecure:
            raise DebugMismatch(expected=self.expect_debug_insecure, found=body.debug)
        if body.flags & ~PERMITTED_FLAGS or body.flags & REQUIRED_FLAGS != REQUIRED_FLAGS:
            raise EnclaveAttributeRefused("flags", body.flags)
        if body.xfrm & ~self.permitted_xfrm or body.xfrm & LEGACY_XFRM != LEGACY_XFRM:
            raise EnclaveAttributeRefused("XFRM", body.xfrm)
        if body.misc_select & ~self.permitted_misc_select:
            raise EnclaveAttributeRefused("MISCSELECT", body.misc_select)
        if body.config_id != self.config_id:
            raise EnclaveAttributeRefused("CONFIGID", body.config_id)
        if body.config_svn != self.config_svn:
            raise EnclaveAttributeRefused("CONFIGSVN", body.config_svn)


def _signed_under(body: ReportBody, rule: SignerRule) -> bool:
    return (
        body.mr_signer == rule.mr_signer
        and body.product_id == rule.product_id
        and body.security_version >= rule.minimum_security_version
    )

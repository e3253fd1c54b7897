"""The simulated environment: no protection at all, but evidence and sealing keys of the real form.

Its evidence is a real version 3 quote under `simulated_pki`, marked in the quote, in `Evidence.kind` and by
its root. On chain a simulated enclave registers without evidence (method `Skip`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Final

from integritee.attestation.anchors import TeeKind
from integritee.attestation.errors import WrongLength
from integritee.attestation.quote import REPORT_DATA_LENGTH, Flag, ReportBody
from integritee.crypto import derive_key

from .tee import FINGERPRINT_LENGTH, SEAL_KEY_LENGTH, Evidence, SealPolicy, TeeIdentity

if TYPE_CHECKING:
    from integritee.attestation.simulated_pki import SimulatedPlatform

SIMULATED_SIGNER: Final = hashlib.sha256(b"tee-sim/signer/v1").digest()
"""Stands for MRSIGNER."""
PRODUCT_ID: Final = 1
SECURITY_VERSION: Final = 1
XFRM: Final = 0xE7

_SEAL_LABEL: Final = b"tee-sim/seal/v1"


class SimulationTee:
    """A `Tee` without hardware.

    `measurement` is the simulated MRENCLAVE (`measurement.measure`), `seal_root` the 32 secret bytes of
    this machine (`seal_root.load_or_create_root`), `random` a source of randomness.
    """

    kind: Final = TeeKind.SIMULATION

    def __init__(self, measurement: bytes, seal_root: bytes, random: Callable[[int], bytes] = os.urandom) -> None:
        _expect_length("measurement", measurement, FINGERPRINT_LENGTH)
        _expect_length("sealing root", seal_root, SEAL_KEY_LENGTH)
        self._measurement = measurement
        self._seal_root = seal_root
        self._random = random

    def identity(self) -> TeeIdentity:
        return TeeIdentity(
            kind=self.kind,
            measurement=self._measurement,
            signer=SIMULATED_SIGNER,
            product_id=PRODUCT_ID,
            security_version=SECURITY_VERSION,
            debug=False,
        )

    def evidence(self, report_data: bytes) -> Evidence:
        """A quote with its collateral. The first one builds the PKI, about 10 ms. Raises `WrongLength`."""
        _expect_length("report data", report_data, REPORT_DATA_LENGTH)
        body = ReportBody(
            flags=Flag.INIT | Flag.MODE64,
            xfrm=XFRM,
            mr_enclave=self._measurement,
            mr_signer=SIMULATED_SIGNER,
            product_id=PRODUCT_ID,
            security_version=SECURITY_VERSION,
            report_data=report_data,
        )
        platform = _public_platform()
        return Evidence(kind=self.kind, quote=platform.quote(body), collateral=platform.collateral)

    def seal_key(self, label: bytes, policy: SealPolicy) -> bytes:
        salt = self._measurement if policy is SealPolicy.MRENCLAVE else SIMULATED_SIGNER
        return derive_key(self._seal_root, _SEAL_LABEL + bytes((policy,)) + label, salt)

    def random(self, length: int) -> bytes:
        return self._random(length)


@cache
def _public_platform() -> SimulatedPlatform:
    from integritee.attestation.simulated_pki import SimulatedPlatform  # nothing else of the enclave needs it

    return SimulatedPlatform()


def _expect_length(what: str, data: bytes, expected: int) -> None:
    if len(data) != expected:
        raise WrongLength(what, expected=expected, found=len(data))

"""The kinds of environments that evidence comes from, and their roots of trust. No system store, no configuration.

The simulated root is of the same form as Intel's, and worth nothing: its private key follows from a seed in
this repository (`simulated_pki`), so that everybody can make evidence under it.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

import msgspec

SIMULATION_MARKER: Final = b"SIMULATED-NOT-SECURE"
"""User data (20 bytes) of every simulated quote."""


class TeeKind(enum.IntEnum):
    """The environments. A byte on the wire and in sealed files: never renumber."""

    SIMULATION = 0
    GRAMINE_SGX = 1

    @property
    def is_hardware(self) -> bool:
        return self is not TeeKind.SIMULATION


class TrustAnchor(msgspec.Struct, frozen=True):
    """A root and the names used below it.

    `public_key` is an uncompressed P-256 point (65 bytes). `prefix` starts every common name
    (``<prefix> SGX Root CA``). `marker` must be the quotes' user data; None means anything but a marker of
    simulation.
    """

    kind: TeeKind
    public_key: bytes
    prefix: str
    organization: str
    marker: bytes | None = None


INTEL_SGX_ROOT: Final = TrustAnchor(
    kind=TeeKind.GRAMINE_SGX,
    public_key=bytes.fromhex(
        "040ba9c4c0c0c86193a3fe23d6b02cda10a8bbd4e88e48b4458561a36e705525f5"
        "67918e2edc88e40d860bd0cc4ee26aacc988e505a953558c453f6b0904ae7394"
    ),
    prefix="Intel",
    organization="Intel Corporation",
)

SIMULATED_ROOT: Final = TrustAnchor(
    kind=TeeKind.SIMULATION,
    public_key=bytes.fromhex(
        "04b619790d9c507b13ff263a66f79ef7760ed6ec43e9cef0401cd3f8896e0b758c"
        "a10def1dd93fee9258bad62bb2fde2b5bd2d6f54511970999b91f40e1e99ac01"
    ),
    prefix="SIM",
    organization="SIMULATION - NOT INTEL",
    marker=SIMULATION_MARKER,
)

ANCHORS: Final[Mapping[TeeKind, TrustAnchor]] = {anchor.kind: anchor for anchor in (INTEL_SGX_ROOT, SIMULATED_ROOT)}

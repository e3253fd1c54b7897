"""What the parentchain records of attested enclaves (pallets `primitives/teerex`)."""

from __future__ import annotations

import enum
from typing import Annotated, ClassVar

from integritee.scale import (
    Bounded,
    Bytes4,
    Bytes16,
    Bytes32,
    Bytes64,
    Enum,
    Fixed,
    Struct,
    u16,
    u64,
)

from .ids import H256, AccountId


class SgxBuildMode(enum.IntEnum):
    Debug = 0
    Production = 1


class SgxStatus(enum.IntEnum):
    Invalid = 0
    Ok = 1
    GroupOutOfDate = 2
    GroupRevoked = 3
    ConfigurationNeeded = 4


class TcbStatus(enum.IntEnum):
    Unknown = 0
    UpToDate = 1
    SWHardeningNeeded = 2
    ConfigurationAndSWHardeningNeeded = 3
    OutOfDate = 4
    OutOfDateConfigurationNeeded = 5
    Revoked = 6


class SgxAttestationMethod(Enum, frozen=True):
    scale_path: ClassVar[str] = "teerex_primitives::SgxAttestationMethod"
    named_fields: ClassVar[bool | None] = True


class Skip(SgxAttestationMethod, frozen=True):
    index: ClassVar[int] = 0
    proxied: bool


class Ias(SgxAttestationMethod, frozen=True):
    index: ClassVar[int] = 1


class Dcap(SgxAttestationMethod, frozen=True):
    index: ClassVar[int] = 2
    proxied: bool


class SgxReportData(Struct, frozen=True):
    scale_path: ClassVar[str] = "teerex_primitives::SgxReportData"
    d: Bytes64


class SgxEnclave(Struct, frozen=True):
    """One registered enclave. `timestamp` in ms; `url` UTF-8, at most 256 bytes."""

    scale_path: ClassVar[str] = "teerex_primitives::SgxEnclave"
    report_data: SgxReportData
    mr_enclave: Bytes32
    mr_signer: Bytes32
    timestamp: u64
    url: bytes | None
    build_mode: SgxBuildMode
    attestation_method: SgxAttestationMethod
    status: SgxStatus


class MultiEnclave(Enum, frozen=True):
    scale_path: ClassVar[str] = "teerex_primitives::MultiEnclave"


class Sgx(MultiEnclave, frozen=True):
    index: ClassVar[int] = 0
    enclave: SgxEnclave


class MultiSigner(Enum, frozen=True):
    scale_path: ClassVar[str] = "sp_runtime::MultiSigner"


class Ed25519Signer(MultiSigner, frozen=True):
    index: ClassVar[int] = 0
    variant_name: ClassVar[str] = "Ed25519"
    public: Bytes32


class Sr25519Signer(MultiSigner, frozen=True):
    index: ClassVar[int] = 1
    variant_name: ClassVar[str] = "Sr25519"
    public: Bytes32


class EcdsaSigner(MultiSigner, frozen=True):
    index: ClassVar[int] = 2
    variant_name: ClassVar[str] = "Ecdsa"
    public: Annotated[bytes, Fixed(33)]


class AnySigner(Enum, frozen=True):
    scale_path: ClassVar[str] = "teerex_primitives::AnySigner"


class Opaque(AnySigner, frozen=True):
    index: ClassVar[int] = 0
    signer: Annotated[bytes, Bounded(66, "BoundedVec")]


class Known(AnySigner, frozen=True):
    index: ClassVar[int] = 1
    signer: MultiSigner


class EnclaveInstanceAddress(Struct, frozen=True):
    scale_path: ClassVar[str] = "teerex_primitives::EnclaveInstanceAddress"
    fingerprint: H256
    registrar: AccountId
    signer: AnySigner


class QeTcb(Struct, frozen=True):
    scale_path: ClassVar[str] = "teerex_primitives::QeTcb"
    isvsvn: u16


class SgxQuotingEnclave(Struct, frozen=True):
    """Registered identity of the quoting enclave; dates in ms."""

    scale_path: ClassVar[str] = "teerex_primitives::SgxQuotingEnclave"
    issue_date: u64
    next_update: u64
    miscselect: Bytes4
    miscselect_mask: Bytes4
    attributes: Bytes16
    attributes_mask: Bytes16
    mrsigner: Bytes32
    isvprodid: u16
    tcb: list[QeTcb]


class TcbVersionStatus(Struct, frozen=True):
    scale_path: ClassVar[str] = "teerex_primitives::TcbVersionStatus"
    cpusvn: Bytes16
    pcesvn: u16
    tcb_status: TcbStatus


class SgxTcbInfoOnChain(Struct, frozen=True):
    scale_path: ClassVar[str] = "teerex_primitives::SgxTcbInfoOnChain"
    issue_date: u64
    next_update: u64
    tcb_levels: list[TcbVersionStatus]

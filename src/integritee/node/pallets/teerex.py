"""pallet Teerex: the registry of attested enclaves.

Source: integritee pallets (branch polkadot-stable2503), `teerex`.

This chain verifies no evidence: registrations by DCAP quote or IAS report and quoting enclave or TCB collateral are
refused, never taken on trust. What it accepts are enclaves that say that they are not attested, while the flags
allow it: `Skip` records carry the status Invalid for all to see.
"""

from __future__ import annotations

import enum
from typing import Annotated, ClassVar, Final, cast

from integritee.frame.declare import Constant, Errors, Events, call, constant, error, event, storage
from integritee.frame.origin import Origin, ensure_root, ensure_signed
from integritee.frame.pallet import Pallet
from integritee.frame.pallets.timestamp import Timestamp
from integritee.frame.storage_items import Blake2_128Concat, StorageMap, StorageValue
from integritee.frame.weights import weight
from integritee.primitives.ids import AccountId
from integritee.primitives.teerex import (
    Dcap,
    EnclaveInstanceAddress,
    MultiEnclave,
    Opaque,
    Sgx,
    SgxAttestationMethod,
    SgxBuildMode,
    SgxEnclave,
    SgxQuotingEnclave,
    SgxReportData,
    SgxStatus,
    SgxTcbInfoOnChain,
    Skip,
)
from integritee.scale import Fixed, u64

MAX_PROOF_LENGTH: Final = 5000
MAX_URL_LENGTH: Final = 256
MAX_OPAQUE_SIGNER: Final = 66
"""Bytes that an opaque signer is padded to."""

DAY: Final = 86_400_000
"""Milliseconds."""

Fmspc = Annotated[bytes, Fixed(6)]
"""Names a family of processors with common TCB levels."""


class SgxVerifyError(enum.IntEnum):
    """Why evidence or collateral does not hold."""

    scale_path = enum.nonmember("sgx_verify::Error")
    CaVerificationFailed = 0
    CertificateChainIsInvalid = 1
    CertificateChainIsTooShort = 2
    CpuSvnDecodingError = 3
    CpuSvnLengthMismatch = 4
    CpuSvnOidIsMissing = 5
    DcapKeyTypeMismatch = 6
    DcapQuoteDecodingError = 7
    DcapQuoteIsTooLong = 8
    DcapQuoteVersionMismatch = 9
    DerEncodingError = 10
    EnclaveIdentityDecodingError = 11
    EnclaveIdentitySignatureIsInvalid = 12
    FmspcDecodingError = 13
    FmspcLengthMismatch = 14
    FmspcOidIsMissing = 15
    IntelExtensionAmbiguity = 16
    IntelExtensionCertificateDecodingError = 17
    IsvEnclaveReportSignatureIsInvalid = 18
    KeyLengthIsInvalid = 19
    LeafCertificateParsingError = 20
    NetscapeDecodingError = 21
    NetscapeDerError = 22
    PceSvnDecodingError = 23
    PceSvnLengthMismatch = 24
    PceSvnOidIsMissing = 25
    PckCertFormatMismatch = 26
    PublicKeyIsInvalid = 27
    QeHasRejectedEnclave = 28
    QeReportHashMismatch = 29
    QuoteBodyDecodingError = 30
    QuoteBodyIsInvalid = 31
    QuoteBodyMissing = 32
    QuoteStatusMissing = 33
    RsaSignatureIsInvalid = 34
    SgxReportParsingError = 35
    TcbInfoIsInvalid = 36
    TimestampIsInvalid = 37
    TimestampIsMissing = 38


NO_QUOTING_ENCLAVE: Final = SgxQuotingEnclave(0, 0, bytes(4), bytes(4), bytes(16), bytes(16), bytes(32), 0, [])


class Teerex(Pallet):
    """Which enclaves serve, by the account of their operator or of themselves."""

    path = "pallet_teerex"
    storage_version: ClassVar[int | None] = 2
    timestamp: Timestamp

    sovereign_enclaves: StorageMap[Blake2_128Concat[AccountId], MultiEnclave | None]
    proxied_enclaves: StorageMap[Blake2_128Concat[EnclaveInstanceAddress], MultiEnclave | None]
    sgx_quoting_enclave_registry: StorageValue[SgxQuotingEnclave] = storage(default=NO_QUOTING_ENCLAVE)
    sgx_tcb_info: StorageMap[Blake2_128Concat[Fmspc], SgxTcbInfoOnChain | None]
    sgx_allow_debug_mode: StorageValue[bool]
    allow_skipping_attestation: StorageValue[bool]

    moments_per_day: Constant[u64] = constant(DAY)
    max_attestation_renewal_period: Constant[u64] = constant(2 * DAY)

    class Event(Events):
        AddedSgxEnclave = event(
            0,
            registered_by=AccountId,
            worker_url=bytes | None,
            tcb_status=SgxStatus | None,
            attestation_method=SgxAttestationMethod,
        )
        RemovedSovereignEnclave = event(1, AccountId)
        RemovedProxiedEnclave = event(2, EnclaveInstanceAddress)
        SgxTcbInfoRegistered = event(3, fmspc=Fmspc, on_chain_info=SgxTcbInfoOnChain)
        SgxQuotingEnclaveRegistered = event(4, quoting_enclave=SgxQuotingEnclave)
        UpdatedSecurityFlags = event(5, allow_skipping_attestation=bool, sgx_allow_debug_mode=bool)

    class Error(Errors):
        EnclaveSignerDecodeError = error("the enclave's signer is no account")
        SenderIsNotAttestedEnclave = error("the sender is not the enclave that was attested")
        RemoteAttestationVerificationFailed = error("the evidence of the enclave could not be verified")
        RemoteAttestationIsTooOld = error("the attestation is older than a day")
        SgxModeIsNotAllowed = error("enclaves in debug mode are not allowed")
        EnclaveIsNotRegistered = error("the account is no registered enclave")
        EnclaveUrlIsTooLong = error("the worker's URL is longer than 256 bytes")
        RaProofIsTooLong = error("the proof is longer than 5000 bytes")
        EmptyEnclaveRegistry = error("no enclave is registered")
        CollateralIsInvalid = error("the collateral is invalid")
        UnregisterActiveEnclaveIsNotAllowed = error("the enclave attested itself not long ago")
        SkippingAttestationIsNotAllowed = error("enclaves must be attested on this chain")
        MissingTcbInfoForFmspc = error("no TCB info is known for the processor family")
        TcbInfoIsOutdated = error("the processor is below all known TCB levels")
        OtherSgxVerifyError = error("the evidence does not hold", field=SgxVerifyError)
        vars().update({reason.name: error() for reason in SgxVerifyError})  # the rest is that enum once more

    # -- the registry --------------------------------------------------------------------------------

    def initialize_genesis(self, allow_skipping_attestation: bool, sgx_allow_debug_mode: bool) -> None:
        """Write the security flags the chain starts with."""
        self.allow_skipping_attestation.put(allow_skipping_attestation)
        self.sgx_allow_debug_mode.put(sgx_allow_debug_mode)

    def sovereign_enclave(self, account: bytes) -> SgxEnclave:
        """The enclave that signs as `account`. Raises EnclaveIsNotRegistered."""
        return self._registered(self.sovereign_enclaves.get(account))

    def enroll(self, registrar: bytes, enclave: SgxEnclave) -> None:
        """Put an enclave on record, in place of an earlier registration. Raises SgxModeIsNotAllowed."""
        if enclave.build_mode is SgxBuildMode.Debug and not self.sgx_allow_debug_mode.get():
            raise self.Error.SgxModeIsNotAllowed()
        match enclave.attestation_method:
            case Skip(proxied=True) | Dcap(proxied=True):
                signer = Opaque(enclave.report_data.d.ljust(MAX_OPAQUE_SIGNER, b"\0"))
                address = EnclaveInstanceAddress(enclave.mr_enclave, registrar, signer)
                self.proxied_enclaves.put(address, Sgx(enclave))
            case _:
                self.sovereign_enclaves.put(registrar, Sgx(enclave))
        method = enclave.attestation_method
        self.deposit(self.Event.AddedSgxEnclave(registrar, enclave.url, enclave.status, method))

    def _registered(self, record: MultiEnclave | None) -> SgxEnclave:
        if record is None:
            raise self.Error.EnclaveIsNotRegistered()
        return cast(Sgx, record).enclave  # the only kind there is

    def _ensure_inactive(self, enclave: SgxEnclave) -> None:
        """Raises UnregisterActiveEnclaveIsNotAllowed unless the attestation was not renewed in time."""
        if enclave.timestamp >= self.timestamp.now.get() - self.max_attestation_renewal_period:
            raise self.Error.UnregisterActiveEnclaveIsNotAllowed()

    # -- calls ---------------------------------------------------------------------------------------

    @call(0, weight=weight(2_591_558_000, 4, 1))
    def register_sgx_enclave(
        self, origin: Origin, proof: bytes, worker_url: bytes | None, attestation_method: SgxAttestationMethod
    ) -> None:
        """Register the sender's enclave, or renew its registration.

        With `Skip`, `proof` is the MRENCLAVE that the sender claims to run.
        """
        sender = ensure_signed(origin)
        if len(proof) > MAX_PROOF_LENGTH:
            raise self.Error.RaProofIsTooLong()
        if worker_url is not None and len(worker_url) > MAX_URL_LENGTH:
            raise self.Error.EnclaveUrlIsTooLong()
        if not isinstance(attestation_method, Skip):
            raise self.Error.RemoteAttestationVerificationFailed()
        if not self.allow_skipping_attestation.get():
            raise self.Error.SkippingAttestationIsNotAllowed()
        claimed = SgxEnclave(
            report_data=SgxReportData(sender + bytes(32)),
            mr_enclave=proof[:32] if len(proof) >= 32 else bytes(32),
            mr_signer=bytes(32),
            timestamp=self.timestamp.now.get(),
            url=worker_url,
            build_mode=SgxBuildMode.Production,
            attestation_method=attestation_method,
            status=SgxStatus.Invalid,
        )
        self.enroll(sender, claimed)

    @call(1, weight=weight(16_863_000, 2, 1))
    def unregister_sovereign_enclave(self, origin: Origin, enclave_signer: AccountId) -> None:
        """Strike off an enclave that did not renew its attestation in time; anyone may."""
        ensure_signed(origin)
        self._ensure_inactive(self.sovereign_enclave(enclave_signer))
        self.sovereign_enclaves.remove(enclave_signer)
        self.deposit(self.Event.RemovedSovereignEnclave(enclave_signer))

    @call(2, weight=weight(22_476_000, 2, 1))
    def unregister_proxied_enclave(self, origin: Origin, address: EnclaveInstanceAddress) -> None:
        """Strike off an enclave registered by another account; as for sovereign ones."""
        ensure_signed(origin)
        self._ensure_inactive(self._registered(self.proxied_enclaves.get(address)))
        self.proxied_enclaves.remove(address)
        self.deposit(self.Event.RemovedProxiedEnclave(address))

    @call(3, weight=weight(1_199_479_000, 1, 1))
    def register_quoting_enclave(
        self, origin: Origin, enclave_identity: bytes, signature: bytes, certificate_chain: bytes
    ) -> None:
        """Offer the identity of Intel's quoting enclave; refused, see above."""
        ensure_signed(origin)
        raise self.Error.CollateralIsInvalid()

    @call(4, weight=weight(1_279_625_000, 1, 1))
    def register_tcb_info(self, origin: Origin, tcb_info: bytes, signature: bytes, certificate_chain: bytes) -> None:
        """Offer the TCB levels of a processor family; refused, see above."""
        ensure_signed(origin)
        raise self.Error.CollateralIsInvalid()

    @call(5, weight=weight(6_982_000, 0, 2))
    def set_security_flags(
        self, origin: Origin, allow_skipping_attestation: bool, sgx_allow_debug_mode: bool
    ) -> None:
        """Set what enclaves may register from now on (root)."""
        ensure_root(origin)
        self.allow_skipping_attestation.put(allow_skipping_attestation)
        self.sgx_allow_debug_mode.put(sgx_allow_debug_mode)
        self.deposit(self.Event.UpdatedSecurityFlags(allow_skipping_attestation, sgx_allow_debug_mode))

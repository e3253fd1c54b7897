"""pallet Teerex: the registry of attested enclaves.

Source: integritee pallets (branch polkadot-stable2503), `teerex`.

Enclaves prove what they are by a DCAP quote or an IAS report; Intel's collateral, which anyone may bring along, tells
how healthy their platforms are. No status keeps an enclave out: it is in its record for all to see. Unattested
enclaves may register while the flags allow it, with the status Invalid. The rules of evidence are in `sgx_verify`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, cast

from msgspec import structs

from integritee.attestation import INTEL_SGX_ROOT, TrustAnchor
from integritee.frame.declare import Constant, ErrorDef, Errors, Events, call, constant, error, event, storage
from integritee.frame.errors import DispatchFailure, Other
from integritee.frame.origin import Origin, ensure_root, ensure_signed
from integritee.frame.pallet import Pallet
from integritee.frame.pallets.timestamp import Timestamp
from integritee.frame.storage_items import Blake2_128Concat, StorageMap, StorageValue
from integritee.frame.weights import weight
from integritee.node.sgx_verify.errors import MEANING, Refused, SgxVerifyError
from integritee.primitives.ids import AccountId
from integritee.primitives.teerex import (
    Dcap,
    EnclaveInstanceAddress,
    Ias,
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

if TYPE_CHECKING:
    from integritee.node.sgx_verify.quote import VerifiedReport

MAX_PROOF_LENGTH: Final = 5000
MAX_URL_LENGTH: Final = 256
MAX_OPAQUE_SIGNER: Final = 66
"""Bytes that an opaque signer is padded to."""

DAY: Final = 86_400_000
"""Milliseconds."""

Fmspc = Annotated[bytes, Fixed(6)]
"""Names a family of processors with common TCB levels."""


NO_QUOTING_ENCLAVE: Final = SgxQuotingEnclave(0, 0, bytes(4), bytes(4), bytes(16), bytes(16), bytes(32), 0, [])


class Teerex(Pallet):
    """Which enclaves serve, by the account of their operator or of themselves."""

    path = "pallet_teerex"
    storage_version: ClassVar[int | None] = 2
    timestamp: Timestamp
    sgx_root: ClassVar[TrustAnchor] = INTEL_SGX_ROOT
    """Whose quotes and collateral count; a runtime of tests may list another."""

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
        vars().update(
            {reason.name: error(MEANING[reason]) for reason in SgxVerifyError}
        )  # the rest is that enum once more

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

    # -- evidence ------------------------------------------------------------------------------------

    def _attested_by_ias(self, sender: bytes, proof: bytes) -> SgxEnclave:
        """What a report of Intel's Attestation Service says, not older than a day, of the sender itself."""
        from integritee.node.sgx_verify.ias import verify_ias_report  # certificates are slow to import

        with self._own_errors():
            found = verify_ias_report(proof)
        now = self.timestamp.now.get()
        if found.timestamp > now:
            raise report_from_the_future()
        if now - found.timestamp >= self.moments_per_day:
            raise self.Error.RemoteAttestationIsTooOld()
        self._ensure_is_itself(sender, found.report.report_data)
        return _enclave(found.report, found.timestamp, found.status, Ias())

    def _attested_by_quote(self, sender: bytes, proof: bytes, method: Dcap) -> SgxEnclave:
        """What a DCAP quote says, of the sender itself or of an enclave it speaks for."""
        from integritee.node.sgx_verify.collateral import verify_examinee
        from integritee.node.sgx_verify.quote import verify_dcap_quote

        now = self.timestamp.now.get()
        with self._own_errors():
            quoting_enclave = self.sgx_quoting_enclave_registry.get()
            fmspc, examinee, report = verify_dcap_quote(proof, quoting_enclave, self.sgx_root.public_key, now)
        if not method.proxied:
            self._ensure_is_itself(sender, report.report_data)
        tcb_info = self.sgx_tcb_info.get(fmspc)
        if tcb_info is None:
            raise self.Error.MissingTcbInfoForFmspc()
        status = verify_examinee(tcb_info, examinee)
        if status is None:
            raise self.Error.TcbInfoIsOutdated()
        return _enclave(report, now, status, method)

    def _unattested(self, sender: bytes, proof: bytes, method: Skip) -> SgxEnclave:
        """What the sender says, without evidence."""
        if not self.allow_skipping_attestation.get():
            raise self.Error.SkippingAttestationIsNotAllowed()
        return SgxEnclave(
            report_data=SgxReportData(sender + bytes(32)),
            mr_enclave=proof[:32] if len(proof) >= 32 else bytes(32),
            mr_signer=bytes(32),
            timestamp=self.timestamp.now.get(),
            url=None,
            build_mode=SgxBuildMode.Production,
            attestation_method=method,
            status=SgxStatus.Invalid,
        )

    def _ensure_is_itself(self, sender: bytes, report_data: bytes) -> None:
        if report_data[:32] != sender:
            raise self.Error.SenderIsNotAttestedEnclave()

    @contextmanager
    def _own_errors(self) -> Iterator[None]:
        """A refusal as the error of the same name."""
        try:
            yield
        except Refused as refused:
            made: ErrorDef = getattr(self.Error, refused.reason.name)
            raise made() from None

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

        `proof` is a quote with `Dcap`, and with `Ias` a certificate with the report in a comment. With `Skip`, it is
        the MRENCLAVE that the sender claims to run.
        """
        sender = ensure_signed(origin)
        if len(proof) > MAX_PROOF_LENGTH:
            raise self.Error.RaProofIsTooLong()
        if worker_url is not None and len(worker_url) > MAX_URL_LENGTH:
            raise self.Error.EnclaveUrlIsTooLong()
        match attestation_method:
            case Ias():
                enclave = self._attested_by_ias(sender, proof)
            case Dcap():
                enclave = self._attested_by_quote(sender, proof, attestation_method)
            case _:
                enclave = self._unattested(sender, proof, cast(Skip, attestation_method))
        self.enroll(sender, structs.replace(enclave, url=worker_url))

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
        """Bring along the identity of Intel's quoting enclave: JSON, signature over it (r ‖ s), PEM chain."""
        from integritee.node.sgx_verify.collateral import verify_quoting_enclave

        ensure_signed(origin)
        root, now = self.sgx_root.public_key, self.timestamp.now.get()
        with self._own_errors():
            found = verify_quoting_enclave(enclave_identity, signature, certificate_chain, root, now)
        if found is None:
            raise self.Error.CollateralIsInvalid()
        self.sgx_quoting_enclave_registry.put(found)
        self.deposit(self.Event.SgxQuotingEnclaveRegistered(found))

    @call(4, weight=weight(1_279_625_000, 1, 1))
    def register_tcb_info(self, origin: Origin, tcb_info: bytes, signature: bytes, certificate_chain: bytes) -> None:
        """Bring along the TCB levels of a processor family: JSON, signature over it (r ‖ s), PEM chain."""
        from integritee.node.sgx_verify.collateral import verify_tcb_info

        ensure_signed(origin)
        root, now = self.sgx_root.public_key, self.timestamp.now.get()
        with self._own_errors():
            found = verify_tcb_info(tcb_info, signature, certificate_chain, root, now)
        if found is None:
            raise self.Error.CollateralIsInvalid()
        fmspc, levels = found
        self.sgx_tcb_info.put(fmspc, levels)
        self.deposit(self.Event.SgxTcbInfoRegistered(fmspc, levels))

    @call(5, weight=weight(6_982_000, 0, 2))
    def set_security_flags(
        self, origin: Origin, allow_skipping_attestation: bool, sgx_allow_debug_mode: bool
    ) -> None:
        """Set what enclaves may register from now on (root)."""
        ensure_root(origin)
        self.allow_skipping_attestation.put(allow_skipping_attestation)
        self.sgx_allow_debug_mode.put(sgx_allow_debug_mode)
        self.deposit(self.Event.UpdatedSecurityFlags(allow_skipping_attestation, sgx_allow_debug_mode))


def report_from_the_future() -> DispatchFailure:
    return DispatchFailure(Other(), "teerex.report_from_the_future", "the attestation report is newer than the block")


def _enclave(report: VerifiedReport, timestamp: int, status: SgxStatus, method: SgxAttestationMethod) -> SgxEnclave:
    return SgxEnclave(
        report_data=SgxReportData(report.report_data),
        mr_enclave=report.mr_enclave,
        mr_signer=report.mr_signer,
        timestamp=timestamp,
        url=None,
        build_mode=report.build_mode,
        attestation_method=method,
        status=status,
    )

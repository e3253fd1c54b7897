"""Evidence recorded on real machines, and the recorded simulated set: same verdicts as dcap-qvl 0.7.0."""

from __future__ import annotations

from typing import Any

import pytest

from integritee.attestation import (
    INTEL_SGX_ROOT,
    SIMULATED_ROOT,
    AttestationError,
    TcbStatus,
    TeeKind,
    collateral_from_json,
    decode_quote,
)
from integritee.attestation.certificates import PCK_CHAIN, TCB_SIGNING_CHAIN, check_chain, load_chain
from integritee.attestation.collateral import QeIdentity, TcbInfo, decode_document
from integritee.attestation.errors import CertificateNameUnexpected
from integritee.attestation.p256 import verify
from integritee.attestation.pck import PckPlatform, SgxType
from integritee.attestation.tcb import check_qe_identity, merge, platform_level, qe_level
from integritee.enclave.attestation import EvidencePolicy, verify_quote
from integritee.enclave.attestation.errors import CertificationUnsupported
from integritee.enclave.attestation.verify import check_qe_document, check_signatures, check_tcb_info

from ...attestation.forge import HARDWARE_NOW, VECTORS, expected_outcomes, hardware_vector, vector_anchor
from .policies import vector_policy

# The library's sentence for a rejection, and the code of ours. Some differ in which check fails first.
CODES = {
    ("sgx real window", 1750330570): "attestation.collateral_not_current",
    ("sgx real window", 1752919279): "attestation.collateral_not_current",
    ("sim under intel root", 1767225600): "attestation.root_not_trusted",
    ("sim debug", 1767225600): "attestation.debug",
    ("sim Revoked", 1767225600): "attestation.tcb_status",
    ("sim pck_revoked", 1767225600): "attestation.certificate_revoked",
    ("sim before", 1767052800): "attestation.certificate_not_current",
    ("sim after", 2082672000): "attestation.certificate_not_current",
}


@pytest.mark.parametrize(
    "entry", expected_outcomes(), ids=lambda entry: f"{entry['name']} {entry['now']}".replace(" ", "-")
)
def test_recorded_outcomes(entry: dict[str, Any]) -> None:
    quote = (VECTORS / entry["quote"]).read_bytes()
    collateral = collateral_from_json((VECTORS / entry["collateral"]).read_bytes())
    anchor = vector_anchor(entry["root"])

    def outcome() -> tuple[str, ...]:
        try:
            verified = verify_quote(quote, collateral, anchor, vector_policy(quote), entry["now"] * 1000)
        except AttestationError as error:
            return (error.code,)
        return (verified.tcb_status, *verified.advisories)

    if entry["name"] == "tdx real window":
        assert outcome() == ("attestation.quote_header",)  # this verifier knows SGX only
    elif entry["result"] == "accept":
        assert outcome() == (entry["status"], *entry["advisories"])
    else:
        assert outcome() == (CODES[entry["name"], entry["now"]],)


def test_claims_of_the_hardware_quote() -> None:
    quote, collateral = hardware_vector()
    verified = verify_quote(quote, collateral, INTEL_SGX_ROOT, vector_policy(quote), HARDWARE_NOW)
    assert verified.identity.kind is TeeKind.GRAMINE_SGX
    assert verified.identity.measurement.hex().startswith("33d8736db756ed49")
    assert verified.report_data == b"Hello, world!".ljust(64, b"\0")
    assert verified.hardware_id.hex() == "d04ec06d4e6d92dc90d0ad3cf5ee2ddf"
    assert verified.tcb_evaluation_number == 17
    assert verified.expires_at == 1752919278_000  # nextUpdate of the QE identity comes first
    assert verified.verified_at == HARDWARE_NOW


def test_default_policy_refuses_the_unhealthy_hardware() -> None:
    quote, collateral = hardware_vector()
    policy = EvidencePolicy(mr_enclaves=frozenset({quote[112:144]}))
    with pytest.raises(AttestationError) as refusal:
        verify_quote(quote, collateral, INTEL_SGX_ROOT, policy, HARDWARE_NOW)
    assert refusal.value.code == "attestation.tcb_status"
    assert refusal.value.data() == {"found": "ConfigurationAndSWHardeningNeeded"}


def test_hardware_quote_under_the_simulated_root() -> None:
    quote, collateral = hardware_vector()
    with pytest.raises(AttestationError) as refusal:
        verify_quote(quote, collateral, SIMULATED_ROOT, vector_policy(quote), HARDWARE_NOW)
    assert refusal.value.code == "attestation.kind_marker"


class TestOasis:
    """A production quote of a Platform CA machine. Its set has no revocation lists: checked piece by piece."""

    NOW = 1671497404
    FOLDER = VECTORS / "oasis"
    QUOTE = decode_quote((FOLDER / "quote_v3_ecdsa_p256_pck_chain.bin").read_bytes())
    TCB_INFO_TEXT = (FOLDER / "tcb_info_v3_fmspc_00606A000000.json").read_bytes()
    QE_IDENTITY_TEXT = (FOLDER / "qe_identity_v2.json").read_bytes()
    SIGNERS = (FOLDER / "tcb_info_v3_fmspc_00606A000000_certs.pem").read_bytes()

    @staticmethod
    def cut(response: bytes, member: bytes) -> tuple[bytes, bytes]:
        """The signed bytes and the signature inside a response of Intel's service."""
        text, signature = response.strip().removeprefix(b'{"' + member + b'":').split(b',"signature":"')
        return text, bytes.fromhex(signature.removesuffix(b'"}').decode())

    def platform(self) -> PckPlatform:
        chain = load_chain(self.QUOTE.certification_data, PCK_CHAIN)
        check_chain(chain, INTEL_SGX_ROOT, self.NOW)
        check_signatures(self.QUOTE, chain[0].point)
        assert chain[1].common_name == "Intel SGX PCK Platform CA"
        assert chain[0].sgx_extension is not None
        return PckPlatform.decode(chain[0].sgx_extension)

    def test_platform(self) -> None:
        platform = self.platform()
        assert platform.fmspc.hex() == "00606a000000"
        assert platform.components == (7, 9, 3, 3, 255, 255, 1, *[0] * 9)
        assert platform.pce_svn == 13
        assert platform.sgx_type is SgxType.SCALABLE
        assert platform.platform_instance is not None
        assert (platform.dynamic_platform, platform.cached_keys, platform.smt) == (True, False, False)

    def test_status(self) -> None:
        chain = load_chain(self.SIGNERS, TCB_SIGNING_CHAIN)
        check_chain(chain, INTEL_SGX_ROOT, self.NOW)
        tcb_text, tcb_signature = self.cut(self.TCB_INFO_TEXT, b"tcbInfo")
        qe_text, qe_signature = self.cut(self.QE_IDENTITY_TEXT, b"enclaveIdentity")
        assert verify(chain[0].point, tcb_signature, tcb_text)
        assert verify(chain[0].point, qe_signature, qe_text)

        tcb_info = decode_document("TCB info", tcb_text, TcbInfo)
        identity = decode_document("QE identity", qe_text, QeIdentity)
        check_tcb_info(tcb_info, self.platform(), 13, self.NOW)
        check_qe_document(identity, 13, self.NOW)
        check_qe_identity(self.QUOTE.qe_report, identity)
        tcb = merge(platform_level(self.platform(), tcb_info), qe_level(self.QUOTE.qe_report, identity))
        assert tcb.status is TcbStatus.SW_HARDENING_NEEDED
        assert tcb.advisories == ("INTEL-SA-00615", "INTEL-SA-00657")

    @pytest.mark.parametrize("now", [1671442809, 1674034811])
    def test_tcb_info_window(self, now: int) -> None:
        text, _ = self.cut(self.TCB_INFO_TEXT, b"tcbInfo")
        with pytest.raises(AttestationError) as refusal:
            check_tcb_info(decode_document("TCB info", text, TcbInfo), self.platform(), 0, now)
        assert refusal.value.code == "attestation.collateral_not_current"

    def test_chain_of_a_pck_authority_signs_no_documents(self) -> None:
        bad = (self.FOLDER / "tcb_info_v3_fmspc_00606A000000_certs_bad.pem").read_bytes()
        with pytest.raises(CertificateNameUnexpected) as refusal:
            check_chain(load_chain(bad, TCB_SIGNING_CHAIN), INTEL_SGX_ROOT, self.NOW)
        assert refusal.value.found == "Intel SGX PCK Platform CA"

    def test_encrypted_ppid_is_no_chain(self) -> None:
        quote = (self.FOLDER / "quote_v3_ecdsa_p256_eppid.bin").read_bytes()
        assert decode_quote(quote).certification_type == 3
        _, collateral = hardware_vector()
        with pytest.raises(CertificationUnsupported):
            verify_quote(quote, collateral, INTEL_SGX_ROOT, vector_policy(quote), self.NOW * 1000)

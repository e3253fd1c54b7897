"""Enclaves register with evidence: each recorded one at its instant, and each manipulation with its error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from integritee.attestation import SIMULATED_ROOT, AttestationError, ReportBody, decode_quote, der, p256
from integritee.attestation.collateral import QeTcbStatus, TcbStatus
from integritee.attestation.pck import SGX_EXTENSION
from integritee.attestation.quote import Flag
from integritee.attestation.simulated_pki import (
    PCK,
    PCK_AUTHORITY,
    QE_SIGNER,
    ROOT,
    SIMULATED_PCK,
    SimulatedPlatform,
    pem,
    sgx_extension,
)
from integritee.enclave.attestation import verify_quote
from integritee.enclave.selftest.damage import flipped
from integritee.frame.errors import DispatchFailure, Other
from integritee.node.pallets.teerex import NO_QUOTING_ENCLAVE, Teerex
from integritee.node.sgx_verify.errors import SgxVerifyError
from integritee.primitives.teerex import (
    Dcap,
    EnclaveInstanceAddress,
    Ias,
    Opaque,
    QeTcb,
    Sgx,
    SgxBuildMode,
    SgxEnclave,
    SgxReportData,
    SgxStatus,
)
from integritee.primitives.teerex import TcbStatus as ChainTcbStatus

from ..attestation.forge import (
    FOREIGN,
    HONEST,
    MR_ENCLAVE,
    MR_SIGNER,
    REPORT_DATA,
    VECTORS,
    alter,
    body,
    resign,
)
from ..enclave.attestation.policies import simulation_policy
from .evidence import (
    OASIS,
    RECORDED,
    TEST4,
    SimulatedRuntime,
    arguments,
    extension,
    oasis_report,
    pck_chain,
    ra_certificate,
    report_json,
    sgx_values,
)
from .small_runtime import ALICE, BOB, NOW, Chain
from .small_runtime import ROOT as SUDO

SOVEREIGN, PROXIED = Dcap(proxied=False), Dcap(proxied=True)
ENCLAVE = REPORT_DATA[:32]
"""The account that simulated quotes are bound to."""
QUOTE = HONEST.quote(body())
DAY = 86_400_000


def sender_of(quote: bytes) -> bytes:
    return decode_quote(quote).body.report_data[:32]


@pytest.fixture
def simulated() -> Chain:
    """A chain that believes the simulated authority and knows its collateral."""
    chain = Chain(SimulatedRuntime())
    register_collateral(chain, HONEST)
    return chain


def register_collateral(chain: Chain, platform: SimulatedPlatform) -> None:
    chain.submit(BOB, "Teerex.register_quoting_enclave", *arguments(platform.collateral.qe_identity))
    chain.submit(BOB, "Teerex.register_tcb_info", *arguments(platform.collateral.tcb_info))


# --- collateral


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_collateral(chain: Chain, name: str) -> None:
    recorded = RECORDED[name]
    chain.enter(2, recorded.now)
    (event,) = chain.submit(BOB, "Teerex.register_quoting_enclave", *arguments(recorded.identity))
    identity = chain.runtime.teerex.sgx_quoting_enclave_registry.get()
    assert event == ("Teerex.SgxQuotingEnclaveRegistered", identity)
    assert identity.mrsigner.hex() == "8c4f5775d796503e96137f77c68a829a0056ac8ded70140b081b094490c57bff"
    assert identity.issue_date < recorded.now < identity.next_update
    assert identity.isvprodid == 1

    (event,) = chain.submit(BOB, "Teerex.register_tcb_info", *arguments(recorded.tcb_info))
    _, fmspc, info = event
    assert event[0] == "Teerex.SgxTcbInfoRegistered"
    assert chain.runtime.teerex.sgx_tcb_info.get(fmspc) == info
    assert info.issue_date < recorded.now < info.next_update


def test_a_recorded_identity_as_it_is_stored(chain: Chain) -> None:
    recorded = RECORDED["oasis"]
    chain.enter(2, recorded.now)
    chain.submit(BOB, "Teerex.register_quoting_enclave", *arguments(recorded.identity))
    identity = chain.runtime.teerex.sgx_quoting_enclave_registry.get()
    assert identity.attributes.hex() == "11000000000000000000000000000000"
    assert identity.attributes_mask.hex() == "fbffffffffffffff0000000000000000"
    assert identity.miscselect_mask == b"\xff" * 4
    assert identity.tcb == [QeTcb(svn) for svn in (6, 5, 4, 2, 1)]
    chain.submit(BOB, "Teerex.register_tcb_info", *arguments(recorded.tcb_info))
    info = chain.runtime.teerex.sgx_tcb_info.get(bytes.fromhex("00606a000000"))
    assert info is not None
    assert [(level.pcesvn, level.tcb_status.name) for level in info.tcb_levels] == [
        (13, "SWHardeningNeeded"),
        (13, "ConfigurationAndSWHardeningNeeded"),
        (11, "OutOfDate"),
        (10, "OutOfDate"),
        (5, "OutOfDate"),
    ]


def test_the_newest_registration_counts_even_if_what_it_says_is_older(chain: Chain) -> None:
    """As on the real chain, which compares neither dates nor evaluation numbers."""
    chain = Chain(SimulatedRuntime())
    older = SimulatedPlatform(tcb_info={"issueDate": "2001-01-01T00:00:00Z", "tcbEvaluationDataNumber": 0})
    for platform in (HONEST, older):
        chain.submit(BOB, "Teerex.register_tcb_info", *arguments(platform.collateral.tcb_info))
    info = chain.runtime.teerex.sgx_tcb_info.get(SIMULATED_PCK.fmspc)
    assert info is not None
    assert info.issue_date == 978_307_200_000


def members(**changes: object) -> dict[str, dict[str, object]]:
    return {"tcb_info": changes, "qe_identity": changes}


Documents = Callable[[str], tuple[bytes, bytes, bytes]]


def document(platform: SimulatedPlatform = HONEST, **changes: Any) -> Documents:
    """One document of a platform, with parts replaced, by its name."""
    return lambda name: arguments(msgspec.structs.replace(getattr(platform.collateral, name), **changes))


def signed(text: dict[str, object]) -> Documents:
    return lambda _: arguments(HONEST.document(text))


SIGNED_CHAIN = HONEST.collateral.tcb_info.chain
FIRST_OF_CHAIN = SIGNED_CHAIN[: SIGNED_CHAIN.index(b"END CERTIFICATE-----\n") + 21]
SIGNATURES = {
    "qe_identity": "enclave_identity_signature_is_invalid",
    "tcb_info": "rsa_signature_is_invalid",
}
FORMS = {"qe_identity": "enclave_identity_decoding_error", "tcb_info": "tcb_info_is_invalid"}
CALLS = {"qe_identity": "Teerex.register_quoting_enclave", "tcb_info": "Teerex.register_tcb_info"}

BAD_COLLATERAL: dict[str, tuple[Documents, str | dict[str, str]]] = {
    "no chain": (document(chain=b""), "certificate_chain_is_too_short"),
    "a chain of one": (document(chain=FIRST_OF_CHAIN), "certificate_chain_is_too_short"),
    "no certificate": (
        document(chain=pem(b"no certificate") + FIRST_OF_CHAIN),
        "leaf_certificate_parsing_error",
    ),
    "somebody else's authority": (document(FOREIGN), "certificate_chain_is_invalid"),
    "expired certificates": (
        document(SimulatedPlatform(valid_until=NOW // 1000 - 1)),
        "certificate_chain_is_invalid",
    ),
    "certificates of the future": (
        document(SimulatedPlatform(valid_from=NOW // 1000 + 1)),
        "certificate_chain_is_invalid",
    ),
    "an authority as the signer": (
        document(chain=pem(HONEST.certificate(PCK_AUTHORITY, ROOT)) + FIRST_OF_CHAIN),
        "certificate_chain_is_invalid",
    ),
    "a short signature": (document(signature=bytes(63)), "key_length_is_invalid"),
    "no signature": (document(signature=b""), "key_length_is_invalid"),
    "a wrong signature": (document(signature=bytes(64)), SIGNATURES),
    "another text": (document(text=b"{}"), SIGNATURES),
    "another form": (signed({}), FORMS),
    "another kind": (document(SimulatedPlatform(**members(id="TDX"))), "collateral_is_invalid"),
    "another version": (document(SimulatedPlatform(**members(version=1))), "collateral_is_invalid"),
    "not yet issued": (
        document(SimulatedPlatform(**members(issueDate="2026-11-22T15:57:55Z"))),
        "collateral_is_invalid",
    ),
    "overdue": (document(SimulatedPlatform(**members(nextUpdate="2026-11-22T15:57:54Z"))), "collateral_is_invalid"),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("case", BAD_COLLATERAL)
def test_bad_collateral(name: str, case: str) -> None:
    chain = Chain(SimulatedRuntime())
    made, expected = BAD_COLLATERAL[case]
    code = expected if isinstance(expected, str) else expected[name]
    assert chain.refusal(BOB, CALLS[name], *made(name)) == f"teerex.{code}"
    assert chain.runtime.teerex.sgx_quoting_enclave_registry.get() == NO_QUOTING_ENCLAVE


def test_a_status_that_the_chain_does_not_know(simulated: Chain) -> None:
    """Its enum of statuses lacks ConfigurationNeeded."""
    document = SimulatedPlatform(tcb_status=TcbStatus.CONFIGURATION_NEEDED).collateral.tcb_info
    code = simulated.refusal(BOB, "Teerex.register_tcb_info", *arguments(document))
    assert code == "teerex.tcb_info_is_invalid"


@pytest.mark.parametrize(
    ("now", "current"),
    [
        (1671442810_000, False),  # issued in this very second
        (1671442810_001, True),
        (1674034810_000 - 1, True),
        (1674034810_000, False),
    ],
)
def test_the_window_of_recorded_tcb_info(chain: Chain, now: int, current: bool) -> None:
    chain.enter(2, now)
    arguments_ = arguments(RECORDED["oasis"].tcb_info)
    if current:
        chain.submit(BOB, "Teerex.register_tcb_info", *arguments_)
    else:
        assert chain.refusal(BOB, "Teerex.register_tcb_info", *arguments_) == "teerex.collateral_is_invalid"


def test_a_pck_authority_signs_no_collateral(chain: Chain) -> None:
    recorded = RECORDED["oasis"]
    chain.enter(2, recorded.now)
    bad = (OASIS / "tcb_info_v3_fmspc_00606A000000_certs_bad.pem").read_bytes()
    text, signature, _ = arguments(recorded.tcb_info)
    code = chain.refusal(BOB, "Teerex.register_tcb_info", text, signature, bad)
    assert code == "teerex.certificate_chain_is_invalid"


def test_simulated_collateral_is_nothing_to_the_real_chain(chain: Chain) -> None:
    for name, call in CALLS.items():
        code = chain.refusal(BOB, call, *document()(name))
        assert code == "teerex.certificate_chain_is_invalid"


# --- quotes


@pytest.mark.parametrize(
    ("name", "method", "status"),
    [
        ("dcap-qvl", SOVEREIGN, SgxStatus.ConfigurationNeeded),
        ("dcap-qvl", PROXIED, SgxStatus.ConfigurationNeeded),
        ("oasis", SOVEREIGN, SgxStatus.Ok),
        ("oasis", PROXIED, SgxStatus.Ok),
    ],
)
def test_recorded_quotes(chain: Chain, name: str, method: Dcap, status: SgxStatus) -> None:
    recorded = RECORDED[name]
    chain.enter(2, recorded.now)
    chain.submit(BOB, "Teerex.register_quoting_enclave", *arguments(recorded.identity))
    chain.submit(BOB, "Teerex.register_tcb_info", *arguments(recorded.tcb_info))
    attested = decode_quote(recorded.quote).body
    sender = ALICE if method.proxied else attested.report_data[:32]

    events = chain.submit(sender, "Teerex.register_sgx_enclave", recorded.quote, b"wss://w", method)
    assert events == [("Teerex.AddedSgxEnclave", sender, b"wss://w", status, method)]
    record = SgxEnclave(
        report_data=SgxReportData(attested.report_data),
        mr_enclave=attested.mr_enclave,
        mr_signer=attested.mr_signer,
        timestamp=recorded.now,
        url=b"wss://w",
        build_mode=SgxBuildMode.Production,
        attestation_method=method,
        status=status,
    )
    if method.proxied:
        signer = Opaque(attested.report_data + bytes(2))
        address = EnclaveInstanceAddress(attested.mr_enclave, ALICE, signer)
        assert chain.runtime.teerex.proxied_enclaves.get(address) == Sgx(record)
    else:
        assert chain.runtime.teerex.sovereign_enclave(sender) == record


def test_collateral_may_expire_once_it_is_registered(chain: Chain) -> None:
    """As on the real chain: enclaves look at the dates themselves."""
    recorded = RECORDED["oasis"]
    chain.enter(2, recorded.now)
    chain.submit(BOB, "Teerex.register_quoting_enclave", *arguments(recorded.identity))
    chain.submit(BOB, "Teerex.register_tcb_info", *arguments(recorded.tcb_info))
    chain.enter(3, recorded.now + 365 * DAY)
    chain.submit(sender_of(recorded.quote), "Teerex.register_sgx_enclave", recorded.quote, None, SOVEREIGN)


def test_a_quote_with_an_encrypted_identity_in_place_of_certificates(simulated: Chain) -> None:
    quote = (OASIS / "quote_v3_ecdsa_p256_eppid.bin").read_bytes()
    assert quote_refusal(simulated, quote, PROXIED) == "teerex.pck_cert_format_mismatch"


def test_a_quote_of_another_kind_of_machine(simulated: Chain) -> None:
    quote = (VECTORS / "dcap-qvl" / "tdx_quote").read_bytes()
    assert quote_refusal(simulated, quote, PROXIED) == "teerex.ra_proof_is_too_long"
    assert quote_refusal(simulated, quote[:5000], PROXIED) == "teerex.dcap_quote_version_mismatch"


def quote_refusal(chain: Chain, quote: bytes, method: Dcap = SOVEREIGN) -> str:
    return chain.refusal(ENCLAVE, "Teerex.register_sgx_enclave", quote, None, method)


def with_chain(chain: bytes) -> bytes:
    """An honest quote with other certificates; nothing signs them as a text."""
    return alter(QUOTE, certification_data=chain)


def with_extension(value: bytes) -> bytes:
    return with_chain(pck_chain(HONEST, extension(SGX_EXTENSION, value)))


GOOD = sgx_extension(SIMULATED_PCK)
AUTHORITY = pem(HONEST.certificate(PCK_AUTHORITY, ROOT))
LEAF = pem(HONEST.certificate(PCK, PCK_AUTHORITY, extension(SGX_EXTENSION, GOOD)))
WRITER_OF_SVNS = "2a864886f84d010d010211"

BAD_QUOTES: dict[str, tuple[bytes, SgxVerifyError]] = {
    "nothing": (b"", SgxVerifyError.DcapQuoteDecodingError),
    "a part": (QUOTE[:1000], SgxVerifyError.DcapQuoteDecodingError),
    "no certification": (QUOTE[:1046], SgxVerifyError.DcapQuoteDecodingError),
    "certificates end early": (QUOTE[:-1], SgxVerifyError.DcapQuoteDecodingError),
    "too many certificates": (
        QUOTE[:1048] + (65_001).to_bytes(4, "little") + QUOTE[1052:],
        SgxVerifyError.DcapQuoteDecodingError,
    ),
    "version": (flipped(QUOTE, 0), SgxVerifyError.DcapQuoteVersionMismatch),
    "key type": (flipped(QUOTE, 2), SgxVerifyError.DcapKeyTypeMismatch),
    "certification type": (flipped(QUOTE, 1046), SgxVerifyError.PckCertFormatMismatch),
    "no certificates": (with_chain(b""), SgxVerifyError.CertificateChainIsTooShort),
    "one certificate": (with_chain(LEAF), SgxVerifyError.CertificateChainIsTooShort),
    "no PEM": (with_chain(b"\xff" * 99 + LEAF), SgxVerifyError.CertificateChainIsTooShort),
    "no certificate": (with_chain(pem(b"none") + AUTHORITY), SgxVerifyError.LeafCertificateParsingError),
    "a critical extension": (
        with_chain(pck_chain(HONEST, extension("1.2.3", b"", critical=True))),
        SgxVerifyError.LeafCertificateParsingError,
    ),
    "somebody else's chain": (FOREIGN.quote(body()), SgxVerifyError.CertificateChainIsInvalid),
    "no authority": (
        with_chain(LEAF + pem(HONEST.certificate(ROOT, ROOT))),
        SgxVerifyError.CertificateChainIsInvalid,
    ),
    "an authority in front": (with_chain(AUTHORITY + LEAF), SgxVerifyError.CertificateChainIsInvalid),
    "expired": (
        SimulatedPlatform(valid_until=NOW // 1000 - 1).quote(body()),
        SgxVerifyError.CertificateChainIsInvalid,
    ),
    "for servers only": (
        with_chain(
            pck_chain(
                HONEST,
                extension("2.5.29.37", der.element(der.SEQUENCE, der.object_identifier("1.3.6.1.5.5.7.3.1"))),
                extension(SGX_EXTENSION, GOOD),
            )
        ),
        SgxVerifyError.CertificateChainIsInvalid,
    ),
    "no SGX extension": (with_chain(pck_chain(HONEST)), SgxVerifyError.IntelExtensionAmbiguity),
    "two SGX extensions": (
        with_chain(pck_chain(HONEST, extension(SGX_EXTENSION, GOOD), extension(SGX_EXTENSION, GOOD))),
        SgxVerifyError.IntelExtensionAmbiguity,
    ),
    "no FMSPC": (with_extension(sgx_values(fmspc=None)), SgxVerifyError.FmspcOidIsMissing),
    "short FMSPC": (with_extension(sgx_values(fmspc=b"\x04\x06short")), SgxVerifyError.FmspcLengthMismatch),
    "no CPUSVN": (with_extension(sgx_values(cpusvn=None)), SgxVerifyError.CpuSvnOidIsMissing),
    "short CPUSVN": (
        with_extension(
            bytes.fromhex("2a864886f84d010d0104") + bytes(8) + bytes.fromhex("2a864886f84d010d010212") + b"\x04"
        ),
        SgxVerifyError.CpuSvnLengthMismatch,
    ),
    "no PCESVN": (with_extension(sgx_values(pcesvn=None)), SgxVerifyError.PceSvnOidIsMissing),
    "PCESVN without length": (
        with_extension(sgx_values(pcesvn=None) + bytes.fromhex(WRITER_OF_SVNS) + b"\x02"),
        SgxVerifyError.PceSvnDecodingError,
    ),
    "long PCESVN": (
        with_extension(sgx_values(pcesvn=b"\x02\x03\x00\xff\xff")),
        SgxVerifyError.PceSvnLengthMismatch,
    ),
    "short PCESVN": (
        with_extension(sgx_values(pcesvn=None) + bytes.fromhex(WRITER_OF_SVNS) + b"\x02\x02\x01"),
        SgxVerifyError.PceSvnLengthMismatch,
    ),
    "another attestation key": (
        alter(QUOTE, attestation_key=p256.point_of(FOREIGN.key("attestation").public_key())),
        SgxVerifyError.QeReportHashMismatch,
    ),
    "another enclave": (
        alter(QUOTE, body=body(mr_enclave=b"\x33" * 32)),
        SgxVerifyError.IsvEnclaveReportSignatureIsInvalid,
    ),
    "another quoting enclave": (
        alter(QUOTE, qe_report=msgspec.structs.replace(decode_quote(QUOTE).qe_report, mr_enclave=bytes(32))),
        SgxVerifyError.RsaSignatureIsInvalid,
    ),
    "bytes after it": (QUOTE + b"\0", SgxVerifyError.DcapQuoteIsTooLong),
}


@pytest.mark.parametrize("case", BAD_QUOTES)
def test_bad_quotes(simulated: Chain, case: str) -> None:
    quote, reason = BAD_QUOTES[case]
    with pytest.raises(DispatchFailure) as failure:
        simulated.submit(ENCLAVE, "Teerex.register_sgx_enclave", quote, None, SOVEREIGN)
    assert failure.value.error.module.error == bytes([15 + reason, 0, 0, 0])  # type: ignore[attr-defined]


def qe(**changes: Any) -> ReportBody:
    return msgspec.structs.replace(decode_quote(QUOTE).qe_report, **changes)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"mr_signer": bytes(32)}, SgxVerifyError.QeHasRejectedEnclave),
        ({"product_id": 2}, SgxVerifyError.QeHasRejectedEnclave),
        ({"misc_select": 1}, SgxVerifyError.QeHasRejectedEnclave),
        ({"flags": Flag.INIT}, SgxVerifyError.QeHasRejectedEnclave),
        ({"flags": Flag.INIT | Flag.DEBUG | Flag.PROVISION_KEY}, SgxVerifyError.QeHasRejectedEnclave),
        ({"security_version": 7}, SgxVerifyError.QeHasRejectedEnclave),
        # What the chain does not look at; the signature shows that it came so far.
        ({"security_version": 9}, SgxVerifyError.RsaSignatureIsInvalid),
        ({"xfrm": 0}, SgxVerifyError.RsaSignatureIsInvalid),
        ({"flags": Flag.INIT | Flag.PROVISION_KEY}, SgxVerifyError.RsaSignatureIsInvalid),
    ],
)
def test_other_quoting_enclaves(simulated: Chain, changes: dict[str, Any], reason: SgxVerifyError) -> None:
    code = getattr(Teerex.Error, reason.name).code
    assert quote_refusal(simulated, alter(QUOTE, qe_report=qe(**changes))) == code


def test_no_quoting_enclave_is_registered() -> None:
    assert quote_refusal(Chain(SimulatedRuntime()), QUOTE) == "teerex.qe_has_rejected_enclave"


def test_the_platform_must_be_known_and_reach_a_level() -> None:
    chain = Chain(SimulatedRuntime())
    chain.submit(BOB, "Teerex.register_quoting_enclave", *arguments(HONEST.collateral.qe_identity))
    assert quote_refusal(chain, QUOTE) == "teerex.missing_tcb_info_for_fmspc"
    chain.submit(BOB, "Teerex.register_tcb_info", *arguments(HONEST.collateral.tcb_info))
    for old in (
        msgspec.structs.replace(SIMULATED_PCK, cpu_svn=b"\x01" * 15 + b"\0"),
        msgspec.structs.replace(SIMULATED_PCK, pce_svn=0),
    ):
        quote = SimulatedPlatform(pck=old).quote(body())
        assert quote_refusal(chain, quote) == "teerex.tcb_info_is_outdated"
        assert quote_refusal(chain, quote, PROXIED) == "teerex.tcb_info_is_outdated"


def test_a_quote_is_of_its_sender_unless_it_is_proxied(simulated: Chain) -> None:
    code = simulated.refusal(ALICE, "Teerex.register_sgx_enclave", QUOTE, None, SOVEREIGN)
    assert code == "teerex.sender_is_not_attested_enclave"
    simulated.submit(ALICE, "Teerex.register_sgx_enclave", QUOTE, None, PROXIED)


@pytest.mark.parametrize("method", [SOVEREIGN, PROXIED])
def test_debug_enclaves_are_refused_unless_the_chain_allows_them(simulated: Chain, method: Dcap) -> None:
    quote = HONEST.quote(body(flags=Flag.INIT | Flag.DEBUG | Flag.MODE64))
    assert quote_refusal(simulated, quote, method) == "teerex.sgx_mode_is_not_allowed"
    simulated.submit(SUDO, "Teerex.set_security_flags", False, True)
    simulated.submit(ENCLAVE, "Teerex.register_sgx_enclave", quote, None, method)


STATUSES = {
    TcbStatus.UP_TO_DATE: SgxStatus.Ok,
    TcbStatus.SW_HARDENING_NEEDED: SgxStatus.Ok,
    TcbStatus.CONFIGURATION_AND_SW_HARDENING_NEEDED: SgxStatus.ConfigurationNeeded,
    TcbStatus.OUT_OF_DATE: SgxStatus.GroupOutOfDate,
    TcbStatus.OUT_OF_DATE_CONFIGURATION_NEEDED: SgxStatus.GroupOutOfDate,
    TcbStatus.REVOKED: SgxStatus.GroupRevoked,
}


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_registers(simulated: Chain, status: TcbStatus) -> None:
    register_collateral(simulated, SimulatedPlatform(tcb_status=status))
    simulated.submit(ENCLAVE, "Teerex.register_sgx_enclave", QUOTE, None, SOVEREIGN)
    assert simulated.runtime.teerex.sovereign_enclave(ENCLAVE).status is STATUSES[status]
    assert len(STATUSES) == len(ChainTcbStatus) - 1  # there is no Unknown in collateral


# --- what the chain takes and an enclave does not


SAMPLE_SIGNER = bytes.fromhex("83d719e77deaca1470f6baf62a4d774303c899db69020f9c70ee1dfc08c7ce9e")

WEAKER: dict[str, tuple[SimulatedPlatform, bytes, str]] = {
    "an authority that was revoked": (
        platform := SimulatedPlatform(revoked=frozenset({PCK_AUTHORITY})),
        platform.quote(body()),
        "attestation.certificate_revoked",
    ),
    "a machine that was revoked": (
        platform := SimulatedPlatform(revoked=frozenset({PCK})),
        platform.quote(body()),
        "attestation.certificate_revoked",
    ),
    "a platform that is revoked": (
        platform := SimulatedPlatform(tcb_status=TcbStatus.REVOKED),
        platform.quote(body()),
        "attestation.tcb_status",
    ),
    "a quoting enclave that is out of date": (
        platform := SimulatedPlatform(qe_status=QeTcbStatus.OUT_OF_DATE),
        platform.quote(body()),
        "attestation.tcb_status",
    ),
    "an advisory": (
        platform := SimulatedPlatform(advisories=("SIM-SA-00002",)),
        platform.quote(body()),
        "attestation.advisory",
    ),
    "a signer whose key is public": (
        HONEST,
        HONEST.quote(body(mr_signer=SAMPLE_SIGNER)),
        "attestation.signer_denied",
    ),
    "an enclave on nobody's list": (
        HONEST,
        HONEST.quote(body(mr_enclave=b"\x44" * 32)),
        "attestation.measurement",
    ),
    "the keys of the provisioning enclave": (
        HONEST,
        HONEST.quote(body(flags=Flag.INIT | Flag.MODE64 | Flag.PROVISION_KEY)),
        "attestation.enclave_attribute",
    ),
    "another prefix in the names": (
        platform := SimulatedPlatform(prefix="Other"),
        platform.quote(body()),
        "attestation.certificate_name",
    ),
    "certificates in another order": (
        HONEST,
        with_chain(LEAF + pem(HONEST.certificate(ROOT, ROOT)) + AUTHORITY),
        "attestation.root_not_trusted",
    ),
}


@pytest.mark.parametrize("case", WEAKER)
def test_what_the_chain_takes_and_an_enclave_does_not(case: str) -> None:
    platform, quote, code = WEAKER[case]
    chain = Chain(SimulatedRuntime())
    register_collateral(chain, platform)
    chain.submit(ENCLAVE, "Teerex.register_sgx_enclave", quote, None, SOVEREIGN)
    with pytest.raises(AttestationError) as refusal:
        verify_quote(quote, platform.collateral, SIMULATED_ROOT, simulation_policy(), NOW)
    assert refusal.value.code == code


@pytest.mark.parametrize("at", [4, 12, 432])  # TEE type and vendor are signed, the length is not
def test_parts_of_a_quote_that_the_chain_does_not_look_at(simulated: Chain, at: int) -> None:
    data = flipped(QUOTE, at)
    signature = p256.sign(HONEST.key("attestation"), data[:432])
    quote = data[:436] + signature + data[500:]
    simulated.submit(ENCLAVE, "Teerex.register_sgx_enclave", quote, None, SOVEREIGN)
    with pytest.raises(AttestationError):
        decode_quote(quote)


def test_an_honest_quote_is_taken_by_both(simulated: Chain) -> None:
    quote = resign(QUOTE)
    simulated.submit(ENCLAVE, "Teerex.register_sgx_enclave", quote, None, SOVEREIGN)
    record = simulated.runtime.teerex.sovereign_enclave(ENCLAVE)
    verified = verify_quote(quote, HONEST.collateral, SIMULATED_ROOT, simulation_policy(), NOW)
    assert record.report_data.d == verified.report_data == REPORT_DATA
    assert (record.mr_enclave, record.mr_signer) == (MR_ENCLAVE, MR_SIGNER)
    assert simulated.runtime.teerex.sgx_quoting_enclave_registry.get().mrsigner == QE_SIGNER


# --- reports of Intel's Attestation Service


OASIS_REPORT = ra_certificate(*oasis_report())
REPORTS = {
    "TEST4": (TEST4, 1587899785_000, SgxStatus.ConfigurationNeeded, SgxBuildMode.Debug),
    "oasis": (OASIS_REPORT, 1589188875_000, SgxStatus.Invalid, SgxBuildMode.Debug),
}
TEST4_ACCOUNT = bytes.fromhex("93cbb905e945dd817dfa86ff52e1261e7ff6956cf8b76e05e936090aa295138c")
OASIS_ACCOUNT = bytes.fromhex("6e90dd30d40b9813abb7f437a969de4fa2f9421df82519b9a507e3176cb3e1e0")
ACCOUNTS = {"TEST4": TEST4_ACCOUNT, "oasis": OASIS_ACCOUNT}


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("age", [0, DAY - 1])
def test_recorded_reports(chain: Chain, name: str, age: int) -> None:
    proof, made, status, mode = REPORTS[name]
    account = ACCOUNTS[name]
    chain.submit(SUDO, "Teerex.set_security_flags", False, True)
    chain.enter(2, made + age)
    events = chain.submit(account, "Teerex.register_sgx_enclave", proof, None, Ias())
    assert events == [("Teerex.AddedSgxEnclave", account, None, status, Ias())]
    record = chain.runtime.teerex.sovereign_enclave(account)
    assert (record.timestamp, record.status, record.build_mode) == (made, status, mode)
    assert record.report_data.d[:32] == account
    if name == "TEST4":
        assert record.mr_signer == SAMPLE_SIGNER


@pytest.mark.parametrize(
    ("age", "sender", "allow_debug", "code"),
    [
        (-1, TEST4_ACCOUNT, True, "teerex.report_from_the_future"),
        (DAY, TEST4_ACCOUNT, True, "teerex.remote_attestation_is_too_old"),
        (DAY, ALICE, True, "teerex.remote_attestation_is_too_old"),
        (0, ALICE, True, "teerex.sender_is_not_attested_enclave"),
        (0, ALICE, False, "teerex.sender_is_not_attested_enclave"),
        (0, TEST4_ACCOUNT, False, "teerex.sgx_mode_is_not_allowed"),
    ],
)
def test_reports_of_others_or_of_another_time(
    chain: Chain, age: int, sender: bytes, allow_debug: bool, code: str
) -> None:
    chain.submit(SUDO, "Teerex.set_security_flags", True, allow_debug)
    chain.enter(2, 1587899785_000 + age)
    assert chain.refusal(sender, "Teerex.register_sgx_enclave", TEST4, None, Ias()) == code


def test_a_report_from_the_future_is_an_error_without_number(chain: Chain) -> None:
    chain.enter(2, 1587899784_999)
    with pytest.raises(DispatchFailure) as failure:
        chain.submit(TEST4_ACCOUNT, "Teerex.register_sgx_enclave", TEST4, None, Ias())
    assert failure.value.error == Other()


TEXT, SIGNATURE, SIGNER = oasis_report()
BAD_REPORTS: dict[str, tuple[bytes, SgxVerifyError]] = {
    "no comment": (bytes(500), SgxVerifyError.NetscapeDecodingError),
    "comment ends early": (OASIS_REPORT[:-1], SgxVerifyError.NetscapeDecodingError),
    "comment without length": (OASIS_REPORT[:12], SgxVerifyError.NetscapeDecodingError),
    "two parts": (ra_certificate(TEXT, SIGNATURE), SgxVerifyError.NetscapeDecodingError),
    "four parts": (ra_certificate(TEXT, SIGNATURE, SIGNER, b""), SgxVerifyError.NetscapeDecodingError),
    "signature is not base64": (ra_certificate(TEXT, b"?", SIGNER), SgxVerifyError.NetscapeDecodingError),
    "certificate is not base64": (ra_certificate(TEXT, SIGNATURE, b"?"), SgxVerifyError.NetscapeDecodingError),
    "certificate is not DER": (ra_certificate(TEXT, SIGNATURE, b"MAA="), SgxVerifyError.NetscapeDerError),
    "another text": (ra_certificate(b"{}" + TEXT, SIGNATURE, SIGNER), SgxVerifyError.RsaSignatureIsInvalid),
    "no signature": (ra_certificate(TEXT, b"", SIGNER), SgxVerifyError.RsaSignatureIsInvalid),
    "an elliptic key": (
        ra_certificate(TEXT, SIGNATURE, b"".join(LEAF.split(b"\n")[1:-2])),
        SgxVerifyError.RsaSignatureIsInvalid,
    ),
}


@pytest.mark.parametrize("case", BAD_REPORTS)
def test_bad_reports(chain: Chain, case: str) -> None:
    proof, reason = BAD_REPORTS[case]
    chain.enter(2, 1589188875_000)
    code = chain.refusal(OASIS_ACCOUNT, "Teerex.register_sgx_enclave", proof, None, Ias())
    assert code == getattr(Teerex.Error, reason.name).code


# --- the whole enumeration


UNREACHABLE = {
    SgxVerifyError.CpuSvnDecodingError,  # the length was checked before
    SgxVerifyError.FmspcDecodingError,
    SgxVerifyError.DerEncodingError,  # any 64 bytes have a DER form
    SgxVerifyError.PublicKeyIsInvalid,
    SgxVerifyError.IntelExtensionCertificateDecodingError,  # the certificate was read before
}
"""As upstream."""
ELSEWHERE = {
    SgxVerifyError.CaVerificationFailed,
    SgxVerifyError.SgxReportParsingError,
    SgxVerifyError.TimestampIsInvalid,
    SgxVerifyError.TimestampIsMissing,
    SgxVerifyError.QuoteStatusMissing,
    SgxVerifyError.QuoteBodyMissing,
    SgxVerifyError.QuoteBodyDecodingError,
    SgxVerifyError.QuoteBodyIsInvalid,
}
"""Intel's service would have to sign such a report: tests of `ias`."""
COLLATERAL = {
    SgxVerifyError.EnclaveIdentityDecodingError,
    SgxVerifyError.EnclaveIdentitySignatureIsInvalid,
    SgxVerifyError.KeyLengthIsInvalid,
    SgxVerifyError.TcbInfoIsInvalid,
}


def test_every_reason_has_its_case() -> None:
    met = {reason for _, reason in [*BAD_QUOTES.values(), *BAD_REPORTS.values()]}
    met |= {SgxVerifyError.QeHasRejectedEnclave}
    assert met | COLLATERAL | ELSEWHERE | UNREACHABLE == set(SgxVerifyError)
    assert not met & (ELSEWHERE | UNREACHABLE)


def test_a_report_is_read_only_if_it_is_signed(chain: Chain) -> None:
    chain.enter(2, 1589188875_000)
    proof = ra_certificate(report_json().ljust(300), SIGNATURE, SIGNER)
    code = chain.refusal(OASIS_ACCOUNT, "Teerex.register_sgx_enclave", proof, None, Ias())
    assert code == "teerex.rsa_signature_is_invalid"

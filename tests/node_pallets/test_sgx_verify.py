"""Parts of the chain's verification that no authority would sign wrongly, and the paths of certificates."""

from __future__ import annotations

import subprocess
import sys
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import pytest
from cryptography import x509
from hypothesis import example, given
from hypothesis import strategies as st

from integritee.attestation import INTEL_SGX_ROOT, SIMULATED_ROOT, PckPlatform, der
from integritee.attestation.certificates import PCK_CHAIN
from integritee.attestation.certificates import load_chain as load_pck_chain
from integritee.attestation.quote import decode_quote
from integritee.attestation.simulated_pki import PCK, PCK_AUTHORITY, ROOT, SimulatedPlatform, pem
from integritee.enclave.selftest.damage import flipped
from integritee.node.sgx_verify import certificates, ias
from integritee.node.sgx_verify.certificates import load_chain, split_pem
from integritee.node.sgx_verify.collateral import STATUS, verify_examinee, verify_quoting_enclave
from integritee.node.sgx_verify.errors import MEANING, Refused, SgxVerifyError
from integritee.node.sgx_verify.quote import read_cpu_svn, read_fmspc, read_length, read_pce_svn, verify_dcap_quote
from integritee.primitives.teerex import SgxTcbInfoOnChain, TcbStatus, TcbVersionStatus

from ..attestation.forge import HONEST
from .evidence import (
    OASIS,
    RECORDED,
    arguments,
    extension,
    oasis_report,
    pck_chain,
    ra_certificate,
    report_json,
    sgx_values,
)

NOW = 1_700_000_000
ROOT_KEY = SIMULATED_ROOT.public_key
OASIS_QUOTE = RECORDED["oasis"]
IDENTITY = verify_quoting_enclave(*arguments(OASIS_QUOTE.identity), INTEL_SGX_ROOT.public_key, OASIS_QUOTE.now)
assert IDENTITY is not None
CLAIMS = verify_dcap_quote(OASIS_QUOTE.quote, IDENTITY, INTEL_SGX_ROOT.public_key, OASIS_QUOTE.now)


def reason(attempt: Any) -> SgxVerifyError:
    with pytest.raises(Refused) as refusal:
        attempt()
    return refusal.value.reason


# --- levels


@pytest.mark.parametrize(
    ("cpusvn", "pcesvn", "reached"),
    [  # as in the tests of teerex-primitives
        ("11110204018007000000000000000000", 7, True),
        ("21110204018007000000000000000001", 7, True),
        ("10110204018007000000000000000000", 6, False),
        ("11110204018007000000000000000000", 6, False),
        ("ffffffffffffffffffffffffffffffff", 6, False),
    ],
)
def test_a_level_is_reached_in_every_respect(cpusvn: str, pcesvn: int, reached: bool) -> None:
    level = TcbVersionStatus(bytes.fromhex("11110204018007000000000000000000"), 7, TcbStatus.UpToDate)
    examinee = TcbVersionStatus(bytes.fromhex(cpusvn), pcesvn, TcbStatus.Unknown)
    found = verify_examinee(SgxTcbInfoOnChain(0, 0, [level]), examinee)
    assert found is (STATUS[TcbStatus.UpToDate] if reached else None)


SVNS = st.builds(TcbVersionStatus, st.binary(min_size=16, max_size=16), st.integers(0, 9), st.sampled_from(TcbStatus))


@given(st.lists(SVNS, max_size=6), SVNS)
def test_the_first_level_reached_counts(levels: list[TcbVersionStatus], examinee: TcbVersionStatus) -> None:
    def reached(level: TcbVersionStatus) -> bool:
        return all(map(int.__le__, (*level.cpusvn, level.pcesvn), (*examinee.cpusvn, examinee.pcesvn)))

    expected = next((STATUS[level.tcb_status] for level in levels if reached(level)), None)
    assert verify_examinee(SgxTcbInfoOnChain(0, 0, levels), examinee) is expected


# --- the SGX extension


@pytest.mark.parametrize("name", RECORDED)
def test_the_search_finds_what_the_parser_reads(name: str) -> None:
    chain = decode_quote(RECORDED[name].quote).certification_data
    extension_ = load_pck_chain(chain, PCK_CHAIN)[0].sgx_extension
    assert extension_ is not None
    platform = PckPlatform.decode(extension_)
    assert read_fmspc(extension_) == platform.fmspc
    assert read_cpu_svn(extension_) == platform.cpu_svn
    assert read_pce_svn(extension_) == platform.pce_svn


@pytest.mark.parametrize("svn", [0, 127, 128, 0x7FFF])
def test_pce_svns(svn: int) -> None:
    assert read_pce_svn(sgx_values(pcesvn=der.unsigned(svn))) == svn


@pytest.mark.parametrize(
    ("data", "length", "rest"),
    [
        (b"\x05ab", 5, b"ab"),
        (b"\x80ab", 0x80, b"ab"),
        (b"\x82\x01\x02ab", 0x102, b"ab"),
        (b"\x81\x01\x02ab", 0x102, b"ab"),  # whatever the low bits say
    ],
)
def test_lengths(data: bytes, length: int, rest: bytes) -> None:
    assert read_length(data) == (length, rest)


@pytest.mark.parametrize("data", [b"", b"\x82", b"\x82\x01"])
def test_lengths_that_end_early(data: bytes) -> None:
    with pytest.raises(ValueError):
        read_length(data)


# --- paths


LEAF = pem(HONEST.certificate(PCK, PCK_AUTHORITY))
AUTHORITY = pem(HONEST.certificate(PCK_AUTHORITY, ROOT))
ROOT_CERTIFICATE = pem(HONEST.certificate(ROOT, ROOT))


@pytest.mark.parametrize("name", RECORDED)
def test_intels_chains_lead_to_intels_root(name: str) -> None:
    recorded = RECORDED[name]
    for chain in (recorded.tcb_info.chain, decode_quote(recorded.quote).certification_data):
        load_chain(chain, INTEL_SGX_ROOT.public_key, recorded.now // 1000)
        assert reason(lambda chain=chain: load_chain(chain, ROOT_KEY, recorded.now // 1000)) is (
            SgxVerifyError.CertificateChainIsInvalid
        )


@pytest.mark.parametrize(
    "chain",
    [
        LEAF + AUTHORITY,
        LEAF + AUTHORITY + ROOT_CERTIFICATE,
        LEAF + ROOT_CERTIFICATE + AUTHORITY,
        LEAF + pem(b"not a certificate") + AUTHORITY,
        LEAF + pem(SimulatedPlatform(valid_until=NOW - 1).certificate(ROOT, ROOT)) + AUTHORITY,
        LEAF + AUTHORITY + b"\0",
        (LEAF + AUTHORITY).replace(b"\n", b""),
        LEAF + b"-----END CERTIFICATE-----" + AUTHORITY,
    ],
)
def test_chains_that_lead_to_the_root(chain: bytes) -> None:
    load_chain(chain, ROOT_KEY, NOW)


@pytest.mark.parametrize(
    "chain",
    [
        LEAF + LEAF,
        LEAF + ROOT_CERTIFICATE,
        LEAF + pem(SimulatedPlatform(seed=b"foreign").certificate(PCK_AUTHORITY, ROOT)),
        LEAF + pem(SimulatedPlatform(valid_until=NOW - 1).certificate(PCK_AUTHORITY, ROOT)),
        AUTHORITY + ROOT_CERTIFICATE,  # what counts first may be no authority
        LEAF + AUTHORITY.replace(b"\n", b"\r\n"),  # as upstream: this is not base64
    ],
)
def test_chains_that_do_not(chain: bytes) -> None:
    expected = {SgxVerifyError.CertificateChainIsInvalid, SgxVerifyError.CertificateChainIsTooShort}
    assert reason(lambda: load_chain(chain, ROOT_KEY, NOW)) in expected


@pytest.mark.parametrize(("now", "valid"), [(NOW - 1, False), (NOW, True), (NOW + 10, True), (NOW + 11, False)])
def test_both_ends_of_the_time_count(now: int, valid: bool) -> None:
    platform = SimulatedPlatform(valid_from=NOW, valid_until=NOW + 10)
    if valid:
        load_chain(platform.pck_chain, ROOT_KEY, now)
    else:
        assert (
            reason(lambda: load_chain(platform.pck_chain, ROOT_KEY, now)) is SgxVerifyError.CertificateChainIsInvalid
        )


RECORDED_CERTIFICATES = split_pem(decode_quote(OASIS_QUOTE.quote).certification_data)


@given(st.sampled_from((0, 1)), st.integers(0, 8 * 500 - 1), st.booleans())
@example(0, 8 * (len(RECORDED_CERTIFICATES[0]) - 1198 - 1), True)  # bits of the signature that do not count
def test_no_bit_of_a_certificate_may_change(which: int, bit: int, from_the_end: bool) -> None:
    chain = list(RECORDED_CERTIFICATES[:2])
    at, bit = divmod(bit, 8)
    chain[which] = flipped(chain[which], -1 - at if from_the_end else at, 1 << bit)
    with pytest.raises(Refused):
        load_chain(b"".join(map(pem, chain)), INTEL_SGX_ROOT.public_key, OASIS_QUOTE.now // 1000)


def test_no_more_authorities_than_the_limit() -> None:
    """An authority that certifies itself leads nowhere, however often it is there."""
    foreign = SimulatedPlatform(seed=b"foreign")
    chain = pem(foreign.certificate(PCK, ROOT)) + 20 * pem(foreign.certificate(ROOT, ROOT))
    assert reason(lambda: load_chain(chain, ROOT_KEY, NOW)) is SgxVerifyError.CertificateChainIsInvalid


@pytest.mark.parametrize(
    ("usages", "valid"),
    [
        (("1.3.6.1.5.5.7.3.2",), True),
        (("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"), True),
        (("1.3.6.1.5.5.7.3.1",), False),
        ((), False),
    ],
)
def test_extended_key_usage(usages: tuple[str, ...], valid: bool) -> None:
    value = der.element(der.SEQUENCE, *map(der.object_identifier, usages))
    chain = pck_chain(HONEST, extension("2.5.29.37", value))
    if valid:
        load_chain(chain, ROOT_KEY, NOW)
    else:
        assert reason(lambda: load_chain(chain, ROOT_KEY, NOW)) is SgxVerifyError.CertificateChainIsInvalid


def test_split_pem_passes_over_what_is_no_base64() -> None:
    assert split_pem(b"") == []
    assert split_pem(b"?" + LEAF + AUTHORITY + b"\0") == split_pem(AUTHORITY)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused(data: bytes) -> None:
    for attempt in (
        lambda: load_chain(data, ROOT_KEY, NOW),
        lambda: load_chain(pem(data) + AUTHORITY, ROOT_KEY, NOW),
        lambda: ias.verify_ias_report(data),
        lambda: ias.verify_ias_report(ra_certificate(data.replace(b"|", b""), b"", b64encode(data.ljust(300)))),
    ):
        with pytest.raises(Refused):
            attempt()


@given(st.integers(0, len(RECORDED["oasis"].quote) - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused_or_changes_nothing_that_is_recorded(at: int, mask: int) -> None:
    quote = flipped(OASIS_QUOTE.quote, at, mask)
    try:
        changed = verify_dcap_quote(quote, IDENTITY, INTEL_SGX_ROOT.public_key, OASIS_QUOTE.now)
    except Refused:
        return
    assert changed == CLAIMS


# --- reports


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", SgxVerifyError.SgxReportParsingError),
        (b"{", SgxVerifyError.SgxReportParsingError),
        (report_json() + b" {}", SgxVerifyError.SgxReportParsingError),
        (b"[" * 5000, SgxVerifyError.SgxReportParsingError),
        (b"null", SgxVerifyError.TimestampIsMissing),
        (b'["timestamp"]', SgxVerifyError.TimestampIsMissing),
        (report_json(timestamp=None), SgxVerifyError.TimestampIsMissing),
        (report_json(timestamp=1), SgxVerifyError.TimestampIsMissing),
        (report_json(timestamp="yesterday"), SgxVerifyError.TimestampIsInvalid),
        (report_json(timestamp="2020-13-11T09:21:15.4"), SgxVerifyError.TimestampIsInvalid),
        (report_json(timestamp="2020-05-11T09:21:15.4Z"), SgxVerifyError.TimestampIsInvalid),
        (report_json(timestamp="1969-12-31T23:59:59.0"), SgxVerifyError.TimestampIsInvalid),
        (report_json(isvEnclaveQuoteStatus=None), SgxVerifyError.QuoteStatusMissing),
        (report_json(isvEnclaveQuoteStatus=["OK"]), SgxVerifyError.QuoteStatusMissing),
        (report_json(isvEnclaveQuoteBody=None), SgxVerifyError.QuoteBodyMissing),
        (report_json(isvEnclaveQuoteBody="?"), SgxVerifyError.QuoteBodyDecodingError),
        (report_json(isvEnclaveQuoteBody=b64encode(bytes(431)).decode()), SgxVerifyError.QuoteBodyIsInvalid),
    ],
)
def test_reports_in_another_form(text: bytes, expected: SgxVerifyError) -> None:
    assert reason(lambda: ias.parse_report(text)) is expected


@pytest.mark.parametrize(
    ("status", "recorded"),
    [
        ("OK", "Ok"),
        ("GROUP_OUT_OF_DATE", "GroupOutOfDate"),
        ("GROUP_REVOKED", "GroupRevoked"),
        ("CONFIGURATION_NEEDED", "ConfigurationNeeded"),
        ("SW_HARDENING_NEEDED", "Invalid"),
        ("CONFIGURATION_AND_SW_HARDENING_NEEDED", "Invalid"),
        ("", "Invalid"),
    ],
)
def test_statuses_of_reports(status: str, recorded: str) -> None:
    assert ias.parse_report(report_json(isvEnclaveQuoteStatus=status)).status.name == recorded


@pytest.mark.parametrize("fraction", ["", ".4", ".999999"])
def test_fractions_of_a_second_are_dropped(fraction: str) -> None:
    assert ias.parse_report(report_json(timestamp="2020-05-11T09:21:15" + fraction)).timestamp == 1_589_188_875_000


def test_somebody_else_certifies_reports() -> None:
    proof = ra_certificate(*oasis_report())
    other = ias.ReportAuthority(ias.INTEL_REPORT_AUTHORITY.modulus + 2)
    assert reason(lambda: ias.verify_ias_report(proof, other)) is SgxVerifyError.CaVerificationFailed


def test_the_pinned_authority_is_the_one_that_was_sent_along() -> None:
    chain = unquote((OASIS / "avr_certificates_urlencoded.pem").read_text()).encode()
    signing, authority = x509.load_pem_x509_certificates(chain)
    numbers: Any = authority.public_key().public_numbers()  # type: ignore[union-attr]
    assert (numbers.n, numbers.e) == (ias.INTEL_REPORT_AUTHORITY.modulus, ias.INTEL_REPORT_AUTHORITY.exponent)
    assert authority.serial_number == 0xD107765D32A3B094
    assert signing.issuer == authority.subject


def test_certificates_count_at_a_fixed_time() -> None:
    """The recorded signer has expired since; what it signed holds on."""
    assert datetime.fromtimestamp(ias.VERIFICATION_TIME, UTC).isoformat() == "2019-11-10T20:50:50+00:00"
    signer = certificates.load(b64decode(oasis_report()[2]))
    assert signer.not_after == 1_795_167_418
    assert certificates.may_serve_servers(signer, ias.VERIFICATION_TIME)
    assert not certificates.may_serve_servers(signer, signer.not_after + 1)


# --- the reasons


def test_every_reason_is_explained() -> None:
    assert set(MEANING) == set(SgxVerifyError)
    assert len(set(MEANING.values())) == len(SgxVerifyError)


def test_a_node_starts_without_certificates() -> None:
    """They are slow to import, and few chains of developers ever see one."""
    code = "import sys\nimport integritee.node.runtime.runtime\nassert 'cryptography.x509' not in sys.modules\n"
    subprocess.run([sys.executable, "-c", code], check=True)

"""The layout of quotes, byte by byte."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.attestation import Quote, ReportBody, decode_quote
from integritee.attestation.errors import (
    QuoteError,
    QuoteHeaderUnsupported,
    QuoteReservedBytesSet,
    QuoteTooLong,
    QuoteTruncated,
    WrongLength,
)
from integritee.attestation.quote import MAX_QUOTE_LENGTH, REPORT_BODY_LENGTH, Flag

from .forge import VECTORS

RECORDED = [
    "dcap-qvl/sgx_quote",
    "oasis/quote_v3_ecdsa_p256_pck_chain.bin",
    "oasis/quote_v3_ecdsa_p256_eppid.bin",
    "sim/sim_quote.bin",
    "sim/sim_quote_debug.bin",
]
REAL = (VECTORS / RECORDED[0]).read_bytes()

# field, offset in the report body, length in bytes
BODY_LAYOUT = [
    ("cpu_svn", 0, 16),
    ("misc_select", 16, 4),
    ("ext_product_id", 32, 16),
    ("flags", 48, 8),
    ("xfrm", 56, 8),
    ("mr_enclave", 64, 32),
    ("mr_signer", 128, 32),
    ("config_id", 192, 64),
    ("product_id", 256, 2),
    ("security_version", 258, 2),
    ("config_svn", 260, 2),
    ("family_id", 304, 16),
    ("report_data", 320, 64),
]
RESERVED = sorted(
    set(range(REPORT_BODY_LENGTH)) - {at for _, start, length in BODY_LAYOUT for at in range(start, start + length)}
)


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_quotes_round_trip(name: str) -> None:
    data = (VECTORS / name).read_bytes()
    assert decode_quote(data).encode() == data


def test_fields_of_a_real_quote() -> None:
    quote = decode_quote(REAL)
    assert (quote.qe_svn, quote.pce_svn) == (10, 15)
    assert quote.user_data == REAL[28:48]
    assert quote.body.flags == Flag.INIT | Flag.MODE64
    assert not quote.body.debug
    assert quote.body.xfrm == 0xE7
    assert quote.body.mr_enclave == REAL[112:144]
    assert quote.body.mr_signer == REAL[176:208]
    assert quote.body.report_data == b"Hello, world!".ljust(64, b"\0")
    assert quote.signed_part() == REAL[:432]
    assert quote.signature == REAL[436:500]
    assert quote.attestation_key == REAL[500:564]
    assert quote.qe_report.encode() == REAL[564:948]
    assert quote.qe_report_signature == REAL[948:1012]
    assert quote.qe_auth_data == REAL[1014:1046]
    assert quote.certification_type == 5
    assert quote.certification_data == REAL[1052:]


@pytest.mark.parametrize(("field", "offset", "length"), BODY_LAYOUT)
def test_report_body_offsets(field: str, offset: int, length: int) -> None:
    plain = bytes(REPORT_BODY_LENGTH)
    raw = bytes(range(1, length + 1))
    body = ReportBody.decode(plain[:offset] + raw + plain[offset + length :])
    expected = raw if isinstance(getattr(body, field), bytes) else int.from_bytes(raw, "little")
    assert getattr(body, field) == expected
    rest = msgspec.structs.replace(body, **{field: getattr(ReportBody.decode(plain), field)})
    assert rest == ReportBody.decode(plain)


def test_reserved_bytes_of_both_reports_must_be_zero() -> None:
    for start in (48, 564):
        for at in RESERVED:
            altered = bytearray(REAL)
            altered[start + at] = 1
            with pytest.raises(QuoteReservedBytesSet):
                decode_quote(bytes(altered))


def test_every_truncation_is_refused() -> None:
    for length in range(len(REAL)):
        with pytest.raises(QuoteTruncated):
            decode_quote(REAL[:length])


@pytest.mark.parametrize("name", ["dcap-qvl/tdx_quote"])
def test_other_quotes_are_refused(name: str) -> None:
    with pytest.raises(QuoteHeaderUnsupported) as refusal:
        decode_quote((VECTORS / name).read_bytes())
    assert refusal.value.data() == {"field": "version", "expected": 3, "found": 4}


def test_length_limit_comes_first() -> None:
    with pytest.raises(QuoteTooLong):
        decode_quote(bytes(MAX_QUOTE_LENGTH + 1))
    too_long = msgspec.structs.replace(decode_quote(REAL), certification_data=bytes(MAX_QUOTE_LENGTH))
    with pytest.raises(QuoteTooLong):
        too_long.encode()


@pytest.mark.parametrize("field", ["user_data", "signature", "attestation_key", "qe_report_signature"])
def test_fields_of_wrong_length_are_not_written(field: str) -> None:
    with pytest.raises(WrongLength):
        msgspec.structs.replace(decode_quote(REAL), **{field: b"short"}).encode()


@pytest.mark.parametrize("field", ["cpu_svn", "mr_enclave", "mr_signer", "config_id", "report_data"])
def test_body_fields_of_wrong_length_are_not_written(field: str) -> None:
    with pytest.raises(WrongLength):
        msgspec.structs.replace(decode_quote(REAL).body, **{field: b"short"}).encode()


u16s = st.integers(0, 0xFFFF)
u64s = st.integers(0, (1 << 64) - 1)


def octets(length: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=length, max_size=length)


bodies = st.builds(
    ReportBody,
    cpu_svn=octets(16),
    misc_select=st.integers(0, (1 << 32) - 1),
    ext_product_id=octets(16),
    flags=u64s,
    xfrm=u64s,
    mr_enclave=octets(32),
    mr_signer=octets(32),
    config_id=octets(64),
    product_id=u16s,
    security_version=u16s,
    config_svn=u16s,
    family_id=octets(16),
    report_data=octets(64),
)
quotes = st.builds(
    Quote,
    qe_svn=u16s,
    pce_svn=u16s,
    user_data=octets(20),
    body=bodies,
    signature=octets(64),
    attestation_key=octets(64),
    qe_report=bodies,
    qe_report_signature=octets(64),
    qe_auth_data=st.binary(max_size=100),
    certification_type=u16s,
    certification_data=st.binary(max_size=100),
)


@given(quotes)
def test_any_quote_round_trips(quote: Quote) -> None:
    assert decode_quote(quote.encode()) == quote


@given(st.binary(max_size=2000), st.booleans())
def test_noise_is_a_quote_error_or_itself(noise: bytes, headed: bool) -> None:
    data = REAL[:436] + noise if headed else noise
    try:
        assert decode_quote(data).encode() == data
    except QuoteError as error:
        assert error.code.startswith("attestation.quote")

"""The SGX extension of PCK certificates: recorded ones, and every way to blur one."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.attestation import PckPlatform, SgxType, der
from integritee.attestation.errors import SgxExtensionMalformed
from integritee.attestation.simulated_pki import SIMULATED_PCK, sgx_extension
from integritee.enclave.selftest.damage import flipped

VALUE = sgx_extension(SIMULATED_PCK)
BASE = "1.2.840.113741.1.13.1"
PPID = der.element(der.OCTET_STRING, bytes(16))


def field(suffix: str, value: bytes) -> bytes:
    return der.element(der.SEQUENCE, der.object_identifier(f"{BASE}.{suffix}"), value)


def extended(*more: bytes) -> bytes:
    """The honest extension with further fields at the end."""
    return der.element(der.SEQUENCE, der.read_one(VALUE, der.SEQUENCE), *more)


def replaced(old: bytes, new: bytes) -> bytes:
    """The honest extension with one element replaced by one of the same length."""
    assert len(old) == len(new)
    assert VALUE.count(old) == 1
    return VALUE.replace(old, new)


MALFORMED = {
    "empty": b"",
    "trailing byte": VALUE + b"\0",
    "truncated": VALUE[:-1],
    "no sequence": flipped(VALUE, 0),
    "no field at all": der.element(der.SEQUENCE),
    "repeated PPID": extended(field("1", PPID)),
    "unknown field": extended(field("8", PPID)),
    "foreign field": extended(der.element(der.SEQUENCE, der.object_identifier("2.5.29.15"), PPID)),
    "pair with three members": extended(der.element(der.SEQUENCE, der.object_identifier(f"{BASE}.6"), PPID, PPID)),
    "pair that is none": extended(PPID),
    "instance of wrong type": extended(field("6", der.unsigned(1))),
    "instance of wrong length": extended(field("6", der.element(der.OCTET_STRING, bytes(15)))),
    "configuration with an unknown member": extended(
        field("7", der.element(der.SEQUENCE, field("7.4", der.boolean(True))))
    ),
    "configuration with half a boolean": extended(
        field("7", der.element(der.SEQUENCE, field("7.3", der.element(der.BOOLEAN, b"\x01"))))
    ),
    "missing FMSPC": replaced(field("4", b"")[2:], field("9", b"")[2:]),
    "unknown SGX type": replaced(field("5", der.unsigned(0, 10)), field("5", der.unsigned(7, 10))),
    "negative SVN": replaced(field("2.17", der.unsigned(1)), field("2.17", b"\x02\x01\x81")),
    "length not in its shortest form": b"\x30\x83\x00" + VALUE[2:],
}


@pytest.mark.parametrize("name", MALFORMED)
def test_ambiguity_is_refused(name: str) -> None:
    with pytest.raises(SgxExtensionMalformed):
        PckPlatform.decode(MALFORMED[name])


@pytest.mark.parametrize("svn", [256, 1 << 20])
def test_component_beyond_a_byte(svn: int) -> None:
    platform = msgspec.structs.replace(SIMULATED_PCK, components=(svn, *(1,) * 15))
    with pytest.raises(SgxExtensionMalformed):
        PckPlatform.decode(sgx_extension(platform))


features = st.none() | st.booleans()


@given(
    st.builds(
        PckPlatform,
        ppid=st.binary(min_size=16, max_size=16),
        components=st.tuples(*[st.integers(0, 255)] * 16),
        pce_svn=st.integers(0, 65_535),
        cpu_svn=st.binary(min_size=16, max_size=16),
        pce_id=st.binary(min_size=2, max_size=2),
        fmspc=st.binary(min_size=6, max_size=6),
        sgx_type=st.sampled_from(SgxType),
        platform_instance=st.none() | st.binary(min_size=16, max_size=16),
        dynamic_platform=features,
        cached_keys=features,
        smt=features,
    )
)
def test_round_trip(platform: PckPlatform) -> None:
    assert PckPlatform.decode(sgx_extension(platform)) == platform


@given(st.integers(0, len(VALUE) - 1), st.integers(1, 255))
def test_no_change_goes_unnoticed(at: int, mask: int) -> None:
    try:
        assert PckPlatform.decode(flipped(VALUE, at, mask)) != SIMULATED_PCK
    except SgxExtensionMalformed as error:
        assert error.reason


@pytest.mark.parametrize(
    ("value", "encoded"),
    [(0, "020100"), (127, "02017f"), (128, "02020080"), (65_535, "020300ffff")],
)
def test_integers_in_der(value: int, encoded: str) -> None:
    assert der.unsigned(value).hex() == encoded
    assert der.read_unsigned(bytes.fromhex(encoded)[2:]) == value


@pytest.mark.parametrize("content", ["", "80", "0001", "0000"])
def test_integers_that_are_not_der(content: str) -> None:
    with pytest.raises(ValueError, match="integer"):
        der.read_unsigned(bytes.fromhex(content))


@pytest.mark.parametrize("data", ["30", "3005", "3080", "308101", "30820001ff", "3084000000010a"])
def test_lengths_that_are_not_der(data: str) -> None:
    with pytest.raises(ValueError, match=r"length|early"):
        der.read_all(bytes.fromhex(data))

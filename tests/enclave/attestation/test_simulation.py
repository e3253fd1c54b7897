"""The simulated TEE: evidence of the real form, and it says everywhere that it is simulated."""

from __future__ import annotations

import subprocess
import sys

import pytest

from integritee.attestation import SIMULATED_ROOT, SIMULATION_MARKER, TeeKind, decode_quote, p256
from integritee.attestation.errors import WrongLength
from integritee.attestation.quote import INTEL_QE_VENDOR
from integritee.attestation.simulated_pki import PCK, PCK_AUTHORITY, QE_SIGNER, ROOT, SimulatedPlatform, _time
from integritee.enclave.attestation import Evidence, SealPolicy, SimulationTee, Tee, verify_evidence
from integritee.scale import decode, encode

from ...attestation.forge import MR_ENCLAVE, NOW, REPORT_DATA
from .policies import simulation_policy

SEAL_ROOT = bytes(range(32))


@pytest.fixture
def tee() -> SimulationTee:
    return SimulationTee(MR_ENCLAVE, SEAL_ROOT, random=lambda length: b"\x07" * length)


def test_is_a_tee(tee: SimulationTee) -> None:
    environment: Tee = tee
    identity = environment.identity()
    assert environment.kind is identity.kind is TeeKind.SIMULATION
    assert not identity.kind.is_hardware
    assert identity.fingerprint == MR_ENCLAVE
    assert str(identity) == "sim:" + MR_ENCLAVE.hex()
    assert environment.random(3) == b"\x07\x07\x07"


def test_evidence_verifies_after_the_wire(tee: SimulationTee) -> None:
    evidence = decode(Evidence, encode(Evidence, tee.evidence(REPORT_DATA)))
    verified = verify_evidence(evidence, simulation_policy(), NOW)
    assert verified.identity == tee.identity()
    assert verified.report_data == REPORT_DATA
    assert verified.advisories == ()
    assert verified.hardware_id == b"SIMULATED-PPID-0"


def test_evidence_is_deterministic(tee: SimulationTee) -> None:
    again = SimulationTee(MR_ENCLAVE, bytes(32))
    assert tee.evidence(REPORT_DATA) == again.evidence(REPORT_DATA)
    assert tee.evidence(bytes(64)) != tee.evidence(REPORT_DATA)


def test_evidence_says_that_it_is_simulated(tee: SimulationTee) -> None:
    evidence = tee.evidence(REPORT_DATA)
    quote = decode_quote(evidence.quote)
    assert evidence.kind is TeeKind.SIMULATION
    assert quote.user_data == SIMULATION_MARKER == b"SIMULATED-NOT-SECURE"
    assert evidence.quote[12:28] == INTEL_QE_VENDOR  # the form is Intel's
    assert quote.qe_report.mr_signer == QE_SIGNER

    from cryptography import x509

    for certificate in x509.load_pem_x509_certificates(quote.certification_data):
        assert "O=SIMULATION - NOT INTEL" in certificate.subject.rfc4514_string()


@pytest.mark.parametrize("length", [0, 63, 65])
def test_report_data_has_64_bytes(tee: SimulationTee, length: int) -> None:
    with pytest.raises(WrongLength):
        tee.evidence(bytes(length))


@pytest.mark.parametrize(("measurement", "root"), [(31, 32), (32, 31)])
def test_arguments_have_32_bytes(measurement: int, root: int) -> None:
    with pytest.raises(WrongLength):
        SimulationTee(bytes(measurement), bytes(root))


def test_built_in_root_is_that_of_the_public_seed() -> None:
    key = SimulatedPlatform().key(ROOT)
    assert b"\x04" + p256.point_of(key.public_key()) == SIMULATED_ROOT.public_key


def test_keys_of_the_pki_differ() -> None:
    names = (ROOT, PCK_AUTHORITY, PCK, "attestation")
    assert len({p256.point_of(SimulatedPlatform().key(name).public_key()) for name in names}) == 4


def test_certificates_are_what_an_independent_reader_takes_them_for() -> None:
    from cryptography import x509

    pck, authority, root = x509.load_pem_x509_certificates(SimulatedPlatform().pck_chain)
    pck.verify_directly_issued_by(authority)
    authority.verify_directly_issued_by(root)
    root.verify_directly_issued_by(root)
    assert root.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not pck.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert pck.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
    assert authority.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign


@pytest.mark.parametrize(
    ("seconds", "encoded"),
    [(2_524_607_999, b"\x17\x0d491231235959Z"), (2_524_608_000, b"\x18\x0f20500101000000Z")],
)
def test_times_in_certificates(seconds: int, encoded: bytes) -> None:
    assert _time(seconds) == encoded


class TestSealKey:
    def test_same_code_same_machine_same_label(self, tee: SimulationTee) -> None:
        again = SimulationTee(MR_ENCLAVE, SEAL_ROOT)
        for policy in SealPolicy:
            assert tee.seal_key(b"journal", policy) == again.seal_key(b"journal", policy)
            assert len(tee.seal_key(b"journal", policy)) == 32

    def test_all_keys_differ(self, tee: SimulationTee) -> None:
        labels = (b"", b"journal", b"keys")
        assert len({tee.seal_key(label, policy) for label in labels for policy in SealPolicy}) == 6

    def test_other_machine(self, tee: SimulationTee) -> None:
        other = SimulationTee(MR_ENCLAVE, bytes(32))
        for policy in SealPolicy:
            assert tee.seal_key(b"journal", policy) != other.seal_key(b"journal", policy)

    def test_other_code(self, tee: SimulationTee) -> None:
        other = SimulationTee(b"\x12" * 32, SEAL_ROOT)
        by_code, by_signer = SealPolicy.MRENCLAVE, SealPolicy.MRSIGNER
        assert tee.seal_key(b"journal", by_code) != other.seal_key(b"journal", by_code)
        assert tee.seal_key(b"journal", by_signer) == other.seal_key(b"journal", by_signer)

    def test_secrets_are_not_shown(self, tee: SimulationTee) -> None:
        assert SEAL_ROOT.hex() not in repr(tee)
        assert repr(SEAL_ROOT) not in repr(tee)


def test_starting_and_attesting_does_not_load_the_certificate_library() -> None:
    script = (
        "import sys\n"
        "from integritee.enclave.attestation import SimulationTee\n"
        "assert 'integritee.attestation.simulated_pki' not in sys.modules\n"
        "SimulationTee(bytes(32), bytes(32)).evidence(bytes(64))\n"
        "print('cryptography.x509' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"

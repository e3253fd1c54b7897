"""Named attackers against the verifier: each fails for its own reason, and every reason has an attacker."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from integritee.attestation import (
    INTEL_SGX_ROOT,
    SIMULATED_ROOT,
    AttestationError,
    Collateral,
    SgxType,
    TcbStatus,
    TeeKind,
    decode_quote,
    der,
    p256,
)
from integritee.attestation import errors as errors_of_parts
from integritee.attestation.collateral import QeTcbStatus
from integritee.attestation.quote import MAX_QUOTE_LENGTH, Flag
from integritee.attestation.simulated_pki import (
    PCK,
    PCK_AUTHORITY,
    ROOT,
    SIMULATED_PCK,
    TCB_SIGNING,
    SimulatedPlatform,
    pem,
)
from integritee.enclave.attestation import (
    Binding,
    Evidence,
    EvidencePolicy,
    Purpose,
    SignerRule,
    check_report_data,
    verify_evidence,
    verify_quote,
)
from integritee.enclave.attestation import errors as errors_of_judging
from integritee.enclave.attestation.policy import DENIED_SIGNERS
from integritee.enclave.selftest.damage import flipped

from ...attestation.forge import (
    FOREIGN,
    HARDWARE_NOW,
    HONEST,
    MR_ENCLAVE,
    MR_SIGNER,
    NOW,
    VECTORS,
    alter,
    body,
    hardware_vector,
    resign,
    with_document,
)
from .policies import simulation_policy, vector_policy, verify_simulated

SECONDS = NOW // 1000
QUOTE = HONEST.quote(body())
OLD_DATE = "2023-11-01T00:00:00Z"
OLD_SECONDS = 1_698_796_800


@dataclass
class Attack:
    """What the attacker presents, and the code of the refusal."""

    name: str
    code: str
    quote: bytes = QUOTE
    collateral: Collateral = HONEST.collateral
    policy: dict[str, Any] = field(default_factory=dict)
    now: int = NOW
    facts: dict[str, Any] = field(default_factory=dict)
    """Facts of the error that matter."""


def machine(name: str, code: str, *, facts: dict[str, Any] | None = None, **knobs: Any) -> Attack:
    """An attack by a machine whose certificates or collateral are not right."""
    policy = knobs.pop("policy", {})
    platform = SimulatedPlatform(**knobs)
    return Attack(name, code, platform.quote(body()), platform.collateral, policy, facts=facts or {})


def enclave(name: str, code: str, *, policy: dict[str, Any] | None = None, **changes: Any) -> Attack:
    """An attack by an enclave on an honest machine."""
    return Attack(name, code, HONEST.quote(body(**changes)), policy=policy or {})


def chain(*certificates: bytes) -> bytes:
    return alter(QUOTE, certification_data=b"".join(map(pem, certificates)))


def tcb_info(**changes: Any) -> Collateral:
    return SimulatedPlatform(tcb_info=changes).collateral


def qe_identity(**changes: Any) -> Collateral:
    return SimulatedPlatform(qe_identity=changes).collateral


def level(svn: int, pce_svn: int = 1) -> dict[str, Any]:
    return {
        "tcb": {"sgxtcbcomponents": [{"svn": svn}] * 16, "pcesvn": pce_svn},
        "tcbDate": OLD_DATE,
        "tcbStatus": "OutOfDate",
    }


PLATFORM_SMT = msgspec.structs.replace(SIMULATED_PCK, dynamic_platform=False, cached_keys=False, smt=True)
OUTDATED = {"statuses": frozenset({TcbStatus.UP_TO_DATE, TcbStatus.OUT_OF_DATE})}

STRUCTURE = [
    Attack("oversized quote", "attestation.quote_too_long", QUOTE + bytes(MAX_QUOTE_LENGTH)),
    Attack("empty quote", "attestation.quote_truncated", b""),
    Attack("truncated quote", "attestation.quote_truncated", QUOTE[:-1]),
    Attack("trailing byte", "attestation.quote_trailing_bytes", QUOTE + b"\0"),
    Attack(
        "trailing byte inside the signature data",
        "attestation.quote_trailing_bytes",
        QUOTE[:432] + struct.pack("<I", len(QUOTE) - 436 + 1) + QUOTE[436:] + b"\0",
    ),
    Attack("version 4", "attestation.quote_header", flipped(QUOTE, 0, 7), facts={"field": "version"}),
    Attack("P-384 key", "attestation.quote_header", flipped(QUOTE, 2), facts={"field": "attestation key type"}),
    Attack("TDX", "attestation.quote_header", flipped(QUOTE, 4, 0x81), facts={"field": "TEE type"}),
    Attack("other QE vendor", "attestation.quote_header", flipped(QUOTE, 12), facts={"field": "QE vendor"}),
    Attack("data hidden in reserved bytes", "attestation.quote_reserved", flipped(QUOTE, 48 + 262)),
    Attack("certification by manifest", "attestation.certification_type", alter(QUOTE, certification_type=7)),
]

CHAINS = [
    Attack("leaf alone", "attestation.chain_length", chain(HONEST.certificate(PCK, ROOT))),
    Attack("no chain at all", "attestation.chain_length", alter(QUOTE, certification_data=b"")),
    Attack(
        "garbage around the chain",
        "attestation.certificate_malformed",
        alter(QUOTE, certification_data=b"x" + HONEST.pck_chain),
    ),
    Attack(
        "DER under PEM that is no certificate",
        "attestation.certificate_malformed",
        chain(b"\x30\x00", HONEST.certificate(PCK_AUTHORITY, ROOT), HONEST.certificate(ROOT, ROOT)),
    ),
    Attack(
        "endless chain",
        "attestation.certificate_malformed",
        collateral=with_document(HONEST.collateral, "tcb_info", chain=HONEST.pck_chain * 10),
    ),
    machine("own root", "attestation.root_not_trusted", seed=FOREIGN.seed),
    machine("own root, named like Intel's", "attestation.root_not_trusted", seed=b"x", prefix="Intel"),
    Attack(
        "own PCK key under the genuine root",
        "attestation.certificate_not_issued",
        chain(
            FOREIGN.certificate(PCK, PCK_AUTHORITY),
            HONEST.certificate(PCK_AUTHORITY, ROOT),
            HONEST.certificate(ROOT, ROOT),
        ),
        facts={"certificate": "PCK certificate"},
    ),
    Attack(
        "forged root certificate around the genuine key",
        "attestation.certificate_not_issued",
        chain(
            HONEST.certificate(PCK, PCK_AUTHORITY),
            HONEST.certificate(PCK_AUTHORITY, ROOT),
            HONEST.certificate(ROOT, ROOT).replace(b"491231235959Z", b"480101000000Z"),
        ),
        facts={"certificate": "root certificate"},
    ),
    machine("other names under the genuine root", "attestation.certificate_name", prefix="XXX"),
    machine("other organization", "attestation.certificate_name", organization="Intel Corporation"),
    Attack(
        "TCB signer in place of the PCK",
        "attestation.certificate_name",
        chain(
            HONEST.certificate(TCB_SIGNING, PCK_AUTHORITY),
            HONEST.certificate(PCK_AUTHORITY, ROOT),
            HONEST.certificate(ROOT, ROOT),
        ),
    ),
    machine("expired PKI", "attestation.certificate_not_current", valid_until=SECONDS - 1),
    machine("PKI from the future", "attestation.certificate_not_current", valid_from=SECONDS + 1),
]


class WeakAuthority(SimulatedPlatform):
    """The certificate of its PCK authority allows to sign revocation lists only."""

    def certificate(self, subject: str, issuer: str, *extensions: bytes) -> bytes:
        certificate = super().certificate(subject, issuer, *extensions)
        if subject != PCK_AUTHORITY:
            return certificate
        (_, body), algorithm, _ = der.read_all(der.read_one(certificate, der.SEQUENCE))
        weakened = der.element(der.SEQUENCE, body.replace(b"\x03\x02\x01\x06", b"\x03\x02\x01\x02"))
        signature = p256.sign_der(self.key(issuer), weakened)
        return der.element(
            der.SEQUENCE,
            weakened,
            der.element(*algorithm),
            der.element(der.BIT_STRING, b"\x00", signature),
        )


LISTS = [
    Attack(
        "authority that may not sign certificates",
        "attestation.certificate_usage",
        WeakAuthority().quote(body()),
        facts={"certificate": "PCK authority"},
    ),
    Attack(
        "no root revocation list",
        "attestation.revocation_list",
        collateral=msgspec.structs.replace(HONEST.collateral, root_crl=b""),
    ),
    Attack(
        "no PCK revocation list",
        "attestation.revocation_list",
        collateral=msgspec.structs.replace(HONEST.collateral, pck_crl=b""),
    ),
    Attack(
        "revocation list of another authority",
        "attestation.revocation_list",
        collateral=msgspec.structs.replace(HONEST.collateral, pck_crl=HONEST.collateral.root_crl),
        facts={"issuer": "PCK authority"},
    ),
    Attack(
        "revocation list signed by somebody else",
        "attestation.revocation_list",
        collateral=msgspec.structs.replace(HONEST.collateral, pck_crl=FOREIGN.collateral.pck_crl),
    ),
    Attack(
        "huge revocation list",
        "attestation.revocation_list",
        collateral=msgspec.structs.replace(HONEST.collateral, root_crl=bytes(1 << 20)),
    ),
    Attack(
        "stale revocation list",
        "attestation.revocation_list_not_current",
        collateral=msgspec.structs.replace(
            HONEST.collateral,
            pck_crl=SimulatedPlatform(valid_until=SECONDS - 1).collateral.pck_crl,
        ),
    ),
    *(
        machine(f"revoked: {name}", "attestation.certificate_revoked", revoked=frozenset({name}))
        for name in (PCK, PCK_AUTHORITY, TCB_SIGNING)
    ),
    Attack(
        "PCK certificate without a platform",
        "attestation.sgx_extension",
        chain(
            HONEST.certificate(PCK, PCK_AUTHORITY),
            HONEST.certificate(PCK_AUTHORITY, ROOT),
            HONEST.certificate(ROOT, ROOT),
        ),
    ),
]

SIGNATURES = [
    Attack(
        "own quoting enclave",
        "attestation.qe_report_signature",
        alter(QUOTE, qe_report=body(mr_enclave=b"\x66" * 32)),
    ),
    Attack(
        "zero signature of the QE report",
        "attestation.qe_report_signature",
        alter(QUOTE, qe_report_signature=bytes(64)),
    ),
    Attack(
        "swapped attestation key",
        "attestation.attestation_key",
        alter(
            QUOTE,
            attestation_key=decode_quote(FOREIGN.quote(body())).attestation_key,
            signature=decode_quote(FOREIGN.quote(body())).signature,
        ),
    ),
    Attack("attestation key off the curve", "attestation.attestation_key", alter(QUOTE, attestation_key=bytes(64))),
    Attack("other authentication data", "attestation.attestation_key", alter(QUOTE, qe_auth_data=bytes(32))),
    Attack(
        "tampered report data",
        "attestation.quote_signature",
        alter(QUOTE, body=body(report_data=bytes(64))),
    ),
    Attack(
        "tampered measurement",
        "attestation.quote_signature",
        alter(HONEST.quote(body(mr_enclave=b"\x66" * 32)), body=body()),
    ),
    Attack("quote signed with the PCK key", "attestation.quote_signature", resign(QUOTE, PCK)),
]

DOCUMENTS = [
    Attack(
        "edited TCB info",
        "attestation.collateral_signature",
        collateral=with_document(
            SimulatedPlatform(tcb_status=TcbStatus.REVOKED).collateral,
            "tcb_info",
            text=HONEST.collateral.tcb_info.text,
        ),
        facts={"document": "TCB info"},
    ),
    Attack(
        "reformatted QE identity",
        "attestation.collateral_signature",
        collateral=with_document(HONEST.collateral, "qe_identity", text=HONEST.collateral.qe_identity.text + b" "),
        facts={"document": "QE identity"},
    ),
    Attack(
        "TCB info signed by a PCK authority",
        "attestation.certificate_name",
        collateral=with_document(
            HONEST.collateral,
            "tcb_info",
            chain=pem(HONEST.certificate(PCK_AUTHORITY, ROOT)) + pem(HONEST.certificate(ROOT, ROOT)),
        ),
    ),
    Attack(
        "documents under another root",
        "attestation.root_not_trusted",
        collateral=with_document(HONEST.collateral, "tcb_info", chain=FOREIGN.collateral.tcb_info.chain),
    ),
    Attack("TCB info without levels", "attestation.collateral_malformed", collateral=tcb_info(tcbLevels=None)),
    Attack(
        "unknown status",
        "attestation.collateral_malformed",
        collateral=tcb_info(tcbLevels=[level(1) | {"tcbStatus": "Fine"}]),
    ),
    Attack("huge TCB info", "attestation.collateral_malformed", collateral=tcb_info(pad="x" * (1 << 17))),
    *(
        Attack(
            f"TCB info with {member} = {value}",
            "attestation.collateral_mismatch",
            collateral=tcb_info(**{member: value}),
            facts={"field": member},
        )
        for member, value in (
            ("id", "TDX"),
            ("version", 2),
            ("tcbType", 1),
            ("fmspc", "00906EA10000"),
            ("pceId", "0001"),
        )
    ),
    *(
        Attack(
            f"QE identity with {member} = {value}",
            "attestation.collateral_mismatch",
            collateral=qe_identity(**{member: value}),
            facts={"field": member},
        )
        for member, value in (("id", "TD_QE"), ("version", 3))
    ),
    Attack(
        "expired TCB info",
        "attestation.collateral_not_current",
        collateral=tcb_info(nextUpdate=OLD_DATE),
        facts={"document": "TCB info", "next_update": OLD_SECONDS},
    ),
    Attack(
        "QE identity from the future",
        "attestation.collateral_not_current",
        collateral=qe_identity(issueDate="2030-01-01T00:00:00Z"),
        facts={"document": "QE identity"},
    ),
    Attack(
        "TCB info from before a recovery",
        "attestation.collateral_rolled_back",
        collateral=qe_identity(tcbEvaluationDataNumber=2),
        policy={"minimum_tcb_evaluation_number": 2},
        facts={"document": "TCB info"},
    ),
    Attack(
        "QE identity from before a recovery",
        "attestation.collateral_rolled_back",
        collateral=tcb_info(tcbEvaluationDataNumber=2),
        policy={"minimum_tcb_evaluation_number": 2},
        facts={"document": "QE identity"},
    ),
]

PLATFORMS = [
    *(
        Attack(
            f"QE identity with other {member}",
            "attestation.qe_identity",
            collateral=qe_identity(**{member: value}),
            facts={"field": fact},
        )
        for member, value, fact in (
            ("mrsigner", "00" * 32, "MRSIGNER"),
            ("isvprodid", 2, "ISVPRODID"),
            ("miscselect", "00000001", "MISCSELECT"),
            ("attributes", "13" + "00" * 15, "ATTRIBUTES"),
        )
    ),
    Attack(
        "quoting enclave below every level",
        "attestation.tcb_level",
        collateral=qe_identity(tcbLevels=[{"tcb": {"isvsvn": 9}, "tcbDate": OLD_DATE, "tcbStatus": "UpToDate"}]),
        facts={"what": "quoting enclave"},
    ),
    Attack(
        "platform with a component below every level",
        "attestation.tcb_level",
        collateral=tcb_info(tcbLevels=[level(2), level(1, pce_svn=2)]),
        facts={"what": "platform"},
    ),
    machine("revoked TCB", "attestation.tcb_status", tcb_status=TcbStatus.REVOKED),
    machine(
        "revoked TCB under a policy that lists every status",
        "attestation.tcb_status",
        tcb_status=TcbStatus.REVOKED,
        policy={"statuses": frozenset(TcbStatus)},
        facts={"found": "Revoked"},
    ),
    machine("revoked quoting enclave", "attestation.tcb_status", qe_status=QeTcbStatus.REVOKED),
    machine("outdated TCB", "attestation.tcb_status", tcb_status=TcbStatus.OUT_OF_DATE),
    machine(
        "outdated quoting enclave",
        "attestation.tcb_status",
        qe_status=QeTcbStatus.OUT_OF_DATE,
        facts={"found": "OutOfDate"},
    ),
    machine("misconfigured platform", "attestation.tcb_status", tcb_status=TcbStatus.CONFIGURATION_NEEDED),
    Attack(
        "TCB outdated for too long",
        "attestation.tcb_grace",
        collateral=tcb_info(tcbLevels=[level(1)]),
        policy=OUTDATED | {"out_of_date_grace": SECONDS - OLD_SECONDS - 1},
        facts={"tcb_date": OLD_SECONDS},
    ),
    machine(
        "platform under an advisory",
        "attestation.advisory",
        tcb_status=TcbStatus.SW_HARDENING_NEEDED,
        advisories=("INTEL-SA-1", "INTEL-SA-2"),
        policy={"accepted_advisories": {"INTEL-SA-1": "no such instruction here"}},
        facts={"found": "INTEL-SA-2"},
    ),
    machine("hyper-threading", "attestation.platform_feature", pck=PLATFORM_SMT, facts={"feature": "SMT"}),
    machine(
        "memory without integrity",
        "attestation.platform_feature",
        pck=msgspec.structs.replace(SIMULATED_PCK, sgx_type=SgxType.SCALABLE),
        policy={"sgx_types": frozenset({SgxType.STANDARD})},
        facts={"feature": "SGX type"},
    ),
]

ATTRIBUTES: dict[str, dict[str, Any]] = {
    "provisioning key": {"flags": Flag.INIT | Flag.MODE64 | Flag.PROVISION_KEY},
    "launch key": {"flags": Flag.INIT | Flag.MODE64 | Flag.EINITTOKEN_KEY},
    "unknown attribute": {"flags": Flag.INIT | Flag.MODE64 | 1 << 40},
    "32-bit mode": {"flags": Flag.INIT},
    "no initialisation": {"flags": Flag.MODE64},
    "unknown XFRM": {"xfrm": 0x3 | 1 << 30},
    "no SSE state": {"xfrm": 0x1},
    "exception information": {"misc_select": 1},
    "configuration id": {"config_id": b"\x01" + bytes(63)},
    "configuration SVN": {"config_svn": 1},
}

ENCLAVES = [
    enclave("debug enclave", "attestation.debug", flags=Flag.INIT | Flag.MODE64 | Flag.DEBUG),
    enclave("production enclave among debug ones", "attestation.debug", policy={"expect_debug_insecure": True}),
    *(
        enclave(f"enclave with {name}", "attestation.enclave_attribute", **changes)
        for name, changes in ATTRIBUTES.items()
    ),
    enclave(
        "enclave signed with the public sample key",
        "attestation.signer_denied",
        mr_signer=next(iter(DENIED_SIGNERS)),
        policy={"signers": (SignerRule(next(iter(DENIED_SIGNERS)), 0, 0),)},
    ),
    enclave("wrong MRENCLAVE", "attestation.measurement", mr_enclave=b"\x12" * 32),
    enclave("no measurement listed", "attestation.measurement", policy={"mr_enclaves": frozenset()}),
    *(
        enclave(
            f"signer rule: {name}", "attestation.measurement", policy={"signers": (rule,)}, mr_enclave=b"\x12" * 32
        )
        for name, rule in {
            "other signer": SignerRule(b"\x23" * 32, 0, 0),
            "other product": SignerRule(MR_SIGNER, 1, 0),
            "old version": SignerRule(MR_SIGNER, 0, 1),
        }.items()
    ),
]

KINDS = [
    Attack(
        "simulation where only hardware is allowed",
        "attestation.kind_not_allowed",
        policy={"allowed_kinds": frozenset({TeeKind.GRAMINE_SGX})},
    ),
    Attack(
        "simulation without the insecure permission",
        "attestation.simulation_refused",
        policy={"allow_simulation_insecure": False},
    ),
    Attack(
        "simulation towards hardware, whatever is permitted",
        "attestation.simulation_refused",
        policy={"own_kind": TeeKind.GRAMINE_SGX},
    ),
    machine("simulation that hides it", "attestation.kind_marker", user_data=bytes(20)),
]

ATTACKS = [
    *STRUCTURE,
    *CHAINS,
    *LISTS,
    *SIGNATURES,
    *DOCUMENTS,
    *PLATFORMS,
    *ENCLAVES,
    *KINDS,
]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name.replace(" ", "-"))
def test_attack_is_refused(attack: Attack) -> None:
    with pytest.raises(AttestationError) as refusal:
        verify_simulated(attack.quote, attack.collateral, attack.now, **attack.policy)
    assert refusal.value.code == attack.code
    assert attack.facts.items() <= refusal.value.data().items()


BINDING = Binding(
    purpose=Purpose.REGISTRATION,
    account=b"\x01" * 32,
    tls_public_key=b"spki",
    shielding_key=b"{}",
    genesis_hash=b"\x02" * 32,
    shard=b"\x03" * 32,
    challenge=b"\x04" * 32,
)


def relay() -> None:
    """Genuine evidence, made for somebody else's session."""
    check_report_data(verify_simulated(QUOTE), BINDING)


def relabelled_simulation() -> None:
    """Simulated evidence with the tag of hardware."""
    policy = EvidencePolicy(mr_enclaves=frozenset({MR_ENCLAVE}))
    verify_evidence(Evidence(TeeKind.GRAMINE_SGX, QUOTE, HONEST.collateral), policy, NOW)


def relabelled_hardware() -> None:
    """Hardware evidence with the tag of simulation."""
    quote, collateral = hardware_vector()
    verify_evidence(Evidence(TeeKind.SIMULATION, quote, collateral), simulation_policy(), HARDWARE_NOW)


def hardware_among_simulated() -> None:
    """Hardware evidence where only simulated enclaves are expected."""
    quote, collateral = hardware_vector()
    verify_evidence(Evidence(TeeKind.GRAMINE_SGX, quote, collateral), simulation_policy(), HARDWARE_NOW)


def unmarked_simulation_as_hardware() -> None:
    """A forger of simulated evidence removes the marker and uses Intel's names."""
    forger = SimulatedPlatform(user_data=bytes(20), prefix="Intel", organization="Intel Corporation")
    policy = EvidencePolicy(mr_enclaves=frozenset({MR_ENCLAVE}))
    verify_evidence(Evidence(TeeKind.GRAMINE_SGX, forger.quote(body()), forger.collateral), policy, NOW)


def recorded_simulation_under_the_built_in_root() -> None:
    """The recorded simulated set has another root than ours."""
    quote = (VECTORS / "sim/sim_quote.bin").read_bytes()
    policy = vector_policy(quote)
    quote = alter(quote, user_data=SIMULATED_ROOT.marker)
    verify_quote(quote, HONEST.collateral, SIMULATED_ROOT, policy, 1767225600_000)


def hardware_under_the_simulated_root() -> None:
    """Even where no marker is asked for, Intel's chain does not end in the simulated root."""
    quote, collateral = hardware_vector()
    anchor = msgspec.structs.replace(SIMULATED_ROOT, marker=None)
    verify_quote(quote, collateral, anchor, vector_policy(quote), HARDWARE_NOW)


def transplanted_collateral() -> None:
    """Simulated collateral, in which every platform is healthy, for a hardware quote."""
    quote, _ = hardware_vector()
    verify_quote(quote, HONEST.collateral, INTEL_SGX_ROOT, vector_policy(quote), HARDWARE_NOW)


def withheld_collateral() -> None:
    """A host that does not say what it knows."""
    verify_evidence(Evidence(TeeKind.SIMULATION, QUOTE, None), simulation_policy(), NOW)


SCENARIOS: dict[Callable[[], None], str] = {
    relay: "attestation.report_data",
    relabelled_simulation: "attestation.kind_marker",
    hardware_among_simulated: "attestation.kind_not_allowed",
    relabelled_hardware: "attestation.kind_marker",
    unmarked_simulation_as_hardware: "attestation.root_not_trusted",
    recorded_simulation_under_the_built_in_root: "attestation.root_not_trusted",
    hardware_under_the_simulated_root: "attestation.root_not_trusted",
    transplanted_collateral: "attestation.revocation_list",
    withheld_collateral: "attestation.collateral_missing",
}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_scenario_is_refused(scenario: Callable[[], None]) -> None:
    with pytest.raises(AttestationError) as refusal:
        scenario()
    assert refusal.value.code == SCENARIOS[scenario]


def leaves(error: type[AttestationError]) -> set[str]:
    below = error.__subclasses__()
    return set().union(*map(leaves, below)) if below else {error.code}


def test_every_refusal_of_the_verifier_has_an_attacker() -> None:
    elsewhere = {"attestation.length", "attestation.measured_tree", "attestation.seal_root"}
    attacked = {attack.code for attack in ATTACKS} | set(SCENARIOS.values())
    assert attacked == leaves(AttestationError) - elsewhere


def test_error_trees_are_drawn_as_they_are() -> None:
    drawings = f"{errors_of_parts.__doc__} {errors_of_judging.__doc__}"
    drawn = {word for word in drawings.split() if word.startswith("attestation.")}
    assert leaves(AttestationError) <= drawn


ACCEPTED: dict[str, tuple[SimulatedPlatform, dict[str, Any], dict[str, Any]]] = {
    "honest": (HONEST, {}, {}),
    "first second of the PKI": (SimulatedPlatform(valid_from=SECONDS), {}, {}),
    "last second of the PKI": (SimulatedPlatform(valid_until=SECONDS), {}, {}),
    "TCB evaluation number just sufficient": (HONEST, {}, {"minimum_tcb_evaluation_number": 1}),
    "outdated, last second of grace": (
        SimulatedPlatform(tcb_info={"tcbLevels": [level(1)]}),
        {},
        OUTDATED | {"out_of_date_grace": SECONDS - OLD_SECONDS},
    ),
    "second level reached": (
        SimulatedPlatform(tcb_info={"tcbLevels": [level(2), level(1) | {"tcbStatus": "UpToDate"}]}),
        {},
        {},
    ),
    "accepted advisory": (
        SimulatedPlatform(tcb_status=TcbStatus.SW_HARDENING_NEEDED, advisories=("INTEL-SA-1",)),
        {},
        {"accepted_advisories": {"INTEL-SA-1": "no such instruction here"}},
    ),
    "hyper-threading allowed": (SimulatedPlatform(pck=PLATFORM_SMT), {}, {"allow_smt": True}),
    "debug expected": (
        HONEST,
        {"flags": Flag.INIT | Flag.MODE64 | Flag.DEBUG},
        {"expect_debug_insecure": True},
    ),
    "configuration expected": (
        HONEST,
        {"flags": Flag.INIT | Flag.MODE64 | Flag.KSS, "config_id": b"\x01" * 64, "config_svn": 2},
        {"config_id": b"\x01" * 64, "config_svn": 2},
    ),
    "newer version of a trusted signer": (
        HONEST,
        {"mr_enclave": b"\x12" * 32, "security_version": 3},
        {"signers": (SignerRule(MR_SIGNER, 0, 2),)},
    ),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_acceptable_evidence(case: str) -> None:
    platform, changes, policy = ACCEPTED[case]
    verified = verify_simulated(platform.quote(body(**changes)), platform.collateral, **policy)
    assert verified.identity.measurement == changes.get("mr_enclave", MR_ENCLAVE)
    assert verified.report_data == body().report_data
    assert verified.identity.debug == (case == "debug expected")


def test_revocation_of_somebody_else_does_not_matter() -> None:
    busy = msgspec.structs.replace(
        HONEST.collateral,
        root_crl=HONEST.revocation_list(ROOT, {ROOT, PCK}),
        pck_crl=HONEST.revocation_list(PCK_AUTHORITY, {TCB_SIGNING, PCK_AUTHORITY}),
    )
    assert verify_simulated(QUOTE, busy) == verify_simulated(QUOTE)

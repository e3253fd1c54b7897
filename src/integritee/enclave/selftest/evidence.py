"""Evidence: own evidence and that of real hardware is verified; what proves something else is refused.

The code that verifies is the same for every kind of TEE; in simulation only the root differs that it believes.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from msgspec.structs import replace

from integritee.attestation import INTEL_SGX_ROOT, SgxType, TcbStatus, TeeKind, collateral_from_json, decode_quote
from integritee.attestation.quote import Flag
from integritee.attestation.simulated_pki import SimulatedPlatform
from integritee.scale import decode, encode

from ..attestation import (
    Binding,
    Evidence,
    EvidencePolicy,
    Purpose,
    SimulationTee,
    Tee,
    check_report_data,
    measure,
    verify_evidence,
    verify_quote,
)
from .check import Check, Setup, expect, expect_refusal
from .damage import flipped
from .known_answers import recorded_evidence

RECORDED_AT: Final = 1_751_000_000_000
"""Unix ms when the recorded collateral was current."""
RECORDED_MEASUREMENT: Final = "33d8736db756ed49"
RECORDED_ADVISORIES: Final = ("INTEL-SA-00289", "INTEL-SA-00615", "INTEL-SA-00657")


def checks(setup: Setup) -> Iterator[Check]:
    witness = Witness(setup)
    yield Check("the code is measured the same twice", partial(_measured, witness))
    yield Check("own evidence is verified", witness.is_verified)
    yield Check("evidence for other report data is refused", witness.other_report_data)
    yield Check("evidence for another key is refused", witness.other_key)
    yield Check("evidence with another purpose is refused", witness.other_purpose)
    yield Check("evidence of other code is refused", witness.other_code)
    yield Check("evidence of a debug enclave is refused", witness.debug)
    yield Check("evidence under a foreign root is refused", witness.foreign_root)
    yield Check("damaged evidence is refused", witness.damaged)
    yield Check("simulated evidence is refused by default", witness.simulated)
    yield Check("recorded evidence of real hardware is verified", _recorded)
    yield Check("damaged evidence of real hardware is refused", _recorded_and_damaged)


def _measured(witness: Witness) -> None:
    expect(measure(), witness.measurement)


class Witness:
    """An enclave of this code on this machine, and what it swears to."""

    def __init__(self, setup: Setup) -> None:
        self.measurement = measure()
        self._now = setup.clock()
        self._tee: Tee = SimulationTee(self.measurement, setup.random(32), setup.random)
        self._binding = Binding(
            purpose=Purpose.PROVISIONING_SERVER,
            account=setup.random(32),
            tls_public_key=b"a TLS key",
            shielding_key=b"a shielding key",
            genesis_hash=bytes(32),
            shard=bytes(32),
            challenge=setup.random(32),
        )

    def _policy(self, **changes: Any) -> EvidencePolicy:
        kind = self._tee.kind
        facts: dict[str, Any] = {
            "own_kind": kind,
            "allowed_kinds": frozenset({kind}),
            "allow_simulation_insecure": not kind.is_hardware,
            "mr_enclaves": frozenset({self.measurement}),
        }
        return EvidencePolicy(**facts | changes)

    def _evidence(self) -> Evidence:
        return self._tee.evidence(self._binding.report_data())

    def is_verified(self) -> None:
        evidence = decode(Evidence, encode(Evidence, self._evidence()))
        verified = verify_evidence(evidence, self._policy(), self._now)
        expect(verified.identity, self._tee.identity(), "identity")
        check_report_data(verified, self._binding)

    def _expect_other(self, what: str, binding: Binding) -> None:
        verified = verify_evidence(self._evidence(), self._policy(), self._now)
        expect_refusal("attestation.report_data", what, lambda: check_report_data(verified, binding))

    def other_report_data(self) -> None:
        self._expect_other("another challenge", replace(self._binding, challenge=bytes(32)))

    def other_key(self) -> None:
        self._expect_other("another account", replace(self._binding, account=bytes(32)))
        self._expect_other("another TLS key", replace(self._binding, tls_public_key=b"of a man in the middle"))

    def other_purpose(self) -> None:
        self._expect_other("a client's purpose", replace(self._binding, purpose=Purpose.PROVISIONING_CLIENT))

    def _expect_refused(self, code: str, what: str, evidence: Evidence, **policy: Any) -> None:
        rules = self._policy(**policy)
        expect_refusal(code, what, lambda: verify_evidence(evidence, rules, self._now))

    def other_code(self) -> None:
        allowed = frozenset({bytes(32)})
        self._expect_refused("attestation.measurement", "other code", self._evidence(), mr_enclaves=allowed)

    def debug(self) -> None:
        self._expect_refused("attestation.debug", "a debug enclave", self._forged(SimulatedPlatform(), debug=True))

    def foreign_root(self) -> None:
        """Whoever signs certificates of the same names with another key."""
        foreign = SimulatedPlatform(seed=b"somebody else's authority")
        self._expect_refused("attestation.root_not_trusted", "a foreign root", self._forged(foreign))

    def _forged(self, platform: SimulatedPlatform, debug: bool = False) -> Evidence:
        body = decode_quote(self._evidence().quote).body
        flags = body.flags | Flag.DEBUG if debug else body.flags
        quote = platform.quote(replace(body, flags=flags))
        return Evidence(kind=TeeKind.SIMULATION, quote=quote, collateral=platform.collateral)

    def damaged(self) -> None:
        whole = self._evidence()
        position = whole.quote.index(self._binding.account)
        damaged = replace(whole, quote=flipped(whole.quote, position))
        self._expect_refused("attestation.quote_signature", "a changed account", damaged)

    def simulated(self) -> None:
        evidence = self._forged(SimulatedPlatform())
        rules = self._policy(allowed_kinds=frozenset(TeeKind), allow_simulation_insecure=False)
        refuse = partial(verify_evidence, evidence, rules, self._now)
        expect_refusal("attestation.simulation_refused", "simulated evidence", refuse)


def _lenient(quote: bytes) -> EvidencePolicy:
    """Accepts the recorded enclave, whatever the health of its platform."""
    return EvidencePolicy(
        allowed_kinds=frozenset({TeeKind.GRAMINE_SGX}),
        mr_enclaves=frozenset({decode_quote(quote).body.mr_enclave}),
        statuses=frozenset(TcbStatus),
        out_of_date_grace=10**9,
        accepted_advisories=dict.fromkeys(RECORDED_ADVISORIES, "recorded evidence"),
        allow_dynamic_platform=True,
        sgx_types=frozenset(SgxType),
    )


def _recorded() -> None:
    quote, collateral = recorded_evidence()
    verified = verify_quote(quote, collateral_from_json(collateral), INTEL_SGX_ROOT, _lenient(quote), RECORDED_AT)
    expect(verified.identity.measurement.hex()[:16], RECORDED_MEASUREMENT, "measurement")
    expect(verified.report_data.rstrip(b"\0"), b"Hello, world!", "report data")


def _recorded_and_damaged() -> None:
    quote, collateral = recorded_evidence()
    damaged = flipped(quote, quote.index(b"Hello"))
    rules, documents = _lenient(quote), collateral_from_json(collateral)
    refuse = partial(verify_quote, damaged, documents, INTEL_SGX_ROOT, rules, RECORDED_AT)
    expect_refusal("attestation.quote_signature", "other report data", refuse)

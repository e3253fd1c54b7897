from __future__ import annotations

from typing import Any

import pytest

from integritee.frame.errors import DispatchFailure, Module, ModuleError
from integritee.frame.origin import Unsigned
from integritee.node.pallets.teerex import Teerex
from integritee.node.sgx_verify.errors import SgxVerifyError
from integritee.primitives.teerex import (
    Dcap,
    EnclaveInstanceAddress,
    Ias,
    MultiEnclave,
    Opaque,
    Sgx,
    SgxBuildMode,
    SgxEnclave,
    SgxReportData,
    SgxStatus,
    Skip,
)
from integritee.scale import encode

from .small_runtime import ALICE, BOB, NOBODY, NOW, ROOT, SHARD, Chain

SKIP = Skip(proxied=False)
URL = b"wss://127.0.0.1:2000"
TWO_DAYS = 2 * 86_400_000


def skipped(sender: bytes, **changes: Any) -> SgxEnclave:
    """The record of an enclave registered without attestation in block 1."""
    record: dict[str, Any] = {
        "report_data": SgxReportData(sender + bytes(32)),
        "mr_enclave": SHARD,
        "mr_signer": bytes(32),
        "timestamp": NOW,
        "url": None,
        "build_mode": SgxBuildMode.Production,
        "attestation_method": SKIP,
        "status": SgxStatus.Invalid,
    }
    return SgxEnclave(**record | changes)


# --- registration


def test_skipping_attestation_is_recorded_as_such(chain: Chain) -> None:
    events = chain.submit(ALICE, "Teerex.register_sgx_enclave", SHARD + b"more", URL, SKIP)
    assert events == [("Teerex.AddedSgxEnclave", ALICE, URL, SgxStatus.Invalid, SKIP)]
    assert chain.runtime.teerex.sovereign_enclave(ALICE) == skipped(ALICE, url=URL)


def test_a_record_is_laid_out_as_on_the_real_chain() -> None:
    raw = encode(MultiEnclave, Sgx(skipped(ALICE, url=b"u")))
    at_url = 1 + 64 + 32 + 32 + 8
    assert raw[at_url:] == bytes.fromhex("01047501000000")


def test_a_short_proof_claims_the_zero_fingerprint(chain: Chain) -> None:
    chain.register(ALICE, b"short")
    assert chain.runtime.teerex.sovereign_enclave(ALICE).mr_enclave == bytes(32)


def test_registering_again_renews(chain: Chain) -> None:
    chain.register(ALICE)
    chain.enter(2, NOW + 5)
    chain.register(ALICE, NOBODY)
    assert chain.runtime.teerex.sovereign_enclave(ALICE) == skipped(ALICE, timestamp=NOW + 5, mr_enclave=NOBODY)


def test_a_proxied_enclave_is_known_by_its_address(chain: Chain) -> None:
    proxied = Skip(proxied=True)
    chain.register(ALICE, SHARD, proxied)
    address = EnclaveInstanceAddress(SHARD, ALICE, Opaque(ALICE + bytes(34)))
    assert chain.runtime.teerex.proxied_enclaves.get(address) == Sgx(skipped(ALICE, attestation_method=proxied))
    assert not chain.runtime.teerex.sovereign_enclaves.contains(ALICE)


@pytest.mark.parametrize(
    ("proof", "url", "method", "code"),
    [
        (bytes(5001), None, SKIP, "teerex.ra_proof_is_too_long"),
        (bytes(5000), bytes(257), SKIP, "teerex.enclave_url_is_too_long"),
        (bytes(5000), bytes(256), Dcap(proxied=False), "teerex.dcap_quote_version_mismatch"),
        (bytes(5000), None, Dcap(proxied=True), "teerex.dcap_quote_version_mismatch"),
        (bytes(5000), None, Ias(), "teerex.netscape_decoding_error"),
    ],
)
def test_refused_registrations(chain: Chain, proof: bytes, url: bytes | None, method: Any, code: str) -> None:
    assert chain.refusal(ALICE, "Teerex.register_sgx_enclave", proof, url, method) == code


def test_attestation_may_be_mandatory(chain: Chain) -> None:
    chain.submit(ROOT, "Teerex.set_security_flags", False, False)
    code = chain.refusal(ALICE, "Teerex.register_sgx_enclave", SHARD, None, SKIP)
    assert code == "teerex.skipping_attestation_is_not_allowed"


def test_what_is_no_evidence_stays_none_when_attestation_may_be_skipped(chain: Chain) -> None:
    chain.submit(ROOT, "Teerex.set_security_flags", True, True)
    for method, code in (
        (Dcap(proxied=False), "teerex.dcap_quote_decoding_error"),
        (Ias(), "teerex.netscape_decoding_error"),
    ):
        assert chain.refusal(ALICE, "Teerex.register_sgx_enclave", SHARD, None, method) == code


@pytest.mark.parametrize("allowed", [False, True])
def test_debug_enclaves_need_the_flag(chain: Chain, allowed: bool) -> None:
    chain.submit(ROOT, "Teerex.set_security_flags", True, allowed)
    debug = skipped(ALICE, build_mode=SgxBuildMode.Debug)
    if allowed:
        chain.runtime.teerex.enroll(ALICE, debug)
        assert chain.runtime.teerex.sovereign_enclave(ALICE) == debug
    else:
        with pytest.raises(DispatchFailure) as failure:
            chain.runtime.teerex.enroll(ALICE, debug)
        assert failure.value.code == "teerex.sgx_mode_is_not_allowed"


# --- leaving


@pytest.mark.parametrize(("age", "gone"), [(0, False), (TWO_DAYS, False), (TWO_DAYS + 1, True)])
def test_anyone_may_strike_off_enclaves_that_do_not_renew(chain: Chain, age: int, gone: bool) -> None:
    chain.register(ALICE)
    chain.register(BOB, SHARD, Skip(proxied=True))
    address = EnclaveInstanceAddress(SHARD, BOB, Opaque(BOB + bytes(34)))
    chain.enter(2, NOW + age)
    for call, subject, event in (
        ("Teerex.unregister_sovereign_enclave", ALICE, "Teerex.RemovedSovereignEnclave"),
        ("Teerex.unregister_proxied_enclave", address, "Teerex.RemovedProxiedEnclave"),
    ):
        if gone:
            assert chain.submit(NOBODY, call, subject) == [(event, subject)]
        else:
            assert chain.refusal(NOBODY, call, subject) == "teerex.unregister_active_enclave_is_not_allowed"
    assert chain.runtime.teerex.sovereign_enclaves.contains(ALICE) is not gone
    assert chain.runtime.teerex.proxied_enclaves.contains(address) is not gone


def test_nothing_to_strike_off(chain: Chain) -> None:
    address = EnclaveInstanceAddress(SHARD, BOB, Opaque(b""))
    assert chain.refusal(ALICE, "Teerex.unregister_sovereign_enclave", BOB) == "teerex.enclave_is_not_registered"
    assert chain.refusal(ALICE, "Teerex.unregister_proxied_enclave", address) == "teerex.enclave_is_not_registered"


# --- flags


def test_flags_are_roots(chain: Chain) -> None:
    events = chain.submit(ROOT, "Teerex.set_security_flags", False, True)
    assert events == [("Teerex.UpdatedSecurityFlags", False, True)]
    assert not chain.runtime.teerex.allow_skipping_attestation.get()
    assert chain.runtime.teerex.sgx_allow_debug_mode.get()


@pytest.mark.parametrize(
    ("origin", "call", "args"),
    [
        (ALICE, "Teerex.set_security_flags", (True, True)),
        (Unsigned(), "Teerex.set_security_flags", (True, True)),
        (ROOT, "Teerex.register_sgx_enclave", (SHARD, None, SKIP)),
        (ROOT, "Teerex.unregister_sovereign_enclave", (ALICE,)),
        (ROOT, "Teerex.unregister_proxied_enclave", (EnclaveInstanceAddress(SHARD, BOB, Opaque(b"")),)),
        (Unsigned(), "Teerex.register_quoting_enclave", (b"", b"", b"")),
        (Unsigned(), "Teerex.register_tcb_info", (b"", b"", b"")),
    ],
)
def test_origins(chain: Chain, origin: Any, call: str, args: tuple[Any, ...]) -> None:
    assert chain.refusal(origin, call, *args) == "dispatch.bad_origin"


# --- declarations


def test_the_first_errors_and_those_of_verification() -> None:
    definitions = Teerex.Error.definitions()
    assert len(definitions) == 54
    assert definitions[14].name == "OtherSgxVerifyError"
    assert [d.name for d in definitions[15:]] == [reason.name for reason in SgxVerifyError]
    assert [d.index for d in definitions] == list(range(54))


def test_the_nested_error_carries_its_reason(chain: Chain) -> None:
    reason = encode(SgxVerifyError, SgxVerifyError.QuoteBodyMissing)
    with pytest.raises(DispatchFailure) as failure, chain.runtime.transaction():
        raise Teerex.Error.OtherSgxVerifyError(reason)
    assert failure.value.error == Module(ModuleError(50, bytes([14, 32, 0, 0])))


@pytest.mark.parametrize(
    ("item", "hexed"),
    [
        ("sovereign_enclaves", "076919f9acc01e6f59369d3a394747ac"),
        ("proxied_enclaves", "e1d42baa2f7475cecc12ce7ae037f56e"),
        ("sgx_tcb_info", "3e4d7f98d5b4c2fc936dcb54772c00e8"),
    ],
)
def test_keys_of_maps(chain: Chain, item: str, hexed: str) -> None:
    assert getattr(chain.runtime.teerex, item).prefix.hex() == "d4907aad4a0ea0b2bdacc420d36be978" + hexed


@pytest.mark.parametrize(
    ("item", "hexed"),
    [
        ("sgx_quoting_enclave_registry", "ef640390a0c77d077afd3b83de36b9fc"),
        ("sgx_allow_debug_mode", "474f82450bcb80baf240874787857f6d"),
        ("allow_skipping_attestation", "b6f5f51953684b3fa995393be16289a8"),
    ],
)
def test_keys_of_values(chain: Chain, item: str, hexed: str) -> None:
    assert getattr(chain.runtime.teerex, item).key.hex() == "d4907aad4a0ea0b2bdacc420d36be978" + hexed

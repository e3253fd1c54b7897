"""Every trusted call and getter that @encointer/types 0.20.1 defines, driven by its own types against a devnet.

The client's side is `tests/js/every-call.mjs`. Calls that only the enclave may make are driven, too: their refusal
shows that the bytes were understood.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..system.processes import Service
from .reports import Report, run_client

pytestmark = pytest.mark.timeout(900)  # the first test of all may install the client

IN_BLOCK = {"last": "InSidechainBlock"}


def invalid(code: str) -> dict[str, str]:
    return {"last": "Invalid", "code": code}


def refused(code: str) -> dict[str, str]:
    return {"last": "Error", "code": code}


CALLS: dict[str, list[dict[str, str]]] = {
    "noop": [IN_BLOCK],
    "timestamp_set": [refused("top.invalid_format")],  # the client's own types are not what the enclave reads
    "balance_transfer": [IN_BLOCK],
    "balance_unshield": [IN_BLOCK],
    "balance_shield": [refused("stf.require_enclave_signer")],
    "balance_transfer_with_note": [IN_BLOCK],
    "balance_shield_through_enclave_bridge_pallet": [refused("stf.require_enclave_signer")],
    "balance_unshield_through_enclave_bridge_pallet": [invalid("stf.bridge_disabled")],
    "send_note": [IN_BLOCK],
    "send_relayed_note": [IN_BLOCK] * 3,
    "send_relayed_note_stripped": [IN_BLOCK] * 3,
    "add_session_proxy": [IN_BLOCK] * 2,
    "assets_transfer": [IN_BLOCK],
    "assets_unshield": [invalid("parentchain.missing_call")],  # the development parentchain has no assets
    "assets_shield": [refused("stf.require_enclave_signer")],
    "assets_transfer_with_note": [IN_BLOCK],
    "guess_the_number": [refused("stf.require_maintainer"), refused("stf.require_maintainer"), IN_BLOCK],
    "credits": [IN_BLOCK] * 7,
}

TRUSTED = {
    "account_info": 1,
    "account_info_and_session_proxies": 1,
    "account_essentials": 1,
    "notes_for": 1,
    "asset_balance": 1,
    "guess_the_number": 1,
    "credits": 2,
}

PUBLIC = {
    "some_value": 1,
    "total_issuance": 1,
    "undistributed_fees": 2,
    "parentchains_info": 1,
    "note_buckets_info": 1,
    "shard_info": 1,
    "asset_total_issuance": 1,
    "guess_the_number": 1,
    "credits": 1,
}


@pytest.fixture(scope="module")
def every_call(javascript: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Report]:
    directory = tmp_path_factory.mktemp("every-call")
    devnet = Service("integritee.devnet.main", ["devnet", "--auto-ports", "--json"], directory, "devnet").spawn()
    try:
        url = json.loads(devnet.wait_for(r"^\{.*\}$")[0])["worker_url"]
        yield run_client("every-call.mjs", ["node", "every-call.mjs", url], javascript)
        assert devnet.interrupt(signal.SIGINT) == 0
    finally:
        devnet.destroy()


@pytest.mark.parametrize("kind", ["call", "trusted", "public"])
def test_nothing_that_the_package_defines_is_left_out(every_call: Report, kind: str) -> None:
    assert every_call[f"{kind}:defined"]["missing"] == []
    expected = {"call": CALLS, "trusted": TRUSTED, "public": PUBLIC}[kind]
    assert len(every_call[f"{kind}:defined"]["names"]) == len(expected)


@pytest.mark.parametrize(("name", "i", "expected"), [(n, i, e) for n, es in CALLS.items() for i, e in enumerate(es)])
def test_calls(every_call: Report, name: str, i: int, expected: dict[str, str]) -> None:
    facts = every_call[f"call:{name}:{i}"]
    assert {k: v for k, v in facts.items() if k in ("last", "code")} == expected


@pytest.mark.parametrize(
    "step",
    [f"trusted:{n}:{i}" for n, c in TRUSTED.items() for i in range(c)]
    + [f"public:{n}:{i}" for n, c in PUBLIC.items() for i in range(c)],
)
def test_getters(every_call: Report, step: str) -> None:
    facts = every_call[step]
    assert (facts["has"], facts.get("code")) == (True, None)


def test_what_the_answers_say(every_call: Report) -> None:
    def value(step: str) -> Any:
        return every_call[step]["value"]

    essentials = value("trusted:account_essentials:0")
    held = {b["asset_id"]: b["balance"] for b in essentials["asset_balances"]}
    assert held["USDT"] == value("trusted:asset_balance:0")
    assert len(held) == 9
    assert len(essentials["session_proxies"]) == 2
    notes = value("trusted:notes_for:0")
    assert all(set(note["note"]) == {"SuccessfulTrustedCall"} for note in notes)
    assert len(notes) >= 16
    assert value("trusted:guess_the_number:0") == "1"
    assert value("trusted:credits:0")[0] == "7.0000 pUnit"  # which is how polkadot-js shows seven base units
    assert value("public:credits:0") == value("trusted:credits:1")


def test_credits_are_nobody_elses_business(every_call: Report) -> None:
    facts = every_call["public:credits:1"]
    assert (facts["has"], facts["code"]) == (False, "stf.not_public")


def test_a_session_proxy_reads_what_its_role_allows(every_call: Report) -> None:
    facts = every_call["session_proxy"]
    assert (facts["has"], facts.get("code")) == (True, None)

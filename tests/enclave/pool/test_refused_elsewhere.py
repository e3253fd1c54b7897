"""What one enclave says about a call, as a watcher at another enclave is told it: sound or not, it breaks nothing."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.enclave.pool import RefusedElsewhere, StaleNonce
from integritee.enclave.pool.errors import MAX_REASON_LENGTH
from integritee.enclave.rpc.watch import update_frame
from integritee.errors import IntegriteeError
from integritee.primitives.rpc import Invalid
from integritee.stf.errors import AllowanceExceeded

TOP = b"\xab" * 32
UNKNOWN = ("pool.refused_elsewhere", "another enclave refused the operation", {})


def told(refusal: IntegriteeError) -> tuple[str, str, dict[str, Any]]:
    """Code, text and facts in the update that a watcher gets."""
    reason = json.loads(update_frame(TOP, Invalid(), refusal))["params"]["reason"]
    return reason["code"], reason["message"], reason["data"]


@pytest.mark.parametrize("error", [StaleNonce(3, 5), AllowanceExceeded(b"\x0b" * 32, 2**100, 7)])
def test_a_watcher_hears_what_the_submitter_would_have_heard_there(error: IntegriteeError) -> None:
    elsewhere = RefusedElsewhere(error.code, str(error), json.dumps(error.data()))
    assert told(elsewhere) == told(error)
    assert RefusedElsewhere.code == "pool.refused_elsewhere", "the class keeps its own"


def test_every_code_there_is_can_be_reported() -> None:
    codes = set(json.loads(files("integritee.cli").joinpath("error_codes.json").read_text()))
    assert "stf.invalid_nonce" in codes
    assert {RefusedElsewhere(code, "no", "{}").code for code in codes} == codes


@pytest.mark.parametrize(
    ("code", "message", "data", "expected"),
    [
        ("stf.x", "", '{"a":1,"b":"c","d":true,"e":null}', ("stf.x", "", {"a": 1, "b": "c", "d": True, "e": None})),
        ("stf.x", "no", f'{{"a":-{2**80}}}', ("stf.x", "no", {"a": str(-(2**80))})),
        ("stf.x", "m" * MAX_REASON_LENGTH, "{}", ("stf.x", "m" * MAX_REASON_LENGTH, {})),
        ("stf.x", "m" * (MAX_REASON_LENGTH + 1), "{}", UNKNOWN),
        ("stf.x", "no", '{"a":"%s"}' % ("m" * MAX_REASON_LENGTH), UNKNOWN),
        ("", "no", "{}", UNKNOWN),
        ("Stf.X", "no", "{}", UNKNOWN),
        ("stf x", "no", "{}", UNKNOWN),
        ("stf.x\n", "no", "{}", UNKNOWN),
        ("x" * 101, "no", "{}", UNKNOWN),
        ("stf.x", "no", "", ("stf.x", "no", {})),
        ("stf.x", "no", "[1]", ("stf.x", "no", {})),
        ("stf.x", "no", '{"a":1', ("stf.x", "no", {})),
        ("stf.x", "no", '{"a":[1]}', ("stf.x", "no", {})),
        ("stf.x", "no", '{"a":1.5}', ("stf.x", "no", {})),
        ("stf.x", "no", '{"a":NaN}', ("stf.x", "no", {})),
        ("stf.x", "no", '{"a":"\\ud800"}', ("stf.x", "no", {})),
        ("stf.x", "no", '{"\\udfff":1}', ("stf.x", "no", {})),
        ("stf.x", "no", "[" * MAX_REASON_LENGTH, ("stf.x", "no", {})),
        ("stf.x", "no", '{"a":' * 800, ("stf.x", "no", {})),
        ("stf.x", "no", '{"a":%s}' % ("9" * 4000), ("stf.x", "no", {"a": "9" * 4000})),
    ],
)
def test_what_has_another_form_is_not_passed_on(
    code: str, message: str, data: str, expected: tuple[str, str, dict[str, Any]]
) -> None:
    assert told(RefusedElsewhere(code, message, data)) == expected


@given(st.text(), st.text(st.characters(codec="utf-8")), st.text() | st.text('{}[]":,\\u0d8fe-19'))
def test_no_report_breaks_an_update(code: str, message: str, data: str) -> None:
    told(RefusedElsewhere(code, message, data))

"""`explain CODE`: what an error code means and what to do about it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from .conftest import Cli


def test_a_code_with_facts(cli: Cli) -> None:
    result = cli("explain", "stf.missing_funds")
    assert result.code == 0
    assert result.lines == [
        "stf.missing_funds: The sender cannot pay the fee or the amount.",
        "facts: needed (decimal text), available (decimal text)",
        "met in: A worker's answer: the `reason` of a refused request, or of a call that ends without success.",
        "what to do: Ask for less or shield more; fees come on top, see the reference of calls.",
    ]


def test_a_code_without_facts(cli: Cli) -> None:
    assert [line.partition(":")[0] for line in cli("explain", "stf.no_shard_vault").lines] == [
        "stf.no_shard_vault",
        "met in",
        "what to do",
    ]


def test_as_json(cli: Cli) -> None:
    assert cli("--json", "explain", "pool.stale_nonce").json == {
        "code": "pool.stale_nonce",
        "meaning": "The account has moved past the nonce.",
        "facts": {"found": "number", "expected": "number"},
        "met": "A worker's answer: the `reason` of a refused request, or of a call that ends without success.",
        "advice": "Sign again with the nonce `expected`.",
    }


@pytest.mark.parametrize(
    ("given", "suggested"),
    [
        ("stf.missing_fund", "stf.missing_funds"),
        ("missing_funds", "stf.missing_funds"),
        ("session_proxy.no_proxy", "session_proxy.not_proxy"),
        ("STF.FILTERED", "stf.filtered"),
    ],
)
def test_an_unknown_code(cli: Cli, given: str, suggested: str) -> None:
    result = cli("--json", "explain", given)
    assert (result.code, result.out) == (101, "")
    assert result.error["code"] == "cli.unknown_code"
    assert suggested in result.error["data"]["closest"].split(", ")


def test_an_unknown_code_like_no_other(cli: Cli) -> None:
    result = cli("explain", "qqqqqqqqqqqqqqqq")
    assert result.code == 101
    assert result.err == (
        "error: cli.unknown_code: no error has the code 'qqqqqqqqqqqqqqqq' [found=qqqqqqqqqqqqqqqq, closest=]\n"
    )


@pytest.mark.parametrize("code", ["token.below_minimum", "app.unknown", "node.database.locked", "cli.unknown_code"])
def test_codes_from_everywhere(cli: Cli, code: str) -> None:
    assert cli("explain", code).code == 0


def test_nothing_of_a_worker_is_imported() -> None:
    """The texts are data: a client has no enclave beside it."""
    script = (
        "import sys\n"
        "from integritee.cli.main import main\n"
        "assert main(['explain', 'attestation.debug']) == 0\n"
        "print([name for name in sys.modules if name.startswith(('integritee.enclave', 'integritee.reference'))])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"

"""The reference pages: what each call and getter says of itself, and that all codes they name exist."""

from __future__ import annotations

import json
import re
from typing import Any, ClassVar

import pytest

from integritee.apps.catalog import BUILT_IN, LedgerConfig, ledger_of
from integritee.reference.catalogue import catalogue
from integritee.reference.error_page import error_codes_json, errors_page
from integritee.reference.markdown import prose, sentence, table
from integritee.reference.pages import calls_page, getters_page
from integritee.stf.declare import App, Context, trusted_call
from integritee.stf.ledger import Ledger
from integritee.stf.native import NATIVE_APPS
from integritee.stf.types import ShardMode

LEDGER = ledger_of(LedgerConfig(list(BUILT_IN), True))
CALLS, GETTERS, ERRORS = calls_page(LEDGER), getters_page(LEDGER), errors_page(catalogue())


def section(page: str, name: str) -> str:
    """What stands under a heading, up to the next one."""
    found = re.search(rf"^#+ {re.escape(name)}\n(.*?)(?=^#|\Z)", page, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1].strip()


def test_every_call_has_a_section() -> None:
    for name, call in LEDGER.calls.items():
        assert prose(call.docs).splitlines()[0] in section(CALLS, name)


def test_every_getter_has_a_section() -> None:
    headings = re.findall(r"^#### (\S+)$", GETTERS, re.MULTILINE)
    assert sorted(headings) == sorted([*LEDGER.trusted_getters, *LEDGER.public_getters])


def test_a_call() -> None:
    assert section(CALLS, "balance_transfer") == (
        "Transfer within the ledger; the sender may die.\n\n"
        "| argument | type |\n| --- | --- |\n"
        "| `from` | `AccountId` |\n| `to` | `AccountId` |\n| `value` | `Balance` |\n\n"
        "- **Discriminant:** 2\n"
        "- **Fee:** One hundredth of a token.\n"
        "- **Sender:** the account itself\n"
        "- **Session proxies:** `Any`, `TransferAllowance` (`value` and fee are taken from it)\n"
        "- **Receipt:** a note of the call for `from`, `to`\n"
        "- **Errors:** `arithmetic.overflow`, `arithmetic.underflow`, `dispatch.consumer_remaining`, "
        "`stf.missing_funds`, `token.below_minimum`, `token.frozen`, `token.funds_unavailable`, "
        "`token.not_expendable`"
    )


def test_a_getter() -> None:
    assert section(GETTERS, "notes_for") == (
        "Notes of an account in one bucket, oldest first.\n\n"
        "| argument | type |\n| --- | --- |\n| `who` | `AccountId` |\n| `bucket_index` | `BucketIndex` |\n\n"
        "- **Discriminant:** 10\n"
        "- **Answer:** `Vec<TimestampedTrustedNote>`\n"
        "- **Session proxies:** `ReadAny`, `NonTransfer`, `Any`"
    )


@pytest.mark.parametrize(
    ("call", "line"),
    [
        ("balance_shield", "- **Sender:** the enclave itself"),
        ("note_bloat", "- **Sender:** the maintainer of the network; on test networks only"),
        ("balance_set_balance", "- **Sender:** the sudo key of a development ledger"),
        ("add_session_proxy", "- **Session proxies:** none"),
        ("note_bloat", "- **Fee:** Nothing."),
        ("guess_the_number.guess", "- **Fee:** A tenth of a token."),
        ("guess_the_number.guess", "- **Discriminant:** 50, then 2"),
        ("evm_call", "| `access_list` | `AccessList` |"),
    ],
)
def test_lines_of_calls(call: str, line: str) -> None:
    assert line in section(CALLS, call).splitlines()


def test_calls_of_the_enclave_have_no_session_proxies() -> None:
    assert "Session proxies" not in section(CALLS, "assets_shield")


def test_a_getter_without_arguments() -> None:
    assert section(GETTERS, "some_value") == (
        "42, for connection tests.\n\nNo arguments.\n\n- **Discriminant:** 0\n- **Answer:** `u32`"
    )


def odd_fee(one: int, args: tuple[Any, ...]) -> int:
    return one


class Minimal(App):
    """An app of somebody else, with a fee that says nothing."""

    name: ClassVar[str] = "minimal"
    index: ClassVar[int | None] = 202

    @trusted_call(3, fee=odd_fee)
    def act(self, ctx: Context, sender: bytes, mode: ShardMode) -> None:
        """Act."""


def test_an_app_of_somebody_else() -> None:
    page = calls_page(Ledger((*NATIVE_APPS, Minimal)))
    assert section(page, "Minimal").startswith("An app of somebody else, with a fee that says nothing. Discriminant")
    assert "- **Fee:** `odd_fee`" in section(page, "minimal.act")


# -- error codes ---------------------------------------------------------------------------------------

MENTIONED = re.compile(r"`([a-z_]+\.[a-z_.]+)`")


@pytest.mark.parametrize("page", [CALLS, GETTERS], ids=["calls", "getters"])
def test_codes_that_pages_mention_exist(page: str) -> None:
    found = {code for code in MENTIONED.findall(page) if not code.startswith(("integritee.", "types."))}
    assert found
    assert found <= set(catalogue())


def test_every_code_has_its_row_once() -> None:
    rows = re.findall(r"^\| `([a-z0-9_.]+)` \|", ERRORS, re.MULTILINE)
    assert sorted(rows) == sorted(code for code, entry in catalogue().items() if not entry.family)


def test_an_error() -> None:
    assert (
        "| `stf.missing_funds` | The sender cannot pay the fee or the amount. | `needed`: decimal text, `available`: "
        "decimal text | Ask for less or shield more; fees come on top, see the reference of calls. |"
    ) in ERRORS.splitlines()


def test_what_explain_reads() -> None:
    data = json.loads(error_codes_json(catalogue()))
    assert set(data) == set(catalogue())
    assert data["pool.stale_nonce"] == {
        "meaning": "The account has moved past the nonce.",
        "facts": {"found": "number", "expected": "number"},
        "met": "A worker's answer: the `reason` of a refused request, or of a call that ends without success.",
        "advice": "Sign again with the nonce `expected`.",
    }


# -- Markdown ------------------------------------------------------------------------------------------


def test_a_bar_in_a_cell_does_not_end_it() -> None:
    assert table(("a", "b"), [("x|y", "z")]).splitlines()[-1] == r"| x\|y | z |"


@pytest.mark.parametrize(
    ("docs", "page"),
    [
        ("One\n    line.", "One line."),
        ("First.\n\n    Second ``code``.", "First.\n\nSecond `code`."),
        ("List:\n\n    * a\n    * b", "List:\n\n* a\n* b"),
    ],
)
def test_docstrings_as_markdown(docs: str, page: str) -> None:
    assert prose(docs) == page


@pytest.mark.parametrize(
    ("text", "found"), [("", ""), ("a b", "A b."), ("A b.", "A b."), ("`a` b", "`a` b."), ("why?", "Why?")]
)
def test_sentences(text: str, found: str) -> None:
    assert sentence(text) == found

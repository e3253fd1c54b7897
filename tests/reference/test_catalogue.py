"""Every error code there is: told apart, explained, with facts that any JSON reader takes."""

from __future__ import annotations

import re
from collections import defaultdict

import msgspec
import pytest

from integritee.enclave.rpc.errors import Reason
from integritee.errors import IntegriteeError
from integritee.reference.advice import ADVICE, PLACES_OF_CODES
from integritee.reference.catalogue import (
    Entry,
    catalogue,
    descendants,
    entries,
    error_classes,
    is_family,
    meaning_of,
)
from integritee.reference.facts import CARRIERS, Fact, facts_of, specimen

CATALOGUE = catalogue()
CODE = re.compile(r"[a-z_]+(\.[a-z0-9_]+)*")


def test_a_code_means_one_thing() -> None:
    """However many places it comes from."""
    meanings: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for entry in entries():
        meanings[entry.code].add((entry.meaning, entry.place))
    assert {code: found for code, found in meanings.items() if len(found) > 1} == {}


def test_no_two_classes_share_a_code() -> None:
    owners: dict[str, list[str]] = defaultdict(list)
    for error in error_classes():
        owners[error.code].append(f"{error.__module__}.{error.__qualname__}")
    assert {code: found for code, found in owners.items() if len(found) > 1} == {}


def test_every_class_states_its_code() -> None:
    """But for the one that carries a worker's."""
    silent = [e.__name__ for e in descendants(IntegriteeError) if "code" not in vars(e)]
    assert silent == ["WorkerRefusal"]


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=CATALOGUE)
def test_every_code_is_explained(entry: Entry) -> None:
    assert CODE.fullmatch(entry.code)
    assert entry.meaning[-1] in ".…!?"
    assert not entry.meaning[0].islower()
    assert entry.place
    assert entry.advice.endswith(".")


@pytest.mark.parametrize(
    "error", [e for e in error_classes() if not is_family(e) and e.code not in CARRIERS], ids=lambda e: e.code
)
def test_facts_are_ready_for_json(error: type[IntegriteeError]) -> None:
    """As a worker sends them: no float, no integer that JavaScript would round."""
    reason = Reason.of(specimen(error))
    assert reason.code == error.code
    assert reason.message
    assert msgspec.json.decode(msgspec.json.encode(reason))["data"] == reason.data
    assert all(value is None or type(value) in (str, int, bool) for value in reason.data.values())
    assert list(reason.data) == [fact.name for fact in facts_of(error)]


def test_places_that_codes_come_from() -> None:
    """Classes, pallets of the ledger, of the node and of apps, fixed reasons, functions that make one failure."""
    expected = (
        "stf.missing_funds",
        "session_proxy.not_proxy",
        "proxy.not_proxy",
        "assets.unknown",
        "guess_the_number.too_many_attempts",
        "token.below_minimum",
        "arithmetic.overflow",
        "dispatch.bad_origin",
        "system.key_too_long",
        "transaction.stale",
        "client.timeout",
        "cli.usage",
        "node.database.locked",
        "attestation.measurement",
    )
    assert set(expected) <= set(CATALOGUE)


@pytest.mark.parametrize(
    ("code", "facts"),
    [
        ("stf.missing_funds", {"needed": "decimal text", "available": "decimal text"}),
        ("pool.stale_nonce", {"found": "number", "expected": "number"}),
        ("pool.already_imported", {"hash": "0x-hex"}),
        ("stf.not_public", {"delegate": "0x-hex"}),
        ("attestation.debug", {"expected": "true or false", "found": "true or false"}),
        ("store.snapshot_missing", {"expected": "number", "found": "number or null"}),
        ("token.frozen", {"message": "text"}),
        ("stf.no_shard_vault", {}),
    ],
)
def test_forms_of_facts(code: str, facts: dict[str, str]) -> None:
    assert CATALOGUE[code].facts == tuple(Fact(name, form) for name, form in facts.items())


class Outspoken(IntegriteeError):
    """It says what it means.

    And more.
    """

    code = "outspoken.leaf"


class TersePart(IntegriteeError):
    """`part` is a fact."""

    code = "terse.part"


def test_meanings() -> None:
    """The docstring; with the tree of the module if it only speaks of facts; for areas, what their module is about."""
    assert meaning_of(Outspoken) == "It says what it means."
    assert meaning_of(TersePart) == "`part` is a fact."
    assert CATALOGUE["devnet.process_ended"].meaning.startswith(
        "A process of the set-up ended on its own. `exit_code`"
    )
    assert CATALOGUE["stf"].meaning == "Why a trusted call or getter was refused."
    assert CATALOGUE["stf"].family
    assert not CATALOGUE["stf.missing_privileges"].family


@pytest.mark.parametrize("prefix", [*ADVICE, *PLACES_OF_CODES])
def test_advice_is_for_codes_that_exist(prefix: str) -> None:
    assert any(code == prefix or code.startswith(f"{prefix}.") for code in CATALOGUE)


def test_advice_by_the_longest_part_of_a_code() -> None:
    assert CATALOGUE["rpc.busy"].advice == ADVICE["rpc.busy"]
    assert CATALOGUE["rpc.batch_too_large"].advice == ADVICE["rpc"]

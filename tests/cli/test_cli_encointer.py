"""Encointer's commands where they refuse; a whole ceremony is in tests/system/test_encointer.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from integritee.apps.encointer.claims import ATTESTATION, CLAIM, is_signed
from integritee.apps.encointer.fixed_point import I32F32
from integritee.apps.encointer.types import ClaimOfAttendance, Location
from integritee.cli.communities import read_specification
from integritee.crypto import Sr25519Pair, ss58_encode

from .conftest import Cli

ALICE = Sr25519Pair.from_uri("//Alice")
SHARD = "5Cjsf6KFKm4M9cxXPbqVKqRz9zoLrXhg4RKFuL7rvLtN"
HERE = Location(I32F32.parse("35.5"), I32F32.parse("-40.25"))
CLAIMED = ClaimOfAttendance(ALICE.public, 1, bytes(32), 1, HERE, 1_700_000_000_000, 3)


def document(**changes: Any) -> dict[str, Any]:
    point = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [-40.25, 35.5]}}
    meta = {"name": "test", "bootstrappers": [ss58_encode(ALICE.public), "//Bob"]}
    return {"type": "FeatureCollection", "features": [point], "currency_meta": meta} | changes


def write(content: Any) -> Path:
    path = Path("spec.json")
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.mark.parametrize(
    "changes", [{}, {"currency_meta": None, "community": document()["currency_meta"]}], ids=["first", "later form"]
)
def test_a_specification(changes: dict[str, Any]) -> None:
    community = read_specification(write(document(**changes)))
    assert community.locations == [HERE]
    assert community.bootstrappers == [ALICE.public, Sr25519Pair.from_uri("//Bob").public]


def feature(*coordinates: Any) -> list[Any]:
    return [{"geometry": {"coordinates": list(coordinates)}}]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "[" * 100_000,
        "{" + " " * (1 << 20) + "}",
        document(features=feature()),
        document(features=feature(1)),
        document(features=feature("x", "y")),
        document(features=feature(None, 1)),
        document(features=feature(1e300, 1)),
        document(features=[{"geometry": None}]),
        document(currency_meta={}),
        document(currency_meta=[]),
        document(currency_meta={"bootstrappers": ["0x" + "ab" * 32]}),
        document(currency_meta={"bootstrappers": [7]}),
        {"features": []},
    ],
    ids=lambda content: json.dumps(content)[:60],
)
def test_files_that_describe_no_community(cli: Cli, content: Any) -> None:
    result = cli("--json", "new-community", str(write(content)), "//Alice")
    assert (result.code, result.out, result.error["code"]) == (101, "", "cli.bad_specification")


def test_a_file_that_is_not_there(cli: Cli) -> None:
    assert cli("--json", "new-community", "nowhere.json", "//Alice").error["code"] == "cli.system"


@pytest.mark.parametrize("command", [["get-phase"], ["next-phase"], ["list-communities"], ["list-currencies"]])
def test_a_chain_without_ceremonies(with_node: Cli, command: list[str]) -> None:
    result = with_node("--json", *command)
    assert (result.code, result.error["code"]) == (101, "cli.no_ceremonies")


def test_claims_are_signed_without_a_worker(cli: Cli) -> None:
    result = cli("trusted", "-s", SHARD, "encointer", "sign-claim", "//Bob", CLAIM.encode(CLAIMED).hex())
    assert (result.code, result.err) == (0, "")
    attestation = ATTESTATION.decode(bytes.fromhex(result.out))
    assert attestation.claim == CLAIMED
    assert attestation.public == Sr25519Pair.from_uri("//Bob").public
    assert is_signed(attestation)


@pytest.mark.parametrize(
    "command",
    [
        ["sign-claim", "//Bob", "00"],
        ["sign-claim", "//Bob", CLAIM.encode(CLAIMED).hex() + "00"],
        ["sign-claim", "//Bob", "zz"],
        ["register-attestations", "//Bob"],
        ["register-attestations", "//Bob", CLAIM.encode(CLAIMED).hex()],
        ["new-claim", "//Bob", "-1"],
        ["new-claim", "//Bob", "3", "--cid", "0OIl"],
        ["balance", "//Bob", "--cid", "abc"],
        ["transfer", "//Bob", "//Alice", "1e3"],
    ],
)
def test_command_lines_that_are_wrong(cli: Cli, command: list[str]) -> None:
    assert cli("trusted", "-s", SHARD, "encointer", *command).code == 2


def test_a_ledger_without_communities(with_enclave: Cli) -> None:
    result = with_enclave("--json", "trusted", "encointer", "get-registration", "//Alice")
    assert (result.code, result.error["code"], result.error["data"]) == (101, "cli.which_community", {"found": 0})

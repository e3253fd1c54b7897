"""Arguments of the command line from declarations, also those that the shipped ledger has no use for yet."""

from __future__ import annotations

import argparse
import enum
from typing import Any

import pytest

from integritee.cli.arguments import Parser
from integritee.cli.declared import add_arguments, readable, subject_text, values, verb_of
from integritee.cli.errors import UsageError
from integritee.cli.session import Identity
from integritee.client.errors import UnknownAccount
from integritee.frame.declare import Argument
from integritee.primitives.ids import AccountId, ParentchainId, ShardIdentifier
from integritee.scale import Bytes4, i32, u8
from integritee.stf.types import SessionProxyRole

from ..client.ledger_enclave import ALICE, BOB

IDENTITY = Identity(b"\x01" * 32, b"\x02" * 32)
SENDER = Argument("sender", AccountId)
SEED = "0x" + "2a" * 32


def read(arguments: list[Argument], *texts: str) -> list[Any]:
    parser = Parser()
    add_arguments(parser, arguments)
    return values(arguments, parser.parse_args(texts), IDENTITY)


@pytest.mark.parametrize(
    ("hint", "text", "value"),
    [
        (AccountId, "//Bob", BOB.public),
        (u8, "255", 255),
        (u8, "+7", 7),
        (str, "lunch", "lunch"),
        (Bytes4, "0x01020304", b"\x01\x02\x03\x04"),
        (Bytes4, "01020304", b"\x01\x02\x03\x04"),
        (ParentchainId, "target-a", ParentchainId.TargetA),
        (ParentchainId, "Integritee", ParentchainId.Integritee),
    ],
)
def test_values(hint: Any, text: str, value: Any) -> None:
    assert read([SENDER, Argument("it", hint)], "//Alice", text) == [ALICE.public, value]


@pytest.mark.parametrize(
    ("hint", "text"),
    [(u8, "256"), (u8, "-1"), (u8, "x"), (Bytes4, "0x01"), (Bytes4, "zz"), (ParentchainId, "target-c")],
)
def test_wrong_values(hint: Any, text: str) -> None:
    with pytest.raises(UsageError):
        read([SENDER, Argument("it", hint)], "//Alice", text)


def test_shard_comes_from_the_options() -> None:
    assert read([SENDER, Argument("shard", ShardIdentifier)], "//Alice") == [ALICE.public, IDENTITY.shard]


def test_only_the_first_account_may_be_a_secret() -> None:
    assert len(read([SENDER], SEED)[0]) == 32
    with pytest.raises(UnknownAccount):
        read([SENDER, Argument("to", AccountId)], "//Alice", SEED)


class Flavour(enum.IntEnum):
    Sweet = 0


@pytest.mark.parametrize(
    ("hint", "is_readable"),
    [(Flavour, True), (u8, True), (i32, False), (bytes, False), (list[u8], False), (SessionProxyRole, False)],
)
def test_which_arguments_a_command_line_can_hold(hint: Any, is_readable: bool) -> None:
    assert readable([SENDER, Argument("it", hint)]) is is_readable


def test_names() -> None:
    assert verb_of("balance_transfer") == "balance-transfer"
    assert subject_text(argparse.Namespace(argument_0="//Alice")) == "//Alice"

"""Arguments of the command line from declarations: of every kind of type that an app may choose."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from integritee.cli.arguments import Parser
from integritee.cli.declared import add_arguments, values, verb_of
from integritee.cli.errors import UsageError
from integritee.client.errors import UnknownAccount
from integritee.frame.declare import Argument
from integritee.primitives.ids import H256, AccountId, ParentchainId, ShardIdentifier
from integritee.scale import Bytes4, Compact, Enum, Struct, i8, u8, u32, u128, u256
from integritee.stf.asset_map import AssetId
from integritee.stf.types import NoteText

from ..client.ledger_enclave import BOB

SHARD = b"\x02" * 32
SEED = "0x" + "2a" * 32
KEY = b"\x11" * 32


class Shape(Enum, frozen=True):
    """With and without fields."""


class Dot(Shape, frozen=True):
    index: ClassVar[int] = 0


class Circle(Shape, frozen=True):
    index: ClassVar[int] = 1
    radius: u32


class Request(Struct, frozen=True):
    urgent: bool
    text: str
    key: H256 | None


class Parcel(Struct, frozen=True):
    to: AccountId
    request: Request


def read(hint: Any, *texts: str, name: str = "it") -> Any:
    parser = Parser()
    add_arguments(parser, [Argument(name, hint)])
    return values([Argument(name, hint)], parser.parse_args(texts), SHARD)[0]


@pytest.mark.parametrize(
    ("hint", "texts", "value"),
    [
        (AccountId, ["//Bob"], BOB.public),
        (u8, ["255"], 255),
        (u8, ["+7"], 7),
        (i8, ["-128"], -128),
        (u256, [str(2**256 - 1)], 2**256 - 1),
        (Compact[u32], ["7"], 7),
        (str, ["lunch"], "lunch"),
        (str, [""], ""),
        (NoteText, ["grüezi"], "grüezi".encode()),
        (bytes, ["0x0102"], b"\x01\x02"),
        (bytes, [""], b""),
        (Bytes4, ["0x01020304"], b"\x01\x02\x03\x04"),
        (Bytes4, ["01020304"], b"\x01\x02\x03\x04"),
        (ParentchainId, ["target-a"], ParentchainId.TargetA),
        (ParentchainId, ["Integritee"], ParentchainId.Integritee),
        (AssetId, ["USDC.e"], AssetId.USDC_E),
        (AssetId | None, [], None),
        (AssetId | None, ["--it", "ETH"], AssetId.ETH),
        (AccountId | None, ["--it", "//Bob"], BOB.public),
        (u128 | None, ["--it", "5"], 5),
        (bool, [], False),
        (bool, ["--it"], True),
        (bool | None, [], None),
        (bool | None, ["--it", "false"], False),
        (list[u8], ["[1, 2]"], [1, 2]),
        (list[AccountId], ['["//Bob"]'], [BOB.public]),
        (tuple[u8, str], ['[1, "x"]'], (1, "x")),
        (dict[u8, bool], ["[[1, true]]"], {1: True}),
        (Shape, ['"Dot"'], Dot()),
        (Shape, ['{"Circle": {"radius": 3}}'], Circle(3)),
        (Request, ["hello"], Request(False, "hello", None)),
        (Request, ["--urgent", "hello", "--key", KEY.hex()], Request(True, "hello", KEY)),
        (Request | None, [], None),
        (Request | None, ["--it", '{"urgent": true, "text": "x", "key": null}'], Request(True, "x", None)),
        (Parcel, ["//Bob", "hello", "--urgent"], Parcel(BOB.public, Request(True, "hello", None))),
    ],
)
def test_values(hint: Any, texts: list[str], value: Any) -> None:
    assert read(hint, *texts) == value


@pytest.mark.parametrize(
    ("hint", "texts"),
    [
        (u8, ["256"]),
        (u8, ["-1"]),
        (u8, ["x"]),
        (u8, [""]),
        (u8, ["1_0"]),
        (u8, ["٣"]),
        (i8, ["128"]),
        (i8, ["-129"]),
        (u256, ["9" * 5000]),
        (bytes, ["abc"]),
        (bytes, ["0xzz"]),
        (Bytes4, ["0x01"]),
        (Bytes4, ["zz"]),
        (ParentchainId, ["target-c"]),
        (AssetId, ["usdt"]),
        (AssetId, ["BTC"]),
        (AssetId, ["10"]),
        (AccountId | None, ["--it", SEED]),
        (bool | None, ["--it", "yes"]),
        (list[u8], ["1"]),
        (list[u8], ["[256]"]),
        (list[u8], ["[1"]),
        (list[u8], ["[true]"]),
        (list[u8], ["[" * 100_000]),
        (list[AccountId], [f'["{SEED}"]']),
        (tuple[u8, str], ["[1]"]),
        (Shape, ["Dot"]),
        (Shape, ['"Square"']),
        (Shape, ['"Circle"']),
        (Shape, ['{"Circle": {"radius": "x"}}']),
        (Shape, ['{"Dot": {}, "Circle": {"radius": 3}}']),
        (Request, ["hello", "--key", "11"]),
        (Request | None, ["--it", '{"urgent": true}']),
        (Request | None, ["--it", '{"urgent": 1, "text": "x", "key": null}']),
    ],
)
def test_wrong_values(hint: Any, texts: list[str]) -> None:
    with pytest.raises(UsageError) as refused:
        read(hint, *texts)
    assert SEED not in str(refused.value)


def test_shard_comes_from_the_options() -> None:
    assert read(ShardIdentifier, name="shard") == SHARD


def test_recipients_are_not_named_by_secrets() -> None:
    with pytest.raises(UnknownAccount):
        read(AccountId, SEED)
    with pytest.raises(UnknownAccount):
        read(Parcel, SEED, "hello")


def test_options_of_the_same_name() -> None:
    arguments = [Argument("first", Request), Argument("key", u8 | None), Argument("session_proxy", u8 | None)]
    parser = Parser()
    add_arguments(parser, arguments)
    options = parser.parse_args(["hello", "--key", KEY.hex(), "--key-", "5", "--session-proxy-", "6"])
    assert values(arguments, options, SHARD) == [Request(False, "hello", KEY), 5, 6]


def test_short_options() -> None:
    parser = Parser()
    add_arguments(parser, [Argument("asset", AssetId | None)], {"asset": "-a"})
    assert values([Argument("asset", AssetId | None)], parser.parse_args(["-a", "ETH"]), SHARD) == [AssetId.ETH]


def test_names() -> None:
    assert verb_of("balance_transfer") == "balance-transfer"

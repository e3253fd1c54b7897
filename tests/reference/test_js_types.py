"""The JSON types: what they are called, and how the gaps between discriminants are filled.

That their bytes are right is shown by polkadot-js itself (`tests/conformance/test_js_registry.py`).
"""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from integritee.apps.catalog import BUILT_IN, LedgerConfig, ledger_of
from integritee.primitives.ids import AccountId, Balance, Moment
from integritee.reference.js_types import js_types
from integritee.scale import u8, u32
from integritee.stf.declare import App, Context, Raw, public_getter, trusted_call, trusted_getter
from integritee.stf.ledger import Ledger
from integritee.stf.native import NATIVE_APPS
from integritee.stf.types import NoteText, SessionProxyCredentials

REGISTRY = js_types(ledger_of(LedgerConfig(list(BUILT_IN), True)))
TYPES = REGISTRY["types"]


def variants(name: str) -> dict[int, tuple[str, str | None]]:
    """Variants in use, by index."""
    listed = enumerate(TYPES[name]["_enum"].items())
    return {index: each for index, each in listed if not each[0].startswith("unused_index_")}


def test_indexes_are_filled_up() -> None:
    """As the authors of the package do: the position in `_enum` is the discriminant."""
    names = list(TYPES["IntegriteeTrustedCall"]["_enum"])
    assert len(names) == 256
    assert all(name == f"unused_index_{i}" for i, name in enumerate(names) if name.startswith("unused"))
    assert list(TYPES["IntegriteeAssetId"]["_enum"])[9:12] == ["unused_index_9", "USDT", "USDT_E"]


@pytest.mark.parametrize(
    ("enum", "index", "variant"),
    [
        ("IntegriteeTrustedCall", 0, ("noop", "AccountId")),
        ("IntegriteeTrustedCall", 2, ("balance_transfer", "BalanceTransferArgs")),
        ("IntegriteeTrustedCall", 31, ("remove_session_proxy", "RemoveSessionProxyArgs")),
        ("IntegriteeTrustedCall", 50, ("guess_the_number", "GuessTheNumberTrustedCall")),
        ("IntegriteeTrustedCall", 51, ("credits", "CreditsTrustedCall")),
        ("IntegriteeTrustedCall", 93, ("evm_create2", "EvmCreate2Args")),
        ("IntegriteeTrustedCall", 255, ("balance_set_balance", "BalanceSetBalanceArgs")),
        ("IntegriteeTrustedGetter", 10, ("notes_for", "NotesForArgs")),
        ("IntegriteeTrustedGetter", 50, ("guess_the_number", "GuessTheNumberTrustedGetter")),
        ("IntegriteePublicGetter", 0, ("some_value", None)),
        ("IntegriteePublicGetter", 2, ("undistributed_fees", "Option<IntegriteeAssetId>")),
        ("IntegriteeTrustedOperation", 1, ("direct_call", "IntegriteeTrustedCallSigned")),
        ("GuessTheNumberTrustedCall", 2, ("guess", "GuessArgs")),
        ("CreditsPublicGetter", 0, ("credits", "CreditsOfArg")),
        ("SessionProxyRole", 4, ("TransferAllowance", "Balance")),
        ("RelayedNoteRetrievalInfo", 1, ("Ipfs", "RelayedNoteRetrievalIpfs")),
    ],
)
def test_variants(enum: str, index: int, variant: tuple[str, str | None]) -> None:
    assert variants(enum)[index] == variant


@pytest.mark.parametrize(
    ("name", "definition"),
    [
        ("BalanceTransferArgs", "(AccountId, AccountId, Balance)"),
        ("AssetsUnshieldArgs", "(AccountId, AccountId, IntegriteeAssetId, Balance, ShardIdentifier)"),
        ("CreditsMintArgs", "(AccountId, CreditClassId, AccountId, Balance, Option<Moment>)"),
        ("AttemptsArg", {"origin": "AccountId"}),
        ("CreditClassId", "u32"),
        ("GuessType", "u32"),
        ("NoteText", "Text"),
        ("AccessList", "Vec<(H160, Vec<H256>)>"),
        ("Vault", "(AccountId, ParentchainId)"),
        ("NotesBucketInfo", {"first": "Option<BucketInfo>", "last": "Option<BucketInfo>"}),
        ("TimestampedTrustedNote", {"timestamp": "Moment", "version": "u16", "note": "TrustedNote"}),
    ],
)
def test_definitions(name: str, definition: Any) -> None:
    assert TYPES[name] == definition


def test_answers_of_getters() -> None:
    returns = REGISTRY["returns"]
    assert returns["trusted"]["account_info"] == "AccountInfo"
    assert returns["trusted"]["notes_for"] == "Vec<TimestampedTrustedNote>"
    assert returns["trusted"]["evm_account_codes"] == "Raw"
    assert returns["public"]["parentchains_info"] == "ParentchainsInfo"


def test_every_name_in_use_is_defined_or_built_in() -> None:
    built_in = {
        *("AccountId", "AccountInfo", "Balance", "BlockNumber", "H160", "H256", "Moment", "MultiSignature"),
        *("bool", "u8", "u16", "u32", "u64", "u128", "u256", "i64", "i128", "Bytes", "Text", "Raw", "Option", "Vec"),
    }
    used = {word for definition in TYPES.values() for word in words(definition)}
    used |= {word for kind in REGISTRY["returns"].values() for text in kind.values() for word in words(text)}
    assert used <= built_in | set(TYPES)


def words(definition: Any) -> set[str]:
    if isinstance(definition, dict):
        held = definition.get("_enum", definition)
        return {word for text in held.values() if text is not None for word in words(text)}
    text = definition.replace("[u8; 46]", "").replace("[u8; 32]", "").replace("[u8; 64]", "")
    for mark in "<>(),":
        text = text.replace(mark, " ")
    return set(text.split())


class Diary(App):
    """An app of somebody else."""

    name: ClassVar[str] = "diary"
    index: ClassVar[int | None] = 200

    @trusted_call(0)
    def write(self, ctx: Context, sender: AccountId, page: u32, text: NoteText) -> None: ...

    @trusted_call(2)
    def erase(self, ctx: Context, sender: AccountId) -> None: ...

    @trusted_getter(0)
    def page(self, who: AccountId, number: u8) -> list[tuple[Moment, NoteText]]: ...

    @public_getter(0)
    def pages(self) -> dict[AccountId, Balance]: ...

    @public_getter(1)
    def keys(self, given: SessionProxyCredentials | None) -> Raw: ...


def test_an_app_of_somebody_else() -> None:
    """By its own names; what the ledger has is not defined anew."""
    registry = js_types(Ledger((*NATIVE_APPS, Diary)))
    types = registry["types"]
    assert list(types["IntegriteeTrustedCall"]["_enum"].items())[200] == ("diary", "DiaryTrustedCall")
    assert types["DiaryTrustedCall"] == {
        "_enum": {"write": "DiaryWriteArgs", "unused_index_1": None, "erase": "AccountId"}
    }
    assert types["DiaryWriteArgs"] == "(AccountId, u32, NoteText)"
    assert types["PageArg"] == {"who": "AccountId", "number": "u8"}
    assert types["KeysArg"] == {"given": "Option<SessionProxyCredentials>"}
    assert registry["returns"]["trusted"]["diary.page"] == "Vec<(Moment, NoteText)>"
    assert (
        registry["returns"]["public"] | {"diary.pages": "BTreeMap<AccountId, u128>", "diary.keys": "Raw"}
        == (registry["returns"]["public"])
    )

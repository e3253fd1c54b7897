"""The metadata of the ledger, pallets of its apps included, as polkadot-js reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from integritee.apps.catalog import client_ledger
from integritee.crypto import Sr25519Pair, ss58_encode
from integritee.frame.overlay import Overlay
from integritee.frame.pallet import calls_of, constants_of, storage_entries
from integritee.frame.runtime import Runtime
from integritee.metadata import RuntimeMetadata
from integritee.stf.asset_map import AssetId
from integritee.stf.runtime import EXISTENTIAL_DEPOSIT
from integritee.stf.types import NoteString, SessionProxyCredentials, TransferAllowance
from integritee.trie import Trie

from .reports import Report, run_client

pytestmark = pytest.mark.timeout(900)  # the first test of all may install the client

LEDGER = client_ledger()
ALICE, BOB, EVE = (Sr25519Pair.from_uri(uri).public for uri in ("//Alice", "//Bob", "//Eve"))
ALICES, BOBS, EVES = map(ss58_encode, (ALICE, BOB, EVE))
NOW = 1_700_000_000_000


def some_state() -> Any:
    """A runtime in which every kind of storage item holds something."""
    runtime = LEDGER.runtime(Overlay(Trie.empty()))
    runtime.initialize_genesis(b"\xee" * 32)
    runtime.timestamp.now.put(NOW)
    runtime.assets.ensure(AssetId.USDT_E, BOB)
    runtime.assets.mint_into(AssetId.USDT_E, EVE, 5)
    runtime.notes.store((ALICE,), NoteString(b"hello"))
    credentials = SessionProxyCredentials(TransferAllowance(7), NOW, bytes(32))
    runtime.session_proxy.add_proxy(ALICE, BOB, credentials, EXISTENTIAL_DEPOSIT)
    return runtime


READS: dict[tuple[str, str], tuple[list[Any], Any]] = {
    ("timestamp", "now"): ([], "1,700,000,000,000"),
    ("assets", "account"): (
        ["USDT_E", EVES],
        {"balance": "5", "isFrozen": False, "reason": "Sufficient", "extra": None},
    ),
    ("notes", "notes"): (
        [0, 0],
        {"timestamp": "1,700,000,000,000", "version": "1", "note": {"String": "hello"}},
    ),
    ("sessionProxy", "sessionProxies"): (
        [ALICES, BOBS],
        [
            {"role": {"TransferAllowance": "7"}, "expiry": "1,700,000,000,000", "seed": "0x" + "00" * 32},
            str(EXISTENTIAL_DEPOSIT),
        ],
    ),
}
"""Storage item → keys as a JavaScript client gives them, and the value as it sees it."""


def ours(name: str) -> str:
    return name[:1].upper() + name[1:]


@pytest.fixture(scope="module")
def stored() -> dict[str, tuple[str, str]]:
    """Storage key and bytes of each read, by ``pallet.item``; keys are made by the Python client."""
    runtime, metadata = some_state(), RuntimeMetadata.parse(LEDGER.metadata)
    keys: dict[str, Any] = {ALICES: ALICE, BOBS: BOB, EVES: EVE}
    found = {}
    for (pallet, item), (arguments, _) in READS.items():
        key = metadata.storage_key(ours(pallet), ours(item), *(keys.get(a, a) for a in arguments))
        found[f"{pallet}.{item}"] = ("0x" + key.hex(), "0x" + (runtime.state.get(key) or b"").hex())
    return found


@pytest.fixture(scope="module")
def report(javascript: Path, stored: dict[str, tuple[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Report:
    reads = [
        {"pallet": pallet, "item": item, "keys": keys, "value": stored[f"{pallet}.{item}"][1]}
        for (pallet, item), (keys, _) in READS.items()
    ]
    path = tmp_path_factory.mktemp("metadata") / "metadata.json"
    path.write_text(json.dumps({"metadata": "0x" + LEDGER.metadata.hex(), "reads": reads}))
    return run_client("ledger-metadata.mjs", ["node", "ledger-metadata.mjs", str(path)], javascript)


def declared(runtime: type[Runtime]) -> list[dict[str, Any]]:
    """What the pallets of a runtime declare, in order of index."""
    return [
        {
            "name": runtime.pallet_name(attribute),
            "index": use.index,
            "calls": len(calls_of(use.pallet)),
            "events": len(use.pallet.Event.definitions()),
            "errors": len(use.pallet.Error.definitions()),
            "storage": [entry.name for entry in storage_entries(use.pallet)],
            "constants": len(constants_of(use.pallet)),
        }
        for attribute, use in sorted(runtime.uses.items(), key=lambda item: item[1].index)
    ]


def test_every_pallet_is_there_with_all_it_declares(report: Report) -> None:
    facts = report["pallets"]
    assert facts["version"] == 14
    seen = [{**pallet, "constants": len(pallet["constants"])} for pallet in facts["pallets"]]
    assert seen == declared(LEDGER.runtime)


def test_pallets_without_calls_and_of_apps_are_among_them(report: Report) -> None:
    """What would make the comparison above say nothing."""
    pallets = {pallet["name"]: pallet for pallet in report["pallets"]["pallets"]}
    assert pallets["Timestamp"]["calls"] == 0
    assert {"GuessTheNumber", "Notes", "SessionProxy", "Assets"} <= set(pallets)


def test_constants(report: Report) -> None:
    assert report["constants"] == {"existentialDeposit": EXISTENTIAL_DEPOSIT}


@pytest.mark.parametrize(("pallet", "item"), READS)
def test_storage(report: Report, stored: dict[str, tuple[str, str]], pallet: str, item: str) -> None:
    """The key is where the ledger keeps the value, and the value is what it means; AssetId keys by name."""
    facts = report[f"{pallet}.{item}"]
    assert facts["key"] == stored[f"{pallet}.{item}"][0]
    assert facts["value"] == READS[pallet, item][1]

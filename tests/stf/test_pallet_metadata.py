"""What clients read from the state by metadata is what the ledger's pallets keep there."""

from __future__ import annotations

from integritee.frame.metadata import metadata_v14
from integritee.metadata import RuntimeMetadata
from integritee.stf.asset_map import AssetId
from integritee.stf.types import Ipfs, SessionProxyCredentials, TransferAllowance

from .small_ledger import ALICE, BOB, NOW, OWNER, SmallLedger, fresh

METADATA = RuntimeMetadata.parse(metadata_v14(SmallLedger))


def test_pallets_have_the_originals_indexes() -> None:
    indexes = {name: METADATA.pallet(name).index for name in ("Notes", "SessionProxy", "Assets")}
    assert indexes == {"Notes": 40, "SessionProxy": 41, "Assets": 50}


def test_assets() -> None:
    ledger = fresh()
    ledger.assets.ensure(AssetId.USDT_E, OWNER)
    ledger.assets.mint_into(AssetId.USDT_E, ALICE, 5)
    key = METADATA.storage_key("Assets", "Account", "USDT_E", ALICE)
    holding = METADATA.decode_storage("Assets", "Account", ledger.state.get(key))
    assert (holding["balance"], holding["is_frozen"], holding["reason"].name) == (5, False, "Sufficient")
    key = METADATA.storage_key("Assets", "Asset", "USDT_E")
    assert METADATA.decode_storage("Assets", "Asset", ledger.state.get(key))["supply"] == 5
    ledger.system.write_events()
    records = METADATA.decode_events(ledger.state.get(ledger.system.event_records.key) or b"")
    assert [record.name for record in records] == ["ForceCreated", "NewAccount", "Issued"]
    assert records[-1].fields["asset_id"].name == "USDT_E"


def test_notes() -> None:
    ledger = fresh()
    ledger.notes.store((ALICE,), Ipfs(b"Q" * 46))
    stored = ledger.state.get(METADATA.storage_key("Notes", "Notes", 0, 0))
    note = METADATA.decode_storage("Notes", "Notes", stored)
    assert (note["timestamp"], note["version"], note["note"].name) == (NOW, 1, "Ipfs")
    linked = ledger.state.get(METADATA.storage_key("Notes", "NotesLookup", 0, ALICE))
    assert METADATA.decode_storage("Notes", "NotesLookup", linked) == [0]
    bucket = METADATA.decode_storage(
        "Notes", "Buckets", ledger.state.get(METADATA.storage_key("Notes", "Buckets", 0))
    )
    assert (bucket["bytes"], bucket["begins_at"]) == (57, NOW)
    limits = [METADATA.constant("Notes", name) for name in ("MaxNoteSize", "MaxBucketSize", "MaxTotalSize")]
    assert limits == [512, 51_200, 5_120_000]


def test_session_proxies() -> None:
    ledger = fresh()
    ledger.balances.mint(ALICE, 10_000)
    ledger.session_proxy.add_proxy(ALICE, BOB, SessionProxyCredentials(TransferAllowance(7), 9, bytes(32)), 1_000)
    stored = ledger.state.get(METADATA.storage_key("SessionProxy", "SessionProxies", ALICE, BOB))
    credentials, deposit = METADATA.decode_storage("SessionProxy", "SessionProxies", stored)
    assert (credentials["role"].name, credentials["expiry"], deposit) == ("TransferAllowance", 9, 1_000)
    assert METADATA.constant("SessionProxy", "MaxProxiesPerOwner") == 10

"""Block 0 of the development chain: every key, as a real node would write it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from integritee.crypto import Ed25519Pair, Sr25519Pair, blake2_256, ss58_decode, twox_64_concat
from integritee.frame.overlay import Overlay
from integritee.node.runtime.api import NODE_APIS
from integritee.node.runtime.genesis import dev_genesis, genesis, local_genesis
from integritee.node.runtime.presets import ALICE, ALICE_GRANDPA, BOB, CHARLIE, DEVELOPMENT, MULTISIG, GenesisConfig
from integritee.node.runtime.runtime import IntegriteeNodeRuntime
from integritee.primitives.storage import blake2_map_key, pallet_version_key, storage_prefix
from integritee.scale import decode, encode
from integritee.trie import Trie

from .chain_kit import ENGINE

GENESIS = dev_genesis()
TREASURY = bytes.fromhex("6d6f646c70792f7472737279").ljust(32, b"\0")
ACCOUNT = "000000000000000001000000000000000080c6a47e8d0300" + "00" * 8 + "00" * 47 + "80"


def key(pallet: str, item: str, map_key: str = "") -> bytes:
    return storage_prefix(pallet, item) + bytes.fromhex(map_key)


@pytest.mark.parametrize(
    ("raw_key", "hexed"),
    [
        (b":extrinsic_index", "00000000"),
        (key("System", "LastRuntimeUpgrade"), "69063c" + b"integritee-solo".hex()),
        (key("System", "ParentHash"), "45" * 32),
        (key("System", "BlockHash", "b4def25cfda6ef3a00000000"), "45" * 32),
        (key("System", "UpgradedToU32RefCount"), "01"),
        (key("System", "UpgradedToTripleRefCount"), "01"),
        (key("Balances", "TotalIssuance"), "0080e03779c311" + "00" * 9),
        (key("Aura", "Authorities"), "04" + ALICE.hex()),
        (key("Grandpa", "Authorities"), "04" + ALICE_GRANDPA.hex() + "0100000000000000"),
        (key("Grandpa", "CurrentSetId"), "00" * 8),
        (key("Grandpa", "SetIdSession", twox_64_concat(bytes(8)).hex()), "00000000"),
        (key("Sudo", "Key"), ALICE.hex()),
        (key("TransactionPayment", "NextFeeMultiplier"), "000064a7b3b6e00d" + "00" * 8),
        (key("TransactionPayment", "StorageVersion"), "01"),
        (pallet_version_key("Balances"), "0100"),
        (pallet_version_key("Grandpa"), "0500"),
        (pallet_version_key("Timestamp"), "0000"),
        *((blake2_map_key("System", "Account", who), ACCOUNT) for who in (ALICE, BOB, CHARLIE, MULTISIG, TREASURY)),
    ],
)
def test_raw_storage(raw_key: bytes, hexed: str) -> None:
    assert GENESIS[raw_key].hex() == hexed


def test_attestation_is_relaxed_where_there_is_any() -> None:
    for item in ("SgxAllowDebugMode", "AllowSkippingAttestation"):
        expected = b"\x01" if "Teerex" in IntegriteeNodeRuntime().pallets else None
        assert GENESIS.get(key("Teerex", item)) == expected


def test_there_is_code_and_no_key_of_older_grandpa() -> None:
    assert GENESIS[b":code"]
    assert b":grandpa_authorities" not in GENESIS


def test_well_known_keys_are_what_they_are_called() -> None:
    assert Sr25519Pair.from_uri("//Alice").public == ALICE
    assert Sr25519Pair.from_uri("//Bob").public == BOB
    assert Sr25519Pair.from_uri("//Charlie").public == CHARLIE
    assert Ed25519Pair.from_uri("//Alice").public == ALICE_GRANDPA
    members = b"".join(sorted((ALICE, BOB, CHARLIE)))
    assert blake2_256(b"modlpy/utilisuba" + b"\x0c" + members + b"\x02\x00") == MULTISIG


def test_nothing_is_created_from_nothing() -> None:
    runtime = IntegriteeNodeRuntime(Overlay(Trie.from_items(GENESIS)))
    accounts = dict(runtime.system.account.items())
    assert len(accounts) == 5
    assert runtime.balances.total_issuance.get() == sum(info.data.free for info in accounts.values()) == 5 * 10**15


def test_genesis_is_the_same_every_time() -> None:
    assert dev_genesis() == GENESIS == local_genesis()
    assert list(GENESIS) == sorted(GENESIS)


def test_other_code_makes_another_chain() -> None:
    other = genesis(replace(DEVELOPMENT, code=b"chain two"))
    assert {k for k in other if other[k] != GENESIS[k]} == {b":code"}


def test_an_empty_beginning() -> None:
    empty = genesis(GenesisConfig())
    assert key("Sudo", "Key") not in empty
    assert empty[key("Aura", "Authorities")] == b"\x00"
    assert not any(k.startswith(key("System", "Account")) for k in empty)


# -- presets -------------------------------------------------------------------------------------


def preset(name: str | None) -> bytes | None:
    answer = ENGINE.call("GenesisBuilder_get_preset", Overlay(Trie.empty()), encode(str | None, name))
    found: bytes | None = decode(bytes | None, answer)
    return found


def test_preset_names() -> None:
    names = decode(list[str], ENGINE.call("GenesisBuilder_preset_names", Overlay(Trie.empty()), b""))
    assert names == ["development", "local_testnet"]
    assert "GenesisBuilder" in [api.trait for api in NODE_APIS]


def test_presets_are_readable() -> None:
    document = json.loads(preset("development") or b"")
    assert document["balances"]["balances"][0] == ["5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY", 10**15]
    assert ss58_decode(document["sudo"]["key"])[0] == ALICE
    assert document["grandpa"]["authorities"] == [["5FA9nQDVg267DEd8m1ZypXLBnvN7SFxYwV7ndqSYGiN9TTpu", 1]]
    assert document["teerex"] == {"allowSgxDebugMode": True, "allowSkippingAttestation": True}
    assert json.loads(preset(None) or b"")["sudo"] == {"key": None}
    assert preset("mainnet") is None

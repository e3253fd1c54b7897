"""Key stores: bytes on disk, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from integritee.client.errors import UnknownAccount, UnusableKeyFile
from integritee.client.keystore import ED25519, SR25519, KeyStore
from integritee.crypto import DEV_PHRASE, Ed25519Pair, Sr25519Pair, mnemonic_to_entropy

DEV = Sr25519Pair.from_uri(DEV_PHRASE)
DEV_FILE = "73723235" + "46ebddef8cd9bb167dc30878d7113b7e168e6f0646beffd77d69d39bad76b47a"
"""As Substrate's own key store names the file of the development phrase."""


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path / "keys")


def test_file_of_a_known_phrase(store: KeyStore) -> None:
    store.insert(SR25519, DEV_PHRASE, DEV.public)
    (path,) = store.directory.iterdir()
    assert path.name == DEV_FILE
    assert path.read_bytes() == b'"bottom drive obey lake curtain smoke basket hold race lonely fit walk"'
    assert path.stat().st_mode & 0o777 == 0o600


def test_generated_key_comes_back(store: KeyStore) -> None:
    pair = store.generate()
    assert store.public_keys(SR25519) == [pair.public]
    assert store.public_keys(ED25519) == []
    assert store.pair(pair.public) == pair
    phrase = json.loads((store.directory / (b"sr25" + pair.public).hex()).read_text())
    assert len(mnemonic_to_entropy(phrase)) == 16


def test_ed25519_key(store: KeyStore) -> None:
    pair = Ed25519Pair.from_uri("//Alice")
    store.insert(ED25519, "//Alice", pair.public)
    assert store.public_keys(ED25519) == [pair.public]
    assert store.pair(pair.public) == pair


def test_order_is_that_of_the_names(store: KeyStore) -> None:
    generated = [store.generate().public for _ in range(5)]
    assert store.public_keys(SR25519) == sorted(generated)


def test_store_that_does_not_exist(store: KeyStore) -> None:
    assert store.public_keys(SR25519) == []
    with pytest.raises(UnknownAccount, match="is not in"):
        store.pair(DEV.public)


def test_other_files_are_no_keys(store: KeyStore) -> None:
    store.insert(SR25519, DEV_PHRASE, DEV.public)
    for name in ("README", "73723235", "73723235" + "00" * 33, "61757261" + "00" * 32):
        (store.directory / name).write_text("x")
    assert store.public_keys(SR25519) == [DEV.public]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "JSON string"),
        (b"7", "JSON string"),
        (b"bottom drive obey", "JSON string"),
        (b"\xff\xfe\xff", "JSON string"),
        (b'"' + b"x" * 5000 + b'"', "JSON string"),
        (b'"bottom drive obey"', "secret phrase"),
        (b'"//Alice"', "another key's"),
    ],
)
def test_unusable_files(store: KeyStore, content: bytes, reason: str) -> None:
    store.directory.mkdir()
    (store.directory / DEV_FILE).write_bytes(content)
    with pytest.raises(UnusableKeyFile, match=reason) as unusable:
        store.pair(DEV.public)
    assert "bottom" not in unusable.value.reason


def test_directories(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    KeyStore.base().generate()
    KeyStore.trusted(b"\x00" * 31 + b"\x01").generate()
    assert sorted(str(path.parent) for path in Path().glob("my_*/**/7372*")) == [
        "my_keystore",
        "my_trusted_keystore/" + "1" * 31 + "2",
    ]

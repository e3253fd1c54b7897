"""Account texts: who may be named how."""

from __future__ import annotations

from pathlib import Path

import pytest

from integritee.client.accounts import owner, recipient, signer
from integritee.client.errors import UnknownAccount
from integritee.client.keystore import KeyStore
from integritee.crypto import DEV_PHRASE, Sr25519Pair, ss58_encode

ALICE = Sr25519Pair.from_uri("//Alice")
SEED = "0x" + "2a" * 32
SEEDED = Sr25519Pair.from_seed(b"\x2a" * 32)
DEV = Sr25519Pair.from_uri(DEV_PHRASE)


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path)


@pytest.mark.parametrize(
    "text", ["//Alice", ss58_encode(ALICE.public), ss58_encode(ALICE.public, 13), ss58_encode(ALICE.public, 2)]
)
def test_recipients(text: str) -> None:
    assert recipient(text) == owner(text) == ALICE.public


@pytest.mark.parametrize(("text", "pair"), [(SEED, SEEDED), (DEV_PHRASE, DEV), ("//Alice", ALICE)])
def test_owners_and_signers_may_be_named_by_their_secret(store: KeyStore, text: str, pair: Sr25519Pair) -> None:
    assert owner(text) == pair.public
    assert signer(text, store) == pair


def test_derived_from_a_phrase(store: KeyStore) -> None:
    assert signer(DEV_PHRASE + "//Alice", store) == ALICE


def test_signer_in_the_store(store: KeyStore) -> None:
    pair = store.generate()
    assert signer(ss58_encode(pair.public), store) == pair


def test_signer_missing_from_the_store(store: KeyStore) -> None:
    with pytest.raises(UnknownAccount, match=f"the secret of {ss58_encode(ALICE.public)} is not in"):
        signer(ss58_encode(ALICE.public), store)


@pytest.mark.parametrize("text", [SEED, DEV_PHRASE, "", "x", "5Grw", "0x" + "2a" * 31, "//", "Alice"])
def test_what_names_no_recipient(text: str) -> None:
    with pytest.raises(UnknownAccount):
        recipient(text)


@pytest.mark.parametrize(
    "text", ["", "x", "/", DEV_PHRASE.replace("walk", "wall"), DEV_PHRASE.replace("walk", "bottom"), "0x2a"]
)
def test_errors_do_not_repeat_what_may_be_secret(store: KeyStore, text: str) -> None:
    with pytest.raises(UnknownAccount) as owned:
        owner(text)
    with pytest.raises(UnknownAccount) as signed:
        signer(text, store)
    assert str(owned.value) == str(signed.value)
    assert len(text) < 4 or text not in str(owned.value)
    assert owned.value.__cause__ is None

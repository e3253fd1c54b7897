"""Genesis of any chain with development accounts, and with storage set by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from integritee.crypto import Ed25519Pair, Sr25519Pair, twox_64_concat
from integritee.frame.overlay import Overlay
from integritee.metadata import RuntimeMetadata
from integritee.node import dev_genesis as dev
from integritee.node.dev_genesis import ENDOWMENT, AccountInfoV13, dev_accounts, with_dev_accounts, with_storage
from integritee.node.errors import ChainSpecError, RuntimeApiMissing
from integritee.node.runtime.genesis import dev_genesis
from integritee.node.runtime.presets import TREASURY
from integritee.node.runtime.runtime import engine
from integritee.primitives.grandpa import Authority
from integritee.primitives.storage import blake2_map_key, storage_prefix
from integritee.scale import Bytes32, decode, encode, u128

METADATA = Path(__file__).parent.parent / "vectors" / "metadata"
CHAINS = ["integritee-paseo.metadata.scale", "gesellv5SpecRaw.metadata.scale", "itk.scale", "pah.scale"]

ALICE, FERDIE_STASH = (Sr25519Pair.from_uri(uri).public for uri in ("//Alice", "//Ferdie//stash"))
ALICE_GRANDPA = Ed25519Pair.from_uri("//Alice").public
STRANGER = b"\x51" * 32


class Speaks:
    """A runtime that has this metadata, and nothing else."""

    def __init__(self, metadata: bytes) -> None:
        self.metadata = metadata

    def call(self, name: str, overlay: Overlay, args: bytes) -> bytes:
        if name != "Metadata_metadata":
            raise RuntimeApiMissing(name)
        return encode(bytes, self.metadata)


def account_key(account: bytes) -> bytes:
    return blake2_map_key("System", "Account", account)


def vector(name: str) -> bytes:
    return (METADATA / name).read_bytes()


# --- funds


def test_twelve_accounts() -> None:
    assert len(set(dev_accounts())) == 12
    assert (dev_accounts()[0], dev_accounts()[-1]) == (ALICE, FERDIE_STASH)


@pytest.mark.parametrize("name", CHAINS)
def test_funds_on_other_chains(name: str) -> None:
    """Accounts as the chain's own metadata has them; what was there stays, the issuance is right."""
    metadata = RuntimeMetadata.parse(vector(name))
    there = metadata.decode_storage("System", "Account", None)
    there |= {"nonce": 3, "consumers": 2, "providers": 5, "data": there["data"] | {"free": 70, "reserved": 9}}
    genesis = {
        account_key(ALICE): metadata.encode_storage("System", "Account", there),
        dev.TOTAL_ISSUANCE: encode(u128, 79),
    }
    changed = with_dev_accounts(genesis, Speaks(vector(name)))
    alice = metadata.decode_storage("System", "Account", changed[account_key(ALICE)])
    assert alice == {**there, "data": {**there["data"], "free": ENDOWMENT}}
    new = metadata.decode_storage("System", "Account", changed[account_key(FERDIE_STASH)])
    fallback = metadata.decode_storage("System", "Account", None)
    assert new == {**fallback, "providers": 1, "data": {**fallback["data"], "free": ENDOWMENT}}
    assert decode(u128, changed[dev.TOTAL_ISSUANCE]) == 12 * ENDOWMENT + 9


@pytest.mark.parametrize("free, after", [(0, ENDOWMENT), (5, ENDOWMENT), (3 * ENDOWMENT, 3 * ENDOWMENT)])
def test_funds_before_metadata_14(free: int, after: int) -> None:
    before = AccountInfoV13(1, 0, 0, 2, free, 4, 5, 6)
    genesis = {account_key(ALICE): encode(AccountInfoV13, before), dev.TOTAL_ISSUANCE: encode(u128, free + 4)}
    changed = with_dev_accounts(genesis, Speaks(b"meta\x0d\x00"))
    assert decode(AccountInfoV13, changed[account_key(ALICE)]) == AccountInfoV13(1, 0, 1, 2, after, 4, 5, 6)
    assert decode(AccountInfoV13, changed[account_key(FERDIE_STASH)]) == AccountInfoV13(providers=1, free=ENDOWMENT)
    assert decode(u128, changed[dev.TOTAL_ISSUANCE]) == after + 4 + 11 * ENDOWMENT


def test_own_development_chain() -> None:
    genesis = dev_genesis()
    changed = with_dev_accounts(genesis, engine())
    metadata = RuntimeMetadata.parse(decode(bytes, engine().call("Metadata_metadata", Overlay(_Items(changed)), b"")))
    accounts = [value for key, value in changed.items() if key.startswith(storage_prefix("System", "Account"))]
    held = sum(metadata.decode_storage("System", "Account", value)["data"]["free"] for value in accounts)
    assert len(accounts) == 12 + 2  # and what the preset endows besides: treasury and multisig
    assert held == decode(u128, changed[dev.TOTAL_ISSUANCE])
    assert changed[account_key(TREASURY)] == genesis[account_key(TREASURY)]


class _Items(dict[bytes, bytes]):
    def items(self, prefix: bytes = b"", start: bytes | None = None) -> Any:
        return iter(())


# --- authority


def grandpa(*keys: bytes) -> bytes:
    return encode(list[Authority], [(key, 1) for key in keys])


@pytest.mark.parametrize(
    "key, before, after",
    [
        (dev.SUDO_KEY, STRANGER, ALICE),
        (dev.AURA_AUTHORITIES, encode(list[Bytes32], [STRANGER, ALICE]), encode(list[Bytes32], [ALICE])),
        (dev.AURA_AUTHORITIES_COPY, encode(list[Bytes32], [STRANGER]), encode(list[Bytes32], [ALICE])),
        (dev.GRANDPA_AUTHORITIES, grandpa(STRANGER, STRANGER), grandpa(ALICE_GRANDPA)),
        (dev.GRANDPA_AUTHORITIES_BEFORE, b"\1" + grandpa(STRANGER), b"\1" + grandpa(ALICE_GRANDPA)),
    ],
)
def test_authority_goes_to_alice(key: bytes, before: bytes, after: bytes) -> None:
    assert with_dev_accounts({key: before}, Speaks(b"meta\x0d"))[key] == after
    assert key not in with_dev_accounts({}, Speaks(b"meta\x0d"))


def test_sudo_without_a_key() -> None:
    assert with_dev_accounts({}, Speaks(vector("itk.scale")))[dev.SUDO_KEY] == ALICE
    assert dev.SUDO_KEY not in with_dev_accounts({}, Speaks(vector("pah.scale")))


SESSION = {dev.VALIDATORS: encode(list[Bytes32], [STRANGER]), dev.INVULNERABLES: encode(list[Bytes32], [STRANGER])}


@pytest.mark.parametrize(
    "strangers, keys, owned",
    [
        (b"\2" * 32, ALICE, [b"aura\x80" + ALICE]),
        (b"\2" * 64, ALICE + ALICE_GRANDPA, [b"aura\x80" + ALICE, b"gran\x80" + ALICE_GRANDPA]),
    ],
)
@pytest.mark.parametrize("count", [1, 4])
def test_sessions_have_alice_alone(strangers: bytes, keys: bytes, owned: list[bytes], count: int) -> None:
    queued = bytes([count << 2]) + (STRANGER + strangers) * count
    changed = with_dev_accounts({**SESSION, dev.QUEUED_KEYS: queued}, Speaks(b"meta\x0d"))
    assert changed[dev.QUEUED_KEYS] == b"\x04" + ALICE + keys
    assert changed[dev.VALIDATORS] == changed[dev.INVULNERABLES] == b"\x04" + ALICE
    assert changed[storage_prefix("Session", "NextKeys") + twox_64_concat(ALICE)] == keys
    owners = {key: value for key, value in changed.items() if key.startswith(storage_prefix("Session", "KeyOwner"))}
    assert owners == {storage_prefix("Session", "KeyOwner") + twox_64_concat(o): ALICE for o in owned}


@pytest.mark.parametrize("queued", [b"", b"\0", b"\x04" + bytes(32 + 96), b"\x08" + bytes(2 * 32 + 48)])
def test_other_session_keys_stay(queued: bytes) -> None:
    genesis = {**SESSION, dev.QUEUED_KEYS: queued}
    changed = with_dev_accounts(genesis, Speaks(b"meta\x0d"))
    assert {key: changed[key] for key in genesis} == genesis


@pytest.mark.parametrize("metadata", [b"", b"atem\x0e", b"meta\x0e\xff", b"meta\x0e" + bytes(8)])
def test_runtimes_that_make_no_sense(metadata: bytes) -> None:
    with pytest.raises(ChainSpecError):
        with_dev_accounts({}, Speaks(metadata))


@pytest.mark.parametrize("account", [b"", bytes(12), bytes(81)])
def test_accounts_that_make_no_sense(account: bytes) -> None:
    for metadata in (b"meta\x0d", vector("integritee-paseo.metadata.scale")):
        with pytest.raises(ChainSpecError):
            with_dev_accounts({account_key(ALICE): account}, Speaks(metadata))


# --- storage by hand


@pytest.mark.parametrize(
    "changes, after",
    [
        ([], {b"a": b"1", b"b": b"2"}),
        ([(b"a", b"9"), (b"c", b"3")], {b"a": b"9", b"b": b"2", b"c": b"3"}),
        ([(b"a", None), (b"never", None)], {b"b": b"2"}),
        ([(b"a", None), (b"a", b"4")], {b"a": b"4", b"b": b"2"}),
    ],
)
def test_storage_changes(changes: list[tuple[bytes, bytes | None]], after: dict[bytes, bytes]) -> None:
    genesis = {b"a": b"1", b"b": b"2"}
    assert with_storage(genesis, changes) == after
    assert genesis == {b"a": b"1", b"b": b"2"}

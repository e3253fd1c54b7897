"""Changes to the genesis of any chain (``--dev-accounts``, ``--set-storage``), which make it another chain.

A chain's own metadata says how its accounts are laid out, so this works on chains of other runtimes as well. Whose
metadata is older than version 14 has accounts as they were then, with two frozen amounts in place of the flags.

Sources: frame-system `AccountInfo`, pallet-balances `AccountData`, pallet-session (QueuedKeys, NextKeys, KeyOwner),
sp-consensus-grandpa `VersionedAuthorityList`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

import msgspec

from integritee.crypto import Ed25519Pair, Sr25519Pair, twox_64_concat
from integritee.metadata import MetadataError, RuntimeMetadata
from integritee.metadata.errors import UnsupportedVersion
from integritee.primitives.grandpa import Authority
from integritee.primitives.storage import blake2_map_key, storage_prefix
from integritee.scale import Bytes4, Bytes32, Struct, decode, encode, encode_compact, u32, u128
from integritee.scale.errors import ScaleError

from .chain import genesis_overlay
from .chain_spec import ChainSpec
from .engine import RuntimeEngine
from .errors import ChainSpecError
from .keystore import DEV_ACCOUNTS

ENDOWMENT: Final = 10**18
"""Base units each development account starts with at least: a million of a token with 12 decimals."""

TOTAL_ISSUANCE: Final = storage_prefix("Balances", "TotalIssuance")
SUDO_KEY: Final = storage_prefix("Sudo", "Key")
AURA_AUTHORITIES: Final = storage_prefix("Aura", "Authorities")
AURA_AUTHORITIES_COPY: Final = storage_prefix("AuraExt", "Authorities")
GRANDPA_AUTHORITIES: Final = storage_prefix("Grandpa", "Authorities")
GRANDPA_AUTHORITIES_BEFORE: Final = b":grandpa_authorities"
"""Where the authorities were before polkadot-sdk 1.4, after a version byte 1."""

QUEUED_KEYS: Final = storage_prefix("Session", "QueuedKeys")
VALIDATORS: Final = storage_prefix("Session", "Validators")
INVULNERABLES: Final = storage_prefix("CollatorSelection", "Invulnerables")

Genesis: TypeAlias = Mapping[bytes, bytes]


class AccountInfoV13(Struct, frozen=True):
    """System.Account of runtimes with metadata before version 14."""

    nonce: u32 = 0
    consumers: u32 = 0
    providers: u32 = 0
    sufficients: u32 = 0
    free: u128 = 0
    reserved: u128 = 0
    misc_frozen: u128 = 0
    fee_frozen: u128 = 0


def altered(spec: ChainSpec, arguments: argparse.Namespace, engine: RuntimeEngine) -> ChainSpec:
    """The chain as the flags make it begin: --dev-accounts, then --set-storage. Raises as `with_dev_accounts`."""
    genesis = with_dev_accounts(spec.genesis, engine) if arguments.dev_accounts else spec.genesis
    return replace(spec, genesis=with_storage(genesis, arguments.set_storage))


def with_storage(genesis: Genesis, changes: Iterable[tuple[bytes, bytes | None]]) -> dict[bytes, bytes]:
    """The genesis after the changes, in order; None deletes."""
    changed = dict(genesis)
    for key, value in changes:
        if value is None:
            changed.pop(key, None)
        else:
            changed[key] = value
    return changed


def with_dev_accounts(genesis: Genesis, engine: RuntimeEngine) -> dict[bytes, bytes]:
    """The genesis with the development accounts and their stashes in funds, and //Alice in charge.

    She becomes the one authority of Aura and GRANDPA, of sessions too if their keys are for these two, and the key
    of Sudo, each where the chain has it. Raises ChainSpecError if the chain's accounts cannot be understood, and
    RuntimeFailure.
    """
    metadata = _metadata(genesis, engine)
    try:
        changed = {**genesis, **dict(_endowed(genesis, metadata))}
    except (MetadataError, ScaleError) as error:
        raise ChainSpecError("genesis", f"one with accounts of a known layout ({error})") from None
    alice, alice_grandpa = Sr25519Pair.from_uri("//Alice").public, Ed25519Pair.from_uri("//Alice").public
    if SUDO_KEY in genesis or (metadata and metadata.has_pallet("Sudo")):
        changed[SUDO_KEY] = alice
    authorities = encode(list[Authority], [(alice_grandpa, 1)])
    in_charge = {
        AURA_AUTHORITIES: encode(list[Bytes32], [alice]),
        AURA_AUTHORITIES_COPY: encode(list[Bytes32], [alice]),
        GRANDPA_AUTHORITIES: authorities,
        GRANDPA_AUTHORITIES_BEFORE: b"\x01" + authorities,
    }
    changed |= {key: value for key, value in in_charge.items() if key in genesis}
    return changed | dict(_session(genesis, alice, alice_grandpa))


def dev_accounts() -> list[bytes]:
    """Account ids of the development accounts, each followed by its stash."""
    names = [name.capitalize() for name in DEV_ACCOUNTS]
    return [Sr25519Pair.from_uri(f"//{name}{path}").public for name in names for path in ("", "//stash")]


def _metadata(genesis: Genesis, engine: RuntimeEngine) -> RuntimeMetadata | None:
    """What the chain's runtime says of itself, None if it says so in a form older than version 14."""
    answer = engine.call("Metadata_metadata", genesis_overlay(genesis), b"")
    try:
        return RuntimeMetadata.parse(decode(bytes, answer))
    except UnsupportedVersion:
        return None
    except (MetadataError, ScaleError) as error:
        raise ChainSpecError("genesis", f"one whose runtime has metadata ({error})") from None


def _endowed(genesis: Genesis, metadata: RuntimeMetadata | None) -> Iterator[tuple[bytes, bytes]]:
    """New values of the accounts and of the total issuance."""
    issuance = decode(u128, genesis[TOTAL_ISSUANCE]) if TOTAL_ISSUANCE in genesis else 0
    for account in dev_accounts():
        key = blake2_map_key("System", "Account", account)
        value, added = _endow(genesis.get(key), metadata)
        issuance += added
        yield key, value
    yield TOTAL_ISSUANCE, encode(u128, issuance)


def _endow(account: bytes | None, metadata: RuntimeMetadata | None) -> tuple[bytes, int]:
    """System.Account of an account with ENDOWMENT or more, and what was added to it."""
    if metadata is None:
        old: AccountInfoV13 = AccountInfoV13() if account is None else decode(AccountInfoV13, account)
        free = max(old.free, ENDOWMENT)
        new = msgspec.structs.replace(old, providers=max(1, old.providers), free=free)
        return encode(AccountInfoV13, new), free - old.free
    match metadata.decode_storage("System", "Account", account):
        case {"providers": int(providers), "data": {"free": int(before)}} as info:
            free = max(before, ENDOWMENT)
            new = info | {"providers": max(1, providers), "data": info["data"] | {"free": free}}
            return metadata.encode_storage("System", "Account", new), free - before
    raise ChainSpecError("System.Account", "one that counts providers and free funds")


def _session(genesis: Genesis, alice: bytes, alice_grandpa: bytes) -> Iterator[tuple[bytes, bytes]]:
    """//Alice as the only validator, now and after each session, if session keys are Aura's or Aura's and GRANDPA's.

    Otherwise the sessions stay as they are and may replace the authorities again.
    """
    queued = genesis.get(QUEUED_KEYS, b"")
    keys = {1 + 64: alice, 1 + 96: alice + alice_grandpa}.get(_length_of_first(queued))
    if keys is None:
        return
    yield QUEUED_KEYS, encode_compact(1) + alice + keys
    yield VALIDATORS, encode(list[Bytes32], [alice])
    yield storage_prefix("Session", "NextKeys") + twox_64_concat(alice), keys
    for kind, public in zip((b"aura", b"gran"), (keys[:32], keys[32:]), strict=True):
        if public:
            owned = encode(Bytes4, kind) + encode(bytes, public)
            yield storage_prefix("Session", "KeyOwner") + twox_64_concat(owned), alice
    if INVULNERABLES in genesis:
        yield INVULNERABLES, encode(list[Bytes32], [alice])


def _length_of_first(queued: bytes) -> int:
    """Bytes of Vec<(AccountId, keys)> if only its first entry were there; 0 if there is none."""
    count = queued[0] >> 2 if queued and queued[0] & 3 == 0 else 0
    return 1 + (len(queued) - 1) // count if count else 0

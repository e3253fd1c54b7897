"""The enclave's keys and what derives from them.

| key | kind | shared with peers | use |
|---|---|---|---|
| signing | ed25519 | no | parentchain account, block signatures, TLS certificate, parent of the vault key |
| shielding | RSA-3072 | yes | deciphers trusted operations; seed of the ledger's enclave account |
| state | AES-256 | yes | encrypts state diffs in sidechain blocks |

Derivations: worker `core-primitives/sgx/crypto`, `enclave-runtime/src/shard_vault.rs`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

from integritee.crypto import CryptoError, Ed25519Pair, ShieldingKey, hard_junction

SIGNING_LABEL: Final = "signing-key"
SHIELDING_LABEL: Final = "shielding-key"
STATE_LABEL: Final = "state-key"
HANDED_OVER_LABEL: Final = "handed-over-to"
"""Account of the enclave that has this one's identity now; empty after it was given back."""


class SecretStore(Protocol):
    """Where sealed secrets live (`enclave.store.SealedStore`)."""

    def get_secret(self, label: str) -> bytes | None: ...

    def put_secret(self, label: str, data: bytes) -> None: ...


class Randomness(Protocol):
    def __call__(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, repr=False)
class EnclaveKeys:
    """All secrets of one enclave. Its repr is the public account only."""

    signing: Ed25519Pair
    shielding: ShieldingKey
    state: bytes

    @cached_property
    def ledger(self) -> Ed25519Pair:
        """Signer of the enclave's own trusted calls; equal on all enclaves that share the shielding key."""
        return Ed25519Pair.from_seed(self.shielding.ledger_account_seed())

    def vault(self, shard: bytes) -> Ed25519Pair:
        """Key of the shard's vault on the parentchain."""
        return self.signing.derive_hard(hard_junction(shard))

    def decipher(self, shielded: bytes) -> bytes | None:
        """What was shielded for this enclave; None if it was not."""
        try:
            return self.shielding.decrypt(shielded)
        except CryptoError:
            return None

    def __repr__(self) -> str:
        return f"EnclaveKeys(account=0x{self.signing.public.hex()})"


def load_or_create(store: SecretStore, random: Randomness) -> EnclaveKeys:
    """The sealed keys, created on first use."""
    signing = store.get_secret(SIGNING_LABEL)
    if signing is None:
        signing = random(32)
        store.put_secret(SIGNING_LABEL, signing)
    state = store.get_secret(STATE_LABEL)
    if state is None:
        state = random(32)
        store.put_secret(STATE_LABEL, state)
    sealed_shielding = store.get_secret(SHIELDING_LABEL)
    if sealed_shielding is None:
        shielding = ShieldingKey.generate()
        store.put_secret(SHIELDING_LABEL, shielding.private_json())
    else:
        shielding = ShieldingKey.from_private_json(sealed_shielding)
    return EnclaveKeys(Ed25519Pair.from_seed(signing), shielding, state)

"""Keys of the local authorities: sr25519 for Aura, ed25519 for GRANDPA."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from integritee.crypto import Ed25519Pair, Sr25519Pair

from .errors import UnknownDevAccount

DEV_ACCOUNTS: Final = ("alice", "bob", "charlie", "dave", "eve", "ferdie")
"""Names behind the node's ``--alice`` … flags; keys derive from the public development phrase."""


@dataclass(frozen=True, slots=True)
class Keystore:
    """Pairs by public key."""

    aura: dict[bytes, Sr25519Pair] = field(default_factory=dict, repr=False)
    grandpa: dict[bytes, Ed25519Pair] = field(default_factory=dict, repr=False)

    @classmethod
    def from_uris(cls, uris: Iterable[str]) -> Keystore:
        """Both keys of each secret URI. Raises InvalidSecretUri, InvalidMnemonic, SoftDerivationUnsupported."""
        uris = tuple(uris)
        aura = [Sr25519Pair.from_uri(uri) for uri in uris]
        grandpa = [Ed25519Pair.from_uri(uri) for uri in uris]
        return cls({pair.public: pair for pair in aura}, {pair.public: pair for pair in grandpa})

    @classmethod
    def dev(cls, *names: str) -> Keystore:
        """Keys of development accounts by name, e.g. ``dev("alice")``. Raises UnknownDevAccount."""
        for name in names:
            if name.lower() not in DEV_ACCOUNTS:
                raise UnknownDevAccount(name)
        return cls.from_uris(f"//{name.capitalize()}" for name in names)

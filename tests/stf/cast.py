"""Who plays in arbitrary histories of a ledger: people with keys, and accounts that nobody has a key to."""

from __future__ import annotations

from typing import Final

from integritee.apps.evm.addresses import evm_address, mapped_account
from integritee.crypto import Ed25519Pair, KeyPair, blake2_256
from integritee.stf.development import ROOT
from integritee.stf.ledger import Ledger
from integritee.stf.retirement import HasPot
from integritee.stf.runtime import MAINTAINER

from .kit import ALICE, ENCLAVE, VAULT

PEOPLE: Final = tuple(Ed25519Pair.from_seed(blake2_256(b"person %d" % i)) for i in range(6))
"""They own what they get hold of, and are each other's session proxies."""

STRANGER: Final = Ed25519Pair.from_seed(blake2_256(b"stranger"))
"""Signs, but owns nothing from the start."""

_PAIRS: Final[tuple[KeyPair, ...]] = (*PEOPLE, STRANGER, ENCLAVE, ALICE)
KEYS: Final = {pair.public: pair for pair in _PAIRS}
"""By account. ALICE is the sudo key; nobody here has the maintainer's key, whose calls are never verified."""

USERS: Final = (*(pair.public for pair in PEOPLE), STRANGER.public, ROOT)
"""Who sends ordinary calls."""

SECRETS: Final = (blake2_256(b"first secret"), blake2_256(b"second secret"))
VOUCHERS: Final = tuple(map(blake2_256, SECRETS))
"""Accounts whose credits go to who knows the secret."""

NOBODY: Final = (bytes(32), blake2_256(b"a key that nobody has"))


def accounts_of(ledger: Ledger) -> tuple[bytes, ...]:
    """Accounts that arguments name: users most, then the vault, pots of apps, accounts of EVM addresses, vouchers."""
    pots = [pallet.pot for pallet in ledger.runtime().pallets.values() if isinstance(pallet, HasPot)]
    mapped = [mapped_account(evm_address(who)) for who in USERS]
    return (*USERS, *USERS, *USERS, ENCLAVE.public, MAINTAINER, VAULT, *pots, *mapped, *VOUCHERS, *NOBODY)

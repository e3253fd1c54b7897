"""In whose name a call or getter is made, and whose key signs it (worker `cli/src/trusted_command_utils.rs`).

The first argument names the account. It signs itself unless ``--session-proxy`` names a key that acts for it; then
the account may be named without its secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from integritee.client.accounts import owner, signer
from integritee.client.keystore import KeyStore
from integritee.crypto import KeyPair

from .arguments import Options, Parser

WHO_SIGNS: Final = "//Path, seed, phrase, or SS58 address in the shard's key store"


@dataclass(frozen=True)
class Parties:
    """`account` (32 bytes) acts, `pair` signs."""

    account: bytes
    pair: KeyPair


def add_account(parser: Parser, name: str, *, by_proxy: bool = True) -> None:
    """What `parties` reads: the account, and an option for who signs in its place if that may be another."""
    parser.add_argument("account", metavar=name, help=WHO_SIGNS)
    parser.set_defaults(session_proxy=None)
    if by_proxy:
        parser.add_argument("--session-proxy", metavar="ACCOUNT", help="who signs in the account's place")


def parties(options: Options, store: KeyStore) -> Parties:
    """Raises UnknownAccount, UnusableKeyFile."""
    if options.session_proxy is not None:
        return Parties(owner(options.account), signer(options.session_proxy, store))
    pair = signer(options.account, store)
    return Parties(pair.public, pair)

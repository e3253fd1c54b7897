"""Subcommands of ``integritee-node`` besides running it. Each returns the exit status and prints to stdout."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from dataclasses import replace

from integritee.crypto import Ed25519Pair, Sr25519Pair, ss58_decode, ss58_encode
from integritee.crypto.errors import CryptoError

from .chain import Chain
from .chain_spec import ChainSpec
from .chains import chain_database, chain_name, compiled_code, load_spec
from .database import Database
from .dev_genesis import altered
from .engines import engine_for
from .errors import DatabaseMissing, UnknownBlock


def run_command(arguments: argparse.Namespace) -> int:
    """Raises NodeError, OSError."""
    match arguments.command:
        case "purge-chain":
            return _purge_chain(arguments)
        case "build-spec":
            return _print(_altered(arguments).to_json())
        case "chain-info":
            return _chain_info(arguments)
        case "export-state":
            return _export_state(arguments)
        case "key":
            return _inspect_key(arguments)
    raise ValueError(f"no command {arguments.command}")


def _purge_chain(arguments: argparse.Namespace) -> int:
    path = chain_database(arguments, load_spec(chain_name(arguments)))
    if not path.exists():
        return _print(f"{path} did not exist.")
    if not arguments.yes:
        print(f'Are you sure to remove "{path}"? [y/N]: ', end="", flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            return _print("Aborted")
    Database(path).close()  # raises if a node is running on it
    shutil.rmtree(path)
    return _print(f"{path} removed.")


def _chain_info(arguments: argparse.Namespace) -> int:
    with _Opened(arguments) as chain:
        best, finalized = chain.best, chain.finalized
        info = {
            "genesisHash": "0x" + chain.genesis_hash.hex(),
            "bestHash": "0x" + chain.best_hash.hex(),
            "bestNumber": best.number,
            "finalizedHash": "0x" + chain.finalized_hash.hex(),
            "finalizedNumber": finalized.number,
        }
    return _print(json.dumps(info, indent=2))


def _export_state(arguments: argparse.Namespace) -> int:
    with _Opened(arguments) as chain:
        state = dict(chain.state_at(_block_hash(chain, arguments.block)).items())
    return _print(replace(load_spec(chain_name(arguments)), genesis=state).to_json())


def _altered(arguments: argparse.Namespace) -> ChainSpec:
    """The chain that the command line names, with the changes it makes."""
    spec = load_spec(chain_name(arguments))
    return altered(spec, arguments, engine_for(spec.genesis))


def _inspect_key(arguments: argparse.Namespace) -> int:
    """Public facts only, whatever was given."""
    try:
        public = _public_key(arguments.uri, arguments.scheme)
        address = ss58_encode(public, arguments.network)
    except CryptoError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return _print(
        f"Public key (hex):  0x{public.hex()}\n"
        f"Account ID:        0x{public.hex()}\n"
        f"Public key (SS58): {address}\n"
        f"SS58 Address:      {address}"
    )


def _public_key(text: str, scheme: str) -> bytes:
    """Of a public key in hex, an address or a secret URI. Raises CryptoError."""
    if text.startswith("0x") and len(text) == 66:
        try:
            return bytes.fromhex(text[2:])
        except ValueError:
            pass  # then it may be a URI, which will have its own opinion
    try:
        return ss58_decode(text)[0]
    except CryptoError:
        pair = Ed25519Pair.from_uri(text) if scheme == "ed25519" else Sr25519Pair.from_uri(text)
        return pair.public


def _block_hash(chain: Chain, text: str | None) -> bytes:
    """Raises UnknownBlock, ValueError."""
    if text is None:
        return chain.best_hash
    if text.startswith("0x"):
        return bytes.fromhex(text[2:])
    hash = chain.hash_at(int(text))
    if hash is None:
        raise UnknownBlock(b"")
    return hash


class _Opened:
    """The chain named on the command line, open. Raises DatabaseMissing, DatabaseLocked."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        spec = load_spec(chain_name(arguments))
        self._engine = engine_for(spec.genesis, compiled_code(arguments, spec))
        self._spec = altered(spec, arguments, self._engine)
        path = chain_database(arguments, self._spec)
        if not path.exists():
            raise DatabaseMissing(str(path))
        self._database = Database(path)

    def __enter__(self) -> Chain:
        return Chain(self._database, self._engine, self._spec.genesis)

    def __exit__(self, *_: object) -> None:
        self._database.close()


def _print(text: str) -> int:
    print(text)
    return 0

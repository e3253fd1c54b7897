"""Command line of ``integritee-node``: flags and subcommands as of Substrate nodes, those that mean something here.

Source: sc-cli (`RunCmd`, `SharedParams`, `RpcParams`), integritee-node `node/src/cli.rs`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from integritee import __version__
from integritee.trie import MAX_KEY_BYTES

from .chains import DEV, ENCOINTER, LOCAL, TARGET_A, TARGET_B
from .delayed_finality import DEFAULT_DELAY_SECONDS, MAX_DELAY_SECONDS
from .finality import FinalityKind
from .keystore import DEV_ACCOUNTS

PROGRAM: Final = "integritee-node"

IGNORED: Final[Mapping[str, str]] = {
    "--port": "there are no peers",
    "--node-key": "there are no peers",
    "--unsafe-force-node-key-generation": "there are no peers",
    "--bootnodes": "there are no peers",
    "--no-mdns": "there are no peers",
    "--pruning": "all blocks and states are kept",
    "--state-pruning": "all blocks and states are kept",
    "--blocks-pruning": "all blocks and states are kept",
    "--no-telemetry": "there is no telemetry",
    "--no-prometheus": "there are no metrics",
}
"""Flags of real nodes that are accepted without effect, and why they have none."""

_IGNORED_SWITCHES: Final = ("--unsafe-force-node-key-generation", "--no-mdns", "--no-telemetry", "--no-prometheus")


def parser() -> argparse.ArgumentParser:
    """Without a subcommand, the node runs. Unknown flags end the process with status 2 and the usage."""
    top = argparse.ArgumentParser(
        prog=PROGRAM,
        description="A development parentchain in one process: blocks, finality, state proofs, JSON-RPC.",
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    _add_run_flags(top)
    commands = top.add_subparsers(dest="command", metavar="COMMAND", title="commands")

    purge = commands.add_parser("purge-chain", help="remove a chain's data", allow_abbrev=False)
    _add_chain_flags(purge)
    purge.add_argument("-y", dest="yes", action="store_true", help="do not ask")

    build = commands.add_parser("build-spec", help="print a chain specification", allow_abbrev=False)
    _add_chain_flags(build)
    build.add_argument("--raw", action="store_true", help="accepted; specifications are always raw")
    build.add_argument("--disable-default-bootnode", action="store_true", help="accepted; there are none")

    info = commands.add_parser("chain-info", help="print genesis, best and finalized block", allow_abbrev=False)
    _add_chain_flags(info)

    export = commands.add_parser(
        "export-state", help="print a specification that begins with a block's state", allow_abbrev=False
    )
    _add_chain_flags(export)
    export.add_argument("block", nargs="?", help="hash or number; default: the best block")

    key = commands.add_parser("key", help="look at keys", allow_abbrev=False)
    key_commands = key.add_subparsers(dest="key_command", required=True, metavar="COMMAND")
    inspect = key_commands.add_parser("inspect", help="print public key and addresses", allow_abbrev=False)
    inspect.add_argument("uri", help="secret URI such as //Alice, SS58 address, or public key in 0x-hex")
    inspect.add_argument("--scheme", choices=("sr25519", "ed25519"), default="sr25519")
    inspect.add_argument("-n", "--network", type=int, default=42, metavar="PREFIX", help="SS58 prefix")
    return top


def _add_chain_flags(to: argparse.ArgumentParser) -> None:
    to.add_argument("--dev", action="store_true", help="the development chain; implies --alice, --rpc-cors all")
    to.add_argument(
        "--chain",
        metavar="CHAIN",
        help=f"{DEV}, {LOCAL} (default), {TARGET_A}, {TARGET_B}, {ENCOINTER}, or a raw specification file",
    )
    to.add_argument("-d", "--base-path", type=Path, metavar="PATH", help="where the data is kept")
    to.add_argument(
        "--dev-accounts",
        action="store_true",
        help="change the genesis: funds for //Alice … //Ferdie and //Alice//stash …, all authority and sudo to "
        "//Alice, whose keys are taken; another genesis hash, so another chain",
    )
    to.add_argument(
        "--set-storage",
        type=_storage_item,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change the genesis: put a value, both in hex, or delete one (KEY=); may be repeated; another genesis "
        "hash, so another chain",
    )
    to.add_argument("-l", "--log", action="append", default=[], metavar="TARGET=LEVEL", help="log levels")


def _add_run_flags(to: argparse.ArgumentParser) -> None:
    _add_chain_flags(to)
    to.add_argument("--tmp", action="store_true", help="keep data until the node stops; default with --dev")
    to.add_argument("--name", help="what people call this node")
    to.add_argument("--validator", "--force-authoring", action="store_true", help="accepted; who has a key authors")
    for account in DEV_ACCOUNTS:
        to.add_argument(f"--{account}", dest="accounts", action="append_const", const=account, help=argparse.SUPPRESS)

    blocks = to.add_argument_group("blocks")
    blocks.add_argument(
        "--seal",
        metavar="WHEN",
        default="slot",
        help="slot (of the chain, 6 or 12 seconds), interval:SECONDS, instant (per extrinsic) or manual "
        "(engine_createBlock, dev_newBlock); default %(default)s",
    )
    blocks.add_argument(
        "--finality",
        choices=list(FinalityKind),
        default=FinalityKind.AUTO,
        help="grandpa: signed justifications; instant: final without; none: only on request (engine_finalizeBlock); "
        "auto (default): grandpa on chains that have authorities for it, otherwise instant",
    )
    blocks.add_argument(
        "--finality-lag",
        type=_integer(0),
        default=0,
        metavar="BLOCKS",
        help="blocks that finality stays behind; default %(default)s (real nodes: 2)",
    )
    blocks.add_argument(
        "--finality-delay",
        type=_seconds,
        default=DEFAULT_DELAY_SECONDS,
        metavar="SECONDS",
        help="time from block to finality; default %(default)s; with 0, polkadot-js does not show inBlock statuses",
    )
    blocks.add_argument(
        "--justification-period",
        type=_integer(1),
        default=1,
        metavar="BLOCKS",
        help="keep a justification every so many blocks; default %(default)s (real nodes: 512)",
    )

    rpc = to.add_argument_group("JSON-RPC")
    rpc.add_argument(
        "--rpc-port", "--ws-port", type=_integer(0, 65_535), default=9944, help="default %(default)s; 0: any free one"
    )
    rpc.add_argument("--rpc-external", "--ws-external", action="store_true", help="listen on all interfaces")
    rpc.add_argument("--unsafe-rpc-external", action="store_true", help="the same")
    rpc.add_argument(
        "--rpc-methods",
        type=str.lower,
        choices=("auto", "safe", "unsafe"),
        default="auto",
        help="auto: unsafe methods (dev_newBlock, dev_setStorage, dev_reorg, engine_createBlock …) unless external",
    )
    rpc.add_argument("--rpc-cors", metavar="ORIGINS", help="all, or web origins separated by commas")
    rpc.add_argument(
        "--rpc-max-connections", type=_integer(1), default=100, metavar="COUNT", help="default %(default)s"
    )

    for flag in IGNORED:
        if flag in _IGNORED_SWITCHES:
            to.add_argument(flag, action="append_const", dest="ignored", const=flag, help=argparse.SUPPRESS)
        else:
            to.add_argument(flag, action=_Ignored, help=argparse.SUPPRESS)


def _integer(least: int, most: int = (1 << 32) - 1) -> Callable[[str], int]:
    """Reads an integer from `least` to `most`."""

    def read(text: str) -> int:
        number = int(text)
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"must be from {least} to {most}")
        return number

    return read


def _storage_item(text: str) -> tuple[bytes, bytes | None]:
    """A storage key and its value, None to delete it."""
    key, assigned, value = text.partition("=")
    try:
        found = bytes.fromhex(key.removeprefix("0x")), bytes.fromhex(value.removeprefix("0x"))
    except ValueError:
        raise argparse.ArgumentTypeError("key and value must be in hex") from None
    if not assigned or not found[0] or len(found[0]) > MAX_KEY_BYTES:
        raise argparse.ArgumentTypeError(f"must be KEY=VALUE with a key of 1 to {MAX_KEY_BYTES} bytes")
    return found[0], found[1] or None


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 <= number <= MAX_DELAY_SECONDS:
        raise argparse.ArgumentTypeError(f"must be from 0 to {MAX_DELAY_SECONDS:g}")
    return number


class _Ignored(argparse.Action):
    """Takes a value and notes the flag's name."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        namespace.ignored = [*(getattr(namespace, "ignored", None) or []), self.option_strings[0]]

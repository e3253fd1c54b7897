"""The command line in the original's shape (worker `service/src/cli.yml`), for argparse.

Global options precede the subcommand. `-h` is the HTTP port, as it always was; help is `--help`.
"""

from __future__ import annotations

import argparse
from typing import Final

import integritee

from .chain_config import CHAIN_NAMES

DEFAULT_SLOT_MS: Final = 1000
DEFAULT_PARENTCHAIN_AGE: Final = 600
"""Seconds."""
DEFAULT_MAX_CONNECTIONS: Final = 10_000
MAX_CONNECTIONS: Final = 1_000_000
"""Clients of the trusted RPC."""
DEFAULT_BLOCK_STORE_BUDGET: Final = 4 << 30
MIN_BLOCK_STORE_BUDGET: Final = 256 << 20
"""Bytes: a few times the longest message that brings blocks."""
SIZE_UNITS: Final = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}

TEST_PARTS: Final = (
    ("all", "a", "all that needs one machine; what needs a node only if there is one"),
    ("unit", "u", "what the enclave is made of: known answers, sealing, randomness, clocks, evidence, blocks"),
    ("ecall", "e", "every ecall and ocall, of enclaves on a parentchain that the test makes by itself"),
    ("provisioning", None, "provisioning between two enclaves of this machine"),
    ("integration", "i", "shield, transfer and unshield with the node of --integritee-rpc-url"),
    ("provisioning-server", None, "wait at --mu-ra-port for an enclave of another machine, and provision it"),
    ("provisioning-client", None, "be provisioned by the server at --mu-ra-external-address, HOST:PORT"),
)
"""Of the self-test: option, letter, help."""
ALL_TEST_PARTS: Final = ("unit", "ecall", "provisioning", "integration")
"""Of ``--all``: not the two ends of a provisioning between machines."""


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port number")
    return int(text)


def _size(text: str) -> int:
    number, unit = (text[:-1], SIZE_UNITS[text[-1:]]) if text[-1:] in SIZE_UNITS else (text, 1)
    if not number.isdecimal() or int(number) * unit < MIN_BLOCK_STORE_BUDGET:
        raise argparse.ArgumentTypeError(f"{text!r} is no size of at least {MIN_BLOCK_STORE_BUDGET >> 20}M")
    return int(number) * unit


def _clients(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_CONNECTIONS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {MAX_CONNECTIONS}")
    return int(text)


def parser() -> argparse.ArgumentParser:
    """Of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="integritee-worker", description="Confidential sidechain worker (host).", add_help=False
    )
    add = parser.add_argument
    add("--help", action="help", help="show this help and exit")
    add("--version", "-V", action="version", version=f"integritee-worker {integritee.__version__}")
    _add_chains(parser)
    add("--data-dir", "-d", default=".", help="where state and keys live")
    add("--ws-external", action="store_true", help="listen on all interfaces")
    add("--mu-ra-port", "-r", type=_port, default=3443, help="port for provisioning peers")
    add("--trusted-worker-port", "-P", type=_port, default=2000, help="port of the trusted RPC (wss)")
    add("--untrusted-worker-port", "-w", type=_port, default=2001, help="port of the untrusted RPC (ws)")
    add("--trusted-external-address", "-T", help="advertised URL of the trusted RPC")
    add("--untrusted-external-address", "-U", help="advertised URL of the untrusted RPC")
    add("--mu-ra-external-address", "-M", help="advertised host:port for provisioning")
    add("--enable-metrics", action="store_true", help="serve /metrics")
    add("--metrics-port", "-i", type=_port, default=8787, help="port of /metrics")
    add("--untrusted-http-port", "-h", type=_port, default=4545, help="port of /is_initialized, /readyz and /healthz")
    add("--clean-reset", "-c", action="store_true", help="drop shard and light-client state first; keys are kept")
    add(
        "--block-store-budget",
        type=_size,
        default=DEFAULT_BLOCK_STORE_BUDGET,
        metavar="SIZE",
        help="disk that sidechain blocks may take, in bytes or with K, M, G; the oldest are dropped (default 4G)",
    )
    add("--ipfs-url", metavar="URL", help="RPC of an IPFS daemon, e.g. http://127.0.0.1:5001: relayed notes go there")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_run(commands)
    _add_request_state(commands)
    _add_recovery(commands)
    _add_test(commands)
    for name, text in (
        ("mrenclave", "print the enclave's measurement in base58"),
        ("signing-key", "write enclave-signing-pubkey.bin"),
        ("shielding-key", "write enclave-shielding-pubkey.json"),
        ("export-checkpoint", "print the present finalized blocks of the chains, for --checkpoint"),
    ):
        command = commands.add_parser(name, help=text, add_help=False)
        command.add_argument("--help", action="help", help="show this help and exit")
        if name != "export-checkpoint":
            _add_ledger(command)
        if name in ("signing-key", "shielding-key"):
            _add_sealing(command)
    return parser


def _add_chains(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    urls = "node URLs with scheme, separated by commas, in the order of preference"
    add("--integritee-rpc-url", "-u", default="ws://127.0.0.1", metavar="URL[,URL]", help=f"Integritee's {urls}")
    add("--integritee-rpc-port", "-p", type=_port, default=9944, help="port of those URLs that have none")
    for name in ("target-a", "target-b"):
        add(f"--{name}-parentchain-rpc-url", metavar="URL[,URL]", help=f"{name}'s {urls}; follow it")
        add(f"--{name}-parentchain-rpc-port", type=_port, metavar="PORT", help="port of those URLs that have none")
    for name in CHAIN_NAMES:
        add(f"--{name}-relay-url", metavar="URL[,URL]", help=f"nodes of the relay chain that finalizes {name}")
        add(f"--{name}-para-id", type=int, metavar="ID", help=f"of {name} on its relay chain; asked of it by default")


def _add_ledger(command: argparse.ArgumentParser) -> None:
    """Options that are measured with the enclave's code, and so decide about its MRENCLAVE."""
    command.add_argument(
        "--app",
        action="append",
        default=[],
        metavar="APP",
        help="app of the ledger beside its own: a name, with --dev also a project folder; repeatable",
    )
    command.add_argument(
        "--dev", "-d", action="store_true", help="development ledger; `run` funds the enclave account from //Alice"
    )
    command.add_argument(
        "--custodian",
        action="append",
        default=[],
        metavar="PUBKEY",
        help="one of those who can recover the shard together: the key that `integritee-cli recovery new-custodian` "
        "printed; repeatable",
    )
    command.add_argument(
        "--custodian-threshold",
        type=int,
        default=0,
        metavar="K",
        help="how many custodians it takes; say it with them",
    )


def _add_sealing(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--seal-to-signer",
        action="store_true",
        help="seal the state so that changed code can open it; with --dev only",
    )


def _add_slot(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--slot-ms", type=int, default=DEFAULT_SLOT_MS, help="sidechain slot in milliseconds (default 1000)"
    )


def _add_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    run = commands.add_parser("run", help="start the worker", add_help=False)
    run.add_argument("--help", action="help", help="show this help and exit")
    run.add_argument("shard", nargs="?", help="base58 shard; the MRENCLAVE if omitted")
    run.add_argument("--skip-ra", action="store_true", help="do not verify peers' attestation")
    run.add_argument(
        "--check-invariants", action="store_true", help="check the ledger's laws with every block; reads all of it"
    )
    _add_ledger(run)
    _add_sealing(run)
    _add_slot(run)
    run.add_argument(
        "--shielding-target",
        "-s",
        type=str.lower,
        choices=tuple(CHAIN_NAMES),
        help="chain with the vault; a new shard's is on integritee unless this says otherwise",
    )
    run.add_argument(
        "--max-parentchain-age",
        type=int,
        default=DEFAULT_PARENTCHAIN_AGE,
        metavar="SECONDS",
        help="age of the latest proven parentchain block at which production pauses; 0 for never (default 600)",
    )
    run.add_argument(
        "--metadata-token",
        action="append",
        default=[],
        metavar="CHAIN=SYMBOL/DECIMALS",
        help="token that a chain's runtime was built with, e.g. integritee=ERT/12: "
        "what the enclave sends there is bound to the chain's metadata (RFC-78); repeatable",
    )
    run.add_argument(
        "--max-connections",
        type=_clients,
        default=DEFAULT_MAX_CONNECTIONS,
        metavar="N",
        help="clients that the trusted RPC serves at a time, as far as RLIMIT_NOFILE allows (default 10000)",
    )
    run.add_argument("--checkpoint", metavar="FILE", help="blocks to begin at instead of genesis, as exported")
    run.add_argument(
        "--takeover-from",
        metavar="HOST:PORT",
        help="succeed the enclave that provisions others there: take over its identity, keys and state; "
        "does nothing once there is a state",
    )


def _add_request_state(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    request = commands.add_parser(
        "request-state", help="fetch keys and state from a peer and exit; `run` does so by itself", add_help=False
    )
    request.add_argument("--help", action="help", help="show this help and exit")
    request.add_argument("--shard", help="base58 shard; the MRENCLAVE if omitted")
    request.add_argument("--skip-ra", action="store_true", help="do not verify peers' attestation")
    _add_slot(request)
    _add_ledger(request)
    _add_sealing(request)


def _add_test(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    test = commands.add_parser("test", help="check this installation on this machine", add_help=False)
    test.add_argument("--help", action="help", help="show this help and exit")
    for part, letter, text in TEST_PARTS:
        test.add_argument(f"--{part}", *([f"-{letter}"] if letter else []), action="store_true", help=text)
    test.add_argument("--json", action="store_true", help="report as JSON")


def _add_recovery(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    doctor = commands.add_parser("doctor", help="examine the data directory without running", add_help=False)
    doctor.add_argument("--repair", action="store_true", help="mend what costs neither a record nor a secret")
    doctor.add_argument("--json", action="store_true", help="report as JSON")
    export = commands.add_parser(
        "export-shard", help="write keys and state for the shard's custodians into FILE", add_help=False
    )
    export.add_argument("file", metavar="FILE")
    export.add_argument(
        "--ipfs", dest="on_ipfs", action="store_const", const="", help="store it on IPFS as well; prints the CID"
    )
    export.add_argument("--slot-ms", type=int, default=DEFAULT_SLOT_MS, help="the shard's slot, as `run` was told")
    restore = commands.add_parser(
        "import-shard", help="bring a shard back from FILE with its custodians' help", add_help=False
    )
    restore.add_argument("file", metavar="FILE")
    restore.add_argument("--ipfs", dest="on_ipfs", metavar="CID", help="fetch it from IPFS into FILE first")
    restore.add_argument("--request", required=True, metavar="FILE", help="written for the custodians")
    restore.add_argument("--shares", required=True, metavar="DIR", help="where their answers are awaited")
    for command in (doctor, export, restore):
        command.add_argument("--help", action="help", help="show this help and exit")
        _add_ledger(command)
        _add_sealing(command)

"""Configuration of the service: command line in the original's shape (worker `service/src/cli.yml`, `config.rs`).

Global options precede the subcommand. `-h` is the HTTP port, as it always was; help is `--help`.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import base58

import integritee

from .errors import InvalidOption

DEFAULT_SLOT_MS: Final = 1000
MIN_SLOT_MS: Final = 20


@dataclass(frozen=True)
class Config:
    """Everything the service was told. URLs are complete; `shard` is 32 bytes or None for the MRENCLAVE."""

    command: str
    integritee_url: str
    data_dir: Path
    bind_host: str
    trusted_port: int
    untrusted_port: int
    mu_ra_port: int
    http_port: int
    metrics_port: int
    enable_metrics: bool
    trusted_url: str
    untrusted_url: str
    mu_ra_url: str
    clean_reset: bool
    shard: bytes | None
    dev: bool
    apps: tuple[str, ...]
    seal_to_signer: bool
    skip_ra: bool
    check_invariants: bool
    slot_ms: int


def parse(arguments: list[str]) -> Config:
    """Read the command line. Exits with 2 on usage errors; raises InvalidOption for unusable values."""
    found = _parser().parse_args(arguments)
    host = "0.0.0.0" if found.ws_external else "127.0.0.1"  # noqa: S104  # asked for by --ws-external
    return Config(
        command=found.command,
        integritee_url=f"{found.integritee_rpc_url}:{found.integritee_rpc_port}",
        data_dir=Path(found.data_dir),
        bind_host=host,
        trusted_port=found.trusted_worker_port,
        untrusted_port=found.untrusted_worker_port,
        mu_ra_port=found.mu_ra_port,
        http_port=found.untrusted_http_port,
        metrics_port=found.metrics_port,
        enable_metrics=found.enable_metrics,
        trusted_url=external(found.trusted_external_address, f"wss://{host}", found.trusted_worker_port),
        untrusted_url=external(found.untrusted_external_address, f"ws://{host}", found.untrusted_worker_port),
        mu_ra_url=external(found.mu_ra_external_address, host, found.mu_ra_port),
        clean_reset=found.clean_reset,
        shard=_shard(getattr(found, "shard", None)),
        dev=found.dev,
        apps=tuple(found.app),
        seal_to_signer=getattr(found, "seal_to_signer", False),
        skip_ra=getattr(found, "skip_ra", False),
        check_invariants=getattr(found, "check_invariants", False),
        slot_ms=_slot(getattr(found, "slot_ms", DEFAULT_SLOT_MS)),
    )


def external(address: str | None, default: str, port: int) -> str:
    """The advertised form of an address; a missing port is completed (worker `config.rs`)."""
    if address is None:
        return f"{default}:{port}"
    match address.split(":"):
        case [_, _, _]:
            return address
        case [_, _]:
            return f"{address}:{port}" if "ws" in address else address
        case [_]:
            return f"{address}:{port}"
    raise InvalidOption("external address", address, "[scheme://]host[:port]")


def _shard(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        shard = base58.b58decode(text)
    except ValueError:
        shard = b""
    if len(shard) != 32:
        raise InvalidOption("shard", text, "base58 of 32 bytes")
    return shard


def _slot(milliseconds: int) -> int:
    if milliseconds < MIN_SLOT_MS:
        raise InvalidOption("--slot-ms", str(milliseconds), f"at least {MIN_SLOT_MS}")
    return milliseconds


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port number")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="integritee-worker", description="Confidential sidechain worker (host).", add_help=False
    )
    add = parser.add_argument
    add("--help", action="help", help="show this help and exit")
    add("--version", "-V", action="version", version=f"integritee-worker {integritee.__version__}")
    add("--integritee-rpc-url", "-u", default="ws://127.0.0.1", help="parentchain node URL with scheme")
    add("--integritee-rpc-port", "-p", type=_port, default=9944, help="parentchain node port")
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
    add("--untrusted-http-port", "-h", type=_port, default=4545, help="port of /is_initialized")
    add("--clean-reset", "-c", action="store_true", help="drop shard and light-client state first; keys are kept")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_run(commands)
    for name, text in (
        ("mrenclave", "print the enclave's measurement in base58"),
        ("signing-key", "write enclave-signing-pubkey.bin"),
        ("shielding-key", "write enclave-shielding-pubkey.json"),
    ):
        command = commands.add_parser(name, help=text, add_help=False)
        command.add_argument("--help", action="help", help="show this help and exit")
        _add_ledger(command)
        if name != "mrenclave":
            _add_sealing(command)
    return parser


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


def _add_sealing(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--seal-to-signer",
        action="store_true",
        help="seal the state so that changed code can open it; with --dev only",
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
    run.add_argument(
        "--slot-ms", type=int, default=DEFAULT_SLOT_MS, help="sidechain slot in milliseconds (default 1000)"
    )

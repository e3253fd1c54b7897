"""Configuration of the service, as the command line says (worker `service/src/config.rs`)."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import base58

from integritee.boundary.messages import MAX_CUSTODIANS
from integritee.primitives.ids import ParentchainId

from .chain_config import CHAIN_NAMES, ChainConfig, endpoint_urls, relay, target, with_checkpoints, with_tokens
from .errors import InvalidOption
from .options import (
    ALL_TEST_PARTS,
    DEFAULT_MAX_CONNECTIONS,
    DEFAULT_PARENTCHAIN_AGE,
    DEFAULT_SLOT_MS,
    TEST_PARTS,
    parser,
)

MAX_AGE: Final = 10**9
"""Seconds: thirty years."""

MIN_SLOT_MS: Final = 20


@dataclass(frozen=True)
class Config:
    """Everything the service was told. URLs are complete; `shard` is 32 bytes or None for the MRENCLAVE.

    `chains` are those to follow, Integritee first; the vault is on `shielding_target`, or wherever it is. Producing
    blocks pauses when the latest proven one of Integritee is older than `max_parentchain_age` seconds, if that is
    not 0.
    """

    command: str
    chains: tuple[ChainConfig, ...]
    shielding_target: ParentchainId | None
    max_parentchain_age: int
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
    block_store_budget: int
    takeover_from: tuple[str, int] | None
    """Host and port of the provisioning server of the enclave whose successor this one is to be."""
    custodians: tuple[bytes, ...] = ()
    """X25519 public keys; `custodian_threshold` of their holders can recover the shard. Measured."""
    custodian_threshold: int = 0
    repair: bool = False
    as_json: bool = False
    max_connections: int = DEFAULT_MAX_CONNECTIONS
    """Clients of the trusted RPC."""
    bundle: Path | None = None
    """File that a shard is exported to or imported from, with the custodians' help: see `request` and `shares`."""
    request: Path | None = None
    shares: Path | None = None
    ipfs_url: str | None = None
    """Of an IPFS daemon's RPC, such as ``http://127.0.0.1:5001``; None if there is none."""
    on_ipfs: str | None = None
    """Whether a bundle is stored on IPFS, too (""), or the CID to fetch it by; None for neither."""
    test_parts: tuple[str, ...] = ()
    """Of the self-test, in their order."""


def parse(arguments: list[str]) -> Config:
    """Read the command line. Exits with 2 on usage errors; raises InvalidOption for unusable values."""
    found = parser().parse_args(arguments)
    chains = _chains(found)
    host = "0.0.0.0" if found.ws_external else "127.0.0.1"  # noqa: S104  # asked for by --ws-external
    return Config(
        command=found.command,
        chains=chains,
        shielding_target=_shielding_target(getattr(found, "shielding_target", None), chains),
        max_parentchain_age=_age(getattr(found, "max_parentchain_age", DEFAULT_PARENTCHAIN_AGE)),
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
        dev=getattr(found, "dev", False),
        apps=tuple(getattr(found, "app", ())),
        seal_to_signer=getattr(found, "seal_to_signer", False),
        skip_ra=getattr(found, "skip_ra", False),
        check_invariants=getattr(found, "check_invariants", False),
        slot_ms=_slot(getattr(found, "slot_ms", DEFAULT_SLOT_MS)),
        takeover_from=_takeover(getattr(found, "takeover_from", None)),
        block_store_budget=found.block_store_budget,
        custodians=tuple(map(_custodian, getattr(found, "custodian", ()))),
        custodian_threshold=_threshold(getattr(found, "custodian_threshold", 0)),
        repair=getattr(found, "repair", False),
        as_json=getattr(found, "json", False),
        max_connections=getattr(found, "max_connections", DEFAULT_MAX_CONNECTIONS),
        bundle=_path(getattr(found, "file", None)),
        request=_path(getattr(found, "request", None)),
        shares=_path(getattr(found, "shares", None)),
        ipfs_url=_ipfs_url(found.ipfs_url, getattr(found, "on_ipfs", None)),
        on_ipfs=getattr(found, "on_ipfs", None),
        test_parts=_test_parts(found) if found.command == "test" else (),
    )


def _chains(found: argparse.Namespace) -> tuple[ChainConfig, ...]:
    integritee = ChainConfig(
        ParentchainId.Integritee,
        endpoint_urls("--integritee-rpc-url", found.integritee_rpc_url, found.integritee_rpc_port),
        relay=relay("integritee", found.integritee_relay_url, found.integritee_para_id),
    )
    targets = (
        target(
            "target-a",
            found.target_a_parentchain_rpc_url,
            found.target_a_parentchain_rpc_port,
            found.target_a_relay_url,
            found.target_a_para_id,
        ),
        target(
            "target-b",
            found.target_b_parentchain_rpc_url,
            found.target_b_parentchain_rpc_port,
            found.target_b_relay_url,
            found.target_b_para_id,
        ),
    )
    chains = (integritee, *(chain for chain in targets if chain is not None))
    chains = with_tokens(chains, getattr(found, "metadata_token", ()))
    path = getattr(found, "checkpoint", None)
    if path is None:
        return chains
    from .checkpoint import read_checkpoints  # loads a client, and the enclave should be on its way before

    return with_checkpoints(chains, read_checkpoints(Path(path)))


def _shielding_target(name: str | None, chains: tuple[ChainConfig, ...]) -> ParentchainId | None:
    if name is None:
        return None
    id = CHAIN_NAMES[name]
    if all(chain.id is not id for chain in chains):
        raise InvalidOption("--shielding-target", name, f"a chain with --{name}-parentchain-rpc-url")
    return id


def _age(seconds: int) -> int:
    if not 0 <= seconds <= MAX_AGE:
        raise InvalidOption("--max-parentchain-age", str(seconds), f"0 to {MAX_AGE} seconds")
    return seconds


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


def _takeover(text: str | None) -> tuple[str, int] | None:
    if text is None:
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise InvalidOption("--takeover-from", text, "HOST:PORT")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _slot(milliseconds: int) -> int:
    if milliseconds < MIN_SLOT_MS:
        raise InvalidOption("--slot-ms", str(milliseconds), f"at least {MIN_SLOT_MS}")
    return milliseconds


def _custodian(text: str) -> bytes:
    try:
        key = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        key = b""
    if len(key) != 32:
        raise InvalidOption("--custodian", text, "64 hex digits of a public key")
    return key


def _threshold(number: int) -> int:
    if not 0 <= number <= MAX_CUSTODIANS:
        raise InvalidOption("--custodian-threshold", str(number), f"1 to {MAX_CUSTODIANS}")
    return number


def _test_parts(found: argparse.Namespace) -> tuple[str, ...]:
    """Raises InvalidOption if none is asked for."""
    asked = [part for part, _, _ in TEST_PARTS if getattr(found, part.replace("-", "_"))]
    if not asked:
        raise InvalidOption("test", "no part", "one of " + ", ".join(f"--{part}" for part, _, _ in TEST_PARTS))
    if "all" in asked:
        asked = [*ALL_TEST_PARTS, *(part for part in asked if part not in ("all", *ALL_TEST_PARTS))]
    return tuple(asked)


def _ipfs_url(text: str | None, on_ipfs: str | None) -> str | None:
    if text is None:
        if on_ipfs is not None:
            raise InvalidOption("--ipfs", on_ipfs, "--ipfs-url before the command")
        return None
    try:
        parts = urlsplit(text)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        raise InvalidOption("--ipfs-url", text, "http://host:port of the daemon's RPC")
    return text


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)

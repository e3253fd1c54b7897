"""What a set-up is told on the command line."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from integritee.apps.discovery import is_folder

from .errors import InvalidShield, NothingToReload, OneWorkerOnly
from .ports import (
    HOST,
    LAST_PORT,
    MAX_WORKERS,
    STANDARD_PORTS,
    STANDARD_TARGET_PORTS,
    STANDARD_WORKER_PORTS,
    Ports,
    WorkerPorts,
)

DEFAULT_SEAL: Final = "interval:0.15"
DEFAULT_SLOT_MS: Final = 150

TEER: Final = 10**12
"""Base units of one token."""

INTEGRITEE: Final = "integritee"
TARGETS: Final = ("target-a", "target-b")
"""Chains to shield from besides, as the worker calls them; nodes know them with ``-dev`` appended."""

PLAYS: Final = ("direct-call", "shielding-unshielding", "sidechain", "benchmark")
"""The original's demo scripts."""

SHIELDING: Final = re.compile(r"(?P<account>//.+)=(?P<amount>\d{1,15}(\.\d{1,12})?)")


@dataclass(frozen=True)
class NetworkConfig:
    """Parentchain and workers. `data_dir` None: temporary. `seal` is the nodes' ``--seal``.

    `apps` are names or project folders; with `reload` what changes in the folders is taken over. Ports say how many
    workers there are, and whether there are targets; the vault is on `shielding_target`. With `keep_going` the set-up
    outlives any worker but the first.
    """

    ports: Ports = STANDARD_PORTS
    auto_ports: bool = False
    data_dir: Path | None = None
    seal: str = DEFAULT_SEAL
    slot_ms: int = DEFAULT_SLOT_MS
    apps: tuple[str, ...] = ()
    reload: bool = False
    shielding_target: str = INTEGRITEE
    keep_going: bool = False
    ipfs_url: str | None = None
    """Of an IPFS daemon's RPC, which all workers use."""

    @property
    def folders(self) -> tuple[Path, ...]:
        """Project folders among the apps."""
        return tuple(Path(app) for app in self.apps if is_folder(app))


@dataclass(frozen=True)
class Shielding:
    """Have the development account `uri` shield `amount` base units."""

    uri: str
    amount: int

    @classmethod
    def parse(cls, text: str) -> Shielding:
        """``//Alice=100`` or ``//Alice=0.5``, in TEER. Raises InvalidShield."""
        found = SHIELDING.fullmatch(text)
        if found is None:
            raise InvalidShield(text)
        return cls(found["account"], int(Decimal(found["amount"]) * TEER))


DEFAULT_SHIELDINGS: Final = (Shielding("//Alice", 100 * TEER),)


def add_network_options(parser: argparse.ArgumentParser) -> None:
    first = STANDARD_WORKER_PORTS
    for name, default, what in (
        ("--node-port", STANDARD_PORTS.node, "parentchain RPC (ws)"),
        ("--worker-port", first.worker, "trusted RPC (wss)"),
        ("--http-port", first.http, "/is_initialized (http)"),
        ("--untrusted-port", first.untrusted, "RPC for other workers (ws)"),
        ("--mu-ra-port", first.mu_ra, "provisioning of other enclaves (tls)"),
    ):
        parser.add_argument(name, type=_port, default=default, metavar="PORT", help=f"{what}; default {default}")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="keep chain and ledger here; default: temporary")
    parser.add_argument(
        "--seal", default=DEFAULT_SEAL, metavar="WHEN", help="parentchain blocks: interval:SECONDS or instant"
    )
    parser.add_argument("--slot-ms", type=int, default=DEFAULT_SLOT_MS, metavar="MS", help="sidechain slot")


def add_worker_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workers",
        type=_count,
        default=1,
        metavar="COUNT",
        help=f"validateers of the shard, up to {MAX_WORKERS}; default 1. Each has ports 1000 above those of the one "
        "before, its HTTP port 1 above",
    )
    parser.add_argument(
        "--keep-going", action="store_true", help="report the end of a worker that is not the first, and go on"
    )
    parser.add_argument("--ipfs-url", metavar="URL", help="RPC of an IPFS daemon, where relayed notes go")


def add_app_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--app",
        action="append",
        default=[],
        metavar="APP",
        help="an app that the ledger runs beside the usual ones: its name or its project folder; repeatable",
    )
    parser.add_argument("--reload", action="store_true", help="take over what changes in the folders, keep the state")


def add_target_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--targets",
        action="store_true",
        help="two further chains: target A like the parentchain, target B with an asset hub's assets",
    )
    for target, default in zip(TARGETS, STANDARD_TARGET_PORTS, strict=True):
        text = f"RPC (ws) of {target}; default {default}"
        parser.add_argument(f"--{target}-port", type=_port, default=default, metavar="PORT", help=text)
    parser.add_argument(
        "--shielding-target",
        choices=(INTEGRITEE, *TARGETS),
        default=INTEGRITEE,
        help="the chain that funds come from, so that the vault is there; a target implies --targets",
    )


def add_play_options(parser: argparse.ArgumentParser) -> None:
    """Letters are those of the original's scripts."""
    parser.add_argument("name", choices=PLAYS, metavar="NAME", help=", ".join(PLAYS))
    node, worker = STANDARD_PORTS.node, STANDARD_WORKER_PORTS.worker
    add = parser.add_argument
    add("-u", "--node-url", default=f"ws://{HOST}", metavar="URL", help="node without port (%(default)s)")
    add("-p", "--node-port", type=_port, default=node, metavar="PORT", help="(%(default)s)")
    add("-V", "--worker-url", default=f"wss://{HOST}", metavar="URL", help="worker without port (%(default)s)")
    add("-A", "--worker-port", type=_port, default=worker, metavar="PORT", help="(%(default)s)")
    add("-W", "--worker-2-url", metavar="URL", help="second worker without port (that of the first)")
    add("-B", "--worker-2-port", type=_port, metavar="PORT", help="there is a second worker if this says where")
    add("--clients", default="20", metavar="COUNT", help="of the benchmark (%(default)s)")
    add("--transfers", default="100", metavar="COUNT", help="of each client (%(default)s)")


def network_config(found: argparse.Namespace, auto_ports: bool) -> NetworkConfig:
    """Raises NothingToReload, OneWorkerOnly, NoSuchPort."""
    first = WorkerPorts(found.worker_port, found.http_port, found.untrusted_port, found.mu_ra_port)
    workers = tuple(first.of(number) for number in range(1, getattr(found, "workers", 1) + 1))
    shielding_target = getattr(found, "shielding_target", INTEGRITEE)
    has_targets = getattr(found, "targets", False) or shielding_target != INTEGRITEE
    targets = (found.target_a_port, found.target_b_port) if has_targets else ()
    config = NetworkConfig(
        ports=Ports(found.node_port, workers, *targets),
        auto_ports=auto_ports,
        data_dir=found.data_dir,
        seal=found.seal,
        slot_ms=found.slot_ms,
        apps=tuple(getattr(found, "app", ())),
        reload=getattr(found, "reload", False),
        shielding_target=shielding_target,
        keep_going=getattr(found, "keep_going", False),
        ipfs_url=getattr(found, "ipfs_url", None),
    )
    if config.reload and not config.folders:
        raise NothingToReload
    if config.reload and len(workers) > 1:
        raise OneWorkerOnly(len(workers))
    return config


def shieldings(texts: Sequence[str] | None) -> tuple[Shielding, ...]:
    """Of the `--shield` arguments; none given means the default. Raises InvalidShield."""
    return DEFAULT_SHIELDINGS if texts is None else tuple(Shielding.parse(text) for text in texts)


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port number")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_WORKERS:
        raise argparse.ArgumentTypeError(f"{text!r} is not from 1 to {MAX_WORKERS}")
    return int(text)

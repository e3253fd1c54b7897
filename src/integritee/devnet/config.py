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

from .errors import InvalidShield, NothingToReload
from .ports import STANDARD_PORTS, Ports

DEFAULT_SEAL: Final = "interval:0.15"
DEFAULT_SLOT_MS: Final = 150

TEER: Final = 10**12
"""Base units of one token."""

SHIELDING: Final = re.compile(r"(?P<account>//.+)=(?P<amount>\d{1,15}(\.\d{1,12})?)")


@dataclass(frozen=True)
class NetworkConfig:
    """Parentchain and worker. `data_dir` None: temporary. `seal` is the node's ``--seal``.

    `apps` are names or project folders; with `reload` what changes in the folders is taken over.
    """

    ports: Ports = STANDARD_PORTS
    auto_ports: bool = False
    data_dir: Path | None = None
    seal: str = DEFAULT_SEAL
    slot_ms: int = DEFAULT_SLOT_MS
    apps: tuple[str, ...] = ()
    reload: bool = False

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
    ports = STANDARD_PORTS
    for name, default, what in (
        ("--node-port", ports.node, "parentchain RPC (ws)"),
        ("--worker-port", ports.worker, "trusted RPC (wss)"),
        ("--http-port", ports.http, "/is_initialized (http)"),
    ):
        parser.add_argument(name, type=_port, default=default, metavar="PORT", help=f"{what}; default {default}")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="keep chain and ledger here; default: temporary")
    parser.add_argument(
        "--seal", default=DEFAULT_SEAL, metavar="WHEN", help="parentchain blocks: interval:SECONDS or instant"
    )
    parser.add_argument("--slot-ms", type=int, default=DEFAULT_SLOT_MS, metavar="MS", help="sidechain slot")


def add_app_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--app",
        action="append",
        default=[],
        metavar="APP",
        help="an app that the ledger runs beside the usual ones: its name or its project folder; repeatable",
    )
    parser.add_argument("--reload", action="store_true", help="take over what changes in the folders, keep the state")


def network_config(found: argparse.Namespace, auto_ports: bool) -> NetworkConfig:
    """Raises NothingToReload."""
    config = NetworkConfig(
        ports=Ports(found.node_port, found.worker_port, found.http_port),
        auto_ports=auto_ports,
        data_dir=found.data_dir,
        seal=found.seal,
        slot_ms=found.slot_ms,
        apps=tuple(getattr(found, "app", ())),
        reload=getattr(found, "reload", False),
    )
    if config.reload and not config.folders:
        raise NothingToReload
    return config


def shieldings(texts: Sequence[str] | None) -> tuple[Shielding, ...]:
    """Of the `--shield` arguments; none given means the default. Raises InvalidShield."""
    return DEFAULT_SHIELDINGS if texts is None else tuple(Shielding.parse(text) for text in texts)


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port number")
    return int(text)

"""`integritee devnet --config FILE`: a set-up that is written down, in TOML or (``*.json``) JSON.

What the file says stands for the options of the same names; options on the command line win. A complete one:

    seal = "interval:0.15"
    slot_ms = 150
    workers = 2
    keep_going = false
    targets = true
    shielding_target = "target-a"
    apps = ["evm", "./greeter"]      # folders and `data_dir` are relative to the file
    reload = false
    shield = ["//Alice=100"]
    data_dir = "./data"
    auto_ports = false
    ipfs_url = "http://127.0.0.1:5001"

    [ports]                          # workers behind the first follow from its ports
    node = 9944
    worker = 2000
    untrusted = 2001
    mu_ra = 3443
    http = 4545
    target_a = 9954
    target_b = 9988
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from integritee.apps.discovery import is_folder

from .errors import SetUpUnreadable
from .ports import LAST_PORT, MAX_WORKERS

MAX_FILE: Final = 64 * 1024
"""Bytes of a file; a set-up takes a few hundred."""

Port = Annotated[int, msgspec.Meta(ge=1, le=LAST_PORT)]


class PortsTable(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """As options ``--NAME-port`` say them."""

    node: Port | None = None
    worker: Port | None = None
    untrusted: Port | None = None
    mu_ra: Port | None = None
    http: Port | None = None
    target_a: Port | None = None
    target_b: Port | None = None


class SetUp(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What a file may say; unsaid is what the command line says, or its default."""

    workers: Annotated[int, msgspec.Meta(ge=1, le=MAX_WORKERS)] | None = None
    keep_going: bool | None = None
    targets: bool | None = None
    shielding_target: Literal["integritee", "target-a", "target-b"] | None = None
    seal: str | None = None
    slot_ms: Annotated[int, msgspec.Meta(ge=1)] | None = None
    apps: list[str] | None = None
    reload: bool | None = None
    shield: list[str] | None = None
    data_dir: str | None = None
    auto_ports: bool | None = None
    ipfs_url: str | None = None
    ports: PortsTable = msgspec.field(default_factory=PortsTable)


def read_set_up(path: Path) -> dict[str, Any]:
    """Values of options as argparse names them, of those that the file says. Raises SetUpUnreadable."""
    decode = msgspec.json.decode if path.suffix == ".json" else msgspec.toml.decode
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE + 1)
    except OSError as error:
        raise SetUpUnreadable(path, error.strerror or str(error)) from None
    if len(raw) > MAX_FILE:
        raise SetUpUnreadable(path, f"longer than {MAX_FILE} bytes")
    try:
        found: dict[str, Any] = msgspec.to_builtins(decode(raw, type=SetUp))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SetUpUnreadable(path, str(error)) from None
    ports = {f"{name}_port": port for name, port in found.pop("ports", {}).items()}
    if "apps" in found:
        found["app"] = [_app(path.parent, app) for app in found.pop("apps")]
    if "data_dir" in found:
        found["data_dir"] = path.parent / found["data_dir"]
    return found | ports


def _app(beside: Path, app: str) -> str:
    """A name stays, a folder is found from where the file is."""
    return str((beside / app).resolve()) if is_folder(app) else app

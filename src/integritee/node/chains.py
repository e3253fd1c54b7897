"""Chains by name or by file (``--chain``), and where their data is."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Final

from .chain_spec import ChainSpec, dev_spec, local_spec
from .errors import ChainSpecError

DEV: Final = "dev"
LOCAL: Final = "local"
"""What is run when no chain is named."""

MAX_SPEC_BYTES: Final = 64 * 1024 * 1024


def load_spec(chain: str) -> ChainSpec:
    """The chain ``dev``, ``local``, or that of a raw specification file. Raises ChainSpecError."""
    if chain in (DEV, "integritee-solo-dev"):
        from .runtime.genesis import dev_genesis

        return dev_spec(dev_genesis())
    if chain in ("", LOCAL, "integritee-solo-local"):
        from .runtime.genesis import local_genesis

        return local_spec(local_genesis())
    path = Path(chain)
    if not path.is_file():
        raise ChainSpecError(f"chain {chain!r}", "dev, local, or the path of a raw specification")
    if path.stat().st_size > MAX_SPEC_BYTES:
        raise ChainSpecError(f"file {chain}", f"at most {MAX_SPEC_BYTES} bytes long")
    return ChainSpec.from_json(path.read_text())


def chain_name(arguments: argparse.Namespace) -> str:
    """What --chain and --dev say."""
    if arguments.chain is not None:
        return str(arguments.chain)
    return DEV if arguments.dev else LOCAL


def chain_database(arguments: argparse.Namespace, spec: ChainSpec) -> Path:
    """Directory of the chain's database below --base-path."""
    return (arguments.base_path or default_base_path()) / "chains" / spec.id / "db"


def default_base_path() -> Path:
    """Where nodes keep their data unless told otherwise."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "integritee-node"

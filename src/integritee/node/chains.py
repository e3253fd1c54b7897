"""Chains by name or by file (``--chain``), and where their data is."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from .chain_spec import ChainSpec, dev_spec, encointer_spec, local_spec, target_a_spec, target_b_spec
from .errors import ChainSpecError

DEV: Final = "dev"
LOCAL: Final = "local"
"""What is run when no chain is named."""

TARGET_A: Final = "target-a-dev"
TARGET_B: Final = "target-b-dev"
"""Chains to shield from, beside the parentchain."""

ENCOINTER: Final = "encointer-dev"
"""The parentchain with Encointer's ceremonies and communities."""

WELL_KNOWN: Final = (DEV, LOCAL, TARGET_A, TARGET_B, ENCOINTER)
NAMES: Final = {
    **{name: name for name in WELL_KNOWN},
    "": LOCAL,
    "integritee-solo-dev": DEV,
    "integritee-solo-local": LOCAL,
    "target-a": TARGET_A,
    "target-b": TARGET_B,
    "encointer": ENCOINTER,
}
"""Chains by every name they have."""

MAX_SPEC_BYTES: Final = 64 * 1024 * 1024


def load_spec(chain: str) -> ChainSpec:
    """The chain of a name in `NAMES`, or that of a raw specification file. Raises ChainSpecError."""
    if chain in NAMES:
        return _well_known(NAMES[chain])
    path = Path(chain)
    if not path.is_file():
        raise ChainSpecError(f"chain {chain!r}", f"{', '.join(WELL_KNOWN)}, or the path of a raw specification")
    if path.stat().st_size > MAX_SPEC_BYTES:
        raise ChainSpecError(f"file {chain}", f"at most {MAX_SPEC_BYTES} bytes long")
    return ChainSpec.from_json(path.read_text())


def _well_known(name: str) -> ChainSpec:
    from .runtime import genesis

    make: dict[str, Callable[[], ChainSpec]] = {
        DEV: lambda: dev_spec(genesis.dev_genesis()),
        LOCAL: lambda: local_spec(genesis.local_genesis()),
        TARGET_A: lambda: target_a_spec(genesis.target_a_genesis()),
        TARGET_B: lambda: target_b_spec(genesis.target_b_genesis()),
        ENCOINTER: lambda: encointer_spec(genesis.encointer_genesis()),
    }
    return make[name]()


def chain_name(arguments: argparse.Namespace) -> str:
    """What --chain and --dev say."""
    if arguments.chain is not None:
        return str(arguments.chain)
    return DEV if arguments.dev else LOCAL


def chain_database(arguments: argparse.Namespace, spec: ChainSpec) -> Path:
    """Directory of the chain's database below --base-path."""
    return (arguments.base_path or default_base_path()) / "chains" / spec.id / "db"


def compiled_code(arguments: argparse.Namespace, spec: ChainSpec) -> Path | None:
    """Directory beside the database where compiled runtimes are kept; None if the data is temporary."""
    return None if is_temporary(arguments) else chain_database(arguments, spec).parent / "wasm"


def is_temporary(arguments: argparse.Namespace) -> bool:
    """Whether the chain's data goes when the node does. (Commands beside running it have no --tmp.)"""
    return bool(getattr(arguments, "tmp", False) or (arguments.dev and arguments.base_path is None))


def default_base_path() -> Path:
    """Where nodes keep their data unless told otherwise."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "integritee-node"

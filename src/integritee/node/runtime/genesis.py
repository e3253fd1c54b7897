"""Block 0 of the development chains, as raw storage."""

from __future__ import annotations

from integritee.frame.overlay import EmptyBackend, Overlay

from .presets import DEVELOPMENT, PRESETS, GenesisConfig, write_genesis
from .runtime import IntegriteeNodeRuntime


def genesis(config: GenesisConfig) -> dict[bytes, bytes]:
    """Raw storage of block 0, by ascending key."""
    runtime = IntegriteeNodeRuntime(Overlay(EmptyBackend()))
    write_genesis(runtime, config)
    return dict(runtime.state.items())


def dev_genesis() -> dict[bytes, bytes]:
    """Block 0 of ``--dev``: Alice authors, finalizes and is root; five accounts hold 1000 TEER each."""
    return genesis(DEVELOPMENT)


def local_genesis() -> dict[bytes, bytes]:
    """Block 0 of ``--chain local``."""
    return genesis(PRESETS["local_testnet"])

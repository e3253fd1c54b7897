"""Block 0 of the development chains, as raw storage."""

from __future__ import annotations

from integritee.frame.overlay import EmptyBackend, Overlay

from .encointer import EncointerRuntime
from .presets import DEVELOPMENT, PRESETS, GenesisConfig, NodeRuntime, write_genesis
from .runtime import IntegriteeNodeRuntime
from .target_a import TargetARuntime
from .target_b import TargetBRuntime


def genesis(config: GenesisConfig, of: type[NodeRuntime] = IntegriteeNodeRuntime) -> dict[bytes, bytes]:
    """Raw storage of block 0 of a chain of a runtime, by ascending key."""
    runtime = of(Overlay(EmptyBackend()))
    write_genesis(runtime, config)
    return dict(runtime.state.items())


def dev_genesis() -> dict[bytes, bytes]:
    """Block 0 of ``--dev``: Alice authors, finalizes and is root; five accounts hold 1000 TEER each."""
    return genesis(DEVELOPMENT)


def local_genesis() -> dict[bytes, bytes]:
    """Block 0 of ``--chain local``."""
    return genesis(PRESETS["local_testnet"])


def target_a_genesis() -> dict[bytes, bytes]:
    """Block 0 of ``--chain target-a-dev``: as that of ``--dev``, on another chain."""
    return _development(TargetARuntime)


def target_b_genesis() -> dict[bytes, bytes]:
    """Block 0 of ``--chain target-b-dev``: the same accounts hold 1000 UNIT each, //Alice and //Bob all assets."""
    return _development(TargetBRuntime)


def encointer_genesis() -> dict[bytes, bytes]:
    """Block 0 of ``--chain encointer-dev``: as that of ``--dev``, in ceremony 1; //Alice is ceremony master."""
    return _development(EncointerRuntime)


def _development(runtime: type[NodeRuntime]) -> dict[bytes, bytes]:
    return genesis(runtime.presets["development"], runtime)

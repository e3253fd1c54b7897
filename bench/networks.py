"""The set-ups whose workers are measured."""

from __future__ import annotations

from typing import Any, Final

from integritee.devnet.config import NetworkConfig

SLOT_MS: Final = 250

SEAL: Final = "interval:1"
"""A block of the parentchain each second; those of public ones take 6 or 12. At the pace of a set-up for development
the node, and what is to be done about its blocks, takes a fifteenth of two cores."""


def config(**rest: Any) -> NetworkConfig:
    """At ports that are free."""
    return NetworkConfig(auto_ports=True, slot_ms=SLOT_MS, seal=SEAL, **rest)

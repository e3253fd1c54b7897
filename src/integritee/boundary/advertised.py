"""Addresses that others are told, on both sides of the boundary."""

from __future__ import annotations


def with_port(address: str, port: int) -> str:
    """An advertised URL or host:port, with the port that was found instead of "any free" (0)."""
    return f"{address.removesuffix(':0')}:{port}" if address.endswith(":0") else address

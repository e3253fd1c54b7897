"""Programs, inputs and gas for arbitrary calls of contracts: few bytes each, and each ends in another way."""

from __future__ import annotations

from typing import Final

from .cast import PEOPLE


def deploying(runtime: str) -> bytes:
    """Init code that leaves `runtime` (hex, up to 255 bytes) as the contract's code."""
    size = len(runtime) // 2
    return bytes.fromhex(f"60{size:02x}600c60003960{size:02x}6000f3{runtime}")


PROGRAMS: Final = (
    deploying("60005460010160005500"),  # counts its calls in slot 0
    deploying("600060006000600034600035620186a0f100"),  # passes what it is paid on to the address in its input
    deploying("60006000346000f000"),  # creates an empty contract with what it is paid
    deploying("60003560003560006000a100"),  # logs a topic
    deploying("33ff"),  # destroys itself to the benefit of its caller
    deploying("30ff"),  # destroys itself and its funds
    deploying("60006000fd"),  # reverts
    deploying("5b600056"),  # never ends
    deploying("fe"),  # is invalid
    b"",
    bytes.fromhex("60006000fd"),  # reverts on creation
    bytes.fromhex("5b600056"),  # never comes to an end on creation
    bytes.fromhex("6001600055"),  # leaves storage but no code
)

INPUTS: Final = (b"", b"\x01", bytes(32), *(pair.public[:20].rjust(32, b"\0") for pair in PEOPLE[:3]))

GAS_LIMITS: Final = (0, 20_999, 21_000, 53_000, 60_000, *(100_000, 300_000) * 4, 15_000_001)
GAS_PRICES: Final = (0, 1, 1, 1, 2, 1_000)
"""Base units; the base fee is 1."""

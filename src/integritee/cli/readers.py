"""How a text on the command line becomes a value of one of the ledger's types.

    numbers          decimal                            accounts   SS58 address or //Path
    texts, notes     as they are                        assets     by their symbol: USDT, USDC.e
    bytes, hashes    hex, with or without 0x            enums      by name: target-a, TargetA
    everything else  JSON, as the option --json prints it

No reader repeats a text that may be a secret.
"""

from __future__ import annotations

import argparse
import inspect
import json
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from integritee.client.accounts import recipient
from integritee.errors import IntegriteeError
from integritee.scale import Integer, shape
from integritee.scale.shape import Array, CompactOf, Hint, Primitive, Sequence, Variants, VariantShape

from .arguments import integer
from .json_values import from_json
from .views import ACCOUNT_ID, is_text

Reader: TypeAlias = Callable[[str], Any]


class Reading(NamedTuple):
    """How texts of a type are read, and what they look like. `read` raises ArgumentTypeError."""

    read: Reader
    about: str


def reading(hint: Hint) -> Reading:
    """How texts of a type are read."""
    if isinstance(hint, type) and hasattr(hint, "parse"):
        return Reading(_refusing(hint.parse), f"name of {(inspect.getdoc(hint) or 'one').partition(';')[0].lower()}")
    match shape(hint):
        case Primitive(name="str"):
            return Reading(str, "text")
        case Primitive(integer=Integer() as width) | CompactOf(integer=width):
            return Reading(integer(width.low, width.high, f"fit into {width.name}"), f"number ({width.name})")
        case Array(item=None, path=path) if path == ACCOUNT_ID:
            return Reading(_refusing(recipient), "SS58 address or //Path")
        case Array(item=None, size=size):
            return Reading(_hex_reader(size), f"hex of {size} bytes")
        case Sequence(item=None):
            return Reading(str.encode, "text") if is_text(hint) else Reading(_hex_reader(None), "hex")
        case Variants(variants=variants) if not any(variant.fields for variant in variants):
            return Reading(_member_reader(variants), ", ".join(variant.name for variant in variants))
    return Reading(_refusing(lambda text: from_json(hint, json.loads(text))), "JSON, as --json prints it")


def reader(hint: Hint) -> Reader:
    """What reads texts of a type."""
    return reading(hint).read


def _refusing(read: Reader) -> Reader:
    """Turns what reading raises into what argparse reports."""

    def checked(text: str) -> Any:
        try:
            return read(text)
        except json.JSONDecodeError as broken:
            raise argparse.ArgumentTypeError(f"no JSON: {broken.msg} at character {broken.pos}") from None
        except (IntegriteeError, ValueError, RecursionError) as refused:
            raise argparse.ArgumentTypeError(str(refused)) from None

    return checked


def _member_reader(variants: tuple[VariantShape, ...]) -> Reader:
    by_name = {_plain(variant.name): variant for variant in variants}

    def read(text: str) -> Any:
        variant = by_name.get(_plain(text))
        if variant is None:
            raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(v.name for v in variants)}")
        return variant.build()

    return read


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def _hex_reader(size: int | None) -> Reader:
    what = "hex" if size is None else f"the hex of {size} bytes"

    def read(text: str) -> bytes:
        try:
            data = bytes.fromhex(text.removeprefix("0x"))
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not {what}") from None
        if size is not None and len(data) != size:
            raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
        return data

    return read

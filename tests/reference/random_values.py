"""Values of any type, call or getter, made from a source of randomness."""

from __future__ import annotations

from random import Random
from typing import Any

from integritee.scale import shape
from integritee.scale.shape import (
    Array,
    CompactOf,
    Composite,
    Hint,
    OptionOf,
    Primitive,
    Sequence,
    TupleOf,
    Variants,
)
from integritee.stf.declare import GetterDef, Raw, TrustedCallDef
from integritee.stf.types import Utf8

LONGEST = 5
MAX_AMOUNT_BITS = 127
"""The JavaScript package has amounts signed."""


def random_value(hint: Hint, random: Random) -> Any:
    """A value of a type; texts are ASCII."""
    if hint is Raw:
        return Raw(random.randbytes(random.randint(0, LONGEST)))
    if Utf8() in getattr(hint, "__metadata__", ()):
        return _text(random).encode()
    match shape(hint):
        case Primitive(name="bool"):
            return random.random() < 0.5
        case Primitive(name="str"):
            return _text(random)
        case Primitive(integer=integer) | CompactOf(integer=integer) if integer is not None:
            return random.getrandbits(random.randint(1, min(integer.size * 8, MAX_AMOUNT_BITS)))
        case Array(item=None, size=size):
            return random.randbytes(size)
        case Sequence(item=None):
            return random.randbytes(random.randint(0, LONGEST))
        case Sequence(item=item):
            return [random_value(item, random) for _ in range(random.randint(0, LONGEST))]
        case TupleOf(items=items):
            return tuple(random_value(item, random) for item in items)
        case OptionOf(item=item):
            return None if random.random() < 0.3 else random_value(item, random)
        case Composite(fields=fields, build=build):
            return build(*(random_value(f.hint, random) for f in fields))
        case Variants(variants=variants):
            variant = random.choice(variants)
            return variant.build(*(random_value(f.hint, random) for f in variant.fields))
    raise TypeError(f"no values of {hint!r}")


def random_arguments(definition: TrustedCallDef | GetterDef, random: Random) -> tuple[Any, ...]:
    return tuple(random_value(argument.hint, random) for argument in definition.arguments)


def _text(random: Random) -> str:
    return "".join(chr(random.randint(0x61, 0x7A)) for _ in range(random.randint(0, LONGEST)))

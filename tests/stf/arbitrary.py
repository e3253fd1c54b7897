"""Arbitrary arguments of trusted calls and getters, from their type hints.

Values come from a `random.Random`: a seeded one for volume, or Hypothesis's own (`st.randoms`), whose choices it
explores and shrinks. They lean towards what decides something: balances to the last unit, limits and one beyond,
accounts that play a part, the present moment.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from collections.abc import Sequence as Items
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, TypeVar

import hypothesis.strategies as st
from hypothesis.strategies import SearchStrategy

from integritee.frame.declare import Argument
from integritee.primitives.ids import ParentchainId
from integritee.scale import Ok
from integritee.scale.shape import (
    Array,
    CompactOf,
    Composite,
    Hint,
    MapOf,
    OptionOf,
    Primitive,
    ResultOf,
    Sequence,
    TupleOf,
    Variants,
    shape,
)
from integritee.scale.types import Integer
from integritee.stf.asset_map import AssetId

from . import arbitrary_evm as evm
from .cast import SECRETS, VOUCHERS

T = TypeVar("T")

ACCOUNT_PATH: Final = "sp_core::crypto::AccountId32"

AMOUNTS: Final = (0, 1, 2, 499, 500, 501, 1000, 10**10, 10**10 + 500, 3 * 10**10, 10**11, 10**12)
SMALL: Final = (0, 1, 2, 3, 9, 100, 255, 256, 257)
SELDOM_SMALL: Final = (1_099, 1_100, 9_999, 10_000, 10_001)
LENGTHS: Final = (0, 1, 32, 46, 300, 360, 397, 398, 399, 400, 430, 431, 432, 499, 500, 600)
"""Bytes of notes; some of them fill a note to the last byte."""

FROM_NOW_MS: Final = (0, 1, 1_000, 3_600_000, *(days * 86_400_000 for days in (1, 30, 30, 300)))
MAX_ITEMS: Final = 3
REMEMBERED: Final = 64


@dataclass
class Facts:
    """What values lean towards. `amounts` are base units, and `assets` assets, that matter to `sender`."""

    accounts: Items[bytes]
    shard: bytes
    now: int = 0
    sender: bytes = bytes(32)
    amounts: Items[int] = ()
    assets: Items[AssetId] = ()
    proxies: Items[bytes] = ()
    """Session proxies of the sender."""
    related: Items[bytes] = ()
    """Accounts that have to do with the sender."""
    named: dict[str, Callable[[Arbitrary], Any]] = field(default_factory=dict)
    """Arguments that depend on the ledger's state, by name."""
    seen: deque[bytes] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    """Byte strings from events: addresses of contracts, identifiers."""


class Arbitrary:
    """Draws values of any hint from a source of randomness."""

    def __init__(self, random: Random, facts: Facts) -> None:
        self.random, self.facts = random, facts

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def choice(self, items: Items[T]) -> T:
        return items[self.random.randrange(len(items))]

    def arguments(self, arguments: Items[Argument]) -> tuple[Any, ...]:
        """Arguments of a call or getter; the first is `facts.sender`."""
        return (self.facts.sender, *(self.argument(a) for a in arguments[1:]))

    def argument(self, argument: Argument) -> Any:
        """One argument. Those whose name says more than their type have values of their own."""
        named = self.facts.named.get(argument.name) or NAMED.get(argument.name)
        if named is not None and self.chance(90):
            return named(self)
        return self.value(argument.hint)

    def value(self, hint: Hint) -> Any:
        found = shape(hint)
        return DRAWS[type(found)](self, found)

    # -- by shape ------------------------------------------------------------------------------------

    def primitive(self, of: Primitive) -> Any:
        if of.integer is not None:
            return self.integer(of.integer)
        return self.chance(50) if of.name == "bool" else "é" * (self.length() // 2)

    def integer(self, facts: Integer) -> int:
        match facts.size:
            case 16 | 32:
                found = self.amount()
            case 8:
                found = self.moment()
            case _:
                found = self.choice(SELDOM_SMALL if self.chance(15) else SMALL)
        if self.chance(2):
            found = self.choice((facts.low, facts.high))
        return min(max(found, facts.low), facts.high)

    def amount(self) -> int:
        """Base units: what the sender has, give or take one; edges; anything."""
        match self.random.randrange(4):
            case 0 if self.facts.amounts:
                return max(self.choice(self.facts.amounts) + self.random.randrange(-1, 2), 0)
            case 1:
                return self.choice(AMOUNTS)
            case 2:
                return int(self.random.randrange(1, 100) * 10 ** self.random.randrange(14))
        return self.random.randrange(20 * 10**12)

    def moment(self) -> int:
        """Unix ms around now."""
        if self.chance(10):
            return int(self.choice(SMALL))
        return self.facts.now + self.choice((-1, 1, 1, 1)) * self.choice(FROM_NOW_MS)

    def length(self) -> int:
        return self.choice(LENGTHS) if self.chance(20) else self.random.randrange(40)

    def array(self, of: Array) -> Any:
        if of.item is not None:
            return [self.value(of.item) for _ in range(of.size)]
        if of.path == ACCOUNT_PATH:
            return self.account()
        match of.size:
            case 20:
                return self.address()
            case 32:
                return self.hash()
        return bytes(self.random.randrange(256) for _ in range(of.size))

    def account(self) -> bytes:
        if self.facts.related and self.chance(20):
            return self.choice(self.facts.related)
        return self.choice(self.facts.accounts)

    def address(self) -> bytes:
        """An EVM address: a contract's, or an account's."""
        contracts = [found for found in self.facts.seen if len(found) == 20]
        if contracts and self.chance(70):
            return self.choice(contracts)
        return self.account()[:20]

    def hash(self) -> bytes:
        """32 bytes: the shard, an account, something seen before, nothing."""
        seen = [found for found in self.facts.seen if len(found) == 32]
        match self.random.randrange(4):
            case 0:
                return self.account()
            case 1:
                return bytes([self.choice(SMALL) & 255]).rjust(32, b"\0")
            case 2 if seen:
                return self.choice(seen)
        return self.facts.shard

    def sequence(self, of: Sequence) -> Any:
        if of.item is None:
            return bytes([self.random.randrange(256)]) * min(self.length(), of.limit or 1 << 32)
        most = min(MAX_ITEMS, MAX_ITEMS if of.limit is None else of.limit)
        return [self.value(of.item) for _ in range(self.random.randrange(most + 1))]

    def tuple_of(self, of: TupleOf) -> Any:
        return tuple(self.value(item) for item in of.items) or None

    def option(self, of: OptionOf) -> Any:
        return self.value(of.item) if self.chance(60) else None

    def result(self, of: ResultOf) -> Any:
        return Ok(self.value(of.ok))

    def map_of(self, of: MapOf) -> Any:
        return {self.value(of.key): self.value(of.value) for _ in range(self.random.randrange(MAX_ITEMS + 1))}

    def compact(self, of: CompactOf) -> int:
        return self.integer(of.integer)

    def composite(self, of: Composite) -> Any:
        return of.build(*(self.value(f.hint) for f in of.fields))

    def variants(self, of: Variants) -> Any:
        if of.path == AssetId.scale_path and self.facts.assets and self.chance(80):
            return self.choice(self.facts.assets)
        chosen = self.choice(of.variants)
        return chosen.build(*(self.value(f.hint) for f in chosen.fields))


DRAWS: Final[dict[type, Callable[[Arbitrary, Any], Any]]] = {
    Primitive: Arbitrary.primitive,
    CompactOf: Arbitrary.compact,
    Array: Arbitrary.array,
    Sequence: Arbitrary.sequence,
    TupleOf: Arbitrary.tuple_of,
    OptionOf: Arbitrary.option,
    ResultOf: Arbitrary.result,
    MapOf: Arbitrary.map_of,
    Composite: Arbitrary.composite,
    Variants: Arbitrary.variants,
}

NAMED: Final[dict[str, Callable[[Arbitrary], Any]]] = {
    "shard": lambda draw: draw.facts.shard,
    "parentchain": lambda draw: ParentchainId.Integritee,
    "class_id": lambda draw: draw.facts.sender[0] % 2 if draw.chance(60) else draw.random.randrange(3),
    "beneficiary": lambda draw: draw.choice(VOUCHERS) if draw.chance(30) else draw.account(),
    "secret": lambda draw: draw.choice(SECRETS),
    "source": lambda draw: draw.facts.sender[:20],
    "address": lambda draw: draw.facts.sender[:20] if draw.chance(60) else draw.address(),
    "init": lambda draw: draw.choice(evm.PROGRAMS),
    "input": lambda draw: draw.choice(evm.INPUTS),
    "gas_limit": lambda draw: draw.choice(evm.GAS_LIMITS),
    "max_fee_per_gas": lambda draw: draw.choice(evm.GAS_PRICES),
    "max_priority_fee_per_gas": lambda draw: draw.choice((None, None, 0, 1)),
    "nonce": lambda draw: draw.choice((None, None, None, 0, 1)),
}
"""By name of the argument."""


def values(hint: Hint, facts: Facts) -> SearchStrategy[Any]:
    """Hypothesis strategy for values of a hint."""
    return st.randoms(use_true_random=False).map(lambda random: Arbitrary(random, facts).value(hint))


def arguments(declared: Items[Argument], facts: Facts) -> SearchStrategy[tuple[Any, ...]]:
    """Hypothesis strategy for the arguments of a call or getter whose sender is `facts.sender`."""
    return st.randoms(use_true_random=False).map(lambda random: Arbitrary(random, facts).arguments(declared))

"""What is sent, in which shares: ``transfer=80,getter=20``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

from .errors import InvalidMix

TRANSFER, NOTE, NOOP, GETTER, PUBLIC = ("transfer", "note", "noop", "getter", "public")

CALLS: Final = {
    TRANSFER: "a transfer to another account",
    NOTE: "a transfer with a note, of which both accounts find a copy",
    NOOP: "a call that does nothing but pay",
}
GETTERS: Final = {
    GETTER: "nonce and funds of an account, signed by it",
    PUBLIC: "the total issuance, for everybody",
}
KINDS: Final = {**CALLS, **GETTERS}
"""What there is, and what that is."""

MAX_WEIGHT: Final = 1_000_000


@dataclass(frozen=True)
class Mix:
    """Weights by kind, all above zero."""

    weights: dict[str, int]

    @classmethod
    def parse(cls, text: str) -> Self:
        """``KIND=WEIGHT,…``; a kind alone has weight 1. Raises InvalidMix."""
        weights: dict[str, int] = {}
        for part in text.split(","):
            kind, _, weight = part.strip().partition("=")
            if kind not in KINDS:
                raise InvalidMix(text, f"there are {', '.join(KINDS)}")
            if kind in weights:
                raise InvalidMix(text, f"{kind} stands there twice")
            if not (weight or "1").isdecimal() or not 1 <= int(weight or 1) <= MAX_WEIGHT:
                raise InvalidMix(text, f"a weight is a number from 1 to {MAX_WEIGHT}")
            weights[kind] = int(weight or 1)
        return cls(weights)

    def __str__(self) -> str:
        return ",".join(f"{kind}={weight}" for kind, weight in self.weights.items())

    def share(self, *kinds: str) -> float:
        """Of all requests, those of these kinds."""
        return sum(self.weights.get(kind, 0) for kind in kinds) / sum(self.weights.values())

    def draw(self) -> Iterator[str]:
        """Kinds without end, spread evenly: of the first n requests each kind has its share, give or take less than
        the number of kinds (smooth weighted round robin)."""
        total, credit = sum(self.weights.values()), dict.fromkeys(self.weights, 0)
        while True:
            for kind, weight in self.weights.items():
                credit[kind] += weight
            chosen = max(credit, key=credit.__getitem__)
            credit[chosen] -= total
            yield chosen

"""The accounts of a community: their keys follow from its seed, in the order in which they join.

They are written to the key store of the shard, where `integritee-cli trusted` finds them. Whoever knows the seed has
the keys: they are for communities of bots and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from integritee.client.keystore import SR25519, KeyStore
from integritee.crypto import Sr25519Pair, blake2_256

DOMAIN: Final = "encointer bot"


@dataclass(frozen=True)
class Agent:
    """Number `number` of its community, from 0."""

    number: int
    pair: Sr25519Pair

    @property
    def account(self) -> bytes:
        return self.pair.public


class Agents:
    """Those whose keys are in the store, in order. Numbers have no gaps."""

    def __init__(self, seed: int, store: KeyStore) -> None:
        self._seed, self._store = seed, store
        kept = set(store.public_keys(SR25519))
        self._all: list[Agent] = []
        while (agent := self._agent(len(self._all))).account in kept:
            self._all.append(agent)

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Agent]:
        return iter(self._all)

    def grow(self, count: int) -> list[Agent]:
        """New ones, whose keys are in the store before anybody hears of them."""
        newcomers = [self._agent(len(self._all) + i) for i in range(count)]
        for agent in newcomers:
            self._store.insert(SR25519, self._secret(agent.number), agent.account)
        self._all += newcomers
        return newcomers

    def dismiss(self, remaining: int) -> None:
        """Forget all but the first ones, with their keys: a community begins anew."""
        for agent in self._all[remaining:]:
            self._store.remove(SR25519, agent.account)
        del self._all[remaining:]

    def _agent(self, number: int) -> Agent:
        return Agent(number, Sr25519Pair.from_uri(self._secret(number)))

    def _secret(self, number: int) -> str:
        return "0x" + blake2_256(f"{DOMAIN} {number} of {self._seed}".encode()).hex()

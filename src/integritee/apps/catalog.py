"""Which apps there are, and the ledger that a configuration makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from typing import Final, Self

from integritee.scale import Struct, codec
from integritee.stf.declare import App
from integritee.stf.ledger import Ledger
from integritee.stf.native import NATIVE_APPS, Development

BUILT_IN: Final[dict[str, str]] = {
    "guess_the_number": "integritee.apps.guess_the_number:GuessTheNumber",
    "credits": "integritee.apps.credits:Credits",
    "evm": "integritee.apps.evm:EvmApp",
}
"""Where the project's own apps are, by name."""

DEFAULT_APPS: Final[tuple[str, ...]] = ("guess_the_number", "credits")
"""Apps of a worker that is told nothing else."""


class LedgerConfig(Struct, frozen=True):
    """What is measured with the code: names of apps beside the ledger's own, and whether it is for development."""

    apps: list[str]
    development: bool

    @classmethod
    def of(cls, named: Sequence[str], development: bool) -> Self:
        """The configuration of a worker that is told to run the `named` apps beside the usual ones."""
        return cls(list(dict.fromkeys((*DEFAULT_APPS, *named))), development)

    def encode(self) -> bytes:
        return CONFIG.encode(self)


CONFIG: Final = codec(LedgerConfig)


def find_app(name: str) -> type[App]:
    """The app of a name."""
    module, _, attribute = BUILT_IN[name].partition(":")
    app: type[App] = getattr(import_module(module), attribute)
    return app


@lru_cache(16)
def _ledger(apps: tuple[str, ...], development: bool) -> Ledger:
    extra = (Development,) if development else ()
    return Ledger((*NATIVE_APPS, *map(find_app, apps), *extra), development=development)


def ledger_of(config: LedgerConfig) -> Ledger:
    """The ledger of a configuration. Raises IndexClash."""
    return _ledger(tuple(config.apps), config.development)


DEFAULT_LEDGER: Final = ledger_of(LedgerConfig.of((), False))
"""The ledger of a worker that is told nothing else."""


def client_ledger() -> Ledger:
    """All that a client may want to say: every app at hand."""
    return _ledger(tuple(BUILT_IN), True)

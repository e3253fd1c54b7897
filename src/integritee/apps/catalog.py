"""Which apps there are, and the ledger that a configuration makes of them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Self

from integritee.errors import IntegriteeError
from integritee.scale import Bytes32, Struct, codec, u8
from integritee.stf.ledger import Ledger
from integritee.stf.native import NATIVE_APPS, Development

from .discovery import AppSource, find, installed_apps
from .errors import CustodiansRefused, NameTaken
from .loading import load
from .trial import try_out

BUILT_IN: Final[dict[str, str]] = {
    "guess_the_number": "integritee.apps.guess_the_number:GuessTheNumber",
    "credits": "integritee.apps.credits:Credits",
    "evm": "integritee.apps.evm:EvmApp",
    "encointer": "integritee.apps.encointer:Encointer",
}
"""Where the project's own apps are, by name."""

DEFAULT_APPS: Final[tuple[str, ...]] = ("guess_the_number", "credits")
"""Apps of a worker that is told nothing else."""

MAX_CUSTODIANS: Final = 32

log = logging.getLogger(__name__)


class LedgerConfig(Struct, frozen=True):
    """Apps beside the ledger's own, by name or (in development) by folder, and whether it is for development.

    `custodians` are the X25519 public keys of those who can recover a shard together, `custodian_threshold` of them
    at a time; without any nobody can."""

    apps: list[str]
    development: bool
    custodians: list[Bytes32] = []
    custodian_threshold: u8 = 0

    @classmethod
    def of(
        cls, named: Sequence[str], development: bool, custodians: Sequence[bytes] = (), custodian_threshold: int = 0
    ) -> Self:
        """The configuration of a worker that is told to run the `named` apps beside the usual ones.

        Raises CustodiansRefused.
        """
        apps = list(dict.fromkeys((*DEFAULT_APPS, *named)))
        return cls(apps, development, _custodians(custodians, custodian_threshold), custodian_threshold)

    def sources(self) -> tuple[AppSource, ...]:
        """Where its apps are, by name. Raises what finding an app raises (`discovery.find`)."""
        found: dict[str, AppSource] = {}
        for reference in self.apps:
            source = find(reference, BUILT_IN, folders=self.development)
            other = found.setdefault(source.name, source)
            if other != source:
                raise NameTaken(source.name, (str(s.folder or s.target) for s in (source, other)))
        return tuple(found[name] for name in sorted(found))

    def packages(self) -> tuple[str, ...]:
        """Packages of apps that do not come with the project; what is in them is measured as well."""
        return tuple(dict.fromkeys(s.package for s in self.sources() if not s.comes_with_the_project))

    def encode(self) -> bytes:
        """What is measured with the code: which class is which app, wherever it is installed, and who the custodians
        are; a ledger without any is measured as it was before there were such."""
        measured = MEASURED.encode((list(map(str, self.sources())), self.development))
        return measured + CUSTODIANS.encode((self.custodians, self.custodian_threshold)) * bool(self.custodians)


MEASURED: Final = codec(tuple[list[str], bool])
CUSTODIANS: Final = codec(tuple[list[Bytes32], u8])


def _custodians(keys: Sequence[bytes], threshold: int) -> list[bytes]:
    """In the order of their keys: who is named first does not matter."""
    found = sorted(set(keys))
    if len(found) != len(keys) or any(len(key) != 32 for key in found):
        raise CustodiansRefused("a key is not of 32 bytes, or named twice")
    if len(found) > MAX_CUSTODIANS:
        raise CustodiansRefused(f"more than {MAX_CUSTODIANS}")
    if not (1 <= threshold <= len(found)) and (found or threshold):
        raise CustodiansRefused(f"a threshold of {threshold} with {len(found)} custodians")
    return found


def ledger_of(config: LedgerConfig) -> Ledger:
    """The ledger of a configuration. Raises AppError in many ways (`errors`), IndexClash."""
    return _ledger(config.sources(), config.development)


@lru_cache(16)
def _ledger(sources: tuple[AppSource, ...], development: bool) -> Ledger:
    apps = [load(source) for source in sources]
    for source, app in zip(sources, apps, strict=True):
        if not source.comes_with_the_project:
            try_out(app)
    extra = (Development,) if development else ()
    return Ledger((*NATIVE_APPS, *apps, *extra), development=development)


DEFAULT_LEDGER: Final = ledger_of(LedgerConfig(list(DEFAULT_APPS), False))
"""The ledger of a worker that is told nothing else."""


def client_ledger(extra: Sequence[str] = ()) -> Ledger:
    """All that a client may want to say: every app of the project, those in `extra` by name or folder, and all
    others that are installed and get on with these. Raises as `ledger_of`, for the project's and `extra` only."""
    return _client_ledger(tuple(extra))


@lru_cache(16)
def _client_ledger(extra: tuple[str, ...]) -> Ledger:
    sources = LedgerConfig(list(dict.fromkeys((*BUILT_IN, *extra))), True).sources()
    ledger = _ledger(sources, True)
    for name in sorted(installed_apps().keys() - {source.name for source in sources}):
        try:
            wider = (*sources, find(name, BUILT_IN, folders=False))
            ledger, sources = _ledger(wider, True), wider
        except IntegriteeError as unusable:
            log.warning("the installed app %s is left out: %s (%s)", name, unusable, unusable.code)
    return ledger

"""Which node of a chain to talk to: the first in the operator's order that serves, another one when it fails.

Policy only: `now` is seconds of any monotonic clock, randomness comes in as a number in [0, 1). An endpoint that
failed rests for a while, longer each time; one that did wrong comes after all others for a while, for what it does
may be done again. No endpoint is given up: with a single one, or when all did wrong, there is nobody else to ask, and
the enclave verifies every answer anyway.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

FIRST_PAUSE: Final = 0.5
"""Seconds an endpoint rests after its first failure; doubles with each further one."""

MAX_PAUSE: Final = 10.0
JITTER: Final = 0.25
"""Greatest part of a pause that chance takes away: workers of one node do not return all at once."""

MAX_BEHIND: Final = 20
"""Blocks a node's finalized head may be behind the best one known."""


class Fault(enum.Enum):
    """What was wrong with an endpoint."""

    UNREACHABLE = "unreachable"
    """No connection, or it broke."""
    REFUSED = "refused"
    """The enclave could not use what came, which is not the endpoint's fault."""
    SLOW = "slow"
    """A request was not answered in time."""
    SILENT = "silent"
    """It tells of no new blocks."""
    BEHIND = "behind"
    """Others have more finalized blocks."""
    INCOMPLETE = "incomplete"
    """It does not have what a light client needs: pruned state or blocks, no justifications."""
    WRONG_CHAIN = "wrong chain"
    LIED = "lied"
    """The enclave found its evidence to be bad."""


DEMOTION: Final[dict[Fault, float]] = {
    Fault.UNREACHABLE: 0.0,
    Fault.REFUSED: 0.0,
    Fault.SLOW: 30.0,
    Fault.SILENT: 60.0,
    Fault.BEHIND: 60.0,
    Fault.INCOMPLETE: 300.0,
    Fault.WRONG_CHAIN: 600.0,
    Fault.LIED: 600.0,
}
"""Seconds for which an endpoint comes after all others."""


@dataclass
class Health:
    """What is known of one endpoint. `failures` are those since it last served; `head` is its own claim."""

    url: str
    failures: int = 0
    rests_until: float = float("-inf")
    demoted_until: float = float("-inf")
    head: int | None = None
    latest_fault: Fault | None = None


def pause(failures: int, roll: float, longest: float = MAX_PAUSE) -> float:
    """Seconds to rest, at most `longest`, after so many failures in a row; `roll` in [0, 1) is chance."""
    doublings = min(failures - 1, 32)  # far beyond the limit already
    return min(FIRST_PAUSE * 2.0**doublings, longest) * (1 - JITTER * roll)


class Endpoints:
    """The endpoints of one chain, in the operator's order. `current` is the one in use, `switches` counts changes."""

    def __init__(self, urls: Sequence[str]) -> None:
        """At least one URL; raises ValueError without."""
        if not urls:
            raise ValueError("a chain needs an endpoint")
        self._all = [Health(url) for url in dict.fromkeys(urls)]
        self.current: str | None = None
        self.switches = 0

    @property
    def shown(self) -> str | None:
        """`current` as it may be shown."""
        return None if self.current is None else shown(self.current)

    def choose(self, now: float) -> tuple[str, float]:
        """The endpoint to use next, and the seconds to wait before."""
        ready = [health for health in self._all if health.rests_until <= now]
        if ready:
            chosen = min(ready, key=lambda health: health.demoted_until > now)  # the first of the best
        else:
            chosen = min(self._all, key=lambda health: health.rests_until)
        if self.current not in (None, chosen.url):
            self.switches += 1
        self.current = chosen.url
        return chosen.url, max(chosen.rests_until - now, 0.0)

    def failed(self, url: str, fault: Fault, now: float, roll: float) -> None:
        """Note a fault. What the endpoint claimed to have is forgotten: it may have been the lie."""
        health = self._of(url)
        health.failures += 1
        health.rests_until = now + pause(health.failures, roll)
        health.demoted_until = max(health.demoted_until, now + DEMOTION[fault])
        health.head, health.latest_fault = None, fault

    def served(self, url: str) -> None:
        """Note that the enclave accepted something from it: its next failure is its first."""
        health = self._of(url)
        health.failures, health.latest_fault = 0, None

    def claims(self, url: str, head: int) -> None:
        """Note the number of an endpoint's finalized head, as it says."""
        self._of(url).head = head

    def is_behind(self, url: str, verified: int) -> bool:
        """Whether an endpoint's head is too far behind the enclave's (`verified`) or what another one claims."""
        own = self._of(url).head
        heads = [health.head for health in self._all if health.head is not None]
        return own is not None and own + MAX_BEHIND < max(verified, *heads)

    def others(self, now: float) -> list[str]:
        """Endpoints in good standing beside the one in use."""
        return [
            health.url
            for health in self._all
            if health.url != self.current and health.rests_until <= now and health.demoted_until <= now
        ]

    def latest_fault(self, url: str) -> Fault | None:
        """The fault since it last served, if any."""
        return self._of(url).latest_fault

    def _of(self, url: str) -> Health:
        return next(health for health in self._all if health.url == url)


def shown(url: str) -> str:
    """A URL for logs and status: scheme, host and port; user, password, path and query may be secrets."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port is not None else "")


EVIDENCE: Final = "parentchain."
"""Codes of the enclave's errors about what it was shown of a chain begin so."""

NO_LIES: Final[dict[str, Fault]] = {
    "parentchain.empty_chain": Fault.REFUSED,
    "parentchain.chain_too_long": Fault.REFUSED,
    "parentchain.already_finalized": Fault.REFUSED,
    "parentchain.too_many_leaps": Fault.REFUSED,
    "parentchain.warped_too_far": Fault.REFUSED,
    "parentchain.checkpoint_too_late": Fault.REFUSED,
    "parentchain.missing_justification": Fault.INCOMPLETE,
    "parentchain.crosses_set_change": Fault.INCOMPLETE,
    "parentchain.forced_change": Fault.REFUSED,
    "parentchain.invalid_checkpoint": Fault.REFUSED,
    "parentchain.foreign_checkpoint": Fault.WRONG_CHAIN,
    "parentchain.unknown_state_format": Fault.REFUSED,
    "parentchain.finality_downgrade": Fault.REFUSED,
    "parentchain.not_parachain": Fault.REFUSED,
    "parentchain.foreign_para": Fault.REFUSED,
    "parentchain.nothing_to_leap_by": Fault.REFUSED,
    "parentchain.unexpected_relay_finality": Fault.REFUSED,
    "parentchain.missing_relay_finality": Fault.INCOMPLETE,
}
"""Refusals of evidence that say nothing about the honesty of who gave it."""

BEYOND_EVIDENCE: Final[dict[str, Fault]] = {
    "enclave.foreign_genesis": Fault.WRONG_CHAIN,
    "enclave.metadata_changed": Fault.LIED,
}


RELAY_FAULTS: Final[dict[str, Fault]] = {
    "parentchain.relay_chain_refused": Fault.LIED,
    "parentchain.para_head_not_proven": Fault.LIED,
    "parentchain.no_para_head": Fault.INCOMPLETE,
    "parentchain.foreign_relay_chain": Fault.WRONG_CHAIN,
}
"""Refusals that speak against the endpoint of the relay chain instead."""


def fault_of(code: str) -> Fault:
    """What a refusal of the enclave, by its code, says about the endpoint whose answers it saw."""
    if code in RELAY_FAULTS:
        return Fault.REFUSED
    if code in BEYOND_EVIDENCE:
        return BEYOND_EVIDENCE[code]
    if code.startswith(EVIDENCE):
        return NO_LIES.get(code, Fault.LIED)
    return Fault.REFUSED

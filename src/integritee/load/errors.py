"""Errors of the load generator.

LoadError
├── InvalidMix           shares of kinds of requests cannot be read
├── GeneratorFailed      a process of the generator ended before it had reported
├── HandshakeRefused     a worker does not open a WebSocket
├── TooLittleFunds       the account that pays for the load has not enough in the private ledger
└── NothingSustained     already the lowest rate is too much
"""

from __future__ import annotations

from integritee.errors import IntegriteeError


class LoadError(IntegriteeError):
    code = "load"


class InvalidMix(LoadError):
    """Write a mix as ``transfer=80,getter=20``."""

    code = "load.invalid_mix"

    def __init__(self, text: str, reason: str) -> None:
        self.text, self.reason = text, reason
        super().__init__(f"no mix of requests: {text!r}; {reason}")


class GeneratorFailed(LoadError):
    """What it said last is on standard error."""

    code = "load.generator_failed"

    def __init__(self, exit_code: int) -> None:
        self.exit_code = exit_code
        super().__init__(f"a process of the load generator ended with {exit_code}")


class HandshakeRefused(LoadError):
    code = "load.handshake_refused"

    def __init__(self, url: str, reason: str) -> None:
        self.url, self.reason = url, reason
        super().__init__(f"{url} opens no WebSocket: {reason}")


class TooLittleFunds(LoadError):
    """Shield funds for that account first, or send fewer calls."""

    code = "load.too_little_funds"

    def __init__(self, needed: int, held: int) -> None:
        self.needed, self.held = str(needed), str(held)
        super().__init__(f"the calls cost {needed} base units, the account that pays for them has {held}")


class NothingSustained(LoadError):
    """Begin with a lower rate, or allow a higher latency."""

    code = "load.nothing_sustained"

    def __init__(self, rate: float) -> None:
        self.rate = str(rate)
        super().__init__(f"not even {rate:g} requests per second are served within the bound")

"""One thing the doctor noticed."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from .advice import advice_for


class Severity(enum.Enum):
    INFO = "info"
    """Worth knowing; a healthy directory may have it."""
    WARNING = "warning"
    """A worker would run, but not for long or not well."""
    ERROR = "error"
    """A worker would not run."""


@dataclass(frozen=True)
class Finding:
    """`code` is stable; `facts` are for machines. `repair` says what `--repair` does about it, None if nothing."""

    severity: Severity
    code: str
    message: str
    facts: dict[str, str | int | bool | None] = field(default_factory=dict)
    repair: str | None = None
    is_repaired: bool = False

    @property
    def advice(self) -> str | None:
        """What to do about it; None where nothing is to be done."""
        return None if self.severity is Severity.INFO else advice_for(self.code)

    @property
    def counts(self) -> bool:
        """Whether the directory is not healthy because of it."""
        return self.severity is not Severity.INFO and not self.is_repaired

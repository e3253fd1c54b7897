"""What a simulation can end with.

SimulationError
├── LawBroken      simulation.law_broken
└── UnknownName    simulation.unknown_name
"""

from __future__ import annotations

from integritee.errors import IntegriteeError


class SimulationError(IntegriteeError):
    """A simulation cannot go on."""

    code = "simulation.error"


class LawBroken(SimulationError):
    """What must hold in every run did not."""

    code = "simulation.law_broken"

    def __init__(self, law: str, detail: str) -> None:
        self.law, self.detail = law, detail
        super().__init__(f"{law}: {detail}")


class UnknownName(SimulationError):
    """A fault, attack or planted bug has no such name."""

    code = "simulation.unknown_name"

    def __init__(self, kind: str, name: str, known: str) -> None:
        self.kind, self.name, self.known = kind, name, known
        super().__init__(f"there is no {kind} {name!r}; there are {known}")

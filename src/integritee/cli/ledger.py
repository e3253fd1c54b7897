"""Which ledger the commands speak of: the project's apps, and those that the user names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from integritee.stf.ledger import Ledger

VARIABLE: Final = "INTEGRITEE_APPS"
"""Names or paths of apps, separated as in $PATH."""


def ledger_with(named: Sequence[str]) -> Ledger:
    """The ledger with the apps of the option ``--app`` and of the environment. Raises what loading apps raises."""
    from integritee.apps.catalog import client_ledger

    usual = [app for app in os.environ.get(VARIABLE, "").split(os.pathsep) if app]
    return client_ledger(tuple(dict.fromkeys((*usual, *named))))

"""Where verbs of `trusted` go: directly below it, or into a group such as ``trusted assets``."""

from __future__ import annotations

import inspect

from integritee.stf.ledger import Ledger

from .arguments import Commands, group
from .declared import verb_of


class Groups:
    """Groups below `verbs`, each made with its first verb. Every app whose calls bear its name has one."""

    def __init__(self, verbs: Commands, ledger: Ledger) -> None:
        self._verbs = verbs
        self._made: dict[str, Commands] = {}
        self._about = {verb_of(app.name): _first_line(inspect.getdoc(app)) for app in ledger.apps}
        self._about["assets"] = "assets of the parentchain in the private ledger"

    def of(self, name: str | None) -> Commands:
        """Where verbs of a group go, directly below without one. The group of an app that is called as a command of
        the original is ``app-<name>``."""
        if name is None:
            return self._verbs
        if name not in self._made:
            free = f"app-{name}" if name in self._verbs.choices else name
            self._made[name] = group(self._verbs, free, self._about[name], f"verb of {name}")
        return self._made[name]


def _first_line(docs: str | None) -> str:
    return (docs or "").partition("\n")[0]

"""Whether the declarations of an app make a ledger, found out before anything depends on it."""

from __future__ import annotations

import inspect
from typing import Final

from integritee.frame.metadata import metadata_v14
from integritee.primitives.ids import AccountId
from integritee.stf.declare import App, GetterDef, TrustedCallDef, declared
from integritee.stf.ledger import CALL, PUBLIC_GETTER, TRUSTED_GETTER, IndexClash, Ledger
from integritee.stf.native import NATIVE_APPS

from .errors import AppBroken
from .loading import reason_of

DISCRIMINANTS: Final = range(256)


def try_out(app: type[App]) -> None:
    """Make the ledger of this app alone, with its wire types and metadata. Raises AppBroken, IndexClash."""
    try:
        _check_methods(app)
        ledger = Ledger((*NATIVE_APPS, app))
        ledger.runtime()
        metadata_v14(ledger.runtime)
    except (AppBroken, IndexClash):
        raise
    except Exception as broken:
        raise AppBroken(app.name, reason_of(broken)) from broken


def _check_methods(app: type[App]) -> None:
    """Who signs comes first; arguments that a declaration mentions are there; answers have a type."""
    calls: list[TrustedCallDef] = declared(app, CALL)
    getters: list[GetterDef] = declared(app, TRUSTED_GETTER)
    public: list[GetterDef] = declared(app, PUBLIC_GETTER)
    signed: list[TrustedCallDef | GetterDef] = [*calls, *getters]
    for definition in (*signed, *public):
        _expect(app, definition.index in DISCRIMINANTS, f"{definition.name} has index {definition.index}, no byte")
    for definition in signed:
        first = next(iter(definition.arguments), None)
        signs = first is not None and first.hint == AccountId
        _expect(app, signs, f"the first argument of {definition.name} is not the AccountId that signs")
    for call in calls:
        unknown = {*call.linked, *filter(None, (call.spends,))} - {a.name for a in call.arguments}
        _expect(app, not unknown, f"{call.name} has no argument {', '.join(sorted(unknown))}")
    for getter in (*getters, *public):
        answers = "return" in inspect.get_annotations(getter.method)
        _expect(app, answers, f"{getter.name} does not say what it returns")


def _expect(app: type[App], holds: bool, otherwise: str) -> None:
    if not holds:
        raise AppBroken(app.name, otherwise)

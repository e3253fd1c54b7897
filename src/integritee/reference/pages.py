"""Reference pages of trusted calls and getters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from integritee.stf.declare import App, Authority, GetterDef, TrustedCallDef
from integritee.stf.ledger import Ledger
from integritee.stf.roles import Roles

from .annotations import Definition
from .js_types import JsTypes
from .markdown import GENERATED, codes, facts, first_paragraph, prose, sentence, table
from .raises import codes_raised

SENDERS: Final = {
    Authority.ANYONE: "the account itself",
    Authority.ENCLAVE: "the enclave itself",
    Authority.MAINTAINER: "the maintainer of the network",
    Authority.ROOT: "the sudo key of a development ledger",
}

CALLS: Final = """\
# Trusted calls

A call is its discriminant and its arguments in SCALE; those of an app stand behind the app's own discriminant. The
first argument is the account that the call is made for. It must be signed by that account, or by a session proxy of
it with one of the roles named. Types are those of [types.json](types.json), which JavaScript clients can register;
methods of the same names are in `integritee.client.typed`.

What is signed: call ‖ nonce (u32) ‖ MRENCLAVE ‖ shard, plain or within `<Bytes>…</Bytes>`.

A token is 10^decimals base units of the chain that funds come from. Whoever cannot pay a fee in the native token
pays it in the first asset that suffices: the same share of a unit of it, scaled by what the asset is worth.

Any call can fail with `stf.invalid_signature`, `stf.invalid_nonce`, `stf.missing_funds` (its fee) or `stf.filtered`
(the shard is in maintenance or has retired); the call of a session proxy also with `stf.missing_privileges`,
`stf.session_proxy_expired`, `stf.role_too_small` or `stf.allowance_exceeded`; and the pool refuses with codes of its
own. *Errors* are those beyond these. A call that fails after its fee was paid keeps fee and nonce and changes nothing
else. [errors.md](errors.md) explains all codes.
"""

GETTERS: Final = """\
# Getters

A trusted getter is about an account, its first argument. It must be signed by that account, or by a session proxy of
it with one of the roles named. Public getters need no signature. Types are those of [types.json](types.json).

What is signed: the getter in SCALE, plain or within `<Bytes>…</Bytes>`. The answer is an `Option<Bytes>` that holds
the type named; `None` if there is nothing to answer.

A trusted getter can be refused with `stf.invalid_signature`, `stf.missing_privileges`, `stf.session_proxy_expired` or
`stf.role_too_small`. [errors.md](errors.md) explains all codes.
"""


def calls_page(ledger: Ledger) -> str:
    """Every trusted call of a ledger, by app."""
    return GENERATED + CALLS + _Page(ledger).apps(ledger.calls, _Page.call, 2)


def getters_page(ledger: Ledger) -> str:
    """Every getter of a ledger, by app."""
    page = _Page(ledger)
    trusted = page.apps(ledger.trusted_getters, _Page.trusted_getter, 3)
    public = page.apps(ledger.public_getters, _Page.public_getter, 3)
    return f"{GENERATED}{GETTERS}\n## Trusted getters\n{trusted}\n## Public getters\n{public}"


class _Page:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._types = JsTypes(ledger)

    def apps(self, definitions: dict[str, Any], describe: Callable[[_Page, Any], str], level: int) -> str:
        """Apps in the order of the ledger, what they declare by discriminant."""
        parts: list[str] = []
        for app in self._ledger.apps:
            own = [name for name, definition in definitions.items() if self._ledger.owners[definition] is app]
            if own:
                parts.append(f"\n{'#' * level} {_title(app)}\n\n{_introduction(app)}\n")
            for name in sorted(own, key=lambda name: int(definitions[name].index)):
                parts.append(f"\n{'#' * (level + 1)} {name}\n\n{describe(self, definitions[name])}")
        return "".join(parts)

    def call(self, call: TrustedCallDef) -> str:
        app = self._ledger.owners[call]
        sender = SENDERS[call.authority] + ("" if call.in_production else "; on test networks only")
        roles = "" if call.authority is Authority.ENCLAVE else _roles(call.roles, call.spends)
        return self._description(call) + facts(
            (
                ("Discriminant", _discriminant(app, call)),
                ("Fee", first_paragraph(call.fee) or f"`{call.fee.__name__}`"),
                ("Sender", sender),
                ("Session proxies", roles),
                ("Receipt", f"a note of the call for {codes(call.linked)}" if call.linked else ""),
                ("Errors", self._errors(call)),
            )
        )

    def trusted_getter(self, getter: GetterDef) -> str:
        return self._description(getter) + self._getter_facts(getter, _roles(getter.roles, None))

    def public_getter(self, getter: GetterDef) -> str:
        return self._description(getter) + self._getter_facts(getter, "")

    def _getter_facts(self, getter: GetterDef, roles: str) -> str:
        return facts(
            (
                ("Discriminant", _discriminant(self._ledger.owners[getter], getter)),
                ("Answer", f"`{self._types.returns(getter)}`"),
                ("Session proxies", roles),
                ("Errors", self._errors(getter)),
            )
        )

    def _description(self, definition: Definition) -> str:
        rows = [(f"`{name}`", f"`{kind}`") for name, kind in self._types.arguments(definition).items()]
        arguments = table(("argument", "type"), rows) if rows else "No arguments.\n"
        return f"{prose(definition.docs)}\n\n{arguments}\n"

    def _errors(self, definition: Definition) -> str:
        ledger = self._ledger
        return codes(codes_raised(definition.method, ledger.owners[definition], ledger.runtime))


def _title(app: type[App]) -> str:
    return app.name.replace("_", " ").capitalize()


def _introduction(app: type[App]) -> str:
    about = sentence(first_paragraph(app))
    return about if app.index is None else f"{about} Discriminant of the app: {app.index}."


def _discriminant(app: type[App], definition: Definition) -> str:
    return str(definition.index) if app.index is None else f"{app.index}, then {definition.index}"


def _roles(roles: Roles, spends: str | None) -> str:
    return ", ".join(_role_names(roles, spends)) or "none"


def _role_names(roles: Roles, spends: str | None) -> Iterator[str]:
    for role in sorted(roles, key=lambda role: role.index):
        yield f"`{role.variant_name or role.__name__}`"
    if spends is not None:
        yield f"`TransferAllowance` (`{spends}` and fee are taken from it)"

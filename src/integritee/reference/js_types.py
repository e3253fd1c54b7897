"""The JSON type registry for clients on polkadot-js, from the ledger's declarations.

``{"types": …, "returns": …}``: the first is for `TypeRegistry.register`, the second names the type of each
getter's answer. Bytes and names are those of `@encointer/types` for all that package defines (`js_names`).
"""

from __future__ import annotations

import ast
import typing
from collections.abc import Callable, Sequence
from typing import Any, Final

from integritee.frame.errors import camel, snake
from integritee.primitives.enclave_bridge import Request
from integritee.primitives.ids import AccountId, MrEnclave, ParentchainId
from integritee.primitives.rpc import RpcReturnValue
from integritee.primitives.sidechain import SidechainHeader
from integritee.scale import Struct, shape
from integritee.scale import types as scale_types
from integritee.scale.shape import (
    Array,
    CompactOf,
    Composite,
    Field,
    Hint,
    MapOf,
    OptionOf,
    Placeholder,
    Primitive,
    ResultOf,
    TupleOf,
    Variants,
    VariantShape,
)
from integritee.scale.shape import (
    Sequence as SequenceOf,
)
from integritee.stf.declare import App, GetterDef, Raw
from integritee.stf.ledger import CALL, PUBLIC_GETTER, TRUSTED_GETTER, WIRE_TYPES, Ledger
from integritee.stf.operation import TrustedOperation
from integritee.stf.types import Utf8

from . import js_names
from .annotations import Definition, annotation, parameters_of, present

ROOTS: Final = {
    "TrustedOperation": TrustedOperation,
    "Request": Request,
    "RpcReturnValue": RpcReturnValue,
    "SidechainHeader": SidechainHeader,
    "Vault": tuple[AccountId, ParentchainId],
    "MrEnclave": MrEnclave,
}
"""What is on the wire beside the answers of getters."""


class JsTypes:
    """Definitions by name, each made when its name is first needed."""

    def __init__(self, ledger: Ledger) -> None:
        self.types: dict[str, Any] = {}
        self._ledger = ledger

    # -- names of types ------------------------------------------------------------------------------

    def root(self, name: str, hint: Hint) -> None:
        """Define a type that no other may need."""
        if isinstance(hint, type):
            self.name(hint)
        else:
            self._alias(name, hint)

    def arguments(self, definition: Definition) -> dict[str, str]:
        """Types of arguments by name, as the method spells them."""
        parameters = zip(definition.arguments, parameters_of(definition), strict=True)
        return {a.name: self._spelled(annotation(definition.method, p), a.hint) for a, p in parameters}

    def returns(self, definition: GetterDef) -> str:
        """Type of a getter's answer."""
        if definition.returns is Raw:
            return "Raw"
        node = annotation(definition.method, "return")
        return self._spelled(node and present(node), definition.returns)

    def _spelled(self, node: ast.expr | None, hint: Hint) -> str:
        """A type by its hint, under the names of aliases that were used to write it."""
        parts = [part for part in typing.get_args(hint) if part is not type(None)]
        match node:
            case ast.Name(id=name) if not isinstance(hint, type) and not hasattr(scale_types, name):
                return self._alias(name, hint)
            case ast.BinOp(left=left, op=ast.BitOr()) if len(parts) == 1:
                return f"Option<{self._spelled(left, parts[0])}>"
            case ast.Subscript(value=ast.Name(id="list"), slice=item):
                return f"Vec<{self._spelled(item, parts[0])}>"
            case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=items)):
                return f"({', '.join(map(self._spelled, items, parts))})"
        return self.name(hint)

    def _alias(self, alias: str, hint: Hint) -> str:
        name = js_names.TYPES.get(alias, alias)
        if name not in js_names.BUILT_IN and name not in self.types:
            self.types[name] = self.name(hint)
        return name

    def name(self, hint: Hint) -> str:
        """Name of the type of a hint; defines it if nobody else does."""
        if Utf8() in getattr(hint, "__metadata__", ()):
            return js_names.TYPES["str"]
        form = shape(hint)
        match form:
            case Primitive(name):
                return js_names.TYPES.get(name, name)
            case CompactOf(inner):
                return f"Compact<{self.name(inner)}>"
            case Array(None, size, path):
                return _wrapped(path) if path else f"[u8; {size}]"
            case Array(item, size):
                return f"[{self.name(item)}; {size}]"
            case SequenceOf(None):
                return js_names.TYPES["bytes"]
            case SequenceOf(item):
                return f"Vec<{self.name(item)}>"
            case TupleOf(items):
                return f"({', '.join(map(self.name, items))})" if items else "Null"
            case OptionOf(item):
                return f"Option<{self.name(item)}>"
            case ResultOf(ok, err):
                return f"Result<{self.name(ok)}, {self.name(err)}>"
            case MapOf(key, value):
                return f"BTreeMap<{self.name(key)}, {self.name(value)}>"
            case Composite(path):
                return self._define(_last(path), lambda name: self._fields(name, hint, form.fields))
            case Variants(path):
                return self._define(_last(path), lambda name: self._enum(name, form))
            case Placeholder(value):
                kind = next(kind for kind, wire in WIRE_TYPES.items() if wire is value)
                return self._define(value.__name__, lambda name: self._wire_enum(name, kind))
        raise TypeError(f"no JavaScript type for {hint!r}")

    def _define(self, name: str, make: Callable[[str], Any]) -> str:
        name = js_names.TYPES.get(name, name)
        if name not in js_names.BUILT_IN and name not in self.types:
            self.types[name] = None  # keeps its place, and ends a recursion
            self.types[name] = make(name)
        return name

    # -- structs and enums ---------------------------------------------------------------------------

    def _fields(self, owner: str, struct: type[Struct], fields: Sequence[Field]) -> dict[str, str]:
        return {_part(owner, f.name): self._spelled(annotation(struct, f.attribute), f.hint) for f in fields}

    def _enum(self, name: str, form: Variants) -> dict[str, Any]:
        spell = snake if name in js_names.SNAKE_CASE else str
        return _filled({v.index: (spell(v.name), self._variant(name, v)) for v in form.variants})

    def _variant(self, owner: str, variant: VariantShape) -> str | None:
        if not variant.fields:
            return None
        if variant.named:
            struct = typing.cast("type[Struct]", variant.build)
            return self._define(owner + variant.name, lambda name: self._fields(name, struct, variant.fields))
        items = [self._spelled(annotation(variant.build, f.attribute), f.hint) for f in variant.fields]
        return items[0] if len(items) == 1 else f"({', '.join(items)})"

    # -- calls and getters ---------------------------------------------------------------------------

    def _wire_enum(self, name: str, kind: str) -> dict[str, Any]:
        ledger = self._ledger
        held: dict[str, dict[str, Any]] = {
            CALL: ledger.calls,
            TRUSTED_GETTER: ledger.trusted_getters,
            PUBLIC_GETTER: ledger.public_getters,
        }
        variants: dict[int, tuple[str, str | None]] = {}
        for index, entry in ledger.layout(kind, held[kind].values()).items():
            if isinstance(entry, dict):
                app = ledger.owners[next(iter(entry.values()))]
                variants[index] = app.name, self._app_enum(app, kind, entry)
            else:
                variants[index] = entry.name, self._arguments(entry, "")
        return _filled(variants)

    def _app_enum(self, app: type[App], kind: str, entries: dict[int, Definition]) -> str:
        of_app = camel(app.name)

        def make(name: str) -> Any:
            return _filled({i: (_part(name, d.name), self._arguments(d, of_app)) for i, d in entries.items()})

        return self._define(of_app + WIRE_TYPES[kind].__name__, make)

    def _arguments(self, definition: Definition, of_app: str) -> str | None:
        """Type of a call's or getter's arguments: a tuple; for getters behind an app's index a struct."""
        if not definition.arguments:
            return None
        items = self.arguments(definition)
        if of_app and isinstance(definition, GetterDef):
            name = f"{camel(definition.name)}Arg"
            if self.types.get(name, items) != items:  # another app's
                name = of_app + name
            return self._define(name, lambda _: items)
        if len(items) == 1:
            return next(iter(items.values()))
        return self._define(f"{of_app}{camel(definition.name)}Args", lambda _: f"({', '.join(items.values())})")


def js_types(ledger: Ledger) -> dict[str, Any]:
    """The registry of a ledger, JSON-ready."""
    names = JsTypes(ledger)
    for name, hint in ROOTS.items():
        names.root(name, hint)
    returns = {
        kind: {name: names.returns(getter) for name, getter in getters.items()}
        for kind, getters in (("trusted", ledger.trusted_getters), ("public", ledger.public_getters))
    }
    return {"types": names.types, "returns": returns}


def _filled(variants: dict[int, tuple[str, str | None]]) -> dict[str, Any]:
    """The definition of an enum, whose variants are counted: there must be one for each index up to the last."""
    listed = [variants.get(index, (f"unused_index_{index}", None)) for index in range(max(variants) + 1)]
    return {"_enum": dict(listed)}


def _part(owner: str, name: str) -> str:
    return js_names.PARTS.get((owner, name), name)


def _wrapped(path: str) -> str:
    return js_names.TYPES.get(_last(path), _last(path))


def _last(path: str) -> str:
    return path.rpartition("::")[2]

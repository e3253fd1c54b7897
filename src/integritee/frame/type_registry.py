"""The portable type registry of metadata: every type once, by number (scale-info)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from integritee.primitives.era import Era
from integritee.primitives.ids import MultiAddress
from integritee.primitives.signature import MultiSignature
from integritee.scale import Compact, Enum, Struct, encode, encode_compact, shape, u8, u32
from integritee.scale.shape import (
    Array,
    CompactOf,
    Composite,
    Hint,
    MapOf,
    OptionOf,
    Placeholder,
    Primitive,
    ResultOf,
    Sequence,
    TupleOf,
    Variants,
    VariantShape,
)
from integritee.scale.types import Fixed

from .errors import snake
from .extrinsic import Extension, UncheckedExtrinsic
from .outer import RuntimeCall, RuntimeEvent
from .pallet import Pallet, calls_of
from .type_names import type_name

if TYPE_CHECKING:
    from .runtime import Runtime

PRIMITIVES = {
    name: i
    for i, name in enumerate(
        [
            "bool",
            "char",
            "str",
            "u8",
            "u16",
            "u32",
            "u64",
            "u128",
            "u256",
            "i8",
            "i16",
            "i32",
            "i64",
            "i128",
            "i256",
        ]
    )
}


class Field(Struct, frozen=True):
    name: str | None
    type_id: Compact[u32]
    type_name: str | None = None
    docs: list[str] = []


class VariantEntry(Struct, frozen=True):
    name: str
    fields: list[Field]
    index: u8
    docs: list[str]


class TypeDef(Enum, frozen=True):
    """How a type is built."""


class CompositeDef(TypeDef, frozen=True):
    index: ClassVar[int] = 0
    fields: list[Field]


class VariantsDef(TypeDef, frozen=True):
    index: ClassVar[int] = 1
    variants: list[VariantEntry]


class SequenceDef(TypeDef, frozen=True):
    index: ClassVar[int] = 2
    item: Compact[u32]


class ArrayDef(TypeDef, frozen=True):
    index: ClassVar[int] = 3
    length: u32
    item: Compact[u32]


class TupleDef(TypeDef, frozen=True):
    index: ClassVar[int] = 4
    items: list[Compact[u32]]


class PrimitiveDef(TypeDef, frozen=True):
    index: ClassVar[int] = 5
    primitive: u8


class CompactDef(TypeDef, frozen=True):
    index: ClassVar[int] = 6
    item: Compact[u32]


class TypeParameter(Struct, frozen=True):
    name: str
    type_id: Compact[u32] | None


class PortableType(Struct, frozen=True):
    type_id: Compact[u32]
    path: list[str]
    params: list[TypeParameter]
    definition: TypeDef
    docs: list[str]


class VariantDef(Struct, frozen=True):
    """A variant to register: name, fields, discriminant, docs."""

    name: str
    fields: list[Field]
    index: int
    docs: str = ""


class TypeRegistry:
    """Numbers types on first use. Types are told apart by hint, so equal hints share a number."""

    def __init__(self, runtime: type[Runtime]) -> None:
        self._runtime = runtime
        self._ids: dict[Any, int] = {}
        self._types: list[PortableType | None] = []

    def encoded(self) -> bytes:
        """Vec<PortableType>."""
        return encode_compact(len(self._types)) + b"".join(encode(PortableType, t) for t in self._types)

    def id_of(self, hint: Hint) -> int:
        """Number of a type; registers it and all it is made of."""
        if hint is Era:
            return self._era()
        if hint is UncheckedExtrinsic:
            return self.extrinsic()
        form = shape(hint)
        key = (type(form).__name__, form)
        if key not in self._ids:
            self._ids[key] = self._reserve()
            self._define(self._ids[key], form)
        return self._ids[key]

    def field(self, name: str | None, hint: Hint) -> Field:
        """A field of a type; registers it."""
        return Field(name, self.id_of(hint), type_name(hint))

    def composite(self, path: str, fields: tuple[Field, ...], params: tuple[TypeParameter, ...] = ()) -> int:
        return self._named(path, CompositeDef(list(fields)), params)

    def variant(self, path: str, variants: list[VariantDef], params: tuple[TypeParameter, ...] = ()) -> int:
        entries = [VariantEntry(v.name, v.fields, v.index, _lines(v.docs)) for v in variants]
        return self._named(path, VariantsDef(entries), params)

    def calls_of(self, pallet: type[Pallet]) -> int:
        """The pallet's call enum."""
        return self._once(("calls", pallet), f"{pallet.path}::pallet::Call", self._call_variants, pallet)

    def events_of(self, pallet: type[Pallet]) -> int:
        """The pallet's event enum."""
        return self._once(("events", pallet), f"{pallet.path}::pallet::Event", self._event_variants, pallet)

    def errors_of(self, pallet: type[Pallet]) -> int:
        """The pallet's error enum."""
        return self._once(("errors", pallet), f"{pallet.path}::pallet::Error", self._error_variants, pallet)

    def outer_error(self) -> int:
        """The enum of all pallets' errors."""
        if "error" not in self._ids:
            variants = self._outer(lambda p: p.Error.definitions(), self.errors_of)
            self._ids["error"] = self._named("::".join([*self._root, "RuntimeError"]), variants, ())
        return self._ids["error"]

    def extension(self, extension: Extension) -> int:
        """Type of a signed extension's data: a named wrapper, as polkadot-js expects."""
        path = extension.path
        if (("extension", path)) not in self._ids:
            fields = tuple(self.field(part.field if part.named else None, part.hint) for part in extension.parts)
            self._ids["extension", path] = self.composite(path, fields)
        return self._ids["extension", path]

    def extra(self) -> int:
        """What all signed extensions together add to an extrinsic."""
        if "extra" not in self._ids:
            number = self._ids["extra"] = self._reserve()
            ids = [self.extension(e) for e in self._runtime.signed_extensions]
            self._types[number] = PortableType(number, [], [], TupleDef(ids), [])
        return self._ids["extra"]

    def extrinsic(self) -> int:
        """The extrinsic type; clients read address, call and signature types from its parameters."""
        if "extrinsic" not in self._ids:
            params = (
                TypeParameter("Address", self.id_of(MultiAddress)),
                TypeParameter("Call", self.id_of(RuntimeCall)),
                TypeParameter("Signature", self.id_of(MultiSignature)),
                TypeParameter("Extra", self.extra()),
            )
            path = "sp_runtime::generic::unchecked_extrinsic::UncheckedExtrinsic"
            self._ids["extrinsic"] = self.composite(path, (self.field(None, bytes),), params)
        return self._ids["extrinsic"]

    # -- how types are defined -----------------------------------------------------------------------

    def _define(self, number: int, form: Any) -> None:
        path, params, definition = self._definition(form)
        self._types[number] = PortableType(number, path, params, definition, [])

    def _definition(self, form: Any) -> tuple[list[str], list[TypeParameter], TypeDef]:
        match form:
            case Primitive(name):
                return [], [], PrimitiveDef(PRIMITIVES[name])
            case CompactOf(inner):
                return [], [], CompactDef(self.id_of(inner))
            case Array(None, size, path) if path:
                inner = self.id_of(Annotated[bytes, Fixed(size)])
                return path.split("::"), [], CompositeDef([Field(None, inner, f"[u8; {size}]")])
            case Array(item, size):
                return [], [], ArrayDef(size, self.id_of(u8 if item is None else item))
            case Sequence(item, _, kind) if kind:
                return self._bounded(item, kind)
            case Sequence(item):
                return [], [], SequenceDef(self.id_of(u8 if item is None else item))
            case TupleOf(items):
                return [], [], TupleDef([self.id_of(i) for i in items])
            case OptionOf(item):
                some = self.id_of(item)
                variants = [VariantEntry("None", [], 0, []), VariantEntry("Some", [Field(None, some)], 1, [])]
                return ["Option"], [TypeParameter("T", some)], VariantsDef(variants)
            case ResultOf(ok, err):
                good, bad = self.id_of(ok), self.id_of(err)
                variants = [
                    VariantEntry("Ok", [Field(None, good)], 0, []),
                    VariantEntry("Err", [Field(None, bad)], 1, []),
                ]
                return ["Result"], [TypeParameter("T", good), TypeParameter("E", bad)], VariantsDef(variants)
            case MapOf(key, value):
                pairs = self.id_of(list[tuple[key, value]])  # type: ignore[valid-type]
                params = [TypeParameter("K", self.id_of(key)), TypeParameter("V", self.id_of(value))]
                return ["BTreeMap"], params, CompositeDef([Field(None, pairs)])
            case Composite(path, fields):
                shown = [self.field(f.name, f.hint) for f in fields]
                return path.split("::"), self._params(form.params), CompositeDef(shown)
            case Variants(path, variants_):
                entries = [VariantEntry(v.name, self._fields(v), v.index, _lines(v.docs)) for v in variants_]
                return path.split("::"), self._params(form.params), VariantsDef(entries)
            case Placeholder(name) if name is RuntimeCall:
                return [*self._root, "RuntimeCall"], [], self._outer(calls_of, self.calls_of)
            case Placeholder(name) if name is RuntimeEvent:
                found = self._outer(lambda p: p.Event.definitions(), self.events_of)
                return [*self._root, "RuntimeEvent"], [], found
        raise TypeError(f"no metadata form for {form!r}")

    def _bounded(self, item: Hint, kind: str) -> tuple[list[str], list[TypeParameter], TypeDef]:
        """BoundedVec and WeakBoundedVec: a Vec in a wrapper."""
        inner = self.id_of(bytes if item is None else list[item])
        params = [TypeParameter("T", self.id_of(u8 if item is None else item)), TypeParameter("S", None)]
        return ["bounded_collections", snake(kind), kind], params, CompositeDef([Field(None, inner)])

    def _params(self, params: tuple[tuple[str, Hint], ...]) -> list[TypeParameter]:
        return [TypeParameter(name, self.id_of(hint)) for name, hint in params]

    def _fields(self, variant: VariantShape) -> list[Field]:
        return [self.field(f.name if variant.named else None, f.hint) for f in variant.fields]

    @property
    def _root(self) -> list[str]:
        return [self._runtime.name]

    def _outer(self, has: Any, number: Any) -> VariantsDef:
        listed = sorted(self._runtime.uses.items(), key=lambda item: item[1].index)
        entries = [
            VariantEntry(self._runtime.pallet_name(a), [Field(None, number(u.pallet))], u.index, [])
            for a, u in listed
            if has(u.pallet)
        ]
        return VariantsDef(entries)

    def _call_variants(self, pallet: type[Pallet]) -> list[VariantEntry]:
        return [
            VariantEntry(d.name, [self.field(a.name, a.hint) for a in d.arguments], i, _lines(d.docs))
            for i, d in calls_of(pallet).items()
        ]

    def _event_variants(self, pallet: type[Pallet]) -> list[VariantEntry]:
        return [
            VariantEntry(
                e.name,
                [self.field(f.name if e.named else None, f.hint) for f in e.fields],
                e.index,
                _lines(e.docs),
            )
            for e in pallet.Event.definitions()
        ]

    def _error_variants(self, pallet: type[Pallet]) -> list[VariantEntry]:
        return [
            VariantEntry(e.name, [self.field(None, e.field)] if e.field else [], e.index, _lines(e.docs))
            for e in pallet.Error.definitions()
        ]

    def _once(self, key: Any, path: str, variants: Any, pallet: type[Pallet]) -> int:
        if key not in self._ids:
            number = self._ids[key] = self._reserve()
            definition = VariantsDef(variants(pallet))
            self._types[number] = PortableType(number, path.split("::"), [], definition, [])
        return self._ids[key]

    def _era(self) -> int:
        """Era as metadata shows it: Immortal, then Mortal1 … Mortal255 with one more byte each."""
        if "era" not in self._ids:
            byte = self.id_of(u8)
            mortal = [VariantDef(f"Mortal{i}", [Field(None, byte)], i) for i in range(1, 256)]
            self._ids["era"] = self.variant("sp_runtime::generic::era::Era", [VariantDef("Immortal", [], 0), *mortal])
        return self._ids["era"]

    def _named(self, path: str, definition: TypeDef, params: tuple[TypeParameter, ...]) -> int:
        number = self._reserve()
        self._types[number] = PortableType(number, path.split("::"), list(params), definition, [])
        return number

    def _reserve(self) -> int:
        self._types.append(None)
        return len(self._types) - 1


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]

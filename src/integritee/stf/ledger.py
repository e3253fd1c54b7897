"""The ledger as a whole: its runtime and apps, the wire enums they form, and how to compose and sign.

One `Ledger` describes what enclave and clients agree on. Apps add pallets, calls and getters; indexes must not
clash.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from operator import attrgetter
from typing import Any, Final

from integritee.crypto import KeyPair, blake2_256
from integritee.frame.errors import camel
from integritee.frame.metadata import metadata_v14
from integritee.primitives.signature import sign, verify_wrapped
from integritee.scale import Codec, Registry, items, product, tagged
from integritee.scale.shape import Hint

from .declare import App, GetterDef, Raw, TrustedCallDef, declared
from .errors import InvalidSignature, StfError
from .operation import (
    PublicGetter,
    TrustedCall,
    TrustedCallSigned,
    TrustedGetter,
    TrustedGetterSigned,
    TrustedOperation,
)
from .runtime import LedgerRuntime

CALL, TRUSTED_GETTER, PUBLIC_GETTER = ("trusted_call", "trusted_getter", "public_getter")

WIRE_TYPES: Final = {CALL: TrustedCall, TRUSTED_GETTER: TrustedGetter, PUBLIC_GETTER: PublicGetter}


class IndexClash(StfError):
    """Two apps of one ledger claim the same discriminant, pallet index or name."""

    code = "stf.index_clash"

    def __init__(self, kind: str, index: int | str, first: str, second: str) -> None:
        self.kind, self.index, self.first, self.second = kind, index, first, second
        super().__init__(f"{kind} {index} is declared by both {first} and {second}")


class Ledger:
    """`apps` in any order; `development` ledgers are rich at genesis and know a sudo key.

    `calls`, `trusted_getters` and `public_getters` hold the declarations by name: ``balance_transfer`` for the
    ledger's own, ``app.call`` for those that stand behind an app's discriminant. `owners` holds the app of each.
    Raises IndexClash.
    """

    def __init__(self, apps: Sequence[type[App]], *, development: bool = False) -> None:
        self.apps = tuple(apps)
        self.development = development
        self.owners: dict[TrustedCallDef | GetterDef, type[App]] = {}
        self.names: dict[TrustedCallDef | GetterDef, str] = {}
        self.calls: dict[str, TrustedCallDef] = self._collect(CALL)
        self.trusted_getters: dict[str, GetterDef] = self._collect(TRUSTED_GETTER)
        self.public_getters: dict[str, GetterDef] = self._collect(PUBLIC_GETTER)
        self._check_names()
        self.runtime = runtime_of(self.apps, development)
        self.registry = Registry()
        self._bind(CALL, self.calls)
        self._bind(TRUSTED_GETTER, self.trusted_getters)
        self._bind(PUBLIC_GETTER, self.public_getters)
        self._call_codec = self.registry.codec(TrustedCall)

    def _collect(self, kind: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for app in self.apps:
            for definition in declared(app, kind):
                name = definition.name if app.index is None else f"{app.name}.{definition.name}"
                if name in found:
                    raise IndexClash(f"{kind} name", name, self.owners[found[name]].__name__, app.__name__)
                found[name] = definition
                self.owners[definition], self.names[definition] = app, name
        return found

    def _check_names(self) -> None:
        """An app's name stands beside those of other apps and of calls and getters without an app in front."""
        alone = ((name, self.owners[definition]) for definition, name in self.names.items())
        taken = {name: app.__name__ for name, app in alone if app.index is None}
        for app in self.apps:
            if app.index is not None and taken.setdefault(app.name, app.__name__) != app.__name__:
                raise IndexClash("app name", app.name, taken[app.name], app.__name__)

    # -- wire ----------------------------------------------------------------------------------------

    def _bind(self, kind: str, definitions: dict[str, Any]) -> None:
        value = WIRE_TYPES[kind]
        layout = self.layout(kind, definitions.values())
        self.registry.bind(value, lambda: self._enum(value, layout))

    def layout(self, kind: str, definitions: Iterable[Any]) -> dict[int, Any]:
        """Definitions by discriminant; behind that of an app, its own by theirs. Raises IndexClash."""
        outer: dict[int, Any] = {}
        owner: dict[int, type[App]] = {}
        for definition in definitions:
            app = self.owners[definition]
            index = definition.index if app.index is None else app.index
            inner = outer.setdefault(index, {}) if app.index is not None else outer
            if owner.setdefault(index, app) is not app or definition.index in inner:
                raise IndexClash(kind, index, owner[index].__name__, app.__name__)
            inner[definition.index] = definition
        return outer

    def _enum(self, value: type[Any], layout: dict[int, Any]) -> Codec:
        codecs = {}
        for index, held in layout.items():
            if isinstance(held, dict):
                app = self.owners[next(iter(held.values()))]
                within = {i: self._fields(value, d) for i, d in held.items()}
                codecs[index] = tagged(camel(app.name), within, attrgetter("definition.index"))
            else:
                codecs[index] = self._fields(value, held)
        return tagged(value.__name__, codecs, self._discriminant)

    def _fields(self, value: type[Any], definition: TrustedCallDef | GetterDef) -> Codec:
        codecs = tuple(self.registry.codec(a.hint) for a in definition.arguments)
        return product(codecs, lambda *args: value(definition, args), items(len(codecs), "args"))

    def _discriminant(self, value: TrustedCall | TrustedGetter | PublicGetter) -> int:
        app = self.owners[value.definition]
        return value.definition.index if app.index is None else app.index

    def codec(self, hint: Hint) -> Codec:
        """Codec of a hint in which calls and getters are this ledger's."""
        return self.registry.codec(hint)

    def top_hash(self, operation: TrustedOperation) -> bytes:
        """blake2_256 of the SCALE form, discriminant included."""
        return blake2_256(self.codec(TrustedOperation).encode(operation))

    def encode_call(self, call: TrustedCall) -> bytes:
        return self._call_codec.encode(call)

    def encode_answer(self, definition: GetterDef, answer: Any) -> bytes:
        """SCALE bytes of a getter's answer."""
        return bytes(answer) if definition.returns is Raw else self.codec(definition.returns).encode(answer)

    def decode_answer(self, definition: GetterDef, data: bytes) -> Any:
        """Raises DecodeError."""
        return data if definition.returns is Raw else self.codec(definition.returns).decode(data)

    @cached_property
    def metadata(self) -> bytes:
        """Metadata of the runtime with the pallets of all apps, version 14."""
        return metadata_v14(self.runtime)

    # -- composing -----------------------------------------------------------------------------------

    def call(self, name: str, *args: Any) -> TrustedCall:
        """Compose a call by name. Raises KeyError for unknown names."""
        return TrustedCall(self.calls[name], args)

    def trusted_getter(self, name: str, *args: Any) -> TrustedGetter:
        return TrustedGetter(self.trusted_getters[name], args)

    def public_getter(self, name: str, *args: Any) -> PublicGetter:
        return PublicGetter(self.public_getters[name], args)

    def call_payload(self, call: TrustedCall, nonce: int, mrenclave: bytes, shard: bytes) -> bytes:
        """What the signer of a call signs."""
        return self.encode_call(call) + nonce.to_bytes(4, "little") + mrenclave + shard

    def sign_call(
        self, call: TrustedCall, nonce: int, pair: KeyPair, mrenclave: bytes, shard: bytes
    ) -> TrustedCallSigned:
        """Sign as the sender, or as its session proxy if the key is another account's."""
        signature = sign(pair, self.call_payload(call, nonce, mrenclave, shard))
        delegate = None if pair.public == call.sender else pair.public
        return TrustedCallSigned(call, nonce, delegate, signature)

    def verify_call(self, signed: TrustedCallSigned, mrenclave: bytes, shard: bytes) -> None:
        """Raises InvalidSignature unless the sender or its delegate signed for this enclave and shard."""
        payload = self.call_payload(signed.call, signed.nonce, mrenclave, shard)
        if not verify_wrapped(signed.signature, payload, signed.signer):
            raise InvalidSignature(signed.signer)

    def sign_getter(self, getter: TrustedGetter, pair: KeyPair) -> TrustedGetterSigned:
        signature = sign(pair, self.codec(TrustedGetter).encode(getter))
        return TrustedGetterSigned(getter, None if pair.public == getter.sender else pair.public, signature)

    # -- running -------------------------------------------------------------------------------------

    def instances(self, runtime: LedgerRuntime) -> dict[type[App], App]:
        """The apps over a runtime."""
        return {app: app(runtime) for app in self.apps}


def runtime_of(apps: Sequence[type[App]], development: bool = False) -> type[LedgerRuntime]:
    """The ledger's runtime with the apps' pallets. Raises IndexClash."""
    listed: dict[str, Any] = {}
    indexes: dict[int, str] = {use.index: attribute for attribute, use in LedgerRuntime.uses.items()}
    names = {LedgerRuntime.pallet_name(attribute): attribute for attribute in LedgerRuntime.uses}
    for app in apps:
        for attribute, use in app.pallets.items():
            name = LedgerRuntime.pallet_name(attribute)
            if use.index in indexes:
                raise IndexClash("pallet", use.index, indexes[use.index], attribute)
            if name in names:  # their storage would be one
                raise IndexClash("pallet name", name, names[name], attribute)
            indexes[use.index] = names[name] = attribute
            listed[attribute] = use
    return type("LedgerRuntime", (LedgerRuntime,), {**listed, "development": development})

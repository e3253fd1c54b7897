"""The ledger as a whole: its runtime and apps, the wire enums they form, and how to compose and sign.

One `Ledger` describes what enclave and clients agree on. Apps add calls and getters; indexes must not clash.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from integritee.crypto import KeyPair, blake2_256
from integritee.primitives.signature import sign
from integritee.scale import Codec, Registry, product, tagged
from integritee.scale.shape import Hint

from .declare import App, GetterDef, TrustedCallDef, declared
from .errors import StfError
from .native import NativeToken
from .operation import (
    PublicGetter,
    TrustedCall,
    TrustedCallSigned,
    TrustedGetter,
    TrustedGetterSigned,
    TrustedOperation,
)
from .runtime import LedgerRuntime


class IndexClash(StfError):
    code = "stf.index_clash"

    def __init__(self, kind: str, index: int, first: str, second: str) -> None:
        self.kind, self.index, self.first, self.second = kind, index, first, second
        super().__init__(f"{kind} {index} is declared by both {first} and {second}")


class Ledger:
    """`apps` in any order. `calls`, `trusted_getters`, `public_getters` list the declarations by index, `owners`
    the app of each."""

    def __init__(self, apps: Sequence[type[App]] = (NativeToken,)) -> None:
        self.apps = tuple(apps)
        self.owners: dict[TrustedCallDef | GetterDef, type[App]] = {}
        self.calls: dict[int, TrustedCallDef] = self._collect("trusted_call")
        self.trusted_getters: dict[int, GetterDef] = self._collect("trusted_getter")
        self.public_getters: dict[int, GetterDef] = self._collect("public_getter")
        self.registry = Registry()
        self.registry.bind(TrustedCall, lambda: self._enum("TrustedCall", self.calls, TrustedCall))
        self.registry.bind(TrustedGetter, lambda: self._enum("TrustedGetter", self.trusted_getters, TrustedGetter))
        self.registry.bind(PublicGetter, lambda: self._enum("PublicGetter", self.public_getters, PublicGetter))

    def _collect(self, kind: str) -> dict[int, Any]:
        found: dict[int, Any] = {}
        for app in self.apps:
            for definition in declared(app, kind):
                if definition.index in found:
                    first = found[definition.index].method.__qualname__
                    raise IndexClash(kind, definition.index, first, definition.method.__qualname__)
                found[definition.index] = definition
                self.owners[definition] = app
        return found

    def _enum(self, name: str, definitions: dict[int, Any], value: Any) -> Codec:
        by_index = {}
        for index, definition in definitions.items():
            codecs = tuple(self.registry.codec(a.hint) for a in definition.arguments)

            def build(*args: Any, _d: Any = definition) -> Any:
                return value(_d, args)

            by_index[index] = product(codecs, build, lambda v: v.args)
        return tagged(name, by_index, lambda v: v.definition.index)

    # -- wire ----------------------------------------------------------------------------------------

    def codec(self, hint: Hint) -> Codec:
        """Codec of a hint in which calls and getters are this ledger's."""
        return self.registry.codec(hint)

    def top_hash(self, operation: TrustedOperation) -> bytes:
        """blake2_256 of the SCALE form, discriminant included."""
        return blake2_256(self.codec(TrustedOperation).encode(operation))

    # -- composing -----------------------------------------------------------------------------------

    def call(self, name: str, *args: Any) -> TrustedCall:
        """Compose a call by name. Raises KeyError for unknown names."""
        return TrustedCall(_by_name(self.calls, name), args)

    def trusted_getter(self, name: str, *args: Any) -> TrustedGetter:
        return TrustedGetter(_by_name(self.trusted_getters, name), args)

    def public_getter(self, name: str, *args: Any) -> PublicGetter:
        return PublicGetter(_by_name(self.public_getters, name), args)

    def call_payload(self, call: TrustedCall, nonce: int, mrenclave: bytes, shard: bytes) -> bytes:
        """What the signer of a call signs."""
        return self.codec(TrustedCall).encode(call) + nonce.to_bytes(4, "little") + mrenclave + shard

    def sign_call(
        self, call: TrustedCall, nonce: int, pair: KeyPair, mrenclave: bytes, shard: bytes
    ) -> TrustedCallSigned:
        """Sign as the sender, or as its delegate if the key is another account's."""
        signature = sign(pair, self.call_payload(call, nonce, mrenclave, shard))
        delegate = None if pair.public == call.sender else pair.public
        return TrustedCallSigned(call, nonce, delegate, signature)

    def sign_getter(self, getter: TrustedGetter, pair: KeyPair) -> TrustedGetterSigned:
        signature = sign(pair, self.codec(TrustedGetter).encode(getter))
        return TrustedGetterSigned(getter, None if pair.public == getter.sender else pair.public, signature)

    # -- running -------------------------------------------------------------------------------------

    def instances(self, runtime: LedgerRuntime) -> dict[type[App], App]:
        """The apps over a runtime."""
        return {app: app(runtime) for app in self.apps}


def _by_name(definitions: dict[int, Any], name: str) -> Any:
    for definition in definitions.values():
        if definition.name == name:
            return definition
    raise KeyError(name)


DEFAULT_LEDGER: Final = Ledger()
"""The ledger without third-party apps."""

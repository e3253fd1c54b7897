"""A runtime: pallets composed over one state, with dispatch, nested transactions and events.

The same machinery carries the parentchain's runtime and the private ledger's. What a runtime executes is
decided by its pallets; blocks, extrinsics and fees are added by `executive`.
"""

from __future__ import annotations

from operator import attrgetter
from types import TracebackType
from typing import Any, ClassVar, TypeVar

from integritee.scale import Codec, Err, Ok, Registry, items, product, tagged
from integritee.scale.shape import Hint

from .declare import EventValue
from .errors import DeclarationError, DispatchError, DispatchFailure, Module, ModuleError, camel, limit_reached
from .extrinsic import SIGNED_EXTENSIONS, Extension, UncheckedExtrinsic, extrinsic_codec
from .origin import Origin, Signed
from .outer import ApplyExtrinsic, EventRecord, Initialization, Phase, RuntimeCall, RuntimeEvent
from .overlay import MAX_TRANSACTIONS, EmptyBackend, Overlay
from .pallet import Pallet, PalletUse, calls_of, dependencies_of, pallets_in
from .pallets.system import System
from .weights import DispatchInfo, Pays, PostInfo

P = TypeVar("P", bound=Pallet)


def use(index: int, pallet: type[P], **constants: Any) -> P:
    """List a pallet in a runtime at `index`, overriding constants by name. Reads as the pallet instance."""
    return PalletUse(index, pallet, constants)  # type: ignore[return-value]


class Transaction:
    """See `Runtime.transaction`."""

    __slots__ = ("_deposited", "_pallet", "_runtime")

    def __init__(self, runtime: Runtime, pallet: Pallet | None) -> None:
        self._runtime, self._pallet = runtime, pallet

    def __enter__(self) -> None:
        runtime = self._runtime
        if runtime.state.depth >= MAX_TRANSACTIONS:
            raise limit_reached()
        runtime.state.begin()
        self._deposited = len(runtime.events)

    def __exit__(
        self, kind: type[BaseException] | None, reason: BaseException | None, trace: TracebackType | None
    ) -> None:
        runtime = self._runtime
        if reason is None:
            runtime.state.commit()
            return
        runtime.state.rollback()
        del runtime.events[self._deposited :]
        if isinstance(reason, DispatchFailure):
            runtime.place(reason, self._pallet)


class Runtime:
    """Subclass and list pallets: ``balances = use(10, Balances, existential_deposit=500)``.

    The pallet's storage prefix and metadata name is the CamelCase attribute name, or `pallet_names[attribute]`.
    An instance executes over `state`; assign `state` to execute elsewhere.
    """

    name: ClassVar[str] = "runtime"
    pallet_names: ClassVar[dict[str, str]] = {}
    signed_extensions: ClassVar[tuple[Extension, ...]] = SIGNED_EXTENSIONS
    metadata_token: ClassVar[tuple[int, str] | None] = None
    """Decimals and symbol with which the runtime hashes its metadata; None if signers cannot ask for the hash."""
    uses: ClassVar[dict[str, PalletUse]] = {}
    registry: ClassVar[Registry]

    def __init_subclass__(cls) -> None:
        inherited = {n: u for base in reversed(cls.__mro__[1:]) for n, u in vars(base).get("uses", {}).items()}
        cls.uses = inherited | dict(pallets_in(dict(vars(cls))))
        cls.registry = _registry_of(cls)

    def __init__(self, state: Overlay | None = None) -> None:
        self.state = state or Overlay(EmptyBackend())
        self.phase: Phase = Initialization()
        self.events: list[bytes] = []
        """Encoded records deposited since they were last written to storage."""
        self._encode_event = self.codec(EventRecord).encode
        self.record_events = True
        self.pallets: dict[str, Pallet] = {}
        for attribute, listed in type(self).uses.items():
            pallet = listed.pallet(self, self.pallet_name(attribute), listed.index)
            for name, value in listed.constants.items():
                setattr(pallet, name, value)
            setattr(self, attribute, pallet)
            self.pallets[pallet.name] = pallet
        for pallet in self.pallets.values():
            self._wire(pallet)

    @classmethod
    def pallet_name(cls, attribute: str) -> str:
        return cls.pallet_names.get(attribute) or camel(attribute)

    def _wire(self, pallet: Pallet) -> None:
        for attribute, wanted in dependencies_of(type(pallet)):
            setattr(pallet, attribute, self.pallet(wanted))

    def find(self, kind: type[P]) -> P | None:
        """The pallet of a class, if the runtime has it."""
        return next((pallet for pallet in self.pallets.values() if isinstance(pallet, kind)), None)

    def pallet(self, kind: type[P]) -> P:
        """The pallet of a class. Raises DeclarationError if the runtime lacks it."""
        found = self.find(kind)
        if found is None:
            raise DeclarationError(f"the runtime {self.name} lacks the pallet {kind.__name__}")
        return found

    @classmethod
    def codec(cls, hint: Hint) -> Codec:
        """Codec of a hint in which RuntimeCall and RuntimeEvent mean this runtime's."""
        return cls.registry.codec(hint)

    # -- calls ---------------------------------------------------------------------------------------

    @classmethod
    def call(cls, pallet: str, function: str, *args: Any) -> RuntimeCall:
        """Compose a call by names, e.g. ``call("Balances", "transfer_keep_alive", Id(bob), 5)``."""
        for attribute, listed in cls.uses.items():
            if cls.pallet_name(attribute) == pallet:
                for definition in calls_of(listed.pallet).values():
                    if definition.name == function:
                        return RuntimeCall(pallet, listed.index, definition, args)
        raise DeclarationError(f"{cls.name} has no call {pallet}.{function}")

    def info_of(self, call: RuntimeCall) -> DispatchInfo:
        """Declared cost of a call."""
        definition, pallet = call.definition, self.pallets[call.pallet]
        return DispatchInfo(definition.weight_of(pallet, call.args), definition.class_of(pallet, call.args), Pays.Yes)

    def dispatch(self, call: RuntimeCall, origin: Origin) -> PostInfo:
        """Run a call in a transaction of its own. Raises DispatchFailure with its writes and events undone."""
        pallet = self.pallets[call.pallet]
        with self.transaction(pallet):
            if isinstance(origin, Signed) and not origin.may(call):
                raise System.Error.CallFiltered()
            post = call.definition.method(pallet, origin, *call.args)
        return post or PostInfo()

    def try_dispatch(self, call: RuntimeCall, origin: Origin) -> Ok[None] | Err[DispatchError]:
        """`dispatch` with its outcome as the value that events report."""
        try:
            self.dispatch(call, origin)
        except DispatchFailure as failure:
            return Err(failure.error)
        return Ok(None)

    def transaction(self, pallet: Pallet | None = None) -> Transaction:
        """Undo storage writes and events if it raises. Raises LimitReached when nested too deeply.

        `pallet` is the one at work; only where a runtime lists a pallet twice does it matter to error indexes.
        """
        return Transaction(self, pallet)

    def place(self, failure: DispatchFailure, near: Pallet | None) -> None:
        """Fill in the index of the pallet that declares the error, itself or through the pallet it derives from."""
        if failure.owner and isinstance(failure.error, Module):
            for pallet in (near, *self.pallets.values()):
                if pallet is not None and any(kind.__name__ == failure.owner for kind in type(pallet).__mro__):
                    failure.error = Module(ModuleError(pallet.index, failure.error.module.error))
                    break
            failure.owner = ""

    # -- events --------------------------------------------------------------------------------------

    def deposit(self, pallet: Pallet, event: EventValue, topics: tuple[bytes, ...] = ()) -> None:
        """Append an event record; undone with the enclosing transaction."""
        if self.record_events:
            occurred = RuntimeEvent(pallet.name, pallet.index, event.definition, event.values)
            record = EventRecord(self.phase, occurred, list(topics))
            self.events.append(self._encode_event(record))

    def enter(self, state: Overlay) -> None:
        """Go on over `state`, with no events waiting to be written."""
        self.state, self.phase = state, Initialization()
        self.events.clear()

    def dissolve(self) -> None:
        """Be of no use any more. Pallets and runtime refer to each other, so that without this they, and the state,
        would stay in memory until the collector looks for them."""
        for pallet in self.pallets.values():
            vars(pallet).clear()
        self.pallets.clear()

    def begin_extrinsic(self, index: int) -> None:
        self.phase = ApplyExtrinsic(index)

    def current_extrinsic(self) -> int:
        """Position in the block of the extrinsic being executed; 0 outside of extrinsics."""
        return self.phase.extrinsic if isinstance(self.phase, ApplyExtrinsic) else 0


def _registry_of(runtime: type[Runtime]) -> Registry:
    registry = Registry()
    registry.bind(RuntimeCall, lambda: _call_codec(runtime, registry))
    registry.bind(RuntimeEvent, lambda: _event_codec(runtime, registry))
    registry.bind(UncheckedExtrinsic, lambda: extrinsic_codec(registry, runtime.signed_extensions))
    return registry


def _call_codec(runtime: type[Runtime], registry: Registry) -> Codec:
    pallets: dict[int, Codec] = {}
    for attribute, listed in runtime.uses.items():
        name, by_index = runtime.pallet_name(attribute), {}
        for definition in calls_of(listed.pallet).values():
            codecs = tuple(registry.codec(a.hint) for a in definition.arguments)

            def build(*args: Any, _d: Any = definition, _n: str = name, _i: int = listed.index) -> RuntimeCall:
                return RuntimeCall(_n, _i, _d, args)

            by_index[definition.index] = product(codecs, build, items(len(codecs), "args"))
        if by_index:
            pallets[listed.index] = tagged(f"{name} call", by_index, attrgetter("definition.index"))
    return tagged("RuntimeCall", pallets, attrgetter("pallet_index"))


def _event_codec(runtime: type[Runtime], registry: Registry) -> Codec:
    pallets: dict[int, Codec] = {}
    for attribute, listed in runtime.uses.items():
        name, by_index = runtime.pallet_name(attribute), {}
        for definition in listed.pallet.Event.definitions():
            codecs = tuple(registry.codec(f.hint) for f in definition.fields)

            def build(*args: Any, _d: Any = definition, _n: str = name, _i: int = listed.index) -> RuntimeEvent:
                return RuntimeEvent(_n, _i, _d, args)

            by_index[definition.index] = product(codecs, build, items(len(codecs), "values"))
        if by_index:
            pallets[listed.index] = tagged(f"{name} event", by_index, attrgetter("definition.index"))
    return tagged("RuntimeEvent", pallets, attrgetter("pallet_index"))

"""pallet Utility: calls made together, one instead of another, or under another name.

Source: pallet-utility 40 (polkadot-sdk stable2503).

Each call runs in a transaction of its own with the origin of the whole, its restrictions included. How deeply calls
can be nested is limited where extrinsics are decoded (`scale.MAX_DEPTH`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

from integritee.crypto import blake2_256
from integritee.frame.declare import Constant, Errors, Events, call, constant, error, event
from integritee.frame.errors import DispatchError, DispatchFailure, DispatchResult, bad_origin
from integritee.frame.origin import Origin, Root, Signed, Unsigned, ensure_root
from integritee.frame.outer import RuntimeCall
from integritee.frame.pallet import Pallet
from integritee.frame.weights import DispatchClass, PostInfo, Weight, weight
from integritee.primitives.ids import AccountId
from integritee.scale import Enum, Ok, u16, u32

MAX_BATCHED_CALLS: Final = 10_922
"""What fits into a third of the 32 MiB a runtime may allocate, at 1 KiB a call."""


class RawOrigin(Enum, frozen=True):
    """An origin as calls name it."""

    scale_path: ClassVar[str] = "frame_support::dispatch::RawOrigin"


class AsRoot(RawOrigin, frozen=True):
    index: ClassVar[int] = 0
    variant_name: ClassVar[str] = "Root"


class AsSigned(RawOrigin, frozen=True):
    index: ClassVar[int] = 1
    variant_name: ClassVar[str] = "Signed"
    account: AccountId


class AsNone(RawOrigin, frozen=True):
    index: ClassVar[int] = 2
    variant_name: ClassVar[str] = "None"


class OriginCaller(Enum, frozen=True):
    """Origins by the pallet that defines them: here all are System's."""

    scale_path: ClassVar[str] = "integritee_node_runtime::OriginCaller"


class SystemOrigin(OriginCaller, frozen=True):
    index: ClassVar[int] = 0
    variant_name: ClassVar[str] = "system"
    raw: RawOrigin


def origin_of(caller: OriginCaller) -> Origin:
    """The unrestricted origin that a call names."""
    match caller:
        case SystemOrigin(AsRoot()):
            return Root()
        case SystemOrigin(AsSigned(account)):
            return Signed(account)
    return Unsigned()


def derivative_account(who: bytes, index: int) -> bytes:
    """Account id of the sub-account `index` (u16) of an account."""
    return blake2_256(b"modlpy/utilisuba" + who + index.to_bytes(2, "little"))


def batch_weight(count: int) -> Weight:
    return weight(38_079_501 + 2_558_984 * count)


def batch_all_weight(count: int) -> Weight:
    return weight(4_211_000 + 3_007_103 * count)


def force_batch_weight(count: int) -> Weight:
    return weight(10_933_973 + 2_643_248 * count)


AS_DERIVATIVE: Final = weight(3_847_000, 1, 1)
IF_ELSE: Final = weight(7_067_000)


def _with_all(base: Callable[[int], Weight]) -> Callable[..., Weight]:
    """Weight of a batch: its own and that of all calls inside."""
    return lambda pallet, calls: sum((pallet.runtime.info_of(c).weight for c in calls), base(len(calls)))


def _with_inner(base: Weight) -> Callable[..., Weight]:
    """`base` and the weight of the calls among the arguments."""
    return lambda pallet, *args: sum(
        (pallet.runtime.info_of(a).weight for a in args if isinstance(a, RuntimeCall)), base
    )


def _class_of_all(pallet: Utility, calls: list[RuntimeCall]) -> DispatchClass:
    """Normal as soon as one call inside is."""
    classes = {pallet.runtime.info_of(c).class_ for c in calls}
    return DispatchClass.Normal if DispatchClass.Normal in classes else DispatchClass.Operational


def _class_of_inner(pallet: Utility, *args: object) -> DispatchClass:
    classes = {pallet.runtime.info_of(a).class_ for a in args if isinstance(a, RuntimeCall)}
    return classes.pop() if len(classes) == 1 else DispatchClass.Normal


class Utility(Pallet):
    """Batches and the like."""

    path = "pallet_utility"
    storage_version: ClassVar[int | None] = 0

    batched_calls_limit: Constant[u32] = constant(MAX_BATCHED_CALLS)

    class Event(Events):
        BatchInterrupted = event(0, index=u32, error=DispatchError)
        BatchCompleted = event(1)
        BatchCompletedWithErrors = event(2)
        ItemCompleted = event(3)
        ItemFailed = event(4, error=DispatchError)
        DispatchedAs = event(5, result=DispatchResult)
        IfElseMainSuccess = event(6)
        IfElseFallbackCalled = event(7, main_error=DispatchError)

    class Error(Errors):
        TooManyCalls = error("the batch has more calls than batched_calls_limit")

    # -- calls together ------------------------------------------------------------------------------

    @call(0, weight=_with_all(batch_weight), dispatch_class=_class_of_all)
    def batch(self, origin: Origin, calls: list[RuntimeCall]) -> PostInfo:
        """Make calls until one fails. The batch succeeds all the same; its events tell how far it came."""
        self._ensure_batch(origin, calls)
        spent = Weight()
        for index, item in enumerate(calls):
            cost, failure = self._make(item, origin)
            spent += cost
            if failure is not None:
                self.deposit(self.Event.BatchInterrupted(index, failure.error))
                return PostInfo(batch_weight(index + 1) + spent)
            self.deposit(self.Event.ItemCompleted())
        self.deposit(self.Event.BatchCompleted())
        return PostInfo(batch_weight(len(calls)) + spent)

    @call(2, weight=_with_all(batch_all_weight), dispatch_class=_class_of_all)
    def batch_all(self, origin: Origin, calls: list[RuntimeCall]) -> PostInfo:
        """Make all calls or none. No batch of this kind may be inside."""
        self._ensure_batch(origin, calls)
        inner = origin.restricted(self._is_not_batch_all) if isinstance(origin, Signed) else origin
        spent = batch_all_weight(len(calls))
        for item in calls:
            cost, failure = self._make(item, inner)
            if failure is not None:
                raise failure
            spent += cost
            self.deposit(self.Event.ItemCompleted())
        self.deposit(self.Event.BatchCompleted())
        return PostInfo(spent)

    @call(4, weight=_with_all(force_batch_weight), dispatch_class=_class_of_all)
    def force_batch(self, origin: Origin, calls: list[RuntimeCall]) -> PostInfo:
        """Make all calls, whether or not they fail."""
        self._ensure_batch(origin, calls)
        spent, complete = force_batch_weight(len(calls)), True
        for item in calls:
            cost, failure = self._make(item, origin)
            spent += cost
            complete = complete and failure is None
            self.deposit(self.Event.ItemFailed(failure.error) if failure else self.Event.ItemCompleted())
        self.deposit(self.Event.BatchCompleted() if complete else self.Event.BatchCompletedWithErrors())
        return PostInfo(spent)

    def _ensure_batch(self, origin: Origin, calls: list[RuntimeCall]) -> None:
        if isinstance(origin, Unsigned):
            raise bad_origin()
        if len(calls) > self.batched_calls_limit:
            raise self.Error.TooManyCalls()

    def _make(self, call: RuntimeCall, origin: Origin) -> tuple[Weight, DispatchFailure | None]:
        """Make one call; what it weighed, and why it failed if it did."""
        declared = self.runtime.info_of(call)
        try:
            post = self.runtime.dispatch(call, origin)
        except DispatchFailure as failure:
            return declared.weight, failure
        return declared.after(post).weight, None

    def _is_not_batch_all(self, call: RuntimeCall) -> bool:
        return (call.pallet, call.function) != (self.name, "batch_all")

    # -- one call or another -------------------------------------------------------------------------

    @call(6, weight=_with_inner(IF_ELSE), dispatch_class=_class_of_inner)
    def if_else(self, origin: Origin, main: RuntimeCall, fallback: RuntimeCall) -> PostInfo:
        """Make a call, or if that fails another one."""
        if isinstance(origin, Unsigned):
            raise bad_origin()
        spent, main_failure = self._make(main, origin)
        if main_failure is None:
            self.deposit(self.Event.IfElseMainSuccess())
            return PostInfo(IF_ELSE + spent)
        more, failure = self._make(fallback, origin)
        if failure is not None:
            raise failure
        self.deposit(self.Event.IfElseFallbackCalled(main_failure.error))
        return PostInfo(IF_ELSE + spent + more)

    # -- calls under another name --------------------------------------------------------------------

    @call(1, weight=_with_inner(AS_DERIVATIVE), dispatch_class=_class_of_inner)
    def as_derivative(self, origin: Origin, index: u16, call: RuntimeCall) -> PostInfo:
        """Make a call from a sub-account of the sender, under the sender's restrictions."""
        if not isinstance(origin, Signed):
            raise bad_origin()
        post = self.runtime.dispatch(call, Signed(derivative_account(origin.account, index), origin.filters))
        return PostInfo(AS_DERIVATIVE + self.runtime.info_of(call).after(post).weight)

    @call(3, weight=_with_inner(weight(6_060_000)), dispatch_class=_class_of_inner)
    def dispatch_as(self, origin: Origin, as_origin: OriginCaller, call: RuntimeCall) -> None:
        """Make a call in the name of any origin (root); succeeds whatever becomes of it."""
        ensure_root(origin)
        self.deposit(self.Event.DispatchedAs(self.runtime.try_dispatch(call, origin_of(as_origin))))

    @call(7, weight=_with_inner(weight(5_886_000)), dispatch_class=_class_of_inner)
    def dispatch_as_fallible(self, origin: Origin, as_origin: OriginCaller, call: RuntimeCall) -> None:
        """Make a call in the name of any origin (root); fails with it."""
        ensure_root(origin)
        self.runtime.dispatch(call, origin_of(as_origin))
        self.deposit(self.Event.DispatchedAs(Ok(None)))

    @call(5, weight=lambda _, call, weight: weight, dispatch_class=_class_of_inner)
    def with_weight(self, origin: Origin, call: RuntimeCall, weight: Weight) -> None:
        """Make a call as root, its weight as stated."""
        ensure_root(origin)
        self.runtime.dispatch(call, origin)

"""The life of a block: initialize → inherents → extrinsics → finalize, and whether a transaction may join.

Source: frame-executive 40 (polkadot-sdk stable2503). All that one call leaves for the next is in the state overlay,
so a block may be made by a fresh runtime object at every step. What no block can contain raises BlockPanic.
"""

from __future__ import annotations

from integritee.primitives.header import Digest, Header, PreRuntime, Seal
from integritee.scale import Err, Ok
from integritee.trie import Layout, ordered_root

from .errors import BlockPanic, DispatchError, DispatchFailure, DispatchResult
from .extensions import Extensions
from .extrinsic import Block, Signature, UncheckedExtrinsic, encode_extrinsic
from .inherents import CheckInherentsResult, InherentData
from .origin import Origin, Signed, Unsigned
from .outer import Finalization, RuntimeCall
from .pallets.system import LastRuntimeUpgradeInfo, System
from .runtime import Runtime
from .validity import (
    ApplyExtrinsicResult,
    BadMandatory,
    MandatoryValidation,
    NoUnsignedValidator,
    Refused,
    TransactionSource,
    TransactionValidity,
)
from .weights import DispatchClass, DispatchInfo, PostInfo


class Executive:
    """Runs blocks on `runtime`, over whatever state the runtime is entered into."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.system = runtime.pallet(System)
        self.extensions = Extensions(runtime)

    # -- the block -----------------------------------------------------------------------------------

    def initialize_block(self, header: Header) -> None:
        """Begin a block; of the header, the parent, the number and the pre-runtime digest count."""
        digest = Digest([item for item in header.digest.logs if isinstance(item, PreRuntime)])
        self.system.initialize(header.number, header.parent_hash, digest)
        self._note_runtime()
        for pallet in self.runtime.pallets.values():
            pallet.on_initialize(header.number)
        self.system.note_weight(self.system.block_weights.base_block, DispatchClass.Mandatory)
        self.system.write_events()

    def _note_runtime(self) -> None:
        version = self.system.version
        running = LastRuntimeUpgradeInfo(version.spec_version, version.spec_name)
        if self.system.last_runtime_upgrade.get() != running:
            self.system.last_runtime_upgrade.put(running)

    def finalize_block(self) -> Header:
        """End the block; its header with both roots, without seal."""
        self.runtime.phase = Finalization()
        number, extrinsics = self.system.number.get(), self.system.take_extrinsics()
        for pallet in self.runtime.pallets.values():
            pallet.on_finalize(number)
        self.system.write_events()
        self.system.finish()
        layout = Layout.V1 if self.system.version.system_version > 1 else Layout.V0
        return Header(
            parent_hash=self.system.parent_hash.get(),
            number=number,
            state_root=self.runtime.state.settled().root(),
            extrinsics_root=ordered_root(extrinsics, layout),
            digest=self.system.digest.get(),
        )

    def execute_block(self, block: Block) -> None:
        """Run a whole block on its parent's state. Raises BlockPanic unless its header says what comes out."""
        header = block.header
        expected = self.system.number.get() + 1
        if header.number != expected:
            raise BlockPanic(f"block {header.number} where {expected} is next")
        self.initialize_block(header)
        for position, extrinsic in enumerate(block.extrinsics):
            if isinstance(outcome := self.apply_extrinsic(extrinsic), Err):
                raise BlockPanic(f"extrinsic {position} is refused: {outcome.error}")
        self._compare(header, self.finalize_block())

    def _compare(self, claimed: Header, found: Header) -> None:
        unsealed = Digest([item for item in claimed.digest.logs if not isinstance(item, Seal)])
        if unsealed != found.digest:
            raise BlockPanic("the digest does not match")
        for field in ("parent_hash", "state_root", "extrinsics_root"):
            if (claim := getattr(claimed, field)) != (fact := getattr(found, field)):
                raise BlockPanic(f"{field} is 0x{fact.hex()}, the header says 0x{claim.hex()}")

    # -- extrinsics ----------------------------------------------------------------------------------

    def apply_extrinsic(self, extrinsic: UncheckedExtrinsic) -> ApplyExtrinsicResult:
        """Add an extrinsic to the block, even if its call fails; or leave no trace of it and say why."""
        self.runtime.begin_extrinsic(self.system.extrinsic_index())
        try:
            with self.runtime.transaction():
                result = self._apply(extrinsic)
                self.system.write_events()
        except Refused as refused:
            return Err(refused.error)
        return Ok(result)

    def _apply(self, extrinsic: UncheckedExtrinsic) -> DispatchResult:
        self.system.note_extrinsic(extrinsic.raw)
        if extrinsic.signature is None:
            return self._apply_bare(extrinsic)
        return self._apply_signed(extrinsic, extrinsic.signature)

    def _apply_signed(self, extrinsic: UncheckedExtrinsic, signature: Signature) -> DispatchResult:
        if not self.system.inherents_applied.get():
            self.system.inherents_applied.put(True)
        tx = self.extensions.check(extrinsic, signature)
        self.extensions.validate(tx)
        paid = self.extensions.prepare(tx)
        post, result = self._dispatch(tx.call, Signed(tx.signer))
        if post.actual_weight is not None:
            post = PostInfo(post.actual_weight + self.extensions.weight(tx.extra), post.pays_fee)
        actual = tx.info.after(post)
        self.extensions.settle(tx, paid, actual)
        return self._conclude(actual, result)

    def _apply_bare(self, extrinsic: UncheckedExtrinsic) -> DispatchResult:
        """Inherents; nothing else needs no signature."""
        if not self._is_inherent(extrinsic):
            raise Refused(NoUnsignedValidator())
        if self.system.inherents_applied.get():
            raise BlockPanic("an inherent stands behind other extrinsics")
        info = self.extensions.declared(extrinsic)
        self.system.take_room(info, len(extrinsic.raw))
        post, result = self._dispatch(extrinsic.call, Unsigned())
        actual = info.after(post)
        self.system.return_room(info, actual)
        return self._conclude(actual, result)

    def _dispatch(self, call: RuntimeCall, origin: Origin) -> tuple[PostInfo, DispatchResult]:
        try:
            return self.runtime.dispatch(call, origin), Ok(None)
        except DispatchFailure as failure:
            return PostInfo(), Err(failure.error)

    def _conclude(self, actual: DispatchInfo, result: DispatchResult) -> DispatchResult:
        """Report the outcome as the extrinsic's last event."""
        info = actual.plus(self.system.block_weights.of(actual.class_).base_extrinsic)
        match result:
            case Ok():
                self.system.deposit(self.system.Event.ExtrinsicSuccess(info))
            case Err(error=DispatchError() as error):
                if actual.class_ is DispatchClass.Mandatory:
                    raise Refused(BadMandatory())
                self.system.deposit(self.system.Event.ExtrinsicFailed(error, info))
        return result

    def validate_transaction(
        self, source: TransactionSource, extrinsic: UncheckedExtrinsic, block_hash: bytes
    ) -> TransactionValidity:
        """Whether the extrinsic could be in the next block on top of `block_hash`, whose state this is.

        That block counts as known, so an era may be born in it. The state stays as it is.
        """
        state = self.runtime.state
        state.begin()
        try:
            self.system.initialize(self.system.number.get() + 1, block_hash, Digest([]))
            if self.runtime.info_of(extrinsic.call).class_ is DispatchClass.Mandatory:
                raise Refused(MandatoryValidation())
            if extrinsic.signature is None:
                raise Refused(NoUnsignedValidator())
            return Ok(self.extensions.validate(self.extensions.check(extrinsic, extrinsic.signature)))
        except Refused as refused:
            return Err(refused.error)
        finally:
            state.rollback()

    # -- inherents -----------------------------------------------------------------------------------

    def _is_inherent(self, extrinsic: UncheckedExtrinsic) -> bool:
        call = extrinsic.call
        return extrinsic.signature is None and self.runtime.pallets[call.pallet].is_inherent(call)

    def inherent_extrinsics(self, data: InherentData) -> list[UncheckedExtrinsic]:
        """The extrinsics that carry the author's data into the block, in pallet order."""
        calls = (pallet.create_inherent(data) for pallet in self.runtime.pallets.values())
        return [self._bare(call) for call in calls if call is not None]

    def _bare(self, call: RuntimeCall) -> UncheckedExtrinsic:
        encoded = self.runtime.codec(RuntimeCall).encode(call)
        return UncheckedExtrinsic(None, call, encode_extrinsic(encoded, None), encoded)

    def check_inherents(self, block: Block, data: InherentData) -> CheckInherentsResult:
        """What is wrong with another author's inherents, given the `data` we would have offered."""
        errors: InherentData = {}
        for extrinsic in block.extrinsics:
            if self._is_inherent(extrinsic):
                errors |= self.runtime.pallets[extrinsic.call.pallet].check_inherent(extrinsic.call, data)
        return CheckInherentsResult(not errors, bool(errors), errors)

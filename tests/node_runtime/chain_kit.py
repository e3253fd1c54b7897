"""A chain without a node: blocks made through the runtime API alone, on a trie in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from integritee.crypto import KeyPair, Sr25519Pair
from integritee.frame.apis import ExtrinsicInclusionMode
from integritee.frame.extrinsic import (
    Block,
    Extra,
    Signature,
    UncheckedExtrinsic,
    encode_extra,
    encode_extrinsic,
    signing_payload,
)
from integritee.frame.inherents import InherentData
from integritee.frame.outer import EventRecord, RuntimeCall
from integritee.frame.overlay import Overlay
from integritee.frame.pallets.system import System
from integritee.frame.pallets.timestamp import TIMESTAMP_INHERENT
from integritee.frame.validity import ApplyExtrinsicResult, TransactionSource, TransactionValidity
from integritee.node.runtime.genesis import genesis
from integritee.node.runtime.presets import NodeRuntime
from integritee.node.runtime.runtime import IntegriteeNodeRuntime, engine
from integritee.primitives.era import Era
from integritee.primitives.header import Digest, Header, aura_slot_digest
from integritee.primitives.ids import H256, Id, MultiAddress
from integritee.primitives.signature import sign
from integritee.scale import Ok, decode, encode, u64
from integritee.trie import Trie, ordered_root

START = 1_700_000_000_000
SLOT_MS = 6000

ALICE, BOB, CHARLIE, DAVE = (Sr25519Pair.from_uri(f"//{name}") for name in ("Alice", "Bob", "Charlie", "Dave"))
ENGINE = engine()


def codec(hint: Any) -> Any:
    return IntegriteeNodeRuntime.codec(hint)


def call(pallet: str, function: str, *args: Any) -> RuntimeCall:
    return IntegriteeNodeRuntime.call(pallet, function, *args)


def transfer(dest: bytes, value: int) -> RuntimeCall:
    return call("Balances", "transfer_keep_alive", Id(dest), value)


@dataclass
class Chain:
    """Headers and states of a runtime's development chain, from genesis on; `make` adds a block."""

    kind: type[NodeRuntime] = IntegriteeNodeRuntime
    states: list[Trie] = field(default_factory=list)
    headers: list[Header] = field(default_factory=list)
    bodies: list[list[bytes]] = field(default_factory=lambda: [[]])

    def __post_init__(self) -> None:
        self.states.append(Trie.from_items(genesis(self.kind.presets["development"], self.kind)))
        root = self.states[0].root()
        self.headers.append(Header(bytes(32), 0, root, ordered_root([]), Digest([])))

    # -- reading -------------------------------------------------------------------------------------

    @property
    def number(self) -> int:
        return self.headers[-1].number

    def hash(self, number: int = -1) -> bytes:
        return self.headers[number].hash()

    def overlay(self) -> Overlay:
        """A fresh overlay on the best state."""
        return Overlay(self.states[-1])

    def runtime(self) -> Any:
        """A runtime to look into the best state with."""
        return self.kind(self.overlay())

    def codec(self, hint: Any) -> Any:
        return self.kind.codec(hint)

    def call(self, pallet: str, function: str, *args: Any) -> RuntimeCall:
        return self.kind.call(pallet, function, *args)

    def events(self, extrinsic: int | None = None) -> list[EventRecord]:
        """Events of the best block; only those of one extrinsic if given."""
        records = self.runtime().system.event_records.get()
        return [r for r in records if extrinsic is None or getattr(r.phase, "extrinsic", None) == extrinsic]

    def names(self, extrinsic: int | None = None) -> list[str]:
        return [f"{r.event.pallet}.{r.event.name}" for r in self.events(extrinsic)]

    # -- extrinsics ----------------------------------------------------------------------------------

    def sign(
        self,
        call: RuntimeCall,
        signer: KeyPair = ALICE,
        nonce: int | None = None,
        *,
        tip: int = 0,
        era: Era | None = None,
        birth: bytes | None = None,
        address: MultiAddress | None = None,
        mode: int = 0,
        asset: int | None = None,
        **payload: Any,
    ) -> bytes:
        """A signed extrinsic; every part can be made wrong by keyword."""
        version = self.kind().pallet(System).version
        era = era or Era()
        if nonce is None:
            nonce = self.runtime().system.nonce(signer.public)
        extra = Extra(era, nonce, tip, mode, asset)
        call_data = self.codec(RuntimeCall).encode(call)
        message = signing_payload(
            call_data,
            encode_extra(extra, self.kind.signed_extensions),
            payload.get("spec_version", version.spec_version),
            payload.get("transaction_version", version.transaction_version),
            payload.get("genesis_hash", self.hash(0)),
            birth or (self.hash(era.birth(self.number + 1)) if era.period else self.hash(0)),
        )
        signature = payload.get("signature", sign(signer, message))
        signed = Signature(address or Id(signer.public), signature, extra)
        return encode_extrinsic(call_data, signed, self.kind.signed_extensions)

    def validate(self, extrinsic: bytes, overlay: Overlay | None = None) -> Any:
        args = bytes([TransactionSource.External]) + extrinsic + encode(H256, self.hash())
        answer = ENGINE.call("TaggedTransactionQueue_validate_transaction", overlay or self.overlay(), args)
        return decode(TransactionValidity, answer)

    # -- blocks --------------------------------------------------------------------------------------

    def open(self, now: int | None = None, *, inherents: bool = True) -> tuple[Overlay, list[bytes]]:
        """Begin the next block; the overlay it is made in and its body so far."""
        now = START + 1000 * self.number if now is None else now
        overlay, body = self.overlay(), []
        opening = Header(
            self.hash(), self.number + 1, bytes(32), bytes(32), Digest([aura_slot_digest(now // SLOT_MS)])
        )
        mode = ENGINE.call("Core_initialize_block", overlay, opening.encoded())
        assert mode == encode(ExtrinsicInclusionMode, ExtrinsicInclusionMode.AllExtrinsics)
        if inherents:
            data = encode(
                InherentData, {TIMESTAMP_INHERENT: encode(u64, now), b"auraslot": encode(u64, now // SLOT_MS)}
            )
            answer = ENGINE.call("BlockBuilder_inherent_extrinsics", overlay, data)
            for extrinsic in self.codec(list[UncheckedExtrinsic]).decode(answer):
                assert apply(overlay, extrinsic.raw) == Ok(Ok(None))
                body.append(extrinsic.raw)
        return overlay, body

    def close(self, overlay: Overlay, body: Sequence[bytes]) -> Header:
        """End the block and make it the best one."""
        header: Header = decode(Header, ENGINE.call("BlockBuilder_finalize_block", overlay, b""))
        state = self.states[-1].commit(overlay.changes())
        self.headers.append(header)
        self.states.append(state)
        self.bodies.append(list(body))
        return header

    def make(self, *extrinsics: bytes, now: int | None = None) -> list[Any]:
        """A block with the extrinsics; how each ended."""
        overlay, body = self.open(now)
        outcomes = [apply(overlay, extrinsic) for extrinsic in extrinsics]
        accepted = [x for x, outcome in zip(extrinsics, outcomes, strict=True) if isinstance(outcome, Ok)]
        self.close(overlay, body + accepted)
        return outcomes

    def block(self, number: int = -1) -> Block:
        decoded = [self.codec(UncheckedExtrinsic).decode(raw) for raw in self.bodies[number]]
        return Block(self.headers[number], decoded)

    def execute(self, block: Block, on: int = -2) -> None:
        """Run a whole block on a state, as an importing node does."""
        ENGINE.call("Core_execute_block", Overlay(self.states[on]), self.codec(Block).encode(block))


def apply(overlay: Overlay, extrinsic: bytes) -> Any:
    return decode(ApplyExtrinsicResult, ENGINE.call("BlockBuilder_apply_extrinsic", overlay, extrinsic))


def broken(header: Header, **fields: Any) -> Header:
    """The header with some fields replaced."""
    return Header(**({f: getattr(header, f) for f in header.__struct_fields__} | fields))

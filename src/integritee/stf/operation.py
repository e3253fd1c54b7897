"""Trusted operations: calls and getters with their signatures, as they travel encrypted to the enclave.

Layouts: worker `app-libs/stf` and `ita-stf`. The signing payload of a call binds nonce, MRENCLAVE and shard;
that of a getter is the getter alone. A signature may also cover the payload wrapped in ``<Bytes>…</Bytes>``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from integritee.primitives.ids import AccountId, Nonce
from integritee.primitives.signature import MultiSignature
from integritee.scale import Enum, Struct
from integritee.scale.shape import Placeholder

from .declare import GetterDef, TrustedCallDef


@dataclass(frozen=True, slots=True)
class TrustedCall:
    """A call of some app: discriminant ‖ arguments."""

    definition: TrustedCallDef
    args: tuple[Any, ...]

    @classmethod
    def scale_shape(cls) -> Placeholder:
        return Placeholder(cls)

    @property
    def sender(self) -> bytes:
        """The account that must have signed: the first argument."""
        account: bytes = self.args[0]
        return account

    @property
    def name(self) -> str:
        return self.definition.name


@dataclass(frozen=True, slots=True)
class TrustedGetter:
    """A getter only its subject may ask: discriminant ‖ arguments."""

    definition: GetterDef
    args: tuple[Any, ...]

    @classmethod
    def scale_shape(cls) -> Placeholder:
        return Placeholder(cls)

    @property
    def sender(self) -> bytes:
        account: bytes = self.args[0]
        return account


@dataclass(frozen=True, slots=True)
class PublicGetter:
    """A getter anybody may ask: discriminant ‖ arguments."""

    definition: GetterDef
    args: tuple[Any, ...]

    @classmethod
    def scale_shape(cls) -> Placeholder:
        return Placeholder(cls)


class TrustedCallSigned(Struct, frozen=True):
    """A call with its nonce and signature; `delegate` signs in the sender's place if given."""

    call: TrustedCall
    nonce: Nonce
    delegate: AccountId | None
    signature: MultiSignature

    @property
    def signer(self) -> bytes:
        return self.delegate if self.delegate is not None else self.call.sender


class TrustedGetterSigned(Struct, frozen=True):
    getter: TrustedGetter
    delegate: AccountId | None
    signature: MultiSignature

    @property
    def signer(self) -> bytes:
        return self.delegate if self.delegate is not None else self.getter.sender


class Getter(Enum, frozen=True):
    """What `state_executeGetter` takes."""


class Public(Getter, frozen=True):
    index: ClassVar[int] = 0
    getter: PublicGetter


class Trusted(Getter, frozen=True):
    index: ClassVar[int] = 1
    signed: TrustedGetterSigned


class TrustedOperation(Enum, frozen=True):
    """What is shielded and submitted. Its hash covers the discriminant, so both forms of a call differ."""


class IndirectCall(TrustedOperation, frozen=True):
    index: ClassVar[int] = 0
    signed: TrustedCallSigned


class DirectCall(TrustedOperation, frozen=True):
    index: ClassVar[int] = 1
    signed: TrustedCallSigned


class Get(TrustedOperation, frozen=True):
    index: ClassVar[int] = 2
    getter: Getter

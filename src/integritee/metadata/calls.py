"""Calls: from pallet, name and arguments to bytes, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from integritee.scale import Codec, DecodeError, EncodeError

from .errors import WrongArguments
from .outer_enum import OuterEnum
from .type_layout import VariantLayout
from .values import DecodedCall


def encode_call(calls: OuterEnum, pallet: str, call: str, args: Mapping[str, Any] | Sequence[Any]) -> bytes:
    """Bytes of a call. Raises UnknownName, WrongArguments, EncodeError."""
    layout = calls.layout(pallet, call)
    return calls.encode(pallet, call, _by_name(f"{pallet}.{call}", layout, args))


def call_codec(calls: OuterEnum) -> Codec:
    """Codec of the call enum. Reads DecodedCall; writes that, or a call that is already encoded."""

    def encode(value: Any) -> bytes:
        if isinstance(value, DecodedCall):
            return encode_call(calls, value.pallet, value.call, value.args)
        if not isinstance(value, bytes):
            raise EncodeError("a call", type(value).__name__)
        try:
            codec.decode(value)
        except DecodeError as error:
            raise EncodeError("an encoded call", str(error)) from None
        return value

    def read(data: bytes, at: int, depth: int) -> tuple[DecodedCall, int]:
        pallet, call, args, end = calls.read(data, at, depth)
        return DecodedCall(pallet, call, args), end

    codec = Codec(encode, read, 2)
    return codec


def _by_name(call: str, layout: VariantLayout, args: Mapping[str, Any] | Sequence[Any]) -> Mapping[str, Any]:
    names = [field.name or str(position) for position, field in enumerate(layout.fields)]
    if isinstance(args, Mapping):
        if set(args) != set(names):
            raise WrongArguments(call, ", ".join(names), ", ".join(map(str, args)))
        return args
    if isinstance(args, str | bytes) or len(args) != len(names):
        raise WrongArguments(call, ", ".join(names), f"{len(args)} arguments")
    return dict(zip(names, args, strict=True))

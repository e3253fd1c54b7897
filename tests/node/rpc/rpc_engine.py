"""The toy runtime with what JSON-RPC asks of a runtime beyond the chain: metadata and fees."""

from __future__ import annotations

from tests.node.toy_runtime import ToyEngine

from integritee.frame.overlay import Overlay
from integritee.node.runtime_api import RuntimeVersion
from integritee.primitives.storage import storage_prefix
from integritee.scale import decode, decode_compact, encode, encode_compact, u32, u128

METADATA = b"meta\x0e" + bytes(range(20))
EVENTS = storage_prefix("System", "Events")
SAME_EVENTS = b"\x04same in every block"


class RpcEngine(ToyEngine):
    """Writes the same events in every block. The spec version is the length of `:code`."""

    calls: list[str]

    def __init__(self) -> None:
        self.calls = []

    def call(self, name: str, overlay: Overlay, args: bytes) -> bytes:
        self.calls.append(name)
        return super().call(name, overlay, args)

    def Core_version(self, state: Overlay, args: bytes) -> bytes:
        code = state.get(b":code") or b""
        return encode(RuntimeVersion, RuntimeVersion("toy", "toy", 1, len(code), 1, [(b"12345678", 5)], 1, 0))

    def Core_initialize_block(self, state: Overlay, args: bytes) -> bytes:
        answer = super().Core_initialize_block(state, args)
        state.put(EVENTS, SAME_EVENTS)
        return answer

    def Metadata_metadata(self, state: Overlay, args: bytes) -> bytes:
        return encode(bytes, METADATA)

    def TransactionPaymentApi_query_info(self, state: Overlay, args: bytes) -> bytes:
        length = _length(args)
        return encode_compact(length) + encode_compact(7) + b"\0" + encode(u128, 10**20 + length)

    def TransactionPaymentApi_query_fee_details(self, state: Overlay, args: bytes) -> bytes:
        length = _length(args)
        if args[1:2] == b"\0":  # as if it were an inherent
            return b"\0" + encode(u128, 0)
        return b"\1" + encode(u128, 108) + encode(u128, length) + encode(u128, 1 << 100) + encode(u128, 5)


def _length(args: bytes) -> int:
    """Of the extrinsic in `args`, which must be what the second argument says."""
    inner, start = decode_compact(args)
    length = inner + start
    assert args[length:] == encode(u32, length), (args, decode(u32, args[-4:]))
    return length

"""Foreign chains through their own metadata: calls, storage, events and extrinsics of any Substrate runtime.

`RuntimeMetadata.parse` reads what `state_getMetadata` returns; `values` says how chain values look in Python.
"""

from .errors import MetadataError
from .event_stream import Event, UndecodableEvent
from .events import EventRecord
from .extensions import TransactionParameters
from .extrinsic import (
    DecodedExtrinsic,
    UndecodableExtrinsic,
    decode_extrinsic,
    dummy_signed_extrinsic,
    message_to_sign,
    read_extrinsic,
    sign_extrinsic,
    signed_extrinsic,
    signing_payload,
)
from .pallets import PalletMetadata
from .runtime import RuntimeMetadata, SignedExtension
from .values import DecodedCall, Variant

__all__ = [
    "DecodedCall",
    "DecodedExtrinsic",
    "Event",
    "EventRecord",
    "MetadataError",
    "PalletMetadata",
    "RuntimeMetadata",
    "SignedExtension",
    "TransactionParameters",
    "UndecodableEvent",
    "UndecodableExtrinsic",
    "Variant",
    "decode_extrinsic",
    "dummy_signed_extrinsic",
    "message_to_sign",
    "read_extrinsic",
    "sign_extrinsic",
    "signed_extrinsic",
    "signing_payload",
]

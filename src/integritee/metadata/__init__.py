"""Foreign chains through their own metadata: calls, storage, events and extrinsics of any Substrate runtime.

`RuntimeMetadata.parse` reads what `state_getMetadata` returns; `values` says how chain values look in Python.
"""

from .errors import MetadataError
from .events import EventRecord
from .runtime import RuntimeMetadata, SignedExtension
from .values import DecodedCall, Variant

__all__ = [
    "DecodedCall",
    "EventRecord",
    "MetadataError",
    "RuntimeMetadata",
    "SignedExtension",
    "Variant",
]

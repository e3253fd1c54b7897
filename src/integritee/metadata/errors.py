"""Errors of reading a foreign chain's metadata and of using it.

MetadataError
├── InvalidMetadata             bytes that are no usable metadata
│   ├── NotMetadata             the magic number is missing
│   ├── UnsupportedVersion      a metadata version this package does not read
│   ├── MetadataTooLarge        larger than any runtime's
│   ├── DuplicateEntry          two pallets, calls, … with the same name or index
│   ├── UnknownType             a reference to a type that is not in the registry
│   ├── UnusableType            a type whose description contradicts itself
│   └── MissingEntry            a part that every runtime has is missing
├── UnknownName                 a pallet, call, storage entry, … that this runtime does not have
├── WrongKeyCount               more or fewer keys than a storage map has
├── WrongStorageKey             a storage key of something else, or one that contradicts itself
├── KeyNotRecoverable           a storage key whose hasher does not keep the map key
├── WrongArguments              arguments that do not match the call's
├── InputTooLarge               an input longer than anything a chain accepts
├── EventsOutOfStep             an event that can neither be decoded nor skipped
└── ExtrinsicError
    ├── UnknownExtension        a signed extension this package cannot fill in
    ├── ExtensionValueRefused   a value that does not fit the type the chain gives a signed extension
    ├── MissingExtension        a wish that no signed extension of the chain can carry
    ├── UnsupportedExtrinsic    an extrinsic format other than 4 or 5
    └── UnsupportedSigner       the chain takes no signatures of this scheme

Bytes that are no value of their type raise `integritee.scale.DecodeError`, values that do not fit their
type `integritee.scale.EncodeError`.
"""

from __future__ import annotations

from integritee.errors import IntegriteeError


class MetadataError(IntegriteeError):
    code = "metadata"


class InvalidMetadata(MetadataError):
    """The metadata cannot be used."""

    code = "metadata.invalid"


class NotMetadata(InvalidMetadata):
    code = "metadata.magic"

    def __init__(self, found: bytes) -> None:
        self.found = found
        super().__init__(f"metadata begins with 'meta', not 0x{found.hex()}")


class UnsupportedVersion(InvalidMetadata):
    code = "metadata.unsupported_version"

    def __init__(self, found: int, expected: str) -> None:
        self.found, self.expected = found, expected
        super().__init__(f"metadata version {found} is not supported, only {expected}")


class MetadataTooLarge(InvalidMetadata):
    code = "metadata.too_large"

    def __init__(self, found: int, limit: int) -> None:
        self.found, self.limit = found, limit
        super().__init__(f"metadata of {found} bytes exceeds {limit}")


class DuplicateEntry(InvalidMetadata):
    code = "metadata.duplicate_entry"

    def __init__(self, kind: str, name: str) -> None:
        self.kind, self.name = kind, name
        super().__init__(f"two {kind}s are {name}")


class UnknownType(InvalidMetadata):
    code = "metadata.unknown_type"

    def __init__(self, type_id: int, types: int) -> None:
        self.type_id, self.types = type_id, types
        super().__init__(f"type {type_id} is not among the {types} types of the registry")


class UnusableType(InvalidMetadata):
    code = "metadata.unusable_type"

    def __init__(self, type_id: int, reason: str) -> None:
        self.type_id, self.reason = type_id, reason
        super().__init__(f"type {type_id}: {reason}")


class MissingEntry(InvalidMetadata):
    code = "metadata.missing_entry"

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"the metadata lacks {what}")


class UnknownName(MetadataError):
    code = "metadata.unknown_name"

    def __init__(self, kind: str, name: str) -> None:
        self.kind, self.name = kind, name
        super().__init__(f"the runtime has no {kind} {name}")


class WrongKeyCount(MetadataError):
    code = "metadata.wrong_key_count"

    def __init__(self, entry: str, expected: int, found: int) -> None:
        self.entry, self.expected, self.found = entry, expected, found
        super().__init__(f"{entry} has {expected} keys, not {found}")


class WrongStorageKey(MetadataError):
    code = "metadata.wrong_storage_key"

    def __init__(self, entry: str, key: bytes) -> None:
        self.entry, self.key = entry, key
        super().__init__(f"0x{key.hex()} is no storage key of {entry}")


class KeyNotRecoverable(MetadataError):
    code = "metadata.key_not_recoverable"

    def __init__(self, entry: str, hasher: str) -> None:
        self.entry, self.hasher = entry, hasher
        super().__init__(f"{entry} hashes its keys with {hasher}, which does not keep them")


class WrongArguments(MetadataError):
    code = "metadata.wrong_arguments"

    def __init__(self, call: str, expected: str, found: str) -> None:
        self.call, self.expected, self.found = call, expected, found
        super().__init__(f"{call} takes ({expected}), found ({found})")


class InputTooLarge(MetadataError):
    code = "metadata.input_too_large"

    def __init__(self, found: int, limit: int) -> None:
        self.found, self.limit = found, limit
        super().__init__(f"input of {found} bytes exceeds {limit}")


class EventsOutOfStep(MetadataError):
    """`at` is the event's offset, `ends` the number of places where it may end, `reason` why it is not decoded."""

    code = "metadata.events_out_of_step"

    def __init__(self, at: int, ends: int, reason: str) -> None:
        self.at, self.ends, self.reason = at, ends, reason
        super().__init__(f"the event at byte {at} may end at {ends} places and is not decoded: {reason}")


class ExtrinsicError(MetadataError):
    """An extrinsic cannot be made or read."""

    code = "metadata.extrinsic"


class UnknownExtension(ExtrinsicError):
    code = "metadata.unknown_extension"

    def __init__(self, identifier: str) -> None:
        self.identifier = identifier
        super().__init__(f"signed extension {identifier} is unknown and not empty")


class ExtensionValueRefused(ExtrinsicError):
    code = "metadata.extension_value_refused"

    def __init__(self, identifier: str, reason: str) -> None:
        self.identifier, self.reason = identifier, reason
        super().__init__(f"signed extension {identifier} does not take its value: {reason}")


class MissingExtension(ExtrinsicError):
    code = "metadata.missing_extension"

    def __init__(self, identifier: str, wish: str) -> None:
        self.identifier, self.wish = identifier, wish
        super().__init__(f"the chain has no signed extension {identifier}, which {wish} needs")


class UnsupportedExtrinsic(ExtrinsicError):
    code = "metadata.unsupported_extrinsic"

    def __init__(self, found: int, expected: str) -> None:
        self.found, self.expected = found, expected
        super().__init__(f"extrinsic version byte 0x{found:02x} is not {expected}")


class UnsupportedSigner(ExtrinsicError):
    code = "metadata.unsupported_signer"

    def __init__(self, scheme: str) -> None:
        self.scheme = scheme
        super().__init__(f"the chain takes no {scheme} signatures")

"""Errors of the SCALE codec.

ScaleError
├── DecodeError
│   ├── UnexpectedEnd        input shorter than its type needs
│   ├── TrailingBytes        input longer than its type needs
│   ├── NonCanonicalCompact  a compact integer not in its shortest form
│   ├── OutOfRange           a value outside its declared range
│   ├── TooLong              a length prefix above its bound
│   ├── UnknownVariant       a discriminant no variant has
│   ├── InvalidUtf8          a string that is not UTF-8
│   ├── UnorderedMap         map keys not strictly ascending
│   └── TooDeep              nesting beyond MAX_DEPTH
├── EncodeError              a value its type cannot hold
└── UnsupportedType          a type hint without a SCALE form
"""

from __future__ import annotations

from integritee.errors import IntegriteeError


class ScaleError(IntegriteeError):
    code = "scale"


class DecodeError(ScaleError):
    """Input bytes that are not the encoding of the expected type."""

    code = "scale.decode"


class UnexpectedEnd(DecodeError):
    code = "scale.unexpected_end"

    def __init__(self, at: int, needed: int, available: int) -> None:
        self.at, self.needed, self.available = at, needed, available
        super().__init__(f"input ends at byte {at}: {needed} more bytes needed, {available} left")


class TrailingBytes(DecodeError):
    code = "scale.trailing_bytes"

    def __init__(self, expected: int, found: int) -> None:
        self.expected, self.found = expected, found
        super().__init__(f"value ends after {expected} bytes but the input has {found}")


class NonCanonicalCompact(DecodeError):
    code = "scale.non_canonical_compact"

    def __init__(self, at: int, value: int) -> None:
        self.at, self.value = at, value
        super().__init__(f"compact integer {value} at byte {at} is not in its shortest form")


class OutOfRange(DecodeError):
    code = "scale.out_of_range"

    def __init__(self, at: int, found: int, expected: str) -> None:
        self.at, self.found, self.expected = at, found, expected
        super().__init__(f"value {found} at byte {at} is not {expected}")


class TooLong(DecodeError):
    code = "scale.too_long"

    def __init__(self, at: int, found: int, limit: int) -> None:
        self.at, self.found, self.limit = at, found, limit
        super().__init__(f"length {found} at byte {at} exceeds {limit}")


class UnknownVariant(DecodeError):
    code = "scale.unknown_variant"

    def __init__(self, at: int, found: int, type_name: str) -> None:
        self.at, self.found, self.type_name = at, found, type_name
        super().__init__(f"{type_name} has no variant {found} (byte {at})")


class InvalidUtf8(DecodeError):
    code = "scale.invalid_utf8"

    def __init__(self, at: int) -> None:
        self.at = at
        super().__init__(f"string at byte {at} is not UTF-8")


class UnorderedMap(DecodeError):
    code = "scale.unordered_map"

    def __init__(self, at: int) -> None:
        self.at = at
        super().__init__(f"map keys at byte {at} are not strictly ascending")


class TooDeep(DecodeError):
    code = "scale.too_deep"

    def __init__(self, at: int, limit: int) -> None:
        self.at, self.limit = at, limit
        super().__init__(f"nesting at byte {at} exceeds {limit} levels")


class EncodeError(ScaleError):
    """A value outside what its type can hold."""

    code = "scale.encode"

    def __init__(self, expected: str, found: str) -> None:
        self.expected, self.found = expected, found
        super().__init__(f"expected {expected}, found {found}")


class UnsupportedType(ScaleError):
    code = "scale.unsupported_type"

    def __init__(self, hint: str) -> None:
        self.hint = hint
        super().__init__(f"no SCALE form for type {hint}")

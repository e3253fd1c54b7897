"""Mortality of extrinsics (sp_runtime::generic::Era)."""

from __future__ import annotations

from typing import Final

from integritee.scale import Codec, Struct
from integritee.scale.errors import OutOfRange, UnexpectedEnd

MIN_PERIOD: Final = 4
MAX_PERIOD: Final = 65_536


class Era(Struct, frozen=True):
    """`period` 0 is immortal; else a power of two in 4..65536 with `phase` < period, both in blocks."""

    period: int = 0
    phase: int = 0

    @classmethod
    def mortal(cls, period: int, current: int) -> Era:
        """Era of about `period` blocks that begins at or before block `current`."""
        period = min(max(1 << max(period - 1, 1).bit_length(), MIN_PERIOD), MAX_PERIOD)
        step = max(period >> 12, 1)
        return cls(period, current % period // step * step)

    def birth(self, current: int) -> int:
        """First block of the era that contains `current`."""
        if not self.period:
            return 0
        return (max(current, self.phase) - self.phase) // self.period * self.period + self.phase

    def death(self, current: int) -> int | None:
        """First block in which the extrinsic is no longer valid; None if immortal."""
        return self.birth(current) + self.period if self.period else None


def encode_era(era: Era) -> bytes:
    """One byte 0x00 if immortal, else two bytes."""
    if not era.period:
        return b"\x00"
    step = max(era.period >> 12, 1)
    low = min(max(era.period.bit_length() - 2, 1), 15)
    return (low | era.phase // step << 4).to_bytes(2, "little")


def read_era(data: bytes, at: int, depth: int = 0) -> tuple[Era, int]:
    """(era, offset behind it). Raises DecodeError."""
    if at >= len(data):
        raise UnexpectedEnd(at, 1, 0)
    if data[at] == 0:
        return Era(), at + 1
    if at + 2 > len(data):
        raise UnexpectedEnd(at, 2, 1)
    raw = int.from_bytes(data[at : at + 2], "little")
    period = 2 << raw % 16
    phase = (raw >> 4) * max(period >> 12, 1)
    if period < MIN_PERIOD or phase >= period:
        raise OutOfRange(at, raw, "a mortal era")
    return Era(period, phase), at + 2


ERA_CODEC: Final = Codec(encode_era, read_era, 1)

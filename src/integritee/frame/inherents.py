"""Inherents: extrinsics that carry what only the block's author knows, such as the time (sp-inherents)."""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from integritee.scale import Bytes8, Struct

InherentData: TypeAlias = dict[Bytes8, bytes]
"""What the author offers, by inherent identifier; the values are SCALE of types the pallets know."""


class CheckInherentsResult(Struct, frozen=True):
    """What the inherents of a foreign block say about it; `errors` by inherent identifier, SCALE each."""

    scale_path: ClassVar[str] = "sp_inherents::CheckInherentsResult"
    okay: bool = True
    fatal_error: bool = False
    errors: InherentData = {}

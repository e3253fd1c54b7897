"""What a community leaves in its directory, as the original's script does.

cid.txt             its name, base58
bot-stats.csv       a line for each ceremony: population before it grew, supply before rewards
currencyspec.json   where it meets and who its bootstrappers are, as `new-community` takes it
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

import base58

from integritee.client.keystore import TRUSTED_DIRECTORY, KeyStore
from integritee.crypto import ss58_encode

from .check import amount_text
from .errors import FileUnreadable, NoCommunity
from .geometry import Point

CID: Final = "cid.txt"
STATISTICS: Final = "bot-stats.csv"
SPECIFICATION: Final = "currencyspec.json"

CID_BYTES: Final = 32
MAX_CID_FILE: Final = 1024
MAX_STATISTICS: Final = 1024 * 1024
"""Bytes of files that are read."""

LINE: Final = re.compile(r"(\d{1,9}), (\d{1,18}(?:\.\d{1,20})?)", re.ASCII)


class Files:
    """Below a directory, which is there."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def keys(self, shard: bytes) -> KeyStore:
        return KeyStore(self.directory / TRUSTED_DIRECTORY / base58.b58encode(shard).decode())

    # -- the community -------------------------------------------------------------------------------

    def write_cid(self, cid: bytes) -> None:
        (self.directory / CID).write_text(base58.b58encode(cid).decode())

    def cid(self) -> bytes:
        """32 bytes. Raises NoCommunity, FileUnreadable."""
        path = self.directory / CID
        if not path.is_file():
            raise NoCommunity(path)
        try:
            cid = base58.b58decode(_text(path, MAX_CID_FILE).strip())
        except ValueError:
            cid = b""
        if len(cid) != CID_BYTES:
            raise FileUnreadable(path, f"no community's name, which is base58 of {CID_BYTES} bytes")
        return cid

    def write_specification(self, locations: Sequence[Point], bootstrappers: Sequence[bytes]) -> None:
        """GeoJSON, longitude first."""
        features = [
            {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [at.lon, at.lat]}}
            for at in locations
        ]
        meta = {
            "name": Path(SPECIFICATION).stem,
            "bootstrappers": [ss58_encode(account) for account in bootstrappers],
        }
        specification = {"type": "FeatureCollection", "features": features, "currency_meta": meta}
        (self.directory / SPECIFICATION).write_text(json.dumps(specification, indent=1) + "\n")

    # -- statistics ----------------------------------------------------------------------------------

    def clear_statistics(self) -> None:
        (self.directory / STATISTICS).write_text("")

    def add_statistics(self, population: int, total: Fraction) -> None:
        with (self.directory / STATISTICS).open("a") as file:
            file.write(f"{population}, {amount_text(total)}\n")

    def statistics(self) -> list[tuple[int, Fraction]]:
        """Population and supply of each ceremony so far. Raises FileUnreadable."""
        path = self.directory / STATISTICS
        if not path.is_file():
            return []
        lines = [LINE.fullmatch(line) for line in _text(path, MAX_STATISTICS).splitlines()]
        for number, line in enumerate(lines, 1):
            if line is None:
                raise FileUnreadable(path, f"line {number} is not `population, total`")
        return [(int(line[1]), Fraction(line[2])) for line in lines if line is not None]


def _text(path: Path, limit: int) -> str:
    """Raises FileUnreadable."""
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise FileUnreadable(path, f"longer than {limit} bytes")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise FileUnreadable(path, "no text") from None

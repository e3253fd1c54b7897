"""The golden vectors this area uses; metadata files are parsed once."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from integritee.metadata import RuntimeMetadata

VECTORS = Path(__file__).parent.parent / "vectors"
FILES = ("integritee-paseo.metadata.scale", "gesellv5SpecRaw.metadata.scale", "itk.scale", "pah.scale")


@cache
def raw_metadata(name: str) -> bytes:
    return (VECTORS / "metadata" / name).read_bytes()


@cache
def parsed(name: str) -> RuntimeMetadata:
    return RuntimeMetadata.parse(raw_metadata(name))


def vectors(name: str) -> Any:
    return json.loads((VECTORS / name).read_text())


def unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))

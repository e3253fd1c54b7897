"""Metadata as JSON, in the shape of polkadot-js' `Metadata.toJSON()`: camel case, variants by lower-case name."""

from __future__ import annotations

import enum
from typing import Any, Final

from integritee.scale import Enum, Struct

from .layout import MetadataV14, MetadataV15, MetadataV16, PalletTypeV16, Plain
from .type_layout import BitSequence, PortableType, PrimitiveType, TupleOf

MAGIC_NUMBER: Final = 0x6174656D
"""The bytes "meta" as a little-endian integer."""


def metadata_to_json(version: int, layout: MetadataV14 | MetadataV15 | MetadataV16) -> dict[str, Any]:
    """JSON-ready form of a whole metadata."""
    content = _view(layout)
    content["lookup"] = {"types": content.pop("types")}
    if not isinstance(layout, MetadataV14):
        content["custom"] = {"map": {value.pop("name"): value for value in content["custom"]}}
    if isinstance(layout, MetadataV16):
        content["extrinsic"] |= _extrinsic_v16(content["extrinsic"])
    return {"magicNumber": MAGIC_NUMBER, "metadata": {f"v{version}": content}}


def _extrinsic_v16(extrinsic: dict[str, Any]) -> dict[str, Any]:
    """What differs: versions as bytes, sets of extensions by version, the later name of what is signed beside."""
    versions = {str(one["version"]): one["extensions"] for one in extrinsic["transactionExtensionsByVersion"]}
    extensions = [
        {"identifier": one["identifier"], "type": one["type"], "implicit": one["additionalSigned"]}
        for one in extrinsic["transactionExtensions"]
    ]
    return {
        "versions": "0x" + bytes(extrinsic["versions"]).hex(),
        "transactionExtensionsByVersion": versions,
        "transactionExtensions": extensions,
    }


def _view(value: Any) -> Any:
    match value:
        case PortableType():
            described = {"path": value.path, "params": _view(value.params), "def": _view(value.definition)}
            return {"id": value.id, "type": described | {"docs": value.docs}}
        case PrimitiveType(kind):
            return {"primitive": kind.name.capitalize()}
        case TupleOf(types):
            return {"tuple": types}
        case BitSequence(store, order):
            return {"bitSequence": {"bitStoreType": store, "bitOrderType": order}}
        case PalletTypeV16(type_id, deprecations):
            noted = {str(one.variant): _view(one.deprecation) for one in deprecations}
            return {"type": type_id, "deprecationInfo": noted}
        case Plain(type_id):
            return {"plain": type_id}
        case enum.IntEnum():
            return value.name
        case Enum():
            name = value.variant_name or type(value).__name__
            return {name[0].lower() + name[1:]: _fields(value) or None}
        case Struct():
            return _fields(value)
        case bytes():
            return "0x" + value.hex()
        case list():
            return [_view(item) for item in value]
    return value


def _fields(value: Struct) -> dict[str, Any]:
    return {_camel(name): _view(getattr(value, name)) for name in value.__struct_fields__}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)

"""Small metadata made by hand, to say things no honest runtime says."""

from typing import Any

from integritee.metadata import RuntimeMetadata
from integritee.metadata.layout import (
    ExtrinsicV14,
    MetadataV14,
    PalletTypeV14,
    PalletV14,
    Plain,
    SignedExtensionLayout,
    StorageEntryV14,
    StorageModifier,
    StorageV14,
)
from integritee.metadata.registry import TypeRegistry
from integritee.metadata.type_layout import (
    Composite,
    Field,
    PortableType,
    Primitive,
    PrimitiveType,
    TupleOf,
    TypeDef,
    TypeParameter,
    VariantLayout,
    Variants,
)
from integritee.scale import encode

U8 = PrimitiveType(Primitive.U8)
U32 = PrimitiveType(Primitive.U32)
UNIT = TupleOf([])


def field(type_id: int, name: str | None = None) -> Field:
    return Field(name, type_id, None, [])


def struct(*fields: Field) -> Composite:
    return Composite(list(fields))


def variant(name: str, index: int, *fields: Field) -> VariantLayout:
    return VariantLayout(name, list(fields), index, [])


def enum(*variants: VariantLayout) -> Variants:
    return Variants(list(variants))


def registry(*definitions: TypeDef, paths: dict[int, str] | None = None) -> TypeRegistry:
    """The types of `definitions` with their position as id."""
    return TypeRegistry(types(*definitions, paths=paths))


def types(
    *definitions: TypeDef,
    paths: dict[int, str] | None = None,
    params: dict[int, list[TypeParameter]] | None = None,
) -> list[PortableType]:
    return [
        PortableType(
            position, (paths or {}).get(position, "").split("::"), (params or {}).get(position, []), definition, []
        )
        for position, definition in enumerate(definitions)
    ]


def pallet_layout(name: str, index: int, **parts: Any) -> PalletV14:
    defaults: dict[str, Any] = {"storage": None, "calls": None, "events": None, "constants": [], "errors": None}
    return PalletV14(name=name, index=index, **(defaults | parts))


def metadata_v14(
    registered: list[PortableType],
    pallets: list[PalletV14] | None = None,
    extensions: list[SignedExtensionLayout] | None = None,
    extrinsic_version: int = 4,
    extrinsic_type: int = 0,
) -> bytes:
    """Type 0 is that of the runtime."""
    extrinsic = ExtrinsicV14(extrinsic_type, extrinsic_version, extensions or [])
    return b"meta\x0e" + encode(MetadataV14, MetadataV14(registered, pallets or [], extrinsic, 0))


def runtime(*args: Any, **kwargs: Any) -> RuntimeMetadata:
    return RuntimeMetadata.parse(metadata_v14(*args, **kwargs))


def events_storage(records: int) -> StorageV14:
    """Storage with an entry Events of type `records`."""
    return StorageV14("System", [StorageEntryV14("Events", StorageModifier.Default, Plain(records), b"\x00", [])])


def calls(type_id: int) -> PalletTypeV14:
    return PalletTypeV14(type_id)

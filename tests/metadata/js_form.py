"""Do decoded values equal what polkadot-js shows of them (`toJSON`)?"""

from collections.abc import Mapping
from typing import Any

from integritee.crypto import ss58_decode
from integritee.metadata import DecodedCall, RuntimeMetadata, Variant
from integritee.scale import Err, Ok


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def lower_first(name: str) -> str:
    return name[0].lower() + name[1:]


def agrees(metadata: RuntimeMetadata, ours: Any, theirs: Any) -> bool:
    """Structural equality of a decoded value and its JSON."""
    match ours:
        case Ok(value):
            return agrees_variant(metadata, Variant("Ok", value), theirs)
        case Err(error):
            return agrees_variant(metadata, Variant("Err", error), theirs)
        case Variant():
            return agrees_variant(metadata, ours, theirs)
        case DecodedCall(pallet, call, args):
            index = "0x" + metadata.call_index(pallet, call).hex()
            return theirs["callIndex"] == index and agrees(metadata, args, theirs["args"])
        case bool() | None:
            return ours is theirs
        case int():
            return ours == (int(theirs, 16) if str(theirs).startswith("0x") else int(theirs))
        case bytes():
            return ours == (bytes.fromhex(theirs[2:]) if theirs.startswith("0x") else ss58_decode(theirs)[0])
        case tuple() if not ours:
            return theirs is None
        case Mapping():
            keyed = theirs if set(theirs) == set(ours) else {k: theirs[camel(k)] for k in ours}
            return len(keyed) == len(theirs) and all(agrees(metadata, v, keyed[k]) for k, v in ours.items())
        case list() | tuple():
            listed = list(theirs.items()) if isinstance(theirs, dict) else theirs
            return len(ours) == len(listed) and all(map(lambda a, b: agrees(metadata, a, b), ours, listed))
    return bool(ours == theirs)


def agrees_variant(metadata: RuntimeMetadata, ours: Variant, theirs: Any) -> bool:
    if isinstance(theirs, str):
        return ours.value == () and ours.name == theirs
    return list(theirs) == [lower_first(ours.name)] and agrees(metadata, ours.value, theirs[lower_first(ours.name)])

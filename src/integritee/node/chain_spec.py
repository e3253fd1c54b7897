"""Chain specification: what makes a chain this chain (sc-chain-spec).

The JSON is that of ``build-spec --raw``: genesis is storage, key by key, and needs no runtime to be understood.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from .errors import ChainSpecError

Json: TypeAlias = str | int | float | bool | list[Any] | dict[str, Any] | None

CHILD_STORAGE: Final = b":child_storage:"
"""What keys of child tries' roots begin with (sp-core `CHILD_STORAGE_KEY_PREFIX`)."""

CHAIN_TYPES: Final = ("Development", "Local", "Live")

TEER_PROPERTIES: Final[Mapping[str, Json]] = {"ss58Format": 13, "tokenDecimals": 12, "tokenSymbol": "TEER"}
UNIT_PROPERTIES: Final[Mapping[str, Json]] = {"ss58Format": 42, "tokenDecimals": 12, "tokenSymbol": "UNIT"}
"""`tokenDecimals` is a plain number: clients of the chain do not read the list form."""


@dataclass(frozen=True)
class ChainSpec:
    """Name, identity and genesis of a chain.

    `name` is for people (`system_chain`), `id` names directories, `protocol_id` is None if unset, `chain_type`
    one of CHAIN_TYPES, `properties` what `system_properties` returns, `genesis` the raw storage of block 0.
    """

    name: str
    id: str
    chain_type: str
    protocol_id: str | None
    properties: Mapping[str, Json]
    genesis: Mapping[bytes, bytes] = field(repr=False)

    def to_json(self) -> str:
        """The raw specification, keys in order, indented by two spaces. Raises ChainSpecError.

        Child storage would be lost: the genesis has only the roots of its tries, and is refused.
        """
        _check_no_child_storage(self.genesis)
        document: dict[str, Json] = {
            "name": self.name,
            "id": self.id,
            "chainType": self.chain_type,
            "bootNodes": [],
            "telemetryEndpoints": None,
            "protocolId": self.protocol_id,
            "properties": dict(self.properties),
            "codeSubstitutes": {},
            "genesis": {
                "raw": {
                    "top": {"0x" + key.hex(): "0x" + value.hex() for key, value in sorted(self.genesis.items())},
                    "childrenDefault": {},
                }
            },
        }
        return json.dumps(document, indent=2)

    @classmethod
    def from_json(cls, text: str) -> ChainSpec:
        """Read a raw specification. Members without meaning for this node are ignored. Raises ChainSpecError."""
        try:
            document = json.loads(text)
        except ValueError:
            raise ChainSpecError("document", "JSON") from None
        chain_type = _text(document, "chainType", "Live")
        if chain_type not in CHAIN_TYPES:
            raise ChainSpecError("chainType", "one of " + ", ".join(CHAIN_TYPES))
        protocol_id = _member(document, "protocolId", None)
        if protocol_id is not None and not isinstance(protocol_id, str):
            raise ChainSpecError("protocolId", "a string or null")
        return cls(
            name=_text(document, "name"),
            id=_text(document, "id"),
            chain_type=chain_type,
            protocol_id=protocol_id,
            properties=_object(document, "properties", {}),
            genesis=_raw_storage(document),
        )


def dev_spec(genesis: Mapping[bytes, bytes]) -> ChainSpec:
    """The specification of ``--dev``."""
    return _integritee("Integritee Network (dev)", "integritee-solo-dev", "Development", genesis)


def local_spec(genesis: Mapping[bytes, bytes]) -> ChainSpec:
    """The specification of ``--chain local``, also taken when no chain is named."""
    return _integritee("Integritee Network (local)", "integritee-solo-local", "Local", genesis)


def target_a_spec(genesis: Mapping[bytes, bytes]) -> ChainSpec:
    """The specification of ``--chain target-a-dev``."""
    return _integritee("Integritee Target A (dev)", "target-a-dev", "Development", genesis)


def target_b_spec(genesis: Mapping[bytes, bytes]) -> ChainSpec:
    """The specification of ``--chain target-b-dev``."""
    return ChainSpec("Asset Hub Target B (dev)", "target-b-dev", "Development", None, UNIT_PROPERTIES, genesis)


def encointer_spec(genesis: Mapping[bytes, bytes]) -> ChainSpec:
    """The specification of ``--chain encointer-dev``."""
    return _integritee("Integritee with Encointer (dev)", "encointer-dev", "Development", genesis)


def _integritee(name: str, id: str, chain_type: str, genesis: Mapping[bytes, bytes]) -> ChainSpec:
    return ChainSpec(name, id, chain_type, "teer", TEER_PROPERTIES, genesis)


_REQUIRED: Final = object()


def _member(document: object, name: str, default: object = _REQUIRED) -> Any:
    if not isinstance(document, dict):
        raise ChainSpecError("document", "a JSON object")
    found = document.get(name, default)
    if found is _REQUIRED:
        raise ChainSpecError(name, "present")
    return found


def _text(document: object, name: str, default: object = _REQUIRED) -> str:
    found = _member(document, name, default)
    if not isinstance(found, str):
        raise ChainSpecError(name, "a string")
    return found


def _object(document: object, name: str, default: object = _REQUIRED) -> dict[str, Any]:
    found = _member(document, name, default)
    if not isinstance(found, dict):
        raise ChainSpecError(name, "an object")
    return found


def _raw_storage(document: object) -> dict[bytes, bytes]:
    raw = _object(_object(document, "genesis"), "raw")
    if _object(raw, "childrenDefault", {}):
        raise ChainSpecError("genesis.raw.childrenDefault", "empty: child storage at genesis is not supported")
    top = _object(raw, "top")
    try:
        genesis = {_hex(key): _hex(value) for key, value in top.items()}
    except (ValueError, AttributeError):
        raise ChainSpecError("genesis.raw.top", "an object of 0x-hex keys and values") from None
    _check_no_child_storage(genesis)
    return genesis


def _check_no_child_storage(genesis: Mapping[bytes, bytes]) -> None:
    if any(key.startswith(CHILD_STORAGE) for key in genesis):
        raise ChainSpecError("genesis.raw.top", "without roots of child storage, which is not supported")


def _hex(text: str) -> bytes:
    if not text.startswith("0x"):
        raise ValueError(text)
    return bytes.fromhex(text[2:])

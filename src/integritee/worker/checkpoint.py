"""Checkpoints as files: finalized blocks an operator vouches for, so that a light client may begin there.

    {"integritee": {"number": 7, "hash": "0x…", "header": "0x…", "setId": 0, "authorities": {"0x…": 1}},
     "target-a": …, "target-a-relay": …}

`header` is SCALE; number and hash are those of the header, for comparison with what others say of the chain.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from integritee.boundary.messages import Checkpoint
from integritee.client.errors import ClientError
from integritee.client.parentchain import ParentchainClient, from_hex, to_hex
from integritee.primitives.grandpa import Authority
from integritee.primitives.header import Header
from integritee.scale import DecodeError, decode, encode, u64

from .chain_config import CHAIN_NAMES, RELAY_SUFFIX, ChainConfig
from .errors import CheckpointUnusable
from .leaps import PENDING_CHANGE_KEY

MAX_FILE: Final = 16 * 1024 * 1024
"""Bytes; a thousand authorities take less than a hundred thousand."""

MAX_WEIGHT: Final = 2**64 - 1
NAMES: Final = frozenset(CHAIN_NAMES) | {name + RELAY_SUFFIX for name in CHAIN_NAMES}


def read_checkpoints(path: Path) -> dict[str, Checkpoint]:
    """Checkpoints by the name of their chain. Raises CheckpointUnusable."""
    try:
        if path.stat().st_size > MAX_FILE:
            raise CheckpointUnusable(str(path), f"longer than {MAX_FILE} bytes")
        return parse(path.read_text())
    except OSError as failed:
        raise CheckpointUnusable(str(path), failed.strerror or str(failed)) from None
    except (DecodeError, LookupError, TypeError, ValueError, AttributeError) as wrong:
        raise CheckpointUnusable(str(path), str(wrong)) from None


def parse(text: str) -> dict[str, Checkpoint]:
    """Raises ValueError, LookupError, TypeError, AttributeError or DecodeError if the text is something else."""
    found = json.loads(text)
    unknown = found.keys() - NAMES
    if unknown:
        raise ValueError(f"{min(unknown)!r} is no chain; these are: {', '.join(sorted(NAMES))}")
    return {name: _from_json(entry) for name, entry in found.items()}


def _from_json(entry: dict[str, Any]) -> Checkpoint:
    header: Header = decode(Header, from_hex(entry["header"]))
    if entry["number"] != header.number or from_hex(entry["hash"]) != header.hash():
        raise ValueError(f"number or hash is not that of the header: {header.number} {to_hex(header.hash())}")
    authorities = [_authority(key, weight) for key, weight in entry["authorities"].items()]
    set_id = entry["setId"]
    if not isinstance(set_id, int) or not 0 <= set_id <= MAX_WEIGHT:
        raise ValueError(f"setId {set_id!r} is no u64")
    return Checkpoint(header, set_id, authorities)


def _authority(key: str, weight: Any) -> Authority:
    public = from_hex(key)
    if len(public) != 32 or not isinstance(weight, int) or not 0 < weight <= MAX_WEIGHT:
        raise ValueError(f"authority {key}: {weight!r} is no 32-byte key with a weight above 0")
    return public, weight


def to_json(checkpoints: dict[str, Checkpoint]) -> str:
    """The file's text."""
    return json.dumps({name: _to_json(checkpoint) for name, checkpoint in checkpoints.items()}, indent=2)


def _to_json(checkpoint: Checkpoint) -> dict[str, Any]:
    header = checkpoint.header
    return {
        "number": header.number,
        "hash": to_hex(header.hash()),
        "header": to_hex(encode(Header, header)),
        "setId": checkpoint.set_id,
        "authorities": {to_hex(key): weight for key, weight in checkpoint.authorities},
    }


async def observe_all(chains: tuple[ChainConfig, ...]) -> dict[str, Checkpoint]:
    """The chains and their relay chains as they are now, each by the first endpoint that answers. Raises as
    `observe`."""
    found = {}
    for name, id in CHAIN_NAMES.items():
        for chain in chains:
            if chain.id is id:
                found[name] = await _observe_one(chain.urls)
                if chain.relay is not None:
                    found[name + RELAY_SUFFIX] = await _observe_one(chain.relay.urls)
    return found


async def _observe_one(urls: tuple[str, ...]) -> Checkpoint:
    for url in urls[:-1]:
        with suppress(ClientError):
            async with await ParentchainClient.connect(url, attempts=1) as chain:
                return await observe(chain)
    async with await ParentchainClient.connect(urls[-1], attempts=1) as chain:
        return await observe(chain)


async def observe(chain: ParentchainClient) -> Checkpoint:
    """The present finalized head, as this node sees it. Raises ClientError; CheckpointUnusable before the first
    block, and while a change of authorities is under way, for a checkpoint could not tell of it."""
    head = await chain.finalized_head()
    header = await chain.header(head)
    if header.number == 0:
        raise CheckpointUnusable("block 0", "nothing but genesis is finalized, where every light client can begin")
    if not chain.runtime.metadata.has_pallet("Grandpa"):
        return Checkpoint(header, 0, [])
    if await chain.raw_storage(PENDING_CHANGE_KEY, head):
        raise CheckpointUnusable(f"block {header.number}", "a change of authorities is pending; try a later block")
    authorities: list[Authority] = decode(
        list[Authority], await chain.runtime_call("GrandpaApi_grandpa_authorities", at=head)
    )
    set_id: int = decode(u64, await chain.runtime_call("GrandpaApi_current_set_id", at=head))
    return Checkpoint(header, set_id, authorities)

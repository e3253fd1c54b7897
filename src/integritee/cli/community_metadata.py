"""`trusted encointer publish-metadata` and `fetch-metadata`: what a community says of itself, as JSON on IPFS.

The file is public and stored as it is. The ledger keeps its CID, as a bootstrapper of the community says; whoever
reads it checks the file against that.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any, Final

from integritee.apps.encointer.parentchain import parse_cid
from integritee.client.relayed_notes import read_content
from integritee.primitives.cid import Cid
from integritee.primitives.ipfs import InvalidCid
from integritee.stf.ledger import Ledger

from .arguments import Options, command
from .errors import UsageError
from .groups import Groups
from .ipfs import DEFAULT_URL, PATIENCE_S
from .output import Output
from .sending import send, signed_call
from .session import session
from .signing import add_account, parties

GROUP: Final = "encointer"

MAX_METADATA: Final = 64 * 1024
"""Bytes of the file."""

ICON: Final = "assets"
"""The member that has the CID of a community's icon (encointer, community meta data)."""


def add_commands(groups: Groups, ledger: Ledger) -> None:
    if "encointer.set_community_metadata" not in ledger.calls:
        return
    verbs = groups.of(GROUP)
    publish = command(verbs, "publish-metadata", publish_metadata, "put a JSON on IPFS and register its CID")
    add_account(publish, "bootstrapper")
    fetch = command(verbs, "fetch-metadata", fetch_metadata, "the JSON of a community, through the worker")
    for verb in (publish, fetch):
        verb.add_argument("cid", type=_community, help="the community in base58")
    publish.add_argument("file", type=Path, help="JSON: name, symbol, assets, …")
    publish.add_argument("--ipfs-url", default=DEFAULT_URL, metavar="URL", help="the daemon's RPC (%(default)s)")


def _community(text: str) -> bytes:
    try:
        return parse_cid(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no base58 of 32 bytes") from None


async def publish_metadata(options: Options, output: Output) -> None:
    """Nothing is registered unless the file is stored. Raises UsageError, IpfsError, OSError, client errors."""
    from integritee.worker.kubo import Kubo, Patience, store_file

    expect_metadata(await asyncio.to_thread(options.file.read_bytes))
    kubo = Kubo(options.ipfs_url, Patience(total=PATIENCE_S))
    try:
        ipfs_cid = await store_file(kubo, options.file)
    finally:
        await kubo.close()
    output.answer("ipfs_cid", ipfs_cid)
    async with session(options) as asked:
        by = parties(options, asked.identity.store)
        signed = await signed_call(asked, by, "encointer.set_community_metadata", options.cid, ipfs_cid.encode())
        await send(options, output, asked, signed)


async def fetch_metadata(options: Options, output: Output) -> None:
    """Raises ValueNotPresent if none is registered, IpfsError, client errors, UsageError if it is no meta data."""
    async with session(options) as asked:
        ipfs_cid: bytes = await asked.client.get("encointer.community_metadata", options.cid)
        content = await read_content(asked.client, ipfs_cid.decode("ascii", "replace"))
    found = expect_metadata(content)
    output.fact("ipfs_cid", ipfs_cid.decode("ascii", "replace"))
    output.fact("metadata", found)
    for name, value in found.items():
        output.line(f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}")


def expect_metadata(content: bytes) -> dict[str, Any]:
    """The meta data in a file. Raises UsageError."""
    if len(content) > MAX_METADATA:
        raise UsageError(f"meta data of {len(content)} bytes, at most {MAX_METADATA} are taken")
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise UsageError("the meta data is no JSON") from None
    if not isinstance(found, dict):
        raise UsageError("the meta data is no JSON object")
    try:
        if ICON in found:
            Cid.parse(str(found[ICON]))
    except InvalidCid as wrong:
        raise UsageError(f"the icon ({ICON}): {wrong}") from None
    return found

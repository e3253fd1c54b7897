"""`ipfs`: public files, such as the meta data of a community, put there and brought from there.

What is added is stored as it is: only notes are encrypted, and they go through an enclave (`trusted relay-note`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from .arguments import Commands, Options, command, group
from .output import Output

DEFAULT_URL: Final = "http://127.0.0.1:5001"

MAX_FILE: Final = 1 << 30
"""Bytes of a file that is fetched from a daemon."""

PATIENCE_S: Final = 120.0


def add_commands(commands: Commands) -> None:
    ipfs = group(commands, "ipfs", "public files on IPFS; their identifiers are checked here", "ipfs_verb")
    cid = command(ipfs, "cid", print_cid, "print the identifier of a file; nothing is sent")
    cid.add_argument("--cid-version", type=int, choices=(0, 1), default=0, help="0 unless said")
    add = command(ipfs, "add", add_file, "store and pin a file, and print its identifier")
    get = command(ipfs, "get", get_file, "fetch a file, which has that identifier indeed")
    get.add_argument("cid", help="46 characters, or 59 of version 1")
    get.add_argument("--through-worker", action="store_true", help="ask the worker instead of a daemon; up to 1 MiB")
    for verb in (cid, add, get):
        verb.add_argument("file", type=Path)
    for verb in (add, get):
        verb.add_argument("--ipfs-url", default=DEFAULT_URL, metavar="URL", help="the daemon's RPC (%(default)s)")


async def print_cid(options: Options, output: Output) -> None:
    import asyncio

    from integritee.worker.kubo import file_cid

    output.answer("cid", str(await asyncio.to_thread(file_cid, options.file, options.cid_version)))


async def add_file(options: Options, output: Output) -> None:
    from integritee.worker.kubo import Kubo, Patience, store_file

    kubo = Kubo(options.ipfs_url, Patience(total=PATIENCE_S))
    try:
        output.answer("cid", await store_file(kubo, options.file))
    finally:
        await kubo.close()


async def get_file(options: Options, output: Output) -> None:
    import asyncio

    from integritee.client.relayed_notes import read_content
    from integritee.worker.kubo import Kubo, Patience, fetch_file

    if options.through_worker:
        from .connections import worker

        async with await worker(options) as client:
            content = await read_content(client, options.cid)
        await asyncio.to_thread(options.file.write_bytes, content)
    else:
        kubo = Kubo(options.ipfs_url, Patience(total=PATIENCE_S))
        try:
            await fetch_file(kubo, options.cid, options.file, MAX_FILE)
        finally:
            await kubo.close()
    output.line(f"wrote {options.file}")
    output.fact("file", str(options.file))

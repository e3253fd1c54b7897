"""Notes that are kept outside of the ledger: reading them through a worker, and believing none of it unchecked."""

from __future__ import annotations

from integritee.primitives.cid import Cid
from integritee.primitives.ipfs import MAX_CID_LENGTH, READ_METHOD, CidMismatch, InvalidCid
from integritee.stf.relayed_content import open_note
from integritee.stf.relayed_notes import KeptHere, OnIpfs, RelayedNoteRetrievalInfo

from .answers import read_value
from .worker import WorkerClient


async def read_content(client: WorkerClient, text: str) -> bytes:
    """Content on IPFS by its CID, which it has indeed; of `MAX_CONTENT_BYTES` at most.

    Raises InvalidCid, CidMismatch, and RequestRefused with the code of an IpfsError.
    """
    cid = Cid.parse(text)
    content = read_value(READ_METHOD, await client.rpc.exchange(READ_METHOD, [text]))
    if not cid.is_of(content):
        raise CidMismatch(str(cid.of(content)), text)
    return content


async def read_note(client: WorkerClient, retrieval: RelayedNoteRetrievalInfo) -> str | None:
    """The text of a relayed note; None if only its parties know where it is.

    Raises as `read_content`, and ContentUnreadable for what the key does not open.
    """
    match retrieval:
        case KeptHere(msg=text):
            return text
        case OnIpfs(ipfs_hash=cid, encryption_key=key):
            return open_note(key, await read_content(client, _text(cid)))
    return None


def _text(cid: bytes) -> str:
    """Raises InvalidCid: who relays a note itself may leave anything there."""
    try:
        return cid.decode("ascii")
    except UnicodeDecodeError:
        raise InvalidCid(cid[:MAX_CID_LENGTH].hex()) from None

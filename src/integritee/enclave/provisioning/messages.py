"""What provisioning enclaves say to each other.

    message = length u32 LE ‖ kind u8 ‖ fields (SCALE)        `length` counts what follows it

| kind | message | from | when |
|---|---|---|---|
| 0 | Hello | client | first |
| 1 | ServerHello | server | answers Hello; with its evidence |
| 2 | ClientProof | client | answers ServerHello; with its evidence |
| 3 | Grant | server | answers ClientProof: the secrets |
| 4 | ChunkRequest | client | for so many chunks of state from a path on |
| 5 | Chunk | server | answers ChunkRequest, one after the other |
| 6 | Done | client | has all |
| 7 | Admitted | server | answers Done |
| 255 | Refusal | both | last |

The original sends keys and state unasked and ends by closing the connection (worker `enclave-runtime/src/tls_ra`).
"""

from __future__ import annotations

import enum
from typing import Annotated, ClassVar, Final

from integritee.enclave.attestation import Evidence
from integritee.errors import IntegriteeError
from integritee.primitives.ids import H256, AccountId
from integritee.scale import Bounded, Bytes32, DecodeError, Enum, codec, u16, u64
from integritee.trie.transfer import MAX_CHUNK_NODES, MAX_NODE_BYTES, MAX_PATH

from .errors import MessageMalformed, MessageTooLong, VersionMismatch

VERSION: Final = 1
"""Of this protocol. First in both hellos, so that every version can tell any other."""

HEAD: Final = 4
"""Bytes of the length in front of a message."""
MAX_HELLO: Final = 8 * 1024
"""Bytes of a Hello: the longest message of a client that has proven nothing is MAX_PROOF."""
MAX_PROOF: Final = 1024 * 1024
"""Bytes of a message with evidence: a quote, two revocation lists, two documents with their chains."""
MAX_META: Final = 16 * 1024 * 1024
"""Bytes of what belongs to a state beside its entries."""
MAX_ESTATE: Final = 16 * 1024 * 1024
"""Bytes of what a successor takes over beside keys and state."""
MAX_GRANT: Final = MAX_META + MAX_ESTATE + 64 * 1024
"""Bytes of a Grant."""
MAX_CHUNK: Final = MAX_NODE_BYTES + 8 * MAX_CHUNK_NODES
"""Bytes of a Chunk."""
MAX_REQUEST: Final = MAX_PATH + 64
"""Bytes of a ChunkRequest."""
MAX_REFUSAL: Final = 2 * 1024
"""Bytes of a Refusal, which may come in place of any message."""
MAX_CHUNKS: Final = 32
"""Chunks of one request: the client's round trip is paid once for so many."""
MAX_CODE: Final = 64
"""Bytes of an error's code."""
MAX_TEXT: Final = 1024
"""Bytes of an error's words."""
MAX_PUBLIC_KEY: Final = 4 * 1024
"""Bytes of the JSON of a public shielding key."""
MAX_PRIVATE_KEY: Final = 16 * 1024
"""Bytes of the JSON of a shielding key."""

PublicKey = Annotated[bytes, Bounded(MAX_PUBLIC_KEY)]


class Role(enum.IntEnum):
    """What the client wants to become."""

    JOIN = 0
    """A further validateer: gets keys and state."""
    SUCCEED = 1
    """The server's successor, with the code that the shard has moved on to: gets its identity and estate, too."""


class Message(Enum, frozen=True):
    """One of the messages below."""


class Hello(Message, frozen=True):
    """Who asks for what. `challenge` is for the server's evidence."""

    index: ClassVar[int] = 0
    version: u16
    genesis_hash: H256
    shard: H256
    role: Role
    account: AccountId
    shielding_key: PublicKey
    challenge: Bytes32


class ServerHello(Message, frozen=True):
    """Who answers, and proof of it. `challenge` is for the client's evidence."""

    index: ClassVar[int] = 1
    version: u16
    account: AccountId
    shielding_key: PublicKey
    challenge: Bytes32
    evidence: Evidence | None


class ClientProof(Message, frozen=True):
    """Proof of who asks, and the root of the state it has a part of already, if it has."""

    index: ClassVar[int] = 2
    evidence: Evidence | None
    held: H256 | None


class Grant(Message, frozen=True):
    """The secrets, and which state follows: root, about how many bytes, and what belongs to it."""

    index: ClassVar[int] = 3
    shielding_key: Annotated[bytes, Bounded(MAX_PRIVATE_KEY)]
    state_key: Bytes32
    root: H256
    size: u64
    meta: Annotated[bytes, Bounded(MAX_META)]
    estate: Annotated[bytes, Bounded(MAX_ESTATE)]

    def __repr__(self) -> str:
        return f"Grant(root=0x{self.root.hex()})"


class ChunkRequest(Message, frozen=True):
    """Up to `count` chunks, from the node at `path` on (nibbles, see `integritee.trie.transfer`)."""

    index: ClassVar[int] = 4
    path: Annotated[bytes, Bounded(MAX_PATH)]
    count: u16


class Chunk(Message, frozen=True):
    """Encoded nodes of the state."""

    index: ClassVar[int] = 5
    nodes: Annotated[list[Annotated[bytes, Bounded(MAX_NODE_BYTES)]], Bounded(MAX_CHUNK_NODES)]


class Done(Message, frozen=True):
    """Nothing is missing."""

    index: ClassVar[int] = 6


class Admitted(Message, frozen=True):
    """The server has done its part to let the client in."""

    index: ClassVar[int] = 7


class Refusal(Message, frozen=True):
    """Why there is nothing more to say: code and words of an error."""

    index: ClassVar[int] = 255
    reason: Annotated[str, Bounded(MAX_CODE)]
    detail: Annotated[str, Bounded(MAX_TEXT)]


_MESSAGE: Final = codec(Message)


def frame(message: Message) -> bytes:
    """The bytes of a message on the wire."""
    data = _MESSAGE.encode(message)
    return len(data).to_bytes(HEAD, "little") + data


def length_of(head: bytes, limit: int) -> int:
    """How many bytes follow the `HEAD` bytes in front of a message. Raises MessageTooLong."""
    length = int.from_bytes(head, "little")
    if length > (limit := max(limit, MAX_REFUSAL)):
        raise MessageTooLong(length, limit)
    return length


def parse(data: bytes, limit: int) -> Message:
    """The message of what follows its length. Raises MessageTooLong, MessageMalformed, VersionMismatch."""
    if len(data) > (limit := max(limit, MAX_REFUSAL)):
        raise MessageTooLong(len(data), limit)
    if data[:1] in (bytes((Hello.index,)), bytes((ServerHello.index,))) and len(data) >= 3:
        version = int.from_bytes(data[1:3], "little")
        if version != VERSION:
            raise VersionMismatch(VERSION, version)
    try:
        message: Message = _MESSAGE.decode(data)
    except DecodeError as error:
        raise MessageMalformed(str(error)) from None
    return message


def refusal(error: IntegriteeError) -> Refusal:
    """What the peer is told about an error."""
    text = str(error).encode()[:MAX_TEXT].decode(errors="ignore")
    return Refusal(error.code[:MAX_CODE], text)

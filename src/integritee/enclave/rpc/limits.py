"""Every bound of the trusted RPC. What a caller may occupy follows from this page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MAX_MESSAGE_BYTES: Final = 1024 * 1024
"""Longest JSON-RPC message that is looked at; longer ones are answered with `rpc.message_too_large`."""

MAX_STRUCTURED_BYTES: Final = 128 * 1024
"""Longest message that may be more than one call with one text: a full batch of ordinary submissions. What a stranger
made of many small things takes much longer to build than one text."""

MAX_BLOCKS_MESSAGE_BYTES: Final = 8 * MAX_MESSAGE_BYTES
"""As `MAX_MESSAGE_BYTES`, for a call of `sidechain_importBlock`: two hex digits a byte, so half as many of blocks.
Larger blocks have to be fetched from their author's host."""

MAX_SESSION_MESSAGE_BYTES: Final = 2 * MAX_MESSAGE_BYTES
"""As `MAX_MESSAGE_BYTES`, for an operation in a session: four characters of base64 for three bytes, so that a relayed
note of the greatest length has room."""

MAX_READ_AS_A_WHOLE: Final = MAX_SESSION_MESSAGE_BYTES
"""Longer ones are looked at only if their text is where it can be cut out (`long_calls`): to read them would take the
event loop from others for several milliseconds."""

MAX_BLOCKS_PER_MESSAGE: Final = 64
"""Sidechain blocks that one `sidechain_importBlock` carries."""

IMPORT_TOKEN_BYTES: Final = 128 * 1024
"""A message of a peer costs one token, and one more for so many bytes each."""

BLOCK_TOKENS_PER_SECOND: Final = 16
"""What a connection may send with `sidechain_importBlock` in the long run: a block per slot, and 2 MiB per second."""

BLOCK_TOKENS: Final = 128
"""As `BLOCK_TOKENS_PER_SECOND`, at once."""

OPERATION_TOKENS_PER_SECOND: Final = 128
"""What a connection may send with `sidechain_importOperations` in the long run: twice as often as enclaves do."""

OPERATION_TOKENS: Final = 512
"""As `OPERATION_TOKENS_PER_SECOND`, at once: a full backlog (`integritee.enclave.pool.gossip`)."""

HELLO_TOKENS_PER_SECOND: Final = 1
"""Hellos that a connection may say in the long run: each takes the enclave an RSA decryption."""

HELLO_TOKENS: Final = 8
"""As `HELLO_TOKENS_PER_SECOND`, at once."""

SESSION_REQUESTS: Final = 1 << 20
"""Frames that one session takes; far below what is safe for a key of AES-GCM (2^32 messages)."""

SESSION_BYTES: Final = 1 << 30
"""As `SESSION_REQUESTS`, bytes of frames."""

SESSION_SECONDS: Final = 3600
"""As `SESSION_REQUESTS`: what was overheard of older sessions cannot be read any more, whatever leaks then."""

MAX_BATCH: Final = 64
"""Most calls of one batch."""

MAX_NESTING: Final = 128
"""Levels of arrays and objects in one message (the limit of serde_json, which the original inherits)."""

ORDERED_AHEAD: Final = 3
"""Submissions of a connection that are deciphered while those before them are: some of one connection at once cost
less than one of each of several, for their answers leave in one piece. If they are undecipherable, so many are
deciphered before that is known."""

MAX_CALLS_IN_FLIGHT: Final = 4096
"""Calls being worked on, all connections together; above it callers are told `rpc.busy`."""

MAX_WAITING_TO_BE_DECIPHERED: Final = 4096
"""Submissions that wait for a thread, all connections together; above it callers are told `rpc.busy`."""

UNDECIPHERABLE_PER_SECOND: Final = 1
"""Submissions of a connection that may turn out undecipherable in the long run; then it is told
`rpc.rate_exceeded` before any work is done, until it may fail again. Whoever has the enclave's key fails never."""

UNDECIPHERABLE: Final = 2
"""As `UNDECIPHERABLE_PER_SECOND`, at once."""

MAX_OFFENDERS: Final = 4096
"""Connections whose undecipherable submissions are remembered, the latest ones."""

SITE_FAILURES_PER_SECOND: Final = 32
"""Failures (`conduct`) that all clients of a site together may have in the long run; beyond, those that failed lately
wait, and newcomers. With about a millisecond each they take 3 % of a core."""

SITE_FAILURES: Final = 256
"""As `SITE_FAILURES_PER_SECOND`, at once."""

MAX_FAILURES_OWED: Final = 60 * SITE_FAILURES_PER_SECOND
"""Of what a site has had beyond that, as much is remembered: a minute later it is forgiven."""

FAILURE_BYTES: Final = 32 * 1024
"""A message that fails is one failure more for so many bytes each: to read them takes about as long."""

SUSPECT_SECONDS: Final = 60.0
"""For how long after a failure a client waits when its site has too many."""

MAX_SITES: Final = 4096
"""Sites whose failures are remembered, those that clients came from last."""

MAX_ANSWERED_FOR: Final = 65_536
"""Operations under way whose failure would be their submitter's, the latest ones."""

MAX_SHARDS_PER_QUERY: Final = 16
"""Shards one `author_pendingExtrinsics` may ask about."""

MAX_ECHOED_CHARACTERS: Final = 1024
"""How much of a caller's parameters an error repeats."""

MAX_WATCHES: Final = 65_536
"""Operations under way that are watched, all connections together."""

MAX_WATCHES_PER_CONNECTION: Final = 8192
"""As `MAX_WATCHES`, of one connection: as many as the pool of a shard holds."""

MAX_LINGERING: Final = 65_536
"""Watches of operations whose sidechain block can still be given up, all connections together; the oldest end."""

MAX_LINGERING_PER_CONNECTION: Final = 8192
"""As `MAX_LINGERING`, of one connection."""

MAX_HELD_UPDATES: Final = 16
"""Updates kept for one watch until its reply is on the wire, the latest ones; few operations have more states."""


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Bounds of the websocket server. Sizes in bytes, times in seconds."""

    connections: int = 10_000
    """Clients served at the same time, including those still shaking hands."""

    half_open: int = 1024
    """Of these, those still shaking hands; one more, and the one at it for longest is dropped."""

    refusals: int = 64
    """Further sockets kept just long enough to tell them 503; beyond these a socket is closed at once."""

    reserved_files: int = 256
    """File descriptors kept for the enclave's own files when the process limit is below `connections`."""

    backlog: int = 4096
    """Connections the kernel queues for us."""

    handshake_seconds: float = 10.0
    """Time for TLS, and again for the HTTP upgrade."""

    message_bytes: int = MAX_BLOCKS_MESSAGE_BYTES
    """Longest websocket message received at all; a longer one closes the connection with 1009."""

    fragments_per_message: int = 4096
    """Frames one message may be cut into."""

    requests_per_connection: int = 32
    """Messages of one connection worked on at the same time; reading pauses while there are more."""

    kernel_bytes: int = 128 * 1024
    """What the kernel keeps of a connection in either direction; Linux doubles it, or else takes megabytes."""

    bytes_per_second: int = 2 * 1024 * 1024
    """What one connection may send and be sent in the long run; beyond, it is read from with pauses."""

    bytes_at_once: int = 16 * 1024 * 1024
    """As `bytes_per_second`, at once."""

    piece_bytes: int = 512
    """How much of what a client sent is taken apart in one turn, if it is many frames (`websocket`)."""

    large_piece_bytes: int = 64 * 1024
    """As `piece_bytes`, in the middle of a large frame."""

    idle_frame_bytes: int = 64
    """Frames with less bring nothing, unless they are whole messages: pings, small fragments and binary ones."""

    idle_frames_per_second: int = 16
    """Of these, what one connection may send in the long run; beyond, it is dropped with 1008."""

    idle_frames: int = 128
    """As `idle_frames_per_second`, at once."""

    held_bytes: int = 512 * 1024 * 1024
    """Bytes of messages coming, worked on and leaving, all connections together (`budget`)."""

    spared_bytes: int = 32 * 1024
    """Whoever holds no more is not dropped for the sake of `held_bytes`."""

    bytes_worked_on: int = 64 * 1024
    """Of a connection's messages worked on at the same time, unless there is one only: so there are few batches."""

    outgoing_bytes: int = 4 * 1024 * 1024
    """Bytes waiting for a client that does not read, above which it is dropped with 1008."""

    stall_seconds: float = 30.0
    """How long a client may leave its outgoing bytes unread before it is dropped."""

    close_seconds: float = 1.0
    """Time for a peer to take note of a close frame before the socket is closed."""

    stop_seconds: float = 0.5
    """Time for all clients to take note when the server stops."""

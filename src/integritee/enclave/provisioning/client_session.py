"""The client's side of one session, sans-IO.

| state | message, or what the enclave did | checks | what follows | next state |
|---|---|---|---|---|
| START | `hello` | | Hello | HELLO |
| HELLO | ServerHello | another account; evidence: genuine, entitled, of this session | EvidenceWanted | EVIDENCE |
| EVIDENCE | `prove` | | ClientProof | GRANT |
| GRANT | Grant | shielding key is the one of the evidence; size | Received | STATE |
| STATE | Chunk | each node has the hash that its parent names | Received | STATE |
| STATE | `ask` | | ChunkRequest; Done if nothing is missing | STATE, ADMISSION |
| ADMISSION | Admitted | | Finished; `result` | FINISHED |
| any | Refusal | | raises Refused | CLOSED |
| any | anything else, or a check fails | | raises; `refuse` makes the Refusal | CLOSED |

After a broken connection a new session goes on with the old one's `assembly`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec
from msgspec.structs import replace

from integritee.crypto import ShieldingKey
from integritee.enclave.attestation import Evidence, Purpose
from integritee.errors import IntegriteeError
from integritee.trie import Trie
from integritee.trie.transfer import Assembly

from .errors import KeyMismatch, MessageUnexpected, OwnAccount, Refused, StateTooLarge
from .messages import (
    MAX_CHUNK,
    MAX_CHUNKS,
    MAX_GRANT,
    MAX_PROOF,
    MAX_REFUSAL,
    VERSION,
    Admitted,
    Chunk,
    ChunkRequest,
    ClientProof,
    Done,
    Grant,
    Hello,
    Refusal,
    Role,
    ServerHello,
    frame,
    parse,
    refusal,
)
from .server_session import EvidenceWanted
from .snapshots import Secrets
from .terms import Party, Trust, verify_peer

MAX_STATE_BYTES: Final = 8 * 1024**3
"""Bytes of the largest state that is taken, unless the enclave sets itself another limit."""


class ClientState(enum.Enum):
    """See the table above."""

    START = enum.auto()
    HELLO = enum.auto()
    EVIDENCE = enum.auto()
    GRANT = enum.auto()
    STATE = enum.auto()
    ADMISSION = enum.auto()
    FINISHED = enum.auto()
    CLOSED = enum.auto()


LIMITS: Final = {ClientState.HELLO: MAX_PROOF, ClientState.GRANT: MAX_GRANT, ClientState.STATE: MAX_CHUNK}
"""Bytes of the longest message of a state; MAX_REFUSAL in all others."""


@dataclass(frozen=True, slots=True)
class Received:
    """Bytes of state that are here, of about so many."""

    size: int
    expected: int


@dataclass(frozen=True, slots=True)
class Finished:
    """All is here, and the server has let this enclave in."""


ClientEvent: TypeAlias = EvidenceWanted | Received | Finished


class ProvisionedState(msgspec.Struct, frozen=True, kw_only=True):
    """What another enclave gave. To be sealed before it is used."""

    provider: bytes
    """Account of the enclave that gave it."""
    secrets: Secrets
    state: Trie
    """In memory, verified against the root that the provider vouches for."""
    entries: int
    size: int
    """Bytes of its nodes."""
    meta: bytes
    """As the provider's snapshot says."""
    estate: bytes
    """As the provider handed over; empty for a joiner."""

    def __repr__(self) -> str:
        return f"ProvisionedState(root=0x{self.state.root().hex()}, entries={self.entries})"


class ClientSession:
    """Judges one server, and takes what it gives."""

    def __init__(
        self,
        party: Party,
        role: Role,
        challenge: bytes,
        held: Assembly | None = None,
        max_state_bytes: int = MAX_STATE_BYTES,
    ) -> None:
        """`challenge`: 32 unpredictable bytes; `held`: what an earlier session received."""
        self._party = party
        self._role = role
        self._challenge = challenge
        self._max_state_bytes = max_state_bytes
        self._tls_public_key = b""
        self._server: ServerHello | None = None
        self._grant: Grant | None = None
        self._awaited = 0
        self.assembly = held
        """The state as far as it is here."""
        self.state = ClientState.START

    @property
    def limit(self) -> int:
        """Bytes of the longest message that may come next, without its length."""
        return LIMITS.get(self.state, MAX_REFUSAL)

    def hello(self, tls_public_key: bytes) -> bytes:
        """The Hello to a server of this TLS key (DER, SubjectPublicKeyInfo, as this side sees it)."""
        self._advance(ClientState.START, ClientState.HELLO)
        self._tls_public_key = tls_public_key
        party = self._party
        return frame(
            Hello(
                version=VERSION,
                genesis_hash=party.genesis_hash,
                shard=party.shard,
                role=self._role,
                account=party.account,
                shielding_key=party.shielding_key,
                challenge=self._challenge,
            )
        )

    def receive(self, data: bytes, trust: Trust) -> ClientEvent:
        """Act on a message (without its length). Raises ProvisioningError, `AttestationError`, `TrieError` or
        `InvalidShieldingKey`."""
        state, limit = self.state, self.limit
        self.state = ClientState.CLOSED
        match state, (message := parse(data, limit)):
            case _, Refusal(reason, detail):
                raise Refused(reason, detail)
            case ClientState.HELLO, ServerHello() as server:
                return self._on_server_hello(server, trust)
            case ClientState.GRANT, Grant() as grant:
                return self._on_grant(grant)
            case ClientState.STATE, Chunk(nodes) if self._awaited:
                return self._on_chunk(nodes)
            case ClientState.ADMISSION, Admitted():
                self.state = ClientState.FINISHED
                return Finished()
        raise MessageUnexpected(type(message).__name__, state.name)

    def prove(self, evidence: Evidence | None) -> bytes:
        """The ClientProof."""
        self._advance(ClientState.EVIDENCE, ClientState.GRANT)
        return frame(ClientProof(evidence, None if self.assembly is None else self.assembly.root))

    def ask(self) -> bytes:
        """The ChunkRequest, empty while chunks are on their way; the Done if nothing is missing."""
        self._advance(ClientState.STATE, ClientState.STATE)
        path = self._received.path
        if path is None:
            self.state = ClientState.ADMISSION
            return frame(Done())
        if self._awaited:
            return b""
        self._awaited = MAX_CHUNKS
        return frame(ChunkRequest(path, MAX_CHUNKS))

    def refuse(self, error: IntegriteeError) -> bytes:
        """The Refusal, in any state."""
        self.state = ClientState.CLOSED
        return frame(refusal(error))

    def result(self) -> ProvisionedState:
        """What was given, once Finished. Raises MessageUnexpected."""
        self._advance(ClientState.FINISHED, ClientState.FINISHED)
        assert self._grant is not None and self._server is not None
        grant, assembly = self._grant, self._received
        return ProvisionedState(
            provider=self._server.account,
            secrets=Secrets(grant.shielding_key, grant.state_key),
            state=assembly.trie(),
            entries=assembly.entries,
            size=assembly.size,
            meta=grant.meta,
            estate=grant.estate,
        )

    @property
    def _received(self) -> Assembly:
        assert self.assembly is not None
        return self.assembly

    def _advance(self, expected: ClientState, following: ClientState) -> None:
        if self.state is not expected:
            raise MessageUnexpected("what follows", self.state.name)
        self.state = following

    def _on_server_hello(self, server: ServerHello, trust: Trust) -> ClientEvent:
        party = self._party
        if server.account == party.account:
            raise OwnAccount(party.account)
        self._server = server
        if party.skip_ra:
            self.state = ClientState.EVIDENCE
            return EvidenceWanted(None)
        theirs = replace(party, account=server.account, shielding_key=server.shielding_key)
        binding = theirs.binding(Purpose.PROVISIONING_SERVER, self._tls_public_key, self._challenge)
        verified = verify_peer(server.evidence, binding, party.kind, trust, trust.entitled)
        self.state = ClientState.EVIDENCE
        own = party.binding(Purpose.PROVISIONING_CLIENT, self._tls_public_key, server.challenge)
        return EvidenceWanted(own.report_data(), verified)

    def _on_grant(self, grant: Grant) -> ClientEvent:
        assert self._server is not None
        key = ShieldingKey.from_private_json(grant.shielding_key)
        if key.public.to_json().encode() != self._server.shielding_key:
            raise KeyMismatch
        self._check_size(grant.size)
        self._grant = grant
        if self.assembly is None or self.assembly.root != grant.root:
            self.assembly = Assembly(grant.root)
        self.state = ClientState.STATE
        return Received(self.assembly.size, grant.size)

    def _on_chunk(self, nodes: list[bytes]) -> ClientEvent:
        assert self._grant is not None
        assembly = self._received
        assembly.add(nodes)
        self._check_size(assembly.size)
        self._awaited -= 1
        self.state = ClientState.STATE
        return Received(assembly.size, self._grant.size)

    def _check_size(self, size: int) -> None:
        if size > self._max_state_bytes:
            raise StateTooLarge(size, self._max_state_bytes)

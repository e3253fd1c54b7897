"""The server's side of one session, sans-IO.

| state | message, or what the enclave did | checks | what follows | next state |
|---|---|---|---|---|
| HELLO | Hello | version, genesis, shard, another account, may succeed from there | EvidenceWanted | EVIDENCE |
| EVIDENCE | `introduce` | | ServerHello | PROOF |
| PROOF | ClientProof | evidence: genuine, entitled, of this session; place in the shard | GrantWanted | GRANT |
| GRANT | `grant` | | Grant | STATE |
| STATE | ChunkRequest | path, count | ChunksWanted; `chunk` for each | STATE |
| STATE | Done | | AdmissionWanted | ADMISSION |
| ADMISSION | `admit` | | Admitted | CLOSED |
| any | Refusal | | raises Refused | CLOSED |
| any | anything else, or a check fails | | raises; `refuse` makes the Refusal | CLOSED |

Before GRANT nothing in here knows a secret: keys, state and estate are arguments of `grant`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final, TypeAlias

from msgspec.structs import replace

from integritee.enclave.attestation import Evidence, Purpose, VerifiedEvidence
from integritee.errors import IntegriteeError
from integritee.trie.transfer import cut

from .errors import (
    GenesisMismatch,
    MessageMalformed,
    MessageUnexpected,
    OwnAccount,
    Refused,
    ShardMismatch,
    SuccessorElsewhere,
)
from .messages import (
    MAX_CHUNKS,
    MAX_HELLO,
    MAX_PROOF,
    MAX_REFUSAL,
    MAX_REQUEST,
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
from .snapshots import Secrets, Snapshot
from .terms import Party, ShardTerms, Trust, verify_peer


class ServerState(enum.Enum):
    """See the table above."""

    HELLO = enum.auto()
    EVIDENCE = enum.auto()
    PROOF = enum.auto()
    GRANT = enum.auto()
    STATE = enum.auto()
    ADMISSION = enum.auto()
    CLOSED = enum.auto()


LIMITS: Final = {ServerState.HELLO: MAX_HELLO, ServerState.PROOF: MAX_PROOF, ServerState.STATE: MAX_REQUEST}
"""Bytes of the longest message of a state; MAX_REFUSAL in all others."""


@dataclass(frozen=True, slots=True)
class EvidenceWanted:
    """Evidence for these 64 bytes goes into `introduce`; None: attestation is skipped, it takes None.

    A client gets here once it has accepted the evidence of `peer`; a server has not seen any yet.
    """

    report_data: bytes | None
    peer: VerifiedEvidence | None = None


@dataclass(frozen=True, slots=True)
class GrantWanted:
    """The client is entitled: secrets go into `grant`. For a successor, hand over durably before."""

    role: Role
    account: bytes
    held: bytes | None
    """Root of the state that it has a part of."""
    evidence: VerifiedEvidence | None
    """None if attestation is skipped."""


@dataclass(frozen=True, slots=True)
class ChunksWanted:
    """`chunk` up to `count` times, from a path on."""

    path: bytes
    count: int


@dataclass(frozen=True, slots=True)
class AdmissionWanted:
    """The client has all. Let it in, then `admit`."""

    role: Role
    account: bytes


ServerEvent: TypeAlias = EvidenceWanted | GrantWanted | ChunksWanted | AdmissionWanted


class ServerSession:
    """Judges one client. Every error closes it; what it says last is `refuse`."""

    def __init__(self, party: Party, tls_public_key: bytes, challenge: bytes, may_succeed: bool = False) -> None:
        """`tls_public_key`: DER of the own one, SubjectPublicKeyInfo; `challenge`: 32 unpredictable bytes;
        `may_succeed`: whether the operator allows successors at the client's address."""
        self._party = party
        self._tls_public_key = tls_public_key
        self._challenge = challenge
        self._may_succeed = may_succeed
        self._hello: Hello | None = None
        self._snapshot: Snapshot | None = None
        self.state = ServerState.HELLO

    @property
    def limit(self) -> int:
        """Bytes of the longest message that may come next, without its length."""
        return LIMITS.get(self.state, MAX_REFUSAL)

    def receive(self, data: bytes, trust: Trust, terms: ShardTerms) -> ServerEvent:
        """Act on a message (without its length). Raises ProvisioningError or `AttestationError`."""
        state, limit = self.state, self.limit
        self.state = ServerState.CLOSED
        match state, (message := parse(data, limit)):
            case _, Refusal(reason, detail):
                raise Refused(reason, detail)
            case ServerState.HELLO, Hello() as hello:
                return self._on_hello(hello)
            case ServerState.PROOF, ClientProof() as proof:
                return self._on_proof(proof, trust, terms)
            case ServerState.STATE, ChunkRequest(path, count):
                if not 1 <= count <= MAX_CHUNKS:
                    raise MessageMalformed(f"{count} chunks, 1 to {MAX_CHUNKS} may be asked for")
                self.state = ServerState.STATE
                return ChunksWanted(path, count)
            case ServerState.STATE, Done():
                self.state = ServerState.ADMISSION
                return AdmissionWanted(self._client.role, self._client.account)
        raise MessageUnexpected(type(message).__name__, state.name)

    def introduce(self, evidence: Evidence | None) -> bytes:
        """The ServerHello."""
        self._advance(ServerState.EVIDENCE, ServerState.PROOF)
        party = self._party
        return frame(ServerHello(VERSION, party.account, party.shielding_key, self._challenge, evidence))

    def grant(self, secrets: Secrets, snapshot: Snapshot, estate: bytes) -> bytes:
        """The Grant. `estate` is empty for a joiner."""
        self._advance(ServerState.GRANT, ServerState.STATE)
        self._snapshot = snapshot
        return frame(
            Grant(
                shielding_key=secrets.shielding_key,
                state_key=secrets.state_key,
                root=snapshot.root,
                size=snapshot.size,
                meta=snapshot.meta,
                estate=estate,
            )
        )

    def chunk(self, path: bytes) -> tuple[bytes, bytes | None]:
        """The Chunk from a path on and the path behind it; takes about 3 ms. Raises what `cut` raises."""
        self._advance(ServerState.STATE, ServerState.STATE)
        assert self._snapshot is not None
        blobs, following = cut(self._snapshot.state, path)
        return frame(Chunk(blobs)), following

    def admit(self) -> bytes:
        """The Admitted."""
        self._advance(ServerState.ADMISSION, ServerState.CLOSED)
        return frame(Admitted())

    def refuse(self, error: IntegriteeError) -> bytes:
        """The Refusal, in any state."""
        self.state = ServerState.CLOSED
        return frame(refusal(error))

    @property
    def _client(self) -> Hello:
        assert self._hello is not None
        return self._hello

    def _advance(self, expected: ServerState, following: ServerState) -> None:
        if self.state is not expected:
            raise MessageUnexpected("what follows", self.state.name)
        self.state = following

    def _on_hello(self, hello: Hello) -> ServerEvent:
        party = self._party
        if hello.genesis_hash != party.genesis_hash:
            raise GenesisMismatch(party.genesis_hash, hello.genesis_hash)
        if hello.shard != party.shard:
            raise ShardMismatch(party.shard, hello.shard)
        if hello.account == party.account:
            raise OwnAccount(party.account)
        if hello.role is Role.SUCCEED and not self._may_succeed:
            raise SuccessorElsewhere
        self._hello = hello
        self.state = ServerState.EVIDENCE
        if party.skip_ra:
            return EvidenceWanted(None)
        binding = party.binding(Purpose.PROVISIONING_SERVER, self._tls_public_key, hello.challenge)
        return EvidenceWanted(binding.report_data())

    def _on_proof(self, proof: ClientProof, trust: Trust, terms: ShardTerms) -> ServerEvent:
        party, client = self._party, self._client
        entitled, verified = terms.entitled(trust, client.role), None
        if not party.skip_ra:
            theirs = replace(party, account=client.account, shielding_key=client.shielding_key)
            binding = theirs.binding(Purpose.PROVISIONING_CLIENT, self._tls_public_key, self._challenge)
            verified = verify_peer(proof.evidence, binding, party.kind, trust, entitled)
        terms.check(client.account, client.role)
        self.state = ServerState.GRANT
        return GrantWanted(client.role, client.account, proof.held, verified)

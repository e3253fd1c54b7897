"""Enclaves in memory, and attackers' tools: machines of all kinds, sessions word by word."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec

from integritee.attestation import TeeKind
from integritee.attestation.quote import Flag
from integritee.attestation.simulated_pki import SimulatedPlatform
from integritee.crypto import ShieldingKey
from integritee.enclave.attestation import Evidence, Purpose, VerifiedEvidence
from integritee.enclave.provisioning import Party, Role, Secrets, ServerSession, ShardTerms, Snapshot, Trust
from integritee.enclave.provisioning.errors import HandedOver
from integritee.enclave.provisioning.messages import (
    HEAD,
    MAX_CHUNK,
    VERSION,
    ClientProof,
    Hello,
    Message,
    ServerHello,
    frame,
    parse,
)
from integritee.enclave.provisioning.server_session import (
    AdmissionWanted,
    ChunksWanted,
    EvidenceWanted,
    GrantWanted,
)
from integritee.errors import IntegriteeError
from integritee.trie import Trie

from ...attestation.forge import HONEST, MR_ENCLAVE, NOW, body

SHARD, GENESIS = b"\x51" * 32, b"\x9e" * 32
NEW_CODE = b"\x12" * 32
SERVER, CLIENT, STRANGER = b"\xa0" * 32, b"\xb0" * 32, b"\xc0" * 32
TLS_KEY, FOREIGN_TLS_KEY = b"the server's SubjectPublicKeyInfo", b"that of a man in the middle"
STATE_KEY = hashlib.sha256(b"the state key").digest()
ESTATE = b"everything else that the old enclave was"
META = b"head and time of the state"
STATE = {
    hashlib.sha256(bytes((i % 256, i // 256))).digest(): b"a balance nobody may see" + bytes((i % 256,))
    for i in range(300)
}


@cache
def shielding_key(owner: str) -> ShieldingKey:
    return ShieldingKey.generate()


def public_json(owner: str) -> bytes:
    return shielding_key(owner).public.to_json().encode()


def party(account: bytes, owner: str, **changes: Any) -> Party:
    facts: dict[str, Any] = {
        "account": account,
        "shielding_key": public_json(owner),
        "shard": SHARD,
        "genesis_hash": GENESIS,
        "kind": TeeKind.SIMULATION,
    }
    return Party(**facts | changes)


def evidence(
    report_data: bytes, platform: SimulatedPlatform = HONEST, kind: TeeKind = TeeKind.SIMULATION, **changes: Any
) -> Evidence:
    """Evidence of an enclave on a machine; changes are those of its report body."""
    quote = platform.quote(body(report_data=report_data, **changes))
    return Evidence(kind=kind, quote=quote, collateral=platform.collateral)


@dataclass
class Enclave:
    """Implements `Provider` and `Applicant`; every fact is a knob."""

    party: Party
    facts: dict[str, Any] = field(default_factory=dict)
    shard_terms: ShardTerms = field(default_factory=ShardTerms)
    measurement: bytes = MR_ENCLAVE
    state: Trie = field(default_factory=lambda: Trie.from_items(STATE))
    platform: SimulatedPlatform = HONEST
    log: list[str] = field(default_factory=list)
    remembered: list[int] = field(default_factory=list)
    """TCB evaluation numbers of the evidence that was accepted."""
    hand_over_fails: IntegriteeError | None = None

    def trust(self) -> Trust:
        facts = {"now": NOW, "entitled": frozenset({MR_ENCLAVE}), "minimum_tcb_evaluation_number": self.latest}
        return Trust(**facts | self.facts)

    @property
    def latest(self) -> int:
        return max(self.remembered, default=0)

    def remember(self, peer: VerifiedEvidence) -> None:
        self.remembered.append(peer.tcb_evaluation_number)

    def terms(self) -> ShardTerms:
        return self.shard_terms

    def secrets(self) -> Secrets:
        self.log.append("secrets")
        return Secrets(shielding_key("server").private_json(), STATE_KEY)

    def snapshot(self) -> Snapshot:
        self.log.append("snapshot")
        return Snapshot(self.state, 30_000, META)

    async def evidence(self, report_data: bytes) -> Evidence:
        return evidence(report_data, self.platform, mr_enclave=self.measurement)

    async def hand_over(self, account: bytes) -> bytes:
        return self.hand_over_now(account)

    def hand_over_now(self, account: bytes) -> bytes:
        if self.hand_over_fails is not None:
            raise self.hand_over_fails
        successor = self.shard_terms.handed_over_to
        if successor not in (None, account):
            raise HandedOver(successor)
        self.log.append(f"handed over to {account[:1].hex()}")
        self.shard_terms = msgspec.structs.replace(self.shard_terms, handed_over_to=account)
        return ESTATE

    async def admit(self, account: bytes, role: Role) -> None:
        self.admit_now(account, role)

    def admit_now(self, account: bytes, role: Role) -> None:
        self.log.append(f"admitted {account[:1].hex()} as {role.name}")


def server(**changes: Any) -> Enclave:
    return Enclave(party(SERVER, "server"), **changes)


def client(**changes: Any) -> Enclave:
    return Enclave(party(CLIENT, "client"), **changes)


def secrets_in(said: bytes) -> list[str]:
    """Which secrets a server's words hold. Of keys and state, pieces count."""
    private = shielding_key("server").private_json()
    pieces = {
        "shielding key": [private[i : i + 64] for i in range(len(public_json("server")), len(private) - 64, 64)]
    }
    pieces |= {"state key": [STATE_KEY], "estate": [ESTATE], "meta": [META], "state": [b"a balance nobody may see"]}
    return [name for name, parts in pieces.items() if any(part in said for part in parts)]


# --- a server session and somebody who talks to it


class Conversation:
    """Somebody talks to a server in its own words. Every answer is recorded."""

    def __init__(self, enclave: Enclave, challenge: bytes = b"\x5c" * 32, may_succeed: bool = True) -> None:
        self.enclave = enclave
        self.session = ServerSession(enclave.party, TLS_KEY, challenge, may_succeed)
        self.said = b""
        self.failure: IntegriteeError | None = None

    def say(self, message: Message | bytes) -> list[Message]:
        """Say a message, or bytes instead of one; what the server answers."""
        data = message if isinstance(message, bytes) else frame(message)[HEAD:]
        try:
            answers = self._act(self.session.receive(data, self.enclave.trust(), self.enclave.terms()))
        except IntegriteeError as failure:
            self.failure = failure
            answers = [self.session.refuse(failure)]
        self.said += b"".join(answers)
        return [parse(answer[HEAD:], MAX_CHUNK) for answer in answers]

    def _act(self, event: object) -> list[bytes]:
        enclave, session = self.enclave, self.session
        match event:
            case EvidenceWanted(report_data):
                own = None if report_data is None else evidence(report_data, mr_enclave=enclave.measurement)
                return [session.introduce(own)]
            case GrantWanted(role, account):
                estate = enclave.hand_over_now(account) if role is Role.SUCCEED else b""
                return [session.grant(enclave.secrets(), enclave.snapshot(), estate)]
            case ChunksWanted(path, count):
                chunks = []
                following: bytes | None = path
                while following is not None and len(chunks) < count:
                    data, following = session.chunk(following)
                    chunks.append(data)
                return chunks
            case AdmissionWanted(role, account):
                enclave.admit_now(account, role)
                return [session.admit()]
        raise AssertionError(event)


def hello(**changes: Any) -> Hello:
    facts: dict[str, Any] = {
        "version": VERSION,
        "genesis_hash": GENESIS,
        "shard": SHARD,
        "role": Role.JOIN,
        "account": CLIENT,
        "shielding_key": public_json("client"),
        "challenge": b"\xcc" * 32,
    }
    return Hello(**facts | changes)


def client_report_data(answer: ServerHello, **changes: Any) -> bytes:
    """What a client's evidence has to vouch for, or something a bit else."""
    facts = {"purpose": Purpose.PROVISIONING_CLIENT, "tls_public_key": TLS_KEY, "challenge": answer.challenge}
    binding = party(CLIENT, "client").binding(**facts)
    return msgspec.structs.replace(binding, **changes).report_data()


def proof(answer: ServerHello, **changes: Any) -> ClientProof:
    """An honest proof, or one of an enclave with something changed."""
    return ClientProof(evidence(client_report_data(answer), **changes), None)


DEBUG = Flag.INIT | Flag.MODE64 | Flag.DEBUG

"""Keys and state on their way from one enclave to another: both ends of the real protocol, without the sockets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from integritee.attestation.anchors import TeeKind
from integritee.crypto import blake2_256
from integritee.enclave.adoption import adopt, share
from integritee.enclave.attestation import Evidence, Purpose
from integritee.enclave.attestation.simulation import SimulationTee
from integritee.enclave.core import EnclaveCore
from integritee.enclave.provisioning import (
    ClientSession,
    Party,
    Role,
    Secrets,
    ServerSession,
    ShardTerms,
    Snapshot,
    Trust,
)
from integritee.enclave.provisioning.client_session import Finished
from integritee.enclave.provisioning.messages import HEAD, MAX_CHUNK, ServerHello, parse
from integritee.enclave.provisioning.server_session import (
    AdmissionWanted,
    ChunksWanted,
    EvidenceWanted,
    GrantWanted,
)

TLS_KEY: Final = b"the server's key, as both ends see it"
SEAL_ROOT: Final = blake2_256(b"integritee/simulation/seal-root")

Randomness = Callable[[int], bytes]


@dataclass(frozen=True)
class Machine:
    """A processor with simulated attestation that runs code of one measurement."""

    measurement: bytes

    def evidence(self, report_data: bytes) -> Evidence:
        return SimulationTee(self.measurement, SEAL_ROOT).evidence(report_data)


def party_of(core: EnclaveCore) -> Party:
    return Party(
        account=core.keys.signing.public,
        shielding_key=core.keys.shielding.public.to_json().encode(),
        shard=core.config.shard,
        genesis_hash=core.integritee.connected.genesis_hash,
        kind=TeeKind.SIMULATION,
    )


def trust_of(core: EnclaveCore) -> Trust:
    """Own code only: it is never upgraded here."""
    return Trust(now=core.integritee.connected.time or 0, entitled=frozenset((core.config.mrenclave,)))


class Server:
    """An enclave that has keys and state, for one session. `granted` is the account they were given to."""

    def __init__(self, core: EnclaveCore, random: Randomness) -> None:
        self._core, self._machine = core, Machine(core.config.mrenclave)
        self._session = ServerSession(party_of(core), TLS_KEY, random(32))
        self.granted: bytes | None = None

    def hear(self, message: bytes) -> list[bytes]:
        """Its answers to a message, without their lengths. Raises what refuses the client."""
        core = self._core
        terms = ShardTerms(signers=core.consensus.present_authorities())
        answers = self._act(self._session.receive(message, trust_of(core), terms))
        return [answer[HEAD:] for answer in answers]

    def _act(self, event: object) -> list[bytes]:
        core, session = self._core, self._session
        match event:
            case EvidenceWanted(report_data=bytes() as report_data):
                return [session.introduce(self._machine.evidence(report_data))]
            case GrantWanted(account=account):
                self.granted = account
                state, meta = share(core)
                secrets = Secrets(core.keys.shielding.private_json(), core.keys.state)
                return [session.grant(secrets, Snapshot(state, core.state_bytes, meta), b"")]
            case ChunksWanted(path=path, count=count):
                return self._chunks(path, count)
            case AdmissionWanted(account=account):
                core.admit_validateer(account)
                return [session.admit()]
        raise AssertionError(event)

    def _chunks(self, path: bytes, count: int) -> list[bytes]:
        chunks: list[bytes] = []
        following: bytes | None = path
        while following is not None and len(chunks) < count:
            chunk, following = self._session.chunk(following)
            chunks.append(chunk)
        return chunks


def provision(server: EnclaveCore, client: EnclaveCore, random: Randomness) -> None:
    """Have the client seal keys and state of the server for its next start. Raises as the sessions and `adopt`."""
    there, here = Server(server, random), ClientSession(party_of(client), Role.JOIN, random(32))
    machine, words = Machine(client.config.mrenclave), here.hello(TLS_KEY)
    while True:
        for answer in there.hear(words[HEAD:]):
            event = here.receive(answer, trust_of(client))
        if isinstance(event, Finished):
            break
        if isinstance(event, EvidenceWanted):
            assert event.report_data is not None
            words = here.prove(machine.evidence(event.report_data))
        else:
            words = here.ask()
    found = here.result()
    adopt(client, found.secrets.shielding_key, found.secrets.state_key, found.meta, found.state)


@dataclass
class Thief:
    """Somebody without entitled code who wants the keys."""

    party: Party
    random: Randomness

    def steal(self, core: EnclaveCore, evidence_for: Callable[[bytes], Evidence]) -> bool:
        """Talk to a server as a joiner does; whether it gave away anything. Raises what refuses."""
        server, client = Server(core, self.random), ClientSession(self.party, Role.JOIN, self.random(32))
        (words,) = server.hear(client.hello(TLS_KEY)[HEAD:])
        answer = parse(words, MAX_CHUNK)
        assert isinstance(answer, ServerHello)
        own = self.party.binding(Purpose.PROVISIONING_CLIENT, TLS_KEY, answer.challenge)
        client.receive(words, trust_of(core))
        server.hear(client.prove(evidence_for(own.report_data()))[HEAD:])
        return server.granted is not None

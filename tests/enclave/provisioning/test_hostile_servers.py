"""Attackers against a client that wants to be provisioned: none of them gets it to use what it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integritee.attestation import TeeKind
from integritee.attestation.simulated_pki import PCK, SimulatedPlatform
from integritee.enclave.attestation import Evidence, Purpose
from integritee.enclave.provisioning import ClientSession, Role, Trust
from integritee.enclave.provisioning.client_session import LIMITS, ClientState, Finished, Received
from integritee.enclave.provisioning.errors import MessageUnexpected
from integritee.enclave.provisioning.messages import (
    HEAD,
    MAX_CHUNK,
    MAX_CHUNKS,
    MAX_META,
    Admitted,
    Chunk,
    ChunkRequest,
    ClientProof,
    Done,
    Grant,
    Hello,
    Message,
    Refusal,
    ServerHello,
    frame,
    parse,
)
from integritee.enclave.provisioning.server_session import EvidenceWanted
from integritee.enclave.selftest.damage import flipped
from integritee.errors import IntegriteeError
from integritee.trie import Trie
from integritee.trie.transfer import MAX_CHUNK_NODES, MAX_NODE_BYTES, cut

from ...attestation.forge import FOREIGN, MR_ENCLAVE, NOW, hardware_vector
from .enclaves import (
    CLIENT,
    DEBUG,
    ESTATE,
    FOREIGN_TLS_KEY,
    META,
    SERVER,
    STATE,
    STATE_KEY,
    STRANGER,
    TLS_KEY,
    evidence,
    hello,
    party,
    public_json,
    shielding_key,
)

SECONDS = NOW // 1000
CHALLENGE = b"\xcc" * 32
TRIE = Trie.from_items(STATE)
CLIENT_CHALLENGE_OF_YESTERDAY = b"\xcb" * 32


def server_report_data(**changes: Any) -> bytes:
    binding = party(SERVER, "server").binding(Purpose.PROVISIONING_SERVER, TLS_KEY, CHALLENGE)
    return msgspec.structs.replace(binding, **changes).report_data()


def server_hello(shown: Evidence | None, **changes: Any) -> ServerHello:
    facts: dict[str, Any] = {
        "version": 1,
        "account": SERVER,
        "shielding_key": public_json("server"),
        "challenge": b"\x5c" * 32,
        "evidence": shown,
    }
    return ServerHello(**facts | changes)


def honest_hello() -> ServerHello:
    return server_hello(evidence(server_report_data()))


def grant(**changes: Any) -> Grant:
    facts: dict[str, Any] = {
        "shielding_key": shielding_key("server").private_json(),
        "state_key": STATE_KEY,
        "root": TRIE.root(),
        "size": 30_000,
        "meta": META,
        "estate": ESTATE,
    }
    return Grant(**facts | changes)


class Victim:
    """A client, which is told what the attacker wants; everything it says is recorded."""

    def __init__(self, kind: TeeKind = TeeKind.SIMULATION, max_state_bytes: int = 10**6, **facts: Any) -> None:
        self.trust = Trust(**{"now": NOW, "entitled": frozenset({MR_ENCLAVE})} | facts)
        self.session = ClientSession(
            party(CLIENT, "client", kind=kind), Role.JOIN, CHALLENGE, max_state_bytes=max_state_bytes
        )
        self.said = [self._parsed(self.session.hello(TLS_KEY))]
        self.failure: IntegriteeError | None = None

    def hear(self, message: Message | bytes) -> None:
        data = message if isinstance(message, bytes) else frame(message)[HEAD:]
        try:
            match self.session.receive(data, self.trust):
                case EvidenceWanted(report_data):
                    assert report_data is not None
                    self.said.append(self._parsed(self.session.prove(evidence(report_data))))
                case Received():
                    if request := self.session.ask():
                        self.said.append(self._parsed(request))
        except IntegriteeError as failure:
            self.failure = failure
            self.said.append(self._parsed(self.session.refuse(failure)))

    @staticmethod
    def _parsed(data: bytes) -> Message:
        return parse(data[HEAD:], MAX_CHUNK)


@dataclass
class Attack:
    """What the attacker says in which order, and the code with which the client turns away."""

    name: str
    code: str
    words: Callable[[], list[Message | bytes]]
    client: dict[str, Any] = field(default_factory=dict)


def shown(name: str, code: str, show: Callable[[], Evidence | None], **client: Any) -> Attack:
    return Attack(name, code, lambda: [server_hello(show())], client)


def machine(name: str, code: str, *, client: dict[str, Any] | None = None, **knobs: Any) -> Attack:
    return shown(name, code, lambda: evidence(server_report_data(), SimulatedPlatform(**knobs)), **client or {})


def bound(name: str, **changes: Any) -> Attack:
    return shown(name, "attestation.report_data", lambda: evidence(server_report_data(**changes)))


def late(name: str, code: str, *words: Message | bytes, **client: Any) -> Attack:
    """By a server that has proven to be entitled code, and nevertheless does not keep to the protocol."""
    return Attack(name, code, lambda: [honest_hello(), *words], client)


def recorded() -> Evidence:
    quote, collateral = hardware_vector()
    return Evidence(kind=TeeKind.GRAMINE_SGX, quote=quote, collateral=collateral)


def blobs() -> list[bytes]:
    return cut(TRIE)[0]


def altered(nodes: list[bytes]) -> list[bytes]:
    return [*nodes[:5], flipped(nodes[5], -1), *nodes[6:]]


OTHER = Trie.from_items(STATE | {b"k" * 32: b"v" * 40})

BEFORE_PROOF = [
    shown("no evidence (a server that skips attestation)", "provisioning.evidence_missing", lambda: None),
    machine("expired certificates", "attestation.certificate_not_current", valid_until=SECONDS - 1),
    machine("revoked machine", "attestation.certificate_revoked", revoked=frozenset({PCK})),
    machine("own root", "attestation.root_not_trusted", seed=FOREIGN.seed),
    machine("outdated machine", "attestation.tcb_status", tcb_status="OutOfDate"),
    machine(
        "collateral of last year",
        "attestation.collateral_rolled_back",
        client={"minimum_tcb_evaluation_number": 2},
    ),
    shown("debug enclave", "attestation.debug", lambda: evidence(server_report_data(), flags=DEBUG)),
    shown("other code", "attestation.measurement", lambda: evidence(server_report_data(), mr_enclave=b"\x66" * 32)),
    shown(
        "simulated against hardware",
        "attestation.kind_not_allowed",
        lambda: evidence(server_report_data()),
        kind=TeeKind.GRAMINE_SGX,
    ),
    shown("hardware against simulation", "attestation.kind_not_allowed", recorded),
    bound("evidence for another account", account=STRANGER),
    bound("evidence for another TLS key: somebody is in the middle", tls_public_key=FOREIGN_TLS_KEY),
    bound("evidence for another shielding key", shielding_key=public_json("client")),
    bound("evidence for another shard", shard=b"\x52" * 32),
    bound("evidence for another parentchain", genesis_hash=b"\x9f" * 32),
    bound("replay: evidence for an older challenge", challenge=CLIENT_CHALLENGE_OF_YESTERDAY),
    bound("reflection: evidence of a client", purpose=Purpose.PROVISIONING_CLIENT),
    bound("evidence of a registration", purpose=Purpose.REGISTRATION),
    Attack("echo", "provisioning.message_unexpected", lambda: [hello()]),
    Attack("own account", "provisioning.own_account", lambda: [server_hello(None, account=CLIENT)]),
    Attack("downgrade", "provisioning.version", lambda: [server_hello(None, version=0)]),
    Attack("grant at once", "provisioning.message_unexpected", lambda: [grant()]),
    Attack("oversized hello", "provisioning.message_too_long", lambda: [bytes(LIMITS[ClientState.HELLO] + 1)]),
    Attack("truncated hello", "provisioning.message_malformed", lambda: [frame(honest_hello())[HEAD:-1]]),
    Attack("refusal", "provisioning.refused", lambda: [Refusal("provisioning.shard", "another shard")]),
]

AFTER_PROOF = [
    late("no grant but state", "provisioning.message_unexpected", Chunk(blobs())),
    late(
        "another shielding key",
        "provisioning.key_mismatch",
        grant(shielding_key=shielding_key("client").private_json()),
    ),
    late("no shielding key", "crypto.shielding_key", grant(shielding_key=b"{}")),
    late("oversized grant", "provisioning.message_too_long", bytes(LIMITS[ClientState.GRANT] + 1)),
    late("truncated grant", "provisioning.message_malformed", frame(grant())[HEAD:-1]),
    late("endless state, as announced", "provisioning.state_too_large", grant(size=10**6 + 1)),
    late(
        "endless state, in fact",
        "provisioning.state_too_large",
        grant(size=10),
        Chunk(blobs()),
        max_state_bytes=10_000,
    ),
    late("altered value", "trie.corrupt_node", grant(), Chunk(altered(blobs()))),
    late("dropped entry", "trie.corrupt_node", grant(), Chunk(blobs()[:9] + blobs()[10:])),
    late("added entry", "trie.chunk_surplus", grant(), Chunk([*blobs(), blobs()[-1]])),
    late("state of another root", "trie.corrupt_node", grant(), Chunk(cut(OTHER)[0])),
    late("empty chunk", "trie.chunk_truncated", grant(), Chunk([])),
    late("oversized chunk", "provisioning.message_too_long", grant(), bytes(MAX_CHUNK + 1)),
    late("oversized node", "trie.chunk_too_large", grant(), Chunk([bytes(MAX_NODE_BYTES), b"0"])),
    late("admission before the state is here", "provisioning.message_unexpected", grant(), Admitted()),
    late("second grant", "provisioning.message_unexpected", grant(), grant()),
    late("refusal in the middle", "provisioning.refused", grant(), Refusal("provisioning.stalled", "too slow")),
]


@pytest.mark.parametrize("attack", BEFORE_PROOF, ids=lambda attack: attack.name)
def test_a_client_shows_its_evidence_to_none_of_these(attack: Attack) -> None:
    victim = Victim(**attack.client)
    for word in attack.words():
        victim.hear(word)
    assert victim.failure is not None
    assert victim.failure.code == attack.code
    assert [type(word) for word in victim.said] == [Hello, Refusal]
    assert victim.session.assembly is None
    assert victim.session.state is ClientState.CLOSED


@pytest.mark.parametrize("attack", AFTER_PROOF, ids=lambda attack: attack.name)
def test_a_client_uses_nothing_that_these_give(attack: Attack) -> None:
    victim = Victim(**attack.client)
    for word in attack.words():
        assert victim.failure is None
        victim.hear(word)
    assert victim.failure is not None
    assert victim.failure.code == attack.code
    assert isinstance(victim.said[-1], Refusal)
    assert victim.session.state is ClientState.CLOSED
    with pytest.raises(MessageUnexpected):
        victim.session.result()


def test_the_same_without_an_attack() -> None:
    victim = Victim()
    for word in (honest_hello(), grant(), Chunk(blobs())):
        victim.hear(word)
    assert [type(word) for word in victim.said] == [Hello, ClientProof, ChunkRequest, Done]
    assert victim.session.receive(frame(Admitted())[HEAD:], victim.trust) == Finished()
    found = victim.session.result()
    assert dict(found.state.items()) == STATE
    assert (found.meta, found.estate, found.provider, found.entries) == (META, ESTATE, SERVER, len(STATE))
    assert found.secrets.state_key == STATE_KEY
    assert found.secrets.shielding_key == shielding_key("server").private_json()
    for secret in (found, found.secrets, grant()):
        assert "secret" not in repr(secret) and str(STATE_KEY)[2:-1] not in repr(secret)


def test_chunks_that_nobody_asked_for() -> None:
    victim = Victim()
    victim.hear(honest_hello())
    victim.session.receive(frame(grant())[HEAD:], victim.trust)
    with pytest.raises(MessageUnexpected):
        victim.session.receive(frame(Chunk(blobs()))[HEAD:], victim.trust)


def test_a_round_trip_is_paid_once_for_many_chunks() -> None:
    victim = Victim()
    for word in (honest_hello(), grant(), *[Chunk([blob]) for blob in blobs()[: 2 * MAX_CHUNKS]]):
        victim.hear(word)
    assert [type(word) for word in victim.said] == [Hello, ClientProof, *[ChunkRequest] * 3]
    assert {word.count for word in victim.said if isinstance(word, ChunkRequest)} == {MAX_CHUNKS}


def test_after_a_wrong_chunk_the_right_ones_are_still_there() -> None:
    victim = Victim()
    for word in (honest_hello(), grant(), Chunk(altered(blobs()))):
        victim.hear(word)
    held = victim.session.assembly
    assert held is not None and held.nodes == 5
    again = ClientSession(party(CLIENT, "client"), Role.JOIN, CHALLENGE, held)
    again.hello(TLS_KEY)
    again.receive(frame(honest_hello())[HEAD:], victim.trust)
    said = parse(again.prove(None)[HEAD:], MAX_CHUNK)
    assert isinstance(said, ClientProof) and said.held == TRIE.root()
    assert again.receive(frame(grant())[HEAD:], victim.trust) == Received(held.size, 30_000)
    again.ask()
    assert again.assembly is held and held.path is not None
    again.receive(frame(Chunk(cut(TRIE, held.path)[0]))[HEAD:], victim.trust)
    assert isinstance(parse(again.ask()[HEAD:], MAX_CHUNK), Done)
    again.receive(frame(Admitted())[HEAD:], victim.trust)
    assert again.result().state.root() == TRIE.root()


def test_a_state_of_another_root_is_begun_anew() -> None:
    victim = Victim()
    for word in (honest_hello(), grant(), Chunk(altered(blobs()))):
        victim.hear(word)
    again = ClientSession(party(CLIENT, "client"), Role.JOIN, CHALLENGE, victim.session.assembly)
    again.hello(TLS_KEY)
    again.receive(frame(honest_hello())[HEAD:], victim.trust)
    again.prove(None)
    assert again.receive(frame(grant(root=OTHER.root()))[HEAD:], victim.trust) == Received(0, 30_000)


@settings(deadline=None)
@given(st.booleans(), st.binary(max_size=600))
def test_arbitrary_bytes_end_the_session(proven: bool, data: bytes) -> None:
    victim = Victim()
    if proven:
        victim.hear(honest_hello())
    victim.hear(data)
    assert victim.failure is not None
    assert isinstance(victim.said[-1], Refusal)


def test_the_longest_grant_there_is_can_be_said() -> None:
    longest = grant(meta=bytes(MAX_META), estate=bytes(MAX_META))
    assert isinstance(parse(frame(longest)[HEAD:], LIMITS[ClientState.GRANT]), Grant)


def test_the_longest_chunk_there_is_can_be_said() -> None:
    others = [b"0"] * (MAX_CHUNK_NODES - 1)
    longest = Chunk([bytes(MAX_NODE_BYTES - len(others)), *others])
    assert isinstance(parse(frame(longest)[HEAD:], LIMITS[ClientState.STATE]), Chunk)

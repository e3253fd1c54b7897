"""Attackers against a server that provisions: each is refused for its own reason, and no secret has left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integritee.attestation import TeeKind
from integritee.attestation.simulated_pki import PCK, PCK_AUTHORITY, SimulatedPlatform
from integritee.enclave.attestation import Evidence, Purpose
from integritee.enclave.provisioning import Role, ShardTerms
from integritee.enclave.provisioning.messages import (
    HEAD,
    MAX_CHUNKS,
    MAX_HELLO,
    MAX_PROOF,
    Admitted,
    Chunk,
    ChunkRequest,
    ClientProof,
    Done,
    Grant,
    Message,
    Refusal,
    ServerHello,
    frame,
)
from integritee.enclave.provisioning.server_session import LIMITS, ServerState
from integritee.trie.transfer import Assembly

from ...attestation.forge import FOREIGN, MR_ENCLAVE, NOW, hardware_vector
from .enclaves import (
    CLIENT,
    DEBUG,
    FOREIGN_TLS_KEY,
    NEW_CODE,
    SERVER,
    STATE,
    STRANGER,
    Conversation,
    Enclave,
    client_report_data,
    evidence,
    hello,
    party,
    proof,
    public_json,
    secrets_in,
    server,
)

SECONDS = NOW // 1000
TEN = tuple(bytes((i,)) * 32 for i in range(10))


@dataclass
class Attack:
    """What the attacker says and shows, what the server is, and the code of the refusal."""

    name: str
    code: str
    hello: dict[str, Any] = field(default_factory=dict)
    proof: Callable[[ServerHello], Message | bytes] = proof
    server: dict[str, Any] = field(default_factory=dict)
    terms: dict[str, Any] = field(default_factory=dict)
    kind: TeeKind = TeeKind.SIMULATION
    may_succeed: bool = True


def machine(name: str, code: str, *, facts: dict[str, Any] | None = None, **knobs: Any) -> Attack:
    """An enclave on a machine whose certificates or collateral are not right."""
    platform = SimulatedPlatform(**knobs)
    return Attack(name, code, proof=lambda answer: proof(answer, platform=platform), server={"facts": facts or {}})


def enclave(name: str, code: str, **changes: Any) -> Attack:
    """Another enclave than the expected one, on an honest machine."""
    return Attack(name, code, proof=lambda answer: proof(answer, **changes))


def bound(name: str, **changes: Any) -> Attack:
    """Genuine evidence of entitled code that was made for something else."""

    def show(answer: ServerHello) -> ClientProof:
        return ClientProof(evidence(client_report_data(answer, **changes)), None)

    return Attack(name, "attestation.report_data", proof=show)


def shown(name: str, code: str, show: Callable[[ServerHello], Evidence | None], **rest: Any) -> Attack:
    return Attack(name, code, proof=lambda answer: ClientProof(show(answer), None), **rest)


def recorded(_: ServerHello) -> Evidence:
    quote, collateral = hardware_vector()
    return Evidence(kind=TeeKind.GRAMINE_SGX, quote=quote, collateral=collateral)


def without_collateral(answer: ServerHello) -> Evidence:
    return msgspec.structs.replace(evidence(client_report_data(answer)), collateral=None)


def as_hardware(answer: ServerHello) -> Evidence:
    return evidence(client_report_data(answer), kind=TeeKind.GRAMINE_SGX)


def unmarked(answer: ServerHello) -> Evidence:
    platform = SimulatedPlatform(user_data=bytes(20))
    return evidence(client_report_data(answer), platform, TeeKind.GRAMINE_SGX)


def replayed(_: ServerHello) -> ClientProof:
    """The proof of an honest session of yesterday."""
    yesterday = Conversation(server(), challenge=b"\x5b" * 32)
    (answer,) = yesterday.say(hello())
    assert isinstance(answer, ServerHello)
    shown = proof(answer)
    assert isinstance(yesterday.say(shown)[0], Grant)
    return shown


EVIDENCE = [
    shown("no evidence (a client that skips attestation)", "provisioning.evidence_missing", lambda _: None),
    machine("expired certificates", "attestation.certificate_not_current", valid_until=SECONDS - 1),
    machine(
        "expired TCB info", "attestation.collateral_not_current", tcb_info={"nextUpdate": "2023-01-01T00:00:00Z"}
    ),
    machine("revoked machine", "attestation.certificate_revoked", revoked=frozenset({PCK})),
    machine("revoked authority", "attestation.certificate_revoked", revoked=frozenset({PCK_AUTHORITY})),
    machine("own root", "attestation.root_not_trusted", seed=FOREIGN.seed),
    machine("outdated machine", "attestation.tcb_status", tcb_status="OutOfDate"),
    machine(
        "collateral of last year", "attestation.collateral_rolled_back", facts={"minimum_tcb_evaluation_number": 2}
    ),
    shown("no collateral", "attestation.collateral_missing", without_collateral),
    enclave("debug enclave", "attestation.debug", flags=DEBUG),
    enclave("other code", "attestation.measurement", mr_enclave=b"\x66" * 32),
    enclave("other code of the same signer", "attestation.measurement", mr_enclave=NEW_CODE),
    Attack("simulated against hardware", "attestation.kind_not_allowed", kind=TeeKind.GRAMINE_SGX),
    shown("simulated that says hardware", "attestation.kind_marker", as_hardware, kind=TeeKind.GRAMINE_SGX),
    shown("the same without a marker", "attestation.root_not_trusted", unmarked, kind=TeeKind.GRAMINE_SGX),
    shown("hardware against simulation", "attestation.kind_not_allowed", recorded),
]

BINDING = [
    bound("evidence for another account", account=STRANGER),
    bound("evidence for another TLS key: somebody is in the middle", tls_public_key=FOREIGN_TLS_KEY),
    bound("evidence for another shielding key", shielding_key=public_json("server")),
    bound("evidence for another shard", shard=b"\x52" * 32),
    bound("evidence for another parentchain", genesis_hash=b"\x9f" * 32),
    bound("evidence for an older challenge", challenge=b"\x5b" * 32),
    bound("evidence of a server", purpose=Purpose.PROVISIONING_SERVER),
    bound("evidence of a registration", purpose=Purpose.REGISTRATION),
    Attack("replay of a whole proof", "attestation.report_data", proof=replayed),
    shown("reflection of the server's evidence", "attestation.report_data", lambda answer: answer.evidence),
    Attack(
        "reflection with its challenge",
        "attestation.report_data",
        {"challenge": b"\x5c" * 32},
        proof=lambda answer: ClientProof(answer.evidence, None),
    ),
    shown("all zero report data", "attestation.report_data", lambda _: evidence(bytes(64))),
    shown("the original's report data", "attestation.report_data", lambda _: evidence(CLIENT + bytes(32))),
]

PLACE = [
    Attack("version of the future", "provisioning.version", {"version": 2}),
    Attack("downgrade", "provisioning.version", {"version": 0}),
    Attack("wrong shard", "provisioning.shard", {"shard": b"\x52" * 32}),
    Attack("wrong genesis", "provisioning.genesis", {"genesis_hash": b"\x9f" * 32}),
    Attack("the server itself", "provisioning.own_account", {"account": SERVER}),
    Attack("not listed", "provisioning.not_listed", terms={"listed": frozenset({SERVER, STRANGER})}),
    Attack("shard full", "provisioning.shard_full", terms={"signers": (SERVER, STRANGER), "max_instances": 2}),
    Attack("status full", "provisioning.shard_full", terms={"signers": TEN}),
    Attack("successor of the code in force", "provisioning.not_superseded", {"role": Role.SUCCEED}),
    Attack(
        "successor with the old code",
        "attestation.measurement",
        {"role": Role.SUCCEED},
        terms={"successor": NEW_CODE},
    ),
    Attack("successor from elsewhere", "provisioning.successor_elsewhere", {"role": Role.SUCCEED}, may_succeed=False),
    Attack(
        "second successor",
        "provisioning.handed_over",
        {"role": Role.SUCCEED},
        lambda a: proof(a, mr_enclave=NEW_CODE),
        terms={"successor": NEW_CODE, "handed_over_to": STRANGER},
    ),
    Attack("joiner of a retired enclave", "provisioning.handed_over", terms={"handed_over_to": CLIENT}),
]

FORM = [
    Attack("oversized proof", "provisioning.message_too_long", proof=lambda _: bytes(MAX_PROOF + 1)),
    Attack("truncated proof", "provisioning.message_malformed", proof=lambda a: frame(proof(a))[HEAD:-1]),
    Attack("trailing byte", "provisioning.message_malformed", proof=lambda a: frame(proof(a))[HEAD:] + b"\0"),
    Attack("empty message", "provisioning.message_malformed", proof=lambda _: b""),
    Attack("unknown kind", "provisioning.message_malformed", proof=lambda _: b"\x42"),
    Attack("state before proof", "provisioning.message_unexpected", proof=lambda _: ChunkRequest(b"", 1)),
    Attack("done before proof", "provisioning.message_unexpected", proof=lambda _: Done()),
    Attack("second hello", "provisioning.message_unexpected", proof=lambda _: hello()),
    Attack(
        "own grant", "provisioning.message_unexpected", proof=lambda _: Grant(b"", bytes(32), bytes(32), 0, b"", b"")
    ),
    Attack("refusal", "provisioning.refused", proof=lambda _: Refusal("provisioning.stalled", "no time")),
]


@pytest.mark.parametrize("attack", EVIDENCE + BINDING + PLACE + FORM, ids=lambda attack: attack.name)
def test_each_attacker_is_refused_before_a_secret_leaves(attack: Attack) -> None:
    provider = Enclave(
        party(SERVER, "server", kind=attack.kind), shard_terms=ShardTerms(**attack.terms), **attack.server
    )
    talk = Conversation(provider, may_succeed=attack.may_succeed)
    answers = talk.say(hello(**attack.hello))
    if isinstance(answers[0], ServerHello):
        answers = talk.say(attack.proof(answers[0]))
    assert talk.failure is not None
    assert talk.failure.code == attack.code
    assert [type(answer) for answer in answers] == [Refusal]
    assert answers[0].reason == attack.code
    assert secrets_in(talk.said) == []
    assert provider.log == []  # nobody even asked for one
    assert talk.session.state is ServerState.CLOSED
    assert isinstance(talk.say(ChunkRequest(b"", 1))[0], Refusal)  # and it is too late to do better
    assert secrets_in(talk.said) == []


def test_every_attack_is_one_change_away_from_success() -> None:
    """The same words without the attack get everything; and the search for secrets finds them."""
    talk = Conversation(server(shard_terms=ShardTerms(successor=NEW_CODE)))
    (answer,) = talk.say(hello(role=Role.SUCCEED))
    assert isinstance(answer, ServerHello)
    assert secrets_in(talk.said) == []
    (grant,) = talk.say(proof(answer, mr_enclave=NEW_CODE))
    assert isinstance(grant, Grant)
    assembly = Assembly(grant.root)
    while assembly.path is not None:
        for chunk in talk.say(ChunkRequest(assembly.path, 1)):
            assert isinstance(chunk, Chunk)
            assembly.add(chunk.nodes)
    assert dict(assembly.trie().items()) == STATE
    assert talk.say(Done()) == [Admitted()]
    assert secrets_in(talk.said) == ["shielding key", "state key", "estate", "meta", "state"]
    assert talk.enclave.log == ["handed over to b0", "secrets", "snapshot", "admitted b0 as SUCCEED"]


@pytest.mark.parametrize(
    ("terms", "role", "mr_enclave"),
    [
        ({"listed": frozenset({CLIENT})}, Role.JOIN, MR_ENCLAVE),
        ({"signers": (SERVER, STRANGER), "max_instances": 3}, Role.JOIN, MR_ENCLAVE),
        ({"signers": TEN[1:]}, Role.JOIN, MR_ENCLAVE),
        ({"signers": (*TEN[1:], CLIENT)}, Role.JOIN, MR_ENCLAVE),
        ({"signers": (SERVER, CLIENT), "max_instances": 1}, Role.JOIN, MR_ENCLAVE),
        ({"successor": NEW_CODE}, Role.JOIN, MR_ENCLAVE),
        ({"successor": NEW_CODE, "signers": (SERVER,), "max_instances": 1}, Role.SUCCEED, NEW_CODE),
        ({"successor": NEW_CODE, "signers": TEN, "listed": frozenset({SERVER})}, Role.SUCCEED, NEW_CODE),
        ({"successor": NEW_CODE, "handed_over_to": CLIENT}, Role.SUCCEED, NEW_CODE),
    ],
    ids=[
        "listed",
        "last place",
        "last place in the status",
        "signer already, status full",
        "signer already, full",
        "join superseded code",
        "takes the place of the old",
        "takes its place in the status and on the list",
        "successor tries again",
    ],
)
def test_who_has_a_place(terms: dict[str, Any], role: Role, mr_enclave: bytes) -> None:
    talk = Conversation(server(shard_terms=ShardTerms(**terms)))
    (answer,) = talk.say(hello(role=role))
    assert isinstance(answer, ServerHello)
    (grant,) = talk.say(proof(answer, mr_enclave=mr_enclave))
    assert isinstance(grant, Grant)


def test_new_code_is_entitled_if_the_enclave_says_so() -> None:
    facts = {"entitled": frozenset({MR_ENCLAVE, NEW_CODE})}
    talk = Conversation(server(facts=facts))
    (answer,) = talk.say(hello())
    assert isinstance(answer, ServerHello)
    assert isinstance(talk.say(proof(answer, mr_enclave=NEW_CODE))[0], Grant)


def test_a_hand_over_that_is_not_durable_gives_nothing() -> None:
    from integritee.enclave.store.errors import DiskError

    class Full(DiskError):
        code = "test.disk"

        def __init__(self) -> None:
            Exception.__init__(self, "no space left")

    talk = Conversation(server(shard_terms=ShardTerms(successor=NEW_CODE), hand_over_fails=Full()))
    (answer,) = talk.say(hello(role=Role.SUCCEED))
    assert isinstance(answer, ServerHello)
    (refused,) = talk.say(proof(answer, mr_enclave=NEW_CODE))
    assert isinstance(refused, Refusal)
    assert talk.enclave.log == []
    assert secrets_in(talk.said) == []


# --- the transition table, all of it


def reach(state: ServerState) -> Conversation:
    talk = Conversation(server())
    if state is ServerState.HELLO:
        return talk
    (answer,) = talk.say(hello())
    assert isinstance(answer, ServerHello)
    if state is ServerState.STATE:
        talk.say(proof(answer))
    return talk


ALLOWED = {
    (ServerState.HELLO, "Hello"),
    (ServerState.PROOF, "ClientProof"),
    (ServerState.STATE, "ChunkRequest"),
    (ServerState.STATE, "Done"),
}
WORDS: list[Message] = [
    hello(),
    ServerHello(1, SERVER, b"", bytes(32), None),
    ClientProof(None, None),
    Grant(b"", bytes(32), bytes(32), 0, b"", b""),
    ChunkRequest(b"", 1),
    Chunk([]),
    Done(),
    Admitted(),
]


@pytest.mark.parametrize("state", LIMITS)
@pytest.mark.parametrize("word", WORDS, ids=lambda word: type(word).__name__)
def test_what_may_come_when(state: ServerState, word: Message) -> None:
    talk = reach(state)
    assert talk.session.state is state
    talk.say(word)
    allowed = (state, type(word).__name__) in ALLOWED
    unexpected = talk.failure is not None and talk.failure.code == "provisioning.message_unexpected"
    assert unexpected is not allowed


@pytest.mark.parametrize("state", LIMITS)
def test_no_state_takes_more_than_its_limit(state: ServerState) -> None:
    talk = reach(state)
    talk.say(bytes(LIMITS[state] + 1))
    assert talk.failure is not None
    assert talk.failure.data() == {"found": LIMITS[state] + 1, "limit": LIMITS[state]}


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (ChunkRequest(b"", 0), "provisioning.message_malformed"),
        (ChunkRequest(b"", MAX_CHUNKS + 1), "provisioning.message_malformed"),
        (ChunkRequest(b"\x0f" * 70, 1), "trie.transfer_path"),
        (ChunkRequest(b"rubbish", 1), "trie.transfer_path"),
    ],
    ids=["no chunk", "too many chunks", "no such node", "no path"],
)
def test_requests_that_get_no_chunk(request_: ChunkRequest, code: str) -> None:
    talk = reach(ServerState.STATE)
    talk.say(request_)
    assert talk.failure is not None
    assert talk.failure.code == code


@settings(deadline=None)
@given(st.sampled_from(list(LIMITS)), st.binary(max_size=MAX_HELLO // 16))
def test_arbitrary_bytes_get_a_refusal_and_nothing_else(state: ServerState, data: bytes) -> None:
    talk = Conversation(server())
    if state is not ServerState.HELLO:
        talk.say(hello())
    answers = talk.say(data)
    assert talk.failure is not None
    assert [type(answer) for answer in answers] == [Refusal]
    assert secrets_in(talk.said) == []

"""`--skip-ra`: where it is allowed, and that one side alone never skips."""

from __future__ import annotations

from typing import Any

import pytest

from integritee.attestation import TeeKind
from integritee.enclave.provisioning import SKIP_RA_BANNER, ClientSession, Role, ShardTerms, Trust
from integritee.enclave.provisioning.errors import SkipRaForbidden
from integritee.enclave.provisioning.messages import HEAD, MAX_CHUNK, Grant, Refusal, frame, parse
from integritee.enclave.provisioning.server_session import EvidenceWanted
from integritee.errors import IntegriteeError

from ...attestation.forge import MR_ENCLAVE, NOW
from .enclaves import CLIENT, SERVER, STRANGER, TLS_KEY, Conversation, Enclave, evidence, party, secrets_in

TRUST = Trust(now=NOW, entitled=frozenset({MR_ENCLAVE}))
SKIPPING = {"skip_ra": True, "is_development": True}


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"kind": TeeKind.GRAMINE_SGX, "is_development": True}, "this enclave runs in hardware"),
        ({"kind": TeeKind.GRAMINE_SGX}, "this enclave runs in hardware"),
        ({"kind": TeeKind.SIMULATION}, "the parentchain is not for development"),
    ],
    ids=["hardware on a chain for development", "hardware", "simulation on a chain that matters"],
)
def test_where_skipping_is_forbidden(facts: dict[str, Any], reason: str) -> None:
    with pytest.raises(SkipRaForbidden) as caught:
        party(SERVER, "server", skip_ra=True, **facts)
    assert caught.value.code == "provisioning.skip_ra_forbidden"
    assert caught.value.reason == reason


def test_the_banner_says_what_is_lost() -> None:
    lines = SKIP_RA_BANNER.splitlines()
    assert "--skip-ra" in lines[1]
    assert len({len(line) for line in lines}) == 1


@pytest.mark.parametrize(
    ("server_skips", "client_skips", "code"),
    [
        (False, False, None),
        (True, True, None),
        (True, False, "provisioning.evidence_missing"),
        (False, True, "provisioning.evidence_missing"),
    ],
    ids=["both attest", "both skip", "the server alone skips", "the client alone skips"],
)
def test_nobody_is_talked_into_skipping(server_skips: bool, client_skips: bool, code: str | None) -> None:
    provider = Enclave(party(SERVER, "server", **SKIPPING if server_skips else {}))
    client = ClientSession(
        party(CLIENT, "client", **SKIPPING if client_skips else {}), Role.JOIN, challenge=b"\xcc" * 32
    )
    talk = Conversation(provider)
    (answer,) = talk.say(client.hello(TLS_KEY)[HEAD:])
    failure: IntegriteeError | None = None
    try:
        event = client.receive(frame(answer)[HEAD:], TRUST)
        assert isinstance(event, EvidenceWanted)
        assert (event.report_data is None) is client_skips
        own = None if event.report_data is None else evidence(event.report_data)
        (answer,) = talk.say(client.prove(own)[HEAD:])
        failure = talk.failure
    except IntegriteeError as error:
        failure = error
    assert (None if failure is None else failure.code) == code
    assert isinstance(answer, Grant) is (code is None)
    assert bool(secrets_in(talk.said)) is (code is None)


def test_skipping_attestation_skips_nothing_else() -> None:
    provider = Enclave(
        party(SERVER, "server", **SKIPPING), shard_terms=ShardTerms(listed=frozenset({SERVER, STRANGER}))
    )
    client = ClientSession(party(CLIENT, "client", **SKIPPING), Role.JOIN, challenge=b"\xcc" * 32)
    talk = Conversation(provider)
    (answer,) = talk.say(client.hello(TLS_KEY)[HEAD:])
    client.receive(frame(answer)[HEAD:], TRUST)
    (refused,) = talk.say(parse(client.prove(None)[HEAD:], MAX_CHUNK))
    assert isinstance(refused, Refusal)
    assert refused.reason == "provisioning.not_listed"
    succeed = ClientSession(party(CLIENT, "client", **SKIPPING), Role.SUCCEED, challenge=b"\xcc" * 32)
    talk = Conversation(Enclave(party(SERVER, "server", **SKIPPING)))
    (answer,) = talk.say(succeed.hello(TLS_KEY)[HEAD:])
    succeed.receive(frame(answer)[HEAD:], TRUST)
    (refused,) = talk.say(parse(succeed.prove(None)[HEAD:], MAX_CHUNK))
    assert isinstance(refused, Refusal)
    assert refused.reason == "provisioning.not_superseded"
    assert secrets_in(talk.said) == []

"""What errors and statuses are on the other side of the link: for clients, the same."""

from __future__ import annotations

import pytest

from integritee.crypto import Ed25519Pair
from integritee.enclave.frontend.begin import Begin, Facts
from integritee.enclave.frontend.errors import LinkFailed, PoolRefused, Refused
from integritee.enclave.frontend.payloads import (
    Listens,
    decode,
    decode_changes,
    decode_refusal,
    encode,
    encode_changes,
    encode_refusal,
)
from integritee.enclave.pool import PoolError, StaleNonce, StatusChanged, TemporarilyBanned
from integritee.enclave.rpc.error_text import getter_text, parameter_text, submit_text
from integritee.enclave.rpc.errors import Reason, RequestError
from integritee.errors import IntegriteeError
from integritee.primitives.rpc import InSidechainBlock, Invalid, Ready
from integritee.reference.catalogue import error_classes, import_all
from integritee.reference.facts import specimen
from integritee.stf.errors import MissingPrivileges

import_all()
AREAS = ("stf", "pool", "enclave", "gossip", "ipfs", "top", "shielding", "credits", "evm", "encointer")
ERRORS = [each for each in error_classes() if each.code.partition(".")[0] in AREAS]
"""What a ledger raises, or may; none of the front end's own, about what clients write."""

FACTS = Facts(bytes(32), bytes(32), "ws://a", "ws://b", b"meta", "1.2.3")


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_an_error_says_the_same_on_the_other_side(kind: type[IntegriteeError]) -> None:
    error = specimen(kind)
    assert not isinstance(error, RequestError)
    told = decode_refusal(encode_refusal(error))
    assert Reason.of(told) == Reason.of(error)
    for text in (submit_text, getter_text, parameter_text):
        assert text(told) == text(error)
    for family in (MissingPrivileges, PoolError):
        assert isinstance(told, family) == isinstance(error, family)


def test_there_are_errors_of_all_these_areas() -> None:
    assert {each.code.partition(".")[0] for each in ERRORS} == set(AREAS)


def test_facts_beyond_what_clients_read_as_numbers_stay_exact() -> None:
    assert Reason.of(decode_refusal(encode_refusal(StaleNonce(3, 2**60)))).data["expected"] == str(2**60)


@pytest.mark.parametrize("lingers", [True, False])
def test_statuses_keep_their_order_and_reasons(lingers: bool) -> None:
    changes = [
        StatusChanged(b"\x01" * 32, Ready()),
        StatusChanged(b"\x02" * 32, InSidechainBlock(b"\x07" * 32)),
        StatusChanged(b"\x01" * 32, Invalid(), StaleNonce(3, 4)),
    ]
    told, still = decode_changes(encode_changes(changes, lingers))
    assert [(each.hash, each.status) for each in told] == [(each.hash, each.status) for each in changes]
    assert [each.reason and Reason.of(each.reason) for each in told] == [None, None, Reason.of(StaleNonce(3, 4))]
    assert still is lingers


@pytest.mark.parametrize("payload", [b"", b"\xc1", b"\x90", b"\x92\xc3\x91\x93\x01\x02\x03"])
def test_what_makes_no_sense_ends_the_link(payload: bytes) -> None:
    for read in (
        decode_changes,
        decode_refusal,
        lambda data: decode(data, Begin),
        lambda data: decode(data, Listens),
    ):
        with pytest.raises(LinkFailed):
            read(payload)


def test_keys_are_sent_and_never_shown() -> None:
    seed = Ed25519Pair.from_uri("//Alice").seed
    begin = Begin(FACTS, ["evm"], True, b"a private key", seed, "127.0.0.1", 0, 10, 1_700_000_000_000)
    assert decode(encode(begin), Begin) == begin
    assert not any(secret in repr(begin) for secret in ("a private key", repr(seed)[2:-1], seed.hex()))


def test_a_refusal_of_the_pool_keeps_its_sentence() -> None:
    told = decode_refusal(encode_refusal(TemporarilyBanned(bytes(32), 7)))
    assert isinstance(told, PoolRefused)
    assert told.legacy_text == TemporarilyBanned.legacy_text != PoolError.legacy_text
    assert type(decode_refusal(encode_refusal(IntegriteeError("a")))) is Refused

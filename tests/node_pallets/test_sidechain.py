from __future__ import annotations

from typing import Any

import pytest

from integritee.primitives.sidechain import SidechainBlockConfirmation as Block

from .small_runtime import ALICE, BOB, ROOT, SHARD, Chain

CALL = "Sidechain.confirm_imported_sidechain_block"
FIRST, SECOND = Block(51, b"\x22" * 32), Block(101, b"\x23" * 32)


@pytest.fixture
def served(chain: Chain) -> Chain:
    """Alice leads the shard, Bob serves it as well."""
    for who in (ALICE, BOB):
        chain.register(who)
    return chain


def latest(chain: Chain) -> Block | None:
    return chain.runtime.sidechain.latest_sidechain_block_confirmation.get(SHARD)


def test_the_first_confirmation_needs_no_ancestor(served: Chain) -> None:
    events = served.submit(ALICE, CALL, SHARD, SECOND, FIRST)
    assert events == [("Sidechain.FinalizedSidechainBlock", SHARD, 51, FIRST.block_header_hash, ALICE)]
    assert latest(served) == FIRST


def test_confirmations_form_a_chain(served: Chain) -> None:
    served.submit(ALICE, CALL, SHARD, None, FIRST)
    served.submit(ALICE, CALL, SHARD, FIRST, SECOND)
    assert latest(served) == SECOND


@pytest.mark.parametrize(
    ("ancestor", "candidate", "code"),
    [
        (None, SECOND, "ancestor_missing"),
        (None, FIRST, "ancestor_missing"),
        (FIRST, FIRST, "finalization_candidate_is_outdated"),
        (FIRST, Block(50, bytes(32)), "finalization_candidate_is_outdated"),
        (Block(50, FIRST.block_header_hash), SECOND, "ancestor_number_mismatch"),
        (Block(51, bytes(32)), SECOND, "ancestor_hash_mismatch"),
    ],
)
def test_what_does_not_descend_is_refused(served: Chain, ancestor: Any, candidate: Block, code: str) -> None:
    served.submit(ALICE, CALL, SHARD, None, FIRST)
    assert served.refusal(ALICE, CALL, SHARD, ancestor, candidate) == f"sidechain.{code}"
    assert latest(served) == FIRST


def test_others_than_the_first_only_touch(served: Chain) -> None:
    served.submit(ALICE, CALL, SHARD, None, FIRST)
    served.enter(5)
    assert served.submit(BOB, CALL, SHARD, None, SECOND) == []
    assert latest(served) == FIRST
    status = served.runtime.enclave_bridge.shard_status.get(SHARD)
    assert status is not None
    assert [(s.signer, s.last_activity) for s in status] == [(ALICE, 1), (BOB, 5)]


def test_the_lead_passes_on_by_purging(served: Chain) -> None:
    served.submit(ALICE, CALL, SHARD, None, FIRST)
    served.submit(BOB, CALL, SHARD, None, SECOND)
    served.submit(ROOT, "EnclaveBridge.purge_enclave_from_shard_status", SHARD, ALICE)
    events = served.submit(BOB, CALL, SHARD, FIRST, SECOND)
    assert events == [("Sidechain.FinalizedSidechainBlock", SHARD, 101, SECOND.block_header_hash, BOB)]


def test_strangers_are_refused(chain: Chain) -> None:
    assert chain.refusal(ALICE, CALL, SHARD, None, FIRST) == "teerex.enclave_is_not_registered"
    chain.register(ALICE, b"\x77" * 32)
    assert chain.refusal(ALICE, CALL, SHARD, None, FIRST) == "enclave_bridge.wrong_fingerprint_for_shard"
    assert chain.refusal(ROOT, CALL, SHARD, None, FIRST) == "dispatch.bad_origin"


def test_storage_key_and_value(served: Chain) -> None:
    served.submit(ALICE, CALL, SHARD, None, FIRST)
    key = served.runtime.sidechain.latest_sidechain_block_confirmation.key_of(SHARD)
    prefix = "3eaeb1cee77dc09baac326e5a1d29726" + "7330b8f0844684c66a9a03162a425cc9"
    assert key == bytes.fromhex(prefix + "7f9c299f1d9bbe856fbf2c98f0f91435") + SHARD
    assert served.runtime.state.get(key) == (51).to_bytes(8, "little") + FIRST.block_header_hash

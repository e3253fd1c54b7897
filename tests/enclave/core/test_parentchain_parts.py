"""Parts that stand on their own: the contract with a chain, the Merkle root, the outbox, turns of several enclaves."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.crypto import Ed25519Pair, blake2_256, keccak_256
from integritee.enclave.parentchain.contract import BRIDGE_CALLS, MissingCall, ParentchainContract, Place
from integritee.enclave.parentchain.inbound import ExtrinsicOutcome, InboundBlock, read_block
from integritee.enclave.parentchain.merkle import merkle_root
from integritee.enclave.parentchain.onboarding import Goal, authorities, is_registered
from integritee.enclave.parentchain.outbox import (
    MAX_ENTRIES,
    AlreadyQueued,
    ChainFacts,
    NonceOvertaken,
    Outbox,
    OutboxFull,
    Payment,
    Processed,
)
from integritee.metadata import RuntimeMetadata, decode_extrinsic
from integritee.primitives.header import Digest, Header
from integritee.primitives.ids import ParentchainId
from integritee.primitives.sidechain import SidechainBlockConfirmation
from integritee.primitives.storage import blake2_map_key
from integritee.stf.effects import VaultPayment

from .harness import World
from .parentchain import metadata

VECTORS = Path(__file__).parents[2] / "vectors" / "metadata"
ME = Ed25519Pair.from_seed(b"\x01" * 32)
VAULT = b"\x02" * 32
SHARD = b"\x03" * 32
PLACE = Place(ParentchainId.Integritee, SHARD, ME.public, VAULT)


def header(number: int) -> Header:
    return Header(bytes(32), number, bytes(32), bytes(32), Digest([]))


# -- contract


def test_the_recorded_integritee_runtime_has_all_that_is_needed() -> None:
    raw = (VECTORS / "integritee-paseo.metadata.scale").read_bytes()
    contract = ParentchainContract(RuntimeMetadata.parse(raw), PLACE)
    assert contract.call_of(VaultPayment(ParentchainId.Integritee, b"\x04" * 32, 5))
    assert contract.vault.keys.account == blake2_map_key("System", "Account", VAULT)


def test_a_chain_without_the_needed_calls_is_refused_at_once() -> None:
    with pytest.raises(MissingCall) as caught:
        ParentchainContract(RuntimeMetadata.parse((VECTORS / "pah.scale").read_bytes()), PLACE)
    assert (caught.value.pallet, caught.value.call) == BRIDGE_CALLS[0]


@pytest.fixture(scope="module")
def contract() -> ParentchainContract:
    return ParentchainContract(metadata(), PLACE)


def test_watched_keys_are_distinct_and_mirror_the_ledgers(contract: ParentchainContract) -> None:
    keys = contract.watched()
    assert len(set(keys)) == len(keys) == 11
    assert set(contract.mirrored) < set(keys)


def test_calls_say_what_they_should(contract: ParentchainContract) -> None:
    decode, bridge = metadata().decode_call, contract.bridge
    assert bridge is not None
    assert str(decode(bridge.register(SHARD, "wss://a"))) == "Teerex.register_sgx_enclave"
    payment = decode(contract.call_of(VaultPayment(ParentchainId.Integritee, b"\x04" * 32, 5)))
    assert str(payment) == "Proxy.proxy"
    assert str(payment.args["call"]) == "Balances.transfer_keep_alive"
    assert payment.args["call"].args["value"] == 5
    confirmed = decode(bridge.confirm_sidechain_block(None, SidechainBlockConfirmation(51, b"\x05" * 32)))
    assert str(confirmed) == "Sidechain.confirm_imported_sidechain_block"


# -- Merkle root


def test_merkle_root_of_few() -> None:
    a, b, c = (keccak_256(leaf) for leaf in (b"a", b"b", b"c"))
    assert merkle_root([]) == bytes(32)
    assert merkle_root([b"a"]) == a
    assert merkle_root([b"a", b"b"]) == keccak_256(a + b)
    assert merkle_root([b"a", b"b", b"c"]) == keccak_256(keccak_256(a + b) + c)


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=20))
def test_merkle_root_of_many(leaves: list[bytes]) -> None:
    """The tree that splits at the largest power of two below its size."""

    def root(hashes: list[bytes]) -> bytes:
        if len(hashes) == 1:
            return hashes[0]
        split = 1 << (len(hashes) - 1).bit_length() - 1
        return keccak_256(root(hashes[:split]) + root(hashes[split:]))

    assert merkle_root(leaves) == root([keccak_256(leaf) for leaf in leaves])


# -- what a block says


def test_a_block_without_time_or_events(contract: ParentchainContract) -> None:
    block = read_block(contract, header(7), [], dict.fromkeys(contract.watched()), b"")
    assert (block.now, block.deposits, block.outcomes) == (None, (), {})
    assert block.trusted_calls_root() == bytes(32)
    assert block.hash() == header(7).hash()


def test_only_a_registration_of_ours_counts(contract: ParentchainContract, world: World) -> None:
    core = world.core
    assert core.integritee.follower is not None
    values, theirs = core.integritee.follower.values, core.integritee.follower.bridge
    assert is_registered(theirs, core.goal, values)
    for goal in (Goal(bytes(32), core.goal.url), Goal(core.goal.mrenclave, "wss://elsewhere")):
        assert not is_registered(theirs, goal, values)
    assert not is_registered(theirs, core.goal, {})
    assert authorities(theirs, {}) == []


# -- outbox


def untranslated(call: bytes, spec_version: int, transaction_version: int) -> bytes:
    assert (spec_version, transaction_version) == (410, 8)
    return call


@pytest.fixture
def facts() -> ChainFacts:
    return ChainFacts(metadata(), bytes(32), 410, 8)


def key(n: int) -> bytes:
    return n.to_bytes(32, "little")


def inbound(number: int, *included: bytes, ok: bool = True, inner: bool | None = None) -> InboundBlock:
    outcomes = {blake2_256(raw): ExtrinsicOutcome(ok, inner) for raw in included}
    return InboundBlock(header(number), {}, None, (), outcomes, b"")


def test_entries_have_consecutive_nonces_and_one_life(facts: ChainFacts, contract: ParentchainContract) -> None:
    outbox = Outbox(ME)
    outbox.adopt_nonce(5)
    payment = Payment(b"\x04" * 32, 9)
    first = outbox.add(facts, header(100), key(1), contract.fund_vault(1), 32, payment)
    second = outbox.add(facts, header(100), key(2), contract.fund_vault(2), 32)
    assert (first.nonce, second.nonce, outbox.next_nonce) == (5, 6, 7)
    assert first.death == 132
    assert decode_extrinsic(metadata(), first.extrinsic).nonce == 5
    assert outbox.pending() == [first.extrinsic, second.extrinsic]
    (finished,) = outbox.on_block(inbound(101, first.extrinsic, b"somebody else's"))
    assert (finished.entry, finished.outcome.ok) == (first, True)
    assert outbox.on_block(inbound(102, first.extrinsic)) == []
    outbox.adopt_nonce(99)
    assert outbox.next_nonce == 7


def test_copies_and_changes(facts: ChainFacts, contract: ParentchainContract) -> None:
    outbox, replayed = Outbox(ME), Outbox(ME)
    for i in range(3):
        outbox.add(facts, header(i), key(i), contract.fund_vault(i), 4)
        copy = outbox.copy()
        copy.add(facts, header(i), key(99), contract.fund_vault(99), 4)
        assert len(copy.entries) == len(outbox.entries) + 1
        outbox.renew_void(facts, Processed(i + 3, 410), header(i + 50), untranslated)
        outbox.on_block(inbound(i, *[e.extrinsic for e in list(outbox.entries.values())[1:2]]))
        replayed.apply(outbox.take_change())
        assert outbox.take_change().put == []
        assert replayed.whole() == outbox.whole()
        whole = Outbox(ME)
        whole.apply(outbox.whole())
        assert (whole.entries, whole.next_nonce, whole._by_hash) == (
            outbox.entries,
            outbox.next_nonce,
            outbox._by_hash,
        )


@pytest.mark.parametrize(
    ("processed", "version", "renewed"),
    [(131, 410, False), (132, 410, True), (500, 410, True), (101, 411, True), (101, 409, False)],
)
def test_renewal_waits_until_the_old_form_is_void(
    facts: ChainFacts, contract: ParentchainContract, processed: int, version: int, renewed: bool
) -> None:
    """Past its era, or past the runtime it was signed for."""
    outbox = Outbox(ME)
    entry = outbox.add(facts, header(100), key(1), contract.fund_vault(1), 32)
    outbox.renew_void(facts, Processed(processed, version), header(600), untranslated)
    (now,) = outbox.entries.values()
    assert (now != entry) is renewed
    if renewed:
        assert (now.id, now.nonce, now.call, now.death) == (entry.id, entry.nonce, entry.call, 632)
        assert outbox.on_block(inbound(601, entry.extrinsic)) == []
        assert len(outbox.on_block(inbound(602, now.extrinsic))) == 1


@pytest.mark.parametrize(
    ("proven", "pending", "overtaken"), [(3, 2, False), (5, 0, False), (4, 2, True), (6, 0, True)]
)
def test_nonces_that_somebody_else_used(
    facts: ChainFacts, contract: ParentchainContract, proven: int, pending: int, overtaken: bool
) -> None:
    """Nonces 3 and 4 are pending, or nothing is and 5 is the next."""
    outbox = Outbox(ME)
    outbox.next_nonce = 5 - pending
    for i in range(pending):
        outbox.add(facts, header(1), key(i), contract.fund_vault(1), 32)
    if not overtaken:
        outbox.check_nonce(proven)
        return
    with pytest.raises(NonceOvertaken) as caught:
        outbox.check_nonce(proven)
    assert caught.value.data() == {"found": proven, "expected": 5 - pending}


def test_what_is_under_way_is_not_queued_again(facts: ChainFacts, contract: ParentchainContract) -> None:
    outbox = Outbox(ME)
    entry = outbox.add(facts, header(1), key(1), contract.fund_vault(1), 32)
    for holder in (outbox, outbox.copy()):
        with pytest.raises(AlreadyQueued):
            holder.add(facts, header(1), key(1), contract.fund_vault(2), 32)
        assert holder.is_queued(key(1))
    outbox.on_block(inbound(2, entry.extrinsic))
    assert not outbox.is_queued(key(1))
    outbox.add(facts, header(1), key(1), contract.fund_vault(2), 32)


def test_the_outbox_is_bounded(facts: ChainFacts, contract: ParentchainContract) -> None:
    outbox = Outbox(ME)
    entry = outbox.add(facts, header(1), key(1), contract.fund_vault(1), 32)
    outbox.entries = dict.fromkeys(range(MAX_ENTRIES - 1), entry)
    assert outbox.has_room()
    assert not outbox.has_room(planned=1)
    outbox.entries[MAX_ENTRIES] = entry
    with pytest.raises(OutboxFull) as caught:
        outbox.add(facts, header(1), key(2), contract.fund_vault(1), 32)
    assert caught.value.data() == {"found": MAX_ENTRIES, "limit": MAX_ENTRIES}


# -- turns

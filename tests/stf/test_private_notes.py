"""Private notes and receipts: who finds what, how long a note may be, and what becomes of a relayed one."""

from __future__ import annotations

from typing import Any

import pytest

from integritee.errors import IntegriteeError
from integritee.primitives.ids import ParentchainId
from integritee.stf.asset_map import AssetId
from integritee.stf.declare import App, Context, trusted_call
from integritee.stf.fees import transaction_fee
from integritee.stf.ledger import Ledger
from integritee.stf.native import NATIVE_APPS
from integritee.stf.operation import TrustedCall
from integritee.stf.relayed_notes import (
    KeptHere,
    NoteRelayType,
    OnIpfs,
    RelayedElsewhere,
    RelayedNoteRequest,
    RelayedNoteRetrievalInfo,
)
from integritee.stf.types import (
    AnyRole,
    BucketInfo,
    BucketRange,
    ReadAny,
    SessionProxyCredentials,
    SuccessfulTrustedCall,
    TimestampedTrustedNote,
)

from .kit import BOB, CHARLIE, ENCLAVE, EVE, FEE, LOCAL_ASSET_HUB, NOW, ONE, SHARD, Bench, code

ME, YOU, HER = CHARLIE.public, BOB.public, EVE.public
HERE = ParentchainId.Integritee
KEY = b"\x4e" * 32


@pytest.fixture
def bench() -> Bench:
    bench = Bench({CHARLIE: 100 * ONE}, genesis_hash=LOCAL_ASSET_HUB)
    bench.hold(CHARLIE, AssetId.USDC, 1000)
    bench.runtime.timestamp.now.put(NOW)
    return bench


def found(bench: Bench, who: Any) -> list[TrustedCall]:
    """The calls of which an account finds notes, as it reads them itself."""
    notes: list[TimestampedTrustedNote] = bench.ask(who, "notes_for", who.public, 0)
    assert all((note.timestamp, note.version) == (NOW, 1) for note in notes)
    payloads = [note.note.call for note in notes if isinstance(note.note, SuccessfulTrustedCall)]
    return [bench.ledger.codec(TrustedCall).decode(payload) for payload in payloads]


# -- receipts

RECEIPTS: dict[str, tuple[Any, tuple[Any, ...], str]] = {
    "noop": (CHARLIE, (), ""),
    "balance_transfer": (CHARLIE, (YOU, ONE), "CHARLIE BOB"),
    "balance_transfer_with_note": (CHARLIE, (YOU, ONE, b"for the bike"), "CHARLIE BOB"),
    "balance_unshield": (CHARLIE, (YOU, ONE, SHARD), "CHARLIE BOB"),
    "balance_shield": (ENCLAVE, (YOU, ONE, HERE), "BOB"),
    "timestamp_set": (ENCLAVE, (NOW, HERE), ""),
    "send_note": (CHARLIE, (YOU, b"are you there?"), "CHARLIE BOB"),
    "send_relayed_note_stripped": (CHARLIE, (YOU, 7, OnIpfs(b"\x12\x20" + KEY, KEY)), "CHARLIE BOB"),
    "assets_transfer": (CHARLIE, (YOU, AssetId.USDC, 1), "CHARLIE BOB"),
    "assets_transfer_with_note": (CHARLIE, (YOU, AssetId.USDC, 1, b"a cent"), "CHARLIE BOB"),
    "assets_unshield": (CHARLIE, (YOU, AssetId.USDC, 1, SHARD), "CHARLIE BOB"),
    "assets_shield": (ENCLAVE, (YOU, AssetId.USDC, 1, HERE), "BOB"),
    "force_unshield_all": (ENCLAVE, (ME, AssetId.USDC), "CHARLIE"),
    "guess_the_number.guess": (CHARLIE, (7,), "CHARLIE"),
}
"""Sender, further arguments, and who finds the call in its bucket."""


@pytest.mark.parametrize("name", RECEIPTS)
def test_receipts(bench: Bench, name: str) -> None:
    """Those whom a call concerns find it, word for word and once; nobody else finds anything."""
    pair, args, readers = RECEIPTS[name]
    bench.runtime.run_hooks(1, NOW)
    assert bench.run(pair, name, *args).error is None
    receipt = bench.call(name, pair.public, *args)
    for who, reader in ((CHARLIE, "CHARLIE"), (BOB, "BOB"), (EVE, "EVE"), (ENCLAVE, "ENCLAVE")):
        assert found(bench, who) == ([receipt] if reader in readers.split() else [])
    assert bench.runtime.notes.last_note_index.get() == (0 if readers else None)
    bench.check()


def test_a_note_to_oneself_is_found_once(bench: Bench) -> None:
    assert bench.run(CHARLIE, "send_note", ME, b"buy milk").error is None
    assert found(bench, CHARLIE) == [bench.call("send_note", ME, ME, b"buy milk")]
    bench.check()


def test_notes_reach_those_who_have_no_account(bench: Bench) -> None:
    assert bench.run(CHARLIE, "send_note", HER, b"welcome").error is None
    assert not bench.runtime.system.account.contains(HER)
    assert len(found(bench, EVE)) == 1
    assert bench.free(CHARLIE) == 100 * ONE - FEE
    bench.check()


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("balance_transfer", (YOU, 101 * ONE)),
        ("balance_transfer_with_note", (YOU, 99 * ONE, b"x" * 417)),
        ("balance_unshield", (YOU, ONE, bytes(32))),
        ("assets_transfer", (YOU, AssetId.USDC, 1001)),
        ("guess_the_number.guess", (7,)),
    ],
)
def test_a_failed_call_leaves_no_note(bench: Bench, name: str, args: tuple[Any, ...]) -> None:
    outcome = bench.run(CHARLIE, name, *args)
    assert outcome.error is not None
    assert outcome.charged
    assert found(bench, CHARLIE) == found(bench, BOB) == []
    assert bench.runtime.notes.last_bucket_index.get() is None
    bench.check()


def test_many_notes_in_order(bench: Bench) -> None:
    texts = [str(i).encode() for i in range(20)]
    for text in texts:
        assert bench.run(CHARLIE, "send_note", YOU, text).error is None
    assert [call.args[2] for call in found(bench, BOB)] == texts
    bench.check()


def test_a_receipt_tells_no_seed_of_a_session_proxy(bench: Bench) -> None:
    """Proxies that may read find receipts, too; the seed would make them whoever it belongs to."""
    reader, other = (SessionProxyCredentials(role, None, b"\x5e" * 32) for role in (ReadAny(), AnyRole()))
    assert bench.run(CHARLIE, "add_session_proxy", YOU, reader).error is None
    assert bench.run(CHARLIE, "add_session_proxy", HER, other).error is None
    assert other.seed in {c.seed for c in bench.ask(CHARLIE, "account_essentials", ME).session_proxies}

    seen = bench.ask(BOB, "notes_for", ME, 0)
    calls = [bench.ledger.codec(TrustedCall).decode(note.note.call) for note in seen]
    blind = [SessionProxyCredentials(role, None, bytes(32)) for role in (ReadAny(), AnyRole())]
    assert [call.args for call in calls] == [(ME, YOU, blind[0]), (ME, HER, blind[1])]


# -- how long a note may be


@pytest.mark.parametrize(
    ("name", "before", "longest"),
    [
        ("balance_transfer_with_note", (ONE,), 416),
        ("assets_transfer_with_note", (AssetId.USDC, 1), 415),
        ("send_note", (), 432),
    ],
)
def test_the_longest_note(bench: Bench, name: str, before: tuple[Any, ...], longest: int) -> None:
    """As long as the original's; a longer one undoes the whole call and costs its fee (worker trusted_call.rs)."""
    fits = bench.run(CHARLIE, name, YOU, *before, b"x" * longest)
    assert fits.error is None
    assert len(found(bench, BOB)) == 1
    free, sent, held = bench.free(CHARLIE), bench.free(BOB), bench.held(BOB, AssetId.USDC)
    args = (YOU, *before, b"x" * (longest + 1))
    outcome = bench.run(CHARLIE, name, *args)
    assert (code(outcome), outcome.charged) == ("notes.note_too_long", True)
    fee = bench.call(name, ME, *args).definition.fee(ONE, (ME, *args))
    assert bench.free(CHARLIE) == free - fee
    assert (bench.free(BOB), bench.held(BOB, AssetId.USDC)) == (sent, held)
    assert len(found(bench, BOB)) == 1
    bench.check()


@pytest.mark.parametrize(("name", "per_byte"), [("balance_transfer_with_note", ONE // 10_000), ("send_note", 0)])
@pytest.mark.parametrize("length", [0, 1, 100, 400])
def test_what_notes_cost(bench: Bench, name: str, per_byte: int, length: int) -> None:
    """Bytes cost where a note travels with money; alone they do not, as in the original."""
    args = (YOU, 0, b"x" * length) if per_byte else (YOU, b"x" * length)
    assert bench.run(CHARLIE, name, *args).error is None
    assert bench.free(CHARLIE) == 100 * ONE - FEE - per_byte * length
    bench.check()


# -- relayed notes

HELLO = "grüezi"
HERE_, IPFS, ELSEWHERE = NoteRelayType.Here, NoteRelayType.Ipfs, NoteRelayType.Undeclared

RELAYED: list[tuple[RelayedNoteRequest, RelayedNoteRetrievalInfo | None]] = [
    (RelayedNoteRequest(True, HERE_, HELLO, None), KeptHere(HELLO)),
    (RelayedNoteRequest(False, HERE_, HELLO, None), KeptHere(HELLO)),
    (RelayedNoteRequest(False, HERE_, HELLO, KEY), KeptHere(HELLO)),
    (RelayedNoteRequest(True, HERE_, "", None), KeptHere("")),
    (RelayedNoteRequest(True, IPFS, HELLO, None), KeptHere(HELLO)),
    (RelayedNoteRequest(True, IPFS, HELLO, KEY), KeptHere(HELLO)),
    (RelayedNoteRequest(False, IPFS, HELLO, None), None),
    (RelayedNoteRequest(False, IPFS, HELLO, KEY), None),
    (RelayedNoteRequest(True, ELSEWHERE, HELLO, KEY), RelayedElsewhere(KEY)),
    (RelayedNoteRequest(False, ELSEWHERE, HELLO, KEY), RelayedElsewhere(KEY)),
    (RelayedNoteRequest(False, ELSEWHERE, "x" * 100_000, KEY), RelayedElsewhere(KEY)),
]


@pytest.mark.parametrize(("request_", "retrieval"), RELAYED)
def test_relayed_notes(
    bench: Bench, request_: RelayedNoteRequest, retrieval: RelayedNoteRetrievalInfo | None
) -> None:
    """Both sides find the stripped call and never the request; without a relay the note stays here or is refused."""
    outcome = bench.run(CHARLIE, "send_relayed_note", YOU, 7, request_)
    assert outcome.charged
    if retrieval is None:
        assert outcome.error is not None
        assert (code(outcome), outcome.error.data()) == ("stf.relay_unavailable", {"relay": "Ipfs"})
        assert found(bench, CHARLIE) == found(bench, BOB) == []
    else:
        assert outcome.error is None
        stripped = bench.call("send_relayed_note_stripped", ME, YOU, 7, retrieval)
        assert found(bench, CHARLIE) == found(bench, BOB) == [stripped]
        assert found(bench, EVE) == []
    assert bench.free(CHARLIE) == 100 * ONE - FEE
    bench.check()


def test_a_fresh_key_for_each_note_that_names_none(bench: Bench) -> None:
    """It comes from the block's randomness, which only enclaves know, and from the call."""
    request = RelayedNoteRequest(False, ELSEWHERE, HELLO, None)
    for entropy in (1, 1, 2):
        bench.runtime.entropy = bytes([entropy]) * 32
        assert bench.run(CHARLIE, "send_relayed_note", YOU, 7, request).error is None
    keys = [call.args[3].encryption_key for call in found(bench, BOB)]
    assert len(set(keys)) == 3
    assert found(bench, BOB) == found(bench, CHARLIE)
    bench.check()


@pytest.mark.parametrize(("length", "expected"), [(426, None), (427, None), (428, "notes.note_too_long")])
def test_the_longest_relayed_note_that_stays_here(bench: Bench, length: int, expected: str | None) -> None:
    outcome = bench.run(CHARLIE, "send_relayed_note", YOU, 7, RelayedNoteRequest(True, IPFS, "x" * length, None))
    assert code(outcome) == expected
    assert len(found(bench, BOB)) == (0 if expected else 1)
    bench.check()


# -- notes that apps leave


class Postman(App):
    """Leaves notes beside its receipt, for whom it likes."""

    name = "postman"

    @trusted_call(200, fee=transaction_fee, linked=("sender",))
    def deliver(self, ctx: Context, sender: bytes, to: list[bytes], fail: bool) -> None:
        """One note for all."""
        other = TrustedCall(Ledger(NATIVE_APPS).calls["noop"], (sender,))
        ctx.note(other, *to)
        if fail:
            raise IntegriteeError("lost on the way")


@pytest.mark.parametrize(
    ("to", "fail", "expected"),
    [
        ([YOU], False, None),
        ([YOU, HER], False, None),
        ([YOU, YOU, YOU], False, None),
        ([], False, None),
        ([ME, YOU, HER], False, "notes.too_many_linked_accounts"),
        ([YOU], True, "integritee"),
    ],
)
def test_notes_beside_the_receipt(to: list[bytes], fail: bool, expected: str | None) -> None:
    bench = Bench({CHARLIE: ONE}, Ledger((*NATIVE_APPS, Postman)))
    bench.runtime.timestamp.now.put(NOW)
    outcome = bench.run(CHARLIE, "deliver", to, fail)
    assert code(outcome) == expected
    assert [call.name for call in found(bench, CHARLIE)] == ([] if expected else ["deliver"])
    for pair in (BOB, EVE):
        expects = [] if expected or pair.public not in to else ["noop"]
        assert [call.name for call in found(bench, pair)] == expects
    bench.check()


# -- buckets


def test_buckets_are_public_their_contents_are_not(bench: Bench) -> None:
    assert bench.read("note_buckets_info") == BucketRange(None, None)
    bench.run(CHARLIE, "send_note", YOU, b"hi")
    bench.runtime.timestamp.now.put(NOW + 5)
    bench.run(CHARLIE, "send_note", YOU, b"hi")
    size = 8 + 2 + 1 + 2 + len(bench.ledger.encode_call(bench.call("send_note", ME, YOU, b"hi")))
    bucket = BucketInfo(0, 2 * size, NOW, NOW + 5)
    assert bench.read("note_buckets_info") == BucketRange(bucket, bucket)
    with pytest.raises(IntegriteeError) as refused:
        bench.ask(EVE, "notes_for", YOU, 0)
    assert refused.value.code == "stf.missing_privileges"
    assert bench.ask(BOB, "notes_for", YOU, 1) == bench.ask(BOB, "notes_for", YOU, 2**32 - 1) == []
    bench.check()


def test_notes_go_on_in_the_next_bucket(bench: Bench) -> None:
    bench.order("note_bloat", 50)
    assert bench.run(CHARLIE, "send_note", YOU, b"hi").error is None
    first, last = bench.read("note_buckets_info").maybe_first, bench.read("note_buckets_info").maybe_last
    assert (first.index, first.bytes_, last.index) == (0, 51_200, 1)
    assert bench.ask(BOB, "notes_for", YOU, 0) == []
    assert len(bench.ask(BOB, "notes_for", YOU, 1)) == 1
    bench.check()

"""Storage items: keys as on every FRAME chain, defaults, iteration."""

from __future__ import annotations

import pytest

from integritee.crypto import blake2_128_concat, twox_64_concat, twox_128
from integritee.frame.errors import DeclarationError
from integritee.frame.pallet import Pallet, storage_entries, zero
from integritee.frame.pallets.aura import Aura
from integritee.frame.pallets.grandpa import Grandpa
from integritee.frame.pallets.sudo import Sudo
from integritee.frame.pallets.timestamp import Timestamp
from integritee.frame.pallets.transaction_payment import TransactionPayment
from integritee.frame.runtime import Runtime, use
from integritee.frame.storage_items import StorageMap
from integritee.scale import Bytes4, Compact, DecodeError, Struct, u8, u16, u32

from .demo_runtime import ALICE, BOB, CHARLIE, DemoRuntime


class KeyedRuntime(DemoRuntime):
    name = "keyed_runtime"
    timestamp = use(3, Timestamp)
    sudo = use(5, Sudo)
    transaction_payment = use(12, TransactionPayment)
    aura = use(23, Aura)
    grandpa = use(24, Grandpa)


SYSTEM = "26aa394eea5630e07c48ae0c9558cef7"


@pytest.mark.parametrize(
    ("item", "key"),
    [
        ("system.event_records", SYSTEM + "80d41e5e16056765bc8461851072c9d7"),
        ("system.event_count", SYSTEM + "0a98fdbe9ce6c55837576c60c7af3850"),
        ("system.number", SYSTEM + "02a5c1b19ab7a04f536c519aca4983ac"),
        ("system.parent_hash", SYSTEM + "8a42f33323cb5ced3b44dd825fda9fcc"),
        ("system.digest", SYSTEM + "99e7f93fc6a98f0874fd057f111c4d2d"),
        ("system.last_runtime_upgrade", SYSTEM + "f9cce9c888469bb1a0dceaa129672ef8"),
        ("system.upgraded_to_u32_ref_count", SYSTEM + "5684a022a34dd8bfa2baaf44f172b710"),
        ("system.upgraded_to_triple_ref_count", SYSTEM + "a7fd6c28836b9a28522dc924110cf439"),
        ("balances.total_issuance", "c2261276cc9d1f8598ea4b6a74b15c2f57c875e4cff74148e4628f264b974c80"),
        ("timestamp.now", "f0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb"),
        ("timestamp.did_update", "f0c365c3cf59d671eb72da0e7a4113c4bbd108c4899964f707fdaffb82636065"),
        ("sudo.key", "5c0d1176a568c1f92944340dbfed9e9c530ebca703c85910e7164cb7d1c9e47b"),
        (
            "transaction_payment.next_fee_multiplier",
            "3f1467a096bcd71a5b6a0c8155e208103f2edf3bdf381debe331ab7446addfdc",
        ),
        ("transaction_payment.layout", "3f1467a096bcd71a5b6a0c8155e20810308ce9615de0775a82f8a94dc3d285a1"),
        ("aura.authorities", "57f8dc2f5ab09467896f47300f0424385e0621c4869aa60c02be9adcc98a0d1d"),
        ("aura.current_slot", "57f8dc2f5ab09467896f47300f04243806155b3cd9a8c9e5e9a23fd5dc13a5ed"),
        ("grandpa.authorities", "5f9cc45b7a00c5899361e1c6099678dc5e0621c4869aa60c02be9adcc98a0d1d"),
        ("grandpa.current_set_id", "5f9cc45b7a00c5899361e1c6099678dc8a2d09463effcc78a22d75b9cb87dffc"),
    ],
)
def test_keys_of_values(item: str, key: str) -> None:
    pallet, attribute = item.split(".")
    assert getattr(getattr(KeyedRuntime(), pallet), attribute).key.hex() == key


@pytest.mark.parametrize(
    ("item", "prefix"),
    [
        ("system.account", SYSTEM + "b99d880ec681799c0cf30e8886371da9"),
        ("system.block_hash", SYSTEM + "a44704b568d21667356a5a050c118746"),
        ("grandpa.set_id_session", "5f9cc45b7a00c5899361e1c6099678dcd47cb8f5328af743ddfb361e7180e7fc"),
    ],
)
def test_prefixes_of_maps(item: str, prefix: str) -> None:
    pallet, attribute = item.split(".")
    assert getattr(getattr(KeyedRuntime(), pallet), attribute).prefix.hex() == prefix


def test_map_keys_are_hashed_as_declared() -> None:
    notes = DemoRuntime().notes
    pad = twox_128(b"NotePad")
    assert notes.by_author.key_of(ALICE) == pad + twox_128(b"ByAuthor") + blake2_128_concat(ALICE)
    assert notes.by_number.key_of(5) == pad + twox_128(b"NumberedNotes") + twox_64_concat(b"\x05\0\0\0")
    assert notes.by_hash.key_of(bytes(32)) == pad + twox_128(b"ByHash") + bytes(32)
    assert notes.shared.key_of(5, BOB) == (
        pad + twox_128(b"Shared") + twox_64_concat(b"\x05\0\0\0") + blake2_128_concat(BOB)
    )


def test_values_and_their_defaults() -> None:
    notes = DemoRuntime().notes
    assert (notes.count.get(), notes.title.get(), notes.limit.get()) == (0, None, 7)
    assert not notes.count.exists()
    notes.count.put(0)
    assert notes.count.exists()
    assert notes.count.mutate(lambda n: n + 5) == 5
    assert notes.count.take() == 5
    assert (notes.count.get(), notes.count.exists()) == (0, False)
    notes.title.put("a title")
    assert notes.title.get() == "a title"
    notes.title.kill()
    assert notes.title.get() is None


def test_maps() -> None:
    notes = DemoRuntime().notes
    assert notes.by_author.get(ALICE) == []
    for author in (ALICE, BOB, CHARLIE):
        notes.by_author.put(author, [author[0]])
    assert dict(notes.by_author.items()) == {ALICE: [1], BOB: [2], CHARLIE: [3]}
    assert list(notes.by_author.items()) == sorted(
        notes.by_author.items(), key=lambda entry: notes.by_author.key_of(entry[0])
    )
    assert notes.by_author.take(BOB) == [2]
    assert not notes.by_author.contains(BOB)
    notes.by_author.remove(ALICE)
    assert notes.by_author.clear() == 1
    assert list(notes.by_author.items()) == []


def test_double_maps() -> None:
    notes = DemoRuntime().notes
    for number, author in ((1, ALICE), (1, BOB), (2, ALICE)):
        notes.shared.put(number, author, number)
    assert dict(notes.shared.items_under(1)) == {ALICE: 1, BOB: 1}
    assert notes.shared.get(2, BOB) is None
    assert notes.shared.contains(2, ALICE)
    notes.shared.remove(2, ALICE)
    assert notes.shared.clear_under(1) == 2
    assert not notes.shared.contains(1, ALICE)


def test_state_that_is_not_ours_is_refused() -> None:
    runtime = DemoRuntime()
    runtime.state.put(runtime.notes.count.key, b"\x01")
    with pytest.raises(DecodeError):
        runtime.notes.count.get()


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (bool, False),
        (str, ""),
        (u16, 0),
        (Compact[u32], 0),
        (Bytes4, bytes(4)),
        (bytes, b""),
        (list[u8], []),
        (dict[u8, u8], {}),
        (tuple[u8, bool], (0, False)),
    ],
)
def test_defaults_of_types(hint: object, value: object) -> None:
    assert zero(hint) == value


def test_declarations_that_cannot_be() -> None:
    class Opaque(Struct, frozen=True):
        field: u8

    with pytest.raises(DeclarationError):
        zero(Opaque)

    class Unhashed(Pallet):
        items: StorageMap[u32, u8]  # type: ignore[type-var]

    Unhashed.__annotations__["items"] = StorageMap[u32, u8]  # type: ignore[type-var]
    with pytest.raises(DeclarationError):
        storage_entries(Unhashed)

    class Lonely(Runtime):
        aura = use(1, Aura)

    with pytest.raises(DeclarationError):
        Lonely()

"""Blocks with an event that the metadata does not explain: it is one item, the others are read."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integritee.errors import IntegriteeError
from integritee.metadata import EventRecord, UndecodableEvent, Variant
from integritee.metadata.errors import EventsOutOfStep, InputTooLarge
from integritee.metadata.event_stream import MAX_RECORDS_TRIED, MAX_UNDECODABLE_EVENT
from integritee.metadata.registry import MAX_VALUE_SIZE
from integritee.metadata.type_layout import SequenceOf
from integritee.scale import DecodeError, encode_compact
from integritee.scale.errors import TooLong, TrailingBytes, UnexpectedEnd

from .golden import FILES, parsed, unhex, vectors
from .synthetic import (
    U8,
    U32,
    UNIT,
    calls,
    enum,
    events_storage,
    field,
    pallet_layout,
    runtime,
    struct,
    types,
    variant,
)

CHAIN = vectors("chains/integritee-paseo-50.json")
EVENTS = [unhex(block["values"][CHAIN["keys"][0]]) for block in CHAIN["blocks"]]
PASEO = parsed(FILES[0])
PLACES = [(raw, position) for raw in EVENTS for position in range(len(PASEO.decode_events(raw)))]

ALICE = bytes(range(32))
UNKNOWN_PALLET = 0xC8
"""No runtime of the vectors has it."""


def event(extrinsic: int, pallet: str, name: str, **fields: object) -> EventRecord:
    return EventRecord(Variant("ApplyExtrinsic", extrinsic), pallet, name, fields)


def encoded(record: EventRecord) -> bytes:
    """One record as it stands in the list."""
    return PASEO.encode_events([record])[1:]


def stream(*records: bytes) -> bytes:
    return encode_compact(len(records)) + b"".join(records)


def strange(record: EventRecord) -> bytes:
    """The record as an event of a pallet that the metadata does not have."""
    raw = encoded(record)
    at = 5 if record.phase.name == "ApplyExtrinsic" else 1
    return raw[:at] + bytes([UNKNOWN_PALLET]) + raw[at + 1 :]


@pytest.mark.parametrize("raw", EVENTS, ids=range(1, len(EVENTS) + 1))
def test_streams_without_a_strange_event(raw: bytes) -> None:
    assert PASEO.read_events(raw) == PASEO.decode_events(raw)


@pytest.mark.parametrize(("raw", "position"), PLACES, ids=lambda value: str(value) if isinstance(value, int) else "")
def test_any_event_of_a_real_block_may_be_unknown(raw: bytes, position: int) -> None:
    records = PASEO.decode_events(raw)
    parts = [encoded(record) for record in records]
    parts[position] = strange(records[position])
    found = PASEO.read_events(stream(*parts))
    assert found[:position] + found[position + 1 :] == records[:position] + records[position + 1 :]
    gap = found[position]
    assert isinstance(gap, UndecodableEvent)
    assert (gap.raw, gap.phase, gap.code) == (parts[position], records[position].phase, "scale.unknown_variant")
    index = PASEO.pallet(records[position].pallet).events[records[position].name].index
    assert gap.name == str(gap) == f"{UNKNOWN_PALLET}.{index}"


INFO = {"weight": {"ref_time": 1, "proof_size": 0}, "class": Variant("Normal"), "pays_fee": Variant("Yes")}
SUCCESS = event(2, "System", "ExtrinsicSuccess", dispatch_info=INFO)
HEAD = bytes.fromhex("00 02000000 c8 07")
"""How an unknown event of extrinsic 2 begins."""


def swallowing(extrinsic: int, rest: EventRecord) -> bytes:
    """The beginning of an event which, put before `rest`, is a whole one: `rest` is the data that it publishes."""
    whole = event(
        extrinsic, "EnclaveBridge", "PublishedHash", enclave_fingerprint=ALICE, hash=ALICE, data=encoded(rest)[:-1]
    )
    assert encoded(whole).endswith(encoded(rest))
    return encoded(whole)[: -len(encoded(rest))]


def test_of_two_ways_to_go_on_none_is_taken() -> None:
    with pytest.raises(EventsOutOfStep) as caught:
        PASEO.read_events(stream(HEAD + b"\x00" + swallowing(2, SUCCESS), encoded(SUCCESS)))
    assert (caught.value.at, caught.value.ends) == (1, 2)
    assert "200" in caught.value.reason


def test_events_do_not_go_back_in_time() -> None:
    body = HEAD + b"\x00" + swallowing(1, SUCCESS)
    gap, rest = PASEO.read_events(stream(body, encoded(SUCCESS)))
    assert isinstance(gap, UndecodableEvent)
    assert (gap.raw, rest) == (body, SUCCESS)


def test_time_is_checked_along_the_way() -> None:
    early = event(0, "System", "ExtrinsicSuccess", dispatch_info=INFO)
    with pytest.raises(EventsOutOfStep) as caught:
        PASEO.read_events(stream(HEAD, encoded(SUCCESS), encoded(early)))
    assert caught.value.ends == 0


def test_two_strange_events_are_out_of_step() -> None:
    with pytest.raises(EventsOutOfStep):
        PASEO.read_events(stream(strange(SUCCESS), strange(SUCCESS)))


def test_a_strange_event_at_the_end_is_the_rest() -> None:
    found = PASEO.read_events(stream(encoded(SUCCESS), HEAD + bytes(30)))
    assert found[0] == SUCCESS
    assert isinstance(found[1], UndecodableEvent)
    assert found[1].raw == HEAD + bytes(30)


@pytest.mark.parametrize("beyond", [0, 1])
def test_longest_event_that_is_skipped(beyond: int) -> None:
    body = HEAD + b"\xff" * (MAX_UNDECODABLE_EVENT - len(HEAD) + beyond)
    data = stream(body, encoded(SUCCESS))
    if not beyond:
        assert PASEO.read_events(data)[1:] == [SUCCESS]
        return
    with pytest.raises(EventsOutOfStep):
        PASEO.read_events(data)


def test_the_search_has_an_end() -> None:
    with pytest.raises(EventsOutOfStep):
        PASEO.read_events(stream(HEAD + b"\0", *[encoded(SUCCESS)] * (MAX_RECORDS_TRIED + 1)))


def test_an_unknown_event_of_a_known_pallet_is_named_by_its_pallet_and_number() -> None:
    found = PASEO.read_events(stream(bytes.fromhex("00 02000000 0a fa 00")))
    assert [str(item) for item in found] == ["Balances.250"]


def test_an_event_of_an_unusable_type_is_named() -> None:
    pallet = pallet_layout("System", 0, storage=events_storage(4), events=calls(5))
    record = struct(field(1, "phase"), field(1, "event"), field(7, "topics"))
    kinds = enum(variant("Broken", 0, field(6)), variant("Fine", 1, field(1)))
    layout = types(UNIT, U8, U32, U8, SequenceOf(8), kinds, struct(field(6)), SequenceOf(1), record)
    metadata = runtime(layout, [pallet])
    found = metadata.read_events(stream(bytes.fromhex("01 00 00 ffff 00"), bytes.fromhex("01 00 01 07 00")))
    assert [str(item) for item in found] == ["System.Broken", "System.Fine"]
    assert isinstance(found[0], UndecodableEvent)
    assert found[0].code == "metadata.unusable_type"


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        pytest.param(b"", UnexpectedEnd, id="empty"),
        pytest.param(b"\x00\x00", TrailingBytes, id="none and a byte"),
        pytest.param(b"\xfe\xff\xff\xff", TooLong, id="many"),
        pytest.param(b"\x04" + b"\x03" * 20, EventsOutOfStep, id="no phase"),
        pytest.param(stream(encoded(SUCCESS)) + b"\x00", TrailingBytes, id="trailing"),
        pytest.param(bytes(MAX_VALUE_SIZE + 1), InputTooLarge, id="too large"),
    ],
)
def test_what_is_no_stream(raw: bytes, error: type[IntegriteeError]) -> None:
    with pytest.raises(error):
        PASEO.read_events(raw)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), raw=st.sampled_from(EVENTS))
def test_damaged_streams_are_read_as_far_as_they_can_be_decoded(data: st.DataObject, raw: bytes) -> None:
    damaged = bytearray(raw)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = PASEO.read_events(bytes(damaged))
    except (EventsOutOfStep, DecodeError):
        return
    gaps = [item for item in found if isinstance(item, UndecodableEvent)]
    parts = [item.raw if isinstance(item, UndecodableEvent) else encoded(item) for item in found]
    assert (stream(*parts), len(gaps) <= 1) == (bytes(damaged), True)

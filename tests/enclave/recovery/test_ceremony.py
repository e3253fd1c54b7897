"""A shard leaves an enclave for its custodians, and comes back with their help; attackers get neither."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from integritee.apps.catalog import LedgerConfig
from integritee.attestation import decode_quote
from integritee.attestation.errors import AttestationError
from integritee.boundary.messages import Examine, ExportShard, ImportShard, Nothing, SealedPlace, ShareRelease
from integritee.crypto import envelope_public, envelope_seal
from integritee.enclave.attestation.errors import CollateralRolledBack, KindNotAllowed, ReportDataMismatch
from integritee.enclave.attestation.simulation import SimulationTee
from integritee.enclave.bootstrap import config_of
from integritee.enclave.errors import HandedOver
from integritee.enclave.keys import HANDED_OVER_LABEL
from integritee.enclave.recovery import bundle as bundle_module
from integritee.enclave.recovery.bundle import (
    MAX_SECRETS,
    BundleFront,
    BundleHeader,
    BundleSecrets,
    SealedShare,
    entries_of,
    read_content,
    read_front,
    share_context,
    share_hash,
    write_bundle,
)
from integritee.enclave.recovery.custodian import MAX_REQUEST_AGE, Judgement, release, verify_bundle
from integritee.enclave.recovery.ecalls import RecoveryEcalls
from integritee.enclave.recovery.errors import (
    BundleTampered,
    BundleTooLarge,
    ForeignBundle,
    NoCustodians,
    NoImport,
    NotABundle,
    NotACustodian,
    NothingToExport,
    ReleaseRefused,
    RequesterRefused,
    RequestForeign,
    RequestOutdated,
    ShardPresent,
    ShareBroken,
    ShareKnown,
    SharesMissing,
)
from integritee.enclave.recovery.examination import examine
from integritee.enclave.recovery.export import export_shard
from integritee.enclave.recovery.place import Place, place_of
from integritee.enclave.recovery.request import (
    RELEASE,
    REQUEST,
    VERSION,
    Release,
    decode_request,
    release_context,
)
from integritee.enclave.recovery.restore import ShardImport
from integritee.enclave.selftest.damage import flipped
from integritee.errors import IntegriteeError

from ...attestation.forge import of_recovery
from .conftest import ITEMS, SHARD, make_shard, measurement_of, open_core, sealed_place

NOW = 1_800_000_000_000
KEYS = sorted((bytes((n,)) * 32 for n in (1, 2, 3)), key=envelope_public)
ANN, BEN, CAT = KEYS
EVE = b"\x04" * 32
PUBLIC = [envelope_public(key) for key in KEYS]
CONFIG = LedgerConfig.of([], True, PUBLIC, 2)
LENIENT = Judgement(allow_simulation_insecure=True)
WELL_INFORMED = Judgement(allow_simulation_insecure=True, minimum_tcb_evaluation_number=2)
"""Of a TCB recovery that the collateral of simulated machines does not know of."""
ACCOUNT = b"\x0a" * 32


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> SealedPlace:
    return sealed_place(tmp_path_factory.mktemp("exporter") / "data", PUBLIC, 2)


@pytest.fixture
def bundle(place: SealedPlace) -> bytes:
    """Of a shard that two of three custodians can recover."""
    if not Path(place.data_dir).exists():
        make_shard(place)
    return exported(place_of(place, os.urandom))


def exported(place: Place, config: LedgerConfig = CONFIG) -> bytes:
    file = io.BytesIO()
    store, core = open_core(place)
    with store:
        export_shard(file, core, place.tee, config, NOW, os.urandom)
    return file.getvalue()


def front_of(bundle: bytes) -> BundleFront:
    return read_front(io.BytesIO(bundle))


def importer(bundle: bytes, config: LedgerConfig = CONFIG, measurement: bytes | None = None) -> ShardImport:
    """An enclave on another machine."""
    code = front_of(bundle).header.measurement if measurement is None else measurement
    tee = SimulationTee(code, b"\x55" * 32)
    return ShardImport(io.BytesIO(bundle), config, ACCOUNT, tee, NOW, os.urandom)


def answer(bundle: bytes, request: bytes, key: bytes, judgement: Judgement = LENIENT, now: int = NOW) -> bytes:
    return release(front_of(bundle), request, key, judgement, now, os.urandom)


@pytest.mark.parametrize("who", [(ANN, BEN), (BEN, ANN), (ANN, CAT), (CAT, BEN), (ANN, BEN, CAT)])
def test_enough_custodians_bring_it_back(bundle: bytes, who: tuple[bytes, ...]) -> None:
    pending = importer(bundle)
    for held, key in enumerate(who, 1):
        pending.offer(answer(bundle, pending.request, key))
        assert pending.held == held
    restored = pending.open()
    assert dict(restored.state.items()) == ITEMS
    assert restored.header.shard == SHARD and restored.header.entries == len(ITEMS)
    assert len(restored.secrets.state_key) == 32 and restored.secrets.shielding_key.startswith(b"{")
    assert restored.secrets.state_key not in bundle and b"value" not in bundle
    assert "state_key" not in repr(restored) + repr(restored.secrets)


def test_the_same_shard_twice_makes_bundles_that_share_nothing(place: SealedPlace, bundle: bytes) -> None:
    again = exported(place_of(place, os.urandom))
    one, two = front_of(bundle).header, front_of(again).header
    assert one.identity != two.identity and one.nonce != two.nonce
    assert one.state_root == two.state_root and bundle[-1000:] != again[-1000:]


# -- what custodians refuse --------------------------------------------------------------------------


def tampered(header: dict[str, Any], **more: Any) -> Callable[[bytes], BundleFront]:
    def change(bundle: bytes) -> BundleFront:
        front = front_of(bundle)
        return BundleFront(replace(front.header, **header), front.evidence)

    return change


def swapped_custodian(bundle: bytes) -> BundleFront:
    """The host puts in a key of its own; it cannot know the share, nor have the evidence cover this."""
    front = front_of(bundle)
    nonce, share = front.header.nonce, bytes(32)
    sealed = envelope_seal(envelope_public(EVE), share, share_context(nonce, 1), os.urandom)
    own = SealedShare(envelope_public(EVE), share_hash(nonce, 1, share), sealed)
    return BundleFront(replace(front.header, shares=[own, *front.header.shares[1:]]), front.evidence)


def made_up(bundle: bytes) -> BundleFront:
    """The host makes a bundle of its own with code of its own, and says it was exported by the real one."""
    header = front_of(bundle).header
    forged = replace(header, state_root=b"\x66" * 32)
    tee = SimulationTee(b"\x66" * 32, b"\x55" * 32)
    return BundleFront(forged, tee.evidence(forged.binding().report_data()))


def unchanged(bundle: bytes) -> BundleFront:
    return front_of(bundle)


FRONTS: dict[str, tuple[Callable[[bytes], BundleFront], bytes, type[IntegriteeError]]] = {
    "another state": (tampered({"state_root": b"\x66" * 32}), BEN, ReportDataMismatch),
    "another threshold": (tampered({"threshold": 1}), BEN, ReportDataMismatch),
    "another shard": (tampered({"shard": b"\x66" * 32}), BEN, ReportDataMismatch),
    "another account": (tampered({"account": b"\x66" * 32}), BEN, ReportDataMismatch),
    "another shielding key": (tampered({"shielding_key": b"{}"}), BEN, ReportDataMismatch),
    "other code": (tampered({"measurement": b"\x66" * 32}), BEN, RequesterRefused),
    "a custodian swapped": (swapped_custodian, BEN, ReportDataMismatch),
    "made up": (made_up, BEN, RequesterRefused),
    "no custodian": (unchanged, EVE, NotACustodian),
}


@pytest.mark.parametrize("what", FRONTS)
def test_bundles_that_custodians_refuse(bundle: bytes, what: str) -> None:
    change, key, error = FRONTS[what]
    pending = importer(bundle)
    with pytest.raises(error):
        release(change(bundle), pending.request, key, LENIENT, NOW, os.urandom)


@pytest.mark.parametrize(
    ("measurement", "judgement", "now", "error"),
    [
        (None, Judgement(), NOW, KindNotAllowed),
        (b"\x66" * 32, LENIENT, NOW, RequesterRefused),  # another enclave asks
        (b"\x66" * 32, Judgement(b"\x66" * 32, None, True), NOW, RequesterRefused),  # and who exported is not said
        (None, Judgement(b"\x66" * 32, None, True), NOW, RequesterRefused),
        (None, LENIENT, NOW + MAX_REQUEST_AGE + 1, RequestOutdated),
        (None, LENIENT, NOW - 3_600_000, RequestOutdated),
        (None, WELL_INFORMED, NOW, CollateralRolledBack),
    ],
)
def test_requests_that_custodians_refuse(
    bundle: bytes, measurement: bytes | None, judgement: Judgement, now: int, error: type[IntegriteeError]
) -> None:
    pending = importer(bundle, measurement=measurement)
    with pytest.raises(error):
        answer(bundle, pending.request, ANN, judgement, now)


def test_the_bundle_may_be_of_before_a_tcb_recovery(bundle: bytes) -> None:
    """It was made then. Who asks now has to be of after it, if the custodian knows of it."""
    request = decode_request(importer(bundle).request)
    after = of_recovery(2)
    quote = after.quote(decode_quote(request.evidence.quote).body)
    evidence = replace(request.evidence, quote=quote, collateral=after.collateral)
    assert answer(bundle, REQUEST.encode(replace(request, evidence=evidence)), ANN, WELL_INFORMED)


def test_other_code_gets_shares_if_custodians_say_so(bundle: bytes) -> None:
    upgraded = b"\x66" * 32
    judgement = Judgement(upgraded, front_of(bundle).header.measurement, True)
    pending = importer(bundle, measurement=upgraded)
    for key in (ANN, CAT):
        pending.offer(answer(bundle, pending.request, key, judgement))
    assert dict(pending.open().state.items()) == ITEMS


def test_a_request_cannot_be_altered(place: SealedPlace, bundle: bytes) -> None:
    asked = decode_request(importer(bundle).request)
    for changes in (
        {"key": envelope_public(EVE)},
        {"made_at": NOW + 1},
        {"nonce": bytes(32)},
        {"account": bytes(32)},
    ):
        altered = REQUEST.encode(replace(asked, terms=replace(asked.terms, **changes)))
        with pytest.raises(ReportDataMismatch):
            answer(bundle, altered, ANN)
    other = exported(place_of(place, os.urandom))
    with pytest.raises(RequestForeign):
        answer(other, importer(bundle).request, ANN)


def test_a_share_spoilt_by_the_exporter_s_code_is_noticed(bundle: bytes) -> None:
    """Only code that custodians accept can make such a bundle; they are told nevertheless."""
    front = front_of(bundle)
    spoilt = replace(front.header.shares[0], hash=bytes(32))
    header = replace(front.header, shares=[spoilt, *front.header.shares[1:]])
    tee = SimulationTee(header.measurement, b"\x55" * 32)
    false = BundleFront(header, tee.evidence(header.binding().report_data()))
    verify_bundle(false, LENIENT)
    asked = decode_request(importer(bundle).request)
    terms = replace(asked.terms, bundle=header.identity)
    request = REQUEST.encode(replace(asked, terms=terms, evidence=tee.evidence(terms.binding().report_data())))
    with pytest.raises(ShareBroken):
        release(false, request, ANN, LENIENT, NOW, os.urandom)


# -- what the importing enclave refuses --------------------------------------------------------------


def offered(pending: ShardImport, *releases: bytes) -> None:
    for data in releases:
        pending.offer(data)


def test_too_few_shares(bundle: bytes) -> None:
    pending = importer(bundle)
    with pytest.raises(SharesMissing):
        pending.open()
    pending.offer(answer(bundle, pending.request, ANN))
    with pytest.raises(ShareKnown):
        pending.offer(answer(bundle, pending.request, ANN))
    with pytest.raises(SharesMissing):
        pending.open()


def test_shares_that_are_no_use(place: SealedPlace, bundle: bytes) -> None:
    pending, other = importer(bundle), importer(bundle)
    good = answer(bundle, pending.request, ANN)
    another_bundle = exported(place_of(place, os.urandom))
    foreign = importer(another_bundle)
    forged_index = good[:33] + b"\x02" + good[34:]
    for data in (
        answer(bundle, other.request, ANN),  # replayed: for a request of another time
        answer(another_bundle, foreign.request, ANN),  # of another bundle
        forged_index,
        good[:33] + b"\x00" + good[34:],
        good[:33] + b"\x09" + good[34:],
        flipped(good, -1),
        b"\x02" + good[1:],
        good[:-1],
        good + b"\0",
        b"",
    ):
        with pytest.raises(ReleaseRefused):
            pending.offer(data)
    assert pending.held == 0
    offered(pending, good, answer(bundle, pending.request, BEN))
    assert dict(pending.open().state.items()) == ITEMS


def test_the_host_cannot_answer_for_a_custodian(bundle: bytes) -> None:
    """It knows the key that shares are sealed to, and may have made up the bundle; the custodian's key it has not."""
    front = front_of(bundle)
    share = bytes(32)
    nonce = front.header.nonce
    own = [
        SealedShare(key, share_hash(nonce, n, share), envelope_seal(key, share, share_context(nonce, n), os.urandom))
        for n, key in enumerate(PUBLIC, 1)
    ]
    header = replace(front.header, shares=own)
    tee = SimulationTee(header.measurement, b"\x55" * 32)
    made = io.BytesIO()
    write_bundle(
        made,
        BundleFront(header, tee.evidence(header.binding().report_data())),
        share,
        BundleSecrets(b"{}", bytes(32), b"", b""),
        [],
    )
    pending = importer(made.getvalue())
    terms = decode_request(pending.request).terms
    sealed = envelope_seal(terms.key, share, release_context(terms.digest, 1), os.urandom, EVE)
    with pytest.raises(ReleaseRefused):
        pending.offer(RELEASE.encode(Release(VERSION, terms.digest, 1, sealed)))


@pytest.mark.parametrize(
    ("config", "error"),
    [
        (LedgerConfig.of([], True), NoCustodians),
        (LedgerConfig.of([], True, [*PUBLIC[:2], envelope_public(EVE)], 2), ForeignBundle),
        (LedgerConfig.of([], True, PUBLIC[:2], 2), ForeignBundle),
        (LedgerConfig.of([], True, PUBLIC, 3), ForeignBundle),
    ],
)
def test_other_custodians_than_the_ledger_s(
    bundle: bytes, config: LedgerConfig, error: type[IntegriteeError]
) -> None:
    with pytest.raises(error):
        importer(bundle, config)


def content_at(bundle: bytes) -> int:
    file = io.BytesIO(bundle)
    read_front(file)
    return file.tell()


def last_length_greater(data: bytes, at: int) -> bytes:
    """As if the last frame went on behind the end of the file."""
    while (behind := at + 4 + int.from_bytes(data[at : at + 4], "little")) < len(data):
        at = behind
    return data[:at] + (behind - at - 3).to_bytes(4, "little") + data[at + 4 :]


DAMAGES: dict[str, Callable[[bytes, int], bytes]] = {
    "a length greater than what is there": last_length_greater,
    "the secrets altered": lambda data, at: flipped(data, at + 9),
    "the state altered": lambda data, at: flipped(data, -30),
    "the end cut off": lambda data, at: data[:-1],
    "frames left out": lambda data, at: data[: at + 4 + int.from_bytes(data[at : at + 4], "little")],
    "bytes behind the end": lambda data, at: data + b"\0",
    "a length that is none": lambda data, at: data[:at] + b"\xff\xff\xff\xff" + data[at + 4 :],
    "no content": lambda data, at: data[:at],
}


@pytest.mark.parametrize("what", DAMAGES)
def test_tampered_content(bundle: bytes, what: str) -> None:
    data = DAMAGES[what](bundle, content_at(bundle))
    assert data != bundle
    pending = importer(data)
    offered(pending, *(answer(data, pending.request, key) for key in (ANN, BEN)))
    with pytest.raises(BundleTampered):
        pending.open()


@pytest.mark.parametrize("chunk", [1, 7, 8, 64, 1000])
@given(items=st.dictionaries(st.binary(max_size=20), st.binary(max_size=40), max_size=8), at=st.integers(0))
@settings(max_examples=15, deadline=None)
def test_any_state_comes_back_whole_or_not_at_all(chunk: int, items: dict[bytes, bytes], at: int) -> None:
    """Law: whatever byte behind the header is altered, nothing is taken for the state."""
    secrets, key = BundleSecrets(b"{}", bytes(32), b"meta", b"estate"), b"\x05" * 32
    file = io.BytesIO()
    with patch.object(bundle_module, "CHUNK", chunk):
        write_bundle(file, FRONT, key, secrets, items.items())
        data, start = file.getvalue(), content_at(file.getvalue())
        assert read_all(data, key) == (secrets, items)
        at = start + at % (len(data) - start)
        with pytest.raises(BundleTampered):
            read_all(flipped(data, at), key)
        with pytest.raises(BundleTampered):
            read_all(data[:at], key)


def read_all(data: bytes, key: bytes) -> tuple[BundleSecrets, dict[bytes, bytes]]:
    file = io.BytesIO(data)
    secrets, pieces = read_content(file, read_front(file).header, key)
    return secrets, dict(entries_of(pieces))


def bare_front() -> BundleFront:
    header = BundleHeader(
        SHARD, bytes(32), 0, bytes(32), bytes(32), 0, 0, bytes(32), ACCOUNT, b"{}", NOW, bytes(32), 1, []
    )
    return BundleFront(header, SimulationTee(bytes(32), bytes(32)).evidence(header.binding().report_data()))


FRONT = bare_front()


def test_too_much_beside_the_state() -> None:
    secrets = BundleSecrets(b"{}", bytes(32), bytes(MAX_SECRETS), b"")
    file = io.BytesIO()
    with pytest.raises(BundleTooLarge):
        write_bundle(file, FRONT, bytes(32), secrets, [])
    assert file.getvalue() == b""


@pytest.mark.parametrize("data", [b"", b"ITEEXPRT", b"ITEEXPRT\x02", b"ITEEXPRT\x01\xff\xff\xff\xff", b"x" * 99])
def test_what_is_no_bundle(data: bytes) -> None:
    with pytest.raises(NotABundle):
        front_of(data)


# -- the ecalls --------------------------------------------------------------------------------------


def desk() -> RecoveryEcalls:
    return RecoveryEcalls(lambda config: None)


def files(directory: Path) -> list[str]:
    return [entry.name for entry in directory.iterdir() if entry.is_file()]


async def test_from_one_machine_to_another(tmp_path: Path) -> None:
    old, new = (sealed_place(tmp_path / name, PUBLIC, 2) for name in ("old", "new"))
    make_shard(old, snapshots=1)
    path = tmp_path / "shard.bundle"
    told = await desk().export_shard(ExportShard(old, str(path), 1000, NOW))
    assert told.identity == front_of(path.read_bytes()).header.identity and told.entries == len(ITEMS)
    assert files(tmp_path) == ["shard.bundle"]
    ecalls = desk()
    asked = await ecalls.import_shard(ImportShard(new, str(path), NOW))
    for key in (CAT, ANN):
        held = await ecalls.offer_share(ShareRelease(answer(path.read_bytes(), asked.request, key)))
    assert (held.held, held.threshold) == (2, asked.threshold)
    assert (await ecalls.finish_import(Nothing())).entries == len(ITEMS)
    with pytest.raises(NoImport):
        await ecalls.finish_import(Nothing())
    before, after = (open_core(place_of(place, os.urandom)) for place in (old, new))
    with before[0], after[0]:
        assert dict(after[1].state.items()) == ITEMS
        assert after[1].keys == before[1].keys, "its identity, too: the vault's key derives from it"
        assert after[1].config.shard == SHARD and after[1].is_running
    with pytest.raises(ShardPresent):
        await desk().import_shard(ImportShard(new, str(path), NOW))
    assert examine(Examine(new, False)).observations == []


async def test_an_export_that_fails_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "shard.bundle"
    bare, empty = sealed_place(tmp_path / "bare"), sealed_place(tmp_path / "empty", PUBLIC, 2)
    make_shard(bare)
    with pytest.raises(NoCustodians):
        await desk().export_shard(ExportShard(bare, str(path), 1000, NOW))
    with pytest.raises(NothingToExport):
        await desk().export_shard(ExportShard(empty, str(path), 1000, NOW))
    assert files(tmp_path) == []


async def test_an_identity_that_was_handed_over_is_not_exported(tmp_path: Path) -> None:
    place = sealed_place(tmp_path / "old", PUBLIC, 2)
    make_shard(place)
    store, _ = open_core(place_of(place, os.urandom))
    with store:
        store.put_secret(HANDED_OVER_LABEL, ACCOUNT)
    with pytest.raises(HandedOver):
        await desk().export_shard(ExportShard(place, str(tmp_path / "shard.bundle"), 1000, NOW))


async def test_a_share_without_an_import() -> None:
    with pytest.raises(NoImport):
        await desk().offer_share(ShareRelease(b""))


def test_the_evidence_of_simulated_enclaves_is_worth_nothing_and_refused_by_default(bundle: bytes) -> None:
    with pytest.raises(AttestationError):
        verify_bundle(front_of(bundle), Judgement())
    assert measurement_of(sealed_place(Path(), PUBLIC, 2)) == front_of(bundle).header.measurement
    assert config_of(sealed_place(Path(), PUBLIC, 2).ledger) == CONFIG

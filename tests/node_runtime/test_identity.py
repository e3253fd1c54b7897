"""The runtime as others see it: version, APIs, metadata, authorities."""

from __future__ import annotations

import pytest

from integritee.frame.outer import RuntimeCall
from integritee.frame.pallets.system import RuntimeVersion
from integritee.metadata import RuntimeMetadata
from integritee.metadata.layout import MetadataV15
from integritee.node import runtime_api
from integritee.node.runtime.api import NODE_APIS
from integritee.node.runtime.runtime import IntegriteeNodeRuntime
from integritee.primitives.grandpa import ConsensusLog, ScheduledChange, grandpa_logs
from integritee.primitives.header import GRANDPA_ENGINE, Consensus
from integritee.primitives.ids import AccountId, Id
from integritee.scale import Bytes4, Bytes32, decode, encode, u32, u64

from .chain_kit import ALICE, BOB, ENGINE, Chain, call, codec, transfer

METADATA = RuntimeMetadata.parse(decode(bytes, ENGINE.call("Metadata_metadata", Chain().overlay(), b"")))


def ask(name: str, args: bytes = b"", chain: Chain | None = None) -> bytes:
    return ENGINE.call(name, (chain or Chain()).overlay(), args)


# -- version -------------------------------------------------------------------------------------


def test_version() -> None:
    version = decode(RuntimeVersion, ask("Core_version"))
    assert (version.spec_name, version.impl_name) == ("integritee-solo", "integritee-solo")
    assert (version.authoring_version, version.spec_version, version.impl_version) == (1, 410, 1)
    assert (version.transaction_version, version.system_version) == (8, 0)


@pytest.mark.parametrize(
    ("identifier", "version"),
    [
        ("df6acb689907609b", 5),
        ("37e397fc7c91f5e4", 2),
        ("40fe3ad401f8959a", 6),
        ("d2bc9897eed08f15", 3),
        ("f78b278be53f454c", 2),
        ("dd718d5cc53262d4", 1),
        ("ab3c0572291feb8b", 1),
        ("ed99c5acb25eedf5", 3),
        ("bc9d89904f5b923f", 1),
        ("37c8bb1350a9a2a8", 4),
        ("f3ff14d5ab527059", 3),
        ("fbc577b9d747efd6", 1),
    ],
)
def test_apis(identifier: str, version: int) -> None:
    apis = dict(decode(RuntimeVersion, ask("Core_version")).apis)
    assert len(apis) == 12
    assert apis[bytes.fromhex(identifier)] == version


def test_the_node_reads_the_version() -> None:
    assert runtime_api.core_version(ENGINE, Chain().overlay()).to_rpc()["specVersion"] == 410


# -- metadata ------------------------------------------------------------------------------------


def test_metadata_versions() -> None:
    assert decode(list[u32], ask("Metadata_metadata_versions")) == [14, 15]
    known = decode(bytes | None, ask("Metadata_metadata_at_version", encode(u32, 14)))
    assert known == decode(bytes, ask("Metadata_metadata"))
    assert known is not None
    assert known.startswith(b"meta\x0e")
    for version in (0, 13, 16):
        assert ask("Metadata_metadata_at_version", encode(u32, version)) == b"\x00"


def test_metadata_15_tells_what_the_apis_take_and_give() -> None:
    raw = decode(bytes | None, ask("Metadata_metadata_at_version", encode(u32, 15)))
    assert raw is not None
    read = RuntimeMetadata.parse(raw)
    layout = read.layout
    assert isinstance(layout, MetadataV15)
    assert {api.name for api in layout.apis} == {api.trait for api in NODE_APIS}
    methods = {f"{api.name}.{m.name}": m for api in layout.apis for m in api.methods}
    nonce = methods["AccountNonceApi.account_nonce"]
    assert [p.name for p in nonce.inputs] == ["account"]
    assert read.decode_type(nonce.output, encode(u32, 7)) == 7
    fee = methods["TransactionPaymentApi.query_info"]
    assert layout.types[fee.inputs[0].type].path[-1] == "UncheckedExtrinsic"
    assert layout.types[layout.outer_enums.error_type].path == ["integritee_node_runtime", "RuntimeError"]
    assert read.call("System", "remark", [b"hi"]) == b"\x00\x00\x08hi"


@pytest.mark.parametrize(
    ("pallet", "index"),
    [
        ("System", 0),
        ("Timestamp", 3),
        ("Sudo", 5),
        ("Balances", 10),
        ("TransactionPayment", 11),
        ("Aura", 23),
        ("Grandpa", 24),
    ],
)
def test_pallet_indexes(pallet: str, index: int) -> None:
    assert METADATA.pallets[pallet].index == index


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("System.remark", 0),
        ("System.set_storage", 4),
        ("System.remark_with_event", 7),
        ("Timestamp.set", 0),
        ("Sudo.sudo", 0),
        ("Sudo.sudo_unchecked_weight", 1),
        ("Sudo.set_key", 2),
        ("Sudo.sudo_as", 3),
        ("Sudo.remove_key", 4),
        ("Balances.transfer_allow_death", 0),
        ("Balances.force_transfer", 2),
        ("Balances.transfer_keep_alive", 3),
        ("Balances.transfer_all", 4),
        ("Balances.force_unreserve", 5),
        ("Balances.upgrade_accounts", 6),
        ("Balances.force_set_balance", 8),
        ("Balances.force_adjust_total_issuance", 9),
        ("Balances.burn", 10),
        ("Grandpa.note_stalled", 2),
    ],
)
def test_call_indexes(name: str, index: int) -> None:
    pallet, function = name.split(".")
    assert METADATA.pallets[pallet].calls[function].index == index


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("System.ExtrinsicSuccess", 0),
        ("System.ExtrinsicFailed", 1),
        ("System.NewAccount", 3),
        ("System.KilledAccount", 4),
        ("Balances.Endowed", 0),
        ("Balances.Transfer", 2),
        ("Balances.Reserved", 4),
        ("Balances.Deposit", 7),
        ("Balances.Withdraw", 8),
        ("TransactionPayment.TransactionFeePaid", 0),
        ("Sudo.Sudid", 0),
        ("Grandpa.NewAuthorities", 0),
    ],
)
def test_event_indexes(name: str, index: int) -> None:
    pallet, event = name.split(".")
    assert METADATA.pallets[pallet].events[event].index == index


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("System.SS58Prefix", 13),
        ("System.BlockHashCount", 2400),
        ("Timestamp.MinimumPeriod", 3000),
        ("Balances.ExistentialDeposit", 500),
        ("Balances.MaxLocks", 50),
        ("Balances.MaxReserves", 50),
        ("TransactionPayment.OperationalFeeMultiplier", 5),
        ("Aura.SlotDuration", 6000),
        ("Grandpa.MaxAuthorities", 32),
    ],
)
def test_constants(name: str, value: int) -> None:
    assert METADATA.constant(*name.split(".")) == value


def test_calls_through_metadata_are_calls_of_the_runtime() -> None:
    encoded = METADATA.call("Balances", "transfer_keep_alive", [Id(BOB.public), 5])
    assert encoded == codec(RuntimeCall).encode(transfer(BOB.public, 5))
    nested = METADATA.call("Sudo", "sudo", [encoded])
    assert codec(RuntimeCall).decode(nested) == call("Sudo", "sudo", transfer(BOB.public, 5))


def test_events_of_a_block_decode_through_metadata() -> None:
    chain = Chain()
    chain.make(chain.sign(transfer(BOB.public, 10**12)), chain.sign(transfer(BOB.public, 10**20), BOB))
    raw = chain.states[-1].get(METADATA.storage_key("System", "Events"))
    found = METADATA.decode_events(raw or b"")
    assert [f"{e.pallet}.{e.name}" for e in found] == chain.names()
    assert found[0].fields["dispatch_info"]["class"][0] == "Mandatory"
    assert METADATA.encode_events(found) == raw


def test_the_whole_state_decodes_through_metadata() -> None:
    chain = Chain()
    chain.make(chain.sign(transfer(BOB.public, 10**12)))
    decoded = 0
    for pallet in METADATA.pallets.values():
        for item in pallet.storage:
            for _, value in chain.states[-1].items(METADATA.storage_prefix(pallet.name, item)):
                assert METADATA.decode_storage(pallet.name, item, value) is not None
                decoded += 1
    foreign = {k for k, _ in chain.states[-1].items() if k.startswith(b":")}
    versions = sum(p.storage_version is not None for p in IntegriteeNodeRuntime().pallets.values())
    assert decoded == len(list(chain.states[-1].items())) - len(foreign) - versions


# -- accounts and authorities --------------------------------------------------------------------


def test_nonces() -> None:
    chain = Chain()
    chain.make(chain.sign(transfer(BOB.public, 10**12)))
    for account, nonce in ((ALICE.public, 1), (BOB.public, 0), (bytes(32), 0)):
        assert decode(u32, ask("AccountNonceApi_account_nonce", encode(AccountId, account), chain)) == nonce


def test_aura() -> None:
    assert decode(u64, ask("AuraApi_slot_duration")) == 6000
    assert decode(list[Bytes32], ask("AuraApi_authorities")) == [ALICE.public]


def test_session_keys() -> None:
    keys = ALICE.public + BOB.public
    answer = ask("SessionKeys_decode_session_keys", encode(bytes, keys))
    assert decode(list[tuple[bytes, Bytes4]] | None, answer) == [(ALICE.public, b"aura"), (BOB.public, b"gran")]
    assert ask("SessionKeys_decode_session_keys", encode(bytes, keys[1:])) == b"\x00"


def test_there_is_no_offchain_work() -> None:
    chain = Chain()
    overlay = chain.overlay()
    assert ENGINE.call("OffchainWorkerApi_offchain_worker", overlay, chain.headers[0].encoded()) == b""
    assert overlay.changes() == {}


def test_a_change_of_grandpa_authorities() -> None:
    """Announced in the digest of block 2, in force for blocks after 3."""
    chain = Chain()
    chain.make()
    overlay, body = chain.open()
    runtime = IntegriteeNodeRuntime(overlay)
    successors = [(BOB.public, 3)]
    runtime.grandpa.schedule_change(successors, delay=1)
    header = chain.close(overlay, body)
    announced = encode(ConsensusLog, ScheduledChange(successors, 1))
    assert header.digest.logs[1:] == [Consensus(GRANDPA_ENGINE, announced)]
    assert grandpa_logs(header) == [announced]
    found = []
    for _ in range(2):
        authorities = runtime_api.grandpa_authorities(ENGINE, chain.overlay())
        found.append((authorities[0][1], runtime_api.grandpa_current_set_id(ENGINE, chain.overlay())))
        chain.make()
    assert found == [(1, 0), (3, 1)]
    assert "Grandpa.NewAuthorities" not in chain.names()

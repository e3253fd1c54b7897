"""Sixteen real blocks and what the enclave decides about them, against a table written by hand.

The chain is a worker's whole life on its parentchain, run by the real Integritee runtime. Its genesis header is not
recorded and a parachain has no justifications, so its headers are followed from block 1 on without proofs of
finality. What the table says was read off the recording and reasoned from the rules:

- the time is what the block's inherent sets;
- a transfer to the vault is a deposit of whoever sent it, in whatever call, unless the enclave itself did;
- calls to the bridge count if they took effect; what shields funds must name a beneficiary and is refused on a shard
  with a vault; what invokes must be readable by the enclave. Both ciphertexts of the recording are made up;
- the confirmed root has the time, every invocation, and shieldings whose beneficiary is readable.

Roots were computed outside this project, with the hashes of npm package `@noble/hashes`.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from integritee.apps.catalog import DEFAULT_LEDGER as LEDGER
from integritee.crypto import Ed25519Pair, blake2_256, ss58_decode
from integritee.enclave.parentchain.blocks import verify_block
from integritee.enclave.parentchain.contract import EVENTS_KEY, ParentchainContract, Place
from integritee.enclave.parentchain.header_chain import BlockId, HeaderChain, HeaderChainState
from integritee.enclave.parentchain.inbound import Deposit, ExtrinsicOutcome, InboundBlock, read_block
from integritee.enclave.parentchain.onboarding import REGISTRATION, Goal, account_info, authorities, is_registered
from integritee.enclave.sidechain.author import Assignment, BlockBuilder, Decipher
from integritee.enclave.sidechain.invocations import Invocations
from integritee.frame.overlay import Overlay
from integritee.metadata import EventRecord, RuntimeMetadata, decode_extrinsic
from integritee.primitives.header import Header
from integritee.primitives.ids import ParentchainId
from integritee.scale import decode
from integritee.trie import Trie

VECTORS = Path(__file__).parents[2] / "vectors"
CHAIN = json.loads((VECTORS / "chains" / "integritee-paseo-50.json").read_text())
RECORDED = {block["number"]: block for block in CHAIN["blocks"]}
KEYS = [bytes.fromhex(key[2:]) for key in CHAIN["keys"]]
SHARD = bytes.fromhex(CHAIN["shard"][2:])
ALICE, BOB, CHARLIE, VAULT, ENCLAVE = (ss58_decode(text)[0] for text in CHAIN["accounts"].values())
TEER = 10**12

# --- the table


@dataclass(frozen=True)
class Paid:
    """A signed extrinsic, for which a fee is paid: its own events stand between those of the fee.

    `inner` is the result of the call that it proxies. Where the enclave credits a deposit, `credit` says whose and
    how much; where it refuses something, `refusal` says why.
    """

    signer: bytes
    call: str
    own: tuple[str, ...] = ()
    ok: bool = True
    inner: bool | None = None
    credit: Deposit | None = None
    refusal: str | None = None
    first: tuple[str, ...] = ()

    @property
    def events(self) -> tuple[str, ...]:
        fee = ("Balances.Deposit", "Treasury.Deposit", "TransactionPayment.TransactionFeePaid")
        end = "System.ExtrinsicSuccess" if self.ok else "System.ExtrinsicFailed"
        return (*self.first, "Balances.Withdraw", *self.own, *fee, end)


class Row(NamedTuple):
    """A block: its time (Unix ms), the Merkle root that confirms it, and what follows its two inherents.

    `treasury` says whether the treasury's pot changed in the block before, which the runtime notes at first.
    """

    now: int
    root: str
    paid: tuple[Paid, ...] = ()
    treasury: bool = True


INHERENTS = ("Timestamp.set", "ParachainSystem.set_validation_data")

TRANSFER = "Balances.Transfer"
UPGRADED = ("Balances.Upgraded",)
BORN = ("System.NewAccount", "Balances.Endowed", TRANSFER)
ITEM = "Utility.ItemCompleted"

TABLE = {
    1: Row(1795363074826, "9a72a4c492d2ad7f8103c59321f3bbe621174935aa05ce8cb8baeb852740270c", treasury=False),
    2: Row(
        1795363086826,
        "d30cc1bfa4f20cb5955de18cd9604498d5a42943d51f28abc9387feecb2e14dc",
        (
            # The enclave's own account is not the vault. The vault's funding is Alice's: here no enclave pays it.
            Paid(ALICE, "Balances.transfer_keep_alive", BORN, first=UPGRADED),
            Paid(ALICE, "Balances.transfer_keep_alive", BORN, credit=Deposit(ALICE, 100 * TEER)),
        ),
        treasury=False,
    ),
    3: Row(
        1795363098826,
        "22e87bef3e25417c149b272a3d347fc6c8748a319fc56811077487717640d2d7",
        (Paid(ENCLAVE, "Teerex.register_sgx_enclave", ("Teerex.AddedSgxEnclave",)),),
    ),
    4: Row(
        1795363110826,
        "5e91effecdf0350674b5a703d13541a4c13fb6c3337a25d923e96dc98b830eb5",
        (Paid(ENCLAVE, "EnclaveBridge.update_shard_config", ("EnclaveBridge.ShardConfigUpdated",)),),
    ),
    5: Row(
        1795363122826,
        "07cd05452da7e00b9e2b3c5ac904f7a1c055f201adb4574e49b8657eea0c8c79",
        (Paid(VAULT, "Proxy.add_proxy", ("Balances.Reserved", "Proxy.ProxyAdded")),),
    ),
    6: Row(
        1795363134826,
        "949187ced09250e0db95c5ffa60a3ea17427d6a27e71e1d5aea57e18625d9b75",
        (
            Paid(ALICE, "Balances.transfer_keep_alive", (TRANSFER,), credit=Deposit(ALICE, 5 * TEER)),
            Paid(
                BOB,
                "Balances.transfer_allow_death",
                (TRANSFER,),
                credit=Deposit(BOB, 3 * TEER + 7),
                first=UPGRADED,
            ),
        ),
    ),
    7: Row(
        1795363146826,
        "cabf0c539628fb0b591880e5a6c85b6be087838ff97d8c66ac6a0f163d99d687",
        (
            # Of either batch the first item goes to the vault, the second to Charlie; Bob lacks the means for his.
            Paid(
                ALICE,
                "Utility.batch_all",
                (TRANSFER, ITEM, *UPGRADED, TRANSFER, ITEM, "Utility.BatchCompleted"),
                credit=Deposit(ALICE, TEER),
            ),
            Paid(
                BOB,
                "Utility.force_batch",
                (TRANSFER, ITEM, "Utility.ItemFailed", "Utility.BatchCompletedWithErrors"),
                credit=Deposit(BOB, 2 * TEER),
            ),
        ),
    ),
    8: Row(
        1795363158826,
        "e90ae7b78b597a648033d0be8df90e30416d9a68d1e837d109d631351aa3e03c",
        (
            # Five TEER go to the account that has the shard's bytes for an id, which is not the vault.
            Paid(
                ALICE,
                "EnclaveBridge.shield_funds",
                (*BORN, "EnclaveBridge.ShieldFunds"),
                refusal="shielding without a beneficiary",
            ),
            Paid(
                BOB,
                "EnclaveBridge.invoke",
                ("EnclaveBridge.IndirectInvocationRegistered",),
                refusal="shielding.undecipherable",
            ),
        ),
    ),
    9: Row(
        1795363170826,
        "fb9d92efda11837b34d449a7fa692a26b0a7f07caab661fea1e78fe28421f205",
        (
            Paid(
                ENCLAVE,
                "EnclaveBridge.confirm_processed_parentchain_block",
                ("EnclaveBridge.ProcessedParentchainBlock",),
            ),
            Paid(ENCLAVE, "Sidechain.confirm_imported_sidechain_block", ("Sidechain.FinalizedSidechainBlock",)),
        ),
    ),
    10: Row(
        1795363182826,
        "c7c5c8bb0e65d7bc2b63a64177a3063aff7b9f5538d20dd1f2f2a74eb8ee3480",
        (
            # Payments out of the vault: one arrives, one is above what the vault has. Neither is a deposit.
            Paid(ENCLAVE, "Proxy.proxy", (TRANSFER, "Proxy.ProxyExecuted"), inner=True),
            Paid(ENCLAVE, "Proxy.proxy", ("Proxy.ProxyExecuted",), inner=False),
        ),
    ),
    11: Row(
        1795363194826,
        "150fad061c8d13180df585676dd783cd777164bfa4cf4141a269b37996658048",
        (
            # The second one has the call hash of the first: it succeeds and pays nothing.
            Paid(ENCLAVE, "EnclaveBridge.unshield_funds", (TRANSFER, "EnclaveBridge.UnshieldedFunds")),
            Paid(ENCLAVE, "EnclaveBridge.unshield_funds"),
        ),
    ),
    12: Row(
        1795363206826,
        "5211e00179768b1292ae5d18447b922fa8f3d63ef182c1383ce6b7f29178bcfa",
        (Paid(ENCLAVE, "EnclaveBridge.publish_hash", ("EnclaveBridge.PublishedHash",)),),
    ),
    13: Row(
        1795363218826,
        "9a25ccab636a7aafbac83b11b0b3b8df623d1f7643836318d10afbeb0d32ee05",
        (
            # More than Charlie has; and Bob is no enclave.
            Paid(CHARLIE, "Balances.transfer_keep_alive", ok=False),
            Paid(BOB, "EnclaveBridge.update_shard_config", ok=False),
        ),
    ),
    14: Row(
        1795363230826,
        "70c392100632fd54609862f343570759439c4ddb828de2492f2dd6a52bdee7c1",
        (Paid(ENCLAVE, "EnclaveBridge.update_shard_config", ("EnclaveBridge.ShardConfigUpdated",)),),
    ),
    15: Row(1795363242826, "61c7a3ec36d2fe1cf03aaedc3d40b67daf898910a03241171d719511e29da320"),
    16: Row(1795363254826, "a2c4325d615cd48825a3e17de2330b5318086c851b2fa19fa9474f8db6cc2667", treasury=False),
}

FIRST_SET = (1, 1, 4, 4, 3, 2, None)
"""The block from which on each recorded key has a value: events, time, shard status, shard configuration, the
enclave's registration, the vault's account. The last key never has any."""

ALL_THREE = "6e186b94f1439b5bb3e0db68c0c4130f5089d4fae4a3888eb60984af24f0424c"
"""Root of block 8 if the beneficiary of its shielding is readable, too."""

numbers = pytest.mark.parametrize("number", TABLE)

# --- reading


class Read(NamedTuple):
    """What stands in a recorded block, its own parts verified."""

    header: Header
    extrinsics: list[bytes]
    values: dict[bytes, bytes | None]


def read(number: int) -> Read:
    block = RECORDED[number]
    header = decode(Header, unhex(block["header_scale"]))
    extrinsics = [unhex(extrinsic["hex"]) for extrinsic in block["extrinsics"]]
    return Read(header, extrinsics, verify_block(header, extrinsics, list(map(unhex, block["proof"])), KEYS))


def unhex(text: str) -> bytes:
    return bytes.fromhex(text[2:])


@pytest.fixture(scope="module")
def metadata() -> RuntimeMetadata:
    return RuntimeMetadata.parse((VECTORS / "metadata" / "integritee-paseo.metadata.scale").read_bytes())


@pytest.fixture(scope="module")
def contract(metadata: RuntimeMetadata) -> ParentchainContract:
    return ParentchainContract(metadata, Place(ParentchainId.Integritee, SHARD, ENCLAVE, VAULT))


@pytest.fixture(scope="module")
def inbound(contract: ParentchainContract) -> dict[int, InboundBlock]:
    return {number: read_block(contract, *read(number), b"") for number in TABLE}


def test_the_table_is_about_the_whole_recording() -> None:
    assert list(TABLE) == list(RECORDED) == list(range(1, 17))


def test_headers_form_one_chain() -> None:
    headers = [read(number).header for number in TABLE]
    assert headers[0].parent_hash == unhex(CHAIN["genesis_hash"])
    chain = HeaderChain(HeaderChainState(headers[0].parent_hash, BlockId.of(headers[0]), headers[0]))
    assert chain.import_chain(headers[1:]) == headers[1:]
    assert [header.hash() for header in headers] == [unhex(block["hash"]) for block in RECORDED.values()]


@numbers
def test_proven_state(number: int, metadata: RuntimeMetadata) -> None:
    values = read(number).values
    is_set = [since is not None and since <= number for since in FIRST_SET]
    assert [values[key] is not None for key in KEYS] == is_set
    assert metadata.decode_storage("Timestamp", "Now", values[KEYS[1]]) == TABLE[number].now


@numbers
def test_extrinsics(number: int, metadata: RuntimeMetadata) -> None:
    found = [decode_extrinsic(metadata, raw) for raw in read(number).extrinsics]
    signed = [(extrinsic.signer, extrinsic.call) for extrinsic in TABLE[number].paid]
    assert [(x.signer, str(x.call)) for x in found] == [(None, call) for call in INHERENTS] + signed


@numbers
def test_events(number: int, metadata: RuntimeMetadata) -> None:
    """Of each extrinsic, in order; before them what the runtime does at first."""
    row, raw = TABLE[number], read(number).values[EVENTS_KEY]
    assert raw is not None
    expected: list[tuple[int | None, str]] = [(None, "Treasury.UpdatedInactive")] if row.treasury else []
    by_extrinsic = [("System.ExtrinsicSuccess",)] * len(INHERENTS) + [paid.events for paid in row.paid]
    expected += [(index, name) for index, names in enumerate(by_extrinsic) for name in names]
    events = metadata.decode_events(raw)
    assert [(event.extrinsic_index, str(event)) for event in events] == expected


# --- deciding

SIGNING, LEDGER_PAIR = (Ed25519Pair.from_seed(blake2_256(name)) for name in (b"signing", b"ledger"))


@numbers
def test_outcomes(number: int, inbound: dict[int, InboundBlock]) -> None:
    outcomes = [ExtrinsicOutcome(True, None)] * len(INHERENTS)
    outcomes += [ExtrinsicOutcome(paid.ok, paid.inner) for paid in TABLE[number].paid]
    hashes = [unhex(extrinsic["hash"]) for extrinsic in RECORDED[number]["extrinsics"]]
    assert inbound[number].outcomes == dict(zip(hashes, outcomes, strict=True))


def test_what_the_shard_is_on_chain(contract: ParentchainContract, inbound: dict[int, InboundBlock]) -> None:
    """The enclave serves it from its claim on, and is on record at one address only."""
    bridge, vault = contract.bridge, contract.vault
    assert bridge is not None and vault is not None
    assert [authorities(bridge, inbound[n].values) for n in (3, 4, 16)] == [[], [ENCLAVE], [ENCLAVE]]
    assert [account_info(inbound[n].values[vault.keys.account]).data.reserved > 0 for n in (4, 5)] == [False, True]
    registered = REGISTRATION.decode(inbound[16].values[bridge.keys.registration] or b"").enclave
    goals = [Goal(registered.mr_enclave, registered.url.decode()), Goal(SHARD, ""), Goal(registered.mr_enclave, "")]
    assert [is_registered(bridge, goal, inbound[16].values) for goal in goals] == [True, False, False]
    assert all(EVENTS_KEY not in block.values for block in inbound.values())


class Decided(NamedTuple):
    """What became of a block: the ledger's time, who was credited how much, refusals and the confirmed root."""

    now: int | None
    credited: dict[bytes, int]
    refusals: list[str]
    failed: int
    root: str


def genesis(vault: bytes | None) -> Trie:
    runtime = LEDGER.runtime(Overlay(Trie.empty()))
    runtime.initialize_genesis(LEDGER_PAIR.public)
    mirror = runtime.parentchain(ParentchainId.Integritee)
    mirror.set_genesis(unhex(CHAIN["genesis_hash"]))
    if vault is not None:
        mirror.set_vault(vault)
    return Trie.empty().commit(dict(runtime.state.changes()))


def nobody(shielded: bytes) -> bytes | None:
    """The enclave finds that nothing was encrypted for it."""
    return None


def decided(
    block: InboundBlock,
    contract: ParentchainContract,
    caplog: pytest.LogCaptureFixture,
    vault: bytes | None = VAULT,
    decipher: Decipher = nobody,
) -> Decided:
    """Let a sidechain block process one parentchain block, on a ledger on which nobody has anything yet."""
    assignment = Assignment(SHARD, SHARD, SIGNING, LEDGER_PAIR, bytes(32), None, decipher)
    builder = BlockBuilder(assignment, LEDGER, genesis(vault), 1_800_000_000_000, bytes(32), checked=True)
    invocations = Invocations(builder)
    with caplog.at_level(logging.WARNING):
        builder.apply_parentchain(contract, block)
        confirmed = invocations.read(block)
        builder.begin_calls()
        while invocations.execute(8):
            pass
    mirror = builder.runtime.parentchain(ParentchainId.Integritee)
    people = (ALICE, BOB, CHARLIE, ENCLAVE, VAULT, SHARD)
    free = {who: builder.runtime.balances.free(who) for who in people}
    refusals = [record.getMessage().rpartition("refused: ")[2] for record in caplog.records]
    root = block.trusted_calls_root(confirmed).hex()
    builder.seal(builder.now, bytes)
    return Decided(
        mirror.now.get(), {who: held for who, held in free.items() if held}, refusals, builder.failed, root
    )


@numbers
def test_decisions(
    number: int,
    inbound: dict[int, InboundBlock],
    contract: ParentchainContract,
    caplog: pytest.LogCaptureFixture,
) -> None:
    row = TABLE[number]
    deposits = [paid.credit for paid in row.paid if paid.credit is not None]
    assert list(inbound[number].deposits) == deposits
    credited = {deposit.sender: deposit.amount - fee(deposit.amount) for deposit in deposits}
    refusals = [paid.refusal for paid in row.paid if paid.refusal is not None]
    expected = Decided(row.now, credited, refusals, len(refusals), row.root)
    assert decided(inbound[number], contract, caplog) == expected


def fee(amount: int) -> int:
    """What the ledger keeps of a deposit."""
    return amount // 571


AROUND, NO_BENEFICIARY, GARBAGE = (
    "shielding around the vault",
    "shielding without a beneficiary",
    "shielding.undecipherable",
)


@pytest.mark.parametrize(
    ("vault", "beneficiary", "credited", "refusals", "root"),
    [
        (VAULT, None, {}, [NO_BENEFICIARY, GARBAGE], TABLE[8].root),
        (VAULT, CHARLIE, {}, [AROUND, GARBAGE], ALL_THREE),
        (None, None, {}, [NO_BENEFICIARY, GARBAGE], TABLE[8].root),
        (None, CHARLIE[:31], {}, [NO_BENEFICIARY, GARBAGE], TABLE[8].root),
        (None, CHARLIE, {CHARLIE: 5 * TEER - fee(5 * TEER)}, [GARBAGE], ALL_THREE),
    ],
    ids=["as recorded", "readable", "without a vault", "too short", "without a vault, readable"],
)
def test_funds_at_the_bridge(
    vault: bytes | None,
    beneficiary: bytes | None,
    credited: dict[bytes, int],
    refusals: list[str],
    root: str,
    inbound: dict[int, InboundBlock],
    contract: ParentchainContract,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Block 8, were its shielding readable, or the shard without a vault."""
    shielded = bytes.fromhex("ab" * 384)

    def decipher(ciphertext: bytes) -> bytes | None:
        return beneficiary if ciphertext == shielded else None

    found = decided(inbound[8], contract, caplog, vault, decipher)
    assert found == Decided(TABLE[8].now, credited, refusals, len(refusals), root)


def test_the_recorded_confirmation(metadata: RuntimeMetadata) -> None:
    """Of block 8, by a root that was made up; the event has block and root in the other order."""
    confirmation = decode_extrinsic(metadata, read(9).extrinsics[2]).call.args
    made_up = bytes.fromhex("5a" * 32)
    assert confirmation == {
        "shard": SHARD,
        "block_hash": read(8).header.hash(),
        "block_number": 8,
        "trusted_calls_merkle_root": made_up,
    }
    raw = read(9).values[EVENTS_KEY]
    assert raw is not None
    events: list[EventRecord] = metadata.decode_events(raw)
    (event,) = (event for event in events if event.name == "ProcessedParentchainBlock")
    told: dict[str, Any] = event.fields
    assert list(told.values()) == [SHARD, read(8).header.hash(), made_up, 8]

"""An arbitrary history of one shard, from genesis through blocks of calls, getters and parentchain events.

All randomness comes from the `random.Random` that is passed in: a seed is a history. Blocks are made by the
enclave's `BlockBuilder`; the laws are checked after each call (`step_laws`) and in each block (`check_invariants`),
and now and then a block is made a second time from the same inputs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from integritee.apps.catalog import BUILT_IN, LedgerConfig, ledger_of
from integritee.crypto import Ed25519Pair, blake2_256
from integritee.enclave.parentchain.contract import EffectElsewhere
from integritee.enclave.parentchain.inbound import InboundBlock
from integritee.enclave.parentchain.outbox import Finished, OutboxFull
from integritee.enclave.sidechain.author import Assignment, AuthoredBlock, BlockBuilder
from integritee.frame.overlay import Overlay
from integritee.primitives.ids import ParentchainId
from integritee.primitives.sidechain import SidechainHeader
from integritee.scale import Struct
from integritee.stf.asset_map import AssetId
from integritee.stf.chain_specs import CHAIN_SPECS
from integritee.stf.effects import Delay, Effect, Remark, VaultPayment
from integritee.stf.executor import Outcome
from integritee.stf.invariants import check_invariants
from integritee.stf.ledger import Ledger
from integritee.stf.operation import DirectCall, TrustedCall, TrustedCallSigned
from integritee.stf.runtime import ENCLAVE_ENDOWMENT, LedgerRuntime
from integritee.stf.types import ShardMode
from integritee.trie import Trie

from .arbitrary import Arbitrary, Facts
from .arbitrary_encointer import found
from .arbitrary_operations import arbitrary_call, arbitrary_question, arbitrary_submission, weighted
from .cast import PEOPLE, USERS, accounts_of
from .getter_laws import ask
from .kit import ENCLAVE, MRENCLAVE, NOW, SHARD, VAULT
from .layer_one import CONTRACT, VAULT_ACCOUNT, LayerOne
from .step import Step
from .step_laws import ISSUES_AT_WILL, SHIELDS, LawBroken, check_step, expect, expect_that
from .tally import DONE, Tally

STEPS_PER_BLOCK: Final = 40
CALLS_PER_GETTER: Final = 8
BLOCKS_IN_RETIREMENT: Final = 8
"""After so many a life is over: only the enclave can do anything any more."""

BETWEEN_BLOCKS_MS: Final = (1, 2, 1_000, 6_000, 3_600_000)
DAY_MS: Final = 86_400_000

STATE_KEY: Final = blake2_256(b"state key")
SIGNING: Final = Ed25519Pair.from_seed(blake2_256(b"signing"))

CHAINS: Final = (bytes(32), bytes(32), *(genesis for genesis, spec in CHAIN_SPECS.items() if spec.assets))
"""Genesis hashes of parentchains: unknown ones, and those that offer assets."""

NO_ASSETS: Final = next(genesis for genesis, spec in CHAIN_SPECS.items() if spec.production and not spec.assets)


def whole_ledger() -> Ledger:
    """Every app of the project, and what development ledgers have beside."""
    return ledger_of(LedgerConfig(list(BUILT_IN), True))


@dataclass(frozen=True)
class Turn:
    """A call as the block took it."""

    signed: TrustedCallSigned
    outbox_is_full: bool
    vault: bytes | None
    """What the parentchain is known to hold of the vault by then, if that is news."""


@dataclass
class Inputs:
    """All that a block is made from."""

    now: int
    parentchain: list[tuple[InboundBlock, list[Finished]]] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)


class ShardLife:
    """A shard over its parentchain. Raises LawBroken or InvariantBroken when something is wrong."""

    def __init__(self, random: Random, made_again: int = 10) -> None:
        """`made_again`: percent of the blocks that are made a second time."""
        self.made_again = made_again
        self.ledger = whole_ledger()
        self.definitions = weighted(self.ledger)
        self.tally = Tally(lives=1)
        self.layer_one = LayerOne()
        self.now = NOW
        self.parent: SidechainHeader | None = None
        self.facts = Facts(accounts_of(self.ledger), SHARD, self.now)
        self.outbox_is_full = False
        self.blocks_retired = 0
        draw = Arbitrary(random, self.facts)
        vault = draw.choice((ParentchainId.Integritee,) * 8 + (ParentchainId.TargetB, None))
        genesis = NO_ASSETS if draw.chance(10) else draw.choice(CHAINS)
        self.state = self._genesis(genesis, vault)
        self.has_vault = vault is ParentchainId.Integritee
        self._begin_block(draw)

    def _genesis(self, genesis: bytes, vault: ParentchainId | None) -> Trie:
        runtime = self.ledger.runtime(Overlay(Trie.empty()))
        runtime.initialize_genesis(ENCLAVE.public)
        mirror = runtime.parentchain(vault or ParentchainId.Integritee)
        mirror.set_genesis(genesis)
        if vault is not None:
            mirror.set_vault(VAULT)
        mirror.set_creation_block(self.layer_one.header)
        found(runtime)
        self.endowed = {asset: runtime.assets.supply(asset) for asset in AssetId}
        """Units of assets that a development ledger has from the start, out of nothing."""
        return Trie.empty().commit(runtime.state.changes())

    @property
    def runtime(self) -> LedgerRuntime:
        return self.builder.runtime

    # -- blocks --------------------------------------------------------------------------------------

    def _begin_block(self, draw: Arbitrary) -> None:
        self.now += draw.choice(BETWEEN_BLOCKS_MS) if draw.chance(95) else draw.choice((DAY_MS, 8 * DAY_MS))
        self.facts.now = self.now
        self.inputs = Inputs(self.now)
        self.builder = self._builder()
        self._advance_layer_one(draw)
        self._open(self.builder)

    def _builder(self) -> BlockBuilder:
        assignment = Assignment(SHARD, MRENCLAVE, SIGNING, ENCLAVE, STATE_KEY, self.parent)
        return BlockBuilder(assignment, self.ledger, self.state, self.now, bytes(32), self._vet, checked=True)

    def _vet(self, effects: Sequence[Effect]) -> None:
        """As the enclave's: it knows one parentchain, and its outbox may be full."""
        extrinsics = [effect for effect in effects if not isinstance(effect, Delay)]
        if extrinsics and self.outbox_is_full:
            raise OutboxFull(len(extrinsics), 0)
        for effect in extrinsics:
            if isinstance(effect, VaultPayment | Remark) and effect.parentchain is not ParentchainId.Integritee:
                raise EffectElsewhere(effect.parentchain.name)

    def _advance_layer_one(self, draw: Arbitrary) -> None:
        """Some parentchain blocks: deposits, payments that end, maintenance that begins and ends."""
        chain, first = self.layer_one, self.parent is None
        for _ in range(1 if first else draw.random.randrange(3)):
            if self.has_vault:
                for _ in range(2 * len(PEOPLE) if first else draw.random.randrange(8)):
                    chain.deposit(
                        draw.choice(USERS if draw.chance(60) else self.facts.accounts),
                        min(self._gift(draw), self._room(None)),
                    )
            chain.in_maintenance = draw.chance(60 if chain.in_maintenance else 4)
            is_long = draw.chance(6 if chain.in_maintenance else 1)
            skipped = self.runtime.chain_spec().retirement_delay if is_long else draw.choice((0, 0, 0, 5))
            self.inputs.parentchain.append(chain.next_block(draw.random, skipped))

    def _gift(self, draw: Arbitrary) -> int:
        """A deposit: something to live on, or any amount."""
        return draw.random.randrange(50 * self.runtime.chain_spec().one) if draw.chance(70) else draw.amount()

    def _room(self, asset: AssetId | None) -> int:
        """Base units that can still arrive in the ledger."""
        runtime = self.runtime
        issued = runtime.balances.total_issuance.get() if asset is None else runtime.assets.supply(asset)
        return self.layer_one.room(asset, issued)

    def _open(self, builder: BlockBuilder) -> None:
        self.outbox_is_full = False
        for block, finished in self.inputs.parentchain:
            builder.apply_parentchain(CONTRACT, block)
            for end in finished:
                if end.is_refused and end.entry.payment is not None:
                    builder.refund(end.entry.payment)
        builder.begin_calls()

    def end_block(self, random: Random) -> None:
        """Seal the block, check that it can be made again, begin the next one."""
        draw = Arbitrary(random, self.facts)
        self.runtime.system.write_events()
        for record in self.runtime.system.event_records.get():
            self.facts.seen.extend(byte_strings(record.event.values))
        block = self._seal(self.builder)
        if draw.chance(self.made_again):
            self._make_again(block)
        self.layer_one.owed += [planned.payment for planned in block.effects if planned.payment is not None]
        self._check_backing()
        self.state, self.parent = block.state, block.header
        self.tally.blocks += 1
        self.blocks_retired += self.runtime.shard_management.mode.get() is ShardMode.Retired
        self._begin_block(draw)

    def _seal(self, builder: BlockBuilder) -> AuthoredBlock:
        return builder.seal(self.now, bytes)

    def _make_again(self, block: AuthoredBlock) -> None:
        """The same inputs make the same block, down to its hash."""
        again = self._builder()
        self._open(again)
        for turn in self.inputs.turns:
            self._prepare(again, turn)
            again.execute(self._hash(turn.signed), turn.signed)
        made = self._seal(again)
        expect("a block made again ends in the same state", made.state.root(), block.state.root())
        expect("a block made again is the same block", made.header.hash(), block.header.hash())

    def _check_backing(self) -> None:
        """The parentchain holds what is in the ledger and what it still owes, beside what was issued at will."""
        runtime, chain = self.runtime, self.layer_one
        owed: Counter[AssetId | None] = Counter()
        for payment in chain.owed:
            owed[payment.asset] += payment.amount
        unbacked = runtime.shard_management.unbacked.get()
        issued = runtime.balances.total_issuance.get()
        expect_that("native funds are backed", chain.native - owed[None] + unbacked >= issued)
        for asset in runtime.chain_spec().assets:
            held = chain.assets[asset] - owed[asset] + self.endowed[asset]
            expect_that(f"{asset} is backed", held >= runtime.assets.supply(asset))

    # -- steps ---------------------------------------------------------------------------------------

    def call(self, random: Random) -> str:
        """Execute an arbitrary call and check what it did. Call and end, for people."""
        draw = Arbitrary(random, self.facts)
        call = self._bounded(arbitrary_call(draw, self.runtime, self.definitions))
        submitted = arbitrary_submission(draw, self.ledger, self.runtime, call)
        if submitted.genuine is False:
            outcome = self._over(submitted.signed, self._execute_verifying)
            expect("a forged signature is refused", outcome.error and outcome.error.code, "stf.invalid_signature")
        else:
            if submitted.genuine:
                self.builder.executor.verify(submitted.signed)
            turn = Turn(submitted.signed, draw.chance(2), self._arrive(call))
            self.inputs.turns.append(turn)
            self._prepare(self.builder, turn)
            outcome = self._over(submitted.signed, self._execute)
        name, end = self.ledger.names[call.definition], DONE if outcome.error is None else outcome.error.code
        self.tally.call(name, end)
        return f"{name}{call.args} by {submitted.signed.signer.hex()}: {end}"

    def _bounded(self, call: TrustedCall) -> TrustedCall:
        """Nothing arrives that cannot be there: amounts are those of a parentchain that counts in u128."""
        position, asset = SHIELDS.get(call.name, (3 if call.name == ISSUES_AT_WILL else None, None))
        if position is None:
            return call
        room = self._room(None if asset is None else call.args[asset])
        bounded = min(call.args[position], room)
        if call.name == ISSUES_AT_WILL and call.args[1] == ENCLAVE.public:
            bounded = max(bounded, ENCLAVE_ENDOWMENT)  # a dead one could not take in shielding fees below 500
        return TrustedCall(call.definition, (*call.args[:position], bounded, *call.args[position + 1 :]))

    def _arrive(self, call: TrustedCall) -> bytes | None:
        """What the enclave credits has arrived in the vault before; what the vault holds then."""
        if call.name not in SHIELDS:
            return None
        position, asset = SHIELDS[call.name]
        self.layer_one.receive(call.args[position], None if asset is None else call.args[asset])
        return self.layer_one.vault_account()

    def _execute_verifying(self, signed: TrustedCallSigned) -> Outcome:
        return self.builder.executor.execute(signed, self.now)

    def _execute(self, signed: TrustedCallSigned) -> Outcome:
        return self.builder.execute(self._hash(signed), signed)

    def _hash(self, signed: TrustedCallSigned) -> bytes:
        return self.ledger.top_hash(DirectCall(signed))

    def _prepare(self, builder: BlockBuilder, turn: Turn) -> None:
        if turn.vault is not None:
            builder.runtime.parentchain(ParentchainId.Integritee).mirror.put(VAULT_ACCOUNT, turn.vault)
        self.outbox_is_full = turn.outbox_is_full

    def _over(self, signed: TrustedCallSigned, run: Callable[[TrustedCallSigned], Outcome]) -> Outcome:
        """Execute over an overlay of its own, which then shows what a call changed."""
        runtime, before = self.runtime, self.runtime.state
        deposited = len(runtime.events)
        runtime.state = Overlay(before)
        outcome = run(signed)
        after = runtime.state.changes()
        try:
            check_step(Step(runtime, signed, outcome, self.now, before, after, runtime.events[deposited:]))
        except LawBroken as broken:
            broken.add_note(f"by {signed}: {outcome}")
            raise
        runtime.state = before
        for key, value in after.items():
            if value is None:
                before.remove(key)
            else:
                before.put(key, value)
        return outcome

    def ask(self, random: Random) -> None:
        """Ask an arbitrary getter; the answer is of the type it declares, and only goes to who may ask."""
        question = arbitrary_question(Arbitrary(random, self.facts), self.ledger, self.runtime)
        runtime, before = self.runtime, self.runtime.state
        runtime.state = Overlay(before)
        end = ask(question, self.builder.executor, self.now)
        expect("a getter changes nothing", runtime.state.changes(), {})
        runtime.state = before
        self.tally.getter(question.label, end)

    def check(self) -> None:
        """Check all laws now, in the middle of a block."""
        check_invariants(self.runtime)


def byte_strings(value: Any) -> Iterator[bytes]:
    """Byte strings anywhere in arguments of a call or fields of an event."""
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from byte_strings(item)
    elif isinstance(value, Struct):
        for name in value.__struct_fields__:
            yield from byte_strings(getattr(value, name))


# -- in bulk -----------------------------------------------------------------------------------------


def live(seed: int, steps: int) -> Tally:
    """A shard's life of `steps` steps and a few more, or until it retired. Raises what is wrong with it, with how to see it again."""
    return _life(seed, steps).tally


def root_after(seed: int, steps: int) -> bytes:
    """Root of the state that a life ends in."""
    return _life(seed, steps).state.root()


def _life(seed: int, steps: int) -> ShardLife:
    random = Random(seed)
    try:
        life = ShardLife(random)
        while life.tally.steps < steps and life.blocks_retired < BLOCKS_IN_RETIREMENT:
            for _ in range(random.randrange(STEPS_PER_BLOCK) + 1):
                (life.ask if random.randrange(CALLS_PER_GETTER) == 0 else life.call)(random)
            life.end_block(random)
    except Exception as reason:
        reason.add_note(
            f"see it again: python -m tests.campaigns.stf --seed {seed} --lives 1 --steps-per-life {steps}"
        )
        raise
    life.tally.retired = int(life.blocks_retired > 0)
    return life

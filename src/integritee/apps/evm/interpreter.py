"""py-evm's London machine over a `Journal`. Importing this loads py-evm, so only `engine.execute` does.

Four things differ from py-evm's own set-up. State is read on demand. Jump destinations are found in linear time; its
own search recurses once per byte of hostile code. Steps are counted, since gas prices are not those of an interpreter
in Python. Finished frames give up all that could be large.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from . import py_evm  # noqa: F401

# isort: split
from eth.abc import ComputationAPI, MessageAPI, TransactionContextAPI
from eth.constants import CREATE_CONTRACT_ADDRESS
from eth.exceptions import ContractCreationCollision, OutOfGas, VMError
from eth.vm.code_stream import CodeStream
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.london.computation import LondonComputation
from eth.vm.forks.london.state import LondonState
from eth.vm.message import Message
from eth.vm.transaction_context import BaseTransactionContext
from eth_typing import Address, BlockNumber, Hash32

from integritee.crypto import keccak_256

from .errors import TooManySteps
from .journal import Journal
from .jumps import MAX_CODE_BYTES, jump_destinations
from .transaction import ANALYSED_BYTES_PER_STEP, COPIED_BYTES_PER_STEP, FRAME_STEPS, Surroundings

STOP: Final = 0x00


class CodeTooLarge(VMError):
    """A contract to be created is larger than EIP-170 allows."""


@dataclass
class Steps:
    """How many instructions the run may still take."""

    limit: int
    left: int

    def take(self, count: int) -> None:
        """Raises TooManySteps if there are not so many left; no frame of the machine catches that."""
        self.left -= count
        if self.left < 0:
            raise TooManySteps(self.limit)


class Code(CodeStream):
    """Code with a counter of the steps taken in it."""

    __slots__ = ("_destinations", "_steps")

    def __init__(self, code: bytes, steps: Steps) -> None:
        super().__init__(code)
        self._steps = steps
        self._destinations: bytes | None = None

    def __iter__(self) -> Iterator[int]:
        """The instructions as they are run. Raises TooManySteps; no frame of the machine catches that."""
        code, size, steps = self._raw_code_bytes, len(self._raw_code_bytes), self._steps
        steps.left -= FRAME_STEPS
        while (at := self.program_counter) < size:
            steps.left -= 1
            if steps.left < 0:
                raise TooManySteps(steps.limit)
            self.program_counter = at + 1
            yield code[at]
        yield STOP

    def is_valid_opcode(self, position: int) -> bool:
        """Whether a JUMPDEST stands at `position`; the machine asks of nothing else."""
        if self._destinations is None:
            # Whether they are remembered or not: what a call may do does not depend on the calls before.
            self._steps.take(len(self._raw_code_bytes) // ANALYSED_BYTES_PER_STEP)
            self._destinations = jump_destinations(self._raw_code_bytes)
        return position < len(self._destinations) and self._destinations[position] == 1


class Computation(LondonComputation):
    """A frame."""

    state: State

    def __init__(self, state: State, message: MessageAPI, transaction_context: TransactionContextAPI) -> None:
        super().__init__(state, message, transaction_context)
        self.code = Code(message.code, state.steps)
        self.logs: list[tuple[int, bytes, tuple[int, ...], bytes]] = []

    def consume_gas(self, amount: int, reason: str) -> None:
        """As in py-evm, without a trace: this is what the machine does most."""
        meter = self._gas_meter
        if amount > meter.gas_remaining:
            raise OutOfGas(reason)
        meter.gas_remaining -= amount

    @property
    def precompiles(self) -> dict[Any, Any]:
        return self.state.precompiles

    @classmethod
    def validate_contract_code(cls, contract_code: bytes) -> None:
        if len(contract_code) > MAX_CODE_BYTES:
            raise CodeTooLarge(f"{len(contract_code)} bytes")
        super().validate_contract_code(contract_code)

    def add_log_entry(self, account: bytes, topics: tuple[int, ...], data: bytes) -> None:
        self.logs.append((self.transaction_context.get_next_log_counter(), account, topics, data))

    def memory_read_bytes(self, start_position: int, size: int) -> bytes:
        self.state.steps.take(size // COPIED_BYTES_PER_STEP)
        return self._memory.read_bytes(start_position, size)

    def add_child_computation(self, child_computation: ComputationAPI) -> None:
        if self.children:
            self.children[-1]._output = b""  # nobody asks for it any more
        super().add_child_computation(child_computation)
        child_computation._memory._bytes = bytearray()  # type: ignore[attr-defined]
        child_computation._stack.values.clear()  # type: ignore[attr-defined]
        child_computation.code = Code(b"", self.state.steps)
        child_computation.msg.data = child_computation.msg.code = b""


class State(LondonState):
    """What instructions see of accounts and block."""

    computation_class = Computation  # type: ignore[assignment]

    def __init__(self, journal: Journal, around: Surroundings) -> None:
        self.journal = journal
        self.steps = Steps(around.max_steps, around.max_steps)
        self._code_hashes: dict[bytes, Hash32] = {}
        self.precompiles: dict[Any, Any] = dict(around.precompiles)
        self.execution_context = ExecutionContext(
            coinbase=Address(around.coinbase),
            timestamp=around.timestamp,
            block_number=BlockNumber(around.number),
            difficulty=around.difficulty,
            mix_hash=Hash32(bytes(32)),
            gas_limit=around.gas_limit,
            prev_hashes=map(Hash32, around.block_hashes),
            chain_id=around.chain_id,
            base_fee_per_gas=around.base_fee,
        )

    # -- accounts ------------------------------------------------------------------------------------

    def get_balance(self, address: Address) -> int:
        return self.journal.balance(address)

    def set_balance(self, address: Address, balance: int) -> None:
        self.journal.set_balance(address, balance)

    def get_nonce(self, address: Address) -> int:
        return self.journal.nonce(address)

    def set_nonce(self, address: Address, nonce: int) -> None:
        self.journal.set_nonce(address, nonce)

    def increment_nonce(self, address: Address) -> None:
        self.journal.set_nonce(address, self.journal.nonce(address) + 1)

    def get_code(self, address: Address) -> bytes:
        return self.journal.code(address)

    def set_code(self, address: Address, code: bytes) -> None:
        self.journal.set_code(address, code)

    def get_code_hash(self, address: Address) -> Hash32:
        code = self.journal.code(address)
        found = self._code_hashes.get(code)
        if found is None:
            found = self._code_hashes[code] = Hash32(keccak_256(code))
        return found

    def has_code_or_nonce(self, address: Address) -> bool:
        return self.journal.has_code_or_nonce(address)

    def account_exists(self, address: Address) -> bool:
        return not self.journal.is_empty(address)

    def account_is_empty(self, address: Address) -> bool:
        return self.journal.is_empty(address)

    def touch_account(self, address: Address) -> None:
        """Empty accounts are never stored, so there is nothing to clear for having been touched."""

    # -- storage -------------------------------------------------------------------------------------

    def get_storage(self, address: Address, slot: int, from_journal: bool = True) -> int:
        return self.journal.slot(address, slot) if from_journal else self.journal.slot_before(address, slot)

    def set_storage(self, address: Address, slot: int, value: int) -> None:
        self.journal.set_slot(address, slot, value)

    def delete_storage(self, address: Address) -> None:
        self.journal.wipe(address)

    # -- access --------------------------------------------------------------------------------------

    def is_address_warm(self, address: Address) -> bool:
        return self.journal.is_warm(address) or address in self.precompiles

    def mark_address_warm(self, address: Address) -> None:
        self.journal.make_warm(address)

    def is_storage_warm(self, address: Address, slot: int) -> bool:
        return self.journal.is_warm((address, slot))

    def mark_storage_warm(self, address: Address, slot: int) -> None:
        self.journal.make_warm((address, slot))

    # -- frames --------------------------------------------------------------------------------------

    def snapshot(self) -> Any:
        return self.journal.checkpoint()

    def revert(self, snapshot: Any) -> None:
        self.journal.revert(snapshot)

    def commit(self, snapshot: Any) -> None:
        """What a frame wrote stays, unless a frame around it fails."""


@dataclass(frozen=True)
class Outcome:
    """How the outermost frame ended. Gas is what is left and what is to be refunded for cleared storage."""

    output: bytes
    gas_left: int
    refund: int
    error: VMError | None
    logs: tuple[tuple[int, bytes, tuple[int, ...], bytes], ...]
    destroyed: tuple[bytes, ...]


def run(
    journal: Journal,
    around: Surroundings,
    *,
    source: bytes,
    target: bytes | None,
    created: bytes | None,
    data: bytes,
    value: int,
    gas: int,
    gas_price: int,
) -> Outcome:
    """Run the outermost frame: a call of `target`, or code that creates a contract at `created`.

    Raises TooManySteps, the journal being worthless then.
    """
    state = State(journal, around)
    context = BaseTransactionContext(gas_price=gas_price, origin=Address(source))
    if created is not None:
        message = Message(
            gas, CREATE_CONTRACT_ADDRESS, Address(source), value, b"", data, create_address=Address(created)
        )
        if journal.has_code_or_nonce(created):
            return Outcome(b"", 0, 0, ContractCreationCollision(), (), ())
        return _outcome(Computation.apply_create_message(state, message, context))
    assert target is not None
    message = Message(gas, Address(target), Address(source), value, data, journal.code(target))
    return _outcome(Computation.apply_message(state, message, context))


def _outcome(outermost: ComputationAPI) -> Outcome:
    frames = list(_kept(outermost))
    return Outcome(
        outermost.output,
        outermost.get_gas_remaining(),
        sum(frame.get_gas_meter().gas_refunded for frame in frames),
        outermost.error if outermost.is_error else None,
        tuple(sorted(log for frame in frames for log in frame.logs)),
        tuple(address for frame in frames for address in frame.accounts_to_delete),
    )


def _kept(outermost: Any) -> Iterator[Computation]:
    """Frames whose effects stand: neither they nor any around them failed."""
    waiting: list[Computation] = [outermost]
    while waiting:
        frame = waiting.pop()
        if not frame.is_error:
            yield frame
            waiting.extend(frame.children)  # type: ignore[arg-type]

"""One EVM transaction under London rules: validate, buy gas, run, refund, destroy what destroyed itself.

Sources: Ethereum yellow paper (section 6), EIP-1559, EIP-2929, EIP-2930, EIP-3529, EIP-3607.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from integritee.errors import IntegriteeError

from .addresses import create2_address, create_address
from .errors import (
    Failed,
    GasLimitTooHigh,
    GasLimitTooLow,
    Halted,
    InsufficientBalance,
    MachineFault,
    MaxFeeTooLow,
    OutOfGas,
    PriorityFeeTooHigh,
    Reverted,
    SenderHasCode,
    WrongNonce,
)
from .journal import Accounts, Journal
from .transaction import Log, Receipt, Surroundings, Transaction

if TYPE_CHECKING:
    from .interpreter import Outcome

GAS_TRANSACTION: Final = 21_000
GAS_CREATE: Final = 32_000
GAS_ZERO_BYTE: Final = 4
GAS_BYTE: Final = 16
GAS_LISTED_ADDRESS: Final = 2_400
GAS_LISTED_SLOT: Final = 1_900
REFUND_QUOTIENT: Final = 5
"""At most one fifth of the gas used is refunded (EIP-3529)."""

RECURSION_LIMIT: Final = 12_288
"""Python frames that 1,024 nested EVM calls need."""

MAX_REVERT_BYTES: Final = 1024
"""How much of a revert's data its error repeats."""

ERROR_STRING: Final = bytes.fromhex("08c379a0")
PANIC: Final = bytes.fromhex("4e487b71")


def execute(tx: Transaction, around: Surroundings, accounts: Accounts) -> Receipt:
    """Run a transaction on `accounts`, which stay as they are.

    Raises InvalidTransaction leaves, TooManySteps, MachineFault. Any other failure is in the receipt.
    """
    journal = Journal(accounts)
    needed = intrinsic_gas(tx)
    _validate(tx, around, journal, needed)
    price = gas_price(tx, around.base_fee)
    created = _created(tx, journal)
    journal.set_balance(tx.source, journal.balance(tx.source) - tx.gas_limit * price)
    journal.set_nonce(tx.source, journal.nonce(tx.source) + 1)
    _warm_up(tx, created, journal)
    outcome = _run(journal, around, tx, created, tx.gas_limit - needed, price)
    used = tx.gas_limit - outcome.gas_left
    used -= min(outcome.refund, used // REFUND_QUOTIENT)
    journal.set_balance(tx.source, journal.balance(tx.source) + (tx.gas_limit - used) * price)
    for address in outcome.destroyed:
        journal.destroy(address)
    return Receipt(
        gas_used=used,
        fee=used * price,
        tip=used * (price - around.base_fee),
        output=outcome.output,
        created=created if outcome.error is None else None,
        logs=tuple(
            Log(who, tuple(t.to_bytes(32, "big") for t in topics), data) for _, who, topics, data in outcome.logs
        ),
        changes=tuple(journal.changes()),
        failure=_failure(outcome, tx.gas_limit),
    )


# -- before ------------------------------------------------------------------------------------------


def intrinsic_gas(tx: Transaction) -> int:
    """What a transaction costs before its first instruction."""
    zeros = tx.data.count(0)
    gas = GAS_TRANSACTION + GAS_ZERO_BYTE * zeros + GAS_BYTE * (len(tx.data) - zeros)
    if tx.target is None:
        gas += GAS_CREATE
    return gas + sum(GAS_LISTED_ADDRESS + GAS_LISTED_SLOT * len(slots) for _, slots in tx.access_list)


def gas_price(tx: Transaction, base_fee: int) -> int:
    """Base units per gas: the base fee, and a tip if one is offered and the maximum leaves room for it."""
    return base_fee + min(tx.priority_fee or 0, tx.max_fee - base_fee)


def _validate(tx: Transaction, around: Surroundings, journal: Journal, needed: int) -> None:
    if tx.gas_limit > around.gas_limit:
        raise GasLimitTooHigh(tx.gas_limit, around.gas_limit)
    if tx.gas_limit < needed:
        raise GasLimitTooLow(tx.gas_limit, needed)
    if tx.max_fee < around.base_fee:
        raise MaxFeeTooLow(tx.max_fee, around.base_fee)
    if tx.priority_fee is not None and tx.priority_fee > tx.max_fee:
        raise PriorityFeeTooHigh(tx.priority_fee, tx.max_fee)
    nonce = journal.nonce(tx.source)
    if tx.nonce is not None and tx.nonce != nonce:
        raise WrongNonce(tx.nonce, nonce)
    if journal.code(tx.source):
        raise SenderHasCode(tx.source)
    cost, balance = tx.value + tx.gas_limit * tx.max_fee, journal.balance(tx.source)
    if cost > balance:
        raise InsufficientBalance(cost, balance)


def _created(tx: Transaction, journal: Journal) -> bytes | None:
    if tx.target is not None:
        return None
    if tx.salt is not None:
        return create2_address(tx.source, tx.salt, tx.data)
    return create_address(tx.source, journal.nonce(tx.source))


def _warm_up(tx: Transaction, created: bytes | None, journal: Journal) -> None:
    for address in (tx.source, tx.target, created):
        if address is not None:
            journal.make_warm(address)
    for address, slots in tx.access_list:
        journal.make_warm(address)
        for slot in slots:
            journal.make_warm((address, slot))


# -- the run -----------------------------------------------------------------------------------------


def _run(
    journal: Journal, around: Surroundings, tx: Transaction, created: bytes | None, gas: int, price: int
) -> Outcome:
    try:
        from . import interpreter

        with _deep_recursion():
            return interpreter.run(
                journal,
                around,
                source=tx.source,
                target=tx.target,
                created=created,
                data=tx.data,
                value=tx.value,
                gas=gas,
                gas_price=price,
            )
    except IntegriteeError:
        raise
    except Exception as fault:  # hostile code must not take the enclave down with the machine
        raise MachineFault(type(fault).__name__) from fault


@contextmanager
def _deep_recursion() -> Iterator[None]:
    """Nested EVM calls nest Python calls; nothing else in the process is to recurse that deeply."""
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(max(usual, RECURSION_LIMIT))
    try:
        yield
    finally:
        sys.setrecursionlimit(usual)


# -- after -------------------------------------------------------------------------------------------


def _failure(outcome: Outcome, gas_limit: int) -> Failed | None:
    if outcome.error is None:
        return None
    exception = type(outcome.error).__name__
    if exception == "Revert":
        return Reverted(outcome.output[:MAX_REVERT_BYTES], revert_reason(outcome.output))
    if exception == "OutOfGas":
        return OutOfGas(gas_limit)
    return Halted(re.sub("(?<=.)(?=[A-Z])", " ", exception).lower())


def revert_reason(output: bytes) -> str:
    """The text of Solidity's `Error(string)` or the number of its `Panic(uint256)`; empty for anything else."""
    selector, body = output[:4], output[4:]
    if selector == PANIC and len(body) == 32:
        return f"panic 0x{int.from_bytes(body, 'big'):02x}"
    if selector == ERROR_STRING and len(body) >= 64:
        start = int.from_bytes(body[:32], "big") + 32
        length = int.from_bytes(body[start - 32 : start], "big")
        return body[start : start + min(length, MAX_REVERT_BYTES)].decode(errors="replace")
    return ""

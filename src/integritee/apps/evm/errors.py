"""Why the EVM refused a call or gave it up. A call that fails leaves nothing behind but its fee and nonce.

    StfError
    └── EvmError
        ├── WrongAddress             the address is not the sender's
        ├── InvalidTransaction       refused before anything ran
        │   ├── WrongNonce           not the source's next nonce
        │   ├── GasLimitTooHigh      more gas than a block has
        │   ├── GasLimitTooLow       less than the call costs before its first instruction
        │   ├── MaxFeeTooLow         below the base fee
        │   ├── PriorityFeeTooHigh   a tip above the whole fee
        │   ├── SenderHasCode        contracts do not send transactions (EIP-3607)
        │   └── InsufficientBalance  value and gas are not covered
        ├── Failed                   it ran, and did not end well
        │   ├── Reverted             the contract said no: its data and, if it gave one, the reason
        │   ├── OutOfGas
        │   ├── TooManySteps         it ran longer than the enclave grants one call
        │   ├── Halted               an exception of the machine: bad jump, bad opcode, stack, collision …
        │   └── MachineFault         the machine broke down: a defect of it
        ├── DepositUnpaid            the source cannot pay the deposits of the accounts it brings to life
        └── StorageTooLarge          contracts that destroyed themselves have more storage than one call can clear

Codes are stable.
"""

from __future__ import annotations

from integritee.stf.errors import StfError


class EvmError(StfError):
    code = "evm"


class WrongAddress(EvmError):
    """The call names an EVM address that is not its sender's: an account acts as its first 20 bytes only."""

    code = "evm.wrong_address"

    def __init__(self, found: bytes, expected: bytes) -> None:
        self.found, self.expected = found, expected
        super().__init__("an account acts as the address of its first 20 bytes and as no other")


class InvalidTransaction(EvmError):
    """The EVM refused the call before anything ran."""

    code = "evm.invalid_transaction"


class WrongNonce(InvalidTransaction):
    """The EVM nonce in the call is not the address's next one; leave it out to take the next."""

    code = "evm.wrong_nonce"

    def __init__(self, found: int, expected: int) -> None:
        self.found, self.expected = str(found), str(expected)
        super().__init__(f"nonce {found} found, {expected} expected")


class GasLimitTooHigh(InvalidTransaction):
    """The call asks for more gas than a block has."""

    code = "evm.gas_limit_too_high"

    def __init__(self, gas_limit: int, limit: int) -> None:
        self.gas_limit, self.limit = str(gas_limit), str(limit)
        super().__init__(f"a gas limit of {gas_limit} exceeds that of a block, {limit}")


class GasLimitTooLow(InvalidTransaction):
    """The gas limit does not even cover what a call costs before its first instruction."""

    code = "evm.gas_limit_too_low"

    def __init__(self, gas_limit: int, needed: int) -> None:
        self.gas_limit, self.needed = str(gas_limit), str(needed)
        super().__init__(f"a gas limit of {gas_limit} is below the {needed} that the call costs before it runs")


class MaxFeeTooLow(InvalidTransaction):
    """The maximum fee per gas is below the base fee."""

    code = "evm.max_fee_too_low"

    def __init__(self, max_fee: int, base_fee: int) -> None:
        self.max_fee, self.base_fee = str(max_fee), str(base_fee)
        super().__init__(f"a maximum fee of {max_fee} per gas is below the base fee, {base_fee}")


class PriorityFeeTooHigh(InvalidTransaction):
    """The priority fee per gas exceeds the maximum fee per gas."""

    code = "evm.priority_fee_too_high"

    def __init__(self, priority_fee: int, max_fee: int) -> None:
        self.priority_fee, self.max_fee = str(priority_fee), str(max_fee)
        super().__init__(f"a priority fee of {priority_fee} exceeds the maximum fee, {max_fee}")


class SenderHasCode(InvalidTransaction):
    """A contract lies at the source of the call."""

    code = "evm.sender_has_code"

    def __init__(self, source: bytes) -> None:
        self.source = source
        super().__init__("a contract cannot send transactions")


class InsufficientBalance(InvalidTransaction):
    """The EVM account cannot cover the value and the most that gas may cost."""

    code = "evm.insufficient_balance"

    def __init__(self, needed: int, available: int) -> None:
        self.needed, self.available = str(needed), str(available)
        super().__init__(f"{needed} base units needed, {available} available")


class Failed(EvmError):
    """The call ran and did not end well; nothing of it remains."""

    code = "evm.failed"


class Reverted(Failed):
    """The contract refused; `reason` is what it says, `output` the beginning of its raw answer."""

    code = "evm.reverted"

    def __init__(self, output: bytes, reason: str) -> None:
        self.output, self.reason = output, reason
        super().__init__(f"the contract reverted: {reason}" if reason else "the contract reverted")


class OutOfGas(Failed):
    """The gas limit was not enough."""

    code = "evm.out_of_gas"

    def __init__(self, gas_limit: int) -> None:
        self.gas_limit = gas_limit
        super().__init__(f"a gas limit of {gas_limit} was not enough")


class TooManySteps(Failed):
    """The call takes more instructions than the enclave grants, whatever gas it paid for."""

    code = "evm.too_many_steps"

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"the call takes more than {limit} steps")


class Halted(Failed):
    """The machine came to an exception, like a jump into nowhere."""

    code = "evm.halted"

    def __init__(self, exception: str) -> None:
        self.exception = exception
        super().__init__(f"the machine halted: {exception}")


class MachineFault(Failed):
    """The machine broke down over the call: a defect of the machine, not an outcome that Ethereum knows."""

    code = "evm.machine_fault"

    def __init__(self, exception: str) -> None:
        self.exception = exception
        super().__init__(f"the machine broke down: {exception}")


class DepositUnpaid(EvmError):
    """The source lacks the existential deposits of the accounts that the call brings to life."""

    code = "evm.deposit_unpaid"

    def __init__(self, needed: int, available: int) -> None:
        self.needed, self.available = str(needed), str(available)
        super().__init__(
            f"accounts brought to life need existential deposits of {needed} base units, {available} available"
        )


class StorageTooLarge(EvmError):
    """Contracts that destroyed themselves have more storage than one call can clear; set slots to zero first."""

    code = "evm.storage_too_large"

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"one call can clear {limit} storage slots of contracts that destroy themselves")

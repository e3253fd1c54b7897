"""Commands of the EVM: contracts that ledger accounts create and call (worker `cli/src/evm`).

An account acts as the address of its first 20 bytes. The contract's address is computed here, from the EVM nonce
before the call.
"""

from __future__ import annotations

from typing import Any, Final

from integritee.apps.evm.addresses import H160, create2_address, create_address, evm_address, mapped_account
from integritee.crypto import ss58_encode
from integritee.primitives.ids import H256
from integritee.stf.ledger import Ledger

from .arguments import Options, amount, command
from .groups import Groups
from .output import Output
from .readers import reader
from .sending import send, signed_call
from .session import Session, session
from .signing import Parties, add_account, parties

CREATE_GAS: Final = 967_295
CALL_GAS: Final = 10_000_000
MAX_FEE_PER_GAS: Final = 1
FIRST_SLOT: Final = bytes(32)

HEX: Final = reader(bytes)


def add_commands(groups: Groups, ledger: Ledger) -> None:
    if "evm_create" not in ledger.calls:
        return
    verbs = groups.of(None)
    creating = command(verbs, "evm-create", evm_create, "create a contract")
    add_account(creating, "from")
    creating.add_argument("code", type=HEX, help="what makes the contract: hex")
    salted = command(verbs, "evm-create2", evm_create2, "create a contract at an address that is known before")
    add_account(salted, "from")
    salted.add_argument("code", type=HEX, help="what makes the contract: hex")
    salted.add_argument("salt", type=reader(H256), help="hex of 32 bytes")
    calling = command(verbs, "evm-call", evm_call, "call a function of a contract")
    add_account(calling, "from")
    calling.add_argument("address", type=reader(H160), help="the contract's: hex of 20 bytes")
    calling.add_argument("function", type=HEX, help="selector and arguments: hex")
    reading = command(verbs, "evm-read", evm_read, "first storage slot of a contract")
    add_account(reading, "from")
    reading.add_argument("address", type=reader(H160), help="the contract's: hex of 20 bytes")
    withdrawing = command(verbs, "evm-withdraw", evm_withdraw, "take funds out of an account's EVM address")
    add_account(withdrawing, "from")
    withdrawing.add_argument("amount", type=amount, help="base units")


async def evm_create(options: Options, output: Output) -> None:
    async with session(options) as asked:
        by = parties(options, asked.identity.store)
        source = evm_address(by.account)
        output.line(f"from ss58 is {ss58_encode(by.account)}")
        output.line(f'Trying to get nonce of evm account "{ss58_encode(mapped_account(source))}"')
        contract = create_address(source, await _evm_nonce(asked, by))
        arguments = (source, options.code, *_terms(CREATE_GAS, None))
        await send(options, output, asked, await signed_call(asked, by, "evm_create", *arguments))
    _report_contract(output, contract)


async def evm_create2(options: Options, output: Output) -> None:
    async with session(options) as asked:
        by = parties(options, asked.identity.store)
        source = evm_address(by.account)
        output.line(f"from ss58 is {ss58_encode(by.account)}")
        arguments = (source, options.code, options.salt, *_terms(CREATE_GAS, None))
        await send(options, output, asked, await signed_call(asked, by, "evm_create2", *arguments))
    _report_contract(output, create2_address(source, options.salt, options.code))


def _report_contract(output: Output, address: bytes) -> None:
    output.line(f"Created the smart contract with address 0x{address.hex()}")
    output.fact("address", f"0x{address.hex()}")


async def evm_call(options: Options, output: Output) -> None:
    async with session(options) as asked:
        by = parties(options, asked.identity.store)
        output.line("calling smart contract function")
        terms = _terms(CALL_GAS, await _evm_nonce(asked, by))
        arguments = (evm_address(by.account), options.address, options.function, *terms)
        await send(options, output, asked, await signed_call(asked, by, "evm_call", *arguments))


def _terms(gas_limit: int, nonce: int | None) -> tuple[Any, ...]:
    """What stands at the end of every transaction: no value, no priority fee, no access list."""
    return (0, gas_limit, MAX_FEE_PER_GAS, None, nonce, [])


async def _evm_nonce(asked: Session, by: Parties) -> int:
    return int(await asked.client.get("evm_nonce", by.account, signer=by.pair))


async def evm_read(options: Options, output: Output) -> None:
    async with session(options) as asked:
        by = parties(options, asked.identity.store)
        question = ("evm_account_storages", by.account, options.address, FIRST_SLOT)
        slot = await asked.client.get(*question, signer=by.pair)
    output.answer("slot", "0x" + slot.hex())


async def evm_withdraw(options: Options, output: Output) -> None:
    async with session(options) as asked:
        by = parties(options, asked.identity.store)
        output.line(f"send trusted call evm-withdraw to {ss58_encode(by.account)}: {options.amount}")
        signed = await signed_call(asked, by, "evm_withdraw", evm_address(by.account), options.amount)
        await send(options, output, asked, signed)

"""Contracts of the tests, with their calls."""

from __future__ import annotations

from integritee.crypto import keccak_256

from .assembler import assemble, deployable


def selector(signature: str) -> bytes:
    return keccak_256(signature.encode())[:4]


def invoke(signature: str, *args: int | bytes) -> bytes:
    """Call data; addresses and numbers each take a word."""
    words = (a.to_bytes(32, "big") if isinstance(a, int) else a.rjust(32, b"\0") for a in args)
    return selector(signature) + b"".join(words)


def dispatch(**signatures: str) -> str:
    """Jump to the label of the selector; revert for any other."""
    tests = "".join(
        f"DUP1 {int.from_bytes(selector(signature), 'big')} EQ @{label} JUMPI "
        for label, signature in signatures.items()
    )
    return f"0 CALLDATALOAD 224 SHR {tests} 0 0 REVERT"


# Slot 0 holds the count, slot 1 who called last. An unknown selector sets the count to 0x42.
COUNTER = deployable(
    assemble(
        f"""
        0 CALLDATALOAD 224 SHR
        DUP1 {int.from_bytes(selector("inc()"), "big")} EQ @inc JUMPI
        DUP1 {int.from_bytes(selector("add(uint256)"), "big")} EQ @add JUMPI
        0x42 0 SSTORE STOP
        inc: 1 @count JUMP
        add: 4 CALLDATALOAD @count JUMP
        count: 0 SLOAD ADD 0 SSTORE CALLER 1 SSTORE STOP
        """
    ),
    constructor="0x22 0 SSTORE CALLER 1 SSTORE",
)
INC, ADD_3 = invoke("inc()"), invoke("add(uint256)", 3)

TOKENS = 10**24
TRANSFER_EVENT = keccak_256(b"Transfer(address,address,uint256)")

# balances[who] at keccak(who ‖ 0), the supply in slot 1, all of it with the creator.
ERC20 = deployable(
    assemble(
        f"""
        {dispatch(transfer="transfer(address,uint256)", balance="balanceOf(address)", supply="totalSupply()")}
        supply: 1 SLOAD @answer JUMP
        balance: 4 CALLDATALOAD 0 MSTORE 64 0 KECCAK256 SLOAD @answer JUMP
        answer: 0 MSTORE 32 0 RETURN
        transfer:
            36 CALLDATALOAD                            # amount
            CALLER 0 MSTORE 64 0 KECCAK256 DUP1 SLOAD  # amount slot balance
            DUP3 DUP2 LT @poor JUMPI
            DUP3 SWAP1 SUB SWAP1 SSTORE                # amount
            4 CALLDATALOAD 0 MSTORE 64 0 KECCAK256 DUP1 SLOAD
            DUP3 ADD SWAP1 SSTORE                      # amount
            0 MSTORE 4 CALLDATALOAD CALLER {int.from_bytes(TRANSFER_EVENT, "big")} 32 0 LOG3
            1 @answer JUMP
        poor:
            {int.from_bytes(bytes.fromhex("08c379a0"), "big")} 224 SHL 0 MSTORE 32 4 MSTORE 4 36 MSTORE
            {int.from_bytes(b"poor".ljust(32, bytes(1)), "big")} 68 MSTORE 100 0 REVERT
        """
    ),
    constructor=f"CALLER 0 MSTORE {TOKENS} DUP1 64 0 KECCAK256 SSTORE 1 SSTORE 0 0 MSTORE",
)


def balance_slot(address: bytes) -> int:
    return int.from_bytes(keccak_256(address.rjust(32, b"\0") + bytes(32)), "big")


# Sends what it was sent with the call to the address in its first argument, failing if that fails.
FORWARDER = deployable(
    assemble("0 0 0 0 CALLVALUE 0 CALLDATALOAD GAS CALL @ok JUMPI 0 0 REVERT ok: STOP"),
)

# Destroys itself in favour of the address in its first argument; without one it takes what it is sent.
MORTAL = deployable(
    assemble("CALLDATASIZE @die JUMPI STOP die: 0 CALLDATALOAD SELFDESTRUCT"), constructor="7 0 SSTORE"
)

# Creates a contract from its call data, with the value it was sent, and keeps the address in slot 0.
FACTORY = deployable(
    assemble("CALLDATASIZE 0 0 CALLDATACOPY CALLDATASIZE 0 CALLVALUE CREATE DUP1 0 SSTORE 0 MSTORE 32 0 RETURN")
)

LOOP = deployable(assemble("again: @again JUMP"))
REVERTING = deployable(assemble("1 0 SSTORE 0 0 0 0 1 0xdead GAS CALL 0xabcd 0 MSTORE 2 30 REVERT"))
STUCK = deployable(assemble("1 0 SSTORE 0xffff JUMP"))

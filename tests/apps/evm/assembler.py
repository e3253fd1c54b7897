"""A tiny EVM assembler: words to bytes, with labels.

``name:`` marks a jump destination, ``@name`` pushes where it is; numbers are pushed with as few bytes as they need;
everything else is an instruction. ``#`` begins a comment.
"""

from __future__ import annotations

OPCODES = {
    name: first + i
    for first, names in {
        0x00: "STOP ADD MUL SUB DIV SDIV MOD SMOD ADDMOD MULMOD EXP SIGNEXTEND",
        0x10: "LT GT SLT SGT EQ ISZERO AND OR XOR NOT BYTE SHL SHR SAR",
        0x20: "KECCAK256",
        0x30: "ADDRESS BALANCE ORIGIN CALLER CALLVALUE CALLDATALOAD CALLDATASIZE CALLDATACOPY CODESIZE CODECOPY "
        "GASPRICE EXTCODESIZE EXTCODECOPY RETURNDATASIZE RETURNDATACOPY EXTCODEHASH",
        0x40: "BLOCKHASH COINBASE TIMESTAMP NUMBER DIFFICULTY GASLIMIT CHAINID SELFBALANCE BASEFEE",
        0x50: "POP MLOAD MSTORE MSTORE8 SLOAD SSTORE JUMP JUMPI PC MSIZE GAS JUMPDEST",
        0x80: " ".join(f"DUP{n}" for n in range(1, 17)),
        0x90: " ".join(f"SWAP{n}" for n in range(1, 17)),
        0xA0: "LOG0 LOG1 LOG2 LOG3 LOG4",
        0xF0: "CREATE CALL CALLCODE RETURN DELEGATECALL CREATE2",
        0xFA: "STATICCALL",
        0xFD: "REVERT INVALID SELFDESTRUCT",
    }.items()
    for i, name in enumerate(names.split())
}
PUSH1, PUSH2 = 0x60, 0x61


def assemble(source: str) -> bytes:
    """Code of a program."""
    code = bytearray()
    labels: dict[str, int] = {}
    holes: dict[int, str] = {}
    for word in (w for line in source.splitlines() for w in line.partition("#")[0].split()):
        if word.endswith(":"):
            labels[word[:-1]] = len(code)
            code.append(OPCODES["JUMPDEST"])
        elif word.startswith("@"):
            code.append(PUSH2)
            holes[len(code)] = word[1:]
            code += bytes(2)
        elif word in OPCODES:
            code.append(OPCODES[word])
        else:
            code += push(int(word, 0))
    for at, label in holes.items():
        code[at : at + 2] = labels[label].to_bytes(2, "big")
    return bytes(code)


def push(number: int) -> bytes:
    """PUSHn of a number."""
    data = number.to_bytes(max((number.bit_length() + 7) // 8, 1), "big")
    return bytes([PUSH1 + len(data) - 1]) + data


def deployable(runtime: bytes, constructor: str = "") -> bytes:
    """Init code that runs `constructor` and then lays `runtime` down."""
    head = assemble(constructor)
    tail = 2 * len(push(len(runtime))) + 11
    while True:
        copy = assemble(f"{len(runtime)} DUP1 {len(head) + tail} 0 CODECOPY 0 RETURN")
        if len(copy) == tail:
            return head + copy + runtime
        tail = len(copy)

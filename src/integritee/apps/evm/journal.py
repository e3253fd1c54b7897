"""State of one EVM run: read on demand, changed in memory, undone frame by frame, written back as net changes.

Nothing is read before the run touches it, so the cost follows the run and never the size of the ledger. Writes are
kept as undo records; a frame that fails takes back its own. The accounts that the run sees are those of EIP-161:
an account without nonce, balance and code does not exist.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

_ABSENT: Final = object()


class Accounts(Protocol):
    """State before the run."""

    def account(self, address: bytes) -> tuple[int, int]:
        """Nonce and spendable balance of a 20-byte address."""
        ...

    def code(self, address: bytes) -> bytes:
        """Code of a contract; empty if there is none."""
        ...

    def slot(self, address: bytes, slot: int) -> int:
        """A 256-bit storage slot; 0 if never set."""
        ...


@dataclass(frozen=True)
class AccountChange:
    """What a run did to an account. `code` is None and `slots` empty where nothing changed; a slot of 0 is removed.

    `wiped` storage is emptied before `slots` are written. A `destroyed` account keeps nothing.
    """

    address: bytes
    nonce: int
    balance: int
    balance_before: int
    code: bytes | None = None
    slots: dict[int, int] = field(default_factory=dict)
    wiped: bool = False
    destroyed: bool = False


class Journal:
    """The accounts as the run sees them."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._before: dict[bytes, tuple[int, int]] = {}
        self._nonces: dict[bytes, int] = {}
        self._balances: dict[bytes, int] = {}
        self._codes: dict[bytes, bytes] = {}
        self._new_codes: dict[bytes, bool] = {}
        self._slots: dict[bytes, dict[int, int]] = {}
        self._slots_before: dict[bytes, dict[int, int]] = {}
        self._wiped: dict[bytes, bool] = {}
        self._destroyed: dict[bytes, bool] = {}
        self._warm: dict[bytes | tuple[bytes, int], bool] = {}
        self._undo: list[tuple[dict[Any, Any], Any, Any]] = []

    # -- frames --------------------------------------------------------------------------------------

    def checkpoint(self) -> int:
        """A point to come back to."""
        return len(self._undo)

    def revert(self, checkpoint: int) -> None:
        """Take back everything since `checkpoint`; what became warm cools down again (EIP-2929)."""
        while len(self._undo) > checkpoint:
            mapping, key, old = self._undo.pop()
            if old is _ABSENT:
                del mapping[key]
            else:
                mapping[key] = old

    def _put(self, mapping: dict[Any, Any], key: Any, value: Any) -> None:
        self._undo.append((mapping, key, mapping.get(key, _ABSENT)))
        mapping[key] = value

    # -- accounts ------------------------------------------------------------------------------------

    def _load(self, address: bytes) -> None:
        self._before[address] = nonce, balance = self._accounts.account(address)
        self._nonces[address], self._balances[address] = nonce, balance

    def nonce(self, address: bytes) -> int:
        if address not in self._before:
            self._load(address)
        return self._nonces[address]

    def set_nonce(self, address: bytes, nonce: int) -> None:
        if address not in self._before:
            self._load(address)
        self._put(self._nonces, address, nonce)

    def balance(self, address: bytes) -> int:
        if address not in self._before:
            self._load(address)
        return self._balances[address]

    def set_balance(self, address: bytes, balance: int) -> None:
        if address not in self._before:
            self._load(address)
        self._put(self._balances, address, balance)

    def code(self, address: bytes) -> bytes:
        code = self._codes.get(address)
        if code is None:
            code = self._codes[address] = self._accounts.code(address)
        return code

    def set_code(self, address: bytes, code: bytes) -> None:
        self.code(address)
        self._put(self._codes, address, code)
        self._put(self._new_codes, address, True)

    def has_code_or_nonce(self, address: bytes) -> bool:
        return self.nonce(address) != 0 or self.code(address) != b""

    def is_empty(self, address: bytes) -> bool:
        """Whether the account does not exist in the sense of EIP-161."""
        return self.balance(address) == 0 and not self.has_code_or_nonce(address)

    def destroy(self, address: bytes) -> None:
        """Remove an account with all it holds."""
        self.set_nonce(address, 0)
        self.set_balance(address, 0)
        self.set_code(address, b"")
        self.wipe(address)
        self._put(self._destroyed, address, True)

    # -- storage -------------------------------------------------------------------------------------

    def slot(self, address: bytes, slot: int) -> int:
        slots = self._slots.setdefault(address, {})
        value = slots.get(slot)
        if value is None:
            value = slots[slot] = 0 if address in self._wiped else self.slot_before(address, slot)
        return value

    def slot_before(self, address: bytes, slot: int) -> int:
        """The slot as it was before the run."""
        slots = self._slots_before.setdefault(address, {})
        value = slots.get(slot)
        if value is None:
            value = slots[slot] = self._accounts.slot(address, slot)
        return value

    def set_slot(self, address: bytes, slot: int, value: int) -> None:
        self.slot(address, slot)
        self._put(self._slots[address], slot, value)

    def wipe(self, address: bytes) -> None:
        """Empty an account's storage, read or not."""
        self._put(self._slots, address, {})
        self._put(self._wiped, address, True)

    # -- access (EIP-2929) ---------------------------------------------------------------------------

    def is_warm(self, what: bytes | tuple[bytes, int]) -> bool:
        """Whether an address, or an (address, slot), was accessed before."""
        return what in self._warm

    def make_warm(self, what: bytes | tuple[bytes, int]) -> None:
        if what not in self._warm:
            self._put(self._warm, what, True)

    # -- outcome -------------------------------------------------------------------------------------

    def changes(self) -> Iterator[AccountChange]:
        """Accounts that are not as they were, by address."""
        for address in sorted(self._before.keys() | self._slots.keys() | self._new_codes.keys()):
            nonce, balance = self.nonce(address), self.balance(address)
            code = self._codes[address] if address in self._new_codes else None
            slots, wiped = self._changed_slots(address), address in self._wiped
            before = self._before[address]
            if wiped or slots or code is not None or (nonce, balance) != before:
                destroyed = address in self._destroyed
                yield AccountChange(address, nonce, balance, before[1], code, slots, wiped, destroyed)

    def _changed_slots(self, address: bytes) -> dict[int, int]:
        seen = self._slots.get(address, {})
        if address in self._wiped:
            return {slot: value for slot, value in seen.items() if value}
        return {slot: value for slot, value in seen.items() if value != self._slots_before[address][slot]}

"""pallet EncointerBalances: what accounts hold of the currencies of communities.

Source: encointer pallet `balances` 0.3. As the enclave of generation 1 does not know the rate at which money melts,
entries keep their principals; each change stamps them with the parentchain block. One thing is added: who has no
balance yet needs `LEAST_OPENING` to begin one, for calls are free and entries take room.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from integritee.frame.pallet import Pallet
from integritee.frame.storage_items import Blake2_128Concat, StorageDoubleMap, StorageMap
from integritee.primitives.ids import AccountId
from integritee.stf.errors import InvariantBroken

from .errors import AmountNotPositive, AmountTooSmall, BalanceTooLow, IssuanceOverflow
from .fixed_point import I64F64, ONE
from .types import BalanceEntry, Cid

LEAST_OPENING: Final = ONE // 100
"""A hundredth of a unit, as bits: so that a currency has at most a hundred times as many holders as units."""

MAX_ISSUANCE: Final = (1 << 127) - 1
"""As bits: the largest number with 64 fractional bits and a sign."""

NOTHING: Final = BalanceEntry(I64F64(0), 0)


class EncointerBalances(Pallet):
    """Balances by community and account; `block` is that of the parentchain. Nobody holds an entry of 0."""

    path = "pallet_encointer_balances"

    total_issuance: StorageMap[Blake2_128Concat[Cid], BalanceEntry | None]
    balance: StorageDoubleMap[Blake2_128Concat[Cid], Blake2_128Concat[AccountId], BalanceEntry | None]

    def entry(self, cid: bytes, who: bytes) -> BalanceEntry:
        return self.balance.get(cid, who) or NOTHING

    def issuance(self, cid: bytes) -> BalanceEntry:
        return self.total_issuance.get(cid) or NOTHING

    def check_transfer(self, cid: bytes, sender: bytes, recipient: bytes, amount: int) -> None:
        """Raises AmountNotPositive, BalanceTooLow, AmountTooSmall. `amount` as bits."""
        if amount <= 0:
            raise AmountNotPositive(amount)
        available = self.entry(cid, sender).principal.bits
        if available < amount:
            raise BalanceTooLow(amount, available)
        if amount < LEAST_OPENING and self.balance.get(cid, recipient) is None:
            raise AmountTooSmall(amount, LEAST_OPENING)

    def transfer(self, cid: bytes, sender: bytes, recipient: bytes, amount: int, block: int) -> None:
        """Raises as `check_transfer`."""
        self.check_transfer(cid, sender, recipient, amount)
        self._add(cid, sender, -amount, block)
        self._add(cid, recipient, amount, block)

    def issue(self, cid: bytes, who: bytes, amount: int, block: int) -> None:
        """Make money. Raises IssuanceOverflow."""
        total = self.issuance(cid).principal.bits + amount
        if total > MAX_ISSUANCE:
            raise IssuanceOverflow(cid)
        self.total_issuance.put(cid, BalanceEntry(I64F64(total), block))
        self._add(cid, who, amount, block)

    def _add(self, cid: bytes, who: bytes, amount: int, block: int) -> None:
        principal = self.entry(cid, who).principal.bits + amount
        if principal:
            self.balance.put(cid, who, BalanceEntry(I64F64(principal), block))
        else:
            self.balance.remove(cid, who)

    # -- laws ----------------------------------------------------------------------------------------

    def check_laws(self) -> None:
        """Each currency's issuance is the sum of its balances, which are above 0. Raises InvariantBroken."""
        held: Counter[bytes] = Counter()
        for (cid, _), entry in self.balance.items():
            assert entry is not None
            held[cid] += entry.principal.bits
            if entry.principal.bits <= 0:
                raise InvariantBroken("nobody holds nothing of a community's currency", entry.principal.bits, 1)
        for cid, total in self.total_issuance.items():
            assert total is not None
            if held.pop(cid, 0) != total.principal.bits:
                raise InvariantBroken("a currency's issuance is the sum of balances", total.principal.bits, held[cid])
        if held:
            raise InvariantBroken("only currencies that were issued are held", len(held), 0)

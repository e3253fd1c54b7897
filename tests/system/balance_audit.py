"""What the blocks of a parentchain say an account must hold: every event that moves or takes money, added up."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from integritee.client.parentchain import ParentchainClient


@dataclass
class Audit:
    """Base units by account (32 bytes), from genesis to the block `at`."""

    at: bytes
    received: dict[bytes, int] = field(default_factory=lambda: defaultdict(int))
    sent: dict[bytes, int] = field(default_factory=lambda: defaultdict(int))
    fees: dict[bytes, int] = field(default_factory=lambda: defaultdict(int))
    reserved: dict[bytes, int] = field(default_factory=lambda: defaultdict(int))
    transfers: list[tuple[bytes, bytes, int]] = field(default_factory=list)

    def balance(self, account: bytes, endowment: int = 0) -> int:
        """Free base units of an account that began with `endowment`."""
        taken = self.sent[account] + self.fees[account] + self.reserved[account]
        return endowment + self.received[account] - taken

    def paid(self, sender: bytes, receiver: bytes) -> list[int]:
        """Amounts of the transfers from one account to another, in order."""
        return [amount for who, to, amount in self.transfers if (who, to) == (sender, receiver)]


async def free_balance(chain: ParentchainClient, account: bytes, at: bytes) -> int:
    """Free base units at a block."""
    return int((await chain.storage("System", "Account", account, at=at))["data"]["free"])


async def audit(chain: ParentchainClient) -> Audit:
    """Read every block up to what is best now, once it is final: balances are asked of the best block."""
    best = (await chain.header()).number
    async with chain.finalized_heads() as heads:
        while (await chain.header(await chain.finalized_head())).number < best:
            await anext(heads)
    found = Audit(await chain.finalized_head())
    last = (await chain.header(found.at)).number
    for number in range(1, last + 1):
        block_hash = await chain.block_hash(number)
        assert block_hash is not None
        for event in await chain.events(block_hash):
            fields = event.fields
            match event.pallet, event.name:
                case "Balances", "Transfer":
                    sender, receiver, amount = (fields[k] for k in ("from", "to", "amount"))
                    found.sent[sender] += amount
                    found.received[receiver] += amount
                    found.transfers.append((sender, receiver, amount))
                case "Balances", "Reserved":
                    found.reserved[fields["who"]] += fields["amount"]
                case "Balances", "Unreserved":
                    found.reserved[fields["who"]] -= fields["amount"]
                case "TransactionPayment", "TransactionFeePaid":
                    found.fees[fields["who"]] += fields["actual_fee"] + fields["tip"]
    return found

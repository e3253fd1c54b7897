"""What both ledgers must hold once all is quiet, told by the users' own books."""

from __future__ import annotations

from typing import Final

from integritee.client.parentchain import ParentchainClient
from integritee.stf.development import ENDOWED
from integritee.stf.runtime import ENCLAVE_ENDOWMENT

from .balance_audit import audit, free_balance
from .crash_users import Network, User
from .processes import soon

SETTLING_SECONDS: Final = 25.0


async def check_books(users: list[User], network: Network) -> None:
    """Both ledgers hold what the users remember, and keep holding it."""
    paid_out = {account: amount for user in users for account, amount in user.paid_out.items()}
    deposited = sum(sum(user.deposited) for user in users)
    async with network.parentchain() as chain, network.worker() as worker:
        await all_paid(chain, paid_out)
        await blocks_pass(chain, 10)  # time for anything that would happen twice
        books = await audit(chain)
        found = {account: await free_balance(chain, account, books.at) for account in paid_out}
        assert found == paid_out
        for account, amount in paid_out.items():
            assert books.paid(network.vault, account) == [amount]
        for user in users:
            info = await worker.account_info(user.pair)
            assert (info.nonce, info.data.free) == (user.nonce, user.balance)
            assert books.paid(user.pair.public, network.vault) == user.deposited
        assert await worker.total_issuance() == ENDOWED + ENCLAVE_ENDOWMENT + deposited - sum(paid_out.values())


async def all_paid(chain: ParentchainClient, expected: dict[bytes, int]) -> None:
    async def is_paid() -> bool:
        return all([await chain.free_balance(account) > 0 for account in expected])

    await soon(is_paid, "the last payment", SETTLING_SECONDS)


async def blocks_pass(chain: ParentchainClient, count: int) -> None:
    async with chain.finalized_heads() as heads:
        async for _ in heads:
            count -= 1
            if count <= 0:
                return

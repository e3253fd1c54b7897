"""`shield-funds`: funds for a shard without a vault, by pallet EnclaveBridge.

The parentchain sees who pays, the enclave alone who is credited. With a vault the ledger takes no other way in, and
nobody has the key of the account that such funds would be on; so this command first asks the worker. The original
(worker `cli/src/base_cli/commands/shield_funds.rs`) does not, and the funds are lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .arguments import Commands, Options, amount, command
from .output import Output

if TYPE_CHECKING:
    from integritee.client.worker import WorkerClient


def add_command(commands: Commands) -> None:
    shield = command(commands, "shield-funds", shield_funds, "pay into a shard that has no vault")
    shield.add_argument("from_", metavar="from", help="//Path, seed, phrase, or SS58 address in ./my_keystore")
    shield.add_argument("to", help="who is credited in the private ledger: SS58 address or //Path")
    shield.add_argument("amount", type=amount, help="base units")
    shield.add_argument("shard", help="base58")


async def shield_funds(options: Options, output: Output) -> None:
    """Done when the extrinsic is final. Raises AnotherShard, ShardHasVault and client errors."""
    from integritee.client.accounts import recipient, signer
    from integritee.client.keystore import KeyStore

    from .base import report_inclusion
    from .connections import include, node, worker
    from .session import identifier

    pair, to = signer(options.from_, KeyStore.base()), recipient(options.to)
    shard = identifier("shard", options.shard)
    async with await worker(options) as client:
        await _check(client, shard)
        shielded = (await client.shielding_key()).encrypt(to)
    async with await node(options) as chain:
        arguments = {"shard": shard, "incognito_account_encrypted": shielded, "amount": options.amount}
        extrinsic = await chain.sign(chain.call("EnclaveBridge", "shield_funds", arguments), pair)
        inclusion = await include(options, chain, extrinsic, until="finalized")
    report_inclusion(output, "shield funds", inclusion, status="Finalized", with_block=True)


async def _check(client: WorkerClient, shard: bytes) -> None:
    """Raises AnotherShard, ShardHasVault; RequestRefused if the worker does not know yet whether there is a vault."""
    from integritee.client.errors import RequestRefused
    from integritee.crypto import ss58_encode

    from .errors import AnotherShard, ShardHasVault
    from .session import base58_text

    served = await client.served_shard()
    if served != shard:
        raise AnotherShard(base58_text(served), base58_text(shard))
    try:
        account, parentchain = await client.shard_vault()
    except RequestRefused as refused:
        if refused.code == RequestRefused.code:  # a worker of the original, which has none and gives no code
            return
        raise
    raise ShardHasVault(ss58_encode(account), parentchain.name)

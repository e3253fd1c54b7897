"""The steps of the parentchain conformance tests, taken with `async-substrate-interface`.

Runs in the environment of async-substrate-interface.txt: ``python async_substrate_interface_client.py ws://…``.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from async_substrate_interface import AsyncExtrinsicReceipt, AsyncSubstrateInterface
from async_substrate_interface.errors import SubstrateRequestException
from bittensor_wallet import Keypair
from report import step

ONE = 10**12
HEADS = 3
SS58_FORMAT = 13


class Client:
    """A connection and who pays."""

    def __init__(self, chain: AsyncSubstrateInterface) -> None:
        self.chain = chain
        self.sender = self.account_of("//Bob")

    def account_of(self, uri: str) -> Keypair:
        """Key pairs of this library show addresses of prefix 42 only."""
        return Keypair.create_from_uri(uri)

    def stranger(self, name: str) -> str:
        """The address of an account nobody else uses."""
        return str(self.account_of(f"//async-substrate-interface//{name}").ss58_address)

    async def account(self, address: str) -> Any:
        return (await self.chain.query("System", "Account", [address])).value

    async def transfer(self, to: str, amount: int) -> Any:
        return await self.chain.compose_call("Balances", "transfer_allow_death", {"dest": to, "value": amount})

    async def finalize(self, call: Any, era: dict[str, int] | None = None) -> AsyncExtrinsicReceipt:
        extrinsic = await self.chain.create_signed_extrinsic(call, self.sender, era=era)
        return await self.chain.submit_extrinsic(extrinsic, wait_for_finalization=True)

    async def next_heads(self, count: int, finalized: bool = False) -> list[int]:
        found: list[int] = []

        async def handle(update: Any) -> list[int] | None:
            found.append(update["header"]["number"])
            return found if len(found) == count else None

        await self.chain.subscribe_block_headers(handle, finalized_only=finalized)
        return found


async def events(receipt: AsyncExtrinsicReceipt) -> list[str]:
    return [f"{e['module_id']}.{e['event_id']}" for e in await receipt.triggered_events]


async def connect(chain: AsyncSubstrateInterface) -> Client:
    with step("connect") as facts:
        runtime = await chain.init_runtime()
        properties = await chain.properties
        version = (await chain.rpc_request("state_getRuntimeVersion", []))["result"]
        facts |= {
            "chain": chain.chain,
            "node_name": (await chain.rpc_request("system_name", []))["result"],
            "spec_name": version["specName"],
            "spec_version": runtime.runtime_version,
            "ss58_format": properties["ss58Format"],
            "token": properties["tokenSymbol"],
            "decimals": properties["tokenDecimals"],
            "genesis_hash": await chain.get_block_hash(0),
            "pallets": [pallet.value["name"] for pallet in runtime.metadata.pallets],
        }
    return Client(chain)


async def read(client: Client) -> None:
    chain = client.chain
    with step("constants") as facts:
        facts |= {
            "existential_deposit": str((await chain.get_constant("Balances", "ExistentialDeposit")).value),
            "block_hash_count": (await chain.get_constant("System", "BlockHashCount")).value,
            "ss58_prefix": (await chain.get_constant("System", "SS58Prefix")).value,
            "proxy_deposit_base": str((await chain.get_constant("Proxy", "ProxyDepositBase")).value),
        }
    with step("account") as facts:
        account = await client.account(client.sender.ss58_address)
        facts |= {
            "free": str(account["data"]["free"]),
            "nonce": account["nonce"],
            "providers": account["providers"],
            "total_issuance": str((await chain.query("Balances", "TotalIssuance")).value),
        }
    with step("account_map") as facts:
        accounts = await chain.query_map("System", "Account")
        facts["accounts"] = {who: str(info["data"]["free"]) async for who, info in accounts}
    with step("heads") as facts:
        facts["new"] = await client.next_heads(HEADS)
        facts["finalized"] = await client.next_heads(HEADS, finalized=True)
    with step("runtime_call") as facts:
        address = client.sender.ss58_address
        facts["nonce"] = await chain.get_account_nonce(address)
        facts["next_index"] = await chain.get_account_next_index(address, use_cache=False)


async def pay(client: Client) -> None:
    chain = client.chain
    with step("transfer") as facts:
        to = client.stranger("transfer")
        before = await client.account(client.sender.ss58_address)
        call = await client.transfer(to, ONE)
        info = await chain.get_payment_info(call, client.sender)
        receipt = await client.finalize(call)
        after = await client.account(client.sender.ss58_address)
        facts |= {
            "estimate": str(info["partial_fee"]),
            "class": info["class"].lower(),
            "fee": str(await receipt.total_fee_amount),
            "success": await receipt.is_success,
            "events": await events(receipt),
            "received": str((await client.account(to))["data"]["free"]),
            "spent": str(before["data"]["free"] - after["data"]["free"]),
            "nonces": after["nonce"] - before["nonce"],
        }
    with step("mortal_transfer") as facts:
        call = await client.transfer(client.stranger("mortal"), ONE)
        receipt = await client.finalize(call, era={"period": 64})
        facts |= {"success": await receipt.is_success, "events": await events(receipt)}
    with step("batch") as facts:
        recipients = [client.stranger("batch-1"), client.stranger("batch-2")]
        calls = [await client.transfer(who, (i + 1) * ONE) for i, who in enumerate(recipients)]
        receipt = await client.finalize(await chain.compose_call("Utility", "batch", {"calls": calls}))
        facts |= {
            "success": await receipt.is_success,
            "events": await events(receipt),
            "received": [str((await client.account(who))["data"]["free"]) for who in recipients],
        }
    with step("block") as facts:
        block = await chain.get_block(receipt.block_hash)
        extrinsics = [x.value for x in block["extrinsics"]]
        facts["calls"] = [f"{x['call']['call_module']}.{x['call']['call_function']}" for x in extrinsics]
        facts["signers"] = [x.get("address") for x in extrinsics]


async def fail(client: Client) -> None:
    chain = client.chain
    with step("dispatch_error") as facts:
        signer = client.stranger("no-enclave")
        call = await chain.compose_call("Teerex", "unregister_sovereign_enclave", {"enclave_signer": signer})
        receipt = await client.finalize(call)
        error = await receipt.error_message
        facts |= {"success": await receipt.is_success, "error": error["name"], "events": await events(receipt)}
    with step("outdated") as facts:
        call = await client.transfer(client.stranger("outdated"), ONE)
        extrinsic = await chain.create_signed_extrinsic(call, client.sender, nonce=0)
        try:
            await chain.submit_extrinsic(extrinsic)
        except SubstrateRequestException as refused:
            facts["message"] = str(refused)


async def main() -> None:
    async with AsyncSubstrateInterface(sys.argv[1], ss58_format=SS58_FORMAT) as chain:
        client = await connect(chain)
        await read(client)
        await pay(client)
        await fail(client)


if __name__ == "__main__":
    asyncio.run(main())

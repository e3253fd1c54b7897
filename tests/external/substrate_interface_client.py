"""The steps of the parentchain conformance tests, taken with `substrate-interface`.

Runs in the environment of substrate-interface.txt: ``python substrate_interface_client.py ws://…``.
"""

from __future__ import annotations

import sys
from typing import Any

from report import step
from substrateinterface import ExtrinsicReceipt, Keypair, SubstrateInterface
from substrateinterface.exceptions import SubstrateRequestException

ONE = 10**12
HEADS = 3


class Client:
    """A connection and who pays."""

    def __init__(self, url: str) -> None:
        self.chain = SubstrateInterface(url=url)
        self.chain.init_runtime()
        self.sender = Keypair.create_from_uri("//Bob", ss58_format=self.chain.ss58_format)

    def stranger(self, name: str) -> str:
        """The address of an account nobody else uses."""
        return str(Keypair.create_from_uri(f"//substrate-interface//{name}").ss58_address)

    def account(self, address: str) -> Any:
        return self.chain.query("System", "Account", [address]).value

    def transfer(self, to: str, amount: int) -> Any:
        return self.chain.compose_call("Balances", "transfer_allow_death", {"dest": to, "value": amount})

    def finalize(self, call: Any, era: dict[str, int] | None = None) -> ExtrinsicReceipt:
        extrinsic = self.chain.create_signed_extrinsic(call, self.sender, era=era)
        return self.chain.submit_extrinsic(extrinsic, wait_for_finalization=True)

    def next_heads(self, count: int, finalized: bool = False) -> list[int]:
        found: list[int] = []

        def handle(update: Any, update_number: int, subscription: str) -> list[int] | None:
            found.append(update["header"]["number"])
            return found if len(found) == count else None

        self.chain.subscribe_block_headers(handle, finalized_only=finalized)
        return found


def events(receipt: ExtrinsicReceipt) -> list[str]:
    return [f"{e.value['module_id']}.{e.value['event_id']}" for e in receipt.triggered_events]


def connect(url: str) -> Client:
    with step("connect") as facts:
        client = Client(url)
        chain = client.chain
        version = chain.rpc_request("state_getRuntimeVersion", [])["result"]
        facts |= {
            "chain": chain.chain,
            "node_name": chain.name,
            "spec_name": version["specName"],
            "spec_version": chain.runtime_version,
            "ss58_format": chain.ss58_format,
            "token": chain.token_symbol,
            "decimals": chain.token_decimals,
            "genesis_hash": chain.get_block_hash(0),
            "pallets": [pallet.value["name"] for pallet in chain.metadata.pallets],
        }
    return client


def read(client: Client) -> None:
    chain = client.chain
    with step("constants") as facts:
        facts |= {
            "existential_deposit": str(chain.get_constant("Balances", "ExistentialDeposit").value),
            "block_hash_count": chain.get_constant("System", "BlockHashCount").value,
            "ss58_prefix": chain.get_constant("System", "SS58Prefix").value,
            "proxy_deposit_base": str(chain.get_constant("Proxy", "ProxyDepositBase").value),
        }
    with step("account") as facts:
        account = client.account(client.sender.ss58_address)
        facts |= {
            "address": client.sender.ss58_address,
            "free": str(account["data"]["free"]),
            "nonce": account["nonce"],
            "providers": account["providers"],
            "total_issuance": str(chain.query("Balances", "TotalIssuance").value),
        }
    with step("account_map") as facts:
        facts["accounts"] = {
            who.value: str(info.value["data"]["free"]) for who, info in chain.query_map("System", "Account")
        }
    with step("heads") as facts:
        facts["new"] = client.next_heads(HEADS)
        facts["finalized"] = client.next_heads(HEADS, finalized=True)
    with step("runtime_call") as facts:
        facts["nonce"] = chain.runtime_call("AccountNonceApi", "account_nonce", [client.sender.ss58_address]).value
        facts["next_index"] = chain.get_account_nonce(client.sender.ss58_address)


def pay(client: Client) -> None:
    chain = client.chain
    with step("transfer") as facts:
        to = client.stranger("transfer")
        before = client.account(client.sender.ss58_address)
        call = client.transfer(to, ONE)
        info = chain.get_payment_info(call, client.sender)
        receipt = client.finalize(call)
        after = client.account(client.sender.ss58_address)
        facts |= {
            "estimate": str(info["partialFee"]),
            "class": info["class"].lower(),
            "fee": str(receipt.total_fee_amount),
            "success": receipt.is_success,
            "events": events(receipt),
            "received": str(client.account(to)["data"]["free"]),
            "spent": str(before["data"]["free"] - after["data"]["free"]),
            "nonces": after["nonce"] - before["nonce"],
        }
    with step("mortal_transfer") as facts:
        receipt = client.finalize(client.transfer(client.stranger("mortal"), ONE), era={"period": 64})
        facts |= {"success": receipt.is_success, "events": events(receipt)}
    with step("batch") as facts:
        first, second = client.stranger("batch-1"), client.stranger("batch-2")
        calls = [client.transfer(first, ONE), client.transfer(second, 2 * ONE)]
        receipt = client.finalize(chain.compose_call("Utility", "batch", {"calls": calls}))
        facts |= {
            "success": receipt.is_success,
            "events": events(receipt),
            "received": [str(client.account(who)["data"]["free"]) for who in (first, second)],
        }
    with step("block") as facts:
        block = chain.get_block(receipt.block_hash)
        facts["calls"] = [
            f"{x.value['call']['call_module']}.{x.value['call']['call_function']}" for x in block["extrinsics"]
        ]
        facts["signers"] = [x.value.get("address") for x in block["extrinsics"]]


def fail(client: Client) -> None:
    chain = client.chain
    with step("dispatch_error") as facts:
        signer = client.stranger("no-enclave")
        call = chain.compose_call("Teerex", "unregister_sovereign_enclave", {"enclave_signer": signer})
        receipt = client.finalize(call)
        facts |= {"success": receipt.is_success, "error": receipt.error_message["name"], "events": events(receipt)}
    with step("outdated") as facts:
        extrinsic = chain.create_signed_extrinsic(
            client.transfer(client.stranger("outdated"), ONE), client.sender, nonce=0
        )
        try:
            chain.submit_extrinsic(extrinsic)
        except SubstrateRequestException as refused:
            facts |= {key: refused.args[0][key] for key in ("code", "message", "data")}


def main() -> None:
    client = connect(sys.argv[1])
    read(client)
    pay(client)
    fail(client)
    client.chain.close()


if __name__ == "__main__":
    main()

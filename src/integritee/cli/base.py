"""Commands of the parentchain: balances, transfers, workers, metadata, accounts (worker `cli/src/base_cli`)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from . import listen, shielding
from .arguments import Commands, Options, amount, command
from .fees import add_fee_asset
from .output import Output

if TYPE_CHECKING:
    from integritee.client.parentchain import Inclusion
    from integritee.metadata import RuntimeMetadata

DRIP: Final = 1_000_000_000
"""Base units the faucet gives to an account."""

MAX_WORKERS: Final = 1000

NO_URL: Final = "\x10none"
"""What the original shows for a worker without URL: the SCALE form of "none"."""


def add_commands(commands: Commands) -> None:
    balance_ = command(commands, "balance", balance, "free balance of a parentchain account")
    balance_.add_argument("account", help="SS58 address or //Path")
    command(commands, "new-account", new_account, "make a parentchain account in ./my_keystore")
    command(commands, "list-accounts", list_accounts, "list the parentchain accounts in ./my_keystore")
    command(commands, "print-metadata", print_metadata, "print the node's metadata as JSON")
    command(commands, "print-sgx-metadata", print_sgx_metadata, "print the metadata of the private ledger as JSON")
    faucet_ = command(commands, "faucet", faucet, "give some of //Alice's parentchain funds to accounts")
    faucet_.add_argument("accounts", nargs="+", metavar="account", help="SS58 address or //Path")
    transfer_ = command(commands, "transfer", transfer, "transfer funds between parentchain accounts")
    transfer_.add_argument("from_", metavar="from", help="//Path, seed, phrase, or SS58 address in ./my_keystore")
    transfer_.add_argument("to", help="SS58 address or //Path")
    transfer_.add_argument("amount", type=amount, help="base units")
    add_fee_asset(transfer_)
    command(commands, "list-workers", list_workers, "list the enclaves registered on the parentchain")
    listen.add_command(commands)
    shielding.add_command(commands)


async def balance(options: Options, output: Output) -> None:
    from integritee.client.accounts import recipient

    from .connections import node

    account = recipient(options.account)
    async with await node(options) as chain:
        output.answer("balance", str(await chain.free_balance(account)))


async def new_account(options: Options, output: Output) -> None:
    from integritee.client.keystore import KeyStore
    from integritee.crypto import ss58_encode

    output.answer("account", ss58_encode(KeyStore.base().generate().public))


async def list_accounts(options: Options, output: Output) -> None:
    from integritee.client.keystore import ED25519, SR25519, KeyStore
    from integritee.crypto import ss58_encode

    store = KeyStore.base()
    for scheme, key_type in (("sr25519", SR25519), ("ed25519", ED25519)):
        addresses = [ss58_encode(public) for public in store.public_keys(key_type)]
        output.line(f"{scheme} keys:")
        output.fact(scheme, addresses)
        for address in addresses:
            output.line(address)


async def print_metadata(options: Options, output: Output) -> None:
    from .connections import node

    async with await node(options) as chain:
        _print_metadata(output, chain.runtime.metadata)


async def print_sgx_metadata(options: Options, output: Output) -> None:
    from integritee.metadata import RuntimeMetadata

    from .connections import worker

    async with await worker(options) as client:
        raw = await client.metadata()
    output.line("[+] Got metadata of enclave runtime")
    _print_metadata(output, RuntimeMetadata.parse(raw))


def _print_metadata(output: Output, metadata: RuntimeMetadata) -> None:
    view = metadata.to_json()
    output.line("Metadata:\n " + json.dumps(view, indent=1))
    output.fact("metadata", view)


async def faucet(options: Options, output: Output) -> None:
    from integritee.client.accounts import recipient
    from integritee.crypto import Sr25519Pair, ss58_encode

    from .connections import node

    accounts = [recipient(text) for text in options.accounts]
    alice = Sr25519Pair.from_uri("//Alice")
    async with await node(options) as chain:
        first = await chain.next_nonce(alice.public)
        for nonce, account in enumerate(accounts, first):
            call = chain.call("Balances", "transfer_keep_alive", {"dest": account, "value": DRIP})
            extrinsic_hash = await chain.submit(await chain.sign(call, alice, nonce))
            address = ss58_encode(account)
            output.line(f"Faucet drips to {address} (Alice's nonce={nonce})")
            output.append("drips", {"to": address, "nonce": nonce, "extrinsic_hash": "0x" + extrinsic_hash.hex()})


async def transfer(options: Options, output: Output) -> None:
    from integritee.client.accounts import recipient, signer
    from integritee.client.keystore import KeyStore
    from integritee.crypto import ss58_encode

    from .connections import include, node
    from .fees import signed

    pair, to = signer(options.from_, KeyStore.base()), recipient(options.to)
    async with await node(options) as chain:
        extrinsic = await signed(options, chain, chain.transfer(to, options.amount), pair)
        inclusion = await include(options, chain, extrinsic)
        free = await chain.free_balance(to)
    report_inclusion(output, "L1 extrinsic", inclusion)
    output.line(f"balance for {ss58_encode(to)} is now {free}")
    output.fact("to", ss58_encode(to))
    output.fact("balance", str(free))


def report_inclusion(
    output: Output, what: str, inclusion: Inclusion, *, status: str = "InBlock", with_block: bool = False
) -> None:
    """The line of an extrinsic that got into a block."""
    extrinsic, block = "0x" + inclusion.extrinsic_hash.hex(), "0x" + inclusion.block_hash.hex()
    line = f"[+] {what} success. extrinsic hash: {extrinsic} / status: {status}({block})"
    output.line(f"{line} / block hash: {block}" if with_block else line)
    output.fact("extrinsic_hash", extrinsic)
    output.fact("block_hash", block)


async def list_workers(options: Options, output: Output) -> None:
    from .connections import node

    async with await node(options) as chain:
        metadata = chain.runtime.metadata
        keys = await chain.keys(metadata.storage_prefix("Teerex", "SovereignEnclaves"), MAX_WORKERS)
        found = [metadata.decode_storage("Teerex", "SovereignEnclaves", await chain.raw_storage(k)) for k in keys]
    output.line(f"number of enclaves registered: {len(found)}")
    output.fact("workers", [])
    for enclave in found:
        _report_worker(output, enclave.value)


def _report_worker(output: Output, enclave: dict[str, Any]) -> None:
    from base58 import b58encode

    from integritee.crypto import ss58_encode

    from .views import account_debug

    signer: bytes = enclave["report_data"]["d"][:32]
    mrenclave = b58encode(enclave["mr_enclave"]).decode()
    url = None if enclave["url"] is None else enclave["url"].decode(errors="replace")
    output.line("Enclave")
    output.line(f"   signer: Known(Ed25519({account_debug(signer)}))")
    output.line(f"   MRENCLAVE: {mrenclave}")
    output.line(f"   RA timestamp: {enclave['timestamp']}")
    output.line(f"   URL: {NO_URL if url is None else url}")
    member = {"signer": ss58_encode(signer), "mrenclave": mrenclave, "timestamp": enclave["timestamp"], "url": url}
    output.append("workers", member)

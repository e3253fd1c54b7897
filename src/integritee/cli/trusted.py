"""`trusted`: what an enclave knows and does (worker `cli/src/trusted_base_cli`).

Queries of the enclave are listed here. Verbs of getters and calls come from the ledger's declarations (`getters`,
`calls`), but for those of notes, session proxies and contracts, which say more than a call does.
"""

from __future__ import annotations

from .arguments import Commands, Options, Parser, command
from .output import Output

ABOUT = "the private ledger: accounts, transfers, and what the enclave says of itself"

NOTICE = """\
Without --direct a call travels through the parentchain as EnclaveBridge.invoke, and the command waits until the
enclave has processed that block and with it the call. Whether the ledger accepted it is not told on chain: ask for
the balance, or for the nonce.
"""


def add_commands(commands: Commands, apps: list[str]) -> None:
    """Add `trusted`. Its verbs need the ledger's declarations, which take a while to load; `apps` are then known."""
    group = commands.add_parser("trusted", help=ABOUT, description=ABOUT, epilog=NOTICE, allow_abbrev=False)
    group.add_argument("-m", "--mrenclave", help="base58; default: what the worker says")
    group.add_argument("-s", "--shard", help="base58; default: the MRENCLAVE if given, else what the worker says")
    group.add_argument("-a", "--xt-signer", default="//Alice", help="who pays for indirect calls (%(default)s)")
    group.add_argument("-d", "--direct", action="store_true", help="submit calls straight to the enclave")
    group.fill = lambda: _add_verbs(group, apps)


def command_names() -> set[str]:
    """All commands of `trusted`, groups of the project's and of installed apps included."""
    return set(_add_verbs(Parser(), []).choices)


def _add_verbs(group: Parser, apps: list[str]) -> Commands:
    """Commands of the original come first: names that apps choose must not hide them."""
    from . import (
        benchmark,
        calls,
        community_metadata,
        development,
        encointer,
        evm,
        getters,
        notes,
        proxies,
        relayed_notes,
        watchdog,
    )
    from .groups import Groups
    from .ledger import ledger_with

    ledger = ledger_with(apps)
    group.set_defaults(ledger=ledger)
    verbs = group.add_subparsers(title="commands", metavar="COMMAND", required=True, dest="verb")
    groups = Groups(verbs, ledger)
    _add_accounts(verbs)
    _add_queries(verbs)
    for module in (notes, relayed_notes, proxies, development, watchdog, benchmark):
        module.add_commands(groups)
    for derived in (evm, encointer, community_metadata, getters, calls):
        derived.add_commands(groups, ledger)
    return verbs


def _add_accounts(verbs: Commands) -> None:
    command(verbs, "new-account", new_account, "make an account in ./my_trusted_keystore/<shard>")
    command(verbs, "list-accounts", list_accounts, "list the accounts in ./my_trusted_keystore/<shard>")


def _add_queries(verbs: Commands) -> None:
    fingerprint = command(verbs, "get-fingerprint", get_fingerprint, "the enclave's MRENCLAVE")
    fingerprint.add_argument("-x", "--hex", action="store_true", help="also in hex")
    shard = command(verbs, "get-shard", get_shard, "the shard the enclave serves")
    shard.add_argument("-x", "--hex", action="store_true", help="also in hex")
    shard.add_argument("-a", "--ascii", action="store_true", help="also as text")
    command(verbs, "get-shard-vault", get_shard_vault, "the account that holds the shard's funds on the parentchain")
    command(verbs, "get-sidechain-header", get_sidechain_header, "header of the latest sidechain block")
    command(verbs, "version", version, "version of the enclave")


# -- accounts ------------------------------------------------------------------------------------------


async def new_account(options: Options, output: Output) -> None:
    from integritee.crypto import ss58_encode

    from .session import key_store

    store = await key_store(options)
    output.answer("account", ss58_encode(store.generate().public))


async def list_accounts(options: Options, output: Output) -> None:
    from integritee.client.keystore import ED25519, SR25519
    from integritee.crypto import ss58_encode

    from .session import key_store

    store = await key_store(options)
    for scheme, key_type in (("sr25519", SR25519), ("ed25519", ED25519)):
        addresses = [ss58_encode(public) for public in store.public_keys(key_type)]
        output.fact(scheme, addresses)
        for address in addresses:
            output.line(address)


# -- queries of the enclave ----------------------------------------------------------------------------


async def get_fingerprint(options: Options, output: Output) -> None:
    from .connections import worker

    async with await worker(options) as client:
        fingerprint = await client.fingerprint()
    _report_identifier(output, "fingerprint", fingerprint, as_hex=options.hex)


async def get_shard(options: Options, output: Output) -> None:
    from .connections import worker

    async with await worker(options) as client:
        shard = await client.served_shard()
    _report_identifier(output, "shard", shard, as_hex=options.hex)
    if options.ascii:
        output.answer("ascii", shard.decode(errors="replace"))


def _report_identifier(output: Output, name: str, identifier: bytes, *, as_hex: bool) -> None:
    from .session import base58_text

    output.answer(name, base58_text(identifier))
    if as_hex:
        output.answer("hex", "0x" + identifier.hex())


async def get_shard_vault(options: Options, output: Output) -> None:
    from integritee.crypto import ss58_encode
    from integritee.primitives.ids import ParentchainId

    from .connections import worker

    async with await worker(options) as client:
        account, parentchain = await client.shard_vault()
    output.answer("vault", ss58_encode(account))
    output.fact("parentchain", parentchain.name)
    if parentchain is not ParentchainId.Integritee:
        output.notice(
            f"the vault is on {parentchain.name}; what is sent to this account on another chain is not credited"
        )


async def get_sidechain_header(options: Options, output: Output) -> None:
    from integritee.primitives.sidechain import SidechainHeader

    from .connections import worker
    from .json_values import json_value
    from .views import debug

    async with await worker(options) as client:
        header = await client.latest_header()
    output.line(debug(SidechainHeader, header))
    output.fact("header", json_value(SidechainHeader, header))


async def version(options: Options, output: Output) -> None:
    from .connections import worker

    async with await worker(options) as client:
        output.answer("version", await client.version())

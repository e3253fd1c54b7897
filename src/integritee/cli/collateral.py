"""`register-tcb-info` and `register-quoting-enclave`: Intel's collateral for the parentchain's registry of enclaves.

Source: worker `cli/src/base_cli/commands/register_tcb_info.rs`. The second verb is an addition, as is everything
beyond ``--fmspc`` and ``--all``. Without this collateral the parentchain takes no DCAP quotes; anyone may bring it
along, for the chain checks that Intel has signed it and that it is current.
"""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

from .arguments import Commands, Options, Parser, command
from .errors import Tolerated, UsageError
from .output import Output

if TYPE_CHECKING:
    from integritee.attestation import SignedDocument
    from integritee.client.collateral import CollateralService, Platform


def add_commands(commands: Commands) -> None:
    tcb_info = command(commands, "register-tcb-info", register_tcb_info, "register TCB levels of processor families")
    _add_sender(tcb_info)
    which = tcb_info.add_mutually_exclusive_group(required=True)
    which.add_argument("-f", "--fmspc", type=fmspc, metavar="HEX", help="fetch those of one family: 6 bytes")
    which.add_argument("-a", "--all", action="store_true", help="fetch those of all families that Intel knows")
    _add_files(tcb_info, which)
    about = "register the identity of Intel's quoting enclave"
    identity = command(commands, "register-quoting-enclave", register_quoting_enclave, about)
    _add_sender(identity)
    _add_files(identity, identity)


def _add_sender(parser: Parser) -> None:
    parser.add_argument("sender", help="who pays: //Path, seed, phrase, or SS58 address in ./my_keystore")


def _add_files(parser: Parser, beside: argparse._ActionsContainer) -> None:
    beside.add_argument("--collateral", type=Path, metavar="FILE|FOLDER", help="take it from here, not from Intel")
    parser.add_argument(
        "--certificates", type=Path, metavar="PEM", help="chain of the signer, for an answer of Intel's"
    )
    parser.add_argument("--pcs-url", metavar="URL", help="where it is fetched in place of Intel's service")


def fmspc(text: str) -> str:
    """The hex of 6 bytes."""
    try:
        if len(bytes.fromhex(text)) == 6 and len(text) == 12:
            return text
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is not the hex of 6 bytes")


# -- TCB info --------------------------------------------------------------------------------------------


async def register_tcb_info(options: Options, output: Output) -> None:
    """One extrinsic per family; what fails does not keep the others from it, and is told at the end."""
    from integritee.client.errors import ExtrinsicFailed, RpcError

    _check(options)
    registered: list[tuple[str, str | None]] = []
    failure: ExtrinsicFailed | RpcError | None = None
    async for family, document in _tcb_infos(options, output):
        try:
            extrinsic, block = await _register(options, "register_tcb_info", "tcb_info", document)
        except (ExtrinsicFailed, RpcError) as failed:
            failure = failure or failed
            output.notice(f"{family}: {failed}")
            registered.append((family, None))
        else:
            output.line(f"[+] register_tcb_info. extrinsic hash: {extrinsic} / status: InBlock({block})")
            registered.append((family, extrinsic))
        output.append("registered", {"fmspc": family, "extrinsic_hash": registered[-1][1]})
    shown = (f'("{family}", {"None" if found is None else f"Some({found})"})' for family, found in registered)
    output.line(f"[{', '.join(shown)}]")
    if failure is not None:
        raise Tolerated(failure)


async def _tcb_infos(options: Options, output: Output) -> AsyncIterator[tuple[str, SignedDocument]]:
    from integritee.client.collateral import Kind, fmspc_of, read_documents

    if options.collateral is not None:
        for document in read_documents(options.collateral, Kind.TCB_INFO, options.certificates):
            yield fmspc_of(document), document
        return
    service = _service(options)
    for family in await _families(options, output, service):
        output.line(f"fetching tcb info for fmspc {family} from {service.host}")
        yield family, await service.tcb_info(family)


async def _families(options: Options, output: Output, service: CollateralService) -> list[str]:
    if not options.all:
        return [options.fmspc]
    platforms = await service.platforms()
    output.line(f"[{', '.join(map(_platform, platforms))}]")
    output.fact("platforms", [{"fmspc": p.fmspc, "platform": p.platform} for p in platforms])
    return [platform.fmspc for platform in platforms]


def _platform(platform: Platform) -> str:
    """Rust's debug form."""
    return f'Platform {{ fmspc: "{platform.fmspc}", _platform: "{platform.platform}" }}'


# -- the quoting enclave ---------------------------------------------------------------------------------


async def register_quoting_enclave(options: Options, output: Output) -> None:
    _check(options)
    document = await _identity(options, output)
    extrinsic, block = await _register(options, "register_quoting_enclave", "enclave_identity", document)
    output.line(f"[+] register_quoting_enclave. extrinsic hash: {extrinsic} / status: InBlock({block})")
    output.fact("extrinsic_hash", extrinsic)
    output.fact("block_hash", block)


async def _identity(options: Options, output: Output) -> SignedDocument:
    from integritee.client.collateral import Kind, read_documents

    if options.collateral is not None:
        *_, last = read_documents(options.collateral, Kind.QE_IDENTITY, options.certificates)
        return last
    service = _service(options)
    output.line(f"fetching identity of the quoting enclave from {service.host}")
    return await service.quoting_enclave()


# -- both ------------------------------------------------------------------------------------------------


def _check(options: Options) -> None:
    if options.certificates is not None and options.collateral is None:
        raise UsageError("--certificates are those of a file: it needs --collateral")


def _service(options: Options) -> CollateralService:
    from integritee.client.collateral import INTEL, CollateralService

    return CollateralService((options.pcs_url or INTEL).rstrip("/"), options.timeout)


async def _register(options: Options, function: str, argument: str, document: SignedDocument) -> tuple[str, str]:
    """Hashes of the extrinsic and of the block it got into, in hex."""
    from integritee.client.accounts import signer
    from integritee.client.keystore import KeyStore

    from .connections import include, node

    pair = signer(options.sender, KeyStore.base())
    async with await node(options) as chain:
        arguments = {
            argument: document.text,
            "signature": document.signature,
            "certificate_chain": document.chain,
        }
        inclusion = await include(options, chain, await chain.sign(chain.call("Teerex", function, arguments), pair))
    return "0x" + inclusion.extrinsic_hash.hex(), "0x" + inclusion.block_hash.hex()

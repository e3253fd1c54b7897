"""`attesteer`: evidence of enclaves that others run, on its way to the parentchain (worker `cli/src/attesteer`).

A worker that forwards evidence signs the registration itself. With ``--xt-signer`` an account of one's own signs it,
and the evidence goes to the parentchain without any worker: a quote makes a proxied enclave of the account, and a
report of Intel's Attestation Service has to be about the account itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from .arguments import Commands, Options, command, group
from .errors import BadHex, Tolerated
from .output import Output

if TYPE_CHECKING:
    from integritee.client.worker import WorkerClient

MAX_FILE: Final = 64 * 1024
"""Characters; evidence has at most 5000 bytes."""


def add_commands(commands: Commands) -> None:
    attesteer = group(commands, "attesteer", "evidence of enclaves that others run", "attesteer_command")
    for name, run, about in (
        ("send-dcap-quote", send_dcap_quote, "have a DCAP quote registered"),
        ("send-ias-attestation-report", send_ias_report, "have a report of Intel's Attestation Service registered"),
    ):
        verb = command(attesteer, name, run, about)
        verb.add_argument("file", type=Path, help="text file with the evidence in hex")
        verb.add_argument(
            "-a", "--xt-signer", metavar="ACCOUNT", help="sign the registration, and send it to the node"
        )


async def send_dcap_quote(options: Options, output: Output) -> None:
    quote = read_hex(options.file)
    if options.xt_signer is None:
        await _forward(options, output, lambda client: client.forward_dcap_quote(quote))
    else:
        await _register(options, output, {"Dcap": {"proxied": True}}, quote)
    output.line("DCAP quote verification succeded.")  # as the original spells it


async def send_ias_report(options: Options, output: Output) -> None:
    certificate = read_hex(options.file)
    if options.xt_signer is None:
        await _forward(options, output, lambda client: client.forward_ias_report(certificate))
    else:
        await _register(options, output, "Ias", certificate)
    output.line("IAS attestation report verification succeded.")


async def _forward(options: Options, output: Output, ask: Callable[[WorkerClient], Awaitable[bytes]]) -> None:
    """A worker's refusal ends the command as the original does: with exit code 0."""
    from integritee.client.errors import RequestRefused

    from .connections import worker

    async with await worker(options) as client:
        try:
            extrinsic = await ask(client)
        except RequestRefused as refused:
            raise Tolerated(refused) from None
    output.fact("extrinsic", "0x" + extrinsic.hex())


async def _register(options: Options, output: Output, attestation_method: Any, evidence: bytes) -> None:
    from integritee.client.accounts import signer
    from integritee.client.keystore import KeyStore

    from .connections import include, node

    pair = signer(options.xt_signer, KeyStore.base())
    arguments = {"proof": evidence, "worker_url": None, "attestation_method": attestation_method}
    async with await node(options) as chain:
        call = chain.call("Teerex", "register_sgx_enclave", arguments)
        inclusion = await include(options, chain, await chain.sign(call, pair))
    output.fact("extrinsic_hash", "0x" + inclusion.extrinsic_hash.hex())
    output.fact("block_hash", "0x" + inclusion.block_hash.hex())


def read_hex(path: Path) -> bytes:
    """Bytes that a file holds as hex, 0x in front or not. Raises BadHex and OSError."""
    with path.open(errors="replace") as file:
        text = file.read(MAX_FILE + 1)
    try:
        if len(text) > MAX_FILE:
            raise ValueError
        return bytes.fromhex(text.strip().removeprefix("0x"))
    except ValueError:
        raise BadHex(str(path)) from None

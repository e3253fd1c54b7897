"""How a signed call gets to the enclave: straight, or through the parentchain."""

from __future__ import annotations

from typing import Any

from integritee.client.answers import StatusUpdate
from integritee.client.errors import OperationCancelled
from integritee.primitives.rpc import TrustedOperationStatus
from integritee.stf.operation import TrustedCallSigned

from .arguments import Options
from .connections import deadline
from .errors import Tolerated
from .invocation import invoke
from .json_values import json_value
from .output import Output
from .session import Session
from .signing import Parties
from .views import debug


async def signed_call(asked: Session, by: Parties, name: str, *arguments: Any) -> TrustedCallSigned:
    """A call of the account, with its next nonce. `arguments` are those after the account. Raises client errors."""
    nonce = await asked.client.next_nonce(by.account, by.pair)
    return await asked.client.sign(name, by.account, *arguments, signer=by.pair, nonce=nonce)


async def send(options: Options, output: Output, asked: Session, signed: TrustedCallSigned) -> None:
    """Straight to the enclave if the option `--direct` says so. Raises client errors, and Tolerated."""
    output.fact("call", asked.client.ledger.names[signed.call.definition])
    output.fact("nonce", signed.nonce)
    if options.direct:
        await submit(options, output, asked, signed)
    else:
        await invoke(options, output, asked, signed)


async def submit(options: Options, output: Output, asked: Session, signed: TrustedCallSigned) -> None:
    """Straight to the enclave: a line per status, until the last one.

    A call that ends without success ends the command as the original does: with exit code 0.
    """
    async with deadline(options, "the trusted call"), asked.client.watch(signed) as watch:
        top_hash = "0x" + watch.top_hash.hex()
        output.fact("top_hash", top_hash)
        async for update in watch:
            output.line(f"Trusted call {top_hash} is {debug(TrustedOperationStatus, update.status)}")
            output.append("updates", json_value(TrustedOperationStatus, update.status))
            _tolerate(update, watch.top_hash)


def _tolerate(update: StatusUpdate, top_hash: bytes) -> None:
    try:
        update.check(top_hash)
    except OperationCancelled as cancelled:
        raise Tolerated(cancelled) from None

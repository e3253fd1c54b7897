"""Trusted calls that travel through the parentchain (worker `cli/src/trusted_operation.rs`).

The shielded call is the argument of `EnclaveBridge.invoke`; the enclave confirms with
`EnclaveBridge.ProcessedParentchainBlock` that it has processed the block of that extrinsic. What the ledger made of
the call is between the account and the enclave.
"""

from __future__ import annotations

from typing import Any, Final

from integritee.client.accounts import signer
from integritee.client.keystore import KeyStore
from integritee.client.parentchain import BlockEvents, Inclusion
from integritee.primitives.ids import H256
from integritee.stf.operation import IndirectCall, TrustedCallSigned

from .arguments import Options
from .base import report_inclusion
from .connections import deadline, include, node
from .errors import ConfirmationMismatch, ConfirmationSkipped, ConfirmationTimeout
from .output import Output
from .session import Session
from .views import debug

TIMEOUT_BLOCKS: Final = 10
"""Blocks after that of the invocation in which the confirmation must come."""


async def invoke(options: Options, output: Output, asked: Session, signed: TrustedCallSigned) -> None:
    """Submit through the parentchain and wait for the confirmation.

    Raises ConfirmationTimeout, ConfirmationSkipped, ConfirmationMismatch, RequestTimeout and client errors.
    """
    output.fact("top_hash", "0x" + asked.client.ledger.top_hash(IndirectCall(signed)).hex())
    payer = signer(options.xt_signer, KeyStore.base())
    request = await asked.client.invocation(signed)
    async with await node(options) as chain, chain.event_stream() as batches:
        arguments = {"request": {"shard": request.shard, "cyphertext": request.cyphertext}}
        extrinsic = await chain.sign(chain.call("EnclaveBridge", "invoke", arguments), payer)
        inclusion = await include(options, chain, extrinsic)
        report_inclusion(output, "invoke TrustedOperation extrinsic", inclusion, with_block=True)
        confirmation = Confirmation(request.shard, inclusion, (await chain.header(inclusion.block_hash)).number)
        async with deadline(options, "the enclave's confirmation"):
            async for batch in batches:
                if confirmation.seen_in(batch, output):
                    return


class Confirmation:
    """The rule by which a block of the parentchain counts as processed by the shard's enclave."""

    def __init__(self, shard: bytes, inclusion: Inclusion, number: int) -> None:
        self._shard, self._hash, self._number = shard, inclusion.block_hash, number

    def seen_in(self, batch: BlockEvents, output: Output) -> bool:
        """Whether a block's events confirm it; every confirmation is shown, only those of the shard count.

        Raises ConfirmationTimeout, ConfirmationSkipped, ConfirmationMismatch.
        """
        for event in batch.events:
            if (event.pallet, event.name) == ("EnclaveBridge", "ProcessedParentchainBlock"):
                output.line(confirmation_line(event.fields))
                if event.fields["shard"] == self._shard and self._confirms(event.fields):
                    output.fact("processed_in", "0x" + batch.block_hash.hex())
                    return True
        if batch.number >= self._number + TIMEOUT_BLOCKS:
            raise ConfirmationTimeout(self._number, TIMEOUT_BLOCKS)
        return False

    def _confirms(self, fields: dict[str, Any]) -> bool:
        number, block_hash = fields["block_number"], fields["block_hash"]
        if number > self._number:
            raise ConfirmationSkipped(number, self._number)
        if number == self._number and block_hash != self._hash:
            raise ConfirmationMismatch(block_hash, self._hash)
        return bool(number == self._number)


def confirmation_line(fields: dict[str, Any]) -> str:
    """Rust's debug form of the event."""
    shown = [f"{name}: {debug(H256, fields[name])}" for name in ("shard", "block_hash", "trusted_calls_merkle_root")]
    number = f"block_number: {fields['block_number']}"
    return f"EnclaveBridge::ProcessedParentchainBlock {{ {', '.join([*shown, number])} }}"

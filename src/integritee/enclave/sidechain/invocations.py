"""What users asked of the enclave in the parentchain blocks that one sidechain block processes.

Calls are read when their block is processed and executed once all its blocks are, before those of the pool. They
never enter the pool: it does not survive a crash, the parentchain block would not be read again.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from integritee.crypto import blake2_256
from integritee.errors import IntegriteeError
from integritee.stf.errors import InvalidNonce, InvalidSignature

from ..errors import Undecipherable
from ..operations import signed_call
from ..parentchain.bridge_calls import BridgeCall
from ..parentchain.inbound import InboundBlock
from .author import BlockBuilder

ACCOUNT_LENGTH: Final = 32

log = logging.getLogger(__name__)


@dataclass
class Invocations:
    """Invocations that wait for their turn in one sidechain block, and whose nonces they used."""

    builder: BlockBuilder
    waiting: deque[tuple[int, bytes]] = field(default_factory=deque)
    """Deciphered, with the number of their parentchain block."""
    callers: set[bytes] = field(default_factory=set)
    """Accounts whose nonce moved although the pool knows nothing of it."""

    # -- reading -------------------------------------------------------------------------------------

    def read(self, block: InboundBlock) -> list[bytes]:
        """Take the calls of a block; hashes of those that its confirmation covers."""
        return [call.hash for call in block.calls if self._read(block.header.number, call)]

    def _read(self, number: int, call: BridgeCall) -> bool:
        if call.amount is not None:
            return self._shield(number, call, call.amount)
        if call.shard != self.builder.assignment.shard:
            return True
        if call.shielded is None:
            self._refuse(number, "above the limit")
        elif (plain := self.builder.assignment.decipher(call.shielded)) is None:
            self._refuse(number, Undecipherable.code)
        else:
            self.waiting.append((number, plain))
        return True

    def _shield(self, number: int, call: BridgeCall, amount: int) -> bool:
        """Credit the beneficiary; False if there is none. Funds of a shard with a vault come through the vault."""
        plain = self.builder.assignment.decipher(call.shielded) if call.shielded is not None else None
        is_readable = plain is not None and len(plain) >= ACCOUNT_LENGTH
        if call.shard == self.builder.assignment.shard:
            if plain is None or not is_readable:
                self._refuse(number, "shielding without a beneficiary")
            elif self.builder.runtime.vault() is not None:
                self._refuse(number, "shielding around the vault")
            else:
                self.builder.shield_through_bridge(plain[:ACCOUNT_LENGTH], amount)
        return is_readable

    def _refuse(self, number: int, why: str) -> None:
        self.builder.failed += 1
        log.warning("indirect call of parentchain block %d refused: %s", number, why)

    # -- executing -----------------------------------------------------------------------------------

    def execute(self, limit: int) -> bool:
        """Execute up to `limit` calls in the order of the parentchain; False when there was none."""
        count = min(limit, len(self.waiting))
        for _ in range(count):
            number, plain = self.waiting.popleft()
            try:
                self._execute(number, plain)
            except IntegriteeError as refused:
                self._refuse(number, refused.code)
        return count > 0

    def _execute(self, number: int, plain: bytes) -> None:
        """Raises InvalidTop, UnsupportedOperation if this is no call. The log tells nothing of an account."""
        signed = signed_call(self.builder.ledger, plain)
        outcome = self.builder.execute(blake2_256(plain), signed, verified=False)
        if outcome.charged:
            self.callers.add(signed.call.sender)
        if outcome.error is not None:
            is_telling = not isinstance(outcome.error, InvalidNonce | InvalidSignature)
            why = "the ledger refused it" if is_telling else outcome.error.code
            log.warning("indirect call of parentchain block %d failed: %s", number, why)

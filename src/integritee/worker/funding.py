"""How much money the enclave account needs on a parentchain, and where a dev set-up gets it.

The estimate follows worker `service/src/account_funding.rs`: deposits and fees of registering where there is a
registry, the vault's share where it is, then a thousand transfers' worth of fees.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from integritee.client.parentchain import ParentchainClient
from integritee.crypto import Sr25519Pair, ss58_encode
from integritee.errors import IntegriteeError
from integritee.primitives.ids import Id
from integritee.primitives.teerex import Dcap

from .errors import FundingFailed

DUMMY_PROOF: Final = 5000
DUMMY_URL: Final = 256
TRANSFER_AMOUNT: Final = 10**12
FEE_RESERVE: Final = 1000
VAULT_FEE_RESERVE: Final = 500
REGISTRATIONS: Final = 5
PROXIES: Final = 10
NOBODY: Final = bytes(32)

FUNDING_LIMIT: Final = 120.0
"""Seconds a transfer from //Alice may take until it is in a block."""

REMINDER_PAUSE: Final = 60.0
"""Seconds after which the operator is told again how much is missing."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Funding:
    """Base units the enclave account and the vault should hold on a chain; the vault's are part of the account's."""

    required: int
    vault: int


async def estimate(chain: ParentchainClient, holds_vault: bool) -> Funding:
    """Ask the chain for its deposits and fees. Raises ClientError, MetadataError if it has no Balances, or no Proxy
    for a vault."""
    existential = int(chain.runtime.metadata.constant("Balances", "ExistentialDeposit"))
    transfer = await _transfer_fee(chain)
    vault = _vault_deposits(chain) + VAULT_FEE_RESERVE * transfer + existential if holds_vault else 0
    registrations = REGISTRATIONS * await _registration_fee(chain)
    return Funding(existential + vault + FEE_RESERVE * transfer + registrations, vault)


async def _transfer_fee(chain: ParentchainClient) -> int:
    args = {"dest": Id(NOBODY), "value": TRANSFER_AMOUNT}
    return await chain.fee(chain.call("Balances", "transfer_keep_alive", args), NOBODY)


async def _registration_fee(chain: ParentchainClient) -> int:
    """0 on chains that register no enclaves."""
    if not chain.runtime.metadata.has_pallet("Teerex"):
        return 0
    args = {
        "proof": bytes(DUMMY_PROOF),
        "worker_url": bytes(DUMMY_URL),
        "attestation_method": Dcap(False),
    }
    return await chain.fee(chain.call("Teerex", "register_sgx_enclave", args), NOBODY)


def _vault_deposits(chain: ParentchainClient) -> int:
    metadata = chain.runtime.metadata
    base, factor = (int(metadata.constant("Proxy", f"ProxyDeposit{part}")) for part in ("Base", "Factor"))
    return base + PROXIES * factor


async def fund_from_alice(chain: ParentchainClient, account: bytes, amount: int) -> None:
    """Send `amount` base units from //Alice and wait for inclusion. Raises FundingFailed."""
    alice = Sr25519Pair.from_uri("//Alice")
    args = {"dest": Id(account), "value": amount}
    try:
        async with asyncio.timeout(FUNDING_LIMIT):
            call = chain.call("Balances", "transfer_keep_alive", args)
            await chain.submit_and_watch(await chain.sign(call, alice))
    except IntegriteeError as failed:  # of the connection, or because the chain's transactions are beyond us
        raise FundingFailed(ss58_encode(account), amount, str(failed)) from None
    except TimeoutError:
        raise FundingFailed(ss58_encode(account), amount, f"not included within {FUNDING_LIMIT:g} s") from None


class Purse:
    """The enclave account on one chain. `dev`: //Alice fills it; otherwise the operator is asked to, by `say`."""

    def __init__(self, chain_name: str, account: bytes, dev: bool, say: Callable[[str], None]) -> None:
        self._name, self._account, self._dev, self._say = chain_name, account, dev, say
        self._busy = asyncio.Lock()
        self._told: tuple[int, float] | None = None

    async def fill(self, chain: ParentchainClient, amount: int) -> None:
        """Base units are missing. Failures are logged: the enclave says it again."""
        if self._busy.locked():
            return
        async with self._busy:
            if self._dev:
                await self._fill_from_alice(chain, amount)
            else:
                self._remind(amount, asyncio.get_running_loop().time())

    async def _fill_from_alice(self, chain: ParentchainClient, amount: int) -> None:
        self._say(f"[{self._name}] //Alice sends {amount} base units to {ss58_encode(self._account)}")
        try:
            await fund_from_alice(chain, self._account, amount)
        except FundingFailed as failed:
            log.error("[%s] %s (%s)", self._name, failed, failed.code)

    def _remind(self, amount: int, now: float) -> None:
        if self._told is not None and self._told[0] == amount and now - self._told[1] < REMINDER_PAUSE:
            return
        self._told = amount, now
        account = ss58_encode(self._account)
        self._say(f"[{self._name}] [!] the enclave account {account} needs {amount} more base units")

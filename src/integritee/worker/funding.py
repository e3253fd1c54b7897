"""How much money the enclave account needs on a parentchain, and where a dev set-up gets it.

The estimate follows worker `service/src/account_funding.rs`: deposits and fees of registering where there is a
registry, the vault's share where it is, then a thousand transfers' worth of fees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from integritee.client.errors import ClientError
from integritee.client.parentchain import ParentchainClient
from integritee.crypto import Sr25519Pair, ss58_encode
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


@dataclass(frozen=True)
class Funding:
    """Base units the enclave account and the vault should hold on a chain; the vault's are part of the account's."""

    required: int
    vault: int


async def estimate(chain: ParentchainClient, holds_vault: bool = True) -> Funding:
    """Ask the chain for its deposits and fees. Raises ClientError, MetadataError if it has no Balances, or no Proxy
    for a vault."""
    existential = int(chain.runtime.metadata.constant("Balances", "ExistentialDeposit"))
    transfer = await _transfer_fee(chain)
    vault = _vault_deposits(chain) + VAULT_FEE_RESERVE * transfer + existential if holds_vault else 0
    registrations = REGISTRATIONS * await _registration_fee(chain)
    return Funding(existential + vault + FEE_RESERVE * transfer + registrations, vault)


async def _transfer_fee(chain: ParentchainClient) -> int:
    args = {"dest": Id(NOBODY), "value": TRANSFER_AMOUNT}
    return await chain.fee(chain.call("Balances", "transfer_allow_death", args), NOBODY)


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
    call = chain.call("Balances", "transfer_allow_death", {"dest": Id(account), "value": amount})
    try:
        await chain.submit_and_watch(await chain.sign(call, alice))
    except ClientError as failed:
        raise FundingFailed(ss58_encode(account), amount, str(failed)) from None

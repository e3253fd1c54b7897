"""How much money the enclave account needs on the parentchain, and where a dev set-up gets it.

The estimate follows worker `service/src/account_funding.rs`: deposits and fees of onboarding, then a thousand
transfers' worth of fees.
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


@dataclass(frozen=True)
class Funding:
    """Base units the enclave account and the vault should hold."""

    required: int
    vault: int


async def estimate(chain: ParentchainClient) -> Funding:
    """Ask the chain for its deposits and fees."""
    metadata = chain.runtime.metadata
    existential = int(metadata.constant("Balances", "ExistentialDeposit"))
    nobody = bytes(32)
    transfer = await chain.fee(
        chain.call("Balances", "transfer_allow_death", {"dest": Id(nobody), "value": TRANSFER_AMOUNT}), nobody
    )
    args = {
        "proof": bytes(DUMMY_PROOF),
        "worker_url": bytes(DUMMY_URL),
        "attestation_method": Dcap(False),
    }
    register = await chain.fee(chain.call("Teerex", "register_sgx_enclave", args), nobody)
    deposits = int(metadata.constant("Proxy", "ProxyDepositBase"))
    deposits += 10 * int(metadata.constant("Proxy", "ProxyDepositFactor"))
    vault = deposits + VAULT_FEE_RESERVE * transfer + existential
    required = existential + vault + FEE_RESERVE * transfer + REGISTRATIONS * register
    return Funding(required, vault)


async def fund_from_alice(chain: ParentchainClient, account: bytes, amount: int) -> None:
    """Send `amount` base units from //Alice and wait for inclusion. Raises FundingFailed."""
    alice = Sr25519Pair.from_uri("//Alice")
    call = chain.call("Balances", "transfer_allow_death", {"dest": Id(account), "value": amount})
    try:
        await chain.submit_and_watch(await chain.sign(call, alice))
    except ClientError as failed:
        raise FundingFailed(ss58_encode(account), amount, str(failed)) from None

"""The ledger's runtime: which pallets hold its state (worker `app-libs/sgx-runtime`)."""

from __future__ import annotations

from typing import ClassVar, Final

from integritee.frame.pallets.balances import Balances
from integritee.frame.pallets.system import RuntimeVersion, System
from integritee.frame.runtime import Runtime, use
from integritee.primitives.ids import ParentchainId

from .chain_specs import ChainSpec, spec_of
from .pallets.enclave_account import EnclaveAccount
from .pallets.parentchain import Parentchain
from .pallets.shard_management import ShardManagement
from .pallets.timestamp import Timestamp

EXISTENTIAL_DEPOSIT: Final = 500
ENCLAVE_ENDOWMENT: Final = 1000
"""Base units the enclave account starts with, so that it exists."""

VERSION: Final = RuntimeVersion("node-template", "node-template", 1, 1, 1, [], 1, 0)


class LedgerRuntime(Runtime):
    """Accounts that die keep their nonce, so that no old call can ever run again."""

    name = "integritee_ledger"
    pallet_names: ClassVar[dict[str, str]] = {
        "enclave_account": "Sudo",
        "integritee": "ParentchainIntegritee",
        "target_a": "ParentchainTargetA",
        "target_b": "ParentchainTargetB",
    }

    system = use(0, System, version=VERSION, ss58_prefix=42, retain_nonce=True)
    timestamp = use(1, Timestamp)
    balances = use(2, Balances, existential_deposit=EXISTENTIAL_DEPOSIT)
    enclave_account = use(4, EnclaveAccount)
    shard_management = use(5, ShardManagement)
    integritee = use(10, Parentchain)
    target_a = use(11, Parentchain)
    target_b = use(12, Parentchain)

    def parentchain(self, which: ParentchainId) -> Parentchain:
        """The mirror of a parentchain."""
        return (self.integritee, self.target_a, self.target_b)[which]

    def vault(self) -> tuple[bytes, ParentchainId] | None:
        """The shard's vault account and the chain it lives on."""
        for which in ParentchainId:
            account = self.parentchain(which).shard_vault.get()
            if account is not None:
                return account, which
        return None

    def shielding_target(self) -> ParentchainId:
        """The chain funds come from: the vault's, else Integritee."""
        vault = self.vault()
        return vault[1] if vault else ParentchainId.Integritee

    def chain_spec(self) -> ChainSpec:
        """Facts of the shielding target."""
        genesis = self.parentchain(self.shielding_target()).parentchain_genesis_hash.get()
        return spec_of(genesis or bytes(32))

    def initialize_genesis(self, enclave_account: bytes) -> None:
        """Fresh state of a shard."""
        self.enclave_account.account.put(enclave_account)
        self.balances.mint(enclave_account, ENCLAVE_ENDOWMENT)

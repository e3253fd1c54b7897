"""The ledger's runtime: which pallets hold its state (worker `app-libs/sgx-runtime`).

These pallets are every ledger's; apps bring others (`ledger.runtime_of`).
"""

from __future__ import annotations

from typing import ClassVar, Final

from integritee.crypto import blake2_256
from integritee.frame.overlay import Overlay
from integritee.frame.pallets.balances import Balances
from integritee.frame.pallets.system import RuntimeVersion, System
from integritee.frame.runtime import Runtime, use
from integritee.primitives.ids import ParentchainId

from .chain_specs import DEVELOPMENT, ChainSpec, spec_of
from .development import ENDOWMENTS, ROOT, TOKENS_OF_EACH_ASSET
from .pallets.assets import Assets
from .pallets.enclave_account import EnclaveAccount
from .pallets.notes import Notes
from .pallets.parentchain import Parentchain
from .pallets.session_proxy import SessionProxy
from .pallets.shard_management import ShardManagement
from .pallets.timestamp import Timestamp

EXISTENTIAL_DEPOSIT: Final = 500
ENCLAVE_ENDOWMENT: Final = 1000
"""Base units the enclave account starts with, so that it exists."""

MAINTAINER: Final = bytes.fromhex("947557f2fc60a71d764557770f398e52d808d2660cd52e4cd60590999471595f")
"""The account that looks after the network: 5FRMoVZyb7X32tvzdPxtbYhTjb4y7e7ynWdt8AArJsqr7xBn."""

VERSION: Final = RuntimeVersion("node-template", "node-template", 1, 1, 1, [], 1, 0)


class LedgerRuntime(Runtime):
    """Accounts that die keep their nonce, so that no old call can ever run again."""

    name = "integritee_ledger"
    development: ClassVar[bool] = False
    """Rich accounts and a sudo key at genesis; assets on chains that are not known."""
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
    notes = use(40, Notes)
    session_proxy = use(41, SessionProxy)
    assets = use(50, Assets)

    def __init__(self, state: Overlay | None = None) -> None:
        super().__init__(state)
        self.secret = bytes(32)
        """What `lasting_random` derives from; the enclave sets it."""
        self.entropy = bytes(32)
        self.asker = b""
        """Who has signed the getter that is being answered; empty if it is public."""
        self._mirrors = tuple(zip(ParentchainId, (self.integritee, self.target_a, self.target_b), strict=True))

    def parentchain(self, which: ParentchainId) -> Parentchain:
        """The mirror of a parentchain."""
        return self._mirrors[which][1]

    def vault(self) -> tuple[bytes, ParentchainId] | None:
        """The shard's vault account and the chain it lives on."""
        for which, mirror in self._mirrors:
            account = mirror.shard_vault.get()
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
        return spec_of(genesis or bytes(32), self.development)

    def random(self, purpose: bytes) -> bytes:
        """32 bytes that are the same for the same block and purpose, and that only the enclave knows."""
        return blake2_256(self.entropy + purpose)

    def lasting_random(self, purpose: bytes) -> bytes:
        """32 bytes that are the same in all blocks, and that only the enclave knows."""
        return blake2_256(self.secret + purpose)

    def initialize_genesis(self, enclave_account: bytes) -> None:
        """Fresh state of a shard."""
        self.enclave_account.account.put(enclave_account)
        self.balances.mint(enclave_account, ENCLAVE_ENDOWMENT)
        if self.development:
            self.enclave_account.key.put(ROOT)
            for account, amount in ENDOWMENTS.items():
                self.balances.mint(account, amount)
            for asset in DEVELOPMENT.assets:
                self.assets.ensure(asset, enclave_account)
                self.assets.mint_into(asset, ROOT, TOKENS_OF_EACH_ASSET * asset.one_unit)
        self.shard_management.unbacked.put(self.balances.total_issuance.get())

    def begin_block(self, number: int, now: int, entropy: bytes) -> None:
        """Start sidechain block `number` at Unix time `now` (ms); `entropy` (32 bytes) feeds `random`."""
        self.entropy = entropy
        self.system.number.put(number)
        self.system.event_records.kill()
        self.system.event_count.kill()
        self.timestamp.now.put(now)

    def run_hooks(self, number: int, now: int) -> None:
        """What happens in every block before its calls, when time and configuration of the parentchain are known."""
        for pallet in self.pallets.values():
            pallet.on_initialize(number)
            pallet.on_timestamp_set(now)
